"""Runs side by side: what differs, which value is best. What text, page and picture show."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Literal

from cicd.model import Gate, MetricPoint, Secret, State, Track
from cicd.render.commits import short_commit
from cicd.render.metrics import number, plain_number, series
from cicd.render.moments import duration

Direction = Literal["higher", "lower"]
"""Which way a metric gets better."""

_LOWER = {"loss", "logloss", "error", "errors", "rmse", "mae", "mse", "mape", "rmsle", "latency"}
_HIGHER = {"accuracy", "acc", "auc", "f1", "r2", "precision", "recall"}
_WORD = re.compile(r"[A-Z]+(?![a-z])\d*|[A-Z]?[a-z]+\d*|\d+")


@dataclass(frozen=True)
class Compared:
    """One run. ``label``: the name it was asked by. ``about``: what its platform tells of it in
    lists, the most telling first. ``inputs``: input -> what is bound to it.
    ``seconds``: how long it took, None while it runs or where nobody knows."""

    label: str
    id: str
    status: str
    state: State = State.UNKNOWN
    started: str = ""
    seconds: float | None = None
    commit: str = ""
    about: Mapping[str, str] = field(default_factory=dict)
    link: str = ""
    parameters: Mapping[str, str | Secret] = field(default_factory=dict)
    inputs: Mapping[str, str] = field(default_factory=dict)
    track: Track = field(default_factory=Track)


@dataclass(frozen=True)
class Row:
    """One line of the comparison: a cell for each run, empty where a run has none.

    ``best``: places of the best values, none where nobody knows which way is better.
    """

    name: str
    cells: tuple[str, ...]
    best: frozenset[int] = frozenset()

    @property
    def differs(self) -> bool:
        return len(set(self.cells)) > 1


@dataclass(frozen=True)
class Metric:
    """One metric over all runs: the points of each run that has it, by its place."""

    name: str
    points: Mapping[int, tuple[MetricPoint, ...]]
    direction: Direction | None

    def last(self, place: int) -> float | None:
        """The newest value of a run; None where it has none."""
        return self.points[place][-1].value if place in self.points else None

    @property
    def best(self) -> frozenset[int]:
        """The runs with the best last value; none where all are equal or it is not known."""
        values = {place: points[-1].value for place, points in self.points.items()}
        finite = {place: value for place, value in values.items() if math.isfinite(value)}
        if not self.direction or len(values) < 2 or not finite:
            return frozenset()
        if len(finite) == len(values) and len(set(values.values())) == 1:
            return frozenset()
        winner = max(finite.values()) if self.direction == "higher" else min(finite.values())
        return frozenset(place for place, value in finite.items() if value == winner)


@dataclass(frozen=True)
class Comparison:
    """Runs side by side."""

    stage: str
    runs: tuple[Compared, ...]
    metrics: tuple[Metric, ...]
    inputs_word: str = ""
    """What is taken in, in a word of the platform."""

    @property
    def about(self) -> list[Row]:
        """Status, times and origin; what no run tells is left out."""
        rows = [
            self._row("id", [run.id for run in self.runs]),
            self._row("status", [run.status for run in self.runs]),
            self._row("started", [run.started for run in self.runs]),
            self._row("duration", [duration(run.seconds) for run in self.runs]),
            self._row("commit", [short_commit(run.commit) for run in self.runs]),
        ]
        told = self._rows([run.about for run in self.runs])
        shown = [row for row in [*rows, *told[:1]] if any(row.cells)]
        return shown + [row for row in told[1:] if row.differs]

    @property
    def parameters(self) -> list[Row]:
        return self._rows([run.parameters for run in self.runs])

    @property
    def inputs(self) -> list[Row]:
        return self._rows([run.inputs for run in self.runs])

    @property
    def values(self) -> list[Row]:
        """The last value of each metric."""
        return [self._value_row(metric) for metric in self.metrics]

    def _value_row(self, metric: Metric) -> Row:
        last = [metric.last(place) for place in range(len(self.runs))]
        cells = ["" if value is None else number(value) for value in last]
        return Row(metric.name, tuple(cells), metric.best)

    def _rows(self, maps: Sequence[Mapping[str, str | Secret]]) -> list[Row]:
        names = dict.fromkeys(name for values in maps for name in values)
        return [self._row(name, [values.get(name, "") for values in maps]) for name in names]

    def _row(self, name: str, values: Iterable[str | Secret]) -> Row:
        return Row(name, tuple(_cells(list(values))))


def _cells(values: Sequence[str | Secret]) -> Iterator[str]:
    """Values as text: those that nobody may see have a number where they differ."""
    secrets = list(dict.fromkeys(value for value in values if isinstance(value, Secret)))
    for value in values:
        if isinstance(value, Secret) and len(secrets) > 1:
            yield f"{value} {secrets.index(value) + 1}"
        else:
            yield str(value)


def compare(
    stage: str,
    runs: Sequence[Compared],
    gates: Iterable[Gate] = (),
    globs: Sequence[str] = (),
    *,
    inputs_word: str = "",
) -> Comparison:
    """Runs side by side. ``gates``: the stage's bounds, they tell which way a metric gets better.
    ``globs``: only metrics with such names; none means all."""
    known = directions(gates)
    points: dict[str, dict[int, tuple[MetricPoint, ...]]] = {}
    for place, run in enumerate(runs):
        for name, found in series(run.track).items():
            if not globs or any(_fits(name, found[0].name, glob) for glob in globs):
                points.setdefault(name, {})[place] = tuple(found)
    metrics = [
        Metric(name, found, direction_of(next(iter(found.values()))[0].name, known))
        for name, found in sorted(points.items())
    ]
    return Comparison(stage, tuple(runs), tuple(metrics), inputs_word)


def _fits(series_name: str, metric: str, glob: str) -> bool:
    # a label in braces is no pattern: only * and ? are
    return fnmatchcase(metric, glob) or series_name == glob


def directions(gates: Iterable[Gate]) -> dict[str, Direction]:
    """Metric -> which way is better: a minimum asks for more, a maximum for less."""
    found: dict[str, set[Direction]] = {}
    for gate in gates:
        sides = found.setdefault(gate.metric, set())
        if gate.minimum is not None:
            sides.add("higher")
        if gate.maximum is not None:
            sides.add("lower")
    return {name: next(iter(sides)) for name, sides in found.items() if len(sides) == 1}


def direction_of(name: str, known: Mapping[str, Direction]) -> Direction | None:
    """Which way a metric gets better: as the stage says, else by the words in its name."""
    if name in known:
        return known[name]
    words = {word.lower() for word in _WORD.findall(name)}
    is_lower, is_higher = bool(words & _LOWER), bool(words & _HIGHER)
    if is_lower == is_higher:
        return None
    return "lower" if is_lower else "higher"


def comparison_document(comparison: Comparison) -> dict[str, Any]:
    """The comparison as plain data for JSON."""
    runs = comparison.runs
    return {
        "stage": comparison.stage,
        "runs": [_run_document(run, comparison, place) for place, run in enumerate(runs)],
        "differing": {
            "parameters": [row.name for row in comparison.parameters if row.differs],
            "inputs": [row.name for row in comparison.inputs if row.differs],
        },
        "metrics": [
            {
                "name": metric.name,
                "direction": metric.direction,
                "best": [runs[place].id for place in sorted(metric.best)],
            }
            for metric in comparison.metrics
        ],
    }


def _run_document(run: Compared, comparison: Comparison, place: int) -> dict[str, Any]:
    last = {metric.name: metric.last(place) for metric in comparison.metrics}
    return {
        "key": run.label,
        "id": run.id,
        "status": run.status,
        "started": run.started,
        "seconds": run.seconds,
        "commit": run.commit,
        **run.about,
        "link": run.link,
        "parameters": dict(run.parameters),
        "inputs": dict(run.inputs),
        "metrics": {name: plain_number(v) for name, v in last.items() if v is not None},
    }
