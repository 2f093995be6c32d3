"""The rows of the live tree of an apply: what goes on, how long already, what waits for what. Pure:
the present is an argument."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from cicd.model import Count, Key, MetricPoint
from cicd.render.moments import duration
from cicd.render.table import cell_width, cut, pad
from cicd.words import printable

Stand = Literal["doing", "failed", "waiting", "done"]
ORDER: Sequence[Stand] = ("doing", "failed", "waiting", "done")
"""What is shown first where there is no room for all."""
BETWEEN = " · "
SHORTEST = 12
"""Cells that are worth the beginning of a message."""
WIDEST_KEY = 0.4
"""Share of a line that keys may take."""


@dataclass
class Row:
    """One change. ``began`` in seconds by the caller's clock; ``timeout`` in seconds, None where
    nothing is waited for; ``needs``: what it waits for before it begins; ``is_pending``: the
    platform has it in a queue."""

    key: Key
    stand: Stand = "waiting"
    text: str = ""
    message: str = ""
    began: float | None = None
    timeout: float | None = None
    point: MetricPoint | None = None
    counts: Sequence[Count] = ()
    needs: frozenset[Key] = frozenset()
    is_pending: bool = False


@dataclass(frozen=True)
class Line:
    """A row as it is shown: its name, filled up to a column, and the rest."""

    name: str
    text: str
    stand: Stand


def visible(rows: Sequence[Row], most: int) -> list[Row]:
    """What fits a screen, in the order of the plan: what is going on before all else."""
    chosen = sorted(range(len(rows)), key=lambda n: (ORDER.index(rows[n].stand), n))[:most]
    return [rows[n] for n in sorted(chosen)]


def draw(rows: Sequence[Row], now: float, *, width: int, most: int) -> list[Line]:
    """The lines, each at most ``width`` cells wide; where rows are left out, how many."""
    shown = visible(rows, most if len(rows) <= most else max(1, most - 1))
    waiting = {row.key for row in rows if row.stand in {"doing", "waiting"}}
    queue = [row.key for row in sorted(rows, key=_began) if row.is_pending and row.stand == "doing"]
    column = min(max((cell_width(str(r.key)) for r in shown), default=0), int(width * WIDEST_KEY))
    lines = []
    for row in shown:
        name = pad(cut(printable(str(row.key)), column), column)
        text = told(row, now, waiting, queue, width - column - 2)
        lines.append(Line(name, text, row.stand))
    if left := len(rows) - len(shown):
        lines.append(Line("", f"… and {left} more", "waiting"))
    return lines


def fit(parts: Iterable[str], width: int, between: str = BETWEEN) -> str:
    """As many of the parts as fit, the first in any case, cut where it alone is too long."""
    text = ""
    for part in filter(None, parts):
        longer = f"{text}{between}{part}" if text else part
        if cell_width(longer) > width:
            return text or cut(longer, width)
        text = longer
    return text


def told(
    row: Row, now: float, unfinished: Collection[Key], queue: Sequence[Key], width: int
) -> str:
    """What is told of one row in ``width`` cells: in words where there is room, else in short."""
    if row.stand == "waiting":
        return fit([_waits(sorted(row.needs & set(unfinished)))], width)
    if row.stand != "doing":
        return fit([printable(row.text)], width)
    place = (queue.index(row.key) + 1, len(queue)) if row.key in queue and len(queue) > 1 else None
    words = [
        row.text,
        _elapsed(row, now, " of "),
        "{} of {} in the queue".format(*place) if place else "",
        counted(row.counts),
        _metric(row.point, with_step=True),
    ]
    if cell_width(BETWEEN.join(filter(None, words))) <= width:
        message = printable(row.message)
        left = width - cell_width(BETWEEN.join(filter(None, words))) - len(BETWEEN)
        return fit([*words, cut(message, left) if left > SHORTEST else ""], width)
    short = [
        row.text,
        _elapsed(row, now, "/"),
        "{}/{} queued".format(*place) if place else "",
        counted(row.counts[-1:], is_short=True),
        _metric(row.point),
    ]
    return fit(short, width, " ")


def _began(row: Row) -> float:
    return row.began or 0.0


def _waits(needs: Sequence[Key]) -> str:
    if not needs:
        return "next"
    more = f" and {len(needs) - 1} more" if len(needs) > 1 else ""
    return f"waits for {printable(str(needs[0]))}{more}"


def _elapsed(row: Row, now: float, of: str) -> str:
    if row.began is None:
        return ""
    past = duration(max(0.0, now - row.began))
    return f"{past}{of}{duration(row.timeout)}" if row.timeout else past


def counted(counts: Iterable[Count], *, is_short: bool = False) -> str:
    """How far a run has come: ``2/5 stages, 120/400 tasks``; in short without the words."""
    return ", ".join(
        f"{count.done}/{count.total}" + ("" if is_short else f" {printable(count.unit)}")
        for count in counts
    )


def _metric(point: MetricPoint | None, *, with_step: bool = False) -> str:
    if point is None:
        return ""
    step = f" (step {point.step})" if with_step and point.step else ""
    return f"{printable(point.name)} {point.value:.4g}{step}"
