"""A promotion as a pull or merge request of each forge: made once, found again, kept up to date."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cicd.automation.loading import Loader
from cicd.automation.promotion import connect
from cicd.cli import root
from cicd.errors import Denied, PlatformError
from cicd.forges.pulls import LIMITS, check_rights, compose, sync_pull_request
from cicd.masking import Mask
from cicd.render.dialect import AZURE, DIALECTS
from tests.forges import azure_server, gitlab_server
from tests.forges.forge_server import DROP, Reply
from tests.forges.github_server import GitHub
from tests.forges.test_github_pulls import ARGUMENTS, branches, project
from tests.forges.worlds import World, world_of

__all__ = ["project"]
CREATES = {
    "github": "POST .*/pulls",
    "gitlab": "POST .*/merge_requests",
    "azure": "POST .*/pullrequests",
}
EDITS = {
    "github": "PATCH .*/pulls/.*",
    "gitlab": "PUT .*/merge_requests/.*",
    "azure": "PATCH .*/pullRequests/.*",
}


@pytest.fixture(params=CREATES)
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    with world_of(request.param) as world:
        yield world


def name_of(world: World) -> str:
    return world.forge.dialect.name


def sync(world: World, title: str = "t", body: str = "b", base: str = "prd") -> str:
    forge: Any = world.forge
    return sync_pull_request(forge, branch="carry", base=base, title=title, body=body)


def proposed(world: World) -> list[tuple[str, str, str]]:
    forge: Any = world.forge
    return [(one.title, one.text, one.base) for one in forge.proposals("carry")]


def test_a_change_is_proposed_once_and_its_text_kept_up_to_date(world: World) -> None:
    long = "line\n" * 300  # more than a list of Azure shows
    url = sync(world, body=long)
    assert url.startswith(world.server.url)
    assert sync(world, body=long) == url
    assert not world.server.sent(EDITS[name_of(world)])
    assert sync(world, title="other", body="new", base="main") == url
    assert proposed(world) == [("other", "new", "main")]
    assert len(world.server.sent(CREATES[name_of(world)])) == 1


@pytest.mark.parametrize("fault", [Reply(drop=True, done=True), Reply(502, done=True), DROP])
def test_a_lost_answer_is_looked_for_and_makes_no_second_change(world: World, fault: Reply) -> None:
    world.server.fail(CREATES[name_of(world)], fault)
    assert sync(world)
    assert proposed(world) == [("t", "b", "prd")]


@pytest.mark.parametrize("status", [401, 403])
def test_a_token_that_may_not_propose_is_told_what_it_needs(world: World, status: int) -> None:
    pattern = CREATES[name_of(world)]
    refusal = Reply(status, {"message": "no"})
    world.server.fail(pattern, refusal)
    with pytest.raises(Denied) as told:
        sync(world)
    assert told.value.hint
    assert world.token not in f"{told.value}{told.value.hint}"


def test_the_project_that_a_token_cannot_see_is_told(world: World) -> None:
    forge: Any = world.forge
    check_rights(forge)
    world.server.fail("GET .*", Reply(404, {"message": "404 Not Found"}))
    with pytest.raises(Denied, match="cannot see"):
        check_rights(forge)


@pytest.mark.parametrize(
    ("more", "may"),
    [
        ({"permissions": {"project_access": {"access_level": 20}, "group_access": None}}, False),
        ({"permissions": {"project_access": None, "group_access": {"access_level": 40}}}, True),
        ({"permissions": {"project_access": None, "group_access": None}}, True),
        ({"can_create_merge_request_in": False}, False),
    ],
)
def test_gitlab_tells_by_the_role_whether_a_token_may_push(more: dict[str, Any], may: bool) -> None:
    with world_of("gitlab") as world:
        assert isinstance(world.server, gitlab_server.GitLab)
        world.server.project |= more
        forge: Any = world.forge
        assert forge.may_push() is may


def test_another_runs_change_is_found_when_two_propose_at_once() -> None:
    with world_of("gitlab") as world:
        forge: Any = world.forge
        forge.add_proposal("carry", "prd", "t", "b")
        world.server.fail("GET .*/merge_requests", Reply(200, []))
        assert sync(world)
        assert len(proposed(world)) == 1


@pytest.mark.parametrize("name", DIALECTS)
def test_the_text_of_a_change_is_of_the_forges_dialect_and_short_enough(name: str) -> None:
    dialect = DIALECTS[name]
    changes = ["/close @all a → <b>!7"] * 500
    for diff in ("+line ü\n" * 50_000, "`" * 3_000 + "\n"):
        body = compose("dev", "/merge", changes, diff, dialect=dialect)
        assert len(body) <= LIMITS.get(name, dialect.limit)
        assert "<b>" not in body and "@all" not in body
        assert not [line for line in body.replace("\r", "").splitlines() if line.startswith("/")]


def test_azure_refuses_a_text_that_our_limit_would_not_have_cut() -> None:
    with world_of("azure") as world:
        with pytest.raises(PlatformError, match="4000"):
            sync(world, body="x" * (LIMITS[AZURE.name] + 1))
        assert sync(world, body="x" * LIMITS[AZURE.name])


GITLAB_RUN = {
    "GITLAB_CI": "true",
    "CI_PROJECT_PATH": gitlab_server.PROJECT,
    "CICD_GITLAB_TOKEN": gitlab_server.TOKEN,
}
AZURE_RUN = {
    "TF_BUILD": "True",
    "BUILD_REPOSITORY_PROVIDER": "TfsGit",
    "SYSTEM_TEAMPROJECT": azure_server.PROJECT,
    "SYSTEM_TEAMPROJECTID": azure_server.PROJECT,
    "BUILD_REPOSITORY_ID": azure_server.REPOSITORY,
    "SYSTEM_ACCESSTOKEN": azure_server.TOKEN,
}


@pytest.mark.parametrize("name", ["gitlab", "azure"])
def test_promote_proposes_where_the_repository_is(
    project: Path,
    github: GitHub,
    name: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for variable in ("GITHUB_TOKEN", "GITHUB_REPOSITORY", "GITHUB_API_URL", "GITHUB_ACTIONS"):
        monkeypatch.delenv(variable, raising=False)
    with world_of(name) as world:
        api = {
            "gitlab": {"CI_API_V4_URL": f"{world.server.url}/api/v4"},
            "azure": {"SYSTEM_COLLECTIONURI": f"{world.server.url}/org/"},
        }
        settings = {"gitlab": GITLAB_RUN, "azure": AZURE_RUN}[name] | api[name]
        for variable, value in settings.items():
            monkeypatch.setenv(variable, value)
        assert root.execute(ARGUMENTS) == 0
        assert "pull request: " + world.server.url in capsys.readouterr().out
        [branch] = branches(project).keys() - {"main", "prd"}
        forge: Any = world.forge
        [made] = forge.proposals(branch)
        assert (made.title.replace("\u200b", ""), made.base) == (
            "Promote dev to prd: 1 change",
            "prd",
        )
        assert '-      parameter_bindings: {epochs: "5"}' in made.text
        assert root.execute(ARGUMENTS) == 0
        assert len(world.server.sent(CREATES[name])) == 1
        token = {"gitlab": "CICD_GITLAB_TOKEN", "azure": "SYSTEM_ACCESSTOKEN"}[name]
        monkeypatch.delenv(token)
        capsys.readouterr()
        assert root.execute(ARGUMENTS) == 4
        assert token in capsys.readouterr().err
    assert not github.requests


def test_a_token_of_a_gitlab_job_is_refused_before_anything_is_pushed(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for variable in ("GITHUB_TOKEN", "GITHUB_REPOSITORY", "GITHUB_API_URL", "GITHUB_ACTIONS"):
        monkeypatch.delenv(variable, raising=False)
    with world_of("gitlab") as world:
        job = {"CI_JOB_TOKEN": gitlab_server.JOB_TOKEN, "CICD_GITLAB_TOKEN": ""}
        api = {"CI_API_V4_URL": f"{world.server.url}/api/v4"}
        for variable, value in (GITLAB_RUN | api | job).items():
            monkeypatch.setenv(variable, value)
        there = branches(project)
        assert root.execute(ARGUMENTS) == 4
        assert "the role Developer and the scope api" in capsys.readouterr().err
        assert branches(project) == there


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("git@gitlab.com:group/churn.git", "GitLab"),
        ("https://gitlab.example.com/a/b/c.git", "GitLab"),
        ("https://org@dev.azure.com/org/ML/_git/churn", "Azure DevOps"),
    ],
)
def test_at_a_terminal_the_remote_tells_where_to_propose(
    tmp_path: Path, url: str, name: str
) -> None:
    for arguments in (["init", "-q"], ["remote", "add", "origin", url]):
        subprocess.run(["git", *arguments], cwd=tmp_path, check=True)
    environ = {"PATH": os.environ["PATH"], "GITHUB_TOKEN": "other"}
    with pytest.raises(Denied, match=f"no token for {name}"):
        connect(Loader(tmp_path, environ, Mask()), tmp_path)
    tokens = {"CICD_GITLAB_TOKEN": "t", "SYSTEM_ACCESSTOKEN": "t"}
    forge = connect(Loader(tmp_path, environ | tokens, Mask()), tmp_path)
    assert forge.name == name
    forge.close()
