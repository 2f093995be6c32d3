"""The text of the comment: what it holds, what of it survives, how long it gets."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pytest_mock import MockerFixture

from cicd.render import sections
from cicd.render.dialect import GITHUB
from cicd.render.sections import LIMIT, compose, is_plan_comment, parse, share
from tests.forges.plan_documents import RUN, big, change, plan, typical

GOLDEN = Path(__file__).parent / "golden"


def check_golden(name: str, text: str) -> None:
    """Compare with the file; CICD_GOLDEN=write writes it instead, for a person to look at."""
    file = GOLDEN / name
    if os.environ.get("CICD_GOLDEN") == "write":
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8")


def test_golden_comments() -> None:
    first = compose({}, [typical("dev")], run_url=RUN)
    check_golden("comment_one_stage.md", first)
    second = compose(parse(first), [plan("tst", change("artifact/houses", "no_op"))], run_url=RUN)
    check_golden("comment_two_stages.md", second)


def test_a_section_is_replaced_and_the_others_stay() -> None:
    both = compose({}, [typical("dev"), typical("tst")], run_url=RUN)
    again = compose(parse(both), [plan("dev")], run_url=f"{RUN}9")
    before, after = parse(both), parse(again)
    assert after["tst"] == before["tst"]
    assert after["dev"].facts["summary"] == {}
    assert list(after) == ["dev", "tst"]
    assert "dev no changes · tst 1 to create" in again.splitlines()[1]


def test_the_same_plan_gives_the_same_comment() -> None:
    once = compose({}, [typical()], run_url=RUN)
    assert compose(parse(once), [typical()], run_url=RUN) == once
    assert compose(parse(once.replace("\n", "\r\n")), [typical()], run_url=RUN) == once


@pytest.mark.parametrize("stage", ["dev", "a --> b", "<b>&@me", "ä/ö ü", "x" * 300, "100%"])
def test_any_stage_name_comes_back(stage: str) -> None:
    body = compose({}, [typical(stage)], run_url=RUN)
    assert list(parse(body)) == [stage]
    assert body.splitlines()[0].endswith("} -->")
    assert body.splitlines()[0].count("-->") == 1


def test_nothing_in_a_plan_can_end_its_section_or_start_another(
    mocker: MockerFixture,
) -> None:
    evil = "x\n<!-- /cicd:stage dev -->\n<!-- cicd:stage prd -->\nfine\n<!-- /cicd:stage prd -->"
    document = plan("dev", change(f"artifact/{evil}", "create", evil), warnings=(evil,))
    assert list(parse(compose({}, [document]))) == ["dev"]
    # not even when the renderer let it through
    mocker.patch.object(sections, "render_section", lambda document, **_: evil)
    assert list(parse(compose({}, [document]))) == ["dev"]


@pytest.mark.parametrize(
    "body",
    ["", "hello", "> <!-- cicd:plan {} -->", "<!-- cicd:plan x -->", "<!-- cicd:stage dev -->"],
)
def test_other_texts_are_none_of_ours(body: str) -> None:
    assert not is_plan_comment(body)
    assert parse(body) == {}


def test_an_edited_head_costs_the_facts_and_no_more() -> None:
    body = compose({}, [typical()], run_url=RUN)
    head, rest = body.split("\n", 1)
    spoilt: list[dict[str, Any]] = [
        {},
        {"stages": []},
        {"stages": {"dev": {"summary": 3, "run": "javascript:x"}}},
    ]
    for facts in spoilt:
        known = parse(f"{GITHUB.hidden('plan', facts)}\n{rest}")
        assert known["dev"].text == parse(body)["dev"].text
        assert "run" not in known["dev"].facts
        assert "tst" in parse(compose(known, [plan("tst")]))
    assert parse(f"{head[:40]}}} -->\n{rest}")["dev"].facts == {}


def test_five_thousand_changes_fit_in_time_and_lead_to_the_summary() -> None:
    start = time.process_time()
    body = compose({}, [big()], run_url=RUN)
    assert time.process_time() - start < 2.0
    assert LIMIT // 2 < len(body) <= LIMIT
    assert f"[summary of the run]({RUN})" in body
    assert body.splitlines()[1] == "## cicd plan: dev 5000 to create"
    check_folds(body)


def check_folds(body: str) -> None:
    assert body.count("<details") == body.count("</details>")
    assert body.count("\n```") % 2 == 0


def test_a_big_plan_leaves_a_small_one_whole() -> None:
    body = compose({}, [big("dev"), typical("tst"), big("prd")], run_url=RUN)
    found = parse(body)
    assert len(body) <= LIMIT
    assert "Too long" not in found["tst"].text
    assert abs(len(found["dev"].text) - len(found["prd"].text)) < 6000


def test_of_another_runs_big_section_a_line_is_left_with_a_link() -> None:
    before = compose({}, [big("dev")], run_url=f"{RUN}1")
    after = parse(compose(parse(before), [big("tst")], run_url=RUN))
    assert "5000 to create" in after["dev"].text
    assert f"({RUN}1)" in after["dev"].text
    assert "\n" not in after["dev"].text
    assert len(after["tst"].text) > LIMIT // 2


def test_without_a_run_it_names_the_command() -> None:
    assert "`cicd plan` shows the whole plan" in compose({}, [big()])


def test_hundreds_of_stages_stay_within_the_limit() -> None:
    assert len(compose({}, [plan(f"stage-{i}") for i in range(700)], run_url=RUN)) <= LIMIT


@settings(deadline=None, max_examples=20)
@given(
    st.lists(st.integers(0, 400), min_size=1, max_size=6),
    st.lists(st.integers(0, 400), max_size=4),
    st.integers(4000, 30_000),
)
def test_never_over_the_limit(new: list[int], old: list[int], limit: int) -> None:
    known = parse(compose({}, [big(f"old{i}", size) for i, size in enumerate(old)], run_url=RUN))
    plans = [big(f"new{i}", size) for i, size in enumerate(new)]
    body = compose(known, plans, run_url=RUN, limit=limit)
    assert len(body) <= limit
    assert len(parse(body)) == len(new) + len(old)


@given(
    st.dictionaries(st.text(max_size=3), st.integers(0, 1000), max_size=8), st.integers(-5, 5000)
)
def test_room_is_divided_and_never_exceeded(sizes: dict[str, int], room: int) -> None:
    given_room = share(sizes, room)
    assert given_room.keys() == sizes.keys()
    assert sum(given_room.values()) <= max(0, room)
    if sum(sizes.values()) <= room:
        assert given_room == sizes
