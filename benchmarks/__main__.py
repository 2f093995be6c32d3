"""Runs every benchmark, or those that are named, and prints one table."""

from __future__ import annotations

import argparse
import importlib
import sys

from benchmarks.table import table

NAMES = (
    "start",
    "sizes",
    "following",
    "polling",
    "reading",
    "wire",
    "waiting",
    "applying",
    "emulator",
    "sagemaker",
)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*NAMES, []], metavar="NAME", help=str(NAMES))
    names = parser.parse_args().names or NAMES
    found = []
    for name in names:
        found += importlib.import_module(f"benchmarks.{name}").rows()
    sys.stdout.write(table(found))


if __name__ == "__main__":
    main()
