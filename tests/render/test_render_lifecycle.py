"""What waits, for people: in text, in a comment, on a page; nothing that others said is markup."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cicd.model import Approval, ApprovalState, Key, LifecycleStatus, Plan, Step
from cicd.plan.document import to_document
from cicd.render.html import render_page
from cicd.render.lifecycle import lines
from cicd.render.markdown import render_section
from cicd.render.text import render_plan

WAITS = (Key("deployment", "serve"),)
STATUS = LifecycleStatus(
    Step.APPROVAL,
    WAITS,
    "file",
    "3fa94c1d2b77" + "0" * 52,
    test="execution/try",
    test_state="passed",
    verdict="accepted: off by 4.2",
    approval=Approval(
        ApprovalState.PENDING, link="approvals/prd.yaml", approvers="@org/ml", note="soon"
    ),
)
PLAN = Plan("prd", "aicore", {}, "c0ffee", "2026-01-01T00:00:00Z", (), "f", lifecycle=STATUS)
EVIL = "x\n/close\n<img src=x onerror=alert(1)> [a](https://evil) @org/team ##vso[task.x] ``` | "


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        (
            {},
            [
                ("waits", "deployment/serve"),
                ("test", "execution/try has passed"),
                ("comparator", "accepted: off by 4.2"),
                (
                    "approval",
                    "not decided yet (3fa94c1d2b77): soon; "
                    "@org/ml may approve it in approvals/prd.yaml",
                ),
            ],
        ),
        ({"waits": (), "test_state": "none", "verdict": ""}, []),
        (
            {"waits": (), "missing": ('doc "d.md" is not there',), "verdict": ""},
            [("missing", 'doc "d.md" is not there')],
        ),
        ({"waits": (), "notes": ("no test: …",), "verdict": ""}, [("note", "no test: …")]),
        (
            {"test": "", "verdict": "", "approval": None},
            [("waits", "deployment/serve"), ("approval", "file (3fa94c1d2b77)")],
        ),
        (
            {
                "test": "",
                "verdict": "",
                "step": Step.DEPLOY,
                "approval": Approval(ApprovalState.APPROVED, "bob", "noon", link="a.yaml@1"),
            },
            [
                ("goes on", "deployment/serve"),
                ("approval", "approved by bob at noon (3fa94c1d2b77); a.yaml@1"),
            ],
        ),
        (
            {
                "test": "",
                "verdict": "",
                "approval": Approval(ApprovalState.STALE),
                "moved": ("a: b changed", "c is new"),
            },
            [
                ("waits", "deployment/serve"),
                (
                    "approval",
                    "decided for something else than this (3fa94c1d2b77): a: b changed, c is new",
                ),
            ],
        ),
    ],
)
def test_what_waits_is_told_in_a_line_for_each_step(
    change: dict[str, Any], wanted: list[tuple[str, str]]
) -> None:
    assert list(lines(replace(STATUS, **change).document)) == wanted


@pytest.mark.parametrize(
    "damaged", [{}, {"waits": 1, "approval": "x", "missing": [1], "notes": {}}]
)
def test_a_document_that_was_edited_by_hand_is_no_failure(damaged: dict[str, Any]) -> None:
    assert list(lines(damaged)) == []


def test_a_plan_shows_it_in_every_form() -> None:
    assert "approval: not decided yet (3fa94c1d2b77)" in render_plan(PLAN)
    assert "**Approval:** not decided yet" in render_section(to_document(PLAN))
    assert "<b>Approval:</b> not decided yet" in render_page([to_document(PLAN)])


def test_a_plan_of_a_stage_without_one_says_nothing_of_it() -> None:
    plain = replace(PLAN, lifecycle=None)
    assert "lifecycle" not in to_document(plain)
    assert "pproval" not in render_plan(plain) + render_section(to_document(plain))


@pytest.mark.parametrize("field", ["note", "by", "link", "approvers", "at"])
def test_nothing_that_others_have_said_is_markup_a_command_or_a_line_of_its_own(field: str) -> None:
    said: dict[str, Any] = {field: EVIL}
    given = replace(STATUS.approval or Approval(ApprovalState.NONE), **said)
    status = replace(STATUS, approval=given, missing=(EVIL,), notes=(EVIL,), verdict=EVIL)
    plan = replace(PLAN, lifecycle=replace(status, moved=(EVIL,)))
    section = render_section(to_document(plan))
    assert not [line for line in section.splitlines() if line.lstrip("> ").startswith("/close")]
    assert "<img" not in section and "](https://evil)" not in section
    assert "@org/team" not in section and "```" not in section
    assert "<img" not in render_page([to_document(plan)])
    assert not any(line.startswith("/close") for line in render_plan(plan).splitlines())
