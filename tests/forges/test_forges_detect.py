"""Which CI system runs and which forge holds the repository: every row of what they tell."""

from __future__ import annotations

import json
import re
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cicd.automation.git import check_merged, read_facts, stage_of_branch
from cicd.automation.holder import make_holder
from cicd.errors import CicdError, Refused, Usage
from cicd.forges.addresses import address_of
from cicd.forges.detect import in_repository, read_run, usable
from cicd.forges.opening import open_forge
from cicd.render.sections import compose, parse
from tests.forges.plan_documents import plan

SHA, HEAD = "5" * 40, "a" * 40
GITHUB = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_API_URL": "https://github.tools.sap/api/v3",
    "GITHUB_SERVER_URL": "https://github.tools.sap",
    "GITHUB_REPOSITORY": "org/repo",
    "GITHUB_RUN_ID": "42",
    "GITHUB_ACTOR": "alice",
    "GITHUB_SHA": SHA,
    "GITHUB_TOKEN": "ghs_canary",
}
GITHUB_PUSH = GITHUB | {
    "GITHUB_EVENT_NAME": "push",
    "GITHUB_REF": "refs/heads/prd",
    "GITHUB_REF_NAME": "prd",
}
GITHUB_CHANGE = GITHUB | {
    "GITHUB_EVENT_NAME": "pull_request",
    "GITHUB_REF": "refs/pull/7/merge",
    "GITHUB_BASE_REF": "prd",
    "GITHUB_HEAD_REF": "feature/x",
}
GITLAB = {
    "GITLAB_CI": "true",
    "CI_API_V4_URL": "https://gitlab.example.com:8443/git/api/v4",
    "CI_PROJECT_ID": "12",
    "CI_PROJECT_PATH": "group/sub/churn",
    "CI_COMMIT_SHA": SHA,
    "CI_COMMIT_REF_NAME": "prd",
    "CI_PIPELINE_ID": "42",
    "CI_PIPELINE_URL": "https://gitlab.example.com/p/-/pipelines/42",
    "CI_JOB_URL": "https://gitlab.example.com/p/-/jobs/9",
    "GITLAB_USER_LOGIN": "alice",
    "CI_JOB_TOKEN": "job-canary",
}
GITLAB_PUSH = GITLAB | {"CI_PIPELINE_SOURCE": "push", "CI_COMMIT_BRANCH": "prd"}
GITLAB_CHANGE = GITLAB | {
    "CI_PIPELINE_SOURCE": "merge_request_event",
    "CI_MERGE_REQUEST_EVENT_TYPE": "detached",
    "CI_MERGE_REQUEST_ID": "99001",
    "CI_MERGE_REQUEST_IID": "7",
    "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "prd",
    "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME": "feature/x",
    "CI_MERGE_REQUEST_PROJECT_ID": "12",
    "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "12",
    "CI_COMMIT_REF_NAME": "feature/x",
}
AZURE = {
    "TF_BUILD": "True",
    "BUILD_REPOSITORY_PROVIDER": "TfsGit",
    "BUILD_REPOSITORY_ID": "a0b1c2d3-0000-4000-8000-000000000001",
    "BUILD_REPOSITORY_NAME": "churn",
    "BUILD_REPOSITORY_URI": "https://org@dev.azure.com/org/ML%20Ops/_git/churn",
    "SYSTEM_COLLECTIONURI": "https://dev.azure.com/org/",
    "SYSTEM_TEAMPROJECT": "ML Ops",
    "SYSTEM_TEAMPROJECTID": "99999999-0000-4000-8000-000000000002",
    "BUILD_BUILDID": "42",
    "BUILD_SOURCEVERSION": SHA,
    "BUILD_REQUESTEDFOR": "Alice Example",
    "SYSTEM_ACCESSTOKEN": "canary",
}
AZURE_PUSH = AZURE | {
    "BUILD_REASON": "IndividualCI",
    "BUILD_SOURCEBRANCH": "refs/heads/release/prd",
    "BUILD_SOURCEBRANCHNAME": "prd",
}
AZURE_CHANGE = AZURE | {
    "BUILD_REASON": "PullRequest",
    "BUILD_SOURCEBRANCH": "refs/pull/7/merge",
    "SYSTEM_PULLREQUEST_TARGETBRANCH": "refs/heads/prd",
    "SYSTEM_PULLREQUEST_SOURCEBRANCH": "refs/heads/feature/x",
    "SYSTEM_PULLREQUEST_PULLREQUESTID": "7",
    "SYSTEM_PULLREQUEST_SOURCECOMMITID": HEAD,
    "SYSTEM_PULLREQUEST_ISFORK": "False",
}
AZURE_GITHUB = AZURE_CHANGE | {
    "BUILD_REPOSITORY_PROVIDER": "GitHub",
    "BUILD_REPOSITORY_ID": "org/repo",
    "BUILD_REPOSITORY_NAME": "org/repo",
    "BUILD_REPOSITORY_URI": "https://x@github.com/org/repo",
    "SYSTEM_PULLREQUEST_PULLREQUESTID": "123456789",
    "SYSTEM_PULLREQUEST_PULLREQUESTNUMBER": "7",
    "SYSTEM_PULLREQUEST_TARGETBRANCH": "prd",
    "SYSTEM_PULLREQUEST_SOURCEBRANCH": "feature/x",
    "GITHUB_TOKEN": "ghp_canary",
}
JENKINS = {
    "JENKINS_URL": "https://ci.example.com/",
    "BUILD_URL": "https://ci.example.com/job/churn/42/",
    "BUILD_ID": "42",
    "GIT_COMMIT": SHA,
    "GIT_URL": "https://github.tools.sap/org/repo.git",
    "GITHUB_TOKEN": "ghp_canary",
}
JENKINS_PUSH = JENKINS | {"BRANCH_NAME": "prd"}
JENKINS_CHANGE = JENKINS | {
    "BRANCH_NAME": "PR-7",
    "CHANGE_ID": "7",
    "CHANGE_TARGET": "prd",
    "CHANGE_BRANCH": "feature/x",
    "CHANGE_AUTHOR": "alice",
    "CHANGE_URL": "https://github.tools.sap/org/repo/pull/7",
}
TABLE: list[tuple[str, dict[str, str], dict[str, Any]]] = [
    ("GitHub, push", GITHUB_PUSH, {
        "ci": "github", "forge": "github", "api_url": "https://github.tools.sap/api/v3",
        "repository": "org/repo", "branch": "prd", "target": "", "number": None, "event": "push",
        "commit": SHA, "head": "", "actor": "alice", "mode": "apply", "stage_branch": "prd",
        "url": "https://github.tools.sap/org/repo/actions/runs/42", "id": "42"}),
    ("GitHub, pull request", GITHUB_CHANGE, {
        "branch": "feature/x", "target": "prd", "number": 7, "event": "pull_request",
        "mode": "plan", "stage_branch": "prd"}),
    ("GitHub, merge queue", GITHUB | {
        "GITHUB_EVENT_NAME": "merge_group",
        "GITHUB_REF": f"refs/heads/gh-readonly-queue/prd/pr-7-{SHA}", "GITHUB_BASE_REF": ""}, {
        "target": "prd", "number": None, "mode": "plan", "event": "merge_group"}),
    ("GitLab, push", GITLAB_PUSH, {
        "ci": "gitlab", "forge": "gitlab", "repository": "group/sub/churn", "branch": "prd",
        "api_url": "https://gitlab.example.com:8443/git/api/v4", "target": "", "number": None,
        "event": "push", "commit": SHA, "head": "", "is_fork": False, "actor": "alice",
        "url": "https://gitlab.example.com/p/-/jobs/9", "id": "42", "mode": "apply"}),
    ("GitLab, merge request", GITLAB_CHANGE, {
        "branch": "feature/x", "target": "prd", "number": 7, "event": "detached", "head": SHA,
        "is_fork": False, "mode": "plan", "stage_branch": "prd"}),
    ("GitLab, merged results", GITLAB_CHANGE | {
        "CI_MERGE_REQUEST_EVENT_TYPE": "merged_result", "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA": HEAD},
        {"head": HEAD, "commit": SHA, "number": 7, "event": "merged_result"}),
    ("GitLab, merge train", GITLAB_CHANGE | {"CI_MERGE_REQUEST_EVENT_TYPE": "merge_train"},
     {"number": None, "target": "prd", "mode": "plan", "event": "merge_train"}),
    ("GitLab, fork", GITLAB_CHANGE | {"CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "13"},
     {"is_fork": True, "number": 7}),
    ("GitLab, tag", GITLAB | {"CI_COMMIT_TAG": "v1", "CI_COMMIT_REF_NAME": "v1"},
     {"tag": "v1", "branch": "", "mode": "apply"}),
    ("GitLab, schedule", GITLAB_PUSH | {"CI_PIPELINE_SOURCE": "schedule"},
     {"branch": "prd", "event": "schedule", "mode": "apply"}),
    ("GitLab, branch with one merge request", GITLAB_PUSH | {
        "CI_OPEN_MERGE_REQUESTS": "group/sub/churn!7"}, {"number": 7, "mode": "apply"}),
    ("GitLab, branch with two", GITLAB_PUSH | {
        "CI_OPEN_MERGE_REQUESTS": "group/sub/churn!7,group/sub/churn!8"}, {"number": None}),
    ("GitLab, branch with one elsewhere", GITLAB_PUSH | {
        "CI_OPEN_MERGE_REQUESTS": "other/churn!7"}, {"number": None}),
    ("GitLab, a pull request of GitHub", GITLAB | {
        "CI_PIPELINE_SOURCE": "external_pull_request_event",
        "CI_EXTERNAL_PULL_REQUEST_IID": "7",
        "CI_EXTERNAL_PULL_REQUEST_SOURCE_REPOSITORY": "mallory/repo",
        "CI_EXTERNAL_PULL_REQUEST_TARGET_REPOSITORY": "org/repo",
        "CI_EXTERNAL_PULL_REQUEST_SOURCE_BRANCH_NAME": "feature/x",
        "CI_EXTERNAL_PULL_REQUEST_SOURCE_BRANCH_SHA": HEAD,
        "CI_EXTERNAL_PULL_REQUEST_TARGET_BRANCH_NAME": "prd"}, {
        "ci": "gitlab", "forge": "github", "repository": "org/repo", "number": 7, "head": HEAD,
        "target": "prd", "branch": "feature/x", "is_fork": True, "mode": "plan",
        "api_url": "https://api.github.com", "token": None}),
    ("Azure, push", AZURE_PUSH, {
        "ci": "azure", "forge": "azure", "api_url": "https://dev.azure.com/org/",
        "project": "99999999-0000-4000-8000-000000000002",
        "repository": "a0b1c2d3-0000-4000-8000-000000000001", "branch": "release/prd",
        "target": "", "number": None, "event": "IndividualCI", "commit": SHA, "head": "",
        "actor": "Alice Example", "id": "42", "mode": "apply",
        "url": "https://dev.azure.com/org/ML%20Ops/_build/results?buildId=42"}),
    ("Azure, pull request", AZURE_CHANGE, {
        "branch": "feature/x", "target": "prd", "number": 7, "event": "PullRequest", "head": HEAD,
        "is_fork": False, "mode": "plan"}),
    ("Azure, fork", AZURE_CHANGE | {"SYSTEM_PULLREQUEST_ISFORK": "True"}, {"is_fork": True}),
    ("Azure, by hand on a pull request", AZURE | {
        "BUILD_REASON": "Manual", "BUILD_SOURCEBRANCH": "refs/pull/7/merge"},
     {"mode": "plan", "number": 7, "target": "", "branch": ""}),
    ("Azure, tag", AZURE | {"BUILD_REASON": "IndividualCI", "BUILD_SOURCEBRANCH": "refs/tags/v1"},
     {"tag": "v1", "branch": "", "mode": "apply"}),
    ("Azure, schedule", AZURE_PUSH | {"BUILD_REASON": "Schedule"},
     {"branch": "release/prd", "event": "Schedule", "mode": "apply"}),
    ("Azure, without a mapped token", AZURE_PUSH | {"SYSTEM_ACCESSTOKEN": "$(System.AccessToken)"},
     {"token": None}),
    ("Azure Server", AZURE_PUSH | {"SYSTEM_COLLECTIONURI": "https://tfs.example.com/tfs/Main"},
     {"api_url": "https://tfs.example.com/tfs/Main/",
      "url": "https://tfs.example.com/tfs/Main/ML%20Ops/_build/results?buildId=42"}),
    ("Azure, a repository of GitHub", AZURE_GITHUB, {
        "ci": "azure", "forge": "github", "api_url": "https://api.github.com",
        "repository": "org/repo", "number": 7, "target": "prd", "branch": "feature/x"}),
    ("Azure, one of GitHub Enterprise", AZURE_GITHUB | {
        "BUILD_REPOSITORY_PROVIDER": "GitHubEnterprise",
        "BUILD_REPOSITORY_URI": "https://github.tools.sap/org/repo"},
     {"api_url": "https://github.tools.sap/api/v3", "forge": "github"}),
    ("Azure, of something else", AZURE_PUSH | {"BUILD_REPOSITORY_PROVIDER": "Bitbucket"},
     {"forge": "", "token": None, "branch": "release/prd"}),
    ("Jenkins, branch", JENKINS_PUSH, {
        "ci": "jenkins", "forge": "github", "api_url": "https://github.tools.sap/api/v3",
        "repository": "org/repo", "branch": "prd", "target": "", "number": None,
        "commit": SHA, "is_fork": False, "mode": "apply",
        "url": "https://ci.example.com/job/churn/42/"}),
    ("Jenkins, change", JENKINS_CHANGE, {
        "branch": "feature/x", "target": "prd", "number": 7, "actor": "alice", "mode": "plan"}),
    ("Jenkins, fork", JENKINS_CHANGE | {"CHANGE_FORK": "mallory"}, {"is_fork": True}),
    ("Jenkins, tag", JENKINS | {"TAG_NAME": "v1", "BRANCH_NAME": "v1"},
     {"tag": "v1", "branch": ""}),
    ("Jenkins, one branch", JENKINS | {"GIT_BRANCH": "origin/release/prd"},
     {"branch": "release/prd"}),
    ("Jenkins, detached", JENKINS | {"GIT_BRANCH": "detached"}, {"branch": ""}),
    ("Jenkins, a project of GitLab", JENKINS_CHANGE | {
        "CHANGE_URL": "https://git.example.com/group/sub/churn/-/merge_requests/7",
        "GITLAB_TOKEN": "canary"}, {
        "forge": "gitlab", "api_url": "https://git.example.com/api/v4",
        "repository": "group/sub/churn", "number": 7}),
    ("Jenkins, a GitLab below an address", JENKINS_CHANGE | {
        "CHANGE_URL": "https://git.example.com/code/group/churn/-/merge_requests/7",
        "CI_API_V4_URL": "https://git.example.com/code/api/v4"}, {
        "api_url": "https://git.example.com/code/api/v4", "repository": "group/churn"}),
    ("Jenkins, a repository of Azure", JENKINS_CHANGE | {
        "CHANGE_URL": "https://dev.azure.com/org/ML%20Ops/_git/churn/pullrequest/7"}, {
        "forge": "azure", "api_url": "https://dev.azure.com/org/", "project": "ML Ops",
        "repository": "churn", "number": 7}),
    ("Jenkins, of something else", JENKINS_PUSH | {"GIT_URL": "https://bitbucket.org/org/repo"},
     {"forge": "", "branch": "prd", "token": None}),
    ("Jenkins, of a host that tells nothing", JENKINS_PUSH | {
        "GIT_URL": "git@git.example.com:group/churn.git", "CICD_FORGE": "gitlab"}, {
        "forge": "gitlab", "repository": "group/churn",
        "api_url": "https://git.example.com/api/v4"}),
    ("nothing", {}, {"ci": "", "forge": "github", "mode": "apply", "branch": "", "url": ""}),
    ("somewhere else", {"CI_JOB_URL": "https://a:b@ci.example.com/1", "CICD_BRANCH": "prd"},
     {"ci": "", "branch": "prd", "url": "https://ci.example.com/1"}),
    ("the first system counts", GITHUB_PUSH | GITLAB_PUSH | AZURE_PUSH | JENKINS_PUSH,
     {"ci": "github", "branch": "prd", "forge": "github"}),
    ("a job of GitLab on a Jenkins", JENKINS_PUSH | GITLAB_PUSH, {"ci": "gitlab"}),
    ("another branch is meant", AZURE_PUSH | {"CICD_BRANCH": "refs/heads/tst"},
     {"branch": "tst", "stage_branch": "tst"}),
    ("another target is meant", GITLAB_CHANGE | {"CICD_BRANCH": "tst"},
     {"target": "tst", "branch": "feature/x", "stage_branch": "tst"}),
    ("another forge is meant", AZURE_CHANGE | {
        "CICD_FORGE": "GitHub", "GITHUB_REPOSITORY": "org/repo", "GITHUB_TOKEN": "x"}, {
        "ci": "azure", "forge": "github", "repository": "org/repo", "number": None,
        "target": "prd"}),
]  # fmt: skip


@pytest.mark.parametrize(("environ", "wanted"), [row[1:] for row in TABLE],
                         ids=[row[0] for row in TABLE])  # fmt: skip
def test_a_run_is_known_by_its_variables(environ: dict[str, str], wanted: dict[str, Any]) -> None:
    run = read_run(environ)
    assert {name: getattr(run, name) for name in wanted} == wanted
    assert "canary" not in repr(run)


@pytest.mark.parametrize(
    "environ",
    [
        JENKINS_CHANGE | {"BUILD_URL": "https://ci.example.com/job/x)@mallory [a](b`<c>\\/42/"},
        GITLAB_CHANGE | {"CI_JOB_URL": "https://u:p@gitlab.com/x)@mallory\n/close"},
        AZURE_CHANGE | {"SYSTEM_TEAMPROJECT": "x)@mallory", "BUILD_BUILDID": "1)\n/close"},
        GITHUB_CHANGE | {"GITHUB_REPOSITORY": "o/r)@mallory"},
        {"BUILD_URL": "https://ci.example.com/x)\u202e@mallory"},
    ],
)
def test_nothing_in_the_address_of_a_page_ends_a_link(environ: dict[str, str]) -> None:
    url = read_run(environ).url
    assert re.fullmatch(r"https://[^\s()<>\"\\`]+", url) and url.isascii(), url
    body = compose({}, [plan("prd")], run_url=url)
    assert list(parse(body)["prd"].facts) == ["summary", "commit", "fingerprint", "shown", "run"]
    assert read_run({"BUILD_URL": "javascript:alert(1)"}).url == ""


@pytest.mark.parametrize(
    ("environ", "token"),
    [
        (GITLAB_PUSH, "job-canary"),
        (GITLAB_PUSH | {"GITLAB_TOKEN": "project"}, "project"),
        (GITLAB_PUSH | {"GITLAB_TOKEN": "project", "CICD_GITLAB_TOKEN": "ours"}, "ours"),
        (AZURE_PUSH, "canary"),
        (AZURE_PUSH | {"SYSTEM_ACCESSTOKEN": "", "AZURE_DEVOPS_EXT_PAT": "pat"}, "pat"),
        (AZURE_GITHUB, "ghp_canary"),
        (JENKINS_PUSH, "ghp_canary"),
    ],
)
def test_the_token_is_that_of_the_forge(environ: dict[str, str], token: str) -> None:
    found = read_run(environ).token
    assert found and found.reveal() == token


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        (GITLAB_CHANGE | {"CI_API_V4_URL": "gitlab.example.com"}, "CI_API_V4_URL"),
        (GITLAB_CHANGE | {"CI_API_V4_URL": "https://[x"}, "CI_API_V4_URL"),
        (AZURE_CHANGE | {"SYSTEM_TEAMPROJECTID": "a\udc80"}, "is not the name of"),
        (GITLAB_CHANGE | {"CI_MERGE_REQUEST_IID": "seven"}, "CI_MERGE_REQUEST_IID is 'seven'"),
        (GITLAB_CHANGE | {"GITLAB_TOKEN": "a b"}, "GITLAB_TOKEN is not a token"),
        (AZURE_CHANGE | {"SYSTEM_COLLECTIONURI": "dev.azure.com/org"}, "SYSTEM_COLLECTIONURI"),
        (AZURE_CHANGE | {"SYSTEM_PULLREQUEST_PULLREQUESTID": "0"}, "is '0'"),
        (AZURE_PUSH | {"BUILD_REPOSITORY_PROVIDER": "Svn"}, "set CICD_FORGE to one of"),
        (JENKINS_PUSH | {"CICD_FORGE": "gitea"}, "'gitea' is no forge"),
        (JENKINS_PUSH | {"GIT_URL": "https://github.com/org"}, "which forge"),
    ],
)
def test_a_variable_that_is_wrong_or_missing_is_named(environ: dict[str, str], words: str) -> None:
    with pytest.raises(Usage) as caught:
        usable(read_run(environ), environ)
    assert words in str(caught.value)


def test_a_variable_of_another_system_is_nobodys_concern() -> None:
    for environ in (GITHUB_CHANGE, GITLAB_CHANGE, AZURE_CHANGE):
        more = environ | {"CHANGE_ID": "I8473b95934b5732ac55d26311a706c9c2bde9940"}
        assert usable(read_run(more), more).number == read_run(environ).number


def test_a_project_named_by_hand_has_its_own_changes() -> None:
    run = read_run(GITLAB_CHANGE)
    assert in_repository(run, "", None).number == 7
    assert in_repository(run, "group/sub/churn", None).number == 7
    assert in_repository(run, "other/churn", None).number is None


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("https://github.com/org/repo.git",
         ("github", "https://api.github.com", "", "org/repo")),
        ("git@github.tools.sap:org/repo.git",
         ("github", "https://github.tools.sap/api/v3", "", "org/repo")),
        ("https://git.example.com/org/repo/pull/7",
         ("github", "https://git.example.com/api/v3", "", "org/repo")),
        ("ssh://git@gitlab.example.com:2222/a/b/c.git",
         ("gitlab", "https://gitlab.example.com/api/v4", "", "a/b/c")),
        ("http://gitlab:8080/a/b",
         ("gitlab", "http://gitlab:8080/api/v4", "", "a/b")),
        ("https://user:secret@gitlab.com/a/b.git",
         ("gitlab", "https://gitlab.com/api/v4", "", "a/b")),
        ("git@ssh.dev.azure.com:v3/org/ML%20Ops/churn",
         ("azure", "https://dev.azure.com/org/", "ML Ops", "churn")),
        ("https://org.visualstudio.com/DefaultCollection/ML/_git/churn",
         ("azure", "https://org.visualstudio.com/DefaultCollection/", "ML", "churn")),
        ("https://dev.azure.com/org/_git/churn",
         ("azure", "https://dev.azure.com/org/", "churn", "churn")),
        ("https://tfs.example.com/tfs/Main/ML/_git/churn",
         ("azure", "https://tfs.example.com/tfs/Main/", "ML", "churn")),
        ("https://bitbucket.org/org/repo/pull-requests/7", ("", "", "", "")),
        ("https://github.com/org", ("", "", "", "")),
        ("https://notgithub.com/org/repo", ("", "", "", "")),
        ("../origin.git", ("", "", "", "")),
        ("https://[x", ("", "", "", "")),
        ("", ("", "", "", "")),
    ],
)  # fmt: skip
def test_an_address_leads_to_a_forge(url: str, wanted: tuple[str, str, str, str]) -> None:
    found = address_of(url)
    assert (found.forge, found.api_url, found.project, found.repository) == wanted


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A detached checkout with a stage for ``prd`` and one for ``release/prd``."""
    root = tmp_path_factory.mktemp("checkout")
    (root / "stages").mkdir()
    for stage, branch in (("prd", "prd"), ("release", "release/prd")):
        text = f"branch: {branch}\naicore: {{resource_group: {stage}-group}}\n"
        (root / f"stages/{stage}.yaml").write_text(text, encoding="utf-8")
    who = ("-c", "user.name=someone", "-c", "user.email=someone@example.com")
    for arguments in (
        ("init", "-q"),
        ("add", "."),
        (*who, "commit", "-q", "-m", "change"),
        ("checkout", "-q", "--detach"),
    ):
        subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True)
    return root


def head_of(root: Path) -> str:
    done = subprocess.run(["git", "rev-parse", "HEAD"], cwd=root, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("environ", "stage"),
    [
        (GITHUB_PUSH, "prd"),
        (GITHUB_CHANGE, "prd"),
        (GITLAB_PUSH, "prd"),
        (GITLAB_CHANGE, "prd"),
        (AZURE_PUSH, "release"),
        (AZURE_CHANGE, "prd"),
        (AZURE_GITHUB, "prd"),
        (JENKINS_PUSH, "prd"),
        (JENKINS_CHANGE, "prd"),
        (JENKINS | {"GIT_BRANCH": "origin/release/prd"}, "release"),
    ],
)
def test_a_detached_checkout_has_the_stage_of_its_branch(
    checkout: Path, environ: dict[str, str], stage: str
) -> None:
    facts = read_facts(checkout, environ)
    assert Path(stage_of_branch(checkout, facts, environ)).stem == stage


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        (GITLAB | {"CI_COMMIT_REF_NAME": ""}, "GitLab names none in CI_COMMIT_BRANCH"),
        (AZURE | {"BUILD_SOURCEBRANCH": "$(Build.SourceBranch)"}, "in BUILD_SOURCEBRANCH"),
        (JENKINS, "Jenkins names none in BRANCH_NAME"),
        (JENKINS | {"CHANGE_ID": "7", "BRANCH_NAME": "PR-7"}, "names none in CHANGE_TARGET"),
        (GITLAB | {"CI_MERGE_REQUEST_IID": "7"}, "in CI_MERGE_REQUEST_TARGET_BRANCH_NAME"),
        (AZURE | {"BUILD_REASON": "PullRequest"}, "in SYSTEM_PULLREQUEST_TARGETBRANCH"),
        (AZURE | {"BUILD_SOURCEBRANCH": "refs/tags/v1"}, 'the tag "v1" belongs to no branch'),
    ],
)
def test_a_branch_that_nobody_tells_is_asked_for(
    checkout: Path, environ: dict[str, str], words: str
) -> None:
    with pytest.raises(CicdError) as caught:
        stage_of_branch(checkout, read_facts(checkout, environ), environ)
    assert words in str(caught.value)
    assert "name a stage: prd, release" in str(caught.value)


@pytest.mark.parametrize("environ", [GITLAB_CHANGE, AZURE_CHANGE, JENKINS_CHANGE])
def test_a_change_is_planned_and_not_applied(environ: dict[str, str]) -> None:
    with pytest.raises(Refused, match="has not been merged"):
        check_merged(environ)


def test_the_commit_is_the_one_that_its_author_knows(checkout: Path) -> None:
    """What a forge merged for the run is no commit of anybody's."""
    merge = head_of(checkout)
    for environ, wanted in (
        (AZURE_CHANGE | {"BUILD_SOURCEVERSION": merge}, HEAD),
        (AZURE_CHANGE, merge),  # something else was checked out
        (GITLAB_CHANGE | {"CI_COMMIT_SHA": merge}, merge),
        (GITLAB_CHANGE | {
            "CI_COMMIT_SHA": merge, "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA": HEAD}, HEAD),
        (JENKINS_CHANGE | {"GIT_COMMIT": merge}, merge),
    ):  # fmt: skip
        assert read_facts(checkout, environ).commit == wanted


@pytest.mark.parametrize(
    ("environ", "actor", "link"),
    [
        (GITHUB_PUSH, "alice", "https://github.tools.sap/org/repo/actions/runs/42"),
        (GITLAB_PUSH, "alice", "https://gitlab.example.com/p/-/jobs/9"),
        (AZURE_PUSH, "Alice Example", "https://dev.azure.com/org/ML%20Ops/_build/results?"),
        (JENKINS_CHANGE, "alice", "https://ci.example.com/job/churn/42/"),
    ],
)
def test_a_lock_names_who_started_the_run_and_its_page(
    environ: dict[str, str], actor: str, link: str
) -> None:
    holder = make_holder("cicd apply", environ)
    assert holder.name.startswith(f"{actor}@")
    assert holder.link.startswith(link)


NAMES = sorted({name for _, environ, _ in TABLE for name in environ})
VALUES = (
    "", "true", "True", "7", "0", "-1", "refs/heads/a/b", "refs/tags/v", "refs/pull/7/merge",
    "$(X)",
    "https://[", "https://github.com/o/r", "git@x:y", "\n", "é", "\udc80", "a b", "ssh://", "//",
    "https://dev.azure.com/", "https://dev.azure.com/o/_git/", "http://h:99999/a/b", "GitHub",
    "TfsGit", "g/p!7", "g/p!7,g/p!8", "https://gitlab.com/-/-/", "azure", "github", "gitlab",
)  # fmt: skip


@given(st.dictionaries(st.sampled_from(NAMES), st.sampled_from(VALUES), min_size=5))
def test_no_variable_breaks_anything(environ: dict[str, str]) -> None:
    run = read_run(environ)
    with suppress(CicdError):
        open_forge(usable(run, environ)).close()


def test_an_event_file_that_is_broken_tells_nothing(tmp_path: Path) -> None:
    for text in ("", "{", json.dumps(["x"])):
        file = tmp_path / "event.json"
        file.write_text(text, encoding="utf-8")
        assert read_run(GITHUB_PUSH | {"GITHUB_EVENT_PATH": str(file)}).branch == "prd"
