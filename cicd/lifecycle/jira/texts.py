"""What a ticket says, before it is known in which of Jira's two languages. Pure.

Limits: a summary has one line of 255 characters, any other text 32,767. Jira is a Java program: a
character outside the basic plane counts as two.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from cicd.words import one_line, printable

SUMMARY_LIMIT = 255
TEXT_LIMIT = 32_767
CUT = "… and more: see the run"


@dataclass(frozen=True)
class Line:
    """A paragraph ``label: text``; with ``url`` the text leads there."""

    label: str
    text: str
    url: str = ""


@dataclass(frozen=True)
class Block:
    """Lines that are shown as they are."""

    text: str


Part = Line | Block


def length(text: str) -> int:
    """The characters of a text as Jira counts them."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def summary(text: str) -> str:
    """The text as a ticket's heading: one line, not too long."""
    text = one_line(" ".join(text.split()), SUMMARY_LIMIT)
    while length(text) > SUMMARY_LIMIT:
        text = f"{text[:-2]}…"
    return text


def shown(part: Part) -> Part:
    """The part without characters that move a cursor, break a line or turn the writing."""
    if isinstance(part, Line):
        label, text = (" ".join(printable(words).split()) for words in (part.label, part.text))
        return Line(label, text, part.url if is_link(part.url) else "")
    return Block("\n".join(printable(line) for line in part.text.splitlines()))


def is_link(url: str) -> bool:
    """Whether people may be led there: a web address, without a login in it."""
    try:
        parts = urlsplit(url)
        return (
            parts.scheme in {"http", "https"}
            and bool(parts.hostname)
            and "@" not in parts.netloc
            and url.isprintable()
            and not any(char in url for char in " \"'<>\\`")
        )
    except ValueError:
        return False


def fitting(parts: Sequence[Part], size: Callable[[Sequence[Part]], int]) -> list[Part]:
    """The parts, the last block cut after so many whole lines that ``size`` is within the limit."""
    parts = [shown(part) for part in parts]
    at = max((at for at, part in enumerate(parts) if isinstance(part, Block)), default=None)
    if at is None or size(parts) <= TEXT_LIMIT:
        return parts
    lines = parts[at].text.splitlines()
    least, most = 0, len(lines)
    while least < most:
        middle = (least + most + 1) // 2
        if size(_cut(parts, at, lines[:middle])) <= TEXT_LIMIT:
            least = middle
        else:
            most = middle - 1
    return _cut(parts, at, lines[:least])


def _cut(parts: Sequence[Part], at: int, lines: Sequence[str]) -> list[Part]:
    block = parts[at]
    assert isinstance(block, Block)
    return [*parts[:at], replace(block, text="\n".join([*lines, CUT])), *parts[at + 1 :]]
