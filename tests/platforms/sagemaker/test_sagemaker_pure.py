"""What needs no server: meanings of answers, names, archives, statuses, what is sent and read."""

from __future__ import annotations

import os
import tarfile
import time
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from cicd.errors import Conflict, Denied, LostAnswer, NotFound, PlatformError, Throttled
from cicd.model import Action, Change, Key, LiveResource, Ref, Resource, Stage, State, Status
from cicd.plan.destroy import make_destroy_plan
from cicd.plan.history import make_rollback_plan
from cicd.platforms.sagemaker import (
    console,
    endpoint_configs,
    endpoints,
    models,
    packages,
    processing,
    scaling,
    training,
    transforming,
)
from cicd.platforms.sagemaker.answers import is_whole, refusal
from cicd.platforms.sagemaker.dialect.naming import LONGEST_KEY, Names, slug
from cicd.platforms.sagemaker.dialect.source_folders import source_digest
from cicd.platforms.sagemaker.kinds import KINDS
from cicd.platforms.sagemaker.packing import packed
from cicd.platforms.sagemaker.statuses import status_of
from cicd.platforms.sagemaker.tags import tags_of

INVALID = "ValidationException"


@pytest.mark.parametrize(
    ("code", "text", "kind", "hint"),
    [
        (INVALID, 'Could not find model "arn:aws:x".', NotFound, ""),
        (INVALID, "Requested resource not found.", NotFound, ""),
        ("ResourceNotFound", "x", NotFound, ""),
        (INVALID, 'Cannot create already existing endpoint "arn"', Conflict, ""),
        (INVALID, 'Cannot update in-progress endpoint "arn"', Conflict, ""),
        ("ResourceInUse", "Training job names must be unique", Conflict, ""),
        ("ConflictException", "x", Conflict, ""),
        ("ResourceLimitExceeded", "The account-level service limit", PlatformError, "Quotas"),
        ("ThrottlingException", "Rate exceeded", Throttled, ""),
        (INVALID, "Rate exceeded", Throttled, ""),
        ("AccessDeniedException", "not authorized to perform: sagemaker:X", Denied, "right"),
        ("AccessDeniedException", "not authorized: iam:PassRole on r", Denied, "iam:PassRole"),
        (INVALID, "Could not assume role arn", PlatformError, "assume"),
        (INVALID, "No S3 objects found under S3 URL", PlatformError, "S3"),
        ("ExpiredTokenException", "expired", Denied, "login"),
        (INVALID, "1 validation error detected", PlatformError, ""),
        (INVALID, "1 validation error detected: Value 'in progress' at 'x'", PlatformError, ""),
        (INVALID, "2 validation errors detected: 'a does not exist' at 'y'", PlatformError, ""),
        ("RequestTimeTooSkewed", "The difference is too large.", Denied, "clock"),
        ("KMSAccessDeniedException", "x", Denied, "right"),
    ],
)
def test_the_text_of_a_refusal_goes_before_its_code(
    code: str, text: str, kind: type[PlatformError], hint: str
) -> None:
    found = refusal(code, text, status=400, request_id="r")
    assert type(found) is kind and hint in found.hint and found.request_id == "r"


def test_a_write_that_the_platform_failed_may_have_had_its_effect() -> None:
    assert type(refusal("InternalFailure", "", status=500, is_write=True)) is LostAnswer
    assert type(refusal("InternalFailure", "", status=500)) is PlatformError


@pytest.mark.parametrize(
    ("told", "required", "content", "is_one"),
    [
        ({"ModelArn": "a"}, ["ModelArn"], b"{...}", True),
        ({"ModelArn": "a"}, ["ModelArn", "Models"], b"{...}", False),
        ({}, ["ModelArn"], b"{}", False),
        ({}, [], b"{}", True),
        ({}, [], b"", False),
        ({}, [], b'{"Models": [', False),
        ({}, [], b"<html></html>", False),
        ({}, [], b"[" * 100_000, False),
        ({}, [], b"[]", False),
        ({}, None, b"", True),
        ({}, None, b"{}", True),
        ({}, None, b"<html></html>", False),
        ({}, None, b"\xff", False),
    ],
)
def test_what_something_in_between_answers_is_no_answer_of_aws(
    told: dict[str, Any], required: list[str] | None, content: bytes, is_one: bool
) -> None:
    assert is_whole({**told, "ResponseMetadata": {}}, required, content) is is_one


def test_names_carry_stage_and_key_and_fit() -> None:
    names = Names("dev")
    assert names.of_content("churn", {"a": 1}) == names.of_content("churn", {"a": 1})
    assert names.of_content("churn", {"a": 1}) != names.of_content("churn", {"a": 2})
    assert names.part_of(names.of_content("churn", {})) == "churn"
    longest = Names("s" * 63).of_run("k_" * 60, "inputs", "token")
    assert len(longest) <= 63
    for stage, key in (("dev-x", "train"), ("dev", "x-train"), ("churn/dev", "train")):
        begin = Names(stage).begin(key)
        assert not begin.startswith(names.begin("train"))
    assert Names("dev-x").part_of(names.of_content("churn", {})) == ""


@pytest.mark.parametrize("text", ["a_b", "a.b", "a--b", "-a", "ümläut", "a" * 70, "_"])
def test_what_a_name_cannot_hold_ends_in_a_digest(text: str) -> None:
    found = slug(text, LONGEST_KEY)
    assert found != text and len(found) <= LONGEST_KEY
    assert "--" not in found and found == found.strip("-") and found.isascii()
    assert found != slug(f"{text}x", LONGEST_KEY)


def write_source(root: Path, names: tuple[str, ...]) -> None:
    for name in names:
        path = root / "src" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"# {name}\n", encoding="utf-8")


def test_the_same_files_make_the_same_archive(tmp_path: Path) -> None:
    names = ("train.py", "lib/ümlaut.py", "run.sh")
    one, two = tmp_path / "one", tmp_path / "two"
    write_source(one, names)
    write_source(two, names[::-1])
    os.utime(two / "src/train.py", (1, time.time() + 10**6))
    write_source(two, ("__pycache__/x.pyc",))
    digest = source_digest(one, "src")
    assert source_digest(two, "src") == digest
    archive = packed(one, "src", digest)
    assert archive == packed(two, "src", digest)
    with tarfile.open(fileobj=BytesIO(archive)) as found:
        assert found.getnames() == ["lib/ümlaut.py", "run.sh", "train.py"]
        assert {(item.uid, item.mtime, item.uname) for item in found.getmembers()} == {(0, 0, "")}
    (two / "src/run.sh").chmod(0o755)
    assert source_digest(two, "src") != digest
    with pytest.raises(PlatformError, match="have changed since"):
        packed(two, "src", digest)


@pytest.mark.parametrize(
    ("kind", "told", "state"),
    [
        ("endpoint", {"EndpointStatus": "InService"}, State.RUNNING),
        ("endpoint", {"EndpointStatus": "SystemUpdating"}, State.PENDING),
        ("endpoint", {"EndpointStatus": "RollingBack"}, State.PENDING),
        ("endpoint", {"EndpointStatus": "Failed", "FailureReason": "x"}, State.FAILED),
        ("endpoint", {"EndpointStatus": "UpdateRollbackFailed"}, State.UNKNOWN),
        ("endpoint", {"EndpointStatus": "Deleting"}, State.STOPPING),
        ("endpoint", {"EndpointStatus": "Dreaming"}, State.UNKNOWN),
        ("training_job", {"TrainingJobStatus": "InProgress"}, State.RUNNING),
        (
            "training_job",
            {"TrainingJobStatus": "InProgress", "SecondaryStatus": "Starting"},
            State.PENDING,
        ),
        (
            "training_job",
            {"TrainingJobStatus": "Completed", "SecondaryStatus": "MaxRuntimeExceeded"},
            State.FAILED,
        ),
        (
            "training_job",
            {"TrainingJobStatus": "Stopped", "SecondaryStatus": "MaxWaitTimeExceeded"},
            State.FAILED,
        ),
        ("model", {}, State.SUCCEEDED),
    ],
)
def test_words_for_a_status(kind: str, told: dict[str, str], state: State) -> None:
    assert status_of(kind, told).state is state


CONFIG = {
    "models": {"main": "m", "trial": "m", "copy": "n"},
    "variants": {
        "main": {"instance": {"type": "ml.m5.large", "count": 2}},
        "trial": {"serverless": {"memory_mb": 1024, "max_concurrency": 2, "provisioned": 1}},
        "copy": {
            "weight": 1.0,
            "instance": {"type": "ml.m5.large", "count": 1},
            "startup_timeout": 90,
            "shadow": True,
        },
    },
    "weights": {"main": 3.0, "trial": 1.0},
    "data_capture": {"url": "s3://b/c", "percent": 10, "of": ["input", "output"]},
    "async": {"url": "s3://b/o", "failure_url": "s3://b/f", "max_concurrent": 4},
    "kms_key": "key",
}
CONTAINER = {
    "image": "i",
    "package": "",
    "data": "s3://b/m.tar.gz",
    "entry_point": "serve.py",
    "source": "d1",
    "environment": {"A": "b"},
    "hostname": "",
    "mode": "MultiModel",
}
MODEL = {
    "role": "r",
    **CONTAINER,
    "containers": [],
    "execution": "",
    "network_isolation": True,
    "vpc": {"subnets": ["a", "b"], "security_groups": ["c"]},
}
NOTHING = {name: {} if name == "environment" else "" for name in CONTAINER}
PIPELINE = {
    **MODEL,
    **NOTHING,
    "containers": [{**CONTAINER, "hostname": "one"}, {**CONTAINER, "hostname": "two"}],
    "execution": "Direct",
}
JOB = {
    "image": "i",
    "input_mode": "FastFile",
    "metrics": {"loss": "loss=(.*)"},
    "role": "r",
    "entry_point": "train.py",
    "source": "d1",
    "hyperparameters": {"epochs": 3, "rate": 0.1, "name": "grüß", "flags": [1, True], "n": "5"},
    "channels": {"train": {"url": "s3://b/t", "content_type": "text/csv", "mode": "Pipe"}},
    "output": "s3://b/o",
    "instance": {"type": "ml.m5.large", "count": 2, "volume_gb": 5},
    "max_runtime": 60,
    "max_wait": 120,
    "spot": True,
    "environment": {"A": "b"},
    "network_isolation": True,
    "vpc": {"subnets": ["a"], "security_groups": ["c"]},
    "checkpoints": "s3://b/k",
}
TRANSFORM = {
    "model": "m",
    "input": "s3://b/i",
    "content_type": "text/csv",
    "compression": "Gzip",
    "split": "Line",
    "output": "s3://b/o",
    "accept": "text/csv",
    "assemble": "Line",
    "instance": {"type": "ml.m5.large", "count": 2},
    "strategy": "MultiRecord",
    "max_payload_mb": 6,
    "max_concurrent": 2,
    "environment": {"A": "b"},
}
PROCESSING = {
    "image": "i",
    "command": ["python", "x.py"],
    "arguments": ["--all"],
    "role": "r",
    "channels": {"raw": "s3://b/raw"},
    "outputs": {"clean": "s3://b/clean", "rest": "s3://b/rest"},
    "instance": {"type": "ml.m5.large", "count": 1, "volume_gb": 5},
    "max_runtime": 60,
    "environment": {"A": "b"},
    "network_isolation": True,
    "vpc": {"subnets": ["a"], "security_groups": ["c"]},
}
SCRIPT = {**PROCESSING, "entry_point": "clean.py", "source": "d1", "command": ["python3", "-u"]}
PACKAGE = {
    "group": "churn",
    "containers": [{**CONTAINER, "mode": ""}],
    "content_types": ["text/csv"],
    "response_types": ["application/json"],
    "instance_types": ["ml.m5.large"],
    "transform_instance_types": [],
    "description": "grüß",
}
APPROVED = {**PACKAGE, "approval": "approved", "description": ""}
SOURCES = {"d1": "s3://b/cicd/source/d1.tar.gz"}


@pytest.mark.parametrize(
    ("sent", "found", "spec"),
    [
        (endpoint_configs.request(CONFIG), endpoint_configs.spec_of, CONFIG),
        (models.request(MODEL, SOURCES), models.spec_of, MODEL),
        (models.request(PIPELINE, SOURCES), models.spec_of, PIPELINE),
        (packages.request(PACKAGE, SOURCES), packages.spec_of, PACKAGE),
        (packages.request(APPROVED, SOURCES), packages.spec_of, APPROVED),
        (training.request(JOB, SOURCES["d1"]), training.spec_of, JOB),
        (transforming.request(TRANSFORM), transforming.spec_of, TRANSFORM),
        (processing.request(PROCESSING), processing.spec_of, PROCESSING),
        (processing.request(SCRIPT, SOURCES["d1"]), processing.spec_of, SCRIPT),
    ],
)
def test_what_is_sent_reads_back_as_it_was_asked_for(sent: Any, found: Any, spec: Any) -> None:
    back = found(sent)
    assert {name: back[name] for name in spec} == spec


@pytest.mark.parametrize(
    ("asked", "sent"),
    [
        ({}, {}),
        (
            {"traffic": "canary", "step": {"percent": 10}, "wait": 60, "alarms": ["a"]},
            {
                "BlueGreenUpdatePolicy": {
                    "TrafficRoutingConfiguration": {
                        "Type": "CANARY",
                        "WaitIntervalInSeconds": 60,
                        "CanarySize": {"Type": "CAPACITY_PERCENT", "Value": 10},
                    },
                    "TerminationWaitInSeconds": 0,
                },
                "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "a"}]},
            },
        ),
        (
            {"traffic": "linear", "step": {"instances": 2}, "termination_wait": 5},
            {
                "BlueGreenUpdatePolicy": {
                    "TrafficRoutingConfiguration": {
                        "Type": "LINEAR",
                        "WaitIntervalInSeconds": 0,
                        "LinearStepSize": {"Type": "INSTANCE_COUNT", "Value": 2},
                    },
                    "TerminationWaitInSeconds": 5,
                }
            },
        ),
        (
            {"rolling": {"instances": 1}, "wait": 30, "timeout": 600},
            {
                "RollingUpdatePolicy": {
                    "MaximumBatchSize": {"Type": "INSTANCE_COUNT", "Value": 1},
                    "WaitIntervalInSeconds": 30,
                    "MaximumExecutionTimeoutInSeconds": 600,
                }
            },
        ),
    ],
)
def test_how_traffic_moves(asked: dict[str, Any], sent: dict[str, Any]) -> None:
    assert endpoints.deployment(asked) == sent


def test_tags_say_whose_a_thing_is_in_letters_that_a_tag_may_have() -> None:
    marks = {"cicd.project": "a", "cicd.stage": "dev", "cicd.key": "m/x,y", "cicd.files": "{}"}
    assert tags_of({"team": "x"}, marks) == [
        {"Key": "team", "Value": "x"},
        {"Key": "cicd:project", "Value": "a"},
        {"Key": "cicd:stage", "Value": "a/dev"},
        {"Key": "cicd:key", "Value": "m/x_y"},
    ]


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("eu-central-1", "eu-central-1.console.aws.amazon.com"),
        ("cn-north-1", "cn-north-1.console.amazonaws.cn"),
        ("us-gov-west-1", "us-gov-west-1.console.amazonaws-us-gov.com"),
    ],
)
def test_every_partition_has_pages_for_people(region: str, host: str) -> None:
    live = LiveResource(Key("endpoint", "e"), "e", {}, Status(State.RUNNING, "InService"))
    assert console.link(live, region) == (
        f"https://{host}/sagemaker/home?region={region}#/endpoints/e"
    )


@pytest.mark.parametrize(
    "told",
    [
        {"target": 70.0, "metric": "invocations"},
        {"target": 0.5, "metric": "concurrency", "scale_in": 300, "scale_out": 0},
    ],
)
def test_how_a_variant_is_scaled_reads_back_as_it_was_asked_for(told: dict[str, Any]) -> None:
    assert scaling.policy_of(scaling.policy(told)) == told
    assert scaling.policy_of(scaling.policy(told, "by-hand")) == told
    foreign = scaling.policy(told)
    foreign["TargetTrackingScalingPolicyConfiguration"]["DisableScaleIn"] = True
    assert scaling.policy_of(foreign) == {}


@pytest.mark.parametrize(
    ("former", "wanted"),
    [
        ({"main": 9.0, "trial": 1.0}, {"main": 9.0, "trial": 1.0}),
        ({"main": 1.0}, {"main": 1.0}),
        ({"a": 2.0, "b": 3.0}, {"a": 2.0, "b": 3.0}),
    ],
)
def test_who_goes_back_to_a_configuration_takes_its_weights_too(
    former: dict[str, float], wanted: dict[str, float]
) -> None:
    """The present ones may be of other variants, which that configuration does not have."""
    weights = {"main": 5.0, "trial": 5.0}
    running = Status(State.RUNNING, "InService")
    live = LiveResource(
        Key("endpoint", "e"), "e", {"name": "e", "config": "new", "weights": weights}, running
    )
    content = LiveResource(
        Key("endpoint_config", "c"), "old", {"name": "c", "weights": former}, running
    )
    desired = Resource(live.key, {"name": "e", "config": "new", "weights": weights})
    change = Change(live.key, Action.NO_OP, "", desired=desired, live=live)
    stage = Stage("dev", "", "", "sagemaker", {}, None, (desired,))
    plan = make_rollback_plan(
        stage, [desired], [live, content], KINDS, change, content, created_at=""
    )
    [back] = plan.changes
    assert back.action is Action.UPDATE and back.desired
    assert (back.desired.spec["config"], back.desired.spec["weights"]) == ("old", wanted)


@pytest.mark.parametrize(
    ("serving", "kept"),
    [
        ({"dev-e": "dev--c--1"}, set()),
        ({"dev-e": "dev--c--1", "theirs": "dev--c--1"}, {"endpoint_config/c", "model/m"}),
        ({"theirs": "dev--c--1"}, {"endpoint_config/c", "model/m"}),
        ({"dev-e": "dev--c--1", "theirs": "other"}, set()),
    ],
)
def test_a_destroy_leaves_what_an_endpoint_of_others_has_and_the_models_of_that(
    serving: dict[str, str], kept: set[str]
) -> None:
    model, config = Key("model", "m"), Key("endpoint_config", "c")
    stage = Stage("dev", "", "", "sagemaker", {}, None, ())
    desired = [
        Resource(model, {"name": "m"}),
        Resource(config, {"name": "c", "models": {"v": Ref(model)}}),
        Resource(Key("endpoint", "e"), {"name": "dev-e", "config": Ref(config)}),
    ]
    made = Status(State.SUCCEEDED, "Created")
    live = [
        LiveResource(model, "dev--m--1", {"name": "m"}, made, {}, owner="dev"),
        LiveResource(
            config, "dev--c--1", {"name": "c", "models": {"v": "dev--m--1"}}, made, {}, owner="dev"
        ),
        *(
            LiveResource(
                Key("endpoint", name),
                name,
                {"name": name, "config": used},
                Status(State.RUNNING, "InService"),
                {},
                owner="dev" if name == "dev-e" else "",
            )
            for name, used in serving.items()
        ),
    ]
    plan = make_destroy_plan(stage, desired, live, KINDS, created_at="")
    found = {str(one.key) for one in plan.changes if one.reason.startswith("kept")}
    assert found == kept
