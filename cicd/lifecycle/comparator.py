"""A program of the user judges the result of a test: files in, exit code and a JSON verdict out."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from cicd.errors import CicdError, Failed
from cicd.model import Comparator
from cicd.words import one_line

KNOWN = (
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "TZ",
    "TMPDIR",
    "TEMP",
    "TMP",
    "SYSTEMROOT",
    "VIRTUAL_ENV",
)
"""The variables that it gets: no credential is among them."""
MOST_OUTPUT = 16_000_000
"""Bytes that it may print in all."""
TAIL = 64_000
"""Bytes of the end that are looked at."""
LONGEST = 500
POLL = 0.1


@dataclass(frozen=True)
class Verdict:
    """What it said. ``details``: all else of its JSON."""

    is_good: bool
    reason: str
    details: Mapping[str, Any]

    def __str__(self) -> str:
        word = "accepted" if self.is_good else "rejected"
        return f"{word}: {self.reason}" if self.reason else word


def compare(
    comparator: Comparator,
    folder: Path,
    root: Path,
    environ: Mapping[str, str],
    is_stopped: Callable[[], bool] = lambda: False,
) -> Verdict:
    """Run it in ``root`` with ``folder`` as its last argument. Exit code 0 accepts, 1 rejects, and
    the last line that it prints may be a JSON object with ``verdict`` (``accepted``, ``rejected``)
    and ``reason``: it is accepted only if both do. Raises Failed where it ends otherwise, prints
    too much or takes too long, CicdError where it cannot be started."""
    words = [_program(comparator.command[0], environ), *comparator.command[1:], str(folder)]
    known = {name: environ[name] for name in KNOWN if name in environ}
    try:
        process = subprocess.Popen(
            words,
            cwd=root,
            env={**known, "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # so that what it starts can be ended with it
        )
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        message = f"the comparator {comparator.command[0]} cannot be started: {why}"
        raise CicdError(
            message, hint="name a program that is there, from the project on"
        ) from error
    printed, said = _Tail(process.stdout), _Tail(process.stderr)
    try:
        code = _wait(process, comparator.timeout, (printed, said), is_stopped)
    finally:
        _end(process)
        printed.close()
        said.close()
    return _judge(code, printed.text, said.text)


def _program(name: str, environ: Mapping[str, str]) -> str:
    """As the environment finds it; Python is there in any case."""
    found = shutil.which(name, path=environ.get("PATH"))
    return found or (sys.executable if name in {"python", "python3"} else name)


def _wait(
    process: subprocess.Popen[bytes],
    timeout: float,
    outputs: Sequence[_Tail],
    is_stopped: Callable[[], bool],
) -> int:
    end = time.monotonic() + timeout
    while process.poll() is None:
        if is_stopped():
            raise CicdError("nobody waits for the comparator any more")
        if time.monotonic() >= end:
            raise Failed(f"the comparator took longer than {timeout:g} s")
        if any(output.count > MOST_OUTPUT for output in outputs):
            raise Failed(f"the comparator printed more than {MOST_OUTPUT:,} bytes")
        time.sleep(POLL)
    return process.returncode


def _end(process: subprocess.Popen[bytes]) -> None:
    """With all that it has started."""
    if os.name == "posix":
        with suppress(OSError):  # all of them have ended
            os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.wait()


class _Tail:
    """The end of what a program prints, read while it runs."""

    def __init__(self, stream: IO[bytes] | None) -> None:
        assert stream
        self._stream = stream
        self._last: deque[bytes] = deque()
        self.count = 0
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        while part := self._stream.read1(TAIL):  # type: ignore[attr-defined]
            self.count += len(part)
            self._last.append(part)
            while sum(map(len, self._last)) - len(self._last[0]) > TAIL:
                self._last.popleft()

    def close(self) -> None:
        """After the program has ended: what it has started may still hold the other end."""
        self._thread.join(1.0)
        if not self._thread.is_alive():
            self._stream.close()

    @property
    def text(self) -> str:
        return b"".join(self._last).decode(errors="replace")


def _judge(code: int, printed: str, said: str) -> Verdict:
    last = next((line for line in reversed(said.splitlines()) if line.strip()), "")
    if code not in {0, 1}:
        raise Failed(f"the comparator ended with {code}: {one_line(last, LONGEST) or 'no word'}")
    told = _told(printed)
    word = str(told.pop("verdict", "")).lower()
    reason = one_line(str(told.pop("reason", "")), LONGEST)
    if word not in {"", "accepted", "rejected"}:
        raise Failed(f'the comparator says "{one_line(word, 40)}": accepted or rejected is known')
    is_good = code == 0 and word != "rejected"
    return Verdict(is_good, reason or ("" if is_good else one_line(last, LONGEST)), told)


def _told(printed: str) -> dict[str, Any]:
    """The JSON object that the output ends with, on one line or on several; empty where it ends
    with other words. Raises Failed for what begins or ends like one and cannot be read: it may be
    a rejection."""
    lines = printed.strip("\ufeff \r\n\t").splitlines()
    if not lines or not (lines[-1].startswith("{") or lines[-1].endswith("}")):
        return {}
    start = max((n for n, line in enumerate(lines) if line.startswith("{")), default=0)
    try:
        found = json.loads("\n".join(lines[start:]), object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise Failed(
            f"the comparator ends with something else than JSON: {one_line(lines[-1], 80)}",
            hint='its last line may be {"verdict": "accepted", "reason": "…"}',
        ) from error
    return dict(found)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose keys stand in it once each."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice in it")
    return found
