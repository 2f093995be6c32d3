"""What an import writes into a stage file and what it leaves out, by what is live."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from cicd.automation.inventory import Place, inventory
from cicd.config.dialect import Around
from cicd.model import Key, LiveResource, Secret, State, Status
from cicd.platforms.registry import DIALECTS, imports, kinds_on
from cicd.platforms.sagemaker import endpoint_configs, endpoints, models, survey, training
from cicd.platforms.sagemaker.dialect.drafting import duration
from tests.platforms.sagemaker.samples import ROLE

AROUND = Around("dev", {})
ARN = "arn:aws:sagemaker:eu-central-1:123456789012:x/y"
UP = Status(State.RUNNING, "InService")


def live(kind: str, name: str, spec: Mapping[str, Any], **more: Any) -> LiveResource:
    status = more.pop("status", Status(State.SUCCEEDED, "Created"))
    at = more.pop("at", 1)
    facts = {"arn": ARN, **more.pop("facts", {})}
    created_at = f"2026-01-0{at}T00:00:00+00:00"
    return LiveResource(
        Key(kind, name), name, {"name": name, **spec}, status, created_at=created_at, facts=facts
    )


def model(name: str, role: str = ROLE, **more: Any) -> LiveResource:
    told = {"ExecutionRoleArn": role, "PrimaryContainer": {"Image": "img:1", **more}}
    return live("model", name, models.spec_of(told))


def config(name: str, *served: str, weight: float = 1) -> LiveResource:
    variants = [
        {
            "VariantName": f"v{at}",
            "ModelName": one,
            "InstanceType": "ml.m5.large",
            "InitialVariantWeight": weight,
        }
        for at, one in enumerate(served)
    ]
    return live("endpoint_config", name, endpoint_configs.spec_of({"ProductionVariants": variants}))


def endpoint(name: str, of: str, weights: list[float], **more: Any) -> LiveResource:
    variants = [
        {"VariantName": f"v{at}", "CurrentWeight": weight} for at, weight in enumerate(weights)
    ]
    told = {"EndpointConfigName": of, "ProductionVariants": variants}
    return live("endpoint", name, endpoints.spec_of(told), **{"status": UP, **more})


def job(name: str, **more: Any) -> LiveResource:
    told = {
        "AlgorithmSpecification": {"TrainingImage": "img:1", "TrainingInputMode": "File"},
        "RoleArn": ROLE,
        "OutputDataConfig": {"S3OutputPath": "s3://bucket/out"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 5},
        "StoppingCondition": {"MaxRuntimeInSeconds": 7200},
        **more.pop("told", {}),
    }
    return live("training_job", name, training.spec_of(told), **more)


def exported(*found: LiveResource, around: Around = AROUND) -> Any:
    return DIALECTS["sagemaker"].export(found, around)


@pytest.mark.parametrize(
    ("state", "raw"),
    [
        (State.FAILED, "Failed"),
        (State.PENDING, "Creating"),
        (State.PENDING, "Updating"),
        (State.STOPPING, "Deleting"),
        (State.UNKNOWN, "UpdateRollbackFailed"),
    ],
)
def test_an_endpoint_that_is_not_up_is_left_out_and_told(state: State, raw: str) -> None:
    status = Status(state, raw, "no room")
    found = exported(model("m"), config("c", "m"), endpoint("e", "c", [1], status=status))
    assert "endpoints:" not in found.text
    assert f"endpoint e: it is {raw}: no room" in found.notes


def test_an_endpoint_whose_configuration_is_gone_is_told() -> None:
    found = exported(model("m"), endpoint("e", "gone", [1]))
    assert "endpoint e: its configuration gone is not there any more" in found.notes


def test_a_configuration_of_a_model_that_is_gone_is_told() -> None:
    found = exported(model("m"), config("c", "m", "gone"))
    assert "endpoint_config c: its model gone is not there any more" in found.notes


def test_a_job_that_still_runs_is_left_out() -> None:
    around = Around("dev", {}, wants=["jobs"])
    busy = job("a", status=Status(State.RUNNING, "InProgress"))
    found = exported(busy, job("b"), around=around)
    assert found.counts["training_jobs"] == 1
    assert any(note.startswith("training_job a: it is still InProgress") for note in found.notes)


def test_weights_are_those_that_the_endpoint_has_by_now() -> None:
    found = exported(model("m"), model("n"), config("c", "m", "n"), endpoint("e", "c", [9, 0.5]))
    assert "weight: 9.0" in found.text and "weight: 0.5" in found.text


def test_of_two_endpoints_with_other_weights_one_is_told() -> None:
    both = endpoint("e", "c", [1, 2]), endpoint("f", "c", [2, 1], at=2)
    found = exported(model("m"), model("n"), config("c", "m", "n"), *both)
    assert found.counts["endpoints"] == 1
    assert any(note.startswith("endpoint e: it shares its configuration") for note in found.notes)


def test_the_role_that_most_have_is_said_once() -> None:
    other = ROLE + "-2"
    found = exported(model("a"), model("b"), model("c", role=other))
    assert found.text.count(f'"{ROLE}"') == 1 and found.text.count(f'"{other}"') == 1


def test_a_model_beside_the_one_that_is_asked_for_is_named_and_not_imported() -> None:
    found = exported(
        model("m"), model("n"), config("c", "m", "n"), around=Around("dev", {}, select=["m"])
    )
    assert 'model: "n"' in found.text and "key: n\n" not in found.text
    assert found.counts["models"] == 1


def test_a_configuration_by_default_takes_no_name_that_is_there() -> None:
    found = exported(model("m"), model("n"), config("m-default", "n"))
    assert "key: m-default-default" in found.text


def test_scripts_of_others_stay_what_their_environment_says() -> None:
    environment = {
        "SAGEMAKER_PROGRAM": "inference.py",
        "SAGEMAKER_SUBMIT_DIRECTORY": "s3://bucket/code.tar.gz",
    }
    found = exported(model("m", Environment=environment))
    assert "SAGEMAKER_SUBMIT_DIRECTORY" in found.text and "entry_point" not in found.text


@pytest.mark.parametrize(
    ("told", "text"),
    [
        ({"StoppingCondition": {"MaxRuntimeInSeconds": 90}}, "max_runtime: 90s"),
        ({"HyperParameters": {"epochs": "3"}}, 'epochs: "3"'),
        ({"VpcConfig": {"Subnets": ["s"], "SecurityGroupIds": ["g"]}}, "vpc:"),
        ({"EnableNetworkIsolation": True}, "network_isolation: true"),
        ({"Environment": {"A": "${x}"}}, 'A: "$${x}"'),
    ],
)
def test_jobs_are_written_with_what_they_have(told: dict[str, Any], text: str) -> None:
    found = exported(job("j", told=told), around=Around("dev", {}, wants=["jobs"]))
    assert text in found.text and "rerun: never" in found.text


@pytest.mark.parametrize(
    ("seconds", "text"), [(86400, "1d"), (7200, "2h"), (90, "90s"), (60, "1m"), (None, None)]
)
def test_times_are_written_in_their_largest_unit(seconds: int | None, text: str | None) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("told", "sent", "paths"),
    [
        ({"A": 1}, {"A": 1}, []),
        ({"A": {"B": 1, "C": None}}, {"A": {}}, ["A.B"]),
        ({"V": [{"X": 1}, {"Y": 2}]}, {"V": [{"X": 1}, {}]}, ["V[1].Y"]),
        ({"S": ["b", "a"]}, {"S": ["a", "b"]}, []),
        ({"S": ["b"]}, {}, ["S"]),
        ({"Mode": "SingleModel", "Tags": [1]}, {}, []),
    ],
)
def test_what_a_stage_file_cannot_say_is_found(told: Any, sent: Any, paths: list[str]) -> None:
    assert [*survey.unsaid(told, sent)] == paths


def test_an_inventory_tells_no_secret() -> None:
    key = "AKIA" + "A" * 16
    spec = {
        "environment": {"A": Secret("hush"), "B": key, "C": "known-one", "D": "plain"},
        "tags": {"owner": "known-one"},
    }
    around = Around("dev", {}, secrets={"MINE": "known-one"})
    place = Place(kinds_on("sagemaker"), DIALECTS["sagemaker"], imports()["sagemaker"].inventory)
    told = inventory([live("model", "m", spec)], place, around, file="", read_at="")
    [model_told] = told["sections"][0]["things"]
    hidden = dict.fromkeys("ABC", "***")
    assert model_told["details"]["environment"] == {**hidden, "D": "plain"}
    assert model_told["details"]["tags"] == {"owner": "***"}
