"""Starts one program and ends it with everything it started; runs beside it, in every sandbox.

Only the standard library, and little of it: this is started for each program, and what it imports
would take longer than all that it does. On standard input come, marshalled, its own code (see
``supervisor``) and ``{"command": […], "env": {…}, "cwd": "/path", "limits": {…}, "report": 3,
"alone": true, "reporting": false}`` (not on the command line, where everybody could read it).
Lines follow: ``TERM`` asks the program to stop. The end of input, also when the emulator was
killed, kills the program's whole process group. The exit code is the program's own, 128 + N for
signal N, 64 when it could not be started. When it takes more than its ``limits`` it is killed,
and why is written to the open file ``report``. They are counted here: the system's own count all
that a user runs. A program that is ``reporting``, which is one of ours, gets that file itself.
"""

import _thread
import marshal
import os
import resource
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

REPORT = "CICD_REPORT"
"""The variable with the number of that file."""
UNSTARTED = b"not started"
"""What is written to it where there is nothing to run."""
CALM = 0.2
"""Seconds between two looks at what runs; less at the start, and while there is much."""
HURRY = 0.02
SUBREAPER = 36
"""PR_SET_CHILD_SUBREAPER of prctl: what its parent has left becomes ours."""
PAGE = os.sysconf("SC_PAGE_SIZE")
SIGKILL, SIGPIPE, SIGTERM, SIGXFSZ = 9, 13, 15, 25
"""By number: the module ``signal`` imports more than all of this is."""
SIGSTOP = 19
"""On Linux, where alone it is sent."""


def main() -> int:
    try:
        spec = marshal.load(sys.stdin.buffer)  # noqa: S302 - of the emulator itself
    except EOFError:
        return 0
    # A container starts with this one, whatever the user of this machine has set.
    os.umask(0o022)
    # bubblewrap starts this one as the second process of a namespace of its own
    is_alone = bool(spec["alone"]) and os.getpid() == 2 and os.getppid() == 1
    limits = spec["limits"] or {}
    restrict(limits, is_alone)
    try:
        os.chdir(spec["cwd"])
    except OSError as error:
        return not_started(spec, "working directory " + spec["cwd"], error)
    try:
        child = start(spec)
    except OSError as error:
        return not_started(spec, spec["command"][0], error)
    # A thread for each, and no select: waiting for a child and for input at the same time takes
    # modules that are slower to load than this whole program.
    _thread.start_new_thread(follow_orders, (child,))
    if limits and os.path.isdir("/proc/self/task"):  # noqa: PTH112
        _thread.start_new_thread(guard, (child, limits, spec["report"], is_alone))
    code = wait(child)
    if limits:
        kill_all(child, is_alone)
    else:
        send(child, SIGKILL)
    return 128 - code if code < 0 else code


def start(spec: "dict[str, Any]") -> int:
    """The process id of the program, which leads a session of its own and has no input. OSError
    when it cannot be started, of the last place where it was looked for."""
    env, report = spec["env"], spec["report"]
    if spec["reporting"]:
        env = {**env, REPORT: str(report)}
    elif report >= 0:
        os.set_inheritable(report, False)
    name = spec["command"][0]
    folders = [""] if "/" in name else (env.get("PATH") or os.defpath).split(":")
    why: OSError = FileNotFoundError(2, "No such file or directory")
    for folder in folders:
        try:
            return os.posix_spawn(
                os.path.join(folder, name),  # noqa: PTH118
                spec["command"],
                env,
                file_actions=[(os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0)],
                setsid=True,
                # Python ignores these two
                setsigdef=[SIGPIPE, SIGXFSZ],
            )
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            why = error
    raise why


def not_started(spec: "dict[str, Any]", what: str, error: OSError) -> int:
    """Say why in one line; the usual two reasons are a missing program and a missing folder. The
    exit code is that of Argo's emissary."""
    sys.stderr.write(f"cannot start {what}: {error.strerror}\n")
    if spec["report"] >= 0:
        os.write(spec["report"], UNSTARTED)
    return 64


def wait(child: int) -> int:
    """The exit code of the program; whatever else ends here is only put away."""
    while True:
        pid, status = os.waitpid(-1, 0)
        if pid == child:
            return os.waitstatus_to_exitcode(status)


def follow_orders(child: int) -> None:
    """Pass on TERM; kill when nobody is there any more to say anything."""
    for line in sys.stdin.buffer:
        if line.strip() == b"TERM":
            send(child, SIGTERM)
    send(child, SIGKILL)


def send(child: int, number: int) -> None:
    """A signal to the program's process group; it may be gone already."""
    try:  # noqa: SIM105 - contextlib is one of the modules that take long
        os.killpg(child, number)
    except (ProcessLookupError, PermissionError):
        pass


def restrict(limits: "dict[str, int]", is_alone: bool) -> None:
    """What the system can limit for a single process; and let it choose this one before others
    when memory runs out."""
    for name, kind in (("files", resource.RLIMIT_NOFILE), ("disk", resource.RLIMIT_FSIZE)):
        if name in limits:
            most = resource.getrlimit(kind)[1]
            value = limits[name] if most == resource.RLIM_INFINITY else min(most, limits[name])
            try:  # noqa: SIM105
                resource.setrlimit(kind, (value, value))
            except (OSError, ValueError):
                pass
    try:
        with open("/proc/self/oom_score_adj", "w") as file:  # noqa: PTH123
            file.write("500")
    except OSError:
        pass
    if limits and not is_alone:
        adopt()


def adopt() -> None:
    """Become the parent of what its own parent has left, where the system knows that."""
    import ctypes

    try:  # noqa: SIM105
        ctypes.CDLL(None).prctl(SUBREAPER, 1, 0, 0, 0)
    except (OSError, AttributeError):
        pass


def guard(child: int, limits: "dict[str, int]", report: int, is_alone: bool) -> None:
    """Kill the program when it takes more than it may, and say why. ``is_alone``: every process
    that can be seen is of this sandbox."""
    pause = HURRY
    while True:
        found = sizes(listed() if is_alone else below(os.getpid()))
        # Looked at again and again, because the system's own limits count all processes of a user,
        # who may run more than one of these.
        why = excess(found, limits, shared_memory() if is_alone else 0)
        if why:
            os.write(report, why.encode())
            kill_all(child, is_alone)
            return
        time.sleep(pause)
        pause = HURRY if len(found) > limits["processes"] // 10 else min(2 * pause, CALM)


def excess(found: "dict[int, tuple[int, int]]", limits: "dict[str, int]", shared: int) -> str:
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


def sizes(pids: "list[int]") -> "dict[int, tuple[int, int]]":
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
        for task in tasks(parent):
            words = read(f"/proc/{parent}/task/{task}/children").split()
            found += map(int, words)
            todo += map(int, words)
    return found


def tasks(pid: int) -> "list[str]":
    """The threads of a process; none when it has gone."""
    try:
        return os.listdir(f"/proc/{pid}/task")  # noqa: PTH208
    except OSError:
        return []


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


def kill_all(child: int, is_alone: bool) -> None:
    """End everything, also what starts more faster than it can be counted."""
    if is_alone:
        # all in this process namespace but this process and the first one, in one go
        kill(-1, SIGKILL)
        return
    send(child, SIGKILL)
    end_strays()


def end_strays() -> None:
    """End what has left the program's process group; stopped first, so that it starts no more."""
    for number in (SIGSTOP, SIGKILL):
        known: set[int] = set()
        while more := set(below(os.getpid())) - known:
            known |= more
            for pid in more:
                kill(pid, number)


def kill(pid: int, number: int) -> None:
    """A signal to what may be gone already, or not ours to end."""
    try:  # noqa: SIM105
        os.kill(pid, number)
    except OSError:
        pass


if __name__ == "__main__":
    # no clean-up of the interpreter: a thread may still read standard input
    code = main()
    sys.stderr.flush()
    os._exit(code)
