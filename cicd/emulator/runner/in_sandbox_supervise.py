"""Starts one program and ends it with everything it started; runs beside it, in every sandbox.

Only the standard library: this file runs under whatever Python the sandbox has. The first line on
standard input is JSON: ``{"command": […], "env": {…}, "cwd": "/path"}`` (not on the command line,
where everybody could read it). Further lines: ``TERM`` asks the program to stop. The end of input,
also when the emulator was killed, kills the program's whole process group. The exit code is the
program's own, 128 + N for signal N, 126/127 when it could not be started.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from typing import Any


def main() -> int:
    spec = json.loads(sys.stdin.buffer.readline() or b"null")
    if spec is None:
        return 0
    os.umask(0o022)
    try:
        child = subprocess.Popen(
            spec["command"],
            env=spec["env"],
            cwd=spec["cwd"],
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as error:
        return not_started(spec, error)
    threading.Thread(target=obey, args=(child,), daemon=True).start()
    code = child.wait()
    send(child, signal.SIGKILL)
    return 128 - code if code < 0 else code


def not_started(spec: dict[str, Any], error: OSError) -> int:
    """Say why in one line; the usual two reasons are a missing program and a missing folder."""
    what = spec["command"][0]
    if error.filename == spec["cwd"] and not os.path.isdir(spec["cwd"]):  # noqa: PTH112
        what = "working directory " + spec["cwd"]
    sys.stderr.write(f"cannot start {what}: {error.strerror}\n")
    return 127 if isinstance(error, FileNotFoundError) else 126


def obey(child: subprocess.Popen[bytes]) -> None:
    """Pass on TERM; kill when nobody is there any more to say anything."""
    for line in sys.stdin.buffer:
        if line.strip() == b"TERM":
            send(child, signal.SIGTERM)
    send(child, signal.SIGKILL)


def send(child: subprocess.Popen[bytes], number: int) -> None:
    """A signal to the program's process group; it may be gone already."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, number)


if __name__ == "__main__":
    # no clean-up of the interpreter: a thread may still read standard input
    code = main()
    sys.stderr.flush()
    os._exit(code)
