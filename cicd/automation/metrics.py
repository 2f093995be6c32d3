"""What a run records about itself, point by point as it comes."""

from __future__ import annotations

import time
from collections.abc import Iterator

from cicd.automation.followed import chosen
from cicd.automation.runs import Run, Runs, measured_kinds
from cicd.automation.session import Session
from cicd.errors import NotFound, Usage
from cicd.logs import Polling, patiently
from cicd.model import LiveResource, MetricPoint, Track

POLLING = Polling(first=2.0)


def find_run(session: Session, key: str | None, id: str | None = None) -> Run:
    """The one run that is meant, or the service of which figures are told, by its key or its id.
    Raises Usage."""
    runs = Runs(session, names=measured_kinds(session.platform.kinds))
    found = chosen(runs, [key] if key else [], [id] if id else [])
    if len(found) > 1:
        names = " or ".join(str(run.key) for run in found)
        raise Usage(f"{key} is more than one", hint=f"say {names}; cicd compare shows many")
    return found[0]


def read_track(session: Session, key: str) -> Track:
    """All that a run has recorded until now; empty where that is nothing."""
    live = find_run(session, key).live
    return session.platform.track([live]).get(live.id, Track())


def new_points(
    session: Session, live: LiveResource, polling: Polling = POLLING
) -> Iterator[MetricPoint]:
    """The points of a run, each once, until it has ended and the last was read."""
    seen: set[tuple[object, ...]] = set()
    pause = polling.first
    while True:
        has_ended = patiently(lambda: _has_ended(session, live))
        track = patiently(lambda: session.platform.track([live])).get(live.id, Track())
        fresh = [point for point in track.points if _mark(point) not in seen]
        yield from fresh
        seen.update(map(_mark, fresh))
        if has_ended:
            return
        pause = polling.first if fresh else polling.slower(pause)
        time.sleep(pause)


def _mark(point: MetricPoint) -> tuple[object, ...]:
    # repr: a NaN is never equal to itself
    labels = tuple(sorted(point.labels.items()))
    return (point.name, labels, point.step, point.time, repr(point.value))


def _has_ended(session: Session, live: LiveResource) -> bool:
    try:
        return session.platform.get(live).status.has_ended
    except NotFound:
        return True
