"""A plugin of pytest: of what is collected only the tests, or files of tests, that a file names."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

NAMES = "CHOSEN_TESTS"
"""The environment variable with the path of that file, which has one name a line."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Drops the others."""
    names = set(Path(os.environ[NAMES]).read_text(encoding="utf-8").splitlines())
    items[:] = [
        item
        for item in items
        if not names.isdisjoint((item.nodeid, item.nodeid.partition("::")[0]))
    ]
