"""Runs that somebody looks at: which are meant, and whether one has failed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from cicd import logs
from cicd.automation.periods import seconds
from cicd.automation.runs import Run, Runs
from cicd.automation.session import Session
from cicd.errors import NotFound
from cicd.model import Key, LogEntry


def chosen(runs: Runs, keys: Sequence[str], ids: Sequence[str]) -> list[Run]:
    """The runs that are named: by id where ids are given (of those keys), else by key."""
    return runs.by_ids(ids, keys) if ids else runs.find(keys)


def read_lines(
    session: Session, runs: Iterable[Run], *, since: str | None, follow: bool
) -> Iterator[tuple[Key, LogEntry]]:
    """The lines of these runs as they come, of the last ``1h``; with ``follow`` until all have
    ended. Raises Usage."""
    period = seconds(since) * 1_000_000_000 if since else None
    # by the platform's clock, which it has told by now: ours may be minutes off
    start = None if period is None else max(0, session.platform.now() - period)
    lives = {run.key: run.live for run in runs}
    kinds = [kind.name for kind in session.platform.kinds.values() if kind.is_run]
    pauses = {name: kind.log_pause for name, kind in session.platform.kinds.items()}
    return logs.follow(
        session.platform, lives, since=start, follow=follow, runs=kinds, pauses=pauses
    )


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
