"""One real cluster for all tests that ask for one."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

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
