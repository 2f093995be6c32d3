"""Spark itself: the contract on a real master and worker, and a job that reads and writes there."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cicd.model import LiveResource, Resource
from cicd.platforms.spark.adapter import Spark, connect
from tests.platforms import contract
from tests.platforms.contract import Applied, PlatformContract, all_lines, bring_up
from tests.platforms.spark.real import CONF, PATIENCE, RealCluster
from tests.platforms.spark.samples import job, stage_of, write_program
from tests.platforms.spark.test_spark_contract import wish_in, world_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3000)]

SCORES = """\
import json, os, sys
from cicd_assets import INPUTS, OUTPUTS
from pyspark.sql import SparkSession

assert json.loads(os.environ["CICD_INPUT_ASSETS"]) == INPUTS == json.loads(sys.argv[2])
spark = SparkSession.builder.getOrCreate()
table = spark.read.csv(INPUTS[0]["url"], header=True)
print(f"rows={table.count()}")
table.selectExpr("id", "cast(x as int) * 2 as score").coalesce(1).write.csv(OUTPUTS[0]["url"])
"""


@pytest.fixture(scope="module")
def applied(
    real_cluster: RealCluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Applied]:
    root = tmp_path_factory.mktemp("spark")
    wish = wish_in(root)
    wish = Resource(wish.key, {**wish.spec, "conf": CONF}, wish.options)
    stage = stage_of(root, "", [wish], real_cluster.master, **real_cluster.settings)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(contract, "PATIENCE", PATIENCE)
        yield from bring_up(world_of(stage))


class TestRealSpark(PlatformContract):
    """The contract, with Spark itself."""


@pytest.fixture
def spark(one_cluster: RealCluster, tmp_path: Path) -> Iterator[Spark]:
    stage = stage_of(tmp_path, "", [], one_cluster.master, **one_cluster.settings)
    found = connect(stage, {})
    yield found
    found.close()


def until_ended(spark: Spark, live: LiveResource) -> LiveResource:
    deadline = time.monotonic() + PATIENCE
    while not (live := spark.get(live)).status.has_ended:
        assert time.monotonic() < deadline, live.status
        time.sleep(0.2)
    return live


def test_a1_a16_a_job_reads_and_writes_what_it_is_told(spark: Spark, tmp_path: Path) -> None:
    write_program(tmp_path, SCORES)
    (tmp_path / "in.csv").write_text("id,x\n1,2\n2,3\n", encoding="utf-8")
    assets = {
        "reads": {"customers": {"url": (tmp_path / "in.csv").as_uri(), "format": "csv"}},
        "writes": {"scores": {"url": (tmp_path / "out").as_uri()}},
    }
    live = until_ended(spark, spark.create(job(conf=CONF, **assets), "token"))
    assert live.status.raw == "FINISHED", spark.tail(live, 20)
    assert live.facts["application_id"].startswith("app-")
    [part] = (tmp_path / "out").glob("part-*.csv")
    assert part.read_text() == "1,4\n2,6\n"
    assert "rows=2" in [entry.text for entry in all_lines(spark, live)]
