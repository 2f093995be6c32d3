"""The lines of a job's log out of its bytes, and how far it was read. Pure.

The API tells no times: each line counts as written when the job was submitted, a nanosecond for
each byte before it, so that a line has the same time whenever it is read.
"""

from __future__ import annotations

from collections.abc import Callable

from cicd.model import LogEntry
from cicd.platforms.base import LogPage

LONGEST = 1 << 16
"""Bytes of a line without an end that are told as one."""
FULL = 1 << 20
"""Bytes after which there may be more right now."""
ENDS = (b"\n", b"\r")
OPEN = "+"
"""The end of a cursor where no line has ended."""


def next_page(
    read: Callable[[int], bytes], cursor: str, began: int, has_ended: Callable[[], bool]
) -> LogPage:
    """The whole lines after ``cursor``, a number of bytes; ``read`` gives what is there from a byte
    on. What has no end of line yet is told once ``has_ended`` says that none will come.

    One byte that was read before is read again: a log that is shorter than it was, or another one
    altogether, has no end of a line there. (After a line without an end there is nothing to see.)
    """
    is_open = cursor.endswith(OPEN)
    at = int(cursor.removesuffix(OPEN)) if cursor.removesuffix(OPEN).isdecimal() else 0
    has_check = at > 0 and not is_open
    found = read(at - 1 if has_check else at)
    is_full = len(found) >= FULL
    if has_check and found:
        if found[:1] in ENDS:
            found = found[1:]
        elif found[at - 1 : at] in ENDS:
            found = found[at:]  # whoever answers takes no notice of offsets
        else:
            at, found = 0, read(0)  # it was begun anew
            is_full = len(found) >= FULL
    whole, is_open = max(found.rfind(b"\n"), found.rfind(b"\r")) + 1, False
    if found and not whole and (len(found) >= LONGEST or has_ended()):
        whole, is_open = len(found), True
    if not whole:
        return LogPage((), cursor)
    entries = []
    start = at
    for raw in found[:whole].splitlines(keepends=True):
        entries.append(LogEntry(began + start, raw.decode(errors="replace").rstrip("\r\n")))
        start += len(raw)
    after = f"{at + whole}{OPEN if is_open else ''}"
    return LogPage(tuple(entries), after, is_last=not is_full)
