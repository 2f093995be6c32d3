"""One emulator for all tests of a module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.emulator.training_job.training_job_client import Service, emulator


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The training-job API, which really runs what it is given."""
    with emulator(tmp_path_factory.mktemp("training_job") / "data") as found:
        yield found


@pytest.fixture
def faultless(service: Service) -> Iterator[Service]:
    """The same, which behaves before the test and after it."""
    service.world.faults.clear()
    yield service
    service.world.faults.clear()
