"""How an endpoint was used: what is asked of CloudWatch, and what is made of its answers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from cicd.errors import Denied
from cicd.model import Key, LiveResource, MetricPoint, State, Status
from cicd.platforms.sagemaker.usage import summary
from tests.platforms.sagemaker.stand_in import StandIn, platform_of, refused, standing_in

ENDPOINT = LiveResource(Key("endpoint", "e"), "e", {}, Status(State.RUNNING, "InService"))
JOB = LiveResource(Key("training_job", "t"), "t", {}, Status(State.SUCCEEDED, "Completed"))


def described(*variants: str, **more: Any) -> Mapping[str, Any]:
    told = [{"VariantName": name} for name in variants]
    return {
        "EndpointName": "e",
        "EndpointArn": "arn:aws:sagemaker:eu-central-1:123456789012:endpoint/e",
        "EndpointStatus": "InService",
        "CreationTime": 1,
        "LastModifiedTime": 1,
        **({"ProductionVariants": told} if told else {}),
        **more,
    }


def test_an_endpoint_with_nothing_behind_it_has_no_figures(tmp_path: Path) -> None:
    """One that never came up: CloudWatch is not asked."""
    with (
        standing_in(DescribeEndpoint=lambda asked: described()) as server,
        platform_of(server, tmp_path) as platform,
    ):
        assert platform.track([ENDPOINT]) == {}
        assert [name for name, _ in server.asked] == ["DescribeEndpoint"]


def test_who_may_not_read_figures_is_told_so(tmp_path: Path) -> None:
    def look(server: StandIn) -> None:
        with platform_of(server, tmp_path) as platform:
            platform.track([ENDPOINT])

    with standing_in(DescribeEndpoint=lambda asked: described("main")) as server:
        text = "User ann is not authorized to perform: cloudwatch:GetMetricData"
        server.otherwise = refused("AccessDenied", text, 403)
        with pytest.raises(Denied, match="cloudwatch:GetMetricData"):
            look(server)


def test_a_training_job_of_a_list_is_asked_for_its_metrics(tmp_path: Path) -> None:
    """A list tells none."""
    told = {
        "TrainingJobName": "t",
        "TrainingJobArn": "arn:aws:sagemaker:eu-central-1:123456789012:training-job/t",
        "ModelArtifacts": {"S3ModelArtifacts": "s3://b/m"},
        "TrainingJobStatus": "Completed",
        "SecondaryStatus": "Completed",
        "ResourceConfig": {"VolumeSizeInGB": 1},
        "StoppingCondition": {},
        "CreationTime": 1,
        "AlgorithmSpecification": {"TrainingInputMode": "File"},
        "FinalMetricDataList": [{"MetricName": "loss", "Value": 0.5, "Timestamp": 1700000000.25}],
    }
    with (
        standing_in(DescribeTrainingJob=lambda asked: told) as server,
        platform_of(server, tmp_path) as platform,
    ):
        assert platform.track([JOB])["t"].points == (
            MetricPoint("loss", 0.5, time=1700000000_250_000_000),
        )


def point(name: str, value: float, minute: int, variant: str = "a") -> MetricPoint:
    return MetricPoint(name, value, time=minute, labels={"variant": variant})


@pytest.mark.parametrize(
    ("points", "said"),
    [
        ([], "no requests"),
        ([point("Invocations", 0, 1)], "no requests"),
        ([point("Invocations", 7, 1, "b")], "no requests"),
        ([point("Invocations", 1, 1)], "1 request, 0 answered 4xx, 0 answered 5xx"),
        (
            [
                *(point("Invocations", count, minute) for minute, count in ((1, 1), (2, 3))),
                *(point("ModelLatency", value, minute) for minute, value in ((1, 4e3), (2, 8e3))),
                point("ModelLatency maximum", 9e3, 2),
                point("Invocation4XXErrors", 2, 1),
                point("Invocation5XXErrors", 1, 2),
                point("Invocation5XXErrors", 8, 2, "b"),
            ],
            "4 requests, 2 answered 4xx, 1 answered 5xx, 7 ms on average, 9 at most",
        ),
    ],
)
def test_an_hour_in_a_line(points: list[MetricPoint], said: str) -> None:
    assert summary(points, "a") == said
