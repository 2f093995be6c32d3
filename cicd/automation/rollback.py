"""A service goes back to what it ran before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from cicd.automation.applying import finish
from cicd.automation.events import Planned
from cicd.automation.failed import failed_tests
from cicd.automation.lock import StageLock
from cicd.automation.operation import Operation, Work, agree, execute, locked
from cicd.automation.rolled_back import remember_rollback
from cicd.automation.session import Session, now
from cicd.errors import CicdError, Usage
from cicd.model import Change, Kind, LiveResource, Plan
from cicd.words import plural

if TYPE_CHECKING:
    from cicd.plan.history import Version


def go_back(operation: Operation, key: str, wanted: str | None) -> Work:
    """Give a service the content ``wanted``, by its id or its start, else the one that it
    had before; one that failed its test is gone back to only by its id."""
    from cicd.plan.history import choose_version

    session = operation.session

    def work(lock: StageLock) -> Work:
        change, history = read_versions(session, key)
        # Without a wish it goes back to the last one that is not known to be bad. Who names one by
        # its id knows what is wanted.
        if wanted is None:
            failed = failed_tests(session)
            history = [item for item in history if item.is_running or item.content.id not in failed]
        target = choose_version(change.key, history, wanted, session.platform.kinds)
        return (yield from _put_back(operation, change, target, lock))

    return (yield from locked(operation, "rollback", work))


def _put_back(operation: Operation, change: Change, target: LiveResource, lock: StageLock) -> Work:
    """Tell, ask, do; what became of it."""
    from cicd.plan.history import make_rollback_plan, version_field

    session = operation.session
    platform = session.platform
    desired = platform.complete(session.stage.resources)
    plan = operation.plan = make_rollback_plan(
        session.stage, desired, session.live, platform.kinds, change, target, created_at=now()
    )
    yield Planned(plan)
    session.guard(plan)
    agree(operation, plan)
    yield from lock.warn()
    operation.has_begun = True
    outcomes = yield from execute(operation, plan, lock, wait=True)
    result = finish(operation, plan, outcomes)
    if result.has_failed:
        return result
    remember_rollback(platform, change, target.id)
    field = version_field(change, platform.kinds)
    return replace(result, remarks=(explain_next(change, target, session.stage.file, field),))


def list_versions(session: Session, key: str) -> list[dict[str, Any]]:
    """The versions that a service can go back to as plain data, newest first."""
    history = read_versions(session, key)[1]
    failed = failed_tests(session)
    return [row(version, failed) for version in history]


def version_word(session: Session, key: str) -> str:
    """What a version of a service is called."""
    kinds = session.platform.kinds
    for wish in session.stage.resources:
        kind = kinds[wish.key.kind]
        if key in {str(wish.key), wish.key.name} and kind.is_service and kind.version:
            return kind.version[1].replace("_", " ")
    return "version"


def read_versions(session: Session, key: str) -> tuple[Change, list[Version]]:
    """The service that is meant, and what it can go back to."""
    from cicd.plan.history import read_history

    change = pick(session.make_plan(review=False), key, session.platform.kinds)
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
