"""Text of others in a ticket: no markup, no mention, no link, and never too long."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cicd.lifecycle.jira import adf, wiki
from cicd.lifecycle.jira.texts import TEXT_LIMIT, Block, Line, Part, length, summary
from tests.lifecycle.jira_documents import document_of, wrong_document

EVIL = [
    "*bold* _i_ +u+ -s- ^a^ ~b~ ??c??",
    "[click|https://evil.example]",
    "[~admin] @admin",
    "https://evil.example/x mailto:a@evil.example",
    "{code}{noformat}{color:red}x{color}",
    "!https://evil.example/x.png!",
    "ML-7",
    "||a||b||",
    "h1. big",
    "bq. quoted",
    ":) :D ;) (!) (y)",
    r"\* \\* \[~admin] C:\new\*",
    "---- -- ---",
    "&#91;~admin&#93; &lt;",
]
# what the renderer acts on, unless a backslash that is none of two stands before it
ACTIVE = re.compile(r"(?<!\\)(?:\\\\)*[-#*_+?^~|%{}\[\]()!@]|\\\\|://|:[)D]|&#|\bh1\.")


@pytest.mark.parametrize("evil", EVIL)
def test_text_of_others_stays_text_in_markup(evil: str) -> None:
    escaped = wiki.escape(evil)
    assert not ACTIVE.search(escaped)
    assert shown(escaped) == evil


@given(st.text("*_-+^~?{}[]()!|\\#@:;&./ ab7h1.bq", max_size=30))
def test_whatever_is_escaped_is_read_as_it_was(text: str) -> None:
    escaped = wiki.escape(text)
    assert not ACTIVE.search(escaped)
    assert shown(escaped) == text


def shown(markup: str) -> str:
    """What a reader sees of escaped text: by the renderer's own rule for a backslash."""
    without = re.sub(r"(?<!\\)\\([-#*_+?^~|%{}\[\]()!@])", r"\1", markup)
    return without.replace(wiki.INVISIBLE, "")


@pytest.mark.parametrize(
    "evil",
    ["{noformat}", "{NoFormat:x=y}", "{ noformat }", "{/noformat}", r"\{noformat}", "{code}"],
)
def test_nothing_ends_a_block_of_markup(evil: str) -> None:
    markup = wiki.document([Block(f"a\n{evil}\n[~admin]")])
    assert markup.startswith("{noformat}\n")
    assert markup.endswith("\n{noformat}")
    assert not re.search(r"\{\s*/?(noformat|code)", markup[11:-11], re.IGNORECASE)
    assert markup[11:-11].replace(wiki.INVISIBLE, "") == f"a\n{evil}\n[~admin]"


@pytest.mark.parametrize("evil", EVIL)
def test_text_of_others_stays_text_in_a_document(evil: str) -> None:
    document = adf.document([Line("Author", evil), Line(evil, evil), Block(evil)])
    assert wrong_document(document) == []
    kinds = {node["type"] for node in nodes(document)}
    assert kinds == {"doc", "paragraph", "codeBlock", "text"}
    assert not [
        mark for node in nodes(document) for mark in node.get("marks", []) if "attrs" in mark
    ]
    assert evil in json.dumps(document, ensure_ascii=False).replace("\\\\", "\\")


def nodes(node: dict[str, Any]) -> list[dict[str, Any]]:
    return [node, *(inner for child in node.get("content", []) for inner in nodes(child))]


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "https://user:pass@example.com/",
        "https://example.com/a b",
        "https://example.com/\n[~admin]",
        'https://example.com/"onload=x',
        "https://[broken",
        "data:text/html,x",
        "/relative",
    ],
)
def test_what_is_no_web_address_is_no_link(url: str) -> None:
    line = Line("Run", "the run", url)
    assert "link" not in json.dumps(adf.document([line]))
    assert wiki.document([line]) == "*Run*: the run"


def test_a_link_leads_where_it_says() -> None:
    url = "https://ci.example.com/a_b/runs/7?x=[1]&y={z}|!e#job:2"
    markup = wiki.document([Line("Run", url, url)])
    assert markup == "*Run*: https://ci.example.com/a_b/runs/7?x=%5B1%5D&y=%7Bz%7D%7C%21e#job:2"
    document = adf.document([Line("Run", url, url)])
    [mark] = document["content"][0]["content"][1]["marks"]
    assert mark == {"type": "link", "attrs": {"href": url}}


def test_what_moves_the_cursor_or_turns_the_writing_is_escaped() -> None:
    parts: list[Part] = [Line("By", "a\u202eb\x1b[2J\nc"), Block("x\x00y\r\nz\u2028w")]
    for text in (wiki.document(parts), json.dumps(adf.document(parts), ensure_ascii=False)):
        assert not any(char in text for char in "\u202e\x1b\x00\r\u2028")
        assert "u202e" in text


@pytest.mark.parametrize("line", ["x", "é → ", "\U0001f600", '"\\', "*_[~x]"])
def test_a_long_text_is_cut_at_a_line(line: str) -> None:
    block = Block("\n".join(f"{n} {line * 20}" for n in range(9000)))
    parts: list[Part] = [Line("Plan", "all"), block]
    markup, document = wiki.document(parts), adf.document(parts)
    assert length(markup) <= TEXT_LIMIT
    assert length(json.dumps(document)) <= TEXT_LIMIT
    assert markup.endswith("… and more: see the run\n{noformat}")
    assert wrong_document(document) == []
    text = document["content"][1]["content"][0]["text"].splitlines()
    assert text[:-1] == block.text.splitlines()[: len(text) - 1]
    assert len(text) > 100


def test_one_line_that_is_too_long_is_left_out_whole() -> None:
    assert wiki.document([Block("x" * 40_000)]) == "{noformat}\n… and more: see the run\n{noformat}"


@pytest.mark.parametrize("text", ["", "a\n\n b\tc", "x" * 400, "\U0001f600" * 200, "a\x00b"])
def test_a_summary_is_one_short_line(text: str) -> None:
    title = summary(text)
    assert length(title) <= 255
    assert title.isprintable()
    assert title == title.strip()


def test_the_words_of_a_comment_are_read_whatever_it_is_made_of() -> None:
    document = document_of("too  slow")
    document["content"].append({"type": "mention", "attrs": {"id": "1"}})
    document["content"].append({"type": "paragraph"})
    assert adf.plain_text(document) == "too slow"
    assert adf.plain_text("too\n slow") == "too slow"
    assert adf.plain_text(None) == adf.plain_text({"content": "x"}) == ""
