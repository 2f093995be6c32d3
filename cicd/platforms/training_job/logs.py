"""The lines of a job's log out of its bytes, and how far it was read. Pure.

The API tells no times: each line counts as written when the job was submitted, a nanosecond for
each byte before it, so that a line has the same time whenever it is read.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable
from dataclasses import dataclass

from cicd.model import LogEntry
from cicd.platforms.base import LogPage

LONGEST = 1 << 16
"""Bytes of a line without an end that are told as one."""
FULL = 1 << 20
"""Bytes after which there may be more right now."""
KEPT = 200
"""Bytes of the last line that a cursor keeps."""
ENDS = (b"\n", b"\r")


@dataclass(frozen=True)
class Cursor:
    """So many bytes were told. ``last``: the end of the last line, to find it again in a log that
    was cut at its beginning. ``is_open``: that line has no end yet."""

    at: int = 0
    last: str = ""
    is_open: bool = False

    @classmethod
    def read(cls, text: str) -> Cursor:
        number, _, last = text.partition(" ")
        is_open = number.endswith("+")
        number = number.removesuffix("+")
        return cls(int(number), last, is_open) if number.isdecimal() else cls()

    def __str__(self) -> str:
        return f"{self.at}{'+' if self.is_open else ''} {self.last}"


def next_page(
    read: Callable[[int], bytes], cursor: str, began: int, has_ended: Callable[[], bool]
) -> LogPage:
    """The whole lines after ``cursor``; ``read`` gives what is there from a byte on. What has no
    end of line yet is told once ``has_ended`` says that none will come."""
    known = Cursor.read(cursor)
    at, found = _found(read, known)
    whole = _whole(found)
    is_over = whole < len(found) < FULL and has_ended()
    if is_over:
        found = _to_its_end(read, at, found)
        whole = _whole(found)
    is_full = len(found) >= FULL
    left = len(found) - whole
    is_open = left >= LONGEST or (left > 0 and not is_full and is_over)
    whole += left - (0 if is_over else _cut(found)) if is_open else 0
    if not whole:
        return LogPage((), cursor)
    entries = []
    start = at
    for raw in found[:whole].splitlines(keepends=True):
        entries.append(LogEntry(began + start, raw.decode(errors="replace").rstrip("\r\n")))
        start += len(raw)
    after = Cursor(at + whole, entries[-1].text[-KEPT:], is_open)
    return LogPage(tuple(entries), str(after), is_last=not is_full)


def _whole(found: bytes) -> int:
    """How many bytes of it are whole lines. What comes after a last carriage return may be the rest
    of that end of a line."""
    return max(found.rfind(b"\n"), found.removesuffix(b"\r").rfind(b"\r")) + 1


def _cut(found: bytes) -> int:
    """How many bytes at its end are a part of a character."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    decoder.decode(found)
    return len(decoder.getstate()[0])


def _to_its_end(read: Callable[[int], bytes], at: int, found: bytes) -> bytes:
    """What a log that grows no more has from ``at`` on: whoever answers may give less at once."""
    while len(found) < FULL:
        more = read(at + len(found))
        if not more or _are_one(more, read(0)):
            break
        found += more
    return found


def _are_one(one: bytes, other: bytes) -> bool:
    """Whether two answers begin with the same, as those for any offset do of who takes no notice of
    them, however much of a log there is each time."""
    return one.startswith(other) or other.startswith(one)


def _found(read: Callable[[int], bytes], known: Cursor) -> tuple[int, bytes]:
    """What is new, and where that begins.

    One byte that was told is read again: a log that is shorter than it was, or another one
    altogether, has no end of a line there. (After a line without an end there is nothing to see.)
    """
    at = known.at
    if not at:
        return at, read(at)
    if known.is_open:
        found = read(at)
        is_all = bool(found) and _are_one(found, read(0))
        return at, found[at:] if is_all else found
    found = read(at - 1)
    if found[:1] in ENDS:
        return at, found[1:]
    whole = read(0)
    if _are_one(found, whole) and whole[at - 1 : at] in ENDS:
        return at, max(found, whole, key=len)[at:]
    mark = known.last.encode() + b"\n"
    cut = whole.rfind(mark) if known.last else -1
    if cut >= 0:
        return cut + len(mark), whole[cut + len(mark) :]
    # begun anew, or for a moment not all there: what is longer than before is another log
    return (0, whole) if len(whole) >= at else (at, b"")
