"""An apply that waits for an approval, by each means of its own: refused with where it is given,
given there or by ``cicd approve``, and gone through."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from tests.acceptance.operations_world import STAGE, World
from tests.forges import azure_server, github_server
from tests.forges.azure_server import Azure
from tests.forges.github_server import TOKEN, GitHub
from tests.lifecycle import jira_server
from tests.lifecycle.jira_server import ALICE, BOT, Jira, User
from tests.lifecycle.jira_world import login

SERVE = STAGE.partition("artifacts:")[0] + "deployments:" + STAGE.partition("deployments:")[2]
SERVE = SERVE.replace("    destination_name: SERVE\n", "")
APPLY = ("apply", "dev", "--yes")
EVIL = "[x](https://evil.example) @org/team <img src=x>\n/close\n::error::x ##[add-mask]x"
"""What somebody may call themselves, or write into a ticket."""


@pytest.fixture
def jira() -> Iterator[Jira]:
    with jira_server.running("cloud") as server:
        yield server


@pytest.fixture
def github() -> Iterator[GitHub]:
    with github_server.running() as server:
        yield server


def approved_by(world: World, means: str) -> None:
    """A stage with a service that waits for an approval by these means."""
    world.stage(f"{SERVE}lifecycle:\n  approval: {means}\n")


def log_in(monkeypatch: pytest.MonkeyPatch, jira: Jira, user: User) -> None:
    for name, value in login(jira, user).items():
        monkeypatch.setenv(name, value)


def test_a_ticket_is_asked_for_moved_and_the_apply_goes_through(
    world: World, jira: Jira, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_in(monkeypatch, jira, BOT)
    approved_by(world, f'{{jira: {{url: "{jira.url}", project: ML, approved: [Done]}}}}')
    said = world.cicd("plan", "dev")
    assert said.code == 0, said.all
    assert not jira.issues  # a plan changes nothing anywhere
    said = world.cicd(*APPLY)
    assert said.code == 5, said.all
    [key] = jira.keys()
    assert f"{jira.url}/browse/{key}" in said.all
    assert "whoever may move it to Done may approve it" in said.all
    assert world.number("deployments") == 0
    assert "deployment/serve" in str(jira.issue(key)["comments"])

    # rejected with a reason, withdrawn, given by cicd itself
    jira.say(key, f"accuracy is too low {EVIL}", ALICE)
    jira.move(key, "Rejected", ALICE)
    jira.issue(key)["changes"][-1]["author"]["displayName"] = f"Alice {EVIL}"
    said = world.cicd(*APPLY)
    assert said.code == 5 and "accuracy is too low" in said.all, said.all
    assert not [line for line in said.all.splitlines() if "##[" in line or line[:2] == "::"]
    comment = world.cicd("plan", "dev", "--output", "markdown").out
    assert "accuracy is too low" in comment
    for markup in ("](https://evil", "@org/team", "\n/close", "<img"):
        assert markup not in comment
    jira.move(key, "In Review", ALICE)
    jira.move(key, "Done", ALICE)
    assert "approved by Alice" in world.cicd("plan", "dev").out
    jira.move(key, "In Review", ALICE)
    said = world.cicd(*APPLY)
    assert said.code == 5 and "the approval of Alice was withdrawn" in said.all, said.all
    said = world.cicd("approve", "dev", "--yes")
    assert said.code == 5 and f"Cicd-Bot asks with {key}, and cannot approve it" in said.all
    log_in(monkeypatch, jira, ALICE)
    said = world.cicd("approve", "dev", "--yes", "--reason", "checked by hand")
    assert said.code == 0 and "approved by Alice" in said.out, said.all
    assert jira.status(key) == "Done"
    assert "checked by hand" in str(jira.issue(key)["comments"])

    log_in(monkeypatch, jira, BOT)
    assert f"logged in at {jira.url} as Cicd-Bot" in world.cicd("doctor", "dev").out
    said = world.cicd(*APPLY)
    assert said.code == 0, said.all
    assert world.number("deployments") == 1
    assert len(jira.issues) == 1
    said = world.cicd(*APPLY)
    assert said.code == 0 and len(jira.issues) == 1  # nothing waits, so nobody is asked


def test_a_ticket_that_cannot_be_read_lets_nothing_through(
    world: World, jira: Jira, monkeypatch: pytest.MonkeyPatch
) -> None:
    approved_by(world, f'{{jira: {{url: "{jira.url}", project: ML}}}}')
    said = world.cicd(*APPLY)
    assert said.code == 4 and "JIRA_TOKEN is not set" in said.all, said.all
    assert "JIRA_TOKEN is not set" in world.cicd("doctor", "dev").out
    log_in(monkeypatch, jira, User("cicd-bot", "tok-canary-wrong"))
    said = world.cicd(*APPLY)
    assert said.code == 4 and "check user and token" in said.all, said.all
    said = world.cicd("plan", "dev")
    assert said.code == 0 and "it cannot be read: Jira answers 401" in said.all, said.all
    assert world.number("deployments") == 0


def head_of(world: World) -> str:
    words = ["git", "rev-parse", "HEAD"]
    told = subprocess.run(words, cwd=world.folder, capture_output=True, text=True, check=True)
    return told.stdout.strip()


def at_terminal(monkeypatch: pytest.MonkeyPatch, github: GitHub, login: str) -> None:
    """Somebody at a terminal, in a checkout of the repository."""
    for name in ("GITHUB_ACTIONS", "GITHUB_RUN_ID", "GITHUB_EVENT_NAME", "GITHUB_REF"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GITHUB_API_URL", f"{github.url}/api/v3")
    monkeypatch.setenv("GITHUB_REPOSITORY", "org/repo")
    github.users[f"tok-{login}"] = login
    monkeypatch.setenv("GITHUB_TOKEN", f"tok-{login}")


def in_run(monkeypatch: pytest.MonkeyPatch, github: GitHub, commit: str) -> None:
    """A job of a run that a push has started."""
    at_terminal(monkeypatch, github, "nobody")
    told = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_EVENT_NAME": "push",
        "GITHUB_REF": "refs/heads/main",
        "GITHUB_SHA": commit,
        "GITHUB_RUN_ID": "77",
        "GITHUB_TOKEN": TOKEN,
    }
    for name, value in told.items():
        monkeypatch.setenv(name, value)


def test_a_run_that_the_environment_let_go_on_goes_through(
    world: World, github: GitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    approved_by(world, "{github: {environment: prd}}")
    commit = head_of(world)
    in_run(monkeypatch, github, commit)
    github.approvals[77] = []  # an administrator went past the reviewers
    said = world.cicd(*APPLY)
    assert said.code == 5 and "nobody has reviewed this run" in said.all, said.all
    assert "https://github.com/org/repo/actions/runs/77" in said.all
    assert world.number("deployments") == 0

    at_terminal(monkeypatch, github, "alice")
    github.runs = [{"id": 77, "head_sha": commit, "status": "waiting"}]
    github.pending = {77: [{"id": 3, "name": "prd"}]}
    said = world.cicd("approve", "dev", "--yes")
    assert said.code == 0 and "approved by alice" in said.out, said.all

    in_run(monkeypatch, github, commit)
    said = world.cicd(*APPLY)
    assert said.code == 0, said.all
    assert world.number("deployments") == 1


def test_a_pull_request_that_was_reviewed_goes_through(
    world: World, github: GitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    approved_by(world, "{pull_request: {reviewers: [alice]}}")
    commit = head_of(world)
    in_run(monkeypatch, github, commit)
    said = world.cicd(*APPLY)
    assert said.code == 5 and "came with no pull request" in said.all, said.all
    merged: dict[str, Any] = {"merged_at": "2026-11-30T11:00:00Z", "state": "closed"}
    pull = github.add_pull("feature", "main", commit, **merged)
    github.comments[pull["number"]] = []
    said = world.cicd(*APPLY)
    assert said.code == 5 and pull["html_url"] in said.all, said.all
    assert "alice may approve it" in said.all
    at_terminal(monkeypatch, github, "alice")
    said = world.cicd("approve", "dev", "--yes", "--reject", "--reason", "no model card")
    assert said.code == 0 and "rejected by alice" in said.out, said.all
    in_run(monkeypatch, github, commit)
    said = world.cicd(*APPLY)
    assert said.code == 5 and "no model card" in said.all, said.all
    at_terminal(monkeypatch, github, "alice")
    assert world.cicd("approve", "dev", "--yes").code == 0
    in_run(monkeypatch, github, commit)
    said = world.cicd(*APPLY)
    assert said.code == 0, said.all
    assert world.number("deployments") == 1


@pytest.fixture
def azure() -> Iterator[Azure]:
    with azure_server.running() as server:
        yield server


def test_a_check_of_azure_lets_a_run_go_on(
    world: World, azure: Azure, monkeypatch: pytest.MonkeyPatch
) -> None:
    approved_by(world, "{azure: {environment: prd}}")
    commit = head_of(world)
    terminal = {
        "CICD_FORGE": "azure",
        "SYSTEM_COLLECTIONURI": f"{azure.url}/org/",
        "SYSTEM_TEAMPROJECT": azure_server.PROJECT,
        "BUILD_REPOSITORY_NAME": azure_server.REPOSITORY,
        "SYSTEM_ACCESSTOKEN": azure_server.TOKEN,
    }
    run = {
        "TF_BUILD": "True",
        "BUILD_REPOSITORY_PROVIDER": "TfsGit",
        "BUILD_SOURCEBRANCH": "refs/heads/main",
        "BUILD_SOURCEVERSION": commit,
        "BUILD_REASON": "IndividualCI",
        "BUILD_BUILDID": "42",
    }
    for name, value in {**terminal, **run}.items():
        monkeypatch.setenv(name, value)
    said = world.cicd(*APPLY)
    assert said.code == 5 and "nobody has reviewed this run" in said.all, said.all
    azure.timelines[42] = [
        {"id": "s", "type": "Stage", "identifier": "prd", "parentId": None},
        {"id": "c", "type": "Checkpoint", "parentId": "s"},
        {"id": "a", "type": "Checkpoint.Approval", "parentId": "c"},
    ]
    azure.approvals.append({"id": "a", "status": "pending", "steps": []})
    azure.builds = [{"id": 42, "sourceVersion": commit}]
    for name in run:
        monkeypatch.delenv(name)
    said = world.cicd("approve", "dev", "--yes")
    assert said.code == 0 and "approved by alice@example.com" in said.out, said.all
    for name, value in run.items():
        monkeypatch.setenv(name, value)
    said = world.cicd(*APPLY)
    assert said.code == 0, said.all
    assert world.number("deployments") == 1
