"""One real cluster, and one S3, for all tests that ask for it."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.emulator.training_job.training_job_client import Service, emulator
from tests.platforms.spark.real import RealCluster, home_of, running

VERSIONS = os.environ.get("CICD_SPARK_VERSIONS", "3.5").split()


@pytest.fixture(scope="session", params=VERSIONS)
def real_cluster(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RealCluster]:
    """A master and a worker of each version of CICD_SPARK_VERSIONS, one after the other."""
    home = home_of(request.param)
    with running(home, tmp_path_factory.mktemp("cluster")) as found:
        yield found


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
