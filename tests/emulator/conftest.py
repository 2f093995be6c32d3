"""A running emulator on 127.0.0.1, in this process, and a client for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.emulator.emulator_client import Client, commit, onboard, running, synced, template_files


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A Git repository with both templates."""
    commit(tmp_path / "repository", template_files())
    return tmp_path / "repository"


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    """An empty emulator."""
    with running(tmp_path / "data") as client:
        yield client


@pytest.fixture
def ready(client: Client, repository: Path) -> Client:
    """An emulator that has synced both templates."""
    onboard(client, repository)
    assert synced(client)["syncStatus"] == "Synced", synced(client)
    return client


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """One emulator for all tests that change nothing in it."""
    with running(tmp_path_factory.mktemp("shared") / "data") as client:
        yield client


@pytest.fixture(scope="module")
def shared_ready(shared: Client, tmp_path_factory: pytest.TempPathFactory) -> Client:
    """The same, with both templates synced."""
    folder = tmp_path_factory.mktemp("repository")
    commit(folder, template_files())
    onboard(shared, folder)
    synced(shared)
    return shared


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """An S3 service with the bucket ``bucket``."""
    pytest.importorskip("moto")
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    requests.put(f"{url}/bucket", timeout=10).raise_for_status()
    yield url
    server.stop()
