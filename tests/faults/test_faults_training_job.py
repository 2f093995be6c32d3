"""Every request to the training-job API fails once, in every way, and commands are killed at any
moment: one job and one model afterwards, or after giving the command once more.

The suite runs a sample; all of it: ``CICD_FAULTS=all pytest -m slow tests/faults``.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import forked
from tests.emulator.emulator_client import wait_for
from tests.emulator.training_job.training_job_client import Service, emulator
from tests.faults.faults_matrix import TIMEOUT
from tests.faults.faults_world import is_one_clear_failure
from tests.faults.training_job_world import (
    KINDS,
    UNANSWERED,
    Project,
    Target,
    is_done_once,
    make,
    targets,
)
from tests.sampling import IS_ALL

PATIENT = [kind for kind in KINDS if kind != "too slow"]
LOOKS = 4
Make = Callable[[], Project]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with emulator(tmp_path_factory.mktemp("training_job") / "data") as found:
        found.s3()
        yield found


@pytest.fixture
def made(
    service: Service,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Make]:
    """Makes a new project each time."""
    for name, value in {**service.variables, "NO_PROXY": "*"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    yield lambda: make(tmp_path, service, capsys)
    service.world.faults.clear()


def asked(project: Project) -> list[Target]:
    """The requests of an apply that nothing disturbs."""
    project.service.world.faults.forget_requests()
    result = project.apply()
    requests = project.service.world.faults.requests()
    assert result.code == 0 and not is_done_once(project), result.text
    return targets(requests)


def weathered(project: Project, rules: list[dict[str, Any]], timeout: float | None = None) -> str:
    """What is wrong after an apply with these faults, and others where it fails, is done; empty
    where nothing is."""
    for rule in rules:
        project.service.fault(**rule)
    told = ""
    for _ in range(len(rules) + 1):
        result = project.apply(timeout)
        told += f"\n{result.code}: {result.text}"
        if not result.code:
            break
        if result.code not in {1, 4, 6} or not is_one_clear_failure(result):
            return f"ended badly: {told}"
    fired = [state.show()["fired"] for state in project.service.world.faults.states()]
    project.service.world.faults.clear()
    if len(rules) == 1 and fired == [0] and rules[0]["method"] != "GET":
        return f"was never asked: {told}"  # how often it looks is another number each time
    wrong = "did not come to its end" if result.code else is_done_once(project)
    return f"{wrong}: {told}" if wrong else ""


@TIMEOUT
@pytest.mark.parametrize("first", range(len(PATIENT)) if IS_ALL else [0, 2])
def test_the_first_request_of_every_sort_fails(made: Make, first: int) -> None:
    """One fault for each sort of request, each in another way, in one apply."""
    sorts = sorted({(one.method, one.path) for one in asked(made())})
    rules = [
        Target(*sort).rule(KINDS[PATIENT[(first + n) % len(PATIENT)]])
        for n, sort in enumerate(sorts)
    ]
    assert len(rules) >= 12
    wrong = weathered(made(), rules)
    assert not wrong, wrong


@TIMEOUT
@pytest.mark.parametrize("kind", KINDS if IS_ALL else ["too slow"])
def test_each_request_fails_once(made: Make, kind: str) -> None:
    """But for looks at how a job is doing, of which there are many alike."""
    found = [one for one in asked(made()) if one.nth < LOOKS]
    chosen = found if IS_ALL else found[4::12]
    timeout = UNANSWERED if kind == "too slow" else None
    wrong = [
        f"{target}: {problem}"
        for target in chosen
        if (problem := weathered(made(), [target.rule(KINDS[kind])], timeout))
    ]
    assert not wrong, "\n".join(wrong)


# what is being asked when the command is killed, and whether it takes effect before or after
MOMENTS = [
    ("PUT", "/data/cicd/locks/p*", "slow-after"),
    ("PUT", "/data/datasets/*", "slow"),
    ("PUT", "/data/jobs/*/train.py", "slow-after"),
    ("PUT", "/data/jobs/*/t.csv", "slow"),
    ("PUT", "/data/cicd/p*/jobs/train/*", "slow"),
    ("PUT", "/data/cicd/p*/jobs/train/*", "slow-after"),
    ("POST", "*/jobs/*", "slow"),
    ("POST", "*/jobs/*", "slow-after"),
    ("GET", "/data/jobs/*/saved_model/b", "slow"),
    ("DELETE", "/data/cicd/locks/p*", "slow"),
]


@TIMEOUT
@pytest.mark.parametrize(("method", "path", "when"), MOMENTS if IS_ALL else MOMENTS[2::3])
def test_an_apply_is_killed_and_given_again(
    made: Make, service: Service, method: str, path: str, when: str
) -> None:
    """What was on its way when it was killed may arrive while the next one is at work."""
    project = made()
    environ = {**os.environ, **service.variables}
    arguments = ("apply", "dev", "--yes")
    service.fault(method=method, path=path, times=1, **{when: 1})
    process = forked.Started(arguments, project.folder, environ)
    [rule] = service.world.faults.states()
    wait_for(lambda: rule.show()["fired"], bool, seconds=60, gap=0.02)
    process.kill()
    process.stdout.close()
    assert process.wait(60) == -signal.SIGKILL
    again = forked.run(arguments, cwd=project.folder, env=environ, timeout=100)
    assert again.returncode == 0, again.stdout + again.stderr
    wait_for(lambda: is_done_once(project), lambda wrong: not wrong, seconds=10, gap=0.2)
    third = forked.run(arguments, cwd=project.folder, env=environ, timeout=100)
    assert "No changes" in third.stdout, third.stdout + third.stderr
    assert not is_done_once(project)


HOUR = 3600


@pytest.mark.parametrize("skew", [-HOUR, HOUR])
def test_the_clock_of_the_service_is_another(made: Make, service: Service, skew: int) -> None:
    project = made()
    service.fault(skew=skew)
    first, second = project.apply(), project.apply()
    assert (first.code, second.code) == (0, 0), first.text + second.text
    assert "accuracy=0.75" in first.text and "No changes" in second.text
    assert not is_done_once(project)


@pytest.mark.parametrize("leap", [-HOUR, 24 * HOUR])
def test_the_clock_of_this_machine_leaps_while_a_job_runs(made: Make, leap: int) -> None:
    project, now = made(), time.time
    calls = iter(range(10**9))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "time", lambda: now() + leap * (next(calls) % 2))
        result = project.apply()
    assert result.code == 0, result.text
    assert not is_done_once(project)


def test_attempts_within_one_second_stay_in_their_order(made: Make, service: Service) -> None:
    """The newest says how the job has ended, also where both began at one time."""
    project = made()
    assert project.apply().code == 0
    again = project.cicd("apply", "dev", "--yes", "--rerun", "job/train")
    assert again.code == 0, again.text
    assert "No changes" in project.apply().text
    assert project.left()["jobs"] == ["SUCCESSFUL"] * 2
    assert project.left()["model"].keys() == {"saved_model/a", "saved_model/b"}
