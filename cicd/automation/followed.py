"""Runs that somebody looks at: which are meant, and whether one has failed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cicd.automation.runs import Run, Runs
from cicd.automation.session import Session
from cicd.errors import NotFound


def chosen(runs: Runs, keys: Sequence[str], ids: Sequence[str]) -> list[Run]:
    """The runs that are named: by id where ids are given (of those keys), else by key."""
    return runs.by_ids(ids, keys) if ids else runs.find(keys)


def has_failed(session: Session, runs: Iterable[Run]) -> bool:
    """Whether one of the runs has ended, and not as wished; one that was deleted has not."""
    from cicd.logs import look_up

    lives = [run.live for run in runs]
    listed = look_up(session.platform, lives)
    for live in lives:
        try:
            status = (listed.get(live.id) or session.platform.get(live)).status
        except NotFound:
            continue
        if status.has_failed:
            return True
    return False
