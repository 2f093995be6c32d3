"""Spark passes the contract of platforms: on a stand-in whose jobs really run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cicd.model import Hidden
from cicd.platforms.hiding import Hiding
from cicd.platforms.spark.adapter import connect
from tests.platforms.contract import Applied, PlatformContract, World, bring_up
from tests.platforms.spark.samples import job, stage_of, write_program
from tests.platforms.spark.stand_in import cluster_in

LINES = tuple(f"line {number} grüße" for number in range(40)) + ("again",) * 7


@pytest.fixture(scope="module")
def applied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Applied]:
    root = tmp_path_factory.mktemp("spark")
    printed = [*LINES, "accuracy=0.5", "accuracy=0.75"]
    write_program(root, f"for line in {printed!r}:\n    print(line)\n")
    (root / "out").mkdir()
    (root / "out/part-0.csv").write_text("1\n", encoding="utf-8")
    wish = job(
        env={"GREETING": Hidden("grüß dich")},
        writes={"scores": {"url": (root / "out").as_uri()}},
        metrics={"accuracy": "accuracy=([0-9.]+)"},
    )
    with cluster_in(root / "cluster") as cluster:
        stage = stage_of(root, cluster.url, [wish])
        yield from bring_up(
            World(
                platform=Hiding(connect(stage, {}), [wish]),
                desired=(wish,),
                place={"master": stage.target["master"]},
                run=wish.key,
                lines=LINES,
                metrics={"accuracy": 0.75},
            )
        )


class TestSpark(PlatformContract):
    """The contract, with the REST server of a master."""
