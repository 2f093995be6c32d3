"""What services could run and somebody has made outside Git, of what the stage has made: told once,
so that it comes into a stage file and the life cycle holds it like everything else."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

from cicd.automation.session import Session
from cicd.errors import CicdError, NotFound
from cicd.model import Kind, LiveResource, Plan
from cicd.plan.graph import texts_in
from cicd.words import some

NAME = "snapshots"
NEWEST = 50
"""So many of the newest are looked at, and remembered."""
MOST_NAMED = 5


def unseen(session: Session, plan: Plan) -> list[LiveResource]:
    """Those that no apply has told yet, newest last."""
    known = {change.id for change in plan.changes if change.live}
    seen = _seen(session)
    found = []
    for kind in _contents(session.platform.kinds):
        listed = session.platform.browse(kind.name)
        for item in listed[-NEWEST:]:
            if item.owner or item.id in known or item.id in seen:
                continue
            try:
                whole = session.platform.get(item)
            except NotFound:  # deleted since it was listed: nobody can run it any more
                continue
            if not whole.owner and known & set(_held(whole, kind)):
                found.append(whole)
    return found


def notes_of(session: Session, plan: Plan) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What is told of them, and their ids. A platform that has none says so in one line."""
    if not any(True for _ in _contents(session.platform.kinds)):
        name = session.platform.name
        return (f"watch: {name} has nothing that a service could run and nobody has in Git",), ()
    try:
        found = unseen(session, plan)
    except CicdError as error:
        return (f"watch: what was made outside Git cannot be told: {error}",), ()
    if not found:
        return (), ()
    kind = found[-1].key.kind.replace("_", " ")
    names = some([item.id for item in found], MOST_NAMED)
    told = f"watch: {kind} {names} was made outside Git, of what this stage has made: take it into "
    told += (
        "the stage file, and it is tested and approved before anything serves it; cicd import NAME "
    )
    told += f"--platform {session.platform.name} writes a new one to copy it from"
    return (told,), tuple(item.id for item in found)


def remember(session: Session, ids: Sequence[str]) -> None:
    """These have been told."""
    if ids:
        kept = [*_seen(session), *ids][-NEWEST:]
        session.platform.remember(NAME, json.dumps(kept))


def _seen(session: Session) -> list[str]:
    try:
        found = json.loads(session.platform.recall(NAME) or "[]")
    except (ValueError, RecursionError):
        return []
    return [str(item) for item in found] if isinstance(found, list) else []


def _contents(kinds: Mapping[str, Kind]) -> Iterator[Kind]:
    """The kinds of what services run that tell what they are made of, and by whom: what can be
    pruned does."""
    for kind in kinds.values():
        content = kinds[kind.version[1]] if kind.is_service and kind.version else None
        if content and content.takes and content.prunable:
            yield content


def _held(live: LiveResource, kind: Kind) -> Iterator[str]:
    """The ids of what it takes in."""
    for field in kind.takes:
        yield from texts_in(live.spec.get(field))
