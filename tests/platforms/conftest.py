"""A server that answers as a test tells it to, and the platform that talks to it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cicd.platforms.base import Platform
from tests.platforms.aicore_world import connected
from tests.platforms.stub_server import StubServer, running


@pytest.fixture
def stub() -> Iterator[StubServer]:
    with running() as (server, url):
        server.url = url
        yield server


@pytest.fixture
def platform(stub: StubServer) -> Iterator[Platform]:
    with connected(stub) as made:
        yield made
