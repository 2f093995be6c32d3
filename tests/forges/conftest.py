"""A GitHub on loopback and a client for it that does not really sleep."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cicd.forges.github import Client
from cicd.model import Secret
from tests.forges.github_server import TOKEN, GitHub, running


@pytest.fixture
def github() -> Iterator[GitHub]:
    with running() as server:
        yield server


@pytest.fixture
def naps() -> list[float]:
    """What the client would have slept, in seconds."""
    return []


@pytest.fixture
def client(github: GitHub, naps: list[float]) -> Iterator[Client]:
    client = Client(f"{github.url}/api/v3", Secret(TOKEN), "org/repo", sleep=naps.append)
    yield client
    client.close()
