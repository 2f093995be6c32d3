"""What a command must not import: nothing heavy where it is not needed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROGRAM = """
import contextlib, io, json, sys

from cicd.cli.root import execute

found = {}
for arguments in (["--version"], ["--help"], ["validate", "dev"], ["plan", "dev", "--offline"]):
    with contextlib.redirect_stdout(io.StringIO()):
        assert execute(list(arguments)) == 0, arguments
    found[arguments[0]] = sorted({name for name in sys.modules})
print(json.dumps(found))
"""
NEVER = {
    "ai_core_sdk",
    "ai_api_client_sdk",
    "boto3",
    "botocore",
    "starlette",
    "uvicorn",
    "deepdiff",
}
NEVER |= {"matplotlib", "numpy", "requests", "urllib3", "sqlite3", "asyncio", "rich.live"}
NEVER |= {"rich.markdown", "rich.syntax", "rich.progress", "cicd.emulator", "cicd.platforms"}
AT_ALL = {"msgspec", "yaml", "rich", "cicd.config", "jsonschema", "structlog"}
"""What not even help or the version need."""


def test_heavy_libraries_are_left_alone(tmp_path: Path) -> None:
    for folder in ("templates", "stages"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = {command: set(names) for command, names in json.loads(done.stdout).items()}
    assert not found["validate"] & NEVER
    assert not found["plan"] & (NEVER - {"cicd.platforms"})
    assert not (found["--version"] | found["--help"]) & (NEVER | AT_ALL)
