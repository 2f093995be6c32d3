"""S3's library is loaded for what talks to a storage, and by nothing else: it takes a second, and
who uses another platform need not have it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.acceptance.conftest import REPOSITORY, clean_environment
from tests.platforms.training_job.samples import project

PROGRAM = """
import json, sys
sys.modules |= dict.fromkeys(("boto3", "botocore", "s3transfer"))
from cicd.cli.root import execute
codes = [execute(command) for command in json.loads(sys.argv[1])]
print(codes, file=sys.stderr)
"""
IMPORTING = """
import importlib, pkgutil, sys
sys.modules |= dict.fromkeys(("boto3", "botocore", "s3transfer"))
import cicd.platforms
OWN = ("cicd.platforms.training_job.", "cicd.platforms.sagemaker.")
WITHOUT = ("dialect", "kinds", "commands", "provenance")
for module in pkgutil.walk_packages(cicd.platforms.__path__, "cicd.platforms."):
    if not module.name.startswith(OWN) or module.name.split(".")[3] in WITHOUT:
        importlib.import_module(module.name)
"""


def run(root: Path, *program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", *program],
        cwd=root,
        env={**clean_environment(), "HOME": str(root), "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stderr


@pytest.mark.parametrize("platform", ["training_job", "aicore"])
def test_what_asks_no_storage_works_without_it(platform: str, tmp_path: Path) -> None:
    if platform == "training_job":
        project(tmp_path)
    commands = f"""[["init", "--platform", "{platform}", "--yes", "--keep", "--stages", "dev"],
        ["validate", "dev"], ["plan", "dev", "--offline"], ["schema"], ["list", "--help"]]"""
    assert run(tmp_path, PROGRAM, commands).splitlines()[-1] == "[0, 0, 0, 0, 0]"


def test_no_other_platform_and_no_dialect_needs_it(tmp_path: Path) -> None:
    run(tmp_path, IMPORTING)
