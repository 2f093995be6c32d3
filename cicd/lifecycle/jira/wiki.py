"""Jira's wiki markup, the rich text of its REST API v2. Pure.

What a text could do there: bold and the like, links and mentions in brackets, macros in braces,
pictures between exclamation marks, links of web addresses, of mail addresses and of keys of
tickets, and smileys. A backslash takes away what the next character means, but only for those that
are listed and not after another backslash; an invisible blank (U+200B) parts what has no such list.
Source: the pattern of Jira's renderer, as Atlassian's editor ported it (BackslashEscapeRenderer),
https://jira.atlassian.com/secure/WikiRendererHelpAction.jspa?section=all
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import quote

from cicd.lifecycle.jira.texts import Block, Part, fitting, length

INVISIBLE = "\u200b"
_SPECIAL = re.compile(r"[-#*_+?^~|%{}\[\]()!@]")
_JOINED = re.compile(
    r"\\"  # of an escape, a line break
    r"|[:;](?=\S)"  # of a web address, a mail address, a smiley
    r"|&(?=[#\w])"  # of a character by its number
    r"|(?<![^\W_])(?:h[1-6]|bq)(?=\.)"  # of a heading, a quotation
)
_MACRO = re.compile(r"\{(?=\s*/?\s*(?:noformat|code|adf)\b)", re.IGNORECASE)


def document(parts: Sequence[Part]) -> str:
    """The parts as markup, short enough for a field of Jira."""
    return _document(fitting(parts, lambda some: length(_document(some))))


def escape(text: str) -> str:
    """The text on one line, as it is: nothing in it is markup, a link or a mention."""
    return _SPECIAL.sub(r"\\\g<0>", _JOINED.sub(rf"\g<0>{INVISIBLE}", text))


def _document(parts: Sequence[Part]) -> str:
    return "\n\n".join(_part(part) for part in parts)


def _part(part: Part) -> str:
    if isinstance(part, Block):
        return f"{{noformat}}\n{_MACRO.sub('{' + INVISIBLE, part.text)}\n{{noformat}}"
    label = f"*{escape(part.label)}*" if part.label else ""
    text = escape(part.text) if part.text != part.url else ""
    # a bare address is a link; in brackets an escaped text before it would end it
    words = " ".join(filter(None, (text, quote(part.url, safe="%/:?=&,;+$.#"))))
    return ": ".join(filter(None, (label, words)))
