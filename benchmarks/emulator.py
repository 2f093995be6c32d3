"""The emulator: how soon it is there, what it adds to a run and to a request, how it bears load.

``python -m benchmarks emulator``.
"""

from __future__ import annotations

from benchmarks import emulator_latency, emulator_load
from benchmarks.table import Row


def rows() -> list[Row]:
    """Start, latency, load, lists."""
    return [
        *emulator_load.start_rows(),
        *emulator_latency.rows(),
        *emulator_load.load_rows(),
        *emulator_load.list_rows(),
    ]
