"""Fifty runs that all write without a pause, followed at once; the clock is ours."""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from benchmarks.table import Row
from cicd.logs import follow
from cicd.model import Key, LiveResource, LogEntry, State, Status
from cicd.platforms.base import LogPage

RUNS, RATE, SECONDS = 50, 1000, 20
PAGE = 1000


@dataclass
class Writers:
    """A source of logs: each run writes ``rate`` lines a second for so many ``seconds``.

    ``made``: lines handed out so far.
    """

    seconds: float
    rate: int = RATE
    page: int = PAGE
    time: float = 0.0
    made: int = 0
    looks: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.time += seconds

    def clock(self) -> float:
        return self.time

    def get(self, live: LiveResource) -> LiveResource:
        self.looks.append(self.time)
        is_over = self.time >= self.seconds
        state = State.SUCCEEDED if is_over else State.RUNNING
        return replace(live, status=Status(state, state))

    def listed(
        self, lives: Sequence[LiveResource], *, most: int | None = None
    ) -> Mapping[str, LiveResource]:
        self.looks.append(self.time)
        return {live.id: self.get(live) for live in lives}

    def logs(self, live: LiveResource, cursor: str = "", *, since: int | None = None) -> LogPage:
        start = int(cursor or 0)
        written = int(min(self.time, self.seconds) * self.rate)
        end = min(start + self.page, written)
        gap = 10**9 // self.rate
        entries = tuple(LogEntry(n * gap, f"{live.id} {n}") for n in range(start, end))
        self.made += len(entries)
        return LogPage(entries, str(end), is_last=end == written)


def followed(source: Writers, runs: int = RUNS) -> Iterator[tuple[Key, LogEntry]]:
    """Every line of that many runs."""
    keys = [Key("execution", f"run-{n}") for n in range(runs)]
    running = Status(State.RUNNING, "RUNNING")
    lives = {key: LiveResource(key, key.name, {}, running) for key in keys}
    return follow(source, lives, follow=True, clock=source.clock, sleep=source.sleep)


def rows() -> list[Row]:
    """Lines, how fast they pass, and how the memory grows between the first and the last."""
    source = Writers(SECONDS)
    count, held, early = 0, 0, 0
    start = time.process_time()
    for count, _ in enumerate(followed(source), 1):
        if count % 1000 == 0:
            held = max(held, source.made - count)
        if count == RUNS * RATE * 2:
            early = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    used = time.process_time() - start
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - early) / 1024
    wanted = RUNS * RATE * SECONDS
    speed = count / used / 1000
    return [
        Row(f"logs of {RUNS} runs, {RATE} lines a second each", f"{count:,} lines", f"{wanted:,}"),
        Row("lines passed per second of CPU", f"{speed:,.0f} thousand", f">= {RUNS}"),
        Row("lines held at most, memory grown", f"{held:,}, {grown:.1f} MB", "flat"),
    ]
