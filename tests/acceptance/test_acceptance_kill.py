"""``kill -9`` at any moment, then apply again: as if nothing had happened."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest

from tests.acceptance.conftest import Project

pytestmark = pytest.mark.slow

APPLY = ("apply", "dev", "--local", "--auto-approve")
ONE_OF_EACH = {
    "artifacts": 1,
    "configurations": 2,
    "executions": 1,
    "deployments": 1,
}
# what the apply says right before it is killed
MOMENTS = [
    "resource_group/small-dev │ creating",
    "application/small │ creating",
    "application/small │ applied",
    "configuration/train │ creating",
    "execution/train │ running",
    "execution/train │ training on",
    "execution/train │ applied",
    "configuration/serve │ creating",
    "deployment/serve │ creating",
    "destination/SMALL │ creating",
]


def kill_when(project: Project, moment: str) -> None:
    process = project.start(*APPLY)
    assert process.stdout
    lines = []
    for line in process.stdout:
        lines.append(line)
        if moment in line:
            process.kill()
            break
    process.wait(60)
    process.stdout.close()
    assert process.returncode == -signal.SIGKILL, f"never said {moment!r}:\n" + "".join(lines)


def check_end_state(project: Project) -> None:
    result = project.cicd(*APPLY)
    assert result.returncode == 0, result.stdout + result.stderr
    objects = project.objects("small-dev")
    assert {kind: len(items) for kind, items in objects.items()} == ONE_OF_EACH
    assert json.loads(objects["executions"][0])[1] == "COMPLETED"
    assert json.loads(objects["deployments"][0])[1] == "RUNNING"
    assert "No changes" in project.cicd("plan", "dev", "--local").stdout


@pytest.mark.parametrize("moment", MOMENTS)
def test_apply_killed(small: Project, moment: str) -> None:
    kill_when(small, moment)
    check_end_state(small)


@pytest.mark.parametrize(
    "moment",
    [
        "application/small │ creating",
        "execution/train │ training on",
        "deployment/serve │ creating",
    ],
)
def test_emulator_killed(small: Project, moment: str) -> None:
    """The emulator goes down under a running apply; what ran is taken up again."""
    small.edit("src/train.py", "    sys.exit(1)\n", "    sys.exit(1)\nimport time; time.sleep(1)\n")
    process = small.start(*APPLY)
    assert process.stdout
    pid, lines = None, []
    for line in process.stdout:
        lines.append(line)
        if moment in line:
            pid = json.loads(
                (small.root / ".cicd" / "emulator" / "endpoint.json").read_text(encoding="utf-8")
            )["pid"]
            os.kill(pid, signal.SIGKILL)
            break
    assert pid, f"never said {moment!r}:\n" + "".join(lines)
    process.kill()
    process.wait(60)
    process.stdout.close()
    wait_until_gone(pid)
    check_end_state(small)


def wait_until_gone(pid: int) -> None:
    for _ in range(200):
        if not Path(f"/proc/{pid}").exists():
            return
        time.sleep(0.05)
    # a zombie of another parent counts as gone: it holds no port and no file
