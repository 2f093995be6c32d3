"""What holds for all tests: how long an example of hypothesis takes says nothing of the code, and
what collecting them has made is no garbage."""

from __future__ import annotations

import gc
from collections.abc import Generator

import pytest
from hypothesis import settings

settings.register_profile("without clock", deadline=None)
settings.load_profile("without clock")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Nothing that is collected goes away, however often somebody looks through it: from the end
    of it on only what tests themselves make is looked at."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()
