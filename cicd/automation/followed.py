"""Runs that somebody looks at: which are meant, and whether one has failed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cicd import logs
from cicd.automation.periods import seconds
from cicd.automation.runs import Run, Runs
from cicd.automation.session import Session
from cicd.errors import NotFound, Usage
from cicd.model import Key, LiveResource, LogEntry
from cicd.platforms.base import LogPage

if TYPE_CHECKING:
    from cicd.platforms.base import Platform


def chosen(runs: Runs, keys: Sequence[str], ids: Sequence[str]) -> list[Run]:
    """The runs that are named: by id where ids are given (of those keys), else by key."""
    return runs.by_ids(ids, keys) if ids else runs.find(keys)


@dataclass(frozen=True)
class OfStream:
    """What following needs of a platform, of one stream of each run."""

    platform: Platform
    name: str

    def get(self, live: LiveResource) -> LiveResource:
        return self.platform.get(live)

    def listed(
        self, lives: Sequence[LiveResource], *, most: int | None = None
    ) -> Mapping[str, LiveResource]:
        return self.platform.listed(lives, most=most)

    def logs(self, live: LiveResource, cursor: str = "", *, since: int | None = None) -> LogPage:
        return self.platform.stream(live, self.name, cursor, since=since)


def _source(session: Session, runs: Iterable[Run], stream: str) -> logs.Source:
    """Where lines come from. Raises Usage for a stream that a run does not have."""
    if not stream:
        return session.platform
    for run in runs:
        known = session.platform.streams(run.live)
        if stream not in known:
            there = f"there are: {', '.join(known)}" if known else "its log is one"
            raise Usage(f"{run.key} has no stream {stream}", hint=there)
    return OfStream(session.platform, stream)


def read_lines(
    session: Session, runs: Sequence[Run], *, since: str | None, follow: bool, stream: str = ""
) -> Iterator[tuple[Key, LogEntry]]:
    """The lines of these runs as they come, of the last ``1h``; with ``follow`` until all have
    ended. ``stream``: one of those that the platform has of each, else what it is that is told.
    Raises Usage."""
    source = _source(session, runs, stream)
    period = seconds(since) * 1_000_000_000 if since else None
    # by the platform's clock, which it has told by now: ours may be minutes off
    start = None if period is None else max(0, session.platform.now() - period)
    lives = {run.key: run.live for run in runs}
    kinds = [kind.name for kind in session.platform.kinds.values() if kind.is_run]
    pauses = {name: kind.log_pause for name, kind in session.platform.kinds.items()}
    return logs.follow(source, lives, since=start, follow=follow, runs=kinds, pauses=pauses)


def has_failed(session: Session, runs: Iterable[Run]) -> bool:
    """Whether one of the runs has ended, and not as wished; one that was deleted has not."""
    lives = [run.live for run in runs]
    listed = logs.look_up(session.platform, lives)
    for live in lives:
        try:
            status = (listed.get(live.id) or session.platform.get(live)).status
        except NotFound:
            continue
        if status.has_failed:
            return True
    return False
