"""The lines of a log that is read by bytes. Pure, but for the reading that is handed in."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from cicd.model import LogEntry
from cicd.platforms.base import LogPage

FULL = 1 << 18
"""Bytes that are read at once."""
LONGEST = 1 << 16
"""Bytes of a line without an end that are told as one."""
_FRAME = re.compile(
    r"\s*(at )?[\w.$/<>-]+\((\w+\.(java|scala|kt):\d+|Native Method|Unknown Source)\)$"
    r"|\s+\.\.\. \d+ more$"
)
"""A line of the stack of a Java exception."""
_CHATTER = re.compile(
    r"\d\d/\d\d/\d\d \d\d:\d\d:\d\d (DEBUG|INFO|WARN) |Launch Command: |=+$|NOTE: Picked up "
    r"|WARNING: Using incubator modules|Using Spark's default log4j profile"
)
"""How a line begins that Spark also writes where all is well."""
_HEAD = re.compile(r"==== Bytes (\d+)-(\d+) of (\d+) of .* ====\n?")


@dataclass(frozen=True)
class Chunk:
    """Bytes ``start`` to ``end`` of a log of ``total``. ``times``: when each of its lines was
    written, in nanoseconds since 1970, where that is told."""

    start: int
    end: int
    total: int
    text: str
    times: tuple[int, ...] = ()

    @classmethod
    def of_page(cls, page: str) -> Chunk:
        """What a worker's page of a log says (its first line tells the bytes); nothing where there
        is no log."""
        head = _HEAD.match(page)
        if not head:
            return cls(0, 0, 0, "")
        start, end, total = map(int, head.groups())
        return cls(start, end, total, page[head.end() :] if end > start else "")

    @classmethod
    def of_bytes(cls, content: bytes, offset: int, size: int) -> Chunk:
        """A part of a log that is known as a whole."""
        start = min(offset, len(content))
        part = content[start : start + size]
        return cls(start, start + len(part), len(content), part.decode(errors="replace"))

    @classmethod
    def of_whole(cls, text: str, offset: int, size: int) -> Chunk:
        """The same of a text."""
        return cls.of_bytes(text.encode(), offset, size)

    @classmethod
    def said(cls, text: str, offset: int) -> Chunk:
        """A line of ours, where there is no log to read."""
        return cls.of_whole(f"cicd: {text}\n", offset, FULL)


NOTHING = Chunk(0, 0, 0, "")
"""A log that is not there."""


def is_told(line: str) -> bool:
    """Whether a line tells people something: Java says where an exception was after what it is."""
    return bool(line.strip()) and not _FRAME.match(line)


def is_trouble(line: str) -> bool:
    """The same, where Spark's own messages are among the lines."""
    return is_told(line) and not _CHATTER.match(line)


Read = Callable[[int, int], Chunk]
"""What a log has from a byte on, so many bytes at most."""


def next_page(read: Read, cursor: str, began: int, *, is_over: bool) -> LogPage:
    """The whole lines after ``cursor``, which is a byte. What has no end of line yet is told once
    it ``is_over``. A log that is shorter than it was has been rolled, and begins anew."""
    at = int(cursor) if cursor.isdecimal() else 0
    chunk = read(at, FULL)
    if chunk.total < at:
        at, chunk = 0, read(0, FULL)
    if not chunk.text:
        return LogPage((), cursor)
    is_all = chunk.end >= chunk.total
    whole = chunk.text.rfind("\n") + 1
    if (is_all and is_over) or (not whole and len(chunk.text) >= LONGEST):
        whole = len(chunk.text)
    if not whole:
        return LogPage((), cursor)
    after = _byte_after(chunk, whole, read)
    entries = _entries(chunk.text[:whole], began + chunk.start, chunk.times)
    return LogPage(entries, str(after), is_last=is_all)


def _byte_after(chunk: Chunk, whole: int, read: Read) -> int:
    """The byte after so many characters. Of bytes that are no text nobody tells how many one sign
    stands for, from one to three: where there are such on both sides it is looked for, as the first
    after which no line ends."""
    told, rest = chunk.text[:whole], chunk.text[whole:]
    if not rest:
        return chunk.end
    if "\ufffd" not in told:
        return chunk.start + len(told.encode())
    low, high = chunk.end - len(rest.encode()), chunk.end - len(rest)
    while low < high and "\ufffd" in rest:
        middle = (low + high) // 2
        if "\n" in read(middle, chunk.end - middle).text:
            low = middle + 1
        else:
            high = middle
    return low


def _entries(text: str, began: int, times: Sequence[int]) -> tuple[LogEntry, ...]:
    """Lines, each a nanosecond after the one before for each of its bytes where nobody tells when
    a line was written."""
    found = []
    for line, time in zip_longest(_lines(text), times):
        found.append(LogEntry(began if time is None else time, line.rstrip("\r\n")))
        began += len(line.encode())
    return tuple(found)


def _lines(text: str) -> Sequence[str]:
    return [f"{line}\n" for line in text.removesuffix("\n").split("\n")]
