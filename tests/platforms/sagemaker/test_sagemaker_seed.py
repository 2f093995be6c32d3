"""What the seed says of SageMaker, sentence by sentence: B1 to B17, but for what an import does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC
from typing import Any

import pytest

from tests.emulator.sagemaker.aws import IMAGE, QUICK, ROLE, Aws, training
from tests.platforms.sagemaker.seeded import Project, in_project

STAGE = f"""\
platform: sagemaker
sagemaker: {{region: eu-central-1, role: "arn:aws:iam::123456789012:role/trainer", prefix: seed}}
models:
  - key: double
    image: {IMAGE}
    source_dir: src
    entry_point: double.py
    tags: {{team: churn}}
  - key: triple
    image: {IMAGE}
    source_dir: src
    entry_point: triple.py
endpoint_configs:
  - key: both
    tags: {{team: churn}}
    variants:
      - {{name: main, model: double, instance: {{type: ml.m5.large}}, weight: 3}}
      - {{name: trial, model: triple, instance: {{type: ml.m5.large}}}}
endpoints:
  - key: both
    name: seed-both
    config: both
    tags: {{team: churn}}
    smoke_test: {{json: 2, variant: trial, expect: {{contains: "6"}}}}
"""
SERVING = """\
def model_fn(folder):
    return FACTOR
def predict_fn(data, model):
    print("asked for", data, flush=True)
    if data == "break":
        raise ValueError("no such number")
    return data * model
"""
FILES = {
    "stages/dev.yaml": STAGE,
    "src/double.py": SERVING.replace("FACTOR", "2"),
    "src/triple.py": SERVING.replace("FACTOR", "3"),
    "src/train.py": "import os\nprint(os.environ['SM_CURRENT_HOST'], 'accuracy=0.75')\n",
}


PLAIN = {
    "TrainingImage": IMAGE,
    "TrainingInputMode": "File",
    "ContainerEntrypoint": ["python", "-c", "print('trained by hand')"],
}
JOB = f"""\
platform: sagemaker
sagemaker: {{region: eu-central-1, role: "{ROLE}", prefix: seedjob}}
training_jobs:
  - key: new
    image: {IMAGE}
    source_dir: src
    entry_point: train.py
    instance: {{type: ml.m5.large, count: 2}}
    metrics: {{accuracy: "accuracy=([0-9.]+)"}}
"""


@pytest.fixture(scope="module")
def project(aws: Aws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    root = tmp_path_factory.mktemp("seed")
    with in_project(root, aws, aws.environ, FILES) as found:
        found.run("apply", "dev", "--yes")
        yield found


def ask(project: Project, body: bytes = b"1", variant: str = "main") -> None:
    runtime = project.aws.client("sagemaker-runtime")
    more = {"ContentType": "application/json", "TargetVariant": variant}
    runtime.invoke_endpoint(EndpointName="seed-both", Body=body, **more)


def test_b09_what_an_endpoint_was_asked_in_the_last_hour_is_told_for_each_variant(
    project: Project,
) -> None:
    pytest.importorskip("moto")
    for _ in range(3):
        ask(project)
    with pytest.raises(Exception, match="no such number"):
        ask(project, b'"break"', "trial")
    text = project.run("metrics", "dev", "endpoint/both").out
    assert "endpoint/both · seed-both · InService" in text
    assert "last hour of main: 3 requests, 0 answered 4xx, 0 answered 5xx, " in text
    found = project.run("metrics", "dev", "both", "-o", "json").json
    values: dict[tuple[str, str], float] = {}
    for point in found["points"]:
        at = point["name"], point["labels"]["variant"]
        values[at] = values.get(at, 0) + point["value"]
    assert values["Invocations", "main"] == 3
    assert values["Invocations", "trial"] == 2  # the smoke test was one
    assert values["Invocation5XXErrors", "trial"] == 1
    assert values["Invocation4XXErrors", "trial"] == 0
    assert values["ModelLatency", "main"] > 0
    assert all(point["time"].endswith(":00Z") for point in found["points"])


def test_b09_an_endpoint_has_status_settings_and_a_log(project: Project) -> None:
    [row] = project.run("status", "dev", "-o", "json").json
    assert (row["key"], row["status"], row["id"]) == ("endpoint/both", "InService", "seed-both")
    assert row["config"].startswith("seed--both--") and row["created_at"]
    assert row["url"].endswith("/endpoints/seed-both/invocations")
    log = project.run("logs", "dev", "endpoint/both").out
    assert re.search(r"^\[trial/i-\w+\] asked for 2$", log, re.MULTILINE)


def rows_of(project: Project, *command: str) -> dict[str, Any]:
    """Id -> row of a list."""
    told = project.run(*command, "-o", "json").json
    [rows] = [value for value in told.values() if isinstance(value, list)]
    return {row["id"]: row for row in rows}


def described(project: Project, kind: str, **name: str) -> Any:
    return getattr(project.aws.client("sagemaker"), f"describe_{kind}")(**name)


def test_b01_what_there_is_of_each_kind_is_listed_whoever_has_made_it(project: Project) -> None:
    client = project.aws.client("sagemaker")
    container = {"Image": IMAGE, "ModelDataUrl": "s3://nobodys/m.tar.gz"}
    client.create_model(ModelName="nobodys", ExecutionRoleArn=ROLE, PrimaryContainer=container)
    instance = {"InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    variant = {"VariantName": "v", "ModelName": "nobodys", **instance}
    client.create_endpoint_config(EndpointConfigName="nobodys", ProductionVariants=[variant])
    for listed in ("models", "endpoint_configs"):
        rows = rows_of(project, "list", listed, "dev")
        assert rows.pop("nobodys")["unmanaged"] is True
        assert all(row["key"] and not row["unmanaged"] for row in rows.values()), rows
    [endpoint] = rows_of(project, "endpoints", "dev").values()
    assert (endpoint["key"], endpoint["status"]) == ("endpoint/both", "InService")
    for command in ("training-jobs", "processing-jobs", "transform-jobs"):
        assert rows_of(project, command, "dev") == {}


def test_b02_a_model_has_a_name_and_the_time_when_it_was_made(project: Project) -> None:
    for id, row in rows_of(project, "list", "models", "dev", "--key", "double").items():
        told = described(project, "model", ModelName=id)
        assert row["name"] == "double" and id.startswith("seed--double--")
        made = told["CreationTime"].astimezone(UTC).isoformat()
        assert row["created_at"][:19] == made[:19]


def test_b04_network_isolation_and_tags_are_part_of_what_is_asked_for(project: Project) -> None:
    client = project.aws.client("sagemaker")
    [id] = rows_of(project, "list", "models", "dev", "--key", "double")
    arn = described(project, "model", ModelName=id)["ModelArn"]
    tags = {tag["Key"]: tag["Value"] for tag in client.list_tags(ResourceArn=arn)["Tags"]}
    assert tags["team"] == "churn" and tags["cicd:key"] == "model/double"
    plain = (project.root / "stages/dev.yaml").read_text(encoding="utf-8")
    try:
        for more in (
            "vpc: {subnets: [subnet-b, subnet-a], security_groups: [sg-1]}",
            "network_isolation: true",
        ):
            edited = plain.replace("    entry_point: double.py\n", f"    {more}\n", 1)
            edited = edited.replace(more, f"entry_point: double.py\n    {more}")
            project.write("stages/dev.yaml", edited)
            changes = project.run("plan", "dev", "-o", "json").json["changes"]
            changed = {one["key"]: one["action"] for one in changes if one["action"] != "no_op"}
            assert changed["model/double"] == "create" and "model/triple" not in changed
    finally:
        project.write("stages/dev.yaml", plain)


@pytest.mark.parametrize(
    ("before", "after", "line", "said"),
    [
        ("model: triple", "model: tripel", 18, "model/tripel, which is not defined"),
        ("config: both", "config: bth", 22, "endpoint_config/bth, which is not defined"),
    ],
)
def test_b06_what_is_deployed_names_a_model_that_there_is(
    project: Project, before: str, after: str, line: int, said: str
) -> None:
    assert STAGE.count(before) == 1
    project.write("stages/wrong.yaml", STAGE.replace(before, after))
    told = project.run("validate", "wrong", code=3)
    assert said in told.out + told.err
    assert f"stages/wrong.yaml:{line}:" in told.out + told.err


def test_b07_a_configuration_has_name_time_tags_and_several_models_with_shares(
    project: Project,
) -> None:
    [(id, row)] = rows_of(project, "list", "endpoint_configs", "dev", "--key", "both").items()
    told = described(project, "endpoint_config", EndpointConfigName=id)
    variants = {one["VariantName"]: one for one in told["ProductionVariants"]}
    assert {name: one["InitialVariantWeight"] for name, one in variants.items()} == {
        "main": 3.0,
        "trial": 1.0,
    }
    models = {row["name"]: id for id, row in rows_of(project, "models", "dev").items()}
    assert variants["main"]["ModelName"] == models["double"]
    assert variants["trial"]["ModelName"] == models["triple"]
    assert row["created_at"] and row["name"] == "both"
    client = project.aws.client("sagemaker")
    tags = client.list_tags(ResourceArn=told["EndpointConfigArn"])["Tags"]
    assert {"Key": "team", "Value": "churn"} in tags


def test_b08_an_endpoint_is_made_from_its_configuration(project: Project) -> None:
    [id] = rows_of(project, "list", "endpoint_configs", "dev", "--key", "both")
    told = described(project, "endpoint", EndpointName="seed-both")
    assert told["EndpointConfigName"] == id
    assert {one["VariantName"] for one in told["ProductionVariants"]} == {"main", "trial"}


def test_b11_a_stage_goes_to_its_region_and_another_has_nothing_of_it(project: Project) -> None:
    project.write("stages/far.yaml", STAGE.replace("eu-central-1", "us-west-2"))
    plan = project.run("plan", "far", "-o", "json").json
    assert plan["target"]["region"] == "us-west-2"
    assert {one["action"] for one in plan["changes"]} == {"create"}
    assert "us-west-2" in project.run("plan", "far").out
    assert rows_of(project, "models", "far") == {}
    assert project.run("status", "far", "-o", "json").json[0]["id"] == ""
    assert {one["action"] for one in plan_of(project)["changes"]} == {"no_op"}


def plan_of(project: Project) -> Any:
    return project.run("plan", "dev", "-o", "json").json


def test_b15_what_a_configuration_carries_of_ones_own_are_its_tags_and_its_test(
    project: Project,
) -> None:
    """A test of it is the smoke test of the endpoint that has it: of one variant, here."""
    [id] = rows_of(project, "list", "endpoint_configs", "dev", "--key", "both")
    arn = described(project, "endpoint_config", EndpointConfigName=id)["EndpointConfigArn"]
    tags = project.aws.client("sagemaker").list_tags(ResourceArn=arn)["Tags"]
    assert {tag["Key"] for tag in tags} >= {"team", "cicd:stage", "cicd:key"}
    assert "[trial/" in project.run("logs", "dev", "both").out


def test_b17_an_endpoint_is_shown_with_what_is_deployed_on_it(project: Project) -> None:
    [row] = project.run("status", "dev", "-o", "json").json
    [id] = rows_of(project, "list", "endpoint_configs", "dev", "--key", "both")
    assert row["config"] == id and row["state"] == "RUNNING"
    text = project.run("status", "dev").out
    assert id in text and "/endpoints/seed-both/invocations" in text
    told = project.run("explain", "both", "dev").out
    assert "endpoint/both · seed-both" in told and "it is InService" in told


def test_b18_jobs_that_ran_are_seen_and_new_ones_are_made_by_editing(project: Project) -> None:
    """Those of others as well, with their logs."""
    client = project.aws.client("sagemaker")
    client.create_training_job(
        **training("nobodys-job", AlgorithmSpecification=PLAIN, HyperParameters={})
    )
    client.get_waiter("training_job_completed_or_stopped").wait(
        TrainingJobName="nobodys-job", WaiterConfig=QUICK
    )
    row = rows_of(project, "training-jobs", "dev")["nobodys-job"]
    assert row["unmanaged"] is True and row["status"] == "Completed"
    assert row["created_at"] and row["seconds"] is not None
    assert "trained by hand" in project.run("logs", "dev", "--run", "nobodys-job").out
    project.write("stages/job.yaml", JOB)
    project.run("apply", "job", "--yes")
    rows = rows_of(project, "training-jobs", "job")
    [own] = [row for row in rows.values() if row["key"] == "training_job/new"]
    assert own["status"] == "Completed" and own["unmanaged"] is False
    assert next(iter(rows)) == own["id"]  # newest first
    log = project.run("logs", "job", "new").out.splitlines()
    assert {"[algo-1] algo-1 accuracy=0.75", "[algo-2] algo-2 accuracy=0.75"} <= set(log)
    told = project.run("metrics", "job", "new", "-o", "json").json
    assert told["tags"]["cicd.key"] == "training_job/new"
    [metric] = told["metrics"]
    assert (metric["name"], metric["value"]) == ("accuracy", 0.75)
    assert metric["time"]


def test_b01_a_deployment_is_changed_and_put_back(project: Project) -> None:
    project.write("src/double.py", SERVING.replace("FACTOR", "5"))
    project.run("apply", "dev", "--yes")
    assert answer(project) == b"10"
    assert {one["action"] for one in plan_of(project)["changes"]} == {"no_op"}
    project.run("rollback", "dev", "both", "--yes")
    assert answer(project) == b"4"
    project.run("destroy", "dev", "--yes", "--stage-name", "dev", "--over-limits")
    assert rows_of(project, "endpoints", "dev") == {}
    assert [*rows_of(project, "models", "dev")] == ["nobodys"]


def answer(project: Project) -> bytes:
    runtime = project.aws.client("sagemaker-runtime")
    more = {"ContentType": "application/json", "TargetVariant": "main"}
    body: bytes = runtime.invoke_endpoint(EndpointName="seed-both", Body=b"2", **more)[
        "Body"
    ].read()
    return body.strip()
