"""Both kinds of Jira on loopback."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.forges import github_server
from tests.lifecycle import github_world
from tests.lifecycle.jira_server import Jira, running
from tests.lifecycle.jira_world import World


@pytest.fixture(params=["cloud", "data_center"])
def jira(request: pytest.FixtureRequest) -> Iterator[Jira]:
    with running(request.param) as server:
        yield server


@pytest.fixture
def world(jira: Jira) -> World:
    return World(jira)


@pytest.fixture
def hub() -> Iterator[github_world.World]:
    with github_server.running() as server:
        yield github_world.World(server)
