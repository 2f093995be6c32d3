"""What people have made in an account by plain boto3 becomes a stage file and an inventory. Numbers
are those of the sentences of the document that SageMaker is operated by."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from cicd.cli.root import execute
from cicd.model import Key, LiveResource, State, Status
from cicd.platforms.sagemaker import console
from cicd.render.inventory import render_inventory
from tests.emulator.sagemaker.aws import (
    BUCKET,
    IMAGE,
    QUICK,
    ROLE,
    Aws,
    channel,
    packed,
    training,
    variant,
)

HERE = {"LocationConstraint": "eu-central-1"}
TEAM = [{"Key": "team", "Value": "churn"}]
NET = {"Subnets": ["subnet-2", "subnet-1"], "SecurityGroupIds": ["sg-1"]}
TRAIN = "open('/opt/ml/model/m.txt', 'w').write('x')\n"
SERVE = "def model_fn(f): return 1\ndef predict_fn(d, m): return d\n"
DATA = f"s3://{BUCKET}/out/churn-2024/output/model.tar.gz"
CONSOLE = "https://eu-central-1.console.aws.amazon.com/sagemaker/home?region=eu-central-1#/"
ORDER = ["model", "training_job", "transform_job", "endpoint_config", "endpoint"]
READING = ("BatchDescribe", "Describe", "List", "Search", "Get", "Head")
MORE = ["model_package"]
"""What the list does not know comes after it."""


def transform(name: str, model: str, **more: Any) -> dict[str, Any]:
    """The input of CreateTransformJob."""
    source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/in"}
    return {
        "TransformJobName": name,
        "ModelName": model,
        "TransformInput": {
            "DataSource": {"S3DataSource": source},
            "ContentType": "application/json",
        },
        "TransformOutput": {"S3OutputPath": f"s3://{BUCKET}/scores"},
        "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
        **more,
    }


def container(**more: Any) -> dict[str, Any]:
    """A container as AWS's own SDK makes one for a script."""
    environment = {
        "SAGEMAKER_PROGRAM": "inference.py",
        "SAGEMAKER_SUBMIT_DIRECTORY": f"s3://{BUCKET}/serve/sourcedir.tar.gz",
        "LEVEL": "20",
    }
    return {"Image": IMAGE, "ModelDataUrl": DATA, "Environment": environment, **more}


def fill(aws: Aws) -> None:
    """What a team has made by hand: a job, models of its data, what serves them."""
    s3, sagemaker = aws.client("s3"), aws.client("sagemaker")
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration=HERE)
    for key, content in {
        "code/sourcedir.tar.gz": packed({"train.py": TRAIN}),
        "serve/sourcedir.tar.gz": packed({"inference.py": SERVE}),
        "train/a.csv": b"1,2",
        "in/a.json": b"1",
    }.items():
        s3.put_object(Bucket=BUCKET, Key=key, Body=content)
    inputs = [channel("train", f"s3://{BUCKET}/train"), channel("more", f"s3://{BUCKET}/in")]
    sagemaker.create_training_job(**training("churn-2024", InputDataConfig=inputs, Tags=TEAM))
    sagemaker.create_training_job(**training("unrelated"))
    waiter = sagemaker.get_waiter("training_job_completed_or_stopped")
    waiter.wait(TrainingJobName="churn-2024", WaiterConfig=QUICK)
    role = {"ExecutionRoleArn": ROLE}
    network = {"VpcConfig": NET, "EnableNetworkIsolation": True}
    sagemaker.create_model(
        ModelName="churn", PrimaryContainer=container(), Tags=TEAM, **role, **network
    )
    sagemaker.create_model(ModelName="Trial-7", PrimaryContainer=container(), **role)
    sagemaker.create_model(ModelName="lonely", PrimaryContainer=container(), **role)
    steps = [container(ContainerHostname="a"), container(ContainerHostname="b")]
    sagemaker.create_model(ModelName="two-steps", Containers=steps, **role)
    served = [
        variant("churn", "main", InitialVariantWeight=3.0),
        variant("Trial-7", "trial", InitialVariantWeight=1.0),
    ]
    sagemaker.create_endpoint_config(
        EndpointConfigName="churn-cfg", ProductionVariants=served, Tags=TEAM
    )
    sagemaker.create_endpoint_config(
        EndpointConfigName="steps-cfg", ProductionVariants=[variant("two-steps")]
    )
    sagemaker.create_endpoint(EndpointName="churn-live", EndpointConfigName="churn-cfg", Tags=TEAM)
    sagemaker.create_transform_job(**transform("churn-batch", "churn"))
    sagemaker.create_transform_job(**transform("others-batch", "Trial-7"))
    up = sagemaker.get_waiter("endpoint_in_service")
    up.wait(EndpointName="churn-live", WaiterConfig=QUICK)
    over = sagemaker.get_waiter("transform_job_completed_or_stopped")
    for name in ("churn-batch", "others-batch"):
        over.wait(TransformJobName=name, WaiterConfig=QUICK)
    register(sagemaker)
    scale(aws.client("application-autoscaling"))


def register(sagemaker: Any) -> None:
    """Three versions of what churn is made of: the first of many that came after it is decided."""
    sagemaker.create_model_package_group(ModelPackageGroupName="Register-1")
    words = ["text/csv"]
    inference = {
        "Containers": [container()],
        "SupportedContentTypes": words,
        "SupportedResponseMIMETypes": words,
    }
    versions: list[tuple[str, dict[str, Any]]] = [
        ("Approved", {"CustomerMetadataProperties": {"ticket": "ML-7"}}),
        ("PendingManualApproval", {"ModelPackageDescription": "größer"}),
        ("Rejected", {"InferenceSpecification": {"Containers": [container(Image="other:1")]}}),
    ]
    for approval, more in versions:
        sagemaker.create_model_package(
            **{
                "ModelPackageGroupName": "Register-1",
                "ModelApprovalStatus": approval,
                "InferenceSpecification": inference,
                **more,
            }
        )


SCALED = {
    "ServiceNamespace": "sagemaker",
    "ResourceId": "endpoint/churn-live/variant/main",
    "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
}


def scale(autoscaling: Any, **more: Any) -> None:
    """Scale the main variant by a policy as somebody calls it."""
    autoscaling.register_scalable_target(**SCALED, MinCapacity=1, MaxCapacity=3)
    metric = {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"}
    how = {"TargetValue": 70, "PredefinedMetricSpecification": metric, "ScaleInCooldown": 300}
    autoscaling.put_scaling_policy(
        **SCALED,
        PolicyName="by-hand",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration={**how, **more},
    )


@pytest.fixture(scope="module")
def account(aws: Aws) -> Aws:
    """The emulator with all of it."""
    fill(aws)
    return aws


@dataclass
class Imports:
    """A repository without a stage, and the command line in it."""

    root: Path

    def run(self, *arguments: str, code: int = 0) -> str:
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err), chdir(self.root):
            ended = execute([*arguments])
        assert ended == code, f"{arguments}: {ended}\n{out.getvalue()}\n{err.getvalue()}"
        return out.getvalue() if code == 0 else out.getvalue() + err.getvalue()

    def made(self, *arguments: str, code: int = 0) -> str:
        """What an import says."""
        words = ("import", "dev", "--platform", "sagemaker", "--force")
        return self.run(*words, *arguments, code=code)

    def of(self, *arguments: str) -> dict[str, Any]:
        """The inventory of an import."""
        found: dict[str, Any] = json.loads(self.made(*arguments, "-o", "json"))
        return found

    def file(self, name: str = "dev") -> str:
        return (self.root / f"stages/{name}.yaml").read_text(encoding="utf-8")

    def edit(self, before: str, after: str) -> None:
        assert before in self.file()
        file = self.root / "stages/dev.yaml"
        file.write_text(self.file().replace(before, after), encoding="utf-8")

    def actions(self, name: str = "dev") -> dict[str, str]:
        changes = json.loads(self.run("plan", name, "-o", "json"))["changes"]
        return {item["key"]: item["action"] for item in changes if item["action"] != "no_op"}


@pytest.fixture(scope="module")
def environ(account: Aws) -> Iterator[pytest.MonkeyPatch]:
    """The login of the emulator."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in account.environ.items():
            patch.setenv(name, value)
        patch.setenv("NO_PROXY", "*")
        yield patch


@pytest.fixture
def imports(environ: pytest.MonkeyPatch, tmp_path: Path) -> Imports:
    return Imports(tmp_path)


@pytest.fixture(scope="module")
def churn(environ: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The inventory of one model, read once."""
    return Imports(tmp_path_factory.mktemp("churn")).of("--model", "churn")


def things(found: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """Name -> thing of one kind."""
    sections = {section["kind"]: section["things"] for section in found["sections"]}
    return {thing["name"]: thing for thing in sections[kind]}


def related(thing: Mapping[str, Any]) -> set[tuple[str, str, str]]:
    return {(one["how"], one["kind"], one["name"]) for one in thing["related"]}


def test_b02_a_model_has_name_arn_and_creation_time(imports: Imports) -> None:
    model = things(imports.of("--model", "lonely"), "model")["lonely"]
    assert model["details"]["arn"].endswith(":model/lonely")
    assert model["created_at"].startswith("20") and model["created_at"].endswith("+00:00")


def test_b03_and_the_container_of_it_and_the_job_that_made_its_data(imports: Imports) -> None:
    found = imports.of("--model", "two-steps")
    containers = things(found, "model")["two-steps"]["details"]["containers"]
    assert [one["hostname"] for one in containers] == ["a", "b"]
    assert {one["image"] for one in containers} == {IMAGE}
    assert {one["data"] for one in containers} == {DATA}
    assert containers[0]["environment"]["LEVEL"] == "20"
    assert ("containers made by", "training_job", "churn-2024") in related(
        things(found, "model")["two-steps"]
    )


def test_b04_network_and_tags_are_shown_and_imported(imports: Imports) -> None:
    details = things(imports.of("--model", "churn"), "model")["churn"]["details"]
    assert details["vpc"] == {"subnets": ["subnet-1", "subnet-2"], "security_groups": ["sg-1"]}
    assert details["network_isolation"] is True
    assert details["tags"] == {"team": "churn"}
    text = imports.file()
    assert "network_isolation: true" in text and "team: churn" in text and "subnet-1" in text


@pytest.mark.parametrize("names", [["lonely", "two-steps"], ["T*", "c?urn"], ["*"]])
def test_b05_models_are_imported_by_name(imports: Imports, names: list[str]) -> None:
    words = [word for name in names for word in ("--model", name)]
    said = imports.made(*words, "--no-default-config", "--jobs")
    assert "plan: no changes" in said, said


def test_b05_a_model_that_is_not_there_is_told(imports: Imports) -> None:
    for name in ("chrun", "churn-*-9", "no.name"):
        said = imports.run("import", "dev", "--platform", "sagemaker", "--model", name, code=1)
        assert f"no model {name} in eu-central-1" in said
    assert not (imports.root / "stages/dev.yaml").exists()


def test_b06_a_configuration_names_models_of_the_stage(imports: Imports) -> None:
    imports.of("--model", "churn")
    imports.edit("model: churn", "model: chrun")
    said = imports.run("validate", "dev", code=3)
    assert "chrun" in said and "stages/dev.yaml:" in said


def test_b07_a_configuration_has_several_models_with_their_shares(churn: Any) -> None:
    config = things(churn, "endpoint_config")["churn-cfg"]
    assert config["details"]["models"] == {"main": "churn", "trial": "Trial-7"}
    assert config["details"]["weights"] == {"main": 3.0, "trial": 1.0}
    assert config["details"]["variants"]["trial"]["instance"]["type"] == "ml.m5.large"
    assert config["details"]["tags"] == {"team": "churn"}
    assert config["details"]["arn"].endswith(":endpoint-config/churn-cfg")
    assert config["created_at"]


def test_b08_an_endpoint_is_made_of_a_configuration(churn: Any) -> None:
    endpoint = things(churn, "endpoint")["churn-live"]
    assert ("configuration", "endpoint_config", "churn-cfg") in related(endpoint)


def test_b09_an_endpoint_has_status_arn_and_what_it_serves(churn: Any) -> None:
    endpoint = things(churn, "endpoint")["churn-live"]
    assert endpoint["status"] == "InService"
    assert endpoint["details"]["arn"].endswith(":endpoint/churn-live")
    assert endpoint["details"]["serving"].startswith("main: 1 instances, weight 3")


def test_b11_the_region_is_in_the_file_and_another_one_has_no_such_model(
    imports: Imports, monkeypatch: pytest.MonkeyPatch
) -> None:
    imports.of("--model", "lonely")
    assert "region: eu-central-1" in imports.file()
    monkeypatch.delenv("AWS_REGION")
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    said = imports.run("import", "x", "--platform", "sagemaker", "--model", "lonely", code=64)
    assert "AWS_REGION" in said
    for region in ("us-west-2", "cn-north-1"):
        monkeypatch.setenv("AWS_REGION", region)
        said = imports.run("import", "x", "--platform", "sagemaker", "--model", "lonely", code=1)
        assert f"there is no model lonely in {region}" in said and "check the name" in said
    imports.edit("region: eu-central-1", "region: us-west-2")
    imports.edit("  - key: lonely-default", "  - key: other")
    imports.edit("        model: lonely", "        model: Trial-7")
    said = imports.run("plan", "dev", code=3)
    assert "Trial-7 is no model of this stage" in said and "in us-west-2" in said


def test_b13_what_is_imported_is_as_it_is(imports: Imports) -> None:
    assert "plan: no changes" in imports.made("--model", "churn")
    assert "No changes" in imports.run("apply", "dev", "--yes")


def test_b14_links_to_the_training_jobs(churn: Any) -> None:
    [made] = [
        one for one in things(churn, "model")["churn"]["related"] if one["kind"] == "training_job"
    ]
    assert made["name"] == "churn-2024" and made["link"] == f"{CONSOLE}jobs/churn-2024"
    assert list(things(churn, "training_job")) == ["churn-2024"]


def test_b15_a_changed_model_is_a_new_version_and_the_imported_one_stays(
    imports: Imports, account: Aws
) -> None:
    imports.of("--model", "lonely")
    imports.edit('LEVEL: "20"', 'LEVEL: "10"')
    assert imports.actions()["model/lonely"] == "create"
    names = [one["ModelName"] for one in account.client("sagemaker").list_models()["Models"]]
    assert "lonely" in names


def test_versions_in_a_register_are_imported_with_their_model(imports: Imports) -> None:
    found = imports.of("--model", "churn")
    versions = things(found, "model_package")
    assert list(versions) == ["Register-1-1", "Register-1-2", "Register-1-3"]
    assert ("model", "model", "churn") in related(versions["Register-1-1"])
    assert ("containers made by", "training_job", "churn-2024") in related(versions["Register-1-2"])
    assert versions["Register-1-1"]["details"]["approval"] == "approved"
    assert versions["Register-1-1"]["details"]["metadata"] == {"ticket": "ML-7"}
    assert versions["Register-1-2"]["key"] == "model_package/Register-1-2"
    [note] = [note for note in found["notes"] if "Register-1" in note]
    assert note == "model_package Register-1/3: no model here has its containers"
    assert imports.actions() == {}
    imports.edit("approval: approved", "approval: rejected")
    assert imports.actions() == {"model_package/Register-1-1": "update"}


def test_a_version_older_than_those_that_are_looked_at_is_found_by_its_key(
    imports: Imports, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cicd.platforms.sagemaker.packages.NEWEST", 1)
    assert "plan: no changes" in imports.made("--model", "churn")
    assert "Register-1-1" in imports.file()


def test_what_scales_a_variant_is_imported_whoever_has_called_it_anything(
    imports: Imports, account: Aws
) -> None:
    endpoint = things(imports.of("--model", "churn"), "endpoint")["churn-live"]
    assert endpoint["details"]["autoscaling"]["main"]["max"] == 3
    assert 'scale_in: "5m"' in imports.file() or "scale_in: 5m" in imports.file()
    assert imports.actions() == {}
    imports.edit("max: 3", "max: 4")
    assert imports.actions() == {"scaling/churn-live": "update"}
    imports.run("apply", "dev", "--yes")
    autoscaling = account.client("application-autoscaling")
    policies = autoscaling.describe_scaling_policies(**SCALED)["ScalingPolicies"]
    assert [one["PolicyName"] for one in policies] == ["by-hand"]
    assert (
        autoscaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"][0][
            "MaxCapacity"
        ]
        == 4
    )
    scale(autoscaling)


def test_a_policy_that_no_stage_file_can_say_is_told(imports: Imports, account: Aws) -> None:
    autoscaling = account.client("application-autoscaling")
    scale(autoscaling, DisableScaleIn=True)
    try:
        found = imports.of("--model", "churn")
    finally:
        scale(autoscaling)
    told = "endpoint churn-live: autoscaling.main, which a stage file cannot say"
    assert told in found["notes"]
    assert "autoscaling:" not in imports.file()
    assert things(found, "endpoint")["churn-live"]["details"]["autoscaling"]["main"]["min"] == 1


def test_b15_a_configuration_is_a_snapshot_with_all_that_is_told_of_it(churn: Any) -> None:
    config = things(churn, "endpoint_config")["churn-cfg"]
    assert config["details"]["tags"] == {"team": "churn"}
    assert config["created_at"] and config["link"]
    assert config["details"].keys() >= {"arn", "models", "variants", "weights", "tags"}
    models = [one for one in config["related"] if one["kind"] == "model"]
    assert {one["name"] for one in models} == {"churn", "Trial-7"}
    for one in models:  # the details of each are told, and that page is linked
        assert one["link"] and things(churn, "model")[one["name"]]["details"]["image"] == IMAGE


def test_a_name_beside_that_would_be_taken_for_a_slip_is_imported_as_well(
    imports: Imports, account: Aws
) -> None:
    """Also those whose names are near to such a one only; and one container in a list is one."""
    sagemaker = account.client("sagemaker")
    names = ["blue-1", "blue-2", "blue-21", "something-else"]
    for name in names:
        containers = {"Containers": [{"Image": IMAGE}]}
        sagemaker.create_model(ModelName=name, ExecutionRoleArn=ROLE, **containers)
    sagemaker.create_endpoint_config(
        EndpointConfigName="blues",
        ProductionVariants=[variant(name, name, InitialVariantWeight=1 / 3) for name in names],
    )
    try:
        assert "plan: no changes" in imports.made("--model", "blue-1")
        found = imports.of("--model", "blue-1")
    finally:
        sagemaker.delete_endpoint_config(EndpointConfigName="blues")
        for name in names:
            sagemaker.delete_model(ModelName=name)
    assert [f"key: {name}\n" in imports.file() for name in names] == [True, True, True, False]
    assert found["notes"] == []


def test_b16_a_model_without_a_configuration_gets_one_by_default(imports: Imports) -> None:
    said = imports.made("--model", "lonely")
    assert "endpoint_config/lonely-default: create" in said
    assert imports.actions() == {"endpoint_config/lonely-default": "create"}
    above = imports.file().partition("  - key: lonely-default")[0].splitlines()[-1]
    assert above.startswith("  # lonely has no endpoint configuration"), above
    assert "ml.m5.large" in imports.file()
    imports.of("--model", "lonely", "--no-default-config")
    assert imports.actions() == {} and "lonely-default" not in imports.file()


def test_b17_the_inventory_names_what_serves_a_model(churn: Any) -> None:
    assert ("used by", "endpoint_config", "churn-cfg") in related(things(churn, "model")["churn"])
    config = things(churn, "endpoint_config")["churn-cfg"]
    assert ("used by", "endpoint", "churn-live") in related(config)
    assert things(churn, "endpoint")["churn-live"]["key"] == "endpoint/churn-live"


def test_b18_jobs_are_viewed_and_with_jobs_written_never_to_run_again(imports: Imports) -> None:
    imports.of("--model", "churn")
    assert "_jobs:" not in imports.file()
    imports.of("--model", "churn", "--jobs")
    text = imports.file()
    assert text.count("rerun: never") == 2
    assert "training_jobs:" in text and "transform_jobs:" in text
    assert 'data: "${training_jobs.churn-2024.model}"' in text
    assert imports.actions() == {}


def test_b19_only_jobs_of_this_model(churn: Any) -> None:
    assert list(things(churn, "training_job")) == ["churn-2024"]
    assert list(things(churn, "transform_job")) == ["churn-batch"]


def test_b20_an_import_only_asks(imports: Imports, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: set[str] = set()
    endpoint = import_module("botocore.endpoint").Endpoint
    whole: Callable[..., Any] = endpoint.make_request

    def recording(self: Any, operation: Any, request: Any) -> Any:
        asked.add(operation.name)
        return whole(self, operation, request)

    monkeypatch.setattr(endpoint, "make_request", recording)
    imports.of("--model", "churn", "--jobs")
    imports.run("import", "x", "--platform", "sagemaker", "--model", "gone", code=1)
    imports.run("import", "all", "--platform", "sagemaker", "--target", "region=eu-central-1")
    assert {"DescribeModel", "ListTransformJobs", "DescribeEndpoint", "ListTags"} <= asked
    writing = {name for name in asked if not name.startswith(READING)}
    assert not writing


def test_b21_the_sections_stand_in_the_order_of_the_list(churn: Any) -> None:
    assert [section["kind"] for section in churn["sections"]] == ORDER + MORE
    assert all(section["things"] for section in churn["sections"])
    heads = [line for line in render_inventory(churn).splitlines() if line[:1].isupper()]
    assert [head.partition(" (")[0] for head in heads[1:-1]] == [
        "MODELS",
        "TRAINING JOBS",
        "TRANSFORM JOBS",
        "ENDPOINT CONFIGS",
        "ENDPOINTS",
        "MODEL PACKAGES",
    ]


def test_b22_jobs_have_dates_duration_input_output_and_a_link(churn: Any) -> None:
    for kind, name, page in [
        ("training_job", "churn-2024", "jobs"),
        ("transform_job", "churn-batch", "transform-jobs"),
    ]:
        job = things(churn, kind)[name]
        assert job["started_at"] <= job["completed_at"] and job["seconds"] >= 0
        assert job["link"] == f"{CONSOLE}{page}/{name}" and job["status"] == "Completed"
    training_job = things(churn, "training_job")["churn-2024"]["details"]
    assert training_job["channels"]["train"] == {"url": f"s3://{BUCKET}/train"}
    assert training_job["output"] == f"s3://{BUCKET}/out" and training_job["model"] == DATA
    batch = things(churn, "transform_job")["churn-batch"]["details"]
    assert (batch["input"], batch["output"]) == (f"s3://{BUCKET}/in", f"s3://{BUCKET}/scores")


def test_b23_configurations_and_endpoints_have_links(churn: Any) -> None:
    links = {kind: thing["link"] for kind in ORDER for thing in things(churn, kind).values()}
    assert links["endpoint_config"] == f"{CONSOLE}endpointConfig/churn-cfg"
    assert links["endpoint"] == f"{CONSOLE}endpoints/churn-live"
    assert links["model"].startswith(f"{CONSOLE}models/")


@pytest.mark.parametrize(
    ("region", "begin"),
    [
        ("us-east-2", "https://us-east-2.console.aws.amazon.com/"),
        ("cn-northwest-1", "https://cn-northwest-1.console.amazonaws.cn/"),
        ("us-gov-east-1", "https://us-gov-east-1.console.amazonaws-us-gov.com/"),
        ("eusc-de-east-1", "https://eusc-de-east-1.console.amazonaws-eusc.eu/"),
    ],
)
def test_b23_links_are_those_of_the_partition(region: str, begin: str) -> None:
    pages = {
        "model": "models",
        "training_job": "jobs",
        "transform_job": "transform-jobs",
        "endpoint_config": "endpointConfig",
        "endpoint": "endpoints",
    }
    for kind, page in pages.items():
        live = LiveResource(Key(kind, "x"), "x-1", {}, Status(State.RUNNING, ""))
        wanted = f"{begin}sagemaker/home?region={region}#/{page}/x-1"
        assert console.link(live, region) == wanted
        assert console.link(live, "us-iso-east-1") is None
