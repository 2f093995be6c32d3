"""Text of others in GitHub's Markdown: shown letter by letter, wherever it is put."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from cicd.words import printable

LONGEST_TEXT = 500
"""Longest reason, name or warning shown, in characters."""

_PUNCTUATION = re.compile(r"[!#$&)*+\-.:<=>@\[\\\]^_`{|}~]")
_ENTITIES = {
    "<": "&lt;",
    ">": "&gt;",
    "&": "&amp;",
    "`": "&#96;",
    "|": "&#124;",
    "$": "<span>$</span>",  # GitHub's own way to say that no formula begins here
}
_TRIGGERS = re.compile(r"@|#(?=\w)|:(?=//|[\w+-]+:)|(?<=www)\.|(?<=gh)-(?=\d)", re.IGNORECASE)
_BREAK = "\u200b"
"""A space of no width: GitHub looks for mentions, issues, addresses and emoji after
Markdown is done, when an escaped character is like any other."""


def escape(text: str) -> str:
    """``text`` as GitHub shows it letter by letter, on one line, wherever it is put.

    Nothing in it becomes markup, HTML, a mention or a link, or ends a table cell, a fence or code.
    """
    shown = _TRIGGERS.sub(lambda match: match[0] + _BREAK, printable(text).strip())
    return _PUNCTUATION.sub(lambda match: _ENTITIES.get(match[0], f"\\{match[0]}"), shown)


def escape_in_html(text: str) -> str:
    """The same for a line that begins with a tag of HTML: there Markdown's escapes would show."""
    shown = _TRIGGERS.sub(lambda match: match[0] + _BREAK, printable(text).strip())
    return "".join(_ENTITIES.get(char, char) for char in shown)


def longest_run(lines: Iterable[str]) -> int:
    """The most backticks in a row."""
    return max((len(run) for line in lines for run in re.findall("`+", line)), default=0)


def code(text: str) -> str:
    """Text in the look of code. Not in backticks: between those nothing can be escaped."""
    return f"<code>{escape(short(text))}</code>"


def code_in_html(text: str) -> str:
    """The same for a line that begins with a tag of HTML."""
    return f"<code>{escape_in_html(short(text))}</code>"


def short(text: Any) -> str:
    """The beginning of a text that is too long."""
    text = str(text)
    return text if len(text) <= LONGEST_TEXT else f"{text[: LONGEST_TEXT - 1]}…"


def number(count: int, noun: str) -> str:
    """``1 change``, ``2 changes``."""
    return f"{count} {noun}{'s' * (count != 1)}"
