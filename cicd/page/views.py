"""What the pages of a stage, a run and of history show. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from cicd.page.known import Look
from cicd.page.overview import Seen, figures, run_href, stage_href
from cicd.page.reading import Document, RunFacts, Standing
from cicd.page.states import StageState, Word, of_action, of_result, of_stage, of_state, of_thing
from cicd.page.times import Moment, moment, of
from cicd.render.chart import has_course, line_chart, lines_of
from cicd.render.commits import short_commit
from cicd.render.comparison import Compared
from cicd.render.html import plan_values
from cicd.render.metrics import number, summaries
from cicd.render.moments import duration, stamp
from cicd.render.past import changed

MOST_SHOWN = 5
OUR_TAGS = "cicd."
"""What begins so is told elsewhere on a page: key, stage, commit."""


@dataclass(frozen=True)
class Thing:
    key: str
    word: Word
    href: str
    since: Moment | None
    about: tuple[str, ...]
    url: str
    link: str


@dataclass(frozen=True)
class RunLine:
    key: str
    href: str
    word: Word
    started: Moment | None
    took: str
    figures: tuple[tuple[str, str], ...]
    parameters: tuple[tuple[str, str], ...]
    commit: str


@dataclass(frozen=True)
class Entry:
    """One apply."""

    stage: str
    href: str
    at: Moment | None
    who: str
    commit: str
    subject: str
    word: Word
    took: str
    approved_by: str
    changed: str
    link: str


@dataclass(frozen=True)
class StagePage:
    name: str
    state: StageState
    platform: str
    place: str
    commit: str
    plan: Mapping[str, Any] | None
    actions: tuple[tuple[str, tuple[str, str]], ...]
    things: tuple[Thing, ...]
    runs: tuple[RunLine, ...]
    remarks: tuple[str, ...]
    commands: tuple[tuple[str, str], ...]
    entries: tuple[Entry, ...]
    past_problem: str
    is_past_new: bool
    as_of: Moment | None
    problem: str
    is_reading: bool
    is_moving: bool


def stage_page(seen: Seen, past: Look[Document]) -> StagePage:
    """One stage: its state, what apply would change, how its things are, its last runs."""
    value, plan = seen.standing.value, seen.plan.value
    state = of_stage(seen.standing, seen.plan)
    shown = plan_values(plan) if plan else None
    entries = _entries(seen.name, past.value)
    return StagePage(
        seen.name,
        state,
        value.platform if value else "",
        value.place if value else "",
        short_commit(str(plan.get("commit") or "")) if plan else "",
        shown,
        tuple((c["action"], of_action(c["action"])) for c in shown["changes"]) if shown else (),
        _things(seen.name, value) if value else (),
        tuple(_run_line(seen.name, run, value) for run in value.runs) if value else (),
        value.remarks if value else (),
        tuple(value.commands.items()) if value else (),
        entries[:MOST_SHOWN],
        past.problem,
        past.is_new,
        of(seen.standing.as_of),
        seen.standing.problem or seen.plan.problem,
        seen.standing.is_reading or seen.plan.is_reading or past.is_reading,
        state.word.style == "moving",
    )


def _things(stage: str, value: Standing) -> tuple[Thing, ...]:
    return tuple(
        Thing(
            str(row["key"]),
            of_thing(row, value.run_kinds),
            run_href(stage, str(row["id"]))
            if row.get("id") and (_kind(row["key"]) in value.run_kinds or row.get("url"))
            else "",
            moment(str(row.get("created_at") or "")),
            tuple(map(str, filter(None, [row.get("message"), *(row.get("notes") or ())]))),
            safe_link(row.get("url")),
            safe_link(row.get("link")),
        )
        for row in value.rows
    )


def _run_line(stage: str, run: Compared, value: Standing) -> RunLine:
    key = run.label.partition("~")[0]
    sign = of_state(run.state)
    if run.state == "RUNNING":
        sign = of_state("PENDING")
    return RunLine(
        run.label,
        run_href(stage, run.id),
        Word(run.status, *sign),
        moment(run.started),
        duration(run.seconds),
        figures(run, value.gates.get(key, ()), 3),
        tuple((name, str(text)) for name, text in run.parameters.items())[:4],
        short_commit(run.commit),
    )


def _entries(stage: str, past: Document | None) -> tuple[Entry, ...]:
    applies = past.get("applies") if past else None
    return tuple(_entry(stage, one) for one in applies or () if isinstance(one, Mapping))


def _entry(stage: str, one: Mapping[str, Any]) -> Entry:
    by, author = str(one.get("by") or ""), str(one.get("author") or "")
    return Entry(
        stage,
        stage_href(stage),
        moment(str(one.get("at") or "")),
        by or author,
        short_commit(str(one.get("commit") or "")),
        str(one.get("subject") or ""),
        of_result(str(one.get("result") or "")),
        duration(one.get("seconds")),
        str(one.get("approved_by") or ""),
        changed(one.get("changes") or ()),
        safe_link(one.get("link")),
    )


@dataclass(frozen=True)
class Drawing:
    """An ``<svg>`` element, in which every text was escaped where it was drawn."""

    svg: str

    def __html__(self) -> str:
        return self.svg


@dataclass(frozen=True)
class Chart:
    name: str
    drawn: Drawing
    told: str
    """The same in words, for who does not see it."""


@dataclass(frozen=True)
class RunPage:
    stage: str
    stage_href: str
    key: str
    id: str
    word: Word
    message: str
    facts: tuple[tuple[str, str], ...]
    started: Moment | None
    parameters: tuple[tuple[str, str], ...]
    inputs: tuple[tuple[str, str], ...]
    outputs: tuple[tuple[str, str], ...]
    tags: tuple[tuple[str, str], ...]
    metrics: tuple[tuple[str, str, str, str, int], ...]
    charts: tuple[Chart, ...]
    lines: tuple[tuple[str, str], ...]
    log_problem: str
    is_cut: bool
    link: str
    commands: tuple[tuple[str, str], ...]
    as_of: Moment | None
    is_reading: bool
    is_moving: bool
    problem: str


def run_page(stage: str, id: str, look: Look[RunFacts]) -> RunPage | None:
    """One run or service; None before anything is known of it."""
    found = look.value
    if found is None:
        return None
    run = found.run
    is_moving = run.state in ("PENDING", "STOPPING") or (run.state == "RUNNING" and found.is_run)
    sign = of_state("PENDING" if is_moving else run.state)
    facts = {
        "Took": duration(run.seconds),
        "Commit": short_commit(run.commit),
        **{name.replace("_", " "): text for name, text in run.about.items()},
    }
    return RunPage(
        stage,
        stage_href(stage),
        found.key,
        run.id,
        Word(run.status or "unknown", *sign),
        found.message,
        tuple((name, text) for name, text in facts.items() if text),
        moment(run.started),
        _pairs(run.parameters),
        _pairs(run.inputs),
        _pairs(found.outputs),
        _pairs({n: text for n, text in run.track.tags.items() if not n.startswith(OUR_TAGS)}),
        tuple(
            (one.name, number(one.last.value), number(one.least), number(one.most), one.count)
            for one in summaries(run.track)
        ),
        tuple(_charts(found)),
        tuple((stamp(line.time)[11:19], line.text) for line in found.lines),
        found.log_problem,
        found.is_cut,
        safe_link(run.link),
        tuple(found.commands.items()),
        of(look.as_of),
        look.is_reading,
        is_moving,
        look.problem,
    )


def _charts(found: RunFacts) -> list[Chart]:
    charts = []
    for metric in found.metrics.metrics:
        if has_course(metric.points):
            axis, lines = lines_of(metric.points, [found.key])
            values = [point.value for run in metric.points.values() for point in run]
            told = (
                f"{len(values)} values, from {number(values[0])} to {number(values[-1])}, "
                f"lowest {number(min(values))}, highest {number(max(values))}"
            )
            drawing = Drawing(line_chart(metric.name, axis, lines))
            charts.append(Chart(metric.name, drawing, told))
    return charts


@dataclass(frozen=True)
class PastAsked:
    stage: str = ""
    result: str = ""
    text: str = ""


@dataclass(frozen=True)
class HistoryPage:
    entries: tuple[Entry, ...]
    asked: PastAsked
    stages: tuple[str, ...]
    results: tuple[str, ...]
    problems: tuple[tuple[str, str], ...]
    """(stage, why nothing or not all is known)."""
    is_reading: bool
    total: int


def history_page(
    pasts: Sequence[tuple[str, Look[Document]]], asked: PastAsked, stages: Sequence[str]
) -> HistoryPage:
    """The applies of these stages, the newest first."""
    entries = [entry for name, past in pasts for entry in _entries(name, past.value)]
    entries.sort(key=lambda entry: entry.at.exact if entry.at else "", reverse=True)
    chosen = [entry for entry in entries if _fits(entry, asked)]
    problems = [(name, past.problem) for name, past in pasts if past.problem]
    for name, past in pasts:
        for source in (past.value or {}).get("sources") or ():
            if source.get("problem"):
                told = f"without what the {source.get('name')} knows: {source['problem']}"
                problems.append((name, told))
    results = sorted({entry.word.text for entry in entries})
    is_reading = any(past.is_reading for _, past in pasts)
    return HistoryPage(
        tuple(chosen[:MOST_ENTRIES]),
        asked,
        tuple(stages),
        tuple(results),
        tuple(problems),
        is_reading,
        len(entries),
    )


MOST_ENTRIES = 200


def _fits(entry: Entry, asked: PastAsked) -> bool:
    told = " ".join((entry.who, entry.commit, entry.subject, entry.changed, entry.approved_by))
    return asked.result in ("", entry.word.text) and asked.text.lower() in told.lower()


def _pairs(values: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple((str(name), str(value)) for name, value in values.items())


def _kind(key: str) -> str:
    return key.partition("/")[0]


def safe_link(url: Any) -> str:
    """An address that may be followed: of the web, and nothing that runs; else empty."""
    text = str(url or "").strip()
    try:
        parts = urlsplit(text)
    except ValueError:
        return ""
    is_web = parts.scheme in {"http", "https"} and bool(parts.netloc)
    return text if is_web and text.isprintable() and " " not in text else ""


def history_query(asked: PastAsked) -> str:
    """The address of a history."""
    told = {"stage": asked.stage, "result": asked.result, "q": asked.text}
    return "/history?" + urlencode({name: value for name, value in told.items() if value})
