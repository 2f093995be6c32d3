"""From test to production on each platform; the example line by line as its README says."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.conftest import REPOSITORY, Project, clean_environment, make_project

EXAMPLE = REPOSITORY / "examples/promotion"
BLOCKS = re.findall(r"```sh\n(.*?)```", (EXAMPLE / "README.md").read_text("utf-8"), re.DOTALL)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """A copy of the example that is a repository with nothing committed yet."""
    root = tmp_path / "promotion"
    kept = shutil.ignore_patterns(".cicd", "__pycache__", "approvals")
    shutil.copytree(EXAMPLE, root, ignore=kept)
    found = make_project(root)
    yield found
    found.stop()


def typed(project: Project, block: str, code: int = 0) -> str:
    """All that the commands of a block say; each of them must end so."""
    told = ""
    for line in block.splitlines():
        name, *arguments = shlex.split(line)
        assert name == "cicd"
        done = project.cicd(*arguments)
        assert done.returncode == code, f"{line}\n{done.stdout}\n{done.stderr}"
        told += done.stdout + done.stderr
    return told


def summary(project: Project, code: int) -> dict[str, str]:
    """Key -> what one more apply of prd made of it."""
    done = project.cicd("apply", "prd", "--local", "--yes", "--summary", "s.json")
    assert done.returncode == code, done.stdout + done.stderr
    told = json.loads((project.root / "s.json").read_text("utf-8"))
    return {one["key"]: one["result"] for one in told["outcomes"]} | {"error": done.stdout}


def test_what_is_promoted_is_trained_and_tested_and_deployed_once_it_is_approved(
    project: Project,
) -> None:
    tried, held, approved = BLOCKS
    told = typed(project, tried)
    assert '-variables: {smoothing: "0.1"}' in told and "deployment/serve" in told

    told = typed(project, held, 5)
    assert "execution/evaluate  " in told and "execution/train  " in told
    assert re.search(r"configuration/serve +create +held", told)
    assert "@your-org/ml-approvers may approve it" in told and "cicd approve prd --local" in told

    told = typed(project, approved)
    assert "comparator: accepted: off by" in told
    assert 'GET /v1/demand -> 200 {"demand": 120.1' in told
    assert "▶ execution" not in told  # nothing is trained or tested twice

    # another model needs another approval, what serves stays, and what changed is said
    project.edit("stages/prd.yaml", '"0.5"', '"0.4"')
    found = summary(project, 5)
    assert found["execution/train"] == "applied" and found["deployment/serve"] == "held"
    assert "configuration/train: parameter_bindings.smoothing changed" in found["error"]
    # and one that does worse on the test data is none
    project.edit("compare.py", "1.1 * old", "0.5 * old")
    found = summary(project, 1)
    assert found["execution/evaluate"] == "unchanged"
    assert "the comparator rejected: off by" in found["error"]


def test_ai_core_does_not_pull_what_nobody_has_approved(project: Project) -> None:
    """On the emulator as on an account: the repository is read as one that others push to."""
    url = project.publish()
    project.edit("stages/base.yaml", "path: templates}", f'path: templates, repository: "{url}"}}')
    project.edit("stages/prd.yaml", "branch: prd", "branch: main")
    project.edit("stages/tst.yaml", "branch: main", "branch: tst")
    project.publish()
    started = project.cicd("plan", "prd", "--local")  # it is told what stands in for the image
    assert started.returncode == 0, started.stderr
    project.environ |= project.emulator_environment()

    def revision() -> str:
        found = project.api("/admin/applications/demand-prd", "demand-prd")
        return str(found["revision"])

    def apply(code: int) -> str:
        done = project.cicd("apply", "prd", "--yes")
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    head = project.git_head()
    assert "prd" in apply(5) and revision() == head
    project.write("templates/later.yaml", "# what nobody has approved\n")
    later = project.publish() and project.git_head()
    assert later != head and revision() == head
    approved = project.cicd("approve", "prd", "--yes")
    assert "commit approvals/prd.yaml and push it to main" in approved.stdout
    assert "is not committed" in apply(5)
    project.publish()
    assert "RUNNING" in apply(0) and revision() == project.git_head()
    assert "No changes" in apply(0)


SAGEMAKER = REPOSITORY / "examples/sagemaker"
REGISTER = """\
model_packages:
  - {key: churn, group: churn, model: churn, content_types: [application/json]}
lifecycle:
  require_assets: {guide: "s3://assets/guide.md"}
  approval: {model_package: churn}
  watch: true
"""


@pytest.fixture
def register(tmp_path: Path) -> Iterator[Project]:
    """The example of SageMaker, whose endpoint waits for the approval of a model package."""
    root = tmp_path / "register"
    shutil.copytree(SAGEMAKER, root, ignore=shutil.ignore_patterns(".cicd", "__pycache__"))
    known = {name: text for name, text in clean_environment().items() if name[:4] != "AWS_"}
    found = Project(root, {**known, "HOME": str(tmp_path)})
    file = root / "stages/dev.yaml"
    file.write_text(file.read_text("utf-8") + REGISTER, encoding="utf-8")
    yield found
    found.stop()


def aws(project: Project, service: str) -> Any:
    told = project.emulator_environment()
    keys = told["AWS_ACCESS_KEY_ID"], told["AWS_SECRET_ACCESS_KEY"]
    session = import_module("boto3").Session(*keys, region_name=told["AWS_REGION"])
    return session.client(service, endpoint_url=told["AWS_ENDPOINT_URL"])


def applied(project: Project, code: int) -> dict[str, Any]:
    done = project.cicd("apply", "dev", "--local", "--yes", "--summary", "s.json")
    assert done.returncode == code, done.stdout + done.stderr
    told = json.loads((project.root / "s.json").read_text("utf-8"))
    return {one["key"]: one["result"] for one in told["outcomes"]} | {"life": told["lifecycle"]}


def test_an_endpoint_waits_for_the_approval_of_its_model_package(register: Project) -> None:
    found = applied(register, 5)
    assert found["training_job/train"] == "applied" and found["endpoint/churn"] == "held"
    assert found["life"]["missing"] == ['guide "s3://assets/guide.md" is not there']
    s3 = aws(register, "s3")
    place = {"LocationConstraint": "eu-central-1"}
    s3.create_bucket(Bucket="assets", CreateBucketConfiguration=place)
    s3.put_object(Bucket="assets", Key="guide.md", Body=b"")
    assert "is empty" in applied(register, 5)["life"]["missing"][0]
    s3.put_object(Bucket="assets", Key="guide.md", Body=b"how to use it")

    found = applied(register, 5)
    assert found["model_package/churn"] == "unchanged" and found["life"]["missing"] == []
    assert found["life"]["approval"]["state"] == "pending"
    # as a person in the console of AWS does it
    sagemaker = aws(register, "sagemaker")
    [package] = sagemaker.list_model_packages(ModelPackageGroupName="churn")[
        "ModelPackageSummaryList"
    ]
    arn = package["ModelPackageArn"]
    status = {"ModelApprovalStatus": "Approved", "ApprovalDescription": "looks good"}
    sagemaker.update_model_package(ModelPackageArn=arn, **status)
    found = applied(register, 0)
    assert found["endpoint/churn"] == "applied" and found["training_job/train"] == "unchanged"
    told = found["life"]["approval"]
    assert (told["state"], told["note"]) == ("approved", "looks good") and told["at"]

    # a configuration that somebody makes by hand is told once, of models of the stage alone
    [model] = sagemaker.list_models()["Models"]
    variant = {"VariantName": "main", "InstanceType": "ml.t2.medium", "InitialInstanceCount": 1}
    by_hand = [{**variant, "ModelName": model["ModelName"]}]
    sagemaker.create_endpoint_config(EndpointConfigName="by-hand", ProductionVariants=by_hand)
    found = applied(register, 0)
    assert found["life"]["snapshots"] == ["by-hand"] and "by-hand" in found["life"]["notes"][0]
    assert applied(register, 0)["life"]["snapshots"] == []

    # what else is to serve is bound by it as well
    register.edit("stages/dev.yaml", "ml.t2.medium", "ml.t2.large")
    assert applied(register, 5)["life"]["approval"]["state"] == "stale"
    refused = register.cicd("approve", "dev", "--local", "--yes", "--reject", "--reason", "dear")
    assert refused.returncode == 0, refused.stderr
    assert applied(register, 5)["life"]["approval"]["state"] == "rejected"
    given = register.cicd("approve", "dev", "--local", "--yes")
    assert given.returncode == 0 and "dev: approved" in given.stdout
    assert applied(register, 0)["endpoint/churn"] == "applied"


PUBLISH = """\
lifecycle:
  test: job/score
  approval: {file: approvals/dev.yaml}
  deploy: [job/publish]
"""
JOB = """\
  - key: publish
    name: publish
    script: publish.py
    image: tensorflow/tensorflow:1.4.0-py3
    completion_time: "100"
    data: {model: "${jobs.train.artifacts.saved_model}"}
    resources: {cpus: 1, gpus: 0, memory: 1024}
local:
"""


def test_a_job_that_publishes_waits_on_a_platform_where_nothing_serves(tmp_path: Path) -> None:
    root = tmp_path / "jobs"
    built = shutil.ignore_patterns(".cicd", "build", "__pycache__")
    shutil.copytree(REPOSITORY / "examples/training-job", root, ignore=built)
    project = make_project(root)
    (root / "publish.py").write_text("print('published')", encoding="utf-8")
    file = root / "stages/dev.yaml"
    text = file.read_text("utf-8").replace("local:", JOB, 1)
    file.write_text(f"{text}\n{PUBLISH}", encoding="utf-8")
    try:
        found = applied(project, 5)
        assert (found["job/train"], found["job/score"]) == ("applied", "applied")
        assert found["job/publish"] == "held"
        done = project.cicd("approve", "dev", "--local", "--yes")
        assert done.returncode == 0, done.stderr
        found = applied(project, 0)
        assert (found["job/publish"], found["job/train"]) == ("applied", "unchanged")
        assert found["life"]["approval"]["state"] == "approved"
    finally:
        project.stop()
