"""Starts one program and ends it with everything it started; runs beside it, in every sandbox.

Only the standard library: this file runs under whatever Python the sandbox has. The first line on
standard input is JSON: ``{"command": […], "env": {…}, "cwd": "/path", "limits": {…}, "report": 3,
"alone": true, "reporting": false}`` (not on the command line, where everybody could read it).
Further lines: ``TERM`` asks the program to stop. The end of input, also when the emulator was
killed, kills the program's whole process group. The exit code is the program's own, 128 + N for
signal N, 126/127 when it could not be started. When it takes more than its ``limits`` it is killed,
and why is written to the open file ``report``. They are counted here: the system's own count all
that a user runs. A program that is ``reporting``, which is one of ours, gets that file itself.
"""

import contextlib
import ctypes
import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from typing import Any

REPORT = "CICD_REPORT"
"""The variable with the number of that file."""
CALM = 0.2
"""Seconds between two looks at what runs; less at the start, and while there is much."""
HURRY = 0.02
SUBREAPER = 36
"""PR_SET_CHILD_SUBREAPER of prctl: what its parent has left becomes ours."""
PAGE = os.sysconf("SC_PAGE_SIZE")


def main() -> int:
    spec = json.loads(sys.stdin.buffer.readline() or b"null")
    if spec is None:
        return 0
    os.umask(0o022)
    limits = spec.get("limits") or {}
    restrict(limits)
    given = (spec["report"],) if spec["reporting"] else ()
    told = {REPORT: str(spec["report"])} if given else {}
    try:
        child = subprocess.Popen(
            spec["command"],
            env={**spec["env"], **told},
            cwd=spec["cwd"],
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            pass_fds=given,
        )
    except OSError as error:
        return not_started(spec, error)
    threading.Thread(target=obey, args=(child,), daemon=True).start()
    if limits and os.path.isdir("/proc/self/task"):  # noqa: PTH112
        # bubblewrap starts this one as the second process of a namespace of its own
        is_alone = bool(spec["alone"]) and os.getpid() == 2 and os.getppid() == 1
        watched = (child, limits, spec["report"], is_alone)
        threading.Thread(target=guard, args=watched, daemon=True).start()
    code = wait(child)
    send(child, signal.SIGKILL)
    if limits:
        end_strays()
    return 128 - code if code < 0 else code


def not_started(spec: dict[str, Any], error: OSError) -> int:
    """Say why in one line; the usual two reasons are a missing program and a missing folder."""
    what = spec["command"][0]
    if error.filename == spec["cwd"] and not os.path.isdir(spec["cwd"]):  # noqa: PTH112
        what = "working directory " + spec["cwd"]
    sys.stderr.write(f"cannot start {what}: {error.strerror}\n")
    return 127 if isinstance(error, FileNotFoundError) else 126


def wait(child: "subprocess.Popen[bytes]") -> int:
    """The exit code of the program; whatever else ends here is only put away."""
    while True:
        pid, status = os.waitpid(-1, 0)
        if pid == child.pid:
            return os.waitstatus_to_exitcode(status)


def obey(child: "subprocess.Popen[bytes]") -> None:
    """Pass on TERM; kill when nobody is there any more to say anything."""
    for line in sys.stdin.buffer:
        if line.strip() == b"TERM":
            send(child, signal.SIGTERM)
    send(child, signal.SIGKILL)


def send(child: "subprocess.Popen[bytes]", number: int) -> None:
    """A signal to the program's process group; it may be gone already."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, number)


def restrict(limits: dict[str, int]) -> None:
    """What the system can limit for a single process; and let it choose this one before others
    when memory runs out."""
    for name, kind in (("files", resource.RLIMIT_NOFILE), ("disk", resource.RLIMIT_FSIZE)):
        if name in limits:
            most = resource.getrlimit(kind)[1]
            value = limits[name] if most == resource.RLIM_INFINITY else min(most, limits[name])
            with contextlib.suppress(OSError, ValueError):
                resource.setrlimit(kind, (value, value))
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:  # noqa: PTH123
        file.write("500")
    if limits:
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(SUBREAPER, 1, 0, 0, 0)


def guard(
    child: "subprocess.Popen[bytes]", limits: dict[str, int], report: int, is_alone: bool
) -> None:
    """Kill the program when it takes more than it may, and say why. ``is_alone``: every process
    that can be seen is of this sandbox."""
    pause = HURRY
    while True:
        found = sizes(listed() if is_alone else below(os.getpid()))
        why = excess(found, limits, shared_memory() if is_alone else 0)
        if why:
            os.write(report, why.encode())
            kill_all(child, is_alone)
            return
        time.sleep(pause)
        pause = HURRY if len(found) > limits["processes"] // 10 else min(2 * pause, CALM)


def excess(found: dict[int, tuple[int, int]], limits: dict[str, int], shared: int) -> str:
    """Why it is too much; empty when it is not."""
    if len(found) > limits["processes"]:
        return f"more than {limits['processes']} processes at once"
    if sum(threads for threads, _ in found.values()) > limits["threads"]:
        return f"more than {limits['threads']} threads at once"
    most = limits["memory"]
    used = sum(memory for _, memory in found.values())
    # what processes share is counted once, but only where it matters: that takes longer
    if (used > most and sum(map(own_memory, found)) > most) or shared > most:
        return f"OOMKilled: more than {most / 2**30:.3g} GiB of memory"
    return ""


def sizes(pids: list[int]) -> dict[int, tuple[int, int]]:
    """Process id -> threads and bytes of memory, of those that are still there."""
    found = {}
    for pid in pids:
        fields = read(f"/proc/{pid}/stat").rpartition(")")[2].split()
        if len(fields) > 21 and fields[0] not in "ZX":
            found[pid] = int(fields[17]), int(fields[21]) * PAGE
    return found


def listed() -> list[int]:
    """Every process of the sandbox but bubblewrap and this one."""
    with os.scandir("/proc") as entries:
        names = [entry.name for entry in entries]
    return [int(name) for name in names if name.isdigit() and int(name) > 2]


def below(pid: int) -> list[int]:
    """Every process that descends from ``pid``."""
    found: list[int] = []
    todo = [pid]
    while todo:
        parent = todo.pop()
        with contextlib.suppress(OSError), os.scandir(f"/proc/{parent}/task") as tasks:
            for task in tasks:
                words = read(f"{task.path}/children").split()
                found += map(int, words)
                todo += map(int, words)
    return found


def read(path: str) -> str:
    """The text of a file of the system; empty when it has gone or is not ours to read."""
    try:
        with open(path) as file:  # noqa: PTH123
            return file.read()
    except (OSError, ValueError):
        return ""


def own_memory(pid: int) -> int:
    """Bytes of a process, its part of what it shares with others."""
    for line in read(f"/proc/{pid}/smaps_rollup").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0


def shared_memory() -> int:
    """Bytes of files that the sandbox keeps in memory."""
    try:
        found = os.statvfs("/dev/shm")  # noqa: S108
    except OSError:
        return 0
    return (found.f_blocks - found.f_bfree) * found.f_frsize


def kill_all(child: "subprocess.Popen[bytes]", is_alone: bool) -> None:
    """End everything, also what starts more faster than it can be counted."""
    if is_alone:
        # all in this process namespace but this process and the first one, in one go
        os.kill(-1, signal.SIGKILL)
        return
    send(child, signal.SIGKILL)
    end_strays()


def end_strays() -> None:
    """End what has left the program's process group; stopped first, so that it starts no more."""
    for number in (signal.SIGSTOP, signal.SIGKILL):
        known: set[int] = set()
        while more := set(below(os.getpid())) - known:
            known |= more
            for pid in more:
                with contextlib.suppress(OSError):
                    os.kill(pid, number)


if __name__ == "__main__":
    # no clean-up of the interpreter: a thread may still read standard input
    code = main()
    sys.stderr.flush()
    os._exit(code)
