"""Who uses another platform has nothing of AWS: boto3 is not loaded, and nobody there is asked."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from cicd.emulator.host.testing import running
from tests.acceptance.conftest import REPOSITORY, clean_environment
from tests.faults.faults_world import SECRETS, STAGE
from tests.platforms.training_job.samples import project

PROGRAM = """
import json, os, sys
asked, codes = [], []
sys.addaudithook(lambda event, told: event == "socket.connect" and asked.append(told[1]))
from cicd.cli.root import execute
for folder, command in json.loads(sys.argv[1]):
    os.chdir(folder)
    codes.append(execute(command))
loaded = {"boto3", "botocore", "s3transfer", "cicd.platforms.sagemaker.adapter"} & {*sys.modules}
ports = sorted({told[1] for told in asked if isinstance(told, tuple)})
print(json.dumps([codes, sorted(loaded), ports]), file=sys.stderr)
"""
AWS = {
    "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "example",
    "AWS_REGION": "eu-central-1",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    "SAGEMAKER_ROLE": "arn:aws:iam::123456789012:role/ml",
}
"""A login, as everybody has one who uses AWS for something else."""


def test_no_other_platform_loads_boto3_or_asks_aws(tmp_path: Path) -> None:
    here, there = tmp_path / "aicore", tmp_path / "training_job"
    (here / "stages").mkdir(parents=True)
    (here / "stages/dev.yaml").write_text(STAGE, encoding="utf-8")
    there.mkdir()
    project(there)
    var = ["--var", "group=group1"]
    helps = [["--help"], ["plan", "--help"], ["import", "--help"], ["apply", "--help"]]
    offline = [["validate", "dev"], ["plan", "dev", "--offline"], ["schema"], ["list", "--help"]]
    commands: list[tuple[str, list[str]]] = [
        *((str(there), command) for command in [*helps, *offline]),
        *((str(here), [*command, *var]) for command in (["validate", "dev"], ["plan", "dev"])),
    ]
    with running(realism="instant") as emulator:
        port = int(emulator.url.rpartition(":")[2])
        environ = {**clean_environment(), **emulator.environ, **SECRETS, **AWS}
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, json.dumps(commands)],
            env={**environ, "HOME": str(tmp_path), "PYTHONPATH": str(REPOSITORY)},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    codes, loaded, ports = json.loads(done.stderr.splitlines()[-1])
    assert codes == [0] * len(commands), done.stdout + done.stderr
    assert loaded == []
    assert ports == [port]
