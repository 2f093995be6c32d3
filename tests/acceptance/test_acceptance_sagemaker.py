"""What somebody begins with on SageMaker: a new project, and the example, line by line as its
README says."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.conftest import REPOSITORY, Project, clean_environment

EXAMPLE = REPOSITORY / "examples/sagemaker"
SCAFFOLD = REPOSITORY / "cicd/scaffold/sagemaker"
BLOCKS = re.findall(r"```sh\n(.*?)```", (EXAMPLE / "README.md").read_text("utf-8"), re.DOTALL)
APPLY = ("apply", "dev", "--local", "--yes")
CUSTOMER = {"tenure_months": 2, "monthly_fee": 95, "support_calls": 4, "yearly_contract": 0}


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """An empty folder of somebody who has Python and cicd."""
    root = tmp_path / "project"
    root.mkdir()
    known = {name: text for name, text in clean_environment().items() if name[:4] != "AWS_"}
    found = Project(root, {**known, "HOME": str(tmp_path)})
    yield found
    found.stop()


def cicd(project: Project, *arguments: str, code: int = 0) -> str:
    done = project.cicd(*arguments)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def typed(project: Project, block: str) -> str:
    """All that the commands of a block say; each of them must succeed."""
    told = ""
    for line in block.splitlines():
        name, *arguments = shlex.split(line)
        if name == "cicd":
            told += cicd(project, *arguments)
        else:
            subprocess.run([name, *arguments], cwd=project.root, check=True)
    return told


def client(project: Project, service: str) -> Any:
    """Plain boto3 in the environment that the emulator tells."""
    told = project.emulator_environment()
    session = import_module("boto3").Session(
        told["AWS_ACCESS_KEY_ID"], told["AWS_SECRET_ACCESS_KEY"], region_name=told["AWS_REGION"]
    )
    once = import_module("botocore.config").Config(retries={"total_max_attempts": 1})
    return session.client(service, endpoint_url=told["AWS_ENDPOINT_URL"], config=once)


def answer(runtime: Any) -> str:
    told = runtime.invoke_endpoint(
        EndpointName="churn-dev", Body=json.dumps(CUSTOMER), ContentType="application/json"
    )
    return str(told["Body"].read().decode())


@contextmanager
def asked(runtime: Any) -> Iterator[list[str]]:
    """Answers of an endpoint that is asked 20 times a second meanwhile, of errors what they say."""
    answers: list[str] = []
    is_over = threading.Event()

    def ask() -> None:
        while not is_over.wait(0.05):
            try:
                answers.append(answer(runtime))
            except Exception as error:  # whatever it is, a caller would have it
                answers.append(repr(error))

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield answers
    finally:
        is_over.set()
        thread.join()


def there_are(project: Project) -> list[int]:
    """How many jobs, models, configurations and endpoints there are."""
    sagemaker = client(project, "sagemaker")
    return [
        len(sagemaker.list_training_jobs()["TrainingJobSummaries"]),
        len(sagemaker.list_models()["Models"]),
        len(sagemaker.list_endpoint_configs()["EndpointConfigs"]),
        len(sagemaker.list_endpoints()["Endpoints"]),
    ]


def test_the_example_does_what_its_readme_says_and_never_stops_answering(project: Project) -> None:
    kept = shutil.ignore_patterns(".cicd", "__pycache__")
    shutil.copytree(EXAMPLE, project.root, ignore=kept, dirs_exist_ok=True)
    first, again = BLOCKS
    told = typed(project, first)
    assert "training_job/train: trains for the first time" in told
    assert 'endpoint/churn │ invoke -> 200 {"leaves": true' in told
    assert "accuracy=0.8" in told and "InService" in told
    assert there_are(project) == [1, 1, 1, 1]

    runtime = client(project, "sagemaker-runtime")
    before = answer(runtime)
    with asked(runtime) as answers:
        told = typed(project, again)
    after = answer(runtime)
    assert "No changes" in told and "epochs 60 → 80" in told
    assert there_are(project) == [2, 2, 2, 1]
    assert before != after and set(answers) <= {before, after}, answers
    assert "No changes" in cicd(project, "plan", "dev", "--local")

    project.edit(
        "serving/inference.py", "    return json.loads(Path", "    exit(f'{1 + 1} wheels')\n#"
    )
    told = cicd(project, *APPLY, code=1)
    assert "goes back to" not in told and "the platform went back by itself" in told, told
    assert "did not pass the ping health check" in told and "] 2 wheels" in told
    assert answer(runtime) == after


def test_a_new_project_trains_and_serves_at_once(project: Project) -> None:
    cicd(project, "init", "--platform", "sagemaker", "--name", "Wer geht in Köln?")
    assert "warning" not in cicd(project, "validate", "--all")
    assert "training_job/train: trains for the first time" in cicd(project, *APPLY)
    assert "No changes" in cicd(project, *APPLY)
    shown = json.loads(cicd(project, "status", "dev", "--local", "-o", "json"))
    assert [row["id"] for row in shown][1:] == ["wer-geht-in-koln-dev"]
    project.edit("stages/dev.yaml", "epochs: 40", "epochs: 50")
    assert "epochs 40 → 50" in cicd(project, "plan", "dev", "--local", "-v", code=0)


@pytest.mark.parametrize(
    "name", ["training/train.py", "training/customers.csv", "serving/inference.py"]
)
def test_a_new_project_begins_with_the_programs_of_the_example(name: str) -> None:
    ending = ".in" if name.endswith(".py") else ""
    assert (SCAFFOLD / f"{name}{ending}").read_bytes() == (EXAMPLE / name).read_bytes()
