"""One running program: started under the supervisor, its output recorded, stopped politely."""

from __future__ import annotations

import contextlib
import os
import selectors
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from threading import Lock

from cicd.emulator.runner import supervisor
from cicd.emulator.runner.bounds import Limits
from cicd.emulator.runner.disk import Disk
from cicd.emulator.runner.inside.supervise import UNSTARTED
from cicd.emulator.runner.lines import Recorder

BATCH_SECONDS = 0.08
"""How long a line may wait for others before it is stored."""
DRAIN_SECONDS = 3.0
"""How long output is awaited from programs that outlive the one that started them."""
HARD_KILL_SECONDS = 2.0
"""How long the supervisor has to carry out a kill."""
AT_ONCE = 2.0
"""Seconds that storing the output of a program may take without a rest."""
REST_SHARE = 3
"""After that it is not read from for so many times longer than each piece took: one that writes
without end waits, and this machine has time for others."""
LONGEST_REST = 0.5
NOT_STARTED = 126
LAST_SIGNAL = 64
"""What is above 128 plus that, like 255, is a program's own exit code."""


@dataclass(frozen=True)
class Launch:
    """How to start a program: the sandbox's command line, and what the supervisor is told."""

    argv: Sequence[str]
    command: Sequence[str]
    env: Mapping[str, str]
    cwd: str
    limits: Limits | None = None
    folders: tuple[Path, ...] = ()
    """Where what it writes is kept."""
    is_alone: bool = False
    """It sees no process but those that it starts."""
    is_reporting: bool = False
    """It is a program of ours, which sees to the limits itself and says when they were met."""

    def order(self, report: int = -1) -> bytes:
        """What on standard input makes the supervisor start the program; it may write to the open
        file ``report`` why it has killed it."""
        is_guarded = self.limits and report >= 0 and not self.is_reporting
        spec = {
            # str() for what only looks like one
            "command": [str(word) for word in self.command],
            "env": {str(name): str(text) for name, text in self.env.items()},
            "cwd": self.cwd,
            "limits": asdict(self.limits) if self.limits and is_guarded else None,
            "report": report,
            "alone": self.is_alone,
            "reporting": self.is_reporting and report >= 0,
        }
        return supervisor.order(spec)


@dataclass(frozen=True)
class Exit:
    """How it ended. ``is_timeout``: it was stopped because its time was over. ``excess``: it was
    killed because it took more than it may, in words. ``is_lost``: there is no such program."""

    code: int
    is_timeout: bool = False
    excess: str = ""
    is_lost: bool = False

    def __str__(self) -> str:
        if self.excess:
            return f"{self.excess} (exit code {self.code})"
        if 128 < self.code <= 128 + LAST_SIGNAL:
            return f"killed by signal {self.code - 128} (exit code {self.code})"
        return f"exit code {self.code}"

    @property
    def words(self) -> str:
        """The end of a container as Argo words it, with what it took too much of."""
        return str(self) if self.excess else f"Error ({self})"


class Process:
    """One program, run by the thread that calls ``run``.

    bubblewrap ends the program when the *thread* that started it ends, so the same thread starts,
    reads and waits. ``stop`` may be called from any other.
    """

    def __init__(self, launch: Launch, recorder: Recorder, *, grace: float) -> None:
        self._launch = launch
        self._recorder = recorder
        self._grace = grace
        self._wake_read, self._wake_write = os.pipe()
        self._stop_within: float | None = None
        self._is_open = True
        self._lock = Lock()

    def stop(self, *, grace: float | None = None) -> None:
        """Ask it to end; it is killed after ``grace`` seconds. Returns at once."""
        self._stop_within = self._grace if grace is None else grace
        with self._lock:
            if self._is_open:
                os.write(self._wake_write, b"x")

    def run(self, timeout: float | None = None) -> Exit:
        """Run it to its end and return how it ended; its output is stored by then."""
        report, reporting = os.pipe()
        os.set_blocking(report, False)
        try:
            process = subprocess.Popen(
                self._launch.argv,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                # Neither the sandbox's own program nor the supervisor needs anything of it; what
                # the container is to see goes with the order, which no list of processes shows.
                env={},
                # Ctrl-C in the terminal is for the emulator, which then ends its programs in order.
                start_new_session=True,
                pass_fds=(reporting,),
            )
        except OSError as error:
            os.close(report)
            self._recorder.feed("stderr", f"cannot start the sandbox: {error}\n".encode())
            self._close(None)
            return Exit(NOT_STARTED)
        finally:
            os.close(reporting)
        try:
            _tell(process, self._launch.order(reporting))
            ended = self._attend(process, timeout)
            with contextlib.suppress(BlockingIOError):
                if why := os.read(report, 1000):
                    ended = (
                        replace(ended, is_lost=True)
                        if why == UNSTARTED
                        else replace(ended, excess=why.decode("utf-8", "replace"))
                    )
            return ended
        finally:
            os.close(report)
            self._close(process)

    def _attend(self, process: subprocess.Popen[bytes], timeout: float | None) -> Exit:
        assert process.stdin and process.stdout and process.stderr
        disk = Disk(self._launch.folders, self._launch.limits.disk) if self._launch.limits else None
        watch = _Watch(process, self._recorder, self._grace, timeout, disk)
        spent = 0.0
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ, "stdout")
            selector.register(process.stderr, selectors.EVENT_READ, "stderr")
            selector.register(self._wake_read, selectors.EVENT_READ, "wake")
            while len(selector.get_map()) > 1:
                events = selector.select(watch.wait())
                begun = time.monotonic()
                for key, _ in events:
                    if key.data == "wake":
                        os.read(self._wake_read, 64)
                        watch.stop(self._stop_within or 0.0)
                    elif data := os.read(key.fd, 65536):
                        watch.feed(key.data, data)
                    else:
                        selector.unregister(key.fileobj)
                if watch.is_over(is_idle=not events):
                    break
                took = time.monotonic() - begun
                spent += took
                # While nobody reads, the pipe fills up and the program has to wait: no line is
                # lost.
                if spent > AT_ONCE:
                    time.sleep(min(REST_SHARE * took, LONGEST_REST))
        # Also what a program has left behind in the background: with a container all of it ends.
        watch.kill()
        code = _code(process.wait())
        return Exit(code, watch.is_timeout, disk.excess if disk and disk.is_cause(code) else "")

    def _close(self, process: subprocess.Popen[bytes] | None) -> None:
        with self._lock:
            self._is_open = False
            os.close(self._wake_write)
            os.close(self._wake_read)
        if process:
            process.kill()
            for pipe in (process.stdin, process.stdout, process.stderr):
                if pipe:
                    with contextlib.suppress(OSError):
                        pipe.close()
            process.wait()
        self._recorder.finish()


class _Watch:
    """The clocks of one running process: batches, its deadline, the grace of a stop."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        recorder: Recorder,
        grace: float,
        timeout: float | None,
        disk: Disk | None,
    ) -> None:
        self._process = process
        self._disk = disk
        self._recorder = recorder
        self._grace = grace
        self._deadline = None if timeout is None else time.monotonic() + timeout
        self._flush_at: float | None = None
        self._kill_at: float | None = None
        self._ended_at: float | None = None
        self.is_timeout = False

    def wait(self) -> float:
        """Seconds until something is due."""
        due = [at for at in (self._flush_at, self._kill_at, self._deadline) if at is not None]
        return max(0.0, min([0.5, *(at - time.monotonic() for at in due)]))

    def feed(self, stream: str, data: bytes) -> None:
        self._recorder.feed(stream, data)
        if self._flush_at is None and self._recorder.is_waiting:
            self._flush_at = time.monotonic() + BATCH_SECONDS

    def is_over(self, *, is_idle: bool) -> bool:
        """Do what is due; True when the program is gone and only strays hold its output open."""
        now = time.monotonic()
        if self._flush_at is not None and now >= self._flush_at:
            self._recorder.flush()
            self._flush_at = None
        if self._deadline is not None and now >= self._deadline:
            self._deadline, self.is_timeout = None, True
            self.stop(self._grace)
        if self._disk and self._disk.is_full(now):
            self.kill()
        if self._kill_at is not None and now >= self._kill_at:
            self.kill()
            self._kill_at = now + HARD_KILL_SECONDS
        if self._process.poll() is None:
            return False
        if self._ended_at is None:
            # what it wrote last may not have been there when its output was looked at
            self._ended_at = now
            return False
        return is_idle or now > self._ended_at + DRAIN_SECONDS

    def stop(self, grace: float) -> None:
        _tell(self._process, b"TERM\n")
        at = time.monotonic() + grace
        # A second, less patient wish counts; a more patient one does not.
        self._kill_at = at if self._kill_at is None else min(at, self._kill_at)

    def kill(self) -> None:
        """The end of its input is the supervisor's order to kill; the second time leaves no way."""
        assert self._process.stdin
        if self._process.stdin.closed and self._process.poll() is None:
            self._process.kill()
        with contextlib.suppress(OSError):
            self._process.stdin.close()


def _tell(process: subprocess.Popen[bytes], message: bytes) -> None:
    assert process.stdin
    with contextlib.suppress(OSError, ValueError):
        process.stdin.write(message)
        process.stdin.flush()


def _code(code: int) -> int:
    return 128 - code if code < 0 else code
