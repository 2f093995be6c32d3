"""B25: endpoint configurations that somebody makes with boto3, on a SageMaker of this machine."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from pytest_mock import MockerFixture

from cicd import Project
from cicd.errors import NotFound
from cicd.platforms.sagemaker.adapter import SageMaker
from cicd.platforms.sagemaker.api import Api
from tests.emulator.sagemaker.aws import Aws, running, variant

STAGE = """\
platform: sagemaker
sagemaker: {region: eu-central-1, role: "arn:aws:iam::123456789012:role/ml", prefix: churn-dev}
models:
  - {key: churn, image: "123456789012.dkr.ecr.eu-central-1.amazonaws.com/ours:1"}
endpoint_configs:
  - key: churn
    variants: [{name: main, model: churn, instance: {type: ml.m5.large}}]
lifecycle: {watch: true, deploy: []}
"""


class Desk:
    """A stage that has made a model, and boto3 beside it."""

    def __init__(self, root: Path, aws: Aws) -> None:
        self.root, self.environ, self.client = root, dict(aws.environ), aws.client("sagemaker")
        (root / "stages").mkdir(parents=True)
        self.write(STAGE)
        self.apply()
        names = [one["ModelName"] for one in self.client.list_models()["Models"]]
        [self.model] = [name for name in names if name.startswith("churn-dev")]

    def write(self, text: str) -> None:
        (self.root / "stages/dev.yaml").write_text(text, encoding="utf-8")

    @property
    def stage(self) -> Any:
        return Project(self.root, environ=self.environ).stage("dev")

    def apply(self) -> list[str]:
        """What an apply tells of."""
        return list(self.stage.apply().summary["lifecycle"]["snapshots"])

    def make(self, name: str, model: str = "") -> None:
        variants = [variant(model or self.model)]
        self.client.create_endpoint_config(EndpointConfigName=name, ProductionVariants=variants)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    root = tmp_path_factory.mktemp("snapshots")
    with running(root / "data") as aws:
        yield Desk(root / "project", aws)


def test_b25_a_new_configuration_is_picked_up_once_and_a_plan_does_not_use_that_up(
    desk: Desk,
) -> None:
    desk.make("by-hand")
    for _ in range(2):
        status = desk.stage.plan().lifecycle
        assert status.snapshots == ("by-hand",) and "by-hand" in status.notes[-1]
        assert "cicd import NAME --platform sagemaker" in status.notes[-1]
    assert [desk.apply(), desk.apply()] == [["by-hand"], []]
    assert desk.client.list_endpoints()["Endpoints"] == []  # what Git does not say is not deployed


def test_b25_one_of_another_model_is_none_of_ours(desk: Desk) -> None:
    desk.client.create_model(
        ModelName="other",
        PrimaryContainer={"Image": "123456789012.dkr.ecr.eu-central-1.amazonaws.com/ours:1"},
        ExecutionRoleArn="arn:aws:iam::123456789012:role/ml",
    )
    desk.make("of-another", "other")
    assert desk.apply() == []


def test_b25_one_that_is_deleted_meanwhile_hides_no_other(
    desk: Desk, mocker: MockerFixture
) -> None:
    desk.make("gone")
    desk.make("stays")
    whole = SageMaker.get

    def get(self: SageMaker, live: Any) -> Any:
        if live.id == "gone":  # between the list and this question
            names = [
                one["EndpointConfigName"]
                for one in desk.client.list_endpoint_configs()["EndpointConfigs"]
            ]
            if "gone" in names:
                desk.client.delete_endpoint_config(EndpointConfigName="gone")
            with pytest.raises(NotFound):
                whole(self, live)
        return whole(self, live)

    mocker.patch.object(SageMaker, "get", get)
    assert [desk.apply(), desk.apply()] == [["stays"], []]


def test_b25_two_applies_at_once_tell_it_once(desk: Desk) -> None:
    desk.make("at-once")

    def apply() -> list[str]:
        found = desk.stage.apply(lock_timeout=60)
        return list(found.summary["lifecycle"]["snapshots"])

    with ThreadPoolExecutor(2) as pool:
        told = [one.result() for one in [pool.submit(apply), pool.submit(apply)]]
    assert sorted(told) == [[], ["at-once"]]


def test_b25_without_watch_nobody_asks_for_what_others_have_made(
    desk: Desk, mocker: MockerFixture
) -> None:
    desk.make("not-watched")
    asked = mocker.spy(Api, "listed")

    def wholly() -> list[Any]:
        """The questions for all of the account."""
        return [call for call in asked.call_args_list if len(call.args) < 3]

    desk.write(STAGE.replace("watch: true, ", ""))
    assert desk.apply() == [] and not wholly()
    desk.write(STAGE)
    assert desk.apply() == ["not-watched"] and len(wholly()) == 1
