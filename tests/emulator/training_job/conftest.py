"""One emulator for all tests of a module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.emulator.training_job.training_job_client import Service, emulator


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The training-job API."""
    with emulator(tmp_path_factory.mktemp("training_job") / "data") as found:
        yield found


@pytest.fixture(autouse=True)
def _without_faults(service: Service) -> Iterator[None]:
    """Every test begins with a service that behaves, and signed in."""
    service.sign_in()
    yield
    service.world.faults.clear()
