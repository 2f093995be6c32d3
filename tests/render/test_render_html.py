"""The plan as one page: what it shows, that it needs nothing else, that it is safe."""

from __future__ import annotations

import html
import tomllib
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cicd.render.html import render_page
from cicd.words import printable
from tests.render.render_sample import DOCUMENT, NOTHING, a_change, a_document, a_field, is_golden

ROOT = Path(__file__).parents[2]
VOID = {"meta"}
NASTY = st.text() | st.sampled_from(
    ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "</style>", "&lt;", "\ud800"]
)


class Page(HTMLParser):
    """Checks that every element is closed, and collects tags and attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_as_it_is_to_look() -> None:
    assert is_golden("page.html", render_page([DOCUMENT, NOTHING]))


def test_the_page_needs_nothing_else() -> None:
    page = Page(render_page([DOCUMENT, NOTHING]))
    assert not {"script", "link", "img", "iframe", "form"} & set(page.tags)
    assert not {"src", "href", "style"} & page.attributes
    text = render_page([DOCUMENT])
    assert "prefers-color-scheme: dark" in text
    assert "@media print" in text
    assert "url(" not in text
    assert "@import" not in text


@given(NASTY, NASTY)
def test_nothing_from_outside_becomes_an_element(one: str, two: str) -> None:
    change = a_change(f"artifact/{one}", "delete", two, a_field(one, two, one, two), id=two)
    same = a_change(f"artifact/{two}", "no_op", one)
    plain = a_change("artifact/x", "delete", "x", a_field("x", "x", "x", "x"), id="y")
    rest = {"warnings": ["w"], "refusal": "r"}
    document = a_document(change, same, stage=one, commit=two, **rest)
    tame = a_document(plain, a_change("artifact/z", "no_op", "z"), **rest)
    found = Page(render_page([{**document, "refusal": one or "r", "warnings": [two]}]))
    assert found.tags == Page(render_page([tame])).tags


def test_what_no_stage_names_is_told_with_its_command() -> None:
    hint = "2 running <deployments> that no stage names: cicd list deployments dev --unmanaged"
    page = render_page([{**DOCUMENT, "hints": [hint]}])
    assert hint.replace("<", "&lt;").replace(">", "&gt;") in page
    assert "no stage names" not in render_page([{**DOCUMENT, "hints": []}])


def test_what_pages_are_made_of_goes_into_the_wheel() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    globs = project["tool"]["setuptools"]["package-data"]["cicd"]
    packed = {path for glob in globs for path in (ROOT / "cicd").glob(glob)}
    pages = {*(ROOT / "cicd/render/pages").iterdir()}
    assert len(pages) == 4
    assert pages <= packed


@pytest.mark.parametrize("text", ["<b>", "'\"&", "{{ 1 + 1 }}", "{% raw %}", "\x1b[2J", "&amp;"])
def test_a_text_shows_letter_by_letter(text: str) -> None:
    shown = html.unescape(render_page([{**DOCUMENT, "stage": text}]))
    assert f"<h2>Stage {printable(text)}: " in shown


def test_an_empty_list_and_a_damaged_document_are_no_crash() -> None:
    assert "<h1>Plan</h1>" in render_page([])
    assert "no changes" in render_page([{"changes": [3], "warnings": None}])
