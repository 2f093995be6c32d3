"""Spark passes the contract of platforms in each way to submit: on stand-ins whose jobs really
run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from cicd.model import Hidden, Resource, Secret, Stage
from cicd.platforms.hiding import Hiding
from cicd.platforms.spark.adapter import connect
from tests.platforms.contract import Applied, PlatformContract, World, bring_up
from tests.platforms.spark.k8s_stand_in import NAMESPACE, TOKEN, kubernetes_in
from tests.platforms.spark.livy_stand_in import livy_in
from tests.platforms.spark.samples import job, stage_of, write_home, write_program
from tests.platforms.spark.stand_in import cluster_in
from tests.platforms.spark.yarn_stand_in import yarn_in

LINES = tuple(f"line {number} grüße" for number in range(40)) + ("again",) * 7


def wish_in(root: Path) -> Resource:
    """A job that prints all lines, with what it has written."""
    printed = [*LINES, "accuracy=0.5", "accuracy=0.75"]
    write_program(root, f"for line in {printed!r}:\n    print(line)\n")
    (root / "out").mkdir()
    (root / "out/part-0.csv").write_text("1\n", encoding="utf-8")
    return job(
        env={"GREETING": Hidden("grüß dich")},
        writes={"scores": {"url": (root / "out").as_uri()}},
        metrics={"accuracy": "accuracy=([0-9.]+)"},
    )


def world_of(stage: Stage) -> World:
    [wish] = stage.resources
    return World(
        platform=Hiding(connect(stage, {}), [wish]),
        desired=(wish,),
        place={"master": stage.target["master"]},
        run=wish.key,
        lines=LINES,
        metrics={"accuracy": 0.75},
    )


@pytest.fixture(scope="module", params=["rest", "spark-submit", "livy", "yarn", "kubernetes"])
def applied(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Applied]:
    root = tmp_path_factory.mktemp("spark")
    wish = wish_in(root)
    with ExitStack() as stack:
        if request.param == "rest":
            cluster = stack.enter_context(cluster_in(root / "cluster"))
            stage = stage_of(root, cluster.url, [wish])
        elif request.param == "livy":
            livy = stack.enter_context(livy_in(root / "livy"))
            stage = stage_of(root, "", [wish], livy.url)
        elif request.param == "yarn":
            yarn = stack.enter_context(yarn_in(root / "yarn"))
            told = {"yarn_urls": [yarn.url], "spark_home": str(yarn.home())}
            stage = stage_of(root, "", [wish], "yarn", submit="spark-submit", **told)
        elif request.param == "kubernetes":
            pods = stack.enter_context(kubernetes_in(root / "k8s"))
            stage = stage_of(
                root,
                "",
                [wish],
                f"k8s://{pods.url}",
                spark_home=str(pods.home()),
                login={"token": Secret(TOKEN), "source": "T"},
                conf={"spark.kubernetes.namespace": NAMESPACE},
            )
        else:
            home = str(write_home(root / "home"))
            stage = stage_of(root, "", [wish], submit=request.param, spark_home=home)
        yield from bring_up(world_of(stage))


class TestSpark(PlatformContract):
    """The contract."""
