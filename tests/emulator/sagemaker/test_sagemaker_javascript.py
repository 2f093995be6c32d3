"""A script for AWS's SDK for JavaScript, run as it is."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.emulator.sagemaker.aws import running

JS = Path(__file__).resolve().parents[1] / "js"


@pytest.mark.skipif(shutil.which("node") is None, reason="Node.js is not installed")
@pytest.mark.skipif(
    not (JS / "node_modules" / "@aws-sdk").exists(),
    reason="run `npm install --no-package-lock` in tests/emulator/js first",
)
def test_the_javascript_sdk(tmp_path: Path) -> None:
    with running(tmp_path / "data") as aws:
        done = subprocess.run(
            ["node", "aws.mjs"],
            cwd=JS,
            env={"PATH": os.environ["PATH"], **aws.environ},
            capture_output=True,
            text=True,
            timeout=110,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("ok\n")
