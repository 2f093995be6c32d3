"""Real clusters, one of each version for all tests that ask for one, and one S3."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.emulator.training_job.training_job_client import Service, emulator
from tests.platforms.spark.real import RealCluster, home_of
from tests.platforms.spark.sharing import shared

ASKED = os.environ.get("CICD_SPARK_VERSIONS", "").split()
"""Versions on which all is tried. Where none is named, that is the first of VERSIONS, and on the
others is tried what tells whether they can be spoken to."""
VERSIONS = ("3.5", "4")
Clusters = Callable[[str], RealCluster]


@pytest.fixture(scope="session")
def clusters(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clusters]:
    """The cluster of a version, which all workers share; started when it is first asked for."""
    base = tmp_path_factory.getbasetemp()
    folder = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    found: dict[str, RealCluster] = {}
    with ExitStack() as stack:

        def cluster(version: str) -> RealCluster:
            if version not in found:
                used = shared(home_of(version), folder / f"spark-{version}")
                found[version] = stack.enter_context(used)
            return found[version]

        yield cluster


@pytest.fixture(scope="session", params=ASKED or VERSIONS)
def real_cluster(request: pytest.FixtureRequest, clusters: Clusters) -> RealCluster:
    """A master and a worker of each version."""
    return clusters(request.param)


@pytest.fixture(scope="session", params=ASKED or VERSIONS[:1])
def one_cluster(request: pytest.FixtureRequest, clusters: Clusters) -> RealCluster:
    """The same, where Spark's side does not differ between versions and takes its time."""
    return clusters(request.param)


@pytest.fixture(scope="session")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with emulator(tmp_path_factory.mktemp("s3") / "data") as found:
        found.sign_in()
        found.s3()
        yield found


@pytest.fixture
def place(storage: Service, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> str:
    """A prefix in S3 of its own, and the environment with which it is found."""
    told = storage.storage()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://{told['endpoint']}",
        "AWS_ACCESS_KEY_ID": told["accessKey"],
        "AWS_SECRET_ACCESS_KEY": told["secretKey"],
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    return f"s3://data/{request.node.name.partition('[')[0]}"
