"""What a step leaves behind, and what it is told."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from pathlib import Path

import pytest

from cicd.errors import Problem, Remark, Usage
from cicd.forges.detect import in_repository, read_run, usable
from cicd.forges.outputs import (
    MAX_NOTES,
    SUMMARY_LIMIT,
    output_lines,
    plan_notes,
    step_outputs,
    step_summary,
)
from cicd.forges.run import GITHUB_API, Run
from tests.forges.plan_documents import big, change, plan, typical


def read_outputs(text: str) -> dict[str, str]:
    """GITHUB_OUTPUT as the runner reads it."""
    found = {}
    lines = iter(text.splitlines())
    for line in lines:
        name, delimiter = line.split("<<")
        value: list[str] = []
        for inner in lines:
            if inner == delimiter:
                break
            value.append(inner)
        found[name] = "\n".join(value)
    return found


def test_outputs_of_one_plan() -> None:
    assert step_outputs([typical()], ["plan.json"]) == {
        "has_changes": "true",
        **dict.fromkeys(("create", "update", "replace", "run", "delete", "no_op"), "1"),
        "fingerprint": "f" * 64,
        "plan_path": "plan.json",
    }


def test_outputs_of_several_plans_are_summed() -> None:
    quiet = plan("prd", change("artifact/houses", "no_op"))
    outputs = step_outputs([quiet, typical()], ["a.json", "b.json"])
    assert (outputs["has_changes"], outputs["no_op"]) == ("true", "2")
    assert outputs["plan_path"] == "a.json\nb.json"
    assert step_outputs([quiet])["has_changes"] == "false"


def test_no_value_can_set_another_output() -> None:
    evil = {"plan_path": "x\nEOF\nhas_changes=false\ncicd_1\nhas_changes<<y\nfalse\ny"}
    text = output_lines(evil)
    assert read_outputs(text) == evil
    assert text != output_lines(evil)
    assert read_outputs(output_lines({"a": "", "b": "1"})) == {"a": "", "b": "1"}


def test_the_summary_has_every_plan_whole() -> None:
    text = step_summary([typical("dev"), big("tst", 1000)])
    assert text.count("artifact/data") == 1000
    assert "left out" not in text
    assert text.endswith("\n")


def test_the_summary_is_cut_at_whole_plans() -> None:
    plans = [big("dev", 3000), big("tst", 3000), typical("prd")]
    room = len(step_summary(plans[:1]).encode())
    text = step_summary(plans, used=SUMMARY_LIMIT - room - 6000)
    assert len(text.encode()) < room + 6000
    assert text.startswith(step_summary(plans[:1]).rstrip())
    assert step_summary([typical()], used=SUMMARY_LIMIT - 100).startswith("_Too long")


def test_a_huge_plan_is_shortened() -> None:
    text = step_summary([big("dev", 20_000)])
    assert len(text.encode()) <= SUMMARY_LIMIT
    assert "20000 to create" in text and "left out" in text


def test_notes_are_grouped_beyond_what_github_shows() -> None:
    files = {"dev": "stages/dev.yaml"}
    few = plan_notes([plan("dev", warnings=("a", "b")), plan("tst", warnings=("c",))], files)
    assert [(note.file, note.message) for note in few] == [
        ("stages/dev.yaml", "a"),
        ("stages/dev.yaml", "b"),
        (".github", "c"),
    ]
    known = Problem("stages/base.yaml", 14, 7, "configuration/chat: it retires", "retiring")
    placed = {**plan("dev", warnings=(Remark.of(known),)), "problems": [asdict(known)]}
    assert [str(note) for note in plan_notes([placed], files)] == [
        "stages/base.yaml:14:7: warning: configuration/chat: it retires"
    ]
    alike = plan("dev", warnings=("stages/base.yaml:14:7: is said by a model",))
    assert [note.file for note in plan_notes([alike], files)] == ["stages/dev.yaml"]
    refused = {**plan("dev", warnings=("a",)), "refusal": "too many deletes"}
    assert [note.severity for note in plan_notes([refused], files)] == ["error", "warning"]
    many = plan_notes([plan("dev", warnings=tuple(map(str, range(25))))], files)
    assert len(many) == MAX_NOTES
    assert many[-1].message == "and 16 more warnings, see the summary"


def event_file(folder: Path, event: object) -> dict[str, str]:
    file = folder / "event.json"
    file.write_text(json.dumps(event), encoding="utf-8")
    return {"GITHUB_EVENT_PATH": str(file)}


def pull_request(number: int, head: object, base: str = "org/repo") -> dict[str, object]:
    return {
        "pull_request": {
            "number": number,
            "head": {"repo": head if head is None else {"full_name": head}},
            "base": {"repo": {"full_name": base}},
        }
    }


@pytest.mark.parametrize(
    ("event", "number", "is_fork"),
    [
        (pull_request(7, "org/repo"), 7, False),
        (pull_request(7, "mallory/repo"), 7, True),
        (pull_request(7, None), 7, True),
        ({"issue": {"number": 8, "pull_request": {}}}, 8, False),
        ({"issue": {"number": 8}}, None, False),
        ({"ref": "refs/heads/main"}, None, False),
        ([], None, False),
    ],
)
def test_the_pull_request_of_an_event(
    tmp_path: Path, event: object, number: int | None, is_fork: bool
) -> None:
    run = read_run(event_file(tmp_path, event))
    assert (run.number, run.is_fork) == (number, is_fork)


def test_options_go_first_and_the_ref_last(tmp_path: Path) -> None:
    environ = event_file(tmp_path, pull_request(7, "org/repo")) | {"GITHUB_REPOSITORY": "org/repo"}
    run = in_repository(read_run(environ), "a/b", 9)
    assert (run.repository, run.number) == ("a/b", 9)
    assert in_repository(read_run(environ), "a/b", None).number is None
    assert in_repository(read_run(environ), "org/repo", None).number == 7
    assert read_run({"GITHUB_REF": "refs/pull/12/merge"}).number == 12
    assert read_run({"GITHUB_EVENT_PATH": str(tmp_path / "no")}).number is None


def test_a_whole_environment() -> None:
    run = read_run(
        {
            "GITHUB_ACTIONS": "true",
            "GITHUB_API_URL": "https://git.example.com/api/v3/",
            "GITHUB_SERVER_URL": "https://git.example.com",
            "GITHUB_REPOSITORY": "org/repo",
            "GITHUB_RUN_ID": "42",
            "GH_TOKEN": " abc\n",
        }
    )
    assert run.url == "https://git.example.com/org/repo/actions/runs/42"
    assert run.api_url == "https://git.example.com/api/v3"
    assert run.token and run.token.reveal() == "abc"
    assert run.ci == "github"
    assert read_run({}) == Run(api_url=GITHUB_API)


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"GITHUB_REPOSITORY": "../x/y"}, "is not a GitHub repository"),
        ({"GITHUB_API_URL": "ftp://x"}, "is not a URL"),
        ({"GITHUB_TOKEN": "canary\nX: y"}, "GITHUB_TOKEN is not a token"),
        ({"GITHUB_TOKEN": "canaryä"}, "GITHUB_TOKEN is not a token"),
    ],
)
def test_unusable_values(environ: dict[str, str], words: str) -> None:
    with pytest.raises(Usage, match=re.escape(words)) as caught:
        usable(read_run(environ), environ)
    assert "canary" not in str(caught.value)
