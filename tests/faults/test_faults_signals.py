"""SIGTERM and Ctrl-C at every phase: it ends, says how to go on, and the next apply repairs it."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from tests.acceptance.conftest import CICD, REPOSITORY
from tests.faults.faults_world import Faulty
from tests.sampling import IS_ALL

pytestmark = pytest.mark.slow
PATIENCE = 30
"""Seconds until a test gives up; nothing takes nearly as long."""
HANGS = 100.0
"""Seconds that a request hangs: a process that waits for its end is caught."""


@dataclass(frozen=True)
class Phase:
    """Where a command is when it is told to end: this request has been asked, and hangs."""

    operation: str
    rule: Mapping[str, Any]
    command: str = "apply"


PHASES = {
    "reading": Phase("model.list", {"slow": HANGS}),
    "before the first write": Phase("resource_group.create", {"slow": HANGS}),
    "writing": Phase("deployment.create", {"slow-after": HANGS}),
    "waiting for an answer": Phase("deployment.get", {"slow": HANGS}),
    "removing": Phase("deployment.delete", {"slow-after": HANGS}, "destroy"),
}


def started(faulty: Faulty, command: str, group: str) -> subprocess.Popen[str]:
    arguments = [command, "dev", "--auto-approve", "--force", "--var", f"group={group}"]
    return subprocess.Popen(
        [*CICD, *arguments],
        cwd=faulty.root,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def asked(faulty: Faulty) -> set[str]:
    return {str(request["operation"]) for request in faulty.emulator.requests()}


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.02)


def interrupted(faulty: Faulty, phase: Phase, group: str, *signals: int) -> tuple[int, str]:
    """Exit code and output of a command that got these signals in that phase."""
    with faulty.emulator.faults(operation=phase.operation, **phase.rule):
        faulty.emulator.forget_requests()
        process = started(faulty, phase.command, group)
        try:
            wait_until(
                lambda: any(
                    request["operation"] == phase.operation
                    for request in faulty.emulator.requests()
                )
            )
            for number in signals:
                process.send_signal(number)
                time.sleep(0.3)
            text, _ = process.communicate(timeout=PATIENCE)
        finally:
            process.kill()
            process.wait()
    return process.returncode, text


@pytest.mark.parametrize("phase", PHASES)
def test_ctrl_c_twice_ends_at_once(faulty: Faulty, phase: str) -> None:
    group = faulty.group()
    expected = faulty.group()
    assert faulty.apply(expected).code == 0
    if PHASES[phase].command == "destroy":
        assert faulty.apply(group).code == 0
    code, text = interrupted(faulty, PHASES[phase], group, signal.SIGINT, signal.SIGINT)
    assert code == 130, text
    assert "Traceback" not in text and "Exception ignored" not in text
    again = faulty.apply(group)
    assert again.code == 0, again.text
    assert faulty.state(group) == faulty.state(expected)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_signal_while_waiting_gives_the_lock_back(faulty: Faulty, number: int) -> None:
    group = faulty.group()
    code, text = interrupted(faulty, Phase("deployment.get", {"status": 503}), group, number)
    assert code == 130, text
    assert "give the same command again to follow it to the end" in text
    assert faulty.locks(group) == []
    again = faulty.apply(group)
    assert again.code == 0, again.text
    assert len(faulty.state(group)["deployments"]) == 1


@pytest.mark.parametrize(
    ("command", "operation"),
    [("apply", "deployment.list"), ("apply", "model.list"), ("destroy", "execution.list")],
)
def test_one_ctrl_c_is_not_kept_waiting_by_requests_that_hang(
    faulty: Faulty, command: str, operation: str
) -> None:
    group = faulty.group()
    assert faulty.apply(group).code == 0  # there is a group to be locked
    hangs = Phase(operation, {"slow": HANGS}, command)
    code, text = interrupted(faulty, hangs, group, signal.SIGINT)
    assert code == 130 and "interrupted" in text, text
    assert "Traceback" not in text and "Exception ignored" not in text
    assert faulty.locks(group) == []


WRITES = (
    "secret.create",
    "resource_group.create",
    "docker_registry_secret.create",
    "resource_group.update",
    "object_store_secret.create",
    "artifact.create",
    "configuration.create",
    "deployment.create",
    "destination.create",
    "secret.delete",
)
KILLS = [(operation, when) for operation in WRITES for when in ("slow", "slow-after")]
"""Killed before and after each of them takes effect; the suite has a sample (see the README)."""


@pytest.mark.parametrize(("operation", "when"), KILLS if IS_ALL else KILLS[3::12])
def test_kill_9_before_and_after_a_write(faulty: Faulty, operation: str, when: str) -> None:
    group, expected = faulty.group(), faulty.group()
    phase = Phase(operation, {when: HANGS, "after": int(operation == "secret.create")})
    code, text = interrupted(faulty, phase, group, signal.SIGKILL)
    assert code == -signal.SIGKILL, text
    again = faulty.apply(group)
    assert again.code == 0, again.text
    assert faulty.apply(expected).code == 0
    assert faulty.state(group) == faulty.state(expected)
