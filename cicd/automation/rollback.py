"""What a deployment can go back to, and what comes of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cicd.automation.session import Session
from cicd.errors import CicdError, Usage
from cicd.model import Change, LiveResource, Plan

if TYPE_CHECKING:
    from cicd.plan.history import Version


def read_versions(session: Session, key: str) -> tuple[Change, list[Version]]:
    """The deployment that is meant, and what it can go back to."""
    from cicd.plan.history import read_history

    change = pick(session.plan(review=False), key)
    if change.live is None:
        raise CicdError(f"{change.key} is not deployed", hint="cicd apply deploys it")
    return change, read_history(change.live, session.live, session.platform.kinds, change.desired)


def pick(plan: Plan, key: str) -> Change:
    """The change of the deployment that is meant. Raises Usage when none is."""
    deployments = [change for change in plan.changes if change.key.kind == "deployment"]
    for change in deployments:
        if key in {str(change.key), change.key.name}:
            return change
    if any(key in {str(change.key), change.key.name} for change in plan.changes):
        raise Usage(f"{key} is no deployment", hint="only deployments can be rolled back")
    known = ", ".join(str(change.key) for change in deployments) or "none"
    raise Usage(f"{plan.stage} has no deployment {key}", hint=f"it has: {known}")


def explain_next(change: Change, target: LiveResource, file: str) -> str:
    """What the next apply makes of a rollback."""
    told = f"{change.key} runs configuration {target.id} now"
    asked = change.desired.spec.get("configuration") if change.desired else None
    if asked == target.id:
        return f"{told}, as {file} asks for"
    other = asked if isinstance(asked, str) else "another one"
    return (
        f"{told}; {file} still asks for {other}: the next apply brings that back "
        "unless the change is reverted in Git"
    )


def row(version: Version, failed: Mapping[str, str]) -> dict[str, Any]:
    """One configuration as plain data."""
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
