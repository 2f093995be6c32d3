"""The commands on SageMaker, which really trains and serves: from a script to an answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cicd.cli.root import execute
from tests.emulator.sagemaker.aws import IMAGE, ROLE, Aws

TRAIN = """\
import argparse, json, pathlib, shutil
asked = argparse.ArgumentParser()
asked.add_argument("--epochs", type=int)
asked.add_argument("--greeting")
told = asked.parse_args()
for epoch in range(told.epochs):
    print(f"epoch {epoch} accuracy={0.5 + 0.1 * epoch:.2f}", flush=True)
pathlib.Path("/opt/ml/model/model.json").write_text(json.dumps(vars(told)))
pathlib.Path("/opt/ml/model/code").mkdir()
shutil.copy("/opt/ml/code/inference.py", "/opt/ml/model/code/")
"""
INFERENCE = """\
import json, pathlib
def model_fn(folder):
    model = json.loads(pathlib.Path(folder, "model.json").read_text())
    if model["greeting"] == "break":
        raise SystemExit("cannot load the model")
    return model
def predict_fn(data, model):
    return {**model, "asked": data}
"""
STAGE = f"""\
platform: sagemaker
sagemaker:
  region: eu-central-1
  role: arn:aws:iam::123456789012:role/trainer
  prefix: story
training_jobs:
  - key: train
    image: {IMAGE}
    source_dir: src
    entry_point: train.py
    hyperparameters: {{epochs: 2, greeting: "grüß dich"}}
    instance: {{type: ml.m5.large}}
    metrics: {{accuracy: "accuracy=([0-9.]+)"}}
    require: [{{metric: accuracy, min: 0.5}}]
models:
  - {{key: churn, image: {IMAGE}, data: "${{training_jobs.train.model}}"}}
endpoint_configs:
  - {{key: churn, variants: [{{name: main, model: churn, instance: {{type: ml.m5.large}}}}]}}
endpoints:
  - key: churn
    name: churn-dev
    config: churn
    smoke_test: {{json: {{x: 1}}, expect: {{contains: epochs}}}}
"""


@dataclass
class Told:
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class Project:
    """A repository whose stage goes to the emulator."""

    root: Path
    aws: Aws
    run: Callable[..., Told]

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def edit(self, before: str, after: str) -> None:
        text = (self.root / "stages/dev.yaml").read_text(encoding="utf-8")
        assert text.count(before) == 1, before
        self.write("stages/dev.yaml", text.replace(before, after))

    def actions(self) -> dict[str, str]:
        changes = self.run("plan", "dev", "-o", "json").json["changes"]
        return {item["key"]: item["action"] for item in changes if item["action"] != "no_op"}

    def answer(self) -> Any:
        runtime = self.aws.client("sagemaker-runtime")
        told = runtime.invoke_endpoint(
            EndpointName="churn-dev", Body=b"1", ContentType="application/json"
        )
        return json.load(told["Body"])


@pytest.fixture
def project(
    aws: Aws,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Project:
    for name, value in aws.environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, code: int = 0) -> Told:
        ended = execute(list(arguments))
        said = capsys.readouterr()
        assert ended == code, f"{arguments}: {ended}\n{said.out}\n{said.err}"
        return Told(said.out, said.err)

    made = Project(tmp_path, aws, run)
    made.write("stages/dev.yaml", STAGE)
    made.write("src/train.py", TRAIN)
    made.write("src/inference.py", INFERENCE)
    return made


def test_a_script_is_trained_served_changed_and_gone_back(project: Project) -> None:
    assert project.actions() == {
        "training_job/train": "run",
        "model/churn": "create",
        "endpoint_config/churn": "create",
        "endpoint/churn": "create",
    }
    plan = project.run("plan", "dev").out
    assert "trains for the first time (epochs 2, greeting grüß dich, type ml.m5.large" in plan
    assert "endpoint_config/churn: is made (main.instance.type ml.m5.large" in plan
    project.run("apply", "dev", "--yes")
    assert project.answer() == {"epochs": 2, "greeting": "grüß dich", "asked": 1}
    assert project.actions() == {}

    project.edit("epochs: 2", "epochs: 3")
    assert "takes the new model churn for main; the same URL" in project.run("plan", "dev").out
    project.run("apply", "dev", "--yes")
    runs = project.run("compare", "dev", "train", "-o", "json").json["runs"]
    assert [run["parameters"]["epochs"] for run in runs] == ["3", "2"]
    assert all("accuracy" not in run["parameters"] for run in runs)
    assert project.answer()["epochs"] == 3
    assert project.actions() == {}
    log = project.run("logs", "dev", "training_job/train").out
    assert [line.rpartition("=")[2] for line in log.splitlines()] == ["0.50", "0.60", "0.70"]
    sagemaker = project.aws.client("sagemaker")
    assert len(sagemaker.list_training_jobs()["TrainingJobSummaries"]) == 2
    assert len(sagemaker.list_models()["Models"]) == 2
    assert len(sagemaker.list_endpoint_configs()["EndpointConfigs"]) == 2
    rows = project.run("status", "dev", "-o", "json").json
    assert {row["key"]: row["status"] for row in rows} == {
        "training_job/train": "Completed",
        "endpoint/churn": "InService",
    }

    # a version whose data a run of the stage has made is the stage's
    text = (project.root / "stages/dev.yaml").read_text(encoding="utf-8")
    register = "model_packages:\n  - {key: churn, group: churns, model: churn}\n"
    project.write("stages/dev.yaml", text + register)
    project.run("apply", "dev", "--yes")
    sagemaker.create_model_package_group(ModelPackageGroupName="others")
    sagemaker.create_model_package(ModelPackageGroupName="others")
    listed = project.run("list", "model-packages", "dev", "-o", "json").json["model_packages"]
    assert {(row["id"], row["key"], row["unmanaged"]) for row in listed} == {
        ("churns/1", "model_package/churn", False),
        ("others/1", "", True),
    }

    past = project.run("history", "dev", "-o", "json").json["applies"]
    assert [one["result"] for one in past] == ["applied", "applied"]
    for one in past:
        keys = [made["key"] for made in one["changes"]]
        assert keys == ["training_job/train", "endpoint/churn"]

    project.edit('"grüß dich"', '"break"')
    told = project.run("apply", "dev", "--yes", code=1)
    assert "did not pass the ping health check" in told.out, told.out
    assert "went back by itself" in told.out and "cannot load the model" in told.out
    assert project.answer()["greeting"] == "grüß dich"


CLEAN = """\
import sys
rows = "/opt/ml/processing/output/rows/rows.jsonl"
print(*sys.argv[1:], sep=chr(10), file=open(rows, "w"))
"""
BATCH = f"""\
platform: sagemaker
sagemaker: {{region: eu-central-1, role: "arn:aws:iam::123456789012:role/trainer", prefix: batch}}
processing_jobs:
  - key: clean
    image: {IMAGE}
    source_dir: clean
    entry_point: clean.py
    arguments: ["1", "2", "3"]
    outputs: {{rows: "s3://batch-data/rows"}}
    instance: {{type: ml.m5.large}}
models:
  - {{key: double, image: {IMAGE}, source_dir: src, entry_point: double.py}}
transform_jobs:
  - key: score
    model: double
    input: "${{processing_jobs.clean.outputs.rows}}"
    content_type: application/json
    split: Line
    assemble: Line
    strategy: SingleRecord
    output: s3://batch-data/scores
    instance: {{type: ml.m5.large}}
"""
DOUBLE = """\
def model_fn(folder):
    return 2
def predict_fn(data, model):
    return data * model
"""


def test_data_is_processed_and_a_model_answers_for_all_of_it(project: Project) -> None:
    project.write("src/double.py", DOUBLE)
    project.write("clean/clean.py", CLEAN)
    project.write("stages/dev.yaml", BATCH)
    s3 = project.aws.client("s3")
    place = {"LocationConstraint": "eu-central-1"}
    s3.create_bucket(Bucket="batch-data", CreateBucketConfiguration=place)
    project.run("apply", "dev", "--yes")
    scores = s3.get_object(Bucket="batch-data", Key="scores/rows.jsonl.out")["Body"].read()
    assert scores.split() == [b"2", b"4", b"6"]
    assert project.actions() == {}
    project.write("src/double.py", DOUBLE.replace("return 2", "return 3"))
    assert project.actions() == {"model/double": "create", "transform_job/score": "run"}
    project.edit("batch-data/rows", "batch-data/others")
    assert project.actions()["processing_job/clean"] == "run"
    project.edit("batch-data/others", "batch-data/rows")
    project.write("clean/clean.py", CLEAN + "print('done')")
    assert project.actions()["processing_job/clean"] == "run"
    project.write("src/double.py", DOUBLE)
    told = project.run("destroy", "dev", "--yes", "--stage-name", "dev", "--over-limits")
    models = project.aws.client("sagemaker").list_models(NameContains="batch")["Models"]
    assert models == [], told.out


SERVING = f"""\
platform: sagemaker
sagemaker: {{region: eu-central-1, role: "arn:aws:iam::123456789012:role/trainer", prefix: serving}}
models:
  - {{key: double, image: {IMAGE}, source_dir: src, entry_point: double.py}}
endpoint_configs:
  - {{key: double, variants: [{{name: main, model: double, instance: {{type: ml.m5.large}}}}]}}
endpoints:
  - {{key: double, config: double, smoke_test: {{json: 4, expect: {{contains: "8"}}}}}}
"""


def test_an_endpoint_that_never_came_up_is_deleted_and_made_again(project: Project) -> None:
    """AWS lets nobody do anything else with one, and gives no name twice."""
    project.write("stages/dev.yaml", SERVING)
    project.write("src/double.py", "raise SystemExit('no model')\n")
    told = project.run("apply", "dev", "--yes", code=1)
    assert "ended as Failed: The primary container" in told.out, told.out
    project.write("src/double.py", DOUBLE)
    changes = project.run("plan", "dev", "-o", "json").json["changes"]
    [endpoint] = [item for item in changes if item["key"] == "endpoint/double"]
    assert endpoint["action"] == "replace" and "Failed" in endpoint["reason"]
    project.run("apply", "dev", "--yes")
    assert project.actions() == {}
    listed = project.run("endpoints", "dev", "-o", "json").json["endpoints"]
    found = {item["id"]: (item["status"], item["key"]) for item in listed}
    assert found["serving--double"] == ("InService", "endpoint/double")


SCALED = SERVING.replace("config: double,", "config: double, autoscaling: {main: BOUNDS},").replace(
    "serving", "scaled"
)


def test_an_endpoint_is_scaled_as_its_stage_says(project: Project) -> None:
    """Its variants are registered once it is up, and anew where AWS wants them let go before."""
    scaling = project.aws.client("application-autoscaling")

    def registered() -> dict[str, Any]:
        told = scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"]
        policies = scaling.describe_scaling_policies(ServiceNamespace="sagemaker")
        targets = {one["ResourceId"]: (one["MinCapacity"], one["MaxCapacity"]) for one in told}
        values = {
            one["ResourceId"]: one["TargetTrackingScalingPolicyConfiguration"]
            for one in policies["ScalingPolicies"]
        }
        assert targets.keys() == values.keys()
        return {
            name: (*targets[name], values[name]["TargetValue"], values[name].get("ScaleInCooldown"))
            for name in targets
        }

    main = "endpoint/scaled--double/variant/main"
    project.write("src/double.py", DOUBLE)
    project.write(
        "stages/dev.yaml",
        SCALED.replace("BOUNDS", "{min: 2, max: 3, target: 70, scale_in: 5m}")
        + "prune: stage\nlimits: {max_delete_percent: 100}\n",
    )
    plan = project.run("plan", "dev").out
    assert "scaling/double: is made (main.min 2, main.max 3, main.target 70" in plan
    assert project.actions()["scaling/double"] == "create"
    project.run("apply", "dev", "--yes")
    assert registered() == {main: (2, 3, 70.0, 300)}
    told = project.aws.client("sagemaker").describe_endpoint(EndpointName="scaled--double")
    assert told["ProductionVariants"][0]["CurrentInstanceCount"] == 2
    assert project.actions() == {}  # also as it has more instances by now

    project.edit("max: 3", "max: 5")
    assert project.actions() == {"scaling/double": "update"}
    project.edit("ml.m5.large", "ml.m5.xlarge")
    project.run("apply", "dev", "--yes")
    assert registered() == {main: (2, 5, 70.0, 300)}
    assert project.actions() == {}

    project.edit(" autoscaling: {main: {min: 2, max: 5, target: 70, scale_in: 5m}},", "")
    assert project.actions()["scaling/scaled--double"] == "delete"
    project.run("apply", "dev", "--yes")
    assert registered() == {}


REGISTER = f"""\
platform: sagemaker
sagemaker: {{region: eu-central-1, role: "{ROLE}", prefix: register}}
models:
  - {{key: double, image: {IMAGE}, source_dir: src, entry_point: double.py}}
  - {{key: chosen, package: "${{model_packages.double.arn}}"}}
model_packages:
  - {{key: double, group: doubles, model: double, metadata: {{team: ml}}}}
"""


def test_a_model_is_registered_once_for_each_content_and_approved(project: Project) -> None:
    sagemaker = project.aws.client("sagemaker")

    def versions() -> list[tuple[int, str]]:
        listed = sagemaker.list_model_packages(
            ModelPackageGroupName="doubles", SortBy="CreationTime", SortOrder="Ascending"
        )
        found = listed["ModelPackageSummaryList"]
        return [(one["ModelPackageVersion"], one["ModelApprovalStatus"]) for one in found]

    project.write("src/double.py", DOUBLE)
    project.write("stages/dev.yaml", REGISTER)
    project.run("apply", "dev", "--yes")
    assert versions() == [(1, "PendingManualApproval")]
    arn = sagemaker.list_model_packages(ModelPackageGroupName="doubles")
    arn = arn["ModelPackageSummaryList"][0]["ModelPackageArn"]
    told = sagemaker.describe_model_package(ModelPackageName=arn)
    assert told["CustomerMetadataProperties"]["team"] == "ml"
    assert told["CustomerMetadataProperties"]["cicd:key"] == "model_package/double"
    [chosen] = sagemaker.list_models(NameContains="register--chosen")["Models"]
    model = sagemaker.describe_model(ModelName=chosen["ModelName"])
    assert model["PrimaryContainer"]["ModelPackageName"] == arn
    assert project.actions() == {}

    # what a person decides stays, until the stage file says otherwise
    sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Rejected")
    assert project.actions() == {}
    project.edit("model: double, m", "model: double, approval: approved, m")
    assert project.actions() == {"model_package/double": "update"}
    project.run("apply", "dev", "--yes")
    assert versions() == [(1, "Approved")]
    assert project.actions() == {}

    # another content is another version, and the former stays
    project.write("src/double.py", DOUBLE.replace("return 2", "return 3"))
    assert project.actions() == {
        "model_package/double": "create",
        "model/double": "create",
        "model/chosen": "create",
    }
    project.run("apply", "dev", "--yes")
    assert versions() == [(1, "Approved"), (2, "Approved")]
    assert project.actions() == {}
    told = project.run("destroy", "dev", "--yes", "--stage-name", "dev", "--over-limits")
    assert "model_package" in told.out and len(versions()) == 2
    assert sagemaker.list_models(NameContains="register")["Models"] == []
    listed = project.run("list", "model_package", "dev", "-o", "json").json
    assert "doubles/2" in json.dumps(listed)


BABBLE = """\
import threading, time
WORD = "one"
def babble():
    while True:
        print(f"{WORD} is still here", flush=True)
        time.sleep(0.1)
def model_fn(folder):
    threading.Thread(target=babble, daemon=True).start()
    return WORD
def predict_fn(data, model):
    return model
"""
BABBLER = f"""\
platform: sagemaker
sagemaker: {{region: eu-central-1, role: "arn:aws:iam::123456789012:role/trainer", prefix: babble}}
models: [{{key: churn, image: {IMAGE}, source_dir: serve, entry_point: babble.py}}]
endpoint_configs:
  - {{key: churn, variants: [{{name: main, model: churn, instance: {{type: ml.m5.large}}}}]}}
endpoints: [{{key: churn, name: churn-dev, config: churn}}]
"""


def test_an_update_that_goes_back_says_why_or_what_was_logged_last_and_aws_own_failure_is_repeated(
    project: Project,
) -> None:
    project.write("stages/dev.yaml", BABBLER)
    project.write("serve/babble.py", BABBLE)
    project.run("apply", "dev", "--yes")
    project.write("serve/babble.py", BABBLE.replace("one", "two"))
    told = project.run("plan", "dev").out
    assert "takes the new model churn for main; the same URL goes on answering" in told

    rule = {"operation": "sagemaker.UpdateEndpoint", "rollback": True, "times": 1}
    project.aws.ask("POST", "/emulator/faults", rule)
    told = project.run("apply", "dev", "--yes", code=1).out
    end = told.partition("was asked for: the platform went back by itself")[2]
    assert "one is still here" in end, told
    assert project.answer() == "one"

    reason = "Request to service failed. If failure persists after retry, contact customer support."
    faults = project.aws.world.faults
    faults.forget_requests()
    project.aws.ask("POST", "/emulator/faults", {**rule, "reason": reason})
    said = project.run("apply", "dev", "--yes")
    told = said.out + said.err
    assert f"{reason[:-1]}: it is sent again" in told and "weights" not in told, told
    sent = [one["operation"] for one in faults.requests()].count("sagemaker.UpdateEndpoint")
    assert (sent, project.answer()) == (2, "two")
