"""A plan document as a section of a pull-request comment, in GitHub's Markdown.

Names, reasons and values come from stage files, from the platform and from logs: each of them goes
through ``escape`` or into a fence that is longer than any run of backticks inside.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from cicd.model import Action
from cicd.render import document as read
from cicd.render.document import Document
from cicd.render.text import printable

MOST_NAMED = 20
"""How many deletes or replaces the warning names, and how many warnings are shown."""
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


def render_section(document: Document, *, limit: int | None = None) -> str:
    """One stage's section: headline with counts, what is deleted or replaced, details folded.

    At most ``limit`` characters: cut at whole changes, with a line saying how many are left out.
    """
    headline = f"### Stage {_code(read.text(document, 'stage'))}: {read.counted(document)}\n"
    changes = read.changes(document)
    parts = [
        part
        for part in (_about(document), _refusal(document), _dangers(changes), _warnings(document))
        if part
    ]
    if limit is None:
        return "\n".join([headline, *parts, *_details(changes, None)])
    # a line end joins two parts; the line that says what is left out must always have its room
    room = limit - len(headline) - (len(_left_out(len(changes))) + 1 if changes else 0)
    kept = []
    for part in parts:
        if len(part) + 1 <= room:
            kept.append(part)
            room -= len(part) + 1
    return "\n".join([headline, *kept, *_details(changes, room)])[: max(limit, 0)]


def _about(document: Document) -> str:
    """Where it goes and what is deployed; not worth a line when nothing changes."""
    if not read.changes(document):
        return ""
    parts = [escape(part) for part in read.place(document).split(" · ") if part]
    if commit := read.text(document, "commit"):
        parts.append(f"commit {_code(commit[:12])}")
    return " · ".join(parts) + "\n" if parts else ""


def _refusal(document: Document) -> str:
    refusal = read.text(document, "refusal")
    return _alert("CAUTION", [f"**Refused:** {escape(_short(refusal))}"]) if refusal else ""


def _dangers(changes: Iterable[Document]) -> str:
    """A block that names every delete and replace, up to a bound."""
    lines = []
    for action, word in ((Action.DELETE, "Deletes"), (Action.REPLACE, "Replaces")):
        found = [item for item in changes if read.text(item, "action") == action.value]
        names = [_code(read.with_id(item)) for item in found[:MOST_NAMED]]
        more = f" and {len(found) - MOST_NAMED} more" if len(found) > MOST_NAMED else ""
        if found:
            lines.append(f"**{word} {len(found)}:** {', '.join(names)}{more}")
    return _alert("CAUTION", lines) if lines else ""


def _warnings(document: Document) -> str:
    found = read.texts(document, "warnings")
    lines = [escape(_short(text)) for text in found[:MOST_NAMED]]
    if len(found) > MOST_NAMED:
        lines.append(f"and {len(found) - MOST_NAMED} more")
    return _alert("WARNING", lines) if lines else ""


def _alert(sort: str, lines: Iterable[str]) -> str:
    return f"> [!{sort}]\n" + "\n>\n".join(f"> {line}" for line in lines) + "\n"


def _details(changes: list[Document], room: int | None) -> Iterator[str]:
    """The folded list, of which only whole changes within ``room`` characters are shown; the line
    that says how many are left out has its own room."""
    if not changes:
        return
    opening = f"<details><summary>{_number(len(changes), 'change')}</summary>\n"
    closing = "</details>\n"
    blocks = [_change(change) for change in changes]
    shown = len(blocks)
    if room is not None:
        shown = _fitting(blocks, room - len(opening) - len(closing) - 2)
    if shown:
        yield opening
        yield from blocks[:shown]
    if shown < len(blocks):
        yield _left_out(len(blocks) - shown)
    if shown:
        yield closing


def _fitting(blocks: list[str], room: int) -> int:
    """How many blocks fit; when all do, the line that says how many do not gives up its room."""
    if sum(len(block) + 1 for block in blocks) <= room + len(_left_out(len(blocks))) + 1:
        return len(blocks)
    for index, block in enumerate(blocks):
        room -= len(block) + 1
        if room < 0:
            return index
    return len(blocks)


def _left_out(count: int) -> str:
    return f"{_number(count, 'more change')} left out: too long for this comment.\n"


def _change(change: Document) -> str:
    reason = escape(_short(read.text(change, "reason")))
    head = f"- **{read.text(change, 'action')}** {_code(read.with_id(change))}"
    lines = [f"{head}: {reason}" if reason else head]
    fields = [line for field in read.items(change, "fields") for line in _field(field)]
    if fields:
        fence = "`" * max(3, 1 + _longest_run(fields))
        lines += [f"  {line}" for line in (f"{fence}diff", *fields, fence)]
    return "\n".join(lines) + "\n"


def _field(field: Document) -> Iterator[str]:
    path, reason = printable(_short(read.text(field, "path"))), read.text(field, "reason")
    before, after = field.get("before"), field.get("after")
    if before is not None:
        yield f"- {path}: {read.value(before)}"
    why = f" ({printable(_short(reason))})" if reason else ""
    if after is not None or before is None:
        yield f"+ {path}: {read.value(after)}{why}"
    elif why:
        yield f"# {path}:{why}"


def _longest_run(lines: Iterable[str]) -> int:
    return max((len(run) for line in lines for run in re.findall("`+", line)), default=0)


def _code(text: str) -> str:
    """Text in the look of code. Not in backticks: between those nothing can be escaped."""
    return f"<code>{escape(_short(text))}</code>"


def _short(text: Any) -> str:
    text = str(text)
    return text if len(text) <= LONGEST_TEXT else f"{text[: LONGEST_TEXT - 1]}…"


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}{'s' * (count != 1)}"
