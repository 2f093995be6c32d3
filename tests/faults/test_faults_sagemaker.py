"""Every request of an apply, a change and a destroy fails once, in every way: one run for one
change, one model and one configuration of one content, and all is as no trouble leaves it.

The suite runs a sample; all of it: ``CICD_FAULTS=all pytest -m slow tests/faults``.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests import forked
from tests.emulator.emulator_client import wait_for
from tests.emulator.sagemaker.aws import Aws, running
from tests.faults.faults_matrix import TIMEOUT
from tests.faults.faults_world import Result, is_one_clear_failure
from tests.faults.sagemaker_world import (
    BUCKET,
    KINDS,
    LASTING,
    ROW,
    UNANSWERED,
    Project,
    Target,
    make,
    targets,
)
from tests.sampling import IS_ALL

PATIENT = [kind for kind in KINDS if kind != "too slow"]
LOOKS = 3
"""So many of the requests that are alike fail; how often it looks is another number each time."""
WRITES = frozenset(
    f"sagemaker.{verb}{noun}"
    for verb in ("Create", "Update", "Delete")
    for noun in ("TrainingJob", "Model", "EndpointConfig", "Endpoint")
)
PIECES = tuple(KINDS) if IS_ALL else ("too slow",)
Make = Callable[[], Project]


@dataclass(frozen=True)
class Deed:
    """A command, with the word of its stage, after others."""

    word: str
    name: str = "apply"
    past: tuple[str, ...] = ()

    @property
    def command(self) -> tuple[str, ...]:
        more = ("--stage-name", "dev") if self.name == "destroy" else ()
        return (self.name, "dev", "--yes", *more)

    def do(self, project: Project, timeout: float | None = None) -> Result:
        project.write(self.word)
        return project.cicd(*self.command, timeout=timeout)


DEEDS = {
    "apply": Deed("hello"),
    "change": Deed("bye", past=("apply",)),
    "destroy": Deed("bye", "destroy", past=("apply", "change")),
}


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    with running(tmp_path_factory.mktemp("sagemaker") / "data") as found:
        place = {"LocationConstraint": "eu-central-1"}
        found.client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration=place)
        yield found


@pytest.fixture
def made(
    aws: Aws,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Make]:
    """Makes a new project each time."""
    for name, value in {**aws.environ, "NO_PROXY": "*"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    found: list[Project] = []

    def new() -> Project:
        aws.world.faults.clear()
        # two are held against each other
        while len(found) > 1:
            found.pop(0).end()
        found.append(make(tmp_path, aws, capsys))
        return found[-1]

    yield new
    aws.world.faults.clear()
    for project in found:
        project.end()


def ready(project: Project, deed: Deed) -> Project:
    """A project in which the deed can be done."""
    for name in deed.past:
        result = DEEDS[name].do(project)
        assert result.code == 0, result.text
    return project


def undisturbed(made: Make, deed: Deed) -> tuple[list[Target], Mapping[str, Any]]:
    """The requests of a deed that nothing disturbs, and what it leaves."""
    project = ready(made(), deed)
    project.aws.world.faults.forget_requests()
    result = deed.do(project)
    found = targets(project.aws.world.faults.requests())
    assert result.code == 0, result.text
    return found, project.left()


def weathered(
    project: Project,
    deed: Deed,
    rules: Sequence[Mapping[str, Any]],
    expected: Mapping[str, Any],
    timeout: float | None = None,
) -> str:
    """What is wrong after a deed with these faults, done again where it fails; empty where nothing
    is."""
    project.fault(*rules)
    told = ""
    for _ in range(len(rules) + 1):
        result = deed.do(project, timeout)
        told += f"\n{result.code}: {result.text}"
        if not result.code:
            break
        if result.code not in {1, 4, 6} or not is_one_clear_failure(result):
            return f"ended badly: {told}"
    fired = [state.show()["fired"] for state in project.aws.world.faults.states()]
    project.aws.world.faults.clear()
    if len(rules) == 1 and fired == [0] and rules[0]["operation"] in WRITES:
        return f"was never asked: {told}"
    if result.code:
        return f"did not come to its end: {told}"
    left = project.left()
    return "" if left == expected else f"left {left} in place of {expected}: {told}"


def tried(
    project: Project,
    deed: Deed,
    target: Target,
    kind: str,
    expected: Mapping[str, Any],
    timeout: float | None = None,
    times: int = 1,
) -> str:
    """What is wrong after a deed with this fault at that request; empty where nothing is."""
    rules = [target.rule(KINDS[kind], times)]
    return weathered(project, deed, rules, expected, timeout)


@TIMEOUT
@pytest.mark.parametrize("first", range(len(PATIENT)) if IS_ALL else [5])
def test_the_first_request_of_every_sort_fails(made: Make, first: int) -> None:
    """One fault for each sort of request, each in another way, in each deed of one life."""
    calm, rough = made(), made()
    for number, deed in enumerate(DEEDS.values()):
        calm.aws.world.faults.forget_requests()
        assert deed.do(calm).code == 0
        sorts = sorted({one.operation for one in targets(calm.aws.world.faults.requests())})
        assert len(sorts) >= 12
        rules = [
            Target(sort).rule(KINDS[PATIENT[(first + n + number * 4) % len(PATIENT)]])
            for n, sort in enumerate(sorts)
        ]
        wrong = weathered(rough, deed, rules, calm.left())
        assert not wrong, wrong


@TIMEOUT
@pytest.mark.parametrize("kind", PIECES)
@pytest.mark.parametrize("name", DEEDS if IS_ALL else ["change"])
def test_each_request_fails_once(made: Make, name: str, kind: str) -> None:
    """But for looks at how something is doing, of which there are many alike."""
    deed = DEEDS[name]
    found, expected = undisturbed(made, deed)
    chosen = [one for one in found if one.nth < LOOKS]
    timeout = UNANSWERED if kind == "too slow" else None
    wrong = [
        f"{target}: {problem}"
        for target in (chosen if IS_ALL else chosen[3::20])
        if (problem := tried(ready(made(), deed), deed, target, kind, expected, timeout))
    ]
    assert not wrong, "\n".join(wrong)


@TIMEOUT
@pytest.mark.parametrize("kind", LASTING if IS_ALL else LASTING[3:4])
@pytest.mark.parametrize("name", DEEDS if IS_ALL else ["apply"])
def test_a_request_fails_until_nobody_asks_again(made: Make, name: str, kind: str) -> None:
    """So often in a row that boto3 gives up, and the command takes care of it, or ends clearly."""
    deed = DEEDS[name]
    found, expected = undisturbed(made, deed)
    firsts = [one for one in found if not one.nth]
    wrong = [
        f"{target}: {problem}"
        for target in (firsts if IS_ALL else [t for t in firsts if t.operation in WRITES])
        if (problem := tried(ready(made(), deed), deed, target, kind, expected, None, ROW))
    ]
    assert not wrong, "\n".join(wrong)


# AWS's words, at which operation, and with what the command ends that it is then given
REFUSALS = [
    ("s3.put", 403, "AccessDenied", "Access Denied", 4),
    ("ListModels", 400, "AccessDeniedException", "is not authorized to perform: x", 4),
    ("ListTrainingJobs", 400, "ExpiredTokenException", "The security token has expired", 4),
    ("DescribeEndpoint", 403, "UnrecognizedClientException", "The token is invalid", 4),
    ("CreateTrainingJob", 400, "AccessDeniedException", "iam:PassRole on resource: role/ml", 4),
    ("CreateTrainingJob", 400, "ResourceLimitExceeded", "The account-level service limit is 0", 1),
    ("CreateTrainingJob", 400, "ValidationException", "No S3 objects found under S3 URL", 1),
    ("CreateModel", 400, "ValidationException", "Could not access model data at s3://b", 1),
    ("CreateModel", 400, "AccessDeniedException", "not authorized to perform: sagemaker:x", 4),
    ("CreateEndpointConfig", 400, "ValidationException", "1 validation error detected: x", 1),
    ("CreateEndpoint", 400, "ResourceLimitExceeded", "for endpoint usage' is 0 Instances", 1),
    ("CreateEndpoint", 400, "ExpiredTokenException", "The security token has expired", 4),
]


def test_what_aws_refuses_ends_with_its_words_and_nothing_is_made_twice(made: Make) -> None:
    """Each apply comes one step further than the one before."""
    project, deed = made(), DEEDS["apply"]
    for operation, status, code, message, wanted in REFUSALS:
        told = {"status": status, "code": code, "message": message}
        project.fault({"operation": f"sagemaker.{operation}", **told})
        result = deed.do(project)
        assert (result.code, message in result.text) == (wanted, True), (code, result.text)
        assert is_one_clear_failure(result), result.text
        project.aws.world.faults.clear()
    assert project.left()["jobs"] == ["Completed"], project.left()
    assert deed.do(project).code == 0
    assert_is_once(project, "hello")


def assert_is_once(project: Project, *words: str) -> None:
    """One run, one model and one configuration for each word, and the last one answers."""
    left, contents = project.left(), project.contents()
    many = len(words)
    assert left == {
        "jobs": ["Completed"] * many,
        "models": many,
        "configs": many,
        "endpoints": ["InService"],
        "answer": words[-1],
        "locks": [],
    }
    assert len({*contents}) == 2 * many, contents


AN_HOUR = 3600
MOMENT = 0.3
"""Seconds, of which each counts a hundred times for who is hastened."""


def test_what_no_list_shows_yet_is_not_made_again(made: Make) -> None:
    project, words = made(), []
    for deed in (DEEDS["apply"], DEEDS["change"]):
        words.append(deed.word)
        assert deed.do(project).code == 0
        project.fault({"operation": "sagemaker.List*", "stale": AN_HOUR})
        again = deed.do(project)
        project.aws.world.faults.clear()
        assert again.code == 0, again.text
        assert_is_once(project, *words)
        project.grow_old(2 * AN_HOUR)


@pytest.mark.parametrize(
    "operation", ["*", "List*", "Describe*", "Update*", "Create*"] if IS_ALL else ["*"]
)
def test_what_was_made_just_now_is_known_to_aws_a_moment_later(made: Make, operation: str) -> None:
    project = made()
    project.fault({"operation": f"sagemaker.{operation}", "stale": MOMENT})
    first = DEEDS["apply"].do(project)
    second = DEEDS["change"].do(project)
    project.aws.world.faults.clear()
    assert (first.code, second.code) == (0, 0), first.text + second.text
    assert_is_once(project, "hello", "bye")


LATE = {
    "had its effect": {"slow-after": 1},
    "has its effect later": {"slow": 1},
    "never arrived": {"slow": 1, "status": 503},
}
"""What becomes of the request with which a command is killed."""
MOMENTS = [
    ("apply", "s3.put", 0),  # the lock
    ("apply", "s3.put", 1),  # the source
    ("apply", "s3.put", 2),  # what the run is made of
    ("apply", "CreateTrainingJob", 0),
    ("apply", "DescribeTrainingJob", 0),
    ("apply", "CreateModel", 0),
    ("apply", "CreateEndpointConfig", 0),
    ("apply", "CreateEndpoint", 0),
    ("apply", "DescribeEndpoint", 1),
    ("apply", "InvokeEndpoint", 0),
    ("apply", "s3.delete", 0),
    ("change", "CreateTrainingJob", 0),
    ("change", "CreateModel", 0),
    ("change", "CreateEndpointConfig", 0),
    ("change", "UpdateEndpoint", 0),
    ("destroy", "DeleteEndpoint", 0),
    ("destroy", "DeleteEndpointConfig", 1),
    ("destroy", "DeleteModel", 0),
    ("destroy", "DeleteTrainingJob", 1),
]
KILLED = [(*moment, when) for moment in MOMENTS for when in LATE]
SOME = [KILLED[9], KILLED[46]]


@TIMEOUT
@pytest.mark.parametrize(("name", "operation", "nth", "when"), KILLED if IS_ALL else SOME)
def test_a_command_is_killed_and_given_again(
    made: Make, name: str, operation: str, nth: int, when: str
) -> None:
    """What was on its way when it was killed may arrive while the next one is at work."""
    deed = DEEDS[name]
    project = ready(made(), deed)
    project.write(deed.word)
    project.fault(Target(f"sagemaker.{operation}", nth).rule(LATE[when]))
    [rule] = project.aws.world.faults.states()
    process = forked.Started(deed.command, project.folder, dict(os.environ))
    wait_for(lambda: rule.show()["fired"], bool, seconds=60, gap=0.02)
    process.kill()
    process.stdout.close()
    assert process.wait(60) == -signal.SIGKILL
    again, third = deed.do(project), deed.do(project)
    assert (again.code, third.code) == (0, 0), again.text + third.text
    if name != "destroy":
        assert_is_once(project, *(["hello", "bye"] if deed.past else ["hello"]))
        return
    left = project.left()
    assert not any(left.values()), f"{left}: {again.text}{third.text}"
