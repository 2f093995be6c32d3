"""What a service can go back to, and what comes of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cicd.automation.session import Session
from cicd.errors import CicdError, Usage
from cicd.model import Change, Kind, LiveResource, Plan, plural

if TYPE_CHECKING:
    from cicd.plan.history import Version


def read_versions(session: Session, key: str) -> tuple[Change, list[Version]]:
    """The service that is meant, and what it can go back to."""
    from cicd.plan.history import read_history

    change = pick(session.plan(review=False), key, session.platform.kinds)
    if change.live is None:
        raise CicdError(f"{change.key} is not deployed", hint="cicd apply deploys it")
    return change, read_history(change.live, session.live, session.platform.kinds, change.desired)


def pick(plan: Plan, key: str, kinds: Mapping[str, Kind]) -> Change:
    """The change of the service that is meant. Raises Usage when none is."""
    able = [kind.name for kind in kinds.values() if kind.is_service and kind.version]
    word = " or ".join(able) or "service"
    services = [change for change in plan.changes if change.key.kind in able]
    for change in services:
        if key in {str(change.key), change.key.name}:
            return change
    if any(key in {str(change.key), change.key.name} for change in plan.changes):
        many = " and ".join(map(plural, able))
        hint = f"only {many} can be rolled back" if able else "nothing of this platform can be"
        raise Usage(f"{key} is no {word}", hint=hint)
    known = ", ".join(str(change.key) for change in services) or "none"
    raise Usage(f"{plan.stage} has no {word} {key}", hint=f"it has: {known}")


def explain_next(change: Change, target: LiveResource, file: str, field: str) -> str:
    """What the next apply makes of a rollback; ``field``: says which content the service runs."""
    told = f"{change.key} runs {target.key.kind} {target.id} now"
    asked = change.desired.spec.get(field) if change.desired else None
    if asked == target.id:
        return f"{told}, as {file} asks for"
    other = asked if isinstance(asked, str) else "another one"
    return (
        f"{told}; {file} still asks for {other}: the next apply brings that back "
        "unless the change is reverted in Git"
    )


def row(version: Version, failed: Mapping[str, str]) -> dict[str, Any]:
    """One version as plain data."""
    from cicd.plan.document import plain

    return {
        "id": version.content.id,
        "name": version.content.spec.get("name", ""),
        "created_at": version.content.created_at,
        "running": version.is_running,
        "failed": failed.get(version.content.id, ""),
        "fields": [
            {"path": field.path, "before": plain(field.before), "after": plain(field.after)}
            for field in version.fields
        ],
    }
