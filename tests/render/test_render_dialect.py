"""The Markdown of each forge: what it looks for in a text, it finds in none of ours.

A forge looks for references after Markdown is done: in the texts that it shows, outside of code.
"""

from __future__ import annotations

import html
import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cicd.render.dialect import AZURE, DIALECTS, GITHUB, GITLAB, Dialect
from cicd.render.failure import UNKNOWN
from cicd.render.markdown import render_section
from cicd.render.sections import compose, parse, section_text
from tests.forges.plan_documents import change, plan, typical
from tests.render.test_render_injection import document_with

HEX = "deadbeef12"
ATTACKS = (
    "@all", "@group/team", "#12", "!34", "&5", "$6", "~bug", '~"a label"', "%7", '%"a milestone"',
    "^alert#8", "[issue:9]", "[vulnerability:10]", "group/project#11", "group/project!12",
    "GL-13", "ABC-14", "AB#15", HEX, f"group/project@{HEX}", "0123456789" * 4,
    "https://evil.example/x", "www.evil.example", "ftp://evil.example", "mail@evil.example",
    ":tada:", "[[_TOC_]]", "[TOC]", "::include{file=x}", "{+ added +}", "[- gone -]",
    "%{gitlab_server}", "$`x`$", "$$x$$", "```mermaid\nx\n```", "<b>x</b>", "[x](https://evil.example)",
    "![x](https://evil.example/x.png)", "/close", "\r/merge", "x\n/approve", "\t/close", "> /close",
    ">>>\n/close\n>>>", "<details>\n/close", "/assign @mallory", "\u200b/close", "-->\n/close",
    "@<a0b1c2d3-0000-4000-8000-000000000001>", "| a |", "# x", "* x", "    x", "\\", "&#47;close",
)  # fmt: skip
REFERENCES = {
    "github": r"(?<!\w)@[A-Za-z]|(?<!\w)#\d|(?<![A-Za-z])GH-\d|https?://|www\.[A-Za-z0-9]|:\w+:",
    "gitlab": (
        r"@\w|(?<!\w)[#!&$]\d|~[\w\"]|%[\w\"{]|\^alert#\d|\[\w+:\d|[A-Z][A-Z0-9_]+-\d"
        r"|(?<!\w)[0-9a-fA-F]{7,40}(?!\w)|\w+://|www\.[A-Za-z0-9]|:\w+:|\[\[|::include|\{\+|\[[+-]"
    ),
    "azure": r"@[\w<]|#\d|!\d|\w+://|www\.[A-Za-z0-9]|:\w+:|\[\[",
}
"""What each forge makes a link, a mention or markup of, in the texts that it shows."""
FENCE = re.compile(r"(?ms)^ *(`{3,})diff$.*?^ *\1$")
PIECES = st.sampled_from([*ATTACKS, "\n", "\r", " ", "/", "@", "#", "\\", "é", "\u200b", "-1", ":"])
TEXTS = st.lists(PIECES | st.text(max_size=4), max_size=5).map("".join)
EACH = pytest.mark.parametrize("dialect", DIALECTS.values(), ids=list(DIALECTS))


def shown(body: str) -> str:
    """The texts of a body outside of code, as a reader sees them: escapes and entities are done."""
    plain = FENCE.sub("", body)
    plain = re.sub(r"(?s)<code>.*?</code>|<!--.*?-->|</?(?:details|summary|b|span)>", "", plain)
    plain = re.sub(r"(?m)^> \[!\w+\]$", "", plain)
    plain = re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", plain)
    return html.unescape(plain)


def commands(body: str) -> list[str]:
    """The quick actions that GitLab would carry out: a line that begins with a slash and a word,
    carriage returns gone, whatever stands around it."""
    return re.findall(r"(?m)^/[A-Za-z_]\w*", body.replace("\r", ""))


def found_in(body: str, dialect: Dialect) -> list[str]:
    return re.findall(REFERENCES[dialect.name], shown(body))


@EACH
def test_a_text_of_others_is_only_a_text(dialect: Dialect) -> None:
    for text in ATTACKS:
        for written in (dialect.escape(text), dialect.escape_in_html(text)):
            assert not found_in(written, dialect), text
            assert not (dialect.has_commands and commands(written)), text
            assert "\n" not in written
            assert "<b>" not in written
        title = dialect.title(text)
        assert "\n" not in title
        assert not (dialect.links_titles and found_in(title, dialect)), text


@EACH
@given(text=TEXTS)
@settings(max_examples=60)
@example("/close")
@example(f"{HEX}-{HEX}/{HEX}")
def test_no_plan_holds_markup_of_others(dialect: Dialect, text: str) -> None:
    status = {"missing": [text], "waits": [text], "notes": [text], "means": "file", "test": text}
    more = {"commit": text, "target": {text: text}, "hints": [text], "lifecycle": status}
    body = compose({}, [document_with(text) | more], dialect=dialect)
    if dialect.has_commands:
        assert not [line for line in body.replace("\r", "").split("\n") if line.startswith("/")]
    assert not found_in(body, dialect)
    assert list(parse(body)) == ["dev"]


@EACH
@given(text=TEXTS)
@settings(max_examples=40)
def test_no_failure_holds_markup_of_others(dialect: Dialect, text: str) -> None:
    problem = {"file": text, "line": 3, "column": 1, "message": text, "rule": text}
    failed = plan(text or UNKNOWN) | {
        "failure": {"exit_code": 1, "message": text, "problems": [problem]},
        "created_at": text,
    }
    body = compose({}, [failed], dialect=dialect)
    assert not (dialect.has_commands and commands(body))
    assert not found_in(body, dialect)


@EACH
def test_a_text_reads_as_before(dialect: Dialect) -> None:
    text = f"it's 5 % of {HEX}, a/b_c*d (x) <y> & more; v1.2-3"
    assert shown(dialect.escape(text)).replace("\u200b", "") == text
    assert html.unescape(dialect.escape_in_html(text)).replace("\u200b", "").replace(
        "<span>$</span>", "$"
    ) == text  # fmt: skip


def test_ids_in_the_look_of_code_can_be_copied_where_no_forge_looks_into_it() -> None:
    assert GITLAB.code(HEX) == f"<code>{HEX}</code>"
    assert HEX not in GITLAB.escape(HEX)


def test_alerts_are_words_where_the_forge_has_none() -> None:
    refused = typical() | {"refusal": "too many deletes"}
    assert "> [!CAUTION]\n> **Refused:** too many deletes" in section_text(refused)
    azure = section_text(refused, None, AZURE)
    assert "> **Caution**\n>\n> **Refused:** too many deletes" in azure
    assert "[!" not in azure


def test_a_body_is_as_long_as_its_forge_takes() -> None:
    many = plan("dev", *(change(f"artifact/{i:05}-{'x' * 60}", "create") for i in range(3_000)))
    for dialect in DIALECTS.values():
        body = compose({}, [many], dialect=dialect)
        assert dialect.limit * 0.9 < len(body) <= dialect.limit
        assert "left out" in body
    assert AZURE.limit < 150_000 < GITLAB.limit


def test_what_github_gets_is_as_it_was() -> None:
    document = typical() | {"refusal": "x"}
    assert render_section(document) == render_section(document, dialect=GITHUB)
    assert GITHUB.escape("a $1 @b deadbeef12") == "a <span>$</span>1 @\u200bb deadbeef12".replace(
        "@", "\\@"
    )
