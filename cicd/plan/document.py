"""Plan -> JSON: the plan document and the fingerprint.

Values that exist only after apply are written ``{"known_after_apply": "execution/train.id"}``,
secrets ``"***"``.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from typing import Any

from cicd.errors import Remark
from cicd.model import Change, FieldChange, Plan, Ref, Secret, Stage
from cicd.version import __version__

SCHEMA_VERSION = 1
_HASH_ROUNDS = 50_000
_FINAL_ROUNDS = 2_000


def to_document(plan: Plan) -> dict[str, Any]:
    """The plan as plain JSON data; keys are stable, additions only.

    ``problems`` are those of the warnings that are about a place in a file; the key is there where
    one is.
    """
    problems = [asdict(text.problem) for text in plan.warnings if isinstance(text, Remark)]
    return {
        "schema_version": SCHEMA_VERSION,
        "tool_version": __version__,
        "stage": plan.stage,
        "platform": plan.platform,
        "target": dict(plan.target),
        "commit": plan.commit,
        "created_at": plan.created_at,
        "fingerprint": plan.fingerprint,
        "summary": {str(action): count for action, count in plan.summary.items()},
        "changes": [_change(change) for change in plan.changes],
        "warnings": list(plan.warnings),
        "refusal": plan.refusal,
        "hints": list(plan.hints),
        "treatment": [_field(field) for field in plan.treatment],
        "bound": plain(plan.bound),
        **({"problems": problems} if problems else {}),
        **({"lifecycle": plan.lifecycle.document} if plan.lifecycle else {}),
        **({"project": plan.project} if plan.project else {}),
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
        "fields": [_field(field) for field in change.values],
        "consequence": change.consequence,
        "causes": [_field(field) for field in change.causes],
        "treatment": [_field(field) for field in change.treatment],
        "templates": list(change.templates),
        "role": change.role,
        **({"keeps_url": True} if change.keeps_url else {}),
    }


def _field(field: FieldChange) -> dict[str, Any]:
    return {
        "path": field.path,
        "before": plain(field.before),
        "after": plain(field.after),
        "reason": field.remark,
    }


def plain(value: Any, secret: Callable[[Secret], str] = str) -> Any:
    """``value`` as JSON data; ``secret`` says what stands for a Secret."""
    if isinstance(value, Ref):
        return {"known_after_apply": value.name}
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


def fingerprint(stage: Stage, changes: Iterable[Change]) -> str:
    """A hash (hex) over all that an apply depends on: stage content, target, commit, every change.

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
        # a first run has no fields, and yet depends on its code
        inputs = change.desired.spec.get("inputs") if change.desired else None
        found = [str(change.key), change.action.value, change.id, fields, plain(inputs, marker)]
        # what is brought from elsewhere than here, as from a tag
        commit = change.desired.spec.get("commit") if change.desired else None
        return [*found, str(commit)] if commit not in {None, stage.commit} else found

    content: dict[str, Any] = {
        "digest": stage.digest,
        "stage": stage.name,
        "platform": stage.platform,
        "target": dict(stage.target),
        "commit": stage.commit,
        "changes": sorted((essence(change) for change in changes), key=lambda item: item[:3]),
    }
    if stage.project:
        content["project"] = stage.project
    if stage.taken:
        content["taken"] = dict(stage.taken)
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    # slow too: the rest of it is public, so a single unknown value could be tried out
    return hashlib.pbkdf2_hmac("sha256", text.encode(), b"plan", _FINAL_ROUNDS).hex()
