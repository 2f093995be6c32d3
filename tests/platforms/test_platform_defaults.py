"""The least that a new platform has to write, and what it then has."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import pytest

import cicd
from cicd.config.fields import Part
from cicd.config.files import yaml_trees
from cicd.config.plain_dialect import completed
from cicd.config.schema import StageBase
from cicd.config.tree import plain
from cicd.errors import Denied, NotFound, PlatformError
from cicd.model import Key, Kind, LiveResource, LogEntry, Resource, State, Status
from cicd.platforms.base import (
    NO_MARKS,
    LogPage,
    Platform,
    Request,
    fields_of,
    owner_of,
    page_of,
)
from tests.platforms.toy import dialect

KINDS = {kind.name: kind for kind in (Kind("job", role="run"), Kind("note", identity=()))}


class Least(Platform):
    """Things in a list."""

    name = "least"
    kinds = KINDS

    def __init__(self) -> None:
        self.things: list[LiveResource] = []

    def browse(self, kind: str) -> list[LiveResource]:
        return [live for live in self.things if live.key.kind == kind]

    def get(self, live: LiveResource) -> LiveResource:
        return next(one for one in self.things if one.id == live.id)

    def create(
        self, desired: Resource, token: str = "", marks: Mapping[str, str] = NO_MARKS
    ) -> LiveResource:
        status, id = Status(State.FAILED, "broken"), str(len(self.things))
        self.things.append(
            LiveResource(desired.key, id, desired.spec, status, {"id": id}, {"a": 1})
        )
        return self.things[-1]

    def delete(self, live: LiveResource) -> None:
        self.things.remove(live)


def wish(kind: str, name: str) -> Resource:
    return Resource(Key(kind, name), {"name": name})


@pytest.fixture
def least() -> Least:
    return Least()


def test_a_platform_that_lacks_what_it_must_have_is_told_so_by_name() -> None:
    class Lacking(Platform):
        name = "lacking"
        kinds = KINDS

    with pytest.raises(TypeError, match="browse, create, delete, get"):
        Lacking()  # type: ignore[abstract]


def test_what_lists_tell_is_enough_to_read_and_to_find_a_lost_create(least: Least) -> None:
    job, note = wish("job", "a"), wish("note", "b")
    made = [least.create(job), least.create(note), least.create(job)]
    assert least.read([]) == []
    assert least.read([note]) == [made[1]]
    assert least.read([], everything=True) == [made[0], made[2], made[1]]
    assert least.find(job, frozenset()) == made[2]
    assert least.find(job, frozenset({"0", "2"})) is None
    assert least.find(note, frozenset({"1"})) == made[1], "content is what it holds"
    assert least.find(wish("note", "c"), frozenset()) is None
    assert least.listed(made[:1]) == {"0": made[0]} and least.listed([]) == {}


def test_what_it_has_nothing_for_is_refused_or_empty(least: Least, tmp_path: Path) -> None:
    job = least.create(wish("job", "a"))
    for call, says in (
        (lambda: least.update(job, wish("job", "a")), "can never be changed"),
        (lambda: least.stop(job), "cannot be stopped"),
        (lambda: least.invoke(job, Request()), "takes no requests"),
        (lambda: least.fetch(job, "id", tmp_path), "cannot be fetched"),
    ):
        with pytest.raises(PlatformError, match=says):
            call()
    with pytest.raises(NotFound, match="no output model"):
        least.fetch(job, "model", tmp_path)
    least.remember("x", "y")
    assert (least.recall("x"), least.lock("x"), least.link(job)) == ("", None, None)
    assert least.review([wish("job", "a")], [job]) == ([], [job])
    assert least.metrics(job) == {"a": 1}
    assert [point.name for point in least.track([job])["0"].points] == ["a"]
    assert [(one.state, one.text) for one in least.explain(job, None)] == [
        ("error", "it is broken")
    ]
    assert [one.text for one in least.explain(job, ["a.py", "b.py"])][1:] == ["a.py, b.py"]
    assert least.logs(job, "7") == LogPage((), "7")


def test_a_survey_has_all_kinds_that_the_login_may_see(least: Least) -> None:
    class Shy(Least):
        def browse(self, kind: str) -> list[LiveResource]:
            if kind == "job":
                raise Denied("no right to read jobs")
            return super().browse(kind)

    made = [least.create(wish("note", "b")), least.create(wish("job", "a"))]
    assert least.survey({}) == made[::-1]
    shy, told = Shy(), []
    note = shy.create(wish("note", "b"))
    assert shy.survey({}, lambda kind, error: told.append((kind, str(error)))) == [note]
    assert told == [("job", "no right to read jobs")]


@pytest.mark.parametrize("name", ["model.bin", "grüße und mehr.txt", "a%20b", "model"])
def test_what_lies_on_this_machine_is_fetched(least: Least, tmp_path: Path, name: str) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    there.mkdir()
    if name == "model":
        (here / name / "deep").mkdir(parents=True)
        (here / name / "deep/a.bin").write_text("1", encoding="utf-8")
        wanted = [there / name / "deep/a.bin"]
    else:
        here.mkdir()
        (here / name).write_text("1", encoding="utf-8")
        wanted = [there / name]
    job = replace(least.create(wish("job", "a")), outputs={"model": (here / name).as_uri()})
    for _ in range(2):  # twice is as once
        assert least.fetch(job, "model", there) == wanted
        assert wanted[0].read_text(encoding="utf-8") == "1"
    gone = replace(job, outputs={"model": (here / "gone").as_uri()})
    with pytest.raises(NotFound, match="gone any more"):
        least.fetch(gone, "model", there)


def test_a_log_that_is_told_as_a_whole_is_told_page_by_page() -> None:
    lines = [LogEntry(at, f"line {at}") for at in range(4)]
    first = page_of(lines[:2])
    assert [entry.text for entry in first.entries] == ["line 0", "line 1"]
    assert page_of(lines[:2], first.cursor) == LogPage((), first.cursor)
    rest = page_of(lines, first.cursor)
    assert [entry.text for entry in rest.entries] == ["line 2", "line 3"]
    assert page_of(lines, "", since=3).entries == (lines[3],)
    assert page_of(lines[:1], rest.cursor) == LogPage((), rest.cursor), "a log that was cut"
    assert page_of([]) == LogPage((), "0")


def test_the_end_of_a_log_is_found_over_all_its_pages() -> None:
    class Talking(Least):
        def logs(self, live: LiveResource, cursor: str = "", *, since: Any = None) -> LogPage:
            at = int(cursor or 0)
            return LogPage((LogEntry(at, f"line {at}"),), str(at + 1), is_last=at == 6)

    talking = Talking()
    job = talking.create(wish("job", "a"))
    assert talking.streams(job) == ()
    assert talking.stream(job, "any", "3") == talking.logs(job, "3")
    assert [entry.text for entry in talking.tail(job, 3)] == ["line 4", "line 5", "line 6"]


@pytest.mark.parametrize("text", ["{", "[1]", "3", "null", "", '{"a.py": 3}', "grüße"])
def test_marks_that_somebody_else_has_written_are_no_files(text: str) -> None:
    assert fields_of({"cicd.inputs": "01", "cicd.files": text}) == {"inputs": "01"}


def test_marks_come_back_as_fields_and_owner() -> None:
    tags = {"cicd.inputs": "01", "cicd.files": '{"a.py": "02"}', "cicd.stage": "dev"}
    assert fields_of(tags) == {"inputs": "01", "files": {"a.py": "02"}} and fields_of({}) == {}
    assert owner_of(tags) == "dev" and owner_of({**tags, "cicd.project": "p"}) == "p/dev"
    assert owner_of({"cicd.project": "p"}) == ""


class Job(Part, frozen=True, kw_only=True):
    key: str


class File(StageBase, frozen=True, kw_only=True):
    platform: Literal["least"] = "least"
    jobs: tuple[Job, ...] = ()


def test_a_dialect_says_only_what_differs() -> None:
    module = ModuleType("least")
    vars(module).update(NAME="least", File=File, UNSURE=frozenset({"x"}))
    least = completed(module)
    assert (least.NAME, least.File, least.UNSURE) == ("least", File, {"x"})
    assert (least.RULES, least.CARRIED, least.ENVIRONMENT) == ({}, {}, {})


@pytest.mark.parametrize(
    ("written", "knobs"),
    [
        ("[{key: a, turned: 1}, {key: b, turned: 2}]", {"a": 1, "b": 2}),
        ("{a: 1}", {"a": 1}),
        ("[{key: a, turned: 1}, {key: a, turned: 2}]", None),
        ("[{key: a}]", None),
        ("[a]", None),
        ("[]", None),
    ],
)
def test_only_a_list_of_keys_that_are_told_once_becomes_a_map(written: str, knobs: Any) -> None:
    [tree] = yaml_trees(f"jobs: [{{key: wind, knobs: {written}}}, 3]\n", "f")
    modern, problems = completed(dialect).modernise(tree, ".yaml")
    before = plain(tree)["jobs"][0]["knobs"]
    assert plain(modern)["jobs"] == [{"key": "wind", "knobs": knobs or before}, 3]
    assert problems == []


def test_nothing_of_cicd_names_the_toy() -> None:
    """One entry of the registry, put there by the tests, is all that makes it a platform."""
    files = Path(cicd.__file__).parent.rglob("*.py")
    named = [file for file in files if re.search(r"\btoys?\b", file.read_text("utf-8"))]
    assert named == []
