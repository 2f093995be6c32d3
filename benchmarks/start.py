"""How much CPU the command takes to start, in starts of Python itself.

CPU is what counts, of the process and of all that it starts: the least of many runs, all cases in
turns, so that what else the machine does meanwhile falls on each of them alike.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.table import Row
from benchmarks.validate import write_project

RUNS = 12
SIZES = {1: 6.0, 100: 8.0, 1000: 9.0}
"""Resources of a stage -> how many starts of Python checking it may take."""


def rows() -> list[Row]:
    """Each case with the least CPU time of several runs."""
    cicd = [sys.executable, "-m", "cicd"]
    with tempfile.TemporaryDirectory() as folder:
        cases = {
            "cicd --version": ([*cicd, "--version"], Path(folder), ""),
            "cicd --help": ([*cicd, "--help"], Path(folder), "<= 3.5 x"),
        }
        for size, most in SIZES.items():
            root = Path(folder) / str(size)
            root.mkdir()
            write_project(root, size, min(size, 2))
            title = f"cicd validate, {size:,} resource{'s' * (size > 1)}"
            cases[title] = ([*cicd, "validate", "dev"], root, f"<= {most:g} x")
        nothing = ([sys.executable, "-c", "pass"], Path(folder), "")
        took = least({"python -c pass": nothing, **cases})
    base = took["python -c pass"]
    found = [Row("python -c pass", f"{base:.0f} ms CPU")]
    for title, (_, _, asked) in cases.items():
        found.append(Row(title, f"{took[title]:.0f} ms CPU, {took[title] / base:.1f} x", asked))
    return found


def least(cases: dict[str, tuple[Sequence[str], Path, str]]) -> dict[str, float]:
    """The least CPU time of each command in milliseconds; a run before fills the caches."""
    found: dict[str, list[float]] = {title: [] for title in cases}
    for _ in range(RUNS + 1):
        for title, (command, cwd, _) in cases.items():
            found[title].append(cpu(command, cwd))
    return {title: min(times[1:]) for title, times in found.items()}


def cpu(command: Sequence[str], cwd: Path) -> float:
    """CPU milliseconds of a command and all that it starts. Raises where it fails."""
    env = {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    with subprocess.Popen(command, cwd=cwd, env=env, stdout=subprocess.DEVNULL) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return (usage.ru_utime + usage.ru_stime) * 1000
