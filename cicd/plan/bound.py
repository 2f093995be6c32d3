"""What a plan is bound to, and what of it has moved between a saved plan and a fresh one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from cicd.model import Plan, Stage, identity
from cicd.plan.document import SCHEMA_VERSION, to_document

OPTIONS = ("select", "exclude", "rerun", "replace")
"""The options that decide what a plan is about; a saved plan brings its own."""
FLAGS = ("refresh_secrets",)
"""The same, for those that are there or not."""

FILES = "files."
"""What the path of a field that is the digest of a file begins with."""

Document = Mapping[str, Any]


def bind(
    stage: Stage,
    options: Mapping[str, Collection[str]],
    *,
    is_offline: bool = False,
    refresh_secrets: bool = False,
) -> dict[str, Any]:
    """What a plan is made from, as JSON data: digests and slow hashes, never a value."""
    digests: dict[str, list[str]] = {}
    for program in stage.programs:
        digests.setdefault(program.file, []).append(program.digest)
    return {
        "stage_digest": stage.source_digest,
        "variables": dict(stage.variables),
        "templates": {
            file: hashlib.sha256(" ".join(sorted(found)).encode()).hexdigest()
            for file, found in sorted(digests.items())
        },
        "options": {
            **{name: sorted(options.get(name, ())) for name in OPTIONS},
            "refresh_secrets": refresh_secrets,
        },
        "offline": is_offline,
        **({"taken": dict(stage.taken)} if stage.taken else {}),
    }


def saved_options(document: Document) -> dict[str, tuple[str, ...] | bool]:
    """The options that a saved plan was made with: OPTIONS as texts, FLAGS as bool."""
    options = _map(_map(document, "bound"), "options")
    found = {name: options.get(name) for name in OPTIONS}
    texts = {
        name: tuple(map(str, values)) if isinstance(values, list) else ()
        for name, values in found.items()
    }
    return {**texts, **{name: options.get(name) is True for name in FLAGS}}


def explain_version(document: Document) -> str:
    """Why a plan of another version cannot be compared; empty when it can."""
    version, tool = document.get("schema_version"), document.get("tool_version") or "unknown"
    if version == SCHEMA_VERSION:
        return ""
    return (
        f"it was made by cicd {tool} with schema_version {_text(version)}, "
        f"and this one reads schema_version {SCHEMA_VERSION}"
    )


def explain_place(saved: Document, stage: Stage) -> str:
    """That a saved plan is another stage's than this one; empty when it is not."""
    project, name = (str(saved.get(part) or "") for part in ("project", "stage"))
    made_for = identity(project, name)
    return f"was made for {made_for}, not {stage.identity}" if made_for != stage.identity else ""


def explain_drift(
    saved: Document, plan: Plan, *, told: Callable[[Plan], Document] = to_document
) -> list[str]:
    """What moved between a saved plan and a fresh one, a line each; empty when nothing did.

    ``told``: how plans are saved.
    """
    if _map(saved, "bound").get("offline"):
        return ["it was made with --offline, so nobody has looked at what is live"]
    # The fingerprint covers all that decides what apply does. What follows only explains in which
    # part it differs, as far as the saved document tells.
    if saved.get("fingerprint") == plan.fingerprint:
        return []
    fresh = told(plan)
    moved = [
        f"{name}: was {_text(saved.get(name))}, is now {_text(fresh.get(name, ''))}"
        for name in ("project", "stage", "platform", "target", "commit")
        if saved.get(name, "") != fresh.get(name, "")
    ]
    if "stage_digest" in _map(saved, "bound"):
        moved += _moved_sources(_map(saved, "bound"), _map(fresh, "bound"))
    else:
        moved.append("it does not say which stage file and variables it was made from")
    before, after = _by(saved, "changes", "key"), _by(fresh, "changes", "key")
    for key in dict.fromkeys([*before, *after]):
        moved += _moved_change(key, before.get(key), after.get(key))
    return moved or ["a watched file, an environment variable or a secret of the stage changed"]


def _moved_sources(before: Document, after: Document) -> Iterator[str]:
    """What moved in the repository and on the command line."""
    if before.get("stage_digest") != after.get("stage_digest"):
        yield "the stage file was edited"
    for name, what in _differences(before, after, "variables"):
        yield f"variable {name} {what}"
    for file, what in _differences(before, after, "templates"):
        yield f"template {file} {what}"
    for name, what in _differences(before, after, "taken"):
        yield f"{name} {what}"


def _differences(before: Document, after: Document, name: str) -> Iterator[tuple[str, str]]:
    """(entry, what happened to it) of two maps of digests."""
    was, now = _map(before, name), _map(after, name)
    for entry in sorted({*was, *now}):
        if was.get(entry) != now.get(entry):
            yield entry, "is new" if entry not in was else "changed" if entry in now else "is gone"


def _moved_change(key: str, before: Document | None, after: Document | None) -> list[str]:
    if before is None or after is None:
        where = "is now in the plan" if before is None else "is not in the plan any more"
        return [f"{key}: {where} ({(before or after or {}).get('action')})"]
    if before.get("action") != after["action"]:
        was, now = before.get("action"), after["action"]
        return [f"{key}: was {was}, is now {now} ({after['reason']})"]
    if before.get("id") != after["id"]:
        return [f"{key}: was {before.get('id') or 'nothing'}, is now {after['id'] or 'nothing'}"]
    was_fields, now_fields = _by(before, "fields", "path"), _by(after, "fields", "path")
    differing = [
        path
        for path in dict.fromkeys([*was_fields, *now_fields])
        if _values(was_fields.get(path)) != _values(now_fields.get(path))
    ]
    files = [path for path in differing if path.startswith(FILES)]
    told = [f"{key}: file {path.removeprefix(FILES)} changed" for path in files]
    return told + [
        f"{key}: {path} was {_arrow(was_fields.get(path))}, is now {_arrow(now_fields.get(path))}"
        for path in differing
        # one digest of all of them says less than the files that changed
        if path not in files and not (files and path == "inputs")
    ]


def _map(document: Document, name: str) -> Document:
    """A part of a document that should be a map; a saved document may have been edited by hand."""
    part = document.get(name)
    return part if isinstance(part, Mapping) else {}


def _by(document: Document, name: str, key: str) -> dict[str, Document]:
    """A list of maps by one of their entries."""
    items = document.get(name)
    return {
        str(item.get(key)): item
        for item in (items if isinstance(items, list) else ())
        if isinstance(item, Mapping)
    }


def _values(field: Document | None) -> tuple[Any, Any] | None:
    return (field.get("before"), field.get("after")) if field else None


def _arrow(field: Document | None) -> str:
    return f"{_text(field.get('before'))} → {_text(field.get('after'))}" if field else "unchanged"


def _text(value: Any) -> str:
    if isinstance(value, Mapping) and "known_after_apply" in value:
        return "(known after apply)"
    return json.dumps(value, ensure_ascii=False)
