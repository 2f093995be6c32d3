"""The command line starts it, tells AWS's SDKs where it is, and breaks it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cicd.emulator.host import control
from tests import forked

NAMES = {"AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} | {
    "AWS_DEFAULT_REGION",
    "AWS_REGION",
}
SCRIPT = """
import boto3

sagemaker = boto3.client("sagemaker")
sagemaker.create_model(
    ModelName="m",
    ExecutionRoleArn="arn:aws:iam::123456789012:role/r",
    PrimaryContainer={"Image": "python:3"},
)
print([one["ModelName"] for one in sagemaker.list_models()["Models"]])
print(boto3.client("sts").get_caller_identity()["Account"])
boto3.client("s3").create_bucket(Bucket="own")
print([one["Name"] for one in boto3.client("s3").list_buckets()["Buckets"]])
"""
BROKEN = """
import boto3
from botocore.config import Config

client = boto3.client("sagemaker", config=Config(retries={"total_max_attempts": 1}))
try:
    client.list_models()
except client.exceptions.ClientError as error:
    print(error)
print(len(client.list_models()["Models"]))
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of an emulator that runs."""
    made = tmp_path_factory.mktemp("started") / "data"
    cicd(made, "start", "--sagemaker")
    yield made
    control.stop(made)


def cicd(data: Path, *arguments: str) -> str:
    environ = {"PATH": os.environ["PATH"], "HOME": str(data.parent)}
    line = ("emulator", *arguments, "--data", str(data))
    ended = forked.run(line, cwd=data.parent, env=environ)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def python(data: Path, script: str) -> list[str]:
    """What a script prints that knows only what ``cicd emulator env`` has printed."""
    told = dict(line.split("=", 1) for line in cicd(data, "env").splitlines())
    environ = {"PATH": os.environ["PATH"], **{name: told[name] for name in NAMES}}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_a_script_needs_nothing_but_what_env_prints(data: Path) -> None:
    assert python(data, SCRIPT) == ["['m']", "123456789012", "['own']"]


def test_a_fault_of_the_command_line_is_worded_as_aws_words_it(data: Path) -> None:
    rule = ["--operation", "sagemaker.ListModels", "--times", "1"]
    effects = ["status=400", "code=ThrottlingException", "message=Rate exceeded"]
    cicd(data, "faults", "add", *rule, *effects)
    error, count = python(data, BROKEN)
    assert "(ThrottlingException)" in error and error.endswith("Rate exceeded")
    assert int(count) >= 0


def test_an_emulator_that_was_not_asked_to_says_nothing_of_it(tmp_path: Path) -> None:
    plain = tmp_path / "data"
    cicd(plain, "start")
    try:
        told = {line.partition("=")[0] for line in cicd(plain, "env").splitlines()}
        assert not NAMES & told
    finally:
        control.stop(plain)


LAZY = """
import os, sys, tempfile
from pathlib import Path
from cicd.emulator.host.opening import open_world
from cicd.emulator.host.server import default_runner, http_server

data = Path(tempfile.mkdtemp())
world = open_world(data, "http://127.0.0.1:1", os.environ, default_runner(os.environ, data))
http_server(world)
world.close()
print(sorted({"boto3", "botocore", "moto", "flask"} & sys.modules.keys()))
"""


def test_nothing_of_aws_is_loaded_before_it_is_asked_for(tmp_path: Path) -> None:
    environ = {"PATH": os.environ["PATH"], "TMPDIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", LAZY],
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout == "[]\n", done.stdout + done.stderr
