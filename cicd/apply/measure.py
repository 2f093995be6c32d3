"""What a run records while it goes on, and how far it has come, for somebody who looks on."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from cicd.apply.events import Advanced, Measured
from cicd.apply.job import Job
from cicd.apply.tasks import Task, once, read
from cicd.errors import PlatformError
from cicd.model import LiveResource, MetricPoint, State

EVERY = 10.0
"""Seconds between two looks at the metrics of a run, or at how far it has come."""
SELDOM = 60.0
"""The same where each is a line of its own: of most runs there is none."""


def measure(job: Job, live: LiveResource) -> Task[None]:
    """Tell what the run has recorded last, where that is wanted and it is time again. Metrics that
    cannot be read are no trouble: nobody waits for them."""
    is_running = job.kind.is_run and live.status.state is State.RUNNING
    if not job.shared.measures or not is_running or job.shared.clock() < job.next_measure:
        return
    job.next_measure = job.shared.clock() + EVERY
    try:
        tracks = yield from read(job.platform.track, [live])
    except PlatformError:
        return
    track = tracks.get(live.id)
    gates = {gate.metric for gate in job.options.require}
    if point := last_point(track.points if track else (), gates):
        yield Measured(job.key, point)


def advance(job: Job, live: LiveResource) -> Task[None]:
    """Tell how far the run has come, where its kind tells that and it is time again. Nobody waits
    for that either."""
    if not job.kind.counted or live.status.state is not State.RUNNING:
        return
    now, watches = job.shared.clock(), job.shared.measures
    if job.next_count is None:
        job.next_count = now if watches else now + SELDOM
    if now < job.next_count:
        return
    job.next_count = now + (EVERY if watches else SELDOM)
    try:
        counts = tuple((yield from once(job.platform.progress, live)))
    except PlatformError:
        return
    if counts and counts != job.counts:
        job.counts = counts
        yield Advanced(job.key, counts)


def last_point(points: Iterable[MetricPoint], preferred: Collection[str]) -> MetricPoint | None:
    """Pure: the last point, of a metric that a gate asks for where there is one."""
    found = list(points)
    gated = [point for point in found if point.name in preferred]
    return next(reversed(gated or found), None)
