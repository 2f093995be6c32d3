"""A plan that failed is told where the last good one stood: why, since when, in the one comment."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest

from cicd.forges.drift import sync_drift_issue
from cicd.forges.github import Client
from cicd.forges.outputs import plan_notes, step_outputs, step_summary
from cicd.forges.sticky import write_comment
from cicd.render.failure import render_failure
from cicd.render.markdown import escape
from cicd.render.sections import LIMIT, compose, parse
from tests.acceptance.conftest import Project, make_project
from tests.forges.github_server import NOT_ACCESSIBLE, TOKEN, GitHub, Reply
from tests.forges.plan_documents import RUN, big, plan, typical
from tests.forges.test_github_command import Step, step_in
from tests.forges.test_github_outputs import pull_request

EVIL = "`</details><!-- cicd:good -->\n<!-- /cicd:stage dev -->@all ##[x] | [a](https://x.y)"


def failed(stage: str = "dev", message: str = "no login", **more: Any) -> dict[str, Any]:
    failure = {"exit_code": 4, "message": message, "problems": more.pop("problems", [])}
    return {
        **plan(stage),
        "commit": "f" * 40,
        "created_at": "2026-02-02T00:00:00Z",
        "failure": failure,
        **more,
    }


def test_the_last_good_plan_is_folded_and_comes_back(github: GitHub, client: Client) -> None:
    write_comment(client, 7, [typical(), typical("tst")], run_url=RUN)
    good = parse(*github.bodies())
    write_comment(client, 7, [failed()], run_url=f"{RUN}1")
    [body] = github.bodies()
    found = parse(body)
    assert "dev plan failed" in body.splitlines()[1]
    assert "no login" in found["dev"].text
    assert "Failing since 2026" in found["dev"].text
    assert found["dev"].good == good["dev"].text
    assert "<details><summary>Last good plan of commit 0123456789ab: 1 to create" in body
    assert found["tst"] == good["tst"]
    write_comment(client, 7, [typical()], run_url=RUN)
    assert parse(*github.bodies()) == good


def test_a_refused_plan_is_shown_with_the_last_good_one_folded(
    github: GitHub, client: Client
) -> None:
    write_comment(client, 7, [typical()], run_url=RUN)
    good = parse(*github.bodies())["dev"].text
    refused = {**typical(), "refusal": "11 deletes are over limits.max_delete 10"}
    for commit in "ab":
        write_comment(client, 7, [{**refused, "commit": commit * 40}], run_url=f"{RUN}{commit}")
    [body] = github.bodies()
    section = parse(body)["dev"]
    assert "dev refused" in body.splitlines()[1]
    assert "max_delete 10" in section.text.replace("\\", "")
    assert "destination/OLD" in section.text.partition("Last good plan")[0]
    assert section.facts["failed"]["since_commit"] == "a" * 12
    assert section.good == good
    write_comment(client, 7, [failed()], run_url=RUN)
    assert parse(*github.bodies())["dev"].good == good
    sync_drift_issue(client, "dev", refused)
    assert [issue["state"] for issue in github.issues] == ["open"]


def test_since_when_stays_while_it_goes_on_failing(github: GitHub, client: Client) -> None:
    write_comment(client, 7, [typical()], run_url=RUN)
    good = parse(*github.bodies())["dev"].text
    for number, commit in enumerate("abc"):
        document = failed(commit=commit * 40, created_at=f"2026-03-0{number + 1}T00:00:00Z")
        for _ in range(2):  # a re-run
            write_comment(client, 7, [document], run_url=f"{RUN}{number}")
    [body] = github.bodies()
    section = parse(body)["dev"]
    assert section.good == good
    assert section.facts["failed"]["since"] == "2026-03-01T00:00:00Z"
    assert section.facts["failed"]["since_commit"] == "a" * 12
    assert "<code>cccccccccccc</code>" in section.text
    assert body.count("Last good plan") == 1
    assert len(github.sent("PATCH .*")) == 3


def test_without_a_good_plan_nothing_is_folded(github: GitHub, client: Client) -> None:
    write_comment(client, 7, [failed()], run_url=RUN)
    assert "<details>" not in github.bodies()[0]
    write_comment(client, 7, [failed()], run_url=RUN)
    assert len(github.sent("PATCH .*")) == 0


def test_text_of_others_stays_text() -> None:
    problems = [{"file": f"stages/{EVIL}.yaml", "line": 1, "column": 2, "message": EVIL}]
    known = parse(compose({}, [typical()]))
    for document in (failed(message=EVIL), failed(problems=problems)):
        body = compose(known, [document])
        found = parse(body)
        assert list(found) == ["dev"]
        assert found["dev"].good == known["dev"].text
        assert "@all" not in body
        assert "](https://x.y" not in body
        assert body.count("<!-- cicd:good -->") == 1


@pytest.mark.parametrize("limit", [LIMIT, 6000, 2500, 900])
def test_it_is_short_enough(limit: int) -> None:
    findings = [
        {"file": "stages/dev.yaml", "line": n, "column": 1, "message": "wrong " * 80}
        for n in range(1, 400)
    ]
    known = parse(compose({}, [big(count=200), big("tst", count=200)]))
    body = compose(known, [failed(problems=findings)], run_url=RUN, limit=limit)
    assert len(body) <= limit
    assert "dev plan failed" in body


def test_a_failure_before_the_stage_is_known_is_that_of_all_that_is_shown() -> None:
    known = parse(compose({}, [typical("dev"), {**typical("dev"), "project": "churn"}]))
    found = parse(compose(known, [failed("*", project="churn")]))
    assert found["dev"] == known["dev"]
    assert found["churn/dev"].facts["failed"]
    alone = parse(compose({}, [failed("*")]))
    assert list(alone) == ["*"]
    assert list(parse(compose(alone, [typical("dev")]))) == ["dev"]


def test_summary_outputs_notes_and_issue(github: GitHub, client: Client) -> None:
    problem = {"file": "stages/dev.yaml", "line": 3, "column": 5, "message": "odd", "rule": "r"}
    document = failed(problems=[problem], project="churn")
    assert "plan failed" in step_summary([document])
    assert step_outputs([document])["has_changes"] == "false"
    assert [str(note) for note in plan_notes([document], {})] == ["churn/stages/dev.yaml:3:5: odd"]
    sync_drift_issue(client, "dev", typical())
    [issue] = github.issues
    assert issue["state"] == "open"


# through the command line


@pytest.fixture
def step(tmp_path: Path, github: GitHub) -> Step:
    (tmp_path / "project").mkdir()
    project = make_project(tmp_path / "project")
    project.write(
        "stages/dev.yaml",
        """\
        branch: main
        aicore: {resource_group: x-dev}
        artifacts: [{key: d, name: d, kind: dataset, url: "ai://x/x", scenario_id: s123}]
        """,
    )
    step = step_in(project, github, pull_request(7, "org/repo"))
    step.environ |= {"GITHUB_BASE_REF": "main", "GITHUB_EVENT_NAME": "pull_request"}
    planned(step, "--offline")
    assert step.comment("p.json").returncode == 0
    assert "d" in parse(github.bodies()[0])["dev"].text
    return step


def planned(step: Step, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    project = Project(step.root, {**step.environ, **env})
    return project.cicd("plan", "--out", "p.json", *arguments)


WRONG = ["kindd: dataset", "kind: [", "kind: data\x00set"]


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_file_is_told_with_its_findings(step: Step, github: GitHub, wrong: str) -> None:
    file = step.root / "stages/dev.yaml"
    file.write_text(file.read_text().replace("kind: dataset", wrong))
    assert planned(step, "--offline").returncode == 3
    done = step.comment("p.json")
    assert done.returncode == 0, done.stderr
    section = parse(github.bodies()[0])["dev"]
    assert section.facts["failed"]["exit_code"] == 3
    assert "stages/dev" in section.text
    assert section.good
    assert "::error file=stages/dev.yaml,line=" in done.stdout
    assert len(github.bodies()) == 1


def test_a_lost_login_is_told_without_the_login(step: Step, github: GitHub) -> None:
    secret = "canary-5d1f"
    env = {
        "AICORE_AUTH_URL": f"http://user:{secret}@127.0.0.1:9",
        "AICORE_BASE_URL": "http://127.0.0.1:9",
        "AICORE_CLIENT_ID": "me",
        "AICORE_CLIENT_SECRET": secret,
    }
    done = planned(step, **env)
    assert done.returncode == 4, done.stderr
    assert step.comment("p.json").returncode == 0
    assert parse(github.bodies()[0])["dev"].facts["failed"]["exit_code"] == 4
    assert secret not in (step.root / "p.json").read_text() + github.bodies()[0]


def test_what_planned_by_itself_tells_its_failure_and_ends_with_it(
    step: Step, github: GitHub
) -> None:
    (step.root / "stages/tst.yaml").write_text("branch: tst\nnonsense: 1\n")
    done = step.comment("--stage", "tst", "--stage", "dev", AICORE_CLIENT_ID="")
    assert done.returncode == 3, done.stderr
    found = parse(github.bodies()[0])
    assert {name: section.facts["failed"]["exit_code"] for name, section in found.items()} == {
        "dev": 4,
        "tst": 3,
    }


def test_a_reason_can_be_given_by_hand(step: Step, github: GitHub) -> None:
    assert step.comment("--failed", "the job ran out of time").returncode == 0
    assert "the job ran out of time" in parse(github.bodies()[0])["dev"].text
    assert step.comment("p.json", "--failed", "x").returncode == 64


def test_a_plan_that_is_stopped_leaves_no_older_one(step: Step) -> None:
    with socket.socket() as silent:  # takes the request and says nothing
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        env = {"AICORE_AUTH_URL": url, "AICORE_BASE_URL": url, "AICORE_CLIENT_ID": "a"}
        project = Project(step.root, {**step.environ, **env, "AICORE_CLIENT_SECRET": "b-c-d-e"})
        process = project.start("plan", "--out", "p.json")
        with silent.accept()[0]:
            process.send_signal(signal.SIGTERM)
            output, _ = process.communicate(timeout=60)
    assert process.returncode == 130, output
    assert json.loads((step.root / "p.json").read_text())["failure"]["exit_code"] == 130


def test_a_failure_cannot_be_applied(step: Step) -> None:
    (step.root / "p.json").write_text(json.dumps(failed()))
    done = Project(step.root, step.environ).cicd("apply", "--plan", "p.json")
    assert done.returncode == 5
    assert "holds no plan, as planning failed: no login" in done.stderr


def test_a_fork_reads_why_in_the_summary(step: Step, github: GitHub) -> None:
    (step.root / "stages/dev.yaml").write_text("nonsense: 1\n")
    github.fail("PATCH /repos/.*", Reply(403, NOT_ACCESSIBLE))
    planned(step, "dev", "--offline")
    done = step.comment("p.json")
    assert done.returncode == 0
    assert "plan failed" in step.summary
    assert TOKEN not in step.summary


def test_drift_that_nobody_could_look_for_changes_no_issue(step: Step, github: GitHub) -> None:
    step.comment(step.save("good.json", typical()), "--drift-issue")
    done = step.comment(step.save("bad.json", failed()), "--drift-issue")
    assert done.returncode == 0
    assert "nobody could look for drift" in done.stderr
    assert [issue["state"] for issue in github.issues] == ["open"]


@pytest.mark.parametrize("code", [1, 2, None])
@pytest.mark.parametrize(
    "reason", ["the runner ran out of disk.", "cancelled by a person", "a | b <!-- x -->"]
)
def test_a_reason_that_was_given_as_text_stands_in_the_sentence(
    code: int | None, reason: str
) -> None:
    document = failed(message=reason)
    document["failure"]["exit_code"] = code
    text = render_failure(document)
    assert text.count(escape(reason.rstrip("."))) == 1
    assert f"failed: {escape(reason.rstrip('.'))}.**" in text and "it failed" not in text
    [note] = plan_notes([document], {"dev": "stages/dev.yaml"})
    assert note.message == f"plan failed: {reason}"
