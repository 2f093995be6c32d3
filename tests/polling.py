"""Apply without pauses between two looks, where what is looked at answers at once."""

from __future__ import annotations

import pytest

from cicd.apply.executor import execute
from cicd.logs import Polling

QUICK = Polling(gap=0.02, glance=0.01, first=0.02)


def look_quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """For the rest of a test."""
    assert execute.__kwdefaults__
    monkeypatch.setitem(execute.__kwdefaults__, "polling", QUICK)
