"""What the tests of apply share: a fake clock and the platform that runs on it."""

from __future__ import annotations

import pytest

from tests.apply.fake_apply_platform import Clock, FakePlatform


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def platform(clock: Clock) -> FakePlatform:
    return FakePlatform(clock)
