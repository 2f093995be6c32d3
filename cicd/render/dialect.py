"""The Markdown of each forge: what is the same text to people is written otherwise for each.

Every forge looks for more than Markdown when that is done: for mentions, numbers of changes and
work items, names of labels, commits, addresses, emoji. What a text can hold of that is parted by a
space of no width, so that it reads as before.
Sources: GitHub's "Basic writing and formatting syntax", GitLab's "GitLab Flavored Markdown" and
lib/gitlab/quick_actions/extractor.rb, Azure DevOps' "Use Markdown".
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cicd.render.escaped import short
from cicd.words import printable

BREAK = "\u200b"
"""A space of no width."""
_PUNCTUATION = re.compile(r"[!#$&)*+\-.:<=>@\[\\\]^_`{|}~]")
_ENTITIES = {
    "<": "&lt;",
    ">": "&gt;",
    "&": "&amp;",
    "`": "&#96;",
    "|": "&#124;",
    "$": "&#36;",
}
_COMMIT = re.compile(r"[0-9a-fA-F]{7,}")
_SIX = re.compile(r".{1,6}")


@dataclass(frozen=True)
class Dialect:
    """``limit``: the longest text that a comment takes, in characters. ``triggers``: what ends in a
    place where the forge must find two things and not one. ``entities``: how characters are written
    that a backslash does not help. ``has_alerts``: whether ``> [!CAUTION]`` is more than these
    words; ``has_commands``: whether a line that begins with a slash is carried out;
    ``links_commits``: whether seven digits of the sixteen may become a link; ``links_titles``:
    whether a title has links and mentions."""

    name: str
    limit: int
    triggers: re.Pattern[str]
    entities: Mapping[str, str]
    has_alerts: bool = True
    has_commands: bool = False
    links_commits: bool = False
    links_titles: bool = False

    def escape(self, text: str) -> str:
        """``text`` as it is shown letter by letter, on one line, wherever it is put.

        Nothing in it becomes markup, HTML, a mention or a link, or ends a table cell, a fence or
        code.
        """
        return self._marked(self._without_commits(self._parted(text)))

    def escape_in_html(self, text: str) -> str:
        """The same for a line that begins with a tag of HTML: there Markdown's escapes would
        show."""
        return self._tagged(self._without_commits(self._parted(text)))

    def title(self, text: str) -> str:
        """The same in the title of an issue, where there is no Markdown but, on GitLab, all that is
        looked for after it."""
        if not self.links_titles:
            return printable(text).strip()
        return self._without_commits(self._parted(text))

    def code(self, text: str) -> str:
        """Text in the look of code. Not in backticks: between those nothing can be escaped."""
        return f"<code>{self._marked(self._parted(short(text)))}</code>"

    def code_in_html(self, text: str) -> str:
        """The same for a line that begins with a tag of HTML."""
        return f"<code>{self._tagged(self._parted(short(text)))}</code>"

    def alert(self, sort: str, lines: Iterable[str]) -> str:
        """Lines that nobody should miss; ``sort``: CAUTION or WARNING."""
        return self.alert_head(sort) + "\n>\n".join(f"> {line}" for line in lines) + "\n"

    def alert_head(self, sort: str) -> str:
        """What such lines begin with."""
        return f"> [!{sort}]\n" if self.has_alerts else f"> **{sort.capitalize()}**\n>\n"

    def fold(self, summary: str, body: str) -> str:
        """``body`` under a line of HTML that unfolds it."""
        return f"<details><summary>{summary}</summary>\n\n{body}\n\n</details>"

    def hidden(self, name: str, value: Mapping[str, Any]) -> str:
        """A line that nobody sees, with data for the next run; nothing in the data can end it."""
        plain = json.dumps(value, separators=(",", ":"))
        plain = plain.replace("<", "\\u003c").replace(">", "\\u003e").replace("--", "-\\u002d")
        return f"<!-- cicd:{name} {plain} -->"

    def _parted(self, text: str) -> str:
        return self.triggers.sub(lambda match: match[0] + BREAK, printable(text).strip())

    def _without_commits(self, text: str) -> str:
        if not self.links_commits:
            return text
        return _COMMIT.sub(lambda match: BREAK.join(_SIX.findall(match[0])), text)

    def _marked(self, text: str) -> str:
        entities = self.entities
        shown = _PUNCTUATION.sub(lambda match: entities.get(match[0], f"\\{match[0]}"), text)
        return self._without_command(shown)

    def _tagged(self, text: str) -> str:
        return self._without_command("".join(self.entities.get(char, char) for char in text))

    def _without_command(self, text: str) -> str:
        return f"&#47;{text[1:]}" if self.has_commands and text.startswith("/") else text


GITHUB = Dialect(
    "github",
    65_536,
    re.compile(r"@|#(?=\w)|:(?=//|[\w+-]+:)|(?<=www)\.|(?<=gh)-(?=\d)", re.IGNORECASE),
    # GitHub's own way to say that no formula begins here
    _ENTITIES | {"$": "<span>$</span>"},
)
GITLAB = Dialect(
    # a note takes a million characters, and they are slow to show
    "gitlab",
    200_000,
    re.compile(
        r"""@ | [#!$&](?=[\w"]) | [%~](?=[\w"{])   # people, changes, epics, milestones, labels
        | :(?=:|//|[\w+-]+:) | (?<=www)\.          # includes, addresses, emoji
        | (?<=\w)-(?=\d)                           # tickets of other systems: ABC-12
        | [\[{](?=[\[{+\-\w])                      # [issue:1], [[_TOC_]], {+ added +}
        """,
        re.IGNORECASE | re.VERBOSE,
    ),
    _ENTITIES,
    has_commands=True,
    links_commits=True,
    links_titles=True,
)
AZURE = Dialect(
    # a comment takes 150,000
    "azure",
    120_000,
    re.compile(r"@|[#!](?=\w)|:(?=//|[\w+-]+:)|(?<=www)\.|\[(?=\[)", re.IGNORECASE),
    _ENTITIES,
    has_alerts=False,
)
DIALECTS = {dialect.name: dialect for dialect in (GITHUB, GITLAB, AZURE)}
