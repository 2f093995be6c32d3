"""Output bytes to log lines: cut, decoded, stamped, handed to the journal in batches."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from threading import Lock

from cicd.emulator.jobs import Journal, Line

LONGEST = 65536
"""Bytes; a longer line is cut into several."""
KEPT_TAIL = 20
"""Lines that a failure shows."""


class Cutter:
    """One stream of bytes, cut into lines of text."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[str]:
        """The lines that ``data`` completes."""
        *whole, rest = (self._rest + data).split(b"\n")
        found = [part for line in whole for part in _parts(line.removesuffix(b"\r"))]
        *long, self._rest = _parts(rest)
        return [_text(part) for part in (*found, *long)]

    def finish(self) -> list[str]:
        """The last line, if it came without an end."""
        rest, self._rest = self._rest, b""
        return [_text(rest)] if rest else []


def _parts(line: bytes) -> list[bytes]:
    """Pieces of at most LONGEST bytes, never cut inside a character."""
    found = []
    while len(line) > LONGEST:
        end = LONGEST
        while end > LONGEST - 4 and line[end] & 0xC0 == 0x80:
            end -= 1
        found.append(line[:end])
        line = line[end:]
    return [*found, line]


def _text(line: bytes) -> str:
    return line.decode("utf-8", errors="replace")


class RunLog:
    """The log of one run; its lines get strictly growing times, in the order they are stored."""

    def __init__(self, journal: Journal, run_id: str) -> None:
        self._journal = journal
        self._run_id = run_id
        self._last = 0
        self._said: set[str] = set()
        self._lock = Lock()

    def write(self, lines: Sequence[Line]) -> None:
        """Store lines; a time that is not after the last stored one is moved behind it."""
        with self._lock:
            stamped = []
            for line in lines:
                # Readers go on behind the time of the last line they have, so two lines with one
                # time would lose one. Clocks may stand still for some lines, or be set back.
                self._last = max(line.time, self._last + 1)
                stamped.append(Line(self._last, line.text, line.container, line.pod, line.stream))
            # inside the lock, so that a reader never finds a line before one it has read
            self._journal.log(self._run_id, stamped)

    def note(self, text: str, *, pod: str = "", container: str = "main") -> None:
        """A remark of the emulator's own."""
        self.write([Line(time.time_ns(), text, container, pod, "stderr")])

    def note_once(self, text: str, *, pod: str = "", container: str = "main") -> None:
        """A remark that would be the same for each of its many containers."""
        with self._lock:
            is_new = text not in self._said
            self._said.add(text)
        if is_new:
            self.note(text, pod=pod, container=container)


class Recorder:
    """The output of one process on its way to the log of its run."""

    def __init__(
        self,
        log: RunLog,
        *,
        pod: str,
        container: str = "main",
        keep_bytes: int = 0,
        is_shown: bool = True,
    ) -> None:
        self._log = log
        self._is_shown = is_shown
        self._pod = pod
        self._container = container
        self._cutters = {"stdout": Cutter(), "stderr": Cutter()}
        self._waiting: list[Line] = []
        self._keep_bytes = keep_bytes
        self._kept = bytearray()
        self.tail: deque[str] = deque(maxlen=KEPT_TAIL)

    @property
    def is_waiting(self) -> bool:
        """Whether lines are there that are not stored yet."""
        return bool(self._waiting)

    @property
    def result(self) -> str:
        """What was written to standard output, as far as it was to be kept."""
        return _text(bytes(self._kept)).removesuffix("\n")

    def feed(self, stream: str, data: bytes) -> None:
        """Take in a piece of output."""
        if stream == "stdout" and len(self._kept) < self._keep_bytes:
            self._kept += data[: self._keep_bytes - len(self._kept)]
        self._add(stream, self._cutters[stream].feed(data))

    def _add(self, stream: str, texts: list[str]) -> None:
        now = time.time_ns()
        self._waiting += [Line(now, text, self._container, self._pod, stream) for text in texts]
        self.tail.extend(texts[-KEPT_TAIL:])

    def flush(self) -> None:
        """Store what is waiting."""
        if self._waiting:
            lines, self._waiting = self._waiting, []
            if self._is_shown:
                self._log.write(lines)

    def finish(self) -> None:
        """Store everything, also a last line without an end."""
        for stream, cutter in self._cutters.items():
            self._add(stream, cutter.finish())
        self.flush()
