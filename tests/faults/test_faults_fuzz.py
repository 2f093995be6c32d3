"""Damaged input of every sort: read, or refused in words; never a crash, a hang or a full memory.

More of it: ``CICD_FUZZ=20000 pytest tests/faults/test_faults_fuzz.py`` (examples of each test).
"""

from __future__ import annotations

import json
import os
import re
from functools import reduce
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from cicd.automation.saved import read_saved
from cicd.cli.apply import with_saved_options
from cicd.cli.options import Common
from cicd.config import GitFacts, Surroundings, check_stage, load_stage
from cicd.config.tree import Place
from cicd.errors import CicdError, InvalidStage
from cicd.platforms.aicore import logs, times
from cicd.platforms.aicore.convert import log_entry
from cicd.platforms.aicore.dialect.templates import read_templates
from cicd.platforms.registry import DIALECTS
from cicd.render.html import render_page
from cicd.render.markdown import escape, render_section
from cicd.render.sections import section_text
from cicd.words import printable
from tests.config.config_sample import ENV, GIT, SERVE, STAGE, TRAIN, write_repository
from tests.forges.plan_documents import typical as document

EXAMPLES = int(os.environ.get("CICD_FUZZ", "40"))
LIMITED = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize="CICD_FUZZ" not in os.environ,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
SEED_FILE = json.dumps(
    {
        "clean_up": True,
        "wait_for_status": True,
        "artifacts": [{"key": "data", "name": "D", "kind": "dataset", "url": "ai://default/d"}],
        "executions": [
            {
                "configuration": {
                    "name": "T",
                    "scenario_id": "churn",
                    "executable_id": "trainer",
                    "parameter_bindings": [{"key": "epochs", "value": "1"}],
                    "input_artifact_bindings": [{"key": "dataset", "artifact": "data"}],
                }
            }
        ],
        "deployments": [],
    }
)
PIECES = st.one_of(
    st.sampled_from(
        ["${", "${var.x}", "${env.X}", "$${", "}", "${stage}", "${executions.a.artifacts.b}",
         "${deployments..url}", "${var.${var.x}}", "&a ", "*a", "<<: *a", "!!str ", "- ", ": ",
         "\n", "\n  ", "\t", "[", "]", "{", "}", "|", ">", "#", "null", "~", "1e999", "-0", "0x",
         ".nan", "'", '"', "\\ud800", "\0", "\ufeff", "\u2028", "é", "😀", "{{", "}}", "=",
         "{{workflow.parameters.x}}", "{{=1", "---\n", "...\n", "? ", "%YAML 1.1\n", "9" * 400]
    ),
    st.text(max_size=5),
)  # fmt: skip
EDITS = st.lists(
    st.tuples(st.floats(0, 1), st.integers(0, 30), PIECES, st.integers(1, 3)),
    min_size=1,
    max_size=4,
)
"""(where, how much goes, what comes, how often) a few times over."""


def damaged(text: str, edits: list[tuple[float, int, str, int]]) -> str:
    def edit(text: str, one: tuple[float, int, str, int]) -> str:
        place, gone, piece, times = one
        at = round(place * len(text))
        return text[:at] + piece * times + text[at + gone :]

    return reduce(edit, edits, text)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_repository(tmp_path_factory.mktemp("fuzz"))


def read(repository: Path, name: str) -> None:
    """Load a stage file in every way; what is refused is refused in words with a place."""
    try:
        load_stage(
            name, Surroundings(root=repository, env=ENV, variables={}, dialects=DIALECTS, git=GIT)
        )
    except InvalidStage as error:
        assert all(problem.message and problem.file for problem in error.problems)
    except CicdError as error:
        assert str(error)
    for problem in check_stage(
        name,
        Surroundings(
            root=repository, env={}, variables={"x": "y"}, dialects=DIALECTS, git=GitFacts()
        ),
    ):
        assert "\n" not in str(problem)


def put(path: Path, text: str) -> str:
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    return str(path)


@LIMITED
@given(EDITS)
def test_stage_files(repository: Path, edits: list[tuple[float, int, str, int]]) -> None:
    read(repository, put(repository / "stages" / "dev.yaml", damaged(STAGE, edits)))


@LIMITED
@given(EDITS)
def test_seed_files(repository: Path, edits: list[tuple[float, int, str, int]]) -> None:
    read(repository, put(repository / "config.json", damaged(SEED_FILE, edits)))


@LIMITED
@given(st.lists(PIECES, max_size=6).map("".join), st.booleans())
def test_variables(repository: Path, text: str, is_variable: bool) -> None:
    where = "variables" if is_variable else "limits"
    stage = {"aicore": {"resource_group": text}, where: {"x": text, "y": "${var.x}"}}
    read(repository, put(repository / "stages" / "odd.json", json.dumps(stage)))


@LIMITED
@given(EDITS, st.sampled_from([TRAIN, SERVE]))
def test_templates(tmp_path: Path, edits: list[tuple[float, int, str, int]], template: str) -> None:
    (tmp_path / "templates").mkdir(exist_ok=True)
    put(tmp_path / "templates" / "one.yaml", damaged(template, edits))
    _, problems = read_templates(tmp_path, "templates", Place("stages/dev.yaml", 1, 1))
    assert all("\n" not in str(problem) for problem in problems)


# logs ----------------------------------------------------------------------------------------

MOMENTS = st.one_of(
    st.none(),
    st.text(max_size=40),
    st.datetimes().map(lambda d: d.isoformat() + "Z"),
    st.tuples(
        st.integers(-1, 10**4), st.integers(0, 13), st.integers(0, 32), st.integers(0, 15)
    ).map(lambda p: f"{p[0]:04d}-{p[1]:02d}-{p[2]:02d}T00:00:00.{'9' * p[3]}+14:00"),
)
LINES = st.fixed_dictionaries(
    {
        "timestamp": MOMENTS,
        "msg": st.one_of(
            st.none(),
            st.text(max_size=40),
            st.text(max_size=9).map(lambda t: f"2026-01-01T00:00:00.1Z stdout F {t}"),
            st.text(max_size=9).map(lambda t: f"2026-01-01T00:00:00.1Z {t} stderr P "),
        ),
    }
)


@LIMITED
@given(st.lists(LINES, max_size=8), st.integers(1, 9))
@example([{"timestamp": "0001-01-01T00:00:00+14:00", "msg": "x"}], 1)
def test_log_pages(lines: list[dict[str, Any]], top: int) -> None:
    cursor = logs.read_cursor("", 0)
    for _ in range(3):
        page = logs.next_page(lines, cursor, top)
        assert all(entry.time >= cursor.start for entry in page.entries)
        cursor = logs.read_cursor(page.cursor, 0)
        times.rfc3339(cursor.start)


@LIMITED
@given(MOMENTS)
@example("0001-01-01T00:00:00+14:00")
@example("9999-12-31T23:59:59-14:00")
def test_moments(text: str | None) -> None:
    times.utc_seconds(text)


def test_a_quoted_key_cannot_write_lines_of_its_own(repository: Path) -> None:
    text = '"a\\n::error::b\\u001b[31m\\u2028": 1\n' + STAGE
    name = put(repository / "stages" / "dev.yaml", text)
    problems = check_stage(
        name, Surroundings(root=repository, env={}, variables={}, dialects=DIALECTS, git=GIT)
    )
    assert any('"a\\n::error::b\\x1b[31m\\u2028"' in str(problem) for problem in problems)
    assert all(str(problem).isprintable() for problem in problems)


@pytest.mark.parametrize("key", ["kind", "apiVersion", "metadata", "spec"])
@pytest.mark.parametrize("value", ["{a: b}", "[1]", "3", "null"])
def test_templates_of_another_shape(tmp_path: Path, key: str, value: str) -> None:
    (tmp_path / "templates").mkdir()
    text = re.sub(rf"(?m)^{key}:.*(\n +.*)*", f"{key}: {value}", TRAIN)
    assert text != TRAIN
    put(tmp_path / "templates" / "one.yaml", text)
    assert read_templates(tmp_path, "templates", Place("stages/dev.yaml", 1, 1))[1]


def test_a_long_line_with_half_a_prefix_takes_no_time() -> None:
    text = "2026-01-01T" + "0 stdout " * 200_000
    assert log_entry({"msg": text}, 0).text


# plans ---------------------------------------------------------------------------------------

JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(
                ["bound", "options", "changes", "fields", "key", "path", "select", "x"]
            ),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=12,
)


@LIMITED
@given(EDITS, st.dictionaries(st.sampled_from([*document()]), JSON, max_size=3))
def test_plans(
    tmp_path: Path, edits: list[tuple[float, int, str, int]], changed: dict[str, Any]
) -> None:
    whole = json.dumps(document())
    for text in (damaged(whole, edits), json.dumps({**document(), **changed})):
        path = tmp_path / "plan.json"
        put(path, text)
        try:
            saved = read_saved(path)
        except CicdError as error:
            assert str(error)
        else:
            with_saved_options(Common(), saved.document)


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, "1" * 10_000])
def test_deep_and_long_plans(tmp_path: Path, text: str) -> None:
    (tmp_path / "plan.json").write_text(text)
    with pytest.raises(InvalidStage):
        read_saved(tmp_path / "plan.json")


@LIMITED
@given(st.dictionaries(st.sampled_from([*document()]), JSON, max_size=4), st.integers(0, 3000))
def test_rendered_plans(changed: dict[str, Any], limit: int) -> None:
    odd = {**document(), **changed}
    assert len(render_section(odd, limit=limit)) <= limit
    render_section(odd)
    section_text(odd)
    render_page([odd])


@LIMITED
@given(st.text())
def test_escaped_text_stays_one_line(text: str) -> None:
    for shown in (escape(text), printable(text)):
        assert len(shown.splitlines()) <= 1
        assert len(shown) <= 20 * len(text) + 20
