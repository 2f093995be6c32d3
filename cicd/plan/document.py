"""Plan <-> JSON: the plan document (DESIGN.md section 6), the fingerprint, what moved since.

Values that exist only after apply are written ``{"known_after_apply": "execution/train.id"}``,
secrets ``"***"``.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from cicd import __version__
from cicd.model import Change, Plan, Ref, Secret, Stage

SCHEMA_VERSION = 1
_HASH_ROUNDS = 50_000


def to_document(plan: Plan) -> dict[str, Any]:
    """The plan as plain JSON data; keys are stable, additions only."""
    return {
        "schema_version": SCHEMA_VERSION,
        "tool_version": __version__,
        "stage": plan.stage,
        "platform": plan.platform,
        "target": dict(plan.target),
        "commit": plan.commit,
        "created_at": plan.created_at,
        "fingerprint": plan.fingerprint,
        "summary": {action.value: count for action, count in plan.summary.items()},
        "changes": [_change(change) for change in plan.changes],
        "warnings": list(plan.warnings),
    }


def _change(change: Change) -> dict[str, Any]:
    return {
        "key": str(change.key),
        "kind": change.key.kind,
        "name": change.key.name,
        "action": change.action.value,
        "reason": change.reason,
        "id": change.id,
        "depends_on": sorted(str(key) for key in change.depends_on),
        "fields": [
            {
                "path": field.path,
                "before": plain(field.before),
                "after": plain(field.after),
                "reason": field.reason,
            }
            for field in change.fields
        ],
    }


def plain(value: Any, secret: Callable[[Secret], str] = str) -> Any:
    """``value`` as JSON data; ``secret`` says what stands for a Secret."""
    if isinstance(value, Ref):
        return {"known_after_apply": f"{value.key}.{value.output}"}
    if isinstance(value, Secret):
        return secret(value)
    if isinstance(value, Mapping):
        return {str(name): plain(item, secret) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item, secret) for item in value]
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    return str(value)


def dumps(plan: Plan) -> str:
    """The document as text, in ASCII so that no console or file encoding can break it."""
    return json.dumps(to_document(plan), indent=2) + "\n"


def fingerprint(stage: Stage, changes: Iterable[Change]) -> str:
    """sha256 (hex) over all that an apply depends on: stage content, target, commit, every change.

    The same whenever nothing moved: times, reasons and the order of changes do not count.
    """

    def marker(secret: Secret) -> str:
        # slow and salted on purpose: plan documents get around, and secrets may be short
        value, salt = secret.reveal().encode(), f"{stage.name} {stage.digest}".encode()
        return "secret:" + hashlib.pbkdf2_hmac("sha256", value, salt, _HASH_ROUNDS).hex()

    def essence(change: Change) -> list[Any]:
        fields = [
            [field.path, plain(field.before, marker), plain(field.after, marker)]
            for field in change.fields
        ]
        return [str(change.key), change.action.value, change.id, fields]

    content = {
        "digest": stage.digest,
        "stage": stage.name,
        "platform": stage.platform,
        "target": dict(stage.target),
        "commit": stage.commit,
        "changes": sorted((essence(change) for change in changes), key=lambda item: item[:3]),
    }
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def explain_drift(saved_document: Mapping[str, Any], plan: Plan) -> list[str]:
    """What moved between a saved plan and a fresh one, a line each; empty when nothing did."""
    if saved_document.get("fingerprint") == plan.fingerprint:
        return []
    fresh = to_document(plan)
    moved = [
        f"{name}: was {_text(saved_document.get(name))}, is now {_text(fresh[name])}"
        for name in ("stage", "platform", "target", "commit")
        if saved_document.get(name) != fresh[name]
    ]
    before, after = _by(saved_document, "changes", "key"), _by(fresh, "changes", "key")
    for key in dict.fromkeys([*before, *after]):
        moved += _drift_of_change(key, before.get(key), after.get(key))
    return moved or ["the stage file, its variables or a secret changed"]


def _drift_of_change(
    key: str, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
) -> list[str]:
    if before is None or after is None:
        where = "is now in the plan" if before is None else "is not in the plan any more"
        return [f"{key}: {where} ({(before or after or {}).get('action')})"]
    if before.get("action") != after["action"]:
        was, now = before.get("action"), after["action"]
        return [f"{key}: was {was}, is now {now} ({after['reason']})"]
    if before.get("id") != after["id"]:
        return [f"{key}: was {before.get('id') or 'nothing'}, is now {after['id'] or 'nothing'}"]
    was_fields, now_fields = _by(before, "fields", "path"), _by(after, "fields", "path")
    return [
        f"{key}: {path} was {_arrow(was_fields.get(path))}, is now {_arrow(now_fields.get(path))}"
        for path in dict.fromkeys([*was_fields, *now_fields])
        if _values(was_fields.get(path)) != _values(now_fields.get(path))
    ]


def _by(document: Mapping[str, Any], name: str, key: str) -> dict[str, Mapping[str, Any]]:
    """A list of maps by one of their entries; a saved document may have been edited by hand."""
    items = document.get(name)
    return {
        str(item.get(key)): item
        for item in (items if isinstance(items, list) else ())
        if isinstance(item, Mapping)
    }


def _values(field: Mapping[str, Any] | None) -> tuple[Any, Any] | None:
    return (field.get("before"), field.get("after")) if field else None


def _arrow(field: Mapping[str, Any] | None) -> str:
    return f"{_text(field.get('before'))} → {_text(field.get('after'))}" if field else "unchanged"


def _text(value: Any) -> str:
    if isinstance(value, Mapping) and "known_after_apply" in value:
        return "(known after apply)"
    return json.dumps(value, ensure_ascii=False)
