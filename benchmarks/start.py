"""How long the command takes to start, in starts of Python itself."""

from __future__ import annotations

import shutil
import statistics
import sys
import tempfile
from pathlib import Path

from benchmarks.table import Row
from benchmarks.validate import measure, write_project

ROOT = Path(__file__).parents[1]
RUNS = 7


def rows() -> list[Row]:
    """Each command in turn, with the median of several runs."""
    cicd = [sys.executable, "-m", "cicd"]
    with tempfile.TemporaryDirectory() as example, tempfile.TemporaryDirectory() as folder:
        for name in ("templates", "stages"):
            shutil.copytree(ROOT / name, Path(example) / name)
        large = Path(folder)
        write_project(large, 100, 2)
        nothing = statistics.median(measure([sys.executable, "-c", "pass"], large, RUNS))
        cases = (
            ("cicd --version", [*cicd, "--version"], large, 15),
            ("cicd --help", [*cicd, "--help"], large, 15),
            ("cicd validate, the example", [*cicd, "validate", "dev"], Path(example), 40),
            ("cicd validate, 100 resources", [*cicd, "validate", "dev"], large, 0),
        )
        found = [Row("python -c pass", f"{nothing:.0f} ms")]
        for title, command, cwd, most in cases:
            took = statistics.median(measure(command, cwd, RUNS))
            asked = f"<= {most} x" if most else ""
            found.append(Row(title, f"{took:.0f} ms, {took / nothing:.1f} x", asked))
    return found
