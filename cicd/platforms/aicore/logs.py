"""Log pages without a line lost or doubled. Pure.

AI Core has no continuation token: one asks again from the last time seen. Many lines can share one
nanosecond, and a line of another container can arrive late, so what was seen near the end is
remembered, line by line and with how often.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from cicd.model import LiveResource, LogEntry
from cicd.platforms.aicore.convert import Document, log_entry
from cicd.platforms.aicore.statuses import LAST_LOG
from cicd.platforms.base import LogPage

TOP = 5000
"""Lines per request, the most that the API allows."""
CUT = 100
"""Lines from which on a page that is shorter than asked may have been cut on the way."""
OVERLAP = 10**9
"""Nanoseconds asked for again once all is read, for lines that come late."""
PLATFORM_LINE = 'time="'
"""How lines of Argo itself begin, in the midst of the program's own."""


@dataclass(frozen=True)
class Cursor:
    """Where to go on: ask from ``start`` (ns), and skip what was ``seen`` there."""

    start: int
    seen: Counter[str] = field(default_factory=Counter)

    def dumps(self) -> str:
        return json.dumps({"start": self.start, "seen": self.seen}, separators=(",", ":"))


def read_cursor(text: str, otherwise: int) -> Cursor:
    """The cursor in a text, or the one that begins at ``otherwise`` (ns)."""
    if not text:
        return Cursor(otherwise)
    known = json.loads(text)
    return Cursor(int(known["start"]), Counter(known["seen"]))


def next_page(items: Sequence[Document], cursor: Cursor, top: int = TOP) -> LogPage:
    """The new lines among ``items``, the answer to a request from ``cursor.start``."""
    # a server that ignores the start sends the same lines again for ever
    entries = [e for e in _entries(items, cursor.start) if e.time >= cursor.start]
    if not entries:
        return LogPage((), cursor.dumps())
    left, present = Counter(cursor.seen), Counter[str]()
    fresh = []
    for entry in entries:
        mark = _mark(entry)
        present[mark] += 1
        if left[mark] > 0:
            left[mark] -= 1
        else:
            fresh.append(entry)
    # A gateway may give fewer lines than were asked for. Taken for the end, the rest would come a
    # look later each time.
    is_full = len(items) >= min(top, CUT)
    start = _next_start(entries, cursor, is_full)
    seen = Counter({mark: n for mark, n in (cursor.seen | present).items() if _time(mark) >= start})
    shown = tuple(entry for entry in fresh if not entry.text.startswith(PLATFORM_LINE))
    return LogPage(shown, Cursor(start, seen).dumps(), is_last=not is_full)


def last_lines(answer: Document, count: int) -> list[LogEntry]:
    """The last lines of a log, oldest first, from an answer that has the newest first."""
    items = (answer.get("data") or {}).get("result") or []
    found = [log_entry(item, 0) for item in reversed(items)]
    shown = [entry for entry in found if not entry.text.startswith(PLATFORM_LINE)]
    return sorted(shown, key=lambda entry: entry.time)[-count:]


def last_words(live: LiveResource, count: int) -> list[LogEntry]:
    """What its status says of the last lines; without their times."""
    return [LogEntry(0, text) for text in live.facts.get(LAST_LOG, "").splitlines()[-count:]]


def _entries(items: Iterable[Document], start: int) -> Iterable[LogEntry]:
    """A line with no time of its own has that of the line before."""
    last = start
    for item in items:
        entry = log_entry(item, last)
        last = entry.time
        yield entry


def _next_start(entries: Sequence[LogEntry], cursor: Cursor, is_full: bool) -> int:
    last = max(entry.time for entry in entries)
    if not is_full:
        return min(last, max(cursor.start, last - OVERLAP))
    # A whole page within one nanosecond: asking from there again would bring it again, for ever.
    return last if last > cursor.start else cursor.start + 1


def _mark(entry: LogEntry) -> str:
    return f"{entry.time}:{sha256(entry.text.encode(errors='replace')).hexdigest()[:12]}"


def _time(mark: str) -> int:
    return int(mark.partition(":")[0])
