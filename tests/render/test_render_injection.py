"""Texts of a plan in a comment: no mention, no closing word, no action, no marker of ours."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cicd.render.html import render_page
from cicd.render.markdown import render_section
from cicd.render.sections import compose, parse
from tests.forges.plan_documents import change, plan

ATTACKS = (
    "@team please look",
    "fixes #1",
    "Closes org/repo#2",
    "/approve",
    "x\n/merge",
    "x\r/close",
    "-->\n<!-- cicd:plan {} -->",
    "<!-- /cicd:stage dev -->",
    "```\n/approve\n```",
    "</details><script>alert(1)</script>",
    "[link](https://evil.example)",
    "![x](https://evil.example/x.png)",
    "| a | b |",
    "$`x`$",
    ":tada:",
)
PIECES = st.sampled_from([*ATTACKS, "\n", "\r", "`", " ", "/", "@", "#", "<", "é", "\u200b"])
TEXTS = st.lists(PIECES | st.text(max_size=4), max_size=6).map("".join)


def document_with(text: str) -> dict[str, object]:
    field = {"path": f"a.{text}", "before": text, "after": {text: [text]}, "reason": text}
    changed = {**change(f"artifact/{text}", "update", text), "fields": [field], "id": text}
    return plan("dev", changed, warnings=(text,)) | {"refusal": text}


def lines_of(text: str) -> list[str]:
    """As GitLab sees them, which deletes carriage returns first."""
    return text.replace("\r", "").split("\n")


@pytest.mark.parametrize("text", ATTACKS)
def test_no_line_of_a_comment_is_a_quick_action(text: str) -> None:
    body = compose({}, [document_with(text)])
    assert not [line for line in lines_of(body) if line.startswith("/")]


@given(TEXTS)
def test_no_line_of_any_comment_begins_with_a_slash(text: str) -> None:
    body = compose({}, [document_with(text)])
    assert not [line for line in lines_of(body) if line.startswith("/")]
    assert list(parse(body)) == ["dev"]


@given(TEXTS)
def test_nobody_is_called_and_nothing_is_closed(text: str) -> None:
    section = render_section(document_with(text))
    # GitHub looks for nothing in code; a fence is longer than any run of backticks inside
    inside = re.sub(r"(?ms)^ *(`{3,})diff$.*?^ *\1$|`[^`\n]*`", "", section)
    assert not re.search(r"@[A-Za-z]|(?<!&)#\d|<!--", inside)


@given(TEXTS)
def test_a_page_holds_no_markup_of_others(text: str) -> None:
    page = render_page([document_with(text)])
    assert not re.search(r"<script|<img|<a href=\"https://evil", page)
