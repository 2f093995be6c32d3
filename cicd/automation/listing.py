"""Everything of one kind: who names it, filters, newest first, so many."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import Any

from cicd.automation.claims import Claim, Claims, find_claims
from cicd.automation.periods import seconds
from cicd.automation.runs import browse, running_kinds
from cicd.automation.session import Session
from cicd.errors import Usage
from cicd.model import Kind, LiveResource, made_by
from cicd.plan.unmanaged import id_of
from cicd.render.moments import age, duration, parse, took
from cicd.words import plural


@dataclass(frozen=True)
class Wanted:
    """Which things of a kind are asked for; what is None or empty does not matter.

    ``key`` and ``name`` are globs, ``fields`` values of the platform's own of which one must be
    there, ``since`` is ``7d``; ``version``: the name or id of what it runs; ``maker``: the id of
    the run that made it.
    """

    key: str | None = None
    name: str | None = None
    statuses: tuple[str, ...] = ()
    fields: Mapping[str, Collection[str]] = field(default_factory=dict)
    version: str | None = None
    maker: str | None = None
    since: str | None = None
    is_unmanaged: bool = False

    def fits(self, live: LiveResource, claim: Claim | None, maker: str, kind: Kind) -> bool:
        """Whether a live thing, which ``claim`` names and the run ``maker`` made, is asked for."""
        spec, runs = live.spec, kind.version[0] if kind.version else ""
        return (
            has_status(live, self.statuses)
            and self.maker in (None, maker)
            and all(not some or spec.get(name) in some for name, some in self.fields.items())
            and self.version in (None, spec.get(runs), spec.get(f"{runs}_name"))
            and (self.name is None or fnmatchcase(name_of(live, kind), self.name))
            and is_since(live, self.since)
            and not (self.is_unmanaged and claim)
            and has_key(claim, self.key)
        )


@dataclass(frozen=True)
class Listing:
    """What was found: the newest rows, and of how many."""

    rows: Sequence[Mapping[str, Any]]
    total: int
    unread: Sequence[str] = ()


def list_kind(session: Session, kind: str, wanted: Wanted, limit: int) -> Listing:
    """The newest things of one kind that are wanted, as plain data."""
    is_since(None, wanted.since)  # said before anything is asked, also where nothing is there
    kinds = session.platform.kinds
    lives = newest(browse(session, kind))
    versions = {other.version[1] for other in kinds.values() if other.version}
    is_made = kinds[kind].role == "content" and kind not in versions
    sorts = running_kinds(kinds, only_runs=True) if is_made else ()
    runs = [run for sort in sorts for run in browse(session, sort)]
    makers = {id: run.id for run in runs for made, id in made_by(run, kinds) if made == kind}
    claims = find_claims(session, [*lives, *runs])
    found = [
        live
        for live in lives
        if wanted.fits(live, claims.of.get(id_of(live)), makers.get(live.id, ""), kinds[kind])
    ]
    rows = [row(session, live, claims, makers.get(live.id, "")) for live in found[:limit]]
    return Listing(rows, len(found), claims.unread)


def kind_named(word: str, kinds: Mapping[str, Kind]) -> str:
    """The kind that is meant by one of its words: one or many, ``-`` or ``_``. Raises Usage."""
    words = {spelling: name for name in kinds for spelling in (name, plural(name))}
    meant = word.strip().lower().replace("-", "_").replace(" ", "_")
    if meant in words:
        return words[meant]
    close = get_close_matches(meant, words, n=1)
    known = ", ".join(plural(name) for name in kinds)
    hint = f"did you mean {plural(words[close[0]])}? " if close else ""
    raise Usage(f"the platform has no {word}", hint=f"{hint}It has: {known}".strip())


def row(session: Session, live: LiveResource, claims: Claims, maker: str) -> dict[str, Any]:
    """One thing as plain data. ``key`` is empty for what no stage names, which is unmanaged."""
    kinds = session.platform.kinds
    kind, claim = kinds[live.key.kind], claims.of.get(id_of(live))
    started = live.facts.get("started_at") or live.created_at
    passed = took(started, live.facts.get("completed_at", ""))
    return {
        "id": live.id,
        "status": live.status.raw,
        "state": live.status.state.value,
        "key": str(claim.key) if claim else "",
        "stage": claim.stage if claim else "",
        "unmanaged": claim is None,
        "managed_by": claim.seen_from(session.stage.name) if claim else "unmanaged",
        "name": name_of(live, kind),
        "age": age(live.created_at, datetime.now(UTC)),
        "created_at": live.created_at,
        "duration": duration(passed),
        "seconds": passed,
        **{name: live.spec[name] for name in (*kind.told, *kind.columns) if name in live.spec},
        **({"url": live.outputs["url"]} if "url" in live.outputs else {}),
        **{f"{name}_id": maker for name in running_kinds(kinds, only_runs=True)[:1]},
        "labels": dict(live.spec.get("labels") or {}),
        "message": live.status.message,
        "link": session.platform.link(live) or "",
    }


def newest(lives: Sequence[LiveResource]) -> list[LiveResource]:
    """Newest first; those of one second stay in one order."""
    return sorted(lives, key=lambda live: (live.created_at, live.id), reverse=True)


def is_since(live: LiveResource | None, since: str | None, now: datetime | None = None) -> bool:
    """Whether it was made within the last ``7d``; what tells no time was. Raises Usage."""
    if since is None:
        return True
    try:
        begin = (now or datetime.now(UTC)) - timedelta(seconds=seconds(since))
    except OverflowError:
        return True
    created = parse(live.created_at) if live else None
    return created is None or created >= begin


def has_status(live: LiveResource, statuses: tuple[str, ...]) -> bool:
    """Whether it is in one of these: the platform's own word or ours, in any case."""
    words = {live.status.raw.upper(), live.status.state.value}
    return not statuses or bool(words & {status.upper() for status in statuses})


def has_key(claim: Claim | None, glob: str | None) -> bool:
    """Whether it is meant by ``run/train``, ``train`` or a glob."""
    if glob is None:
        return True
    names = (str(claim.key), claim.key.name) if claim else ()
    return any(fnmatchcase(text, glob) for text in names)


def name_of(live: LiveResource, kind: Kind) -> str:
    """What people call it."""
    return kind.title(live.spec) or live.key.name
