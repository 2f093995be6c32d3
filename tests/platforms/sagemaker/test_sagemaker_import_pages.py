"""Imports of what the emulator cannot make: lists in pages of which some are refused for a while,
and data on file systems."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.emulator.sagemaker.aws import IMAGE, ROLE
from tests.platforms.sagemaker.stand_in import LOGIN, StandIn, refused, standing_in
from tests.platforms.sagemaker.test_sagemaker_import import Imports, things, transform

ARN = "arn:aws:sagemaker:eu-central-1:123456789012"
MADE = {"CreationTime": 1700000000, "LastModifiedTime": 1700000000}
DATA = "s3://data/out/churn-2024/output/model.tar.gz"
DISK = {
    "FileSystemId": "fs-0123456789abcdef0",
    "FileSystemType": "FSxLustre",
    "DirectoryPath": "/fsx/churn",
    "FileSystemAccessMode": "ro",
}
MANY, PAGE = 25, 13
"""So many transform jobs, in pages of so many."""


def job(number: int) -> str:
    return f"batch-{number:02}"


class Account:
    """A model, its training job, and its transform jobs; every other page of those is throttled
    before it is told."""

    def __init__(self) -> None:
        self.refused: set[str] = set()
        self.told: list[str] = []

    def pages(self, asked: Mapping[str, Any]) -> Any:
        token = asked.get("NextToken", "")
        if token not in self.refused and token:
            self.refused.add(token)
            return refused("ThrottlingException", "Rate exceeded")
        self.told.append(token)
        first = int(token or 0)
        names = [job(number) for number in range(first, min(first + PAGE, MANY))]
        more = {"NextToken": str(first + PAGE)} if first + PAGE < MANY else {}
        items = [
            {
                "TransformJobName": name,
                "TransformJobArn": f"{ARN}:transform-job/{name}",
                "TransformJobStatus": "Completed",
                **MADE,
            }
            for name in names
            if asked.get("NameContains", "") in name
        ]
        return {"TransformJobSummaries": items, **more}

    def transform_job(self, asked: Mapping[str, Any]) -> Any:
        name = str(asked["TransformJobName"])
        number = int(name.rpartition("-")[2])
        model = "churn" if number % 5 else "another"  # each fifth is of somebody else
        times = {"TransformStartTime": 1700000010, "TransformEndTime": 1700000070}
        arn = {"TransformJobArn": f"{ARN}:transform-job/{name}", "TransformJobStatus": "Completed"}
        return {**transform(name, model), **MADE, **arn, **times}

    def model(self, asked: Mapping[str, Any]) -> Any:
        if asked["ModelName"] != "churn":
            return refused("ValidationException", f'Could not find model "{ARN}:model/x".')
        return {
            "ModelName": "churn",
            "ModelArn": f"{ARN}:model/churn",
            "ExecutionRoleArn": ROLE,
            "PrimaryContainer": {"Image": IMAGE, "ModelDataUrl": DATA},
            **MADE,
        }

    def training_job(self, asked: Mapping[str, Any]) -> Any:
        if asked["TrainingJobName"] != "churn-2024":
            return refused("ValidationException", "Requested resource not found.")
        channels = [
            {"ChannelName": "train", "DataSource": {"FileSystemDataSource": DISK}},
            {
                "ChannelName": "extra",
                "DataSource": {
                    "S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://data/extra"}
                },
            },
        ]
        return {
            "TrainingJobName": "churn-2024",
            "TrainingJobArn": f"{ARN}:training-job/churn-2024",
            "ModelArtifacts": {"S3ModelArtifacts": DATA},
            "TrainingJobStatus": "Completed",
            "SecondaryStatus": "Completed",
            "RoleArn": ROLE,
            "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
            "InputDataConfig": channels,
            "OutputDataConfig": {"S3OutputPath": "s3://data/out"},
            "ResourceConfig": {
                "InstanceType": "ml.m5.large",
                "InstanceCount": 1,
                "VolumeSizeInGB": 1,
            },
            "StoppingCondition": {"MaxRuntimeInSeconds": 600},
            **MADE,
        }


@pytest.fixture(scope="module")
def account() -> Account:
    return Account()


@pytest.fixture(scope="module")
def there(account: Account) -> Iterator[StandIn]:
    def nothing(field: str) -> Any:
        return lambda asked: {field: []}

    with standing_in(
        DescribeModel=account.model,
        DescribeTrainingJob=account.training_job,
        DescribeTransformJob=account.transform_job,
        ListTransformJobs=account.pages,
        ListModels=nothing("Models"),
        ListTrainingJobs=nothing("TrainingJobSummaries"),
        ListEndpointConfigs=nothing("EndpointConfigs"),
        ListEndpoints=nothing("Endpoints"),
        ListModelPackages=nothing("ModelPackageSummaryList"),
        ListTags=nothing("Tags"),
    ) as found:
        yield found


@pytest.fixture(scope="module")
def found(
    there: StandIn, account: Account, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Imports, Any]]:
    """An import of all that belongs to one model."""
    imports = Imports(tmp_path_factory.mktemp("pages"))
    with pytest.MonkeyPatch.context() as patch:
        told = {"AWS_ENDPOINT_URL": there.url, **LOGIN, "AWS_REGION": "eu-central-1"}
        for name, value in {**told, "NO_PROXY": "*"}.items():
            patch.setenv(name, value)
        yield imports, imports.of("--model", "churn", "--jobs", "--no-default-config")


def test_b19_all_jobs_of_a_model_are_found_on_every_page_also_on_one_that_was_throttled(
    found: tuple[Imports, Any], account: Account
) -> None:
    imports, inventory = found
    wanted = [job(number) for number in range(MANY) if number % 5]
    assert len(wanted) == 20
    assert list(things(inventory, "transform_job")) == wanted
    assert imports.file().count("- key: batch-") == len(wanted)
    assert account.refused == {str(PAGE)}
    assert account.told[:2] == ["", str(PAGE)]


def test_b22_data_on_a_file_system_is_shown_as_such(found: tuple[Imports, Any]) -> None:
    imports, inventory = found
    told = things(inventory, "training_job")["churn-2024"]
    assert told["details"]["channels"] == {
        "train": {
            "file_system": {
                "id": "fs-0123456789abcdef0",
                "type": "FSxLustre",
                "directory": "/fsx/churn",
                "access": "ro",
            }
        },
        "extra": {"url": "s3://data/extra"},
    }
    assert imports.run("import", "x", *WORDS, "-o", "text").count("/fsx/churn") == 1
    page = imports.run("import", "y", *WORDS, "-o", "html")
    assert "fs-0123456789abcdef0" in page and "/fsx/churn" in page


WORDS = ("--platform", "sagemaker", "--model", "churn", "--jobs", "--no-default-config")


def test_b22_a_job_whose_data_no_stage_file_can_say_is_told_and_left_out(
    found: tuple[Imports, Any],
) -> None:
    imports, inventory = found
    told = "training_job churn-2024: train is on a file system, which a stage file cannot say"
    assert told in inventory["notes"]
    assert "training_jobs:" not in imports.file()
    assert f'data: "{DATA}"' in imports.file() or f"data: {DATA}" in imports.file()
    assert imports.actions() == {}
