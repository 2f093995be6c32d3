"""The overview: a row for each thing, a column for each stage, and where they differ. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from urllib.parse import quote, urlencode

from cicd.page.known import Look
from cicd.page.reading import Document, Row, Standing
from cicd.page.states import StageState, Word, of_action, of_stage, of_thing
from cicd.page.times import Moment, moment, of
from cicd.render import document as read
from cicd.render.comparison import Compared
from cicd.render.metrics import last_values, number
from cicd.words import some

MOST_ROWS = 100
MOST_STAGES = 8
MOST_METRICS = 2
MOST_PARAMETERS = 3


@dataclass(frozen=True)
class Seen:
    """What is known of one stage: how it is, and what apply would change."""

    name: str
    standing: Look[Standing]
    plan: Look[Document]

    @cached_property
    def rows(self) -> Mapping[str, Row]:
        """What all stages call a thing -> its row here."""
        rows = self.standing.value.rows if self.standing.value else ()
        return {_general(row): row for row in rows}

    @cached_property
    def runs(self) -> Mapping[str, Compared]:
        runs = self.standing.value.runs if self.standing.value else ()
        return {run.label: run for run in runs}

    @cached_property
    def actions(self) -> Mapping[str, str]:
        """Key -> what the next apply does to it."""
        changes = read.changes(self.plan.value) if self.plan.value else []
        return {read.text(change, "key"): read.text(change, "action") for change in changes}

    @cached_property
    def has_something(self) -> bool:
        return any(row.get("id") for row in self.rows.values())


@dataclass(frozen=True)
class Asked:
    """What the address asks for: a text in the key, a kind, a word, only what differs, which
    stages in which order, which page."""

    text: str = ""
    kind: str = ""
    state: str = ""
    only_differences: bool = False
    stages: tuple[str, ...] = ()
    page: int = 1

    def query(self, page: int) -> str:
        """The address of another page of the same."""
        told = {
            "q": self.text,
            "kind": self.kind,
            "state": self.state,
            "only": "differences" if self.only_differences else "",
            "stages": ",".join(self.stages),
            "page": str(page) if page > 1 else "",
        }
        return "/?" + urlencode({name: value for name, value in told.items() if value})


@dataclass(frozen=True)
class Column:
    name: str
    href: str
    platform: str
    place: str
    state: StageState
    as_of: Moment | None
    is_reading: bool
    problem: str
    """Why it could not be read the last time, though it could before."""


@dataclass(frozen=True)
class Cell:
    """A thing in a stage. ``version``: what it runs; ``figures``: its metrics; ``settings``:
    parameters that other stages have otherwise; ``change``: what the next apply does to it."""

    stage: str
    word: Word | None
    href: str = ""
    version: str = ""
    figures: tuple[tuple[str, str], ...] = ()
    settings: tuple[tuple[str, str], ...] = ()
    since: Moment | None = None
    change: tuple[str, str] = ("", "")
    note: str = ""


@dataclass(frozen=True)
class Line:
    """One thing in all stages. ``why``: in what they differ, empty where they do not."""

    key: str
    kind: str
    name: str
    why: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Overview:
    columns: tuple[Column, ...]
    groups: tuple[tuple[str, tuple[Line, ...]], ...]
    asked: Asked
    kinds: tuple[str, ...]
    states: tuple[str, ...]
    others: tuple[str, ...]
    """Stages that are not among the columns."""
    all_stages: tuple[str, ...]
    count: int
    """Things that fit what is asked."""
    total: int
    pages: int
    is_reading: bool
    is_moving: bool


def overview(seen: Sequence[Seen], asked: Asked, others: Sequence[str] = ()) -> Overview:
    """All of it for these stages, in their order. What differs comes first within a page only
    where nothing else is asked: the order of the stage files stays."""
    columns = tuple(map(_column, seen))
    lines = [_line(key, seen) for key in _keys(seen)]
    chosen = [line for line in lines if _fits(line, asked)]
    pages = max(1, -(-len(chosen) // MOST_ROWS))
    page = min(max(1, asked.page), pages)
    if pages > 1:  # what differs is what people look for
        chosen.sort(key=lambda line: not line.why)
    shown = chosen[(page - 1) * MOST_ROWS : page * MOST_ROWS]
    groups: dict[str, list[Line]] = {}
    for line in shown:
        groups.setdefault(line.kind, []).append(line)
    words = {cell.word.text for line in lines for cell in line.cells if cell.word}
    return Overview(
        columns,
        tuple((kind, tuple(found)) for kind, found in groups.items()),
        replace(asked, page=page),
        tuple(dict.fromkeys(line.kind for line in lines)),
        tuple(sorted(words)),
        tuple(others),
        (*(one.name for one in seen), *others),
        len(chosen),
        len(lines),
        pages,
        any(one.standing.is_reading or one.plan.is_reading for one in seen),
        any(column.state.word.style == "moving" for column in columns),
    )


def stage_href(name: str) -> str:
    return f"/stages/{quote(name)}"


def run_href(stage: str, id: str) -> str:
    return f"/runs/{quote(stage)}/{quote(id, safe='')}"


def _column(one: Seen) -> Column:
    value = one.standing.value
    state = of_stage(one.standing, one.plan)
    return Column(
        one.name,
        stage_href(one.name),
        value.platform if value else "",
        value.place if value else "",
        state,
        of(one.standing.as_of),
        one.standing.is_reading or one.plan.is_reading,
        one.standing.problem if value else "",
    )


def _keys(seen: Sequence[Seen]) -> list[str]:
    """All keys by their kinds, what runs before what stands beside it; in the order of the files
    within a kind."""
    rows = [row for one in seen if one.standing.value for row in one.standing.value.rows]
    keys = list(dict.fromkeys(key for one in seen for key in one.rows))
    loud = {kind for one in seen if one.standing.value for kind in one.standing.value.run_kinds}
    versioned = {_kind(str(row["key"])) for row in rows if row.get("url") or _version(row)}
    return sorted(keys, key=lambda key: _rank(_kind(key), loud, versioned))


def _rank(kind: str, runs: set[str], versioned: set[str]) -> tuple[int, str]:
    return (0 if kind in versioned - runs else 1 if kind in runs else 2, kind)


def _general(row: Row) -> str:
    """The key of a row; a name that ends with that of its stage is the same thing in all of
    them."""
    return general_key(str(row["key"]), str(row.get("stage", "")))


def general_key(key: str, stage: str) -> str:
    """``destination/SERVE_dev`` of the stage dev as ``destination/SERVE_<stage>``."""
    kind, _, name = key.partition("/")
    for joint in "-_.":
        if stage and name.endswith(f"{joint}{stage}"):
            return f"{kind}/{name.removesuffix(stage)}<stage>"
    return key


def _line(key: str, seen: Sequence[Seen]) -> Line:
    found = [one.rows.get(key) for one in seen]
    runs = [
        one.runs.get(str(row["key"])) if row else None for one, row in zip(seen, found, strict=True)
    ]
    differing = _differing(runs)
    cells = tuple(
        _cell(one, row, run, differing) for one, row, run in zip(seen, found, runs, strict=True)
    )
    kind, _, name = key.partition("/")
    return Line(key, kind, name, _why(cells, seen, differing), cells)


def _differing(runs: Sequence[Compared | None]) -> list[str]:
    """Names of parameters that the runs do not have alike."""
    known = [run for run in runs if run]
    names = dict.fromkeys(name for run in known for name in run.parameters)
    return [name for name in names if len({str(run.parameters.get(name)) for run in known}) > 1]


def _cell(one: Seen, row: Row | None, run: Compared | None, differing: Sequence[str]) -> Cell:
    value = one.standing.value
    if row is None or value is None:
        return Cell(one.name, None)
    key = str(row["key"])
    change = one.actions.get(key, "")
    notes = row.get("notes") or ()
    href = run_href(one.name, str(row["id"])) if row.get("id") and _is_followed(row, value) else ""
    return Cell(
        one.name,
        of_thing(row, value.run_kinds),
        href,
        _version(row),
        figures(run, value.gates.get(key, ())) if run else (),
        tuple((n, str(run.parameters.get(n, "–"))) for n in differing[:MOST_PARAMETERS])
        if run
        else (),
        moment(str(row.get("created_at") or "")),
        of_action(change),
        str(row.get("message") or next(iter(notes), "")),
    )


def _is_followed(row: Row, value: Standing) -> bool:
    """Whether it has a page of its own: a run, or what answers somewhere."""
    return _kind(str(row["key"])) in value.run_kinds or bool(row.get("url"))


def figures(
    run: Compared, gates: Sequence[str], most: int = MOST_METRICS
) -> tuple[tuple[str, str], ...]:
    """The last values of a few metrics, those with bounds first."""
    values = last_values(run.track)
    names = [*(name for name in gates if name in values), *sorted(values)]
    return tuple((name, number(values[name])) for name in [*dict.fromkeys(names)][:most])


def _version(row: Row) -> str:
    """The name of what it runs."""
    told = [value for name, value in row.items() if name.endswith("_name") and value]
    return str(told[0]) if told else ""


def _why(cells: Sequence[Cell], seen: Sequence[Seen], differing: Sequence[str]) -> str:
    """In what stages differ: one lacks it, runs something else, with other parameters, or fares
    otherwise. A stage that could not be read, or has nothing yet, differs in nothing."""
    known = [cell for cell, one in zip(cells, seen, strict=True) if one.has_something]
    if len(known) < 2:
        return ""
    lacking = [cell.stage for cell in known if not _is_there(cell)]
    there = [cell for cell in known if _is_there(cell)]
    told = [f"not in {some(lacking, MOST_PARAMETERS)}"] if there and lacking else []
    if len({cell.version for cell in there}) > 1:
        told.append("version")
    told += differing[:MOST_PARAMETERS]
    if len({cell.word.style for cell in there if cell.word}) > 1:
        told.append("status")
    return ", ".join(told)


def _is_there(cell: Cell) -> bool:
    return cell.word is not None and cell.word.style != "absent"


def _fits(line: Line, asked: Asked) -> bool:
    return (
        asked.text.lower() in line.key.lower()
        and asked.kind in ("", line.kind)
        and (not asked.only_differences or bool(line.why))
        and (not asked.state or any(c.word and c.word.text == asked.state for c in line.cells))
    )


def _kind(key: str) -> str:
    return key.partition("/")[0]
