"""Runs one program and keeps how it ended: python wrapper.py FOLDER PROGRAM ARGUMENTS...

It returns at once and goes on by itself, also when whoever started it is gone. FOLDER then has
``begun`` (its process id, and when that began), ``stdout``, ``stderr``, and at last ``ended``, the
exit code: of a signal a negative number. Of two in one folder the second does nothing.
Nothing of cicd is imported.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path
from types import FrameType


def began(process: int) -> str:
    """When a process began, to know it from another of its id; empty where it is gone, or nobody
    can tell."""
    try:
        stat = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
        fields = stat.rpartition(")")[2].split()
    except OSError:
        return _began(process)
    return "" if fields[0] == "Z" else fields[19]


def _began(process: int) -> str:
    """The same where there is no /proc."""
    asked = ["ps", "-o", "lstart=", "-p", str(process)]
    try:
        told = subprocess.run(asked, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return " ".join(told.stdout.split())


def start(folder: Path, command: list[str]) -> None:
    """Run it in a process and a session of its own, unless that was done before."""
    try:
        descriptor = os.open(folder / "begun", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    if os.fork() == 0:
        os.setsid()
        with os.fdopen(descriptor, "w", encoding="utf-8") as begun:
            begun.write(f"{os.getpid()} {began(os.getpid())}")
        _run(folder, command)


def _run(folder: Path, command: list[str]) -> None:
    child: subprocess.Popen[bytes] | None = None
    is_stopped = False

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal is_stopped
        is_stopped = True
        if child:
            child.terminate()

    signal.signal(signal.SIGTERM, stop)
    with (folder / "stdout").open("wb") as out, (folder / "stderr").open("wb") as err:
        try:
            child = subprocess.Popen(command, stdout=out, stderr=err, stdin=subprocess.DEVNULL)
            if is_stopped:
                child.terminate()
            code = child.wait()
        except OSError as error:
            err.write(f"{command[0]}: {error.strerror}\n".encode())
            code = 127
    whole = folder / "ended.new"
    whole.write_text(str(code), encoding="utf-8")
    whole.replace(folder / "ended")


if __name__ == "__main__":
    start(Path(sys.argv[1]), sys.argv[2:])
