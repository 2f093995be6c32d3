"""Runs one container with podman, brings its outputs out, and removes it whatever happens.

``in_sandbox_podman.py ORDER``, only the standard library. ORDER is JSON: ``{"podman": path,
"name": …, "create": [options…], "outputs": {path in the container: path here}}``. TERM reaches the
container by the process group: podman passes it on. The exit code is the program's own. When this
process is killed, a second one, which waits for that, removes the container.
"""

import json
import os
import signal
import subprocess
import sys

REMOVE = """
import subprocess, sys
sys.stdin.read()
subprocess.run([sys.argv[1], "rm", "--force", "--ignore", "--time", "0", sys.argv[2]],
               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
"""


def main(podman: str, name: str, create: list[str], outputs: dict[str, str]) -> int:
    # a handler, not SIG_IGN: that one podman would inherit
    signal.signal(signal.SIGTERM, lambda number, frame: None)
    remover = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", REMOVE, podman, name],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    assert remover.stdin
    try:
        made = subprocess.run([podman, "create", *create], stdout=subprocess.DEVNULL)
        if made.returncode:
            return 126
        code = subprocess.run([podman, "start", "--attach", name]).returncode
        for source, target in outputs.items():
            copy(podman, f"{name}:{source}", target)
        return 128 - code if code < 0 else code
    finally:
        remover.stdin.close()
        remover.wait()


def copy(podman: str, source: str, target: str) -> None:
    """What is not there is no output; whoever wants it will say so."""
    os.makedirs(os.path.dirname(target), exist_ok=True)  # noqa: PTH103, PTH120
    subprocess.run(
        [podman, "cp", source, target], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


if __name__ == "__main__":
    code = main(**json.loads(sys.argv[1]))
    sys.stderr.flush()
    os._exit(code)
