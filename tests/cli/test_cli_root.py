"""The edges of the command line: streams that are closed or full, readers that go, JSON events."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from cicd.cli import root
from tests.acceptance.conftest import CICD, Project


def shell(project: Project, script: str) -> subprocess.CompletedProcess[str]:
    """Run a shell line in the project; ``$C`` is cicd."""
    command = " ".join(CICD)
    return subprocess.run(
        ["bash", "-c", script.replace("$C", command)],
        cwd=project.root,
        env=project.environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        stdin=subprocess.DEVNULL,
    )


def test_closed_streams_are_no_bug(small: Project) -> None:
    assert shell(small, "$C validate dev >&-").returncode == 0
    assert shell(small, "$C plan nosuch 2>&-").returncode == 3


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_behind_standard_output_is_said(small: Project) -> None:
    result = shell(small, "$C schema >/dev/full")
    assert result.returncode == 1
    assert result.stderr == "error: cannot write: No space left on device (free some space)\n"


def test_a_reader_that_goes_is_no_failure(small: Project) -> None:
    result = shell(small, "$C schema | head -1; echo ${PIPESTATUS[0]}")
    assert result.stdout.splitlines()[-1] in {"0", "141"}
    result = shell(small, "$C schema | true; echo ${PIPESTATUS[0]}")
    assert result.stdout == "141\n"
    assert result.stderr == ""


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("plan", "nosuch"), 3),
        (("plan", "--nosuch"), 64),
        (("plan", "dev"), 4),
        (("apply", "dev", "--local"), 5),
    ],
)
def test_every_line_of_standard_error_is_json_when_asked_for(
    small: Project, arguments: tuple[str, ...], code: int
) -> None:
    result = small.cicd(*arguments, "--log-format", "json", env={"GITHUB_ACTIONS": "true"})
    assert result.returncode == code
    events = [json.loads(line) for line in result.stderr.splitlines()]
    assert events[-1]["level"] == "error"
    assert events[-1]["exit_code"] == code


def test_no_arguments_show_the_help() -> None:
    result = subprocess.run(CICD, capture_output=True, text=True, check=False, timeout=60)
    assert result.returncode == 64
    assert "Every day:" in result.stdout + result.stderr


def test_a_file_that_is_no_plan(small: Project) -> None:
    small.write("bad.json", '{"schema_version": 1}')
    result = small.cicd("apply", "--plan", "bad.json", "--local")
    assert result.returncode == 3
    assert "bad.json: not a plan" in result.stderr


def test_a_summary_that_cannot_be_written_is_said_before_anything_is_sent(small: Project) -> None:
    result = small.cicd(
        "apply", "dev", "--local", "--auto-approve", "--summary", "nowhere/summary.json"
    )
    assert result.returncode == 1
    assert "nowhere" in result.stderr
    assert not small.has_emulator


def test_values_of_variables_are_not_reported() -> None:
    given = ["apply", "dev", "--var", "a=b=c", "--var=x=y", "--summary", "k=v.json"]
    shown = ["apply", "dev", "--var", "a=***", "--var=x=***", "--summary", "k=v.json"]
    assert root.hide_values(given) == shown
