"""The policies of docs/sagemaker.md and of a new project, held against every call of whole applies,
rollbacks, destroys and looks at a stage: all of them are allowed, and nothing else is."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from importlib import import_module
from typing import Any

import pytest

from cicd.platforms.sagemaker.nouns import NOUNS
from cicd.scaffold import render
from tests.acceptance.conftest import REPOSITORY
from tests.emulator.sagemaker.aws import IMAGE, Aws
from tests.platforms.sagemaker.test_sagemaker_commands import Project, project  # noqa: F401

DOCUMENT = (REPOSITORY / "docs/sagemaker.md").read_text("utf-8").partition("## Least rights")[2]
POLICY = json.loads(re.findall(r"```json\n(.*?)```", DOCUMENT, re.DOTALL)[0])
SCAFFOLD = REPOSITORY / "cicd/scaffold/sagemaker/aws"
ROLE = "arn:aws:iam::123456789012:role/ml"
WHERE = "eu-central-1:123456789012"
BUCKET = "arn:aws:s3:::sagemaker-eu-central-1-123456789012"
NAP, WEIGHT = "${var.nap}", "${var.weight}"
STAGE = f"""\
platform: sagemaker
sagemaker: {{region: eu-central-1, role: "{ROLE}", prefix: churn-dev}}
variables: {{nap: 0, weight: 1}}
processing_jobs:
  - key: clean
    image: {IMAGE}
    command: [python, -c, "print(1, file=open('/opt/ml/processing/output/rows/rows.jsonl', 'w'))"]
    outputs: {{rows: "s3://{BUCKET[13:]}/cicd/rows"}}
    instance: {{type: ml.m5.large}}
training_jobs:
  - key: train
    image: {IMAGE}
    source_dir: src
    entry_point: train.py
    hyperparameters: {{nap: "{NAP}"}}
    instance: {{type: ml.m5.large}}
models:
  - {{key: churn, image: {IMAGE}, data: "${{training_jobs.train.model}}"}}
transform_jobs:
  - key: score
    model: churn
    input: "${{processing_jobs.clean.outputs.rows}}"
    content_type: application/json
    output: "s3://{BUCKET[13:]}/cicd/scores"
    instance: {{type: ml.m5.large}}
endpoint_configs:
  - key: churn
    variants:
      - {{name: main, model: churn, instance: {{type: ml.m5.large}}}}
      - {{name: trial, model: churn, instance: {{type: ml.m5.large}}, weight: "{WEIGHT}"}}
endpoints:
  - key: churn
    name: churn-dev
    config: churn
    smoke_test: {{json: 1}}
    autoscaling: {{main: {{min: 1, max: 2, target: 100}}}}
"""
TRAIN = """\
import pathlib, shutil, sys, time
time.sleep(int(sys.argv[2]))
pathlib.Path("/opt/ml/model/code").mkdir()
shutil.copy("/opt/ml/code/inference.py", "/opt/ml/model/code/")
"""
INFERENCE = """\
def model_fn(folder):
    return 2
def predict_fn(data, model):
    return data * model
"""
OBJECTS = {
    "HeadBucket": "ListBucket",
    "ListObjectsV2": "ListBucket",
    "HeadObject": "GetObject",
}
"""Operation of S3 -> the action that is asked for, where it has another name."""
LOOKING = (
    "plan dev",
    "logs dev train",
    "metrics dev endpoint/churn",
    "models dev",
    "endpoints dev",
    "explain dev endpoint/churn",
)
ALARMS = {
    "PutScalingPolicy": ("PutMetricAlarm", "DescribeAlarms"),
    "DeregisterScalableTarget": ("DeleteAlarms",),
}
SERVICES = {"sagemaker-runtime": "sagemaker", "service-quotas": "servicequotas"}
Call = tuple[str, str, Mapping[str, Any]]
Right = tuple[str, str]
"""An action, and what it is done to."""


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Call]]:
    """All that boto3 is asked for meanwhile; it is answered as ever."""
    made: list[Call] = []
    client = import_module("botocore.client").BaseClient
    ask = client._make_api_call

    def asked(self: Any, operation: str, body: Mapping[str, Any]) -> Any:
        made.append((self.meta.service_model.service_name, operation, body))
        return ask(self, operation, body)

    monkeypatch.setattr(client, "_make_api_call", asked)
    yield made


def rights(call: Call) -> Iterator[Right]:
    """What a call must be allowed, as AWS's reference of actions and resources says."""
    service, operation, body = call
    service = SERVICES.get(service, service)
    if service == "sts":
        return  # GetCallerIdentity needs no right
    if service == "s3":
        key = body.get("Key")
        place = f"arn:aws:s3:::{body['Bucket']}" + (f"/{key}" if key else "")
        yield f"s3:{OBJECTS.get(operation, operation)}", place
    elif service == "sagemaker":
        yield from ((f"sagemaker:{operation}", place) for place in places(operation, body))
        if body.get("Tags"):
            yield "sagemaker:AddTags", next(places(operation, body))
        for role in {body.get("RoleArn"), body.get("ExecutionRoleArn")} - {None}:
            yield "iam:PassRole", str(role)
    elif service == "logs":
        yield f"logs:{operation}", f"arn:aws:logs:{WHERE}:log-group:{body['logGroupName']}"
    elif service == "application-autoscaling":
        is_look = operation.startswith("Describe")
        place = f"arn:aws:application-autoscaling:{WHERE}:scalable-target/1"
        yield f"{service}:{operation}", "*" if is_look else place
        # done with the rights of who asks for it
        alarm = f"arn:aws:cloudwatch:{WHERE}:alarm:TargetTracking-1"
        yield from ((f"cloudwatch:{one}", alarm) for one in ALARMS.get(operation, ()))
    elif service == "ssm":
        yield f"ssm:{operation}", f"arn:aws:ssm:{WHERE}:parameter{body['Name']}"
    else:
        yield f"{service}:{operation}", "*"


def places(operation: str, body: Mapping[str, Any]) -> Iterator[str]:
    """The resources that an operation of SageMaker is on, the main one first."""
    if operation.startswith("List") or operation == "Search":
        yield "*"
        return
    [noun] = [
        noun for noun in NOUNS.values() if re.search(f"{noun.word}($|Async|Weights)", operation)
    ]
    yield place(noun.kind, body[noun.name])
    if operation in {"CreateEndpoint", "UpdateEndpoint"}:
        yield place("endpoint_config", body["EndpointConfigName"])


def place(kind: str, name: str) -> str:
    return f"arn:aws:sagemaker:{WHERE}:{kind.replace('_', '-')}/{name}"


def is_allowed(right: Right, statements: list[Any]) -> bool:
    action, resource = right
    return any(
        action in texts(one["Action"])
        and any(fnmatchcase(resource, pattern) for pattern in texts(one["Resource"]))
        for one in statements
    )


def texts(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else value


NOT_SURE = {"Doctor", "SeePackages", "ChangePackages"}
"""What doctor asks for depends on what it is told; this stage registers nothing."""
NOT_NEEDED = {
    (f"sagemaker:Describe{word}", f"arn:aws:sagemaker:eu-central-1:123456789012:{path}")
    for word, path in (("Model", "model/churn"), ("EndpointConfig", "endpoint-config/churn"))
}
"""Whether somebody else has made something by the name of a key; who may not know does without."""
SEEING = [one for one in POLICY["Statement"] if one["Sid"].startswith("See")]


@pytest.mark.timeout(600)  # each command makes its own clients, which is what it takes
def test_every_call_is_allowed_and_everything_that_is_allowed_is_called(
    project: Project,  # noqa: F811
    aws: Aws,
    calls: list[Call],
) -> None:
    asked: set[Right] = set()

    def run(*arguments: str, by: list[Any] = POLICY["Statement"], code: int = 0) -> None:
        calls.clear()
        project.run(*arguments, code=code)
        needed = {right for call in calls for right in rights(call)} - NOT_NEEDED
        assert [right for right in needed if not is_allowed(right, by)] == [], arguments
        asked.update(needed)

    project.write("stages/dev.yaml", STAGE)
    project.write("src/train.py", TRAIN)
    project.write("src/inference.py", INFERENCE)
    refused = {"status": 400, "code": "AccessDeniedException", "message": "is not authorized to x"}
    for operation in ("DescribeModel", "DescribeEndpointConfig"):
        aws.ask("POST", "/emulator/faults", {"operation": f"sagemaker.{operation}", **refused})
    run("plan", "dev", by=SEEING)
    aws.ask("DELETE", "/emulator/faults", None)
    run("apply", "dev", "--yes")
    run("apply", "dev", "--yes", "--var", "nap=1")
    run("apply", "dev", "--yes", "--var", "nap=1", "--var", "weight=2")
    for looking in LOOKING:
        run(*looking.split(), by=SEEING)
    run("doctor", "dev")
    run("apply", "dev", "--yes", "--var", "nap=900", "--no-wait")
    run("stop", "dev", "train", "--yes", "--var", "nap=900")
    # and where the bucket holds no lock
    no_bucket = {"operation": "sagemaker.s3.put", "status": 403, "code": "AccessDenied"}
    aws.ask("POST", "/emulator/faults", no_bucket)
    run("unlock", "dev")
    run("destroy", "dev", "--yes", "--stage-name", "dev", "--over-limits")
    aws.ask("DELETE", "/emulator/faults", None)

    sure = [one for one in POLICY["Statement"] if one["Sid"] not in NOT_SURE]
    allowed = {kindless(action) for one in sure for action in texts(one["Action"])}
    allowed -= {"sagemaker:ListModelPackages"}
    assert allowed <= {kindless(action) for action, _ in asked}


def kindless(action: str) -> str:
    """The action; of the three sorts of jobs what is done to one is done to all, and a service is
    asked in one of two ways."""
    return re.sub("(Training|Processing|Transform)Job", "Job", action).removesuffix("Async")


def test_a_new_project_has_the_same_policies_with_its_own_names() -> None:
    known = {
        "PARTITION": "aws",
        "REGION": "eu-central-1",
        "ACCOUNT": "123456789012",
        "ROLE": ROLE,
        "PREFIX": "churn",
    }
    text = render((SCAFFOLD / "apply.json").read_text("utf-8"), known)
    assert json.loads(text.replace("churn-*", "churn-dev*")) == POLICY
    text = render((SCAFFOLD / "plan.json").read_text("utf-8"), known)
    plan = json.loads(text.replace("churn-*", "churn-dev*"))
    assert plan == {**POLICY, "Statement": SEEING}
