"""Runs one container with podman, brings its outputs out, and removes it whatever happens.

``podman.py ORDER``, only the standard library. ORDER is JSON: ``{"podman": path,
"name": …, "create": [options…], "outputs": {path in the container: path here}, "ulimits":
{"nofile": …, "fsize": …}, "warning": for the log, "killed": what to report of a container that
took too much memory}``. TERM reaches the container by the process group: podman passes it on. The
exit code is the program's own. When this process is killed, a second one, which waits for that,
removes the container.
"""

import json
import os
import resource
import signal
import subprocess
import sys

REPORT = "CICD_REPORT"
"""The variable with the number of the open file for a report."""
REMOVE = """
import subprocess, sys
sys.stdin.read()
subprocess.run([sys.argv[1], "rm", "--force", "--ignore", "--time", "0", sys.argv[2]],
               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
"""


def main(
    podman: str,
    name: str,
    create: list[str],
    outputs: dict[str, str],
    ulimits: dict[str, int],
    warning: str,
    killed: str,
) -> int:
    if warning:
        sys.stderr.write(f"{warning}\n")
        sys.stderr.flush()
    # a handler, not SIG_IGN: that one podman would inherit
    signal.signal(signal.SIGTERM, lambda number, frame: None)
    remover = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", REMOVE, podman, name],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        # A signal for the container's group must not end the one that cleans up after it.
        start_new_session=True,
    )
    assert remover.stdin
    try:
        made = subprocess.run(
            [podman, "create", *limiting(ulimits), *create], stdout=subprocess.DEVNULL
        )
        if made.returncode:
            return 126
        code = subprocess.run([podman, "start", "--attach", name]).returncode
        if code and is_out_of_memory(podman, name):
            os.write(int(os.environ[REPORT]), killed.encode())
        for source, target in outputs.items():
            copy(podman, f"{name}:{source}", target)
        return 128 - code if code < 0 else code
    finally:
        # The end of its input is its order, and it comes as well when this process is killed.
        remover.stdin.close()
        remover.wait()


def limiting(ulimits: dict[str, int]) -> list[str]:
    """podman's options for limits of each process; without root none can be above our own."""
    options = []
    for name, value in ulimits.items():
        most = resource.getrlimit(getattr(resource, f"RLIMIT_{name.upper()}"))[1]
        value = value if most == resource.RLIM_INFINITY else min(value, most)
        options += ["--ulimit", f"{name}={value}:{value}"]
    return options


def is_out_of_memory(podman: str, name: str) -> bool:
    """Whether the container was killed because it took more than it may."""
    question = [podman, "inspect", "--format", "{{.State.OOMKilled}}", name]
    answer = subprocess.run(question, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return answer.stdout.strip() == b"true"


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
