"""What the action calls for which inputs, with values that a shell would like to take apart."""

from __future__ import annotations

import pytest

from tests.acceptance.conftest import REPOSITORY
from tests.actions.action_runner import Done
from tests.actions.conftest import Recorder

WILD = [
    "a=two words",
    "b=$(touch pwned) `touch pwned`",
    "c='single' \"double\" \\ * ? ; | & > pwned #",
    "d=${HOME} ${{ github.token }} %0A::error::x",
    "e=",
]


def without_files(call: list[str]) -> list[str]:
    """The arguments without the names of the files that cicd shall write."""
    return [text for text in call if "/cicd." not in text]


def test_values_arrive_as_they_are(recorder: Recorder) -> None:
    runner = recorder.job()
    inputs = {
        "command": "plan",
        "stages": "dev\n\nstages/$(touch pwned) x.yaml\n--help",
        "variables": "\n".join(WILD) + "\n\n",
        "arguments": "--select\nexecution/*\r\n--rerun\n$(touch pwned)\n",
    }
    assert runner.run(REPOSITORY, inputs, skip=("install",)), runner.done
    variables = [text for value in WILD for text in ("--var", value)]
    further = ["--select", "execution/*", "--rerun", "$(touch pwned)", "--out"]
    stages = ["dev", "stages/$(touch pwned) x.yaml", "--help"]
    assert [without_files(call) for call in recorder.calls] == [
        ["plan", "--detailed-exitcode", *variables, *further, "--", stage] for stage in stages
    ]
    assert list(runner.workspace.iterdir()) == []


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ({"command": "validate"}, ["validate", "--output", "github", "--all"]),
        (
            {"command": "validate", "stages": "dev", "local": "true"},
            ["validate", "--output", "github", "--", "dev"],
        ),
        ({"command": "plan"}, ["plan", "--detailed-exitcode", "--out"]),
        (
            {"command": "plan", "offline": "true"},
            ["plan", "--detailed-exitcode", "--offline", "--out"],
        ),
        ({"command": "apply"}, ["apply", "--auto-approve", "--summary"]),
        (
            {"command": "apply", "plan": "a plan.json", "local": "true"},
            ["apply", "--local", "--plan", "a plan.json", "--summary"],
        ),
        ({"command": "drift"}, ["plan", "--drift", "--detailed-exitcode", "--out"]),
    ],
)
def test_command(recorder: Recorder, inputs: dict[str, str], expected: list[str]) -> None:
    runner = recorder.job()
    assert runner.run(REPOSITORY, inputs, skip=("install",)), runner.done
    assert [without_files(call) for call in recorder.calls] == [expected]


def test_unknown_command_is_refused(recorder: Recorder) -> None:
    runner = recorder.job()
    assert not runner.run(REPOSITORY, {"command": "destroy"}, skip=("install",))
    assert recorder.calls == []
    assert "validate, plan, apply or drift" in runner.text("Run cicd")


@pytest.mark.parametrize(
    ("command", "codes", "exit_code", "is_good", "calls"),
    [
        ("plan", {"dev": 0, "tst": 2}, "2", True, 2),
        ("plan", {"dev": 2, "tst": 5}, "5", False, 2),
        ("plan", {"dev": 3, "tst": 5}, "3", False, 2),
        ("drift", {"dev": 2}, "2", True, 2),
        ("drift", {"dev": 4}, "4", False, 2),
        ("apply", {"tst": 1}, "1", False, 2),
        ("apply", {"dev": 6}, "6", False, 1),
        ("apply", {"dev": 2}, "2", False, 1),
        ("validate", {"dev": 3}, "3", False, 2),
    ],
)
def test_exit_codes(
    recorder: Recorder,
    command: str,
    codes: dict[str, int],
    exit_code: str,
    is_good: bool,
    calls: int,
) -> None:
    runner = recorder.job(codes)
    inputs = {"command": command, "stages": "dev\ntst"}
    assert runner.run(REPOSITORY, inputs, skip=("install",)) is is_good
    assert runner.outputs(REPOSITORY)["exit_code"] == exit_code
    assert len([call for call in recorder.calls if call[0] != "comment"]) == calls
    assert ("::error" in runner.text("Result")) is not is_good
    uploads = [done for done in runner.done if done.name.startswith("Upload")]
    assert len(uploads) == (command != "validate")


def test_drift_of_another_branch(recorder: Recorder) -> None:
    runner = recorder.job()
    inputs = {"command": "drift", "stages": "tst", "branch": "tst"}
    assert runner.run(REPOSITORY, inputs, skip=("install",))
    assert recorder.branches == ["tst"]


@pytest.mark.parametrize(
    "event", ["pull_request", "pull_request_review", "pull_request_review_comment"]
)
@pytest.mark.parametrize("actor", ["someone", "dependabot[bot]"])
def test_pull_request_of_this_repository(recorder: Recorder, event: str, actor: str) -> None:
    runner = recorder.job(event_name=event)
    runner.environ["GITHUB_ACTOR"] = actor
    assert runner.run(REPOSITORY, {}, skip=("install",))
    assert ("--offline" in recorder.calls[0]) is (actor == "dependabot[bot]")


def test_nothing_is_set_up_or_uploaded_unless_wanted(recorder: Recorder) -> None:
    runner = recorder.job()
    inputs = {"python-version": "", "artifact-name": ""}
    assert runner.run(REPOSITORY, inputs, skip=("install",))
    assert [done for done in runner.done if done.inputs] == []
    assert Done("Result") in runner.done
