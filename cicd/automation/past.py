"""What has been applied to a stage before, from all who remember something of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from cicd.automation import ledger
from cicd.automation.git import commits_of
from cicd.automation.runs import Runs, running_kinds
from cicd.automation.session import Session
from cicd.errors import CicdError, Denied
from cicd.model import Applied, LiveResource, Made, State
from cicd.plan.past import PLATFORM, put_together

SCHEMA_VERSION = 1
MOST_ASKED = 20
"""Applies that a forge is asked for: each takes requests of its own."""


@dataclass(frozen=True)
class Source:
    """Somebody who remembers applies of a stage: the platform's things, our ledger on it, a forge
    with its CI runs; a controller's database has the same. ``applies`` and ``things`` give at most
    so many, the newest, and raise CicdError where nobody can ask."""

    name: str
    applies: Callable[[int], Iterable[Applied]] = lambda limit: ()
    things: Callable[[int], Iterable[Made]] = lambda limit: ()


@dataclass(frozen=True)
class Past:
    """``applies``: the newest first. ``sources``: each with how much it knew, and why nothing."""

    applies: Sequence[Applied]
    sources: Sequence[Mapping[str, Any]]


def read_past(session: Session, limit: int, others: Sequence[Source] = ()) -> Past:
    """The last applies of a stage, so many at most; also of ``others`` who remember something."""
    applies: list[Applied] = []
    things: list[Made] = []
    told = []
    for source in [*others, *sources_of(session)]:
        problem, found = "", 0
        try:
            # of what the oldest have made a part is older than they are
            these, those = [*source.applies(limit)], [*source.things(2 * limit + 5)]
            applies, things, found = applies + these, things + those, len(these) + len(those)
        except CicdError as error:
            if source.name == PLATFORM:
                raise
            problem = session.hide(str(error))
        told.append({"name": source.name, "found": found, "problem": problem})
    return Past(named(session, put_together(applies, things, limit)), told)


def sources_of(session: Session) -> list[Source]:
    """All who may remember something, who knows most of an apply first."""
    return [
        Source(ledger.SOURCE, lambda limit: ledger.applies(session)[:limit]),
        Source("forge", lambda limit: forge_applies(session, limit)),
        Source(PLATFORM, things=lambda limit: things_of(session, limit)),
    ]


def forge_applies(session: Session, limit: int) -> list[Applied]:
    """What the forge of the repository knows of runs that went to the stage. Raises CicdError where
    it cannot be asked."""
    from cicd.automation.git import read_facts
    from cicd.forges.base import Remembering
    from cicd.forges.detect import read_run, usable
    from cicd.forges.opening import open_forge

    if session.is_local:
        return []
    run = read_run(session.environ, read_facts(session.root, session.environ).commit)
    if not run.repository:
        raise CicdError("nobody says where to ask it", hint="GITHUB_REPOSITORY and GITHUB_TOKEN do")
    forge = open_forge(usable(run, session.environ))
    try:
        if not isinstance(forge, Remembering):
            raise CicdError(f"{forge.name} is not read")
        return list(forge.applies(session.stage.name, min(limit, MOST_ASKED)))
    finally:
        forge.close()


def things_of(session: Session, limit: int) -> list[Made]:
    """Runs of the stage, and the versions that its services have had."""
    kinds = session.platform.kinds
    runs = Runs(session, names=running_kinds(kinds, only_runs=True))
    found: list[Made] = []
    own: list[tuple[str, LiveResource]] = []
    for wish in session.stage.resources:
        if kinds[wish.key.kind].is_run:
            own += [(str(wish.key), live) for live in newest(runs.history(wish), limit)]
    unmarked = [live for _, live in own if not live.facts.get("commit")]
    marks = session.platform.kept_marks(unmarked) if unmarked else {}
    for key, live in own:
        commit = live.facts.get("commit") or marks.get(live.id, {}).get("cicd.commit", "")
        found.append(_made(key, "run", live, commit))
    found += versions_of(session, limit)
    found.sort(key=lambda one: one.at, reverse=True)
    return found


def versions_of(session: Session, limit: int) -> list[Made]:
    """What each service has run, by when its content was made."""
    from cicd.plan.history import read_history
    from cicd.plan.match import Matcher

    kinds = session.platform.kinds
    able = [w for w in session.stage.resources if kinds[w.key.kind].is_service]
    if not able:
        return []
    try:
        desired, live = session.read(review=False)
    except Denied:
        return []  # the container of the stage is not there yet, or may not be seen
    matcher = Matcher(desired, live, dict(kinds))
    found = []
    for wish in desired:
        kind = kinds[wish.key.kind]
        service = matcher.take(wish) if kind.is_service else None
        if service is None:
            continue
        versions = read_history(service, live, kinds, wish)[:limit]
        found += [_version(str(wish.key), one.content, service, one.is_running) for one in versions]
        if not versions:
            found.append(_made(str(wish.key), "new", service, service.facts.get("commit", "")))
    return found


def named(session: Session, applies: Sequence[Applied]) -> list[Applied]:
    """With who wrote each commit and what it is about, as far as Git knows it here."""
    ids = {one.commit.partition(" ")[0] for one in applies} - {""}
    known = commits_of(session.root, sorted(ids), session.environ)
    hide = session.hide

    def told(one: Applied) -> Applied:
        author, subject = known.get(one.commit.partition(" ")[0], ("", ""))
        return replace(
            one,
            by=hide(one.by),
            author=hide(one.author or author),
            subject=hide(one.subject or subject),
            approved_by=hide(one.approved_by),
            link=hide(one.link),
        )

    return [told(one) for one in applies]


def document_of_past(session: Session, past: Past) -> dict[str, Any]:
    """All of it as plain data."""
    return {
        "schema_version": SCHEMA_VERSION,
        "stage": session.stage.identity,
        "platform": session.stage.platform,
        "applies": [_plain(one) for one in past.applies],
        "sources": list(past.sources),
    }


def newest(lives: Iterable[LiveResource], limit: int) -> list[LiveResource]:
    """So many of them, the newest first."""
    return sorted(lives, key=lambda live: (live.created_at, live.id), reverse=True)[:limit]


def _made(key: str, what: str, live: LiveResource, commit: str) -> Made:
    state = live.status.state
    return Made(
        key,
        what,
        live.id,
        live.status.raw,
        at=live.facts.get("started_at") or live.created_at,
        ended=live.facts.get("completed_at", ""),
        commit=commit,
        is_bad=live.status.has_failed,
        is_under_way=state in {State.PENDING, State.STOPPING}
        or (state is State.RUNNING and what == "run"),
    )


def _version(key: str, content: LiveResource, service: LiveResource, is_running: bool) -> Made:
    """A content that a service has run; how it is only the one tells that runs now."""
    state = service.status if is_running else content.status
    commit = content.facts.get("commit", "")
    return Made(
        key,
        "version",
        content.id,
        service.status.raw if is_running else "former",
        at=content.created_at,
        commit=commit,
        is_bad=is_running and state.has_failed,
    )


def _plain(one: Applied) -> dict[str, Any]:
    told = {name: value for name, value in asdict(one).items() if name not in {"made", "sources"}}
    made = [
        {"key": thing.key, "what": thing.what, "id": thing.id, "status": thing.status}
        for thing in one.made
    ]
    return {**told, "changes": made, "sources": list(one.sources)}
