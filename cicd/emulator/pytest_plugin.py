"""The pytest fixture ``aicore_emulator``; pytest finds it through the entry point ``pytest11``.

Loaded in every test session of an environment that has cicd: it imports next to nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from cicd.emulator.host.testing import Emulator


@pytest.fixture(scope="session")
def aicore_emulator() -> Iterator[Emulator]:
    """An SAP AI Core emulator for the session, each worker of pytest-xdist its own."""
    from cicd.emulator import running

    with running() as emulator:
        yield emulator
