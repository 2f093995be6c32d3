"""What a page shows of a stage, asked of the stage itself. Nothing in it is secret."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from cicd.automation.comparison import side_by_side
from cicd.automation.followed import read_lines
from cicd.automation.project import Project
from cicd.automation.runs import Run, Runs, running_kinds
from cicd.automation.session import document_of
from cicd.automation.stage import StageSession
from cicd.automation.status import look
from cicd.errors import CicdError, InvalidStage
from cicd.model import Key, LogEntry, Secret, Track, place_of
from cicd.render.comparison import Compared, Comparison, compare
from cicd.render.text import show

Row = Mapping[str, Any]
Document = Mapping[str, Any]

LAST = 5
"""Runs of each key that are told."""
FEW_KEYS = 20
"""With more keys that run only the newest run of each is."""
MOST_LINES = 2000
"""Log lines of a run that are kept, the newest."""
MOST_APPLIES = 100


@dataclass(frozen=True)
class Standing:
    """How a stage is: a row for each thing that can be up or down (as ``cicd status`` tells), the
    last runs of each key, the metrics that it has bounds for. ``commands``: word -> the command
    line that does that here."""

    platform: str
    place: str
    rows: tuple[Row, ...]
    runs: tuple[Compared, ...] = ()
    gates: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    commands: Mapping[str, str] = field(default_factory=dict)
    run_kinds: frozenset[str] = frozenset()


@dataclass(frozen=True)
class RunFacts:
    """One run or service: as compared with others, what it has made, the end of its log."""

    key: str
    run: Compared
    metrics: Comparison
    outputs: Mapping[str, str]
    facts: Mapping[str, str]
    message: str
    lines: tuple[LogEntry, ...]
    log_problem: str
    is_cut: bool
    commands: Mapping[str, str]
    is_run: bool


class Unreadable(CicdError):
    """A stage that cannot be read, without what must not be shown. ``is_invalid``: its file is
    wrong, and no network is to blame."""

    is_invalid = False


class Stages:
    """The stages of a project, each by the name that the page has for it. ``arguments``: name ->
    how a command line finds it."""

    def __init__(
        self,
        project: Project,
        arguments: Mapping[str, str],
        variables: Mapping[str, str] | None = None,
        *,
        local: bool = False,
    ) -> None:
        self.project = project
        self.arguments = dict(arguments)
        self._variables = dict(variables or {})
        self._local = local

    @contextmanager
    def _open(self, name: str, *, needs_secrets: bool = False) -> Iterator[StageSession]:
        session = self.project.stage(
            self.arguments[name], self._variables, local=self._local, needs_secrets=needs_secrets
        )
        try:
            with session:
                yield session
        except CicdError as error:
            told = Unreadable(session.hide(str(error)))
            told.is_invalid = isinstance(error, InvalidStage)
            raise told from None

    def standing(self, name: str) -> Standing:
        """How a stage is now. Raises Unreadable, as do all others."""
        with self._open(name) as session:
            rows = look(session)
            kinds = frozenset(running_kinds(session.platform.kinds, only_runs=True))
            started = [r["key"] for r in rows if r["id"] and _kind(r["key"]) in kinds]
            runs = _last_runs(session, started)
            hide = session.hide
            return Standing(
                session.stage.platform,
                hide(place_of(session.stage.target)),
                tuple(hidden(row, hide) for row in rows),
                tuple(hidden_run(run, hide) for run in runs),
                {
                    str(wish.key): tuple(gate.metric for gate in wish.options.require)
                    for wish in session.stage.resources
                    if wish.options.require
                },
                tuple(hide(f"{found.place}: {found.message}") for found in session.problems),
                {word: session.command(word) for word in ("plan", "apply", "status", "history")},
                kinds,
            )

    def plan(self, name: str) -> Document:
        """The plan of a stage as its document."""
        with self._open(name, needs_secrets=True) as session:
            document = document_of(session.plan(), session.mask)
            found = hidden(document, session.hide)
            assert isinstance(found, Mapping)
            return found

    def past(self, name: str) -> Document:
        """What was applied to it, as ``cicd history`` tells."""
        with self._open(name) as session:
            found = hidden(session.history(limit=MOST_APPLIES), session.hide)
            assert isinstance(found, Mapping)
            return found

    def run(self, name: str, id: str) -> RunFacts:
        """One run or service by its id."""
        with self._open(name) as session:
            runs = Runs(session)
            [found] = runs.by_ids([id])
            key = runs.key_of(found.live) or found.key
            named = Run(key, found.live)
            hide = session.hide
            compared = side_by_side(session, [named], ()).runs[0]
            safe = hidden_run(compared, hide)
            lines, problem, is_cut = _log(session, named)
            live = found.live
            return RunFacts(
                hide(str(key)),
                safe,
                compare(name, [safe], (), ()),
                hidden(dict(live.outputs), hide),
                hidden(dict(live.facts), hide),
                hide(live.status.message),
                lines,
                problem,
                is_cut,
                _run_commands(session, key, live.id),
                session.platform.kinds[live.key.kind].is_run,
            )


def _last_runs(session: StageSession, keys: Sequence[str]) -> Sequence[Compared]:
    """The newest runs of these keys, each labelled with the key by which it can be asked for."""
    if not keys:
        return ()
    last = LAST if len(keys) <= FEW_KEYS else 1
    found = Runs(session).find(keys, last=last)
    compared = side_by_side(session, found, ()).runs
    return [replace(one, label=str(run.key)) for one, run in zip(compared, found, strict=True)]


def _run_commands(session: StageSession, key: Key, id: str) -> Mapping[str, str]:
    words = {"follow": "logs", "explain": "explain"}
    told = {name: session.command(word, key) for name, word in words.items()}
    return {"follow": f"{told['follow']} --follow", "explain": told["explain"]}


def _log(session: StageSession, run: Run) -> tuple[tuple[LogEntry, ...], str, bool]:
    """The newest lines of a log, why there are none, and whether there were more."""
    kept: deque[LogEntry] = deque(maxlen=MOST_LINES)
    count = 0
    try:
        for _, entry in read_lines(session, [run], since=None, follow=False):
            kept.append(replace(entry, text=session.hide(entry.text)))
            count += 1
    except CicdError as error:
        return tuple(kept), session.hide(str(error)), count > MOST_LINES
    return tuple(kept), "", count > MOST_LINES


def _kind(key: str) -> str:
    return key.partition("/")[0]


def hidden(value: Any, hide: Callable[[str], str]) -> Any:
    """Plain data with every text in it as it may be shown; what may be shown as a link too."""
    if isinstance(value, str):
        return hide(value)
    if isinstance(value, Mapping):
        return {hide(str(name)): hidden(item, hide) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [hidden(item, hide) for item in value]
    return value


def hidden_run(run: Compared, hide: Callable[[str], str]) -> Compared:
    """The same of what is known of a run."""

    def texts(values: Mapping[str, str | Secret]) -> dict[str, str | Secret]:
        return {
            hide(name): show(value) if isinstance(value, Secret) else hide(value)
            for name, value in values.items()
        }

    points = tuple(
        replace(
            point,
            name=hide(point.name),
            labels={hide(name): hide(text) for name, text in point.labels.items()},
        )
        for point in run.track.points
    )
    plain = Track(points, hidden(dict(run.track.tags), hide), hidden(dict(run.track.info), hide))
    return replace(
        run,
        label=hide(run.label),
        about=hidden(dict(run.about), hide),
        link=hide(run.link),
        parameters=texts(run.parameters),
        inputs=hidden(dict(run.inputs), hide),
        track=plain,
    )
