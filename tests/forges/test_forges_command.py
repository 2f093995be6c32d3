"""``cicd comment``, ``plan``, ``validate`` as steps of GitLab CI, Azure Pipelines and Jenkins."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from cicd.render.sections import parse
from tests import forked
from tests.acceptance.conftest import Project, make_project
from tests.forges import azure_server, github_server, gitlab_server
from tests.forges.forge_server import Reply
from tests.forges.plan_documents import change, plan, typical
from tests.forges.test_forges_detect import AZURE_CHANGE, GITLAB_CHANGE, GITLAB_PUSH, JENKINS_CHANGE
from tests.render.ci_commands import ATTACKS, foreign

SECRETS = (azure_server.TOKEN, gitlab_server.TOKEN, gitlab_server.JOB_TOKEN, github_server.TOKEN)
DOTENV = re.compile(r"(?:[A-Za-z0-9_]+=[^\"'\n]*\n)+")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A stage of ``prd``, and one that is wrong."""
    project = make_project(tmp_path_factory.mktemp("steps"))
    project.write("stages/prd.yaml", "branch: prd\naicore: {resource_group: prd-group}\n")
    project.write("stages/bad.yaml", "branch: bad\nunknown: 1\nother: 2\n")
    (project.root / "plan.json").write_text(json.dumps(typical("prd")), encoding="utf-8")
    return project


def run(
    project: Project, environ: dict[str, str], *arguments: str
) -> subprocess.CompletedProcess[str]:
    done = forked.run([*arguments], cwd=project.root, env={**project.environ, **environ})
    assert "Traceback" not in done.stderr and "this is a bug" not in done.stderr, done.stderr
    assert not [secret for secret in SECRETS if secret in done.stdout + done.stderr]
    return done


@pytest.fixture
def gitlab() -> Iterator[gitlab_server.GitLab]:
    with gitlab_server.running() as server:
        yield server


@pytest.fixture
def azure() -> Iterator[azure_server.Azure]:
    with azure_server.running() as server:
        yield server


def on_gitlab(server: gitlab_server.GitLab) -> dict[str, str]:
    return GITLAB_CHANGE | {
        "CI_API_V4_URL": f"{server.url}/api/v4",
        "CI_PROJECT_PATH": gitlab_server.PROJECT,
        "CI_JOB_TOKEN": gitlab_server.JOB_TOKEN,
        "CICD_GITLAB_TOKEN": gitlab_server.TOKEN,
    }


def on_azure(server: azure_server.Azure, folder: Path) -> dict[str, str]:
    return AZURE_CHANGE | {
        "SYSTEM_COLLECTIONURI": f"{server.url}/org/",
        "SYSTEM_TEAMPROJECT": azure_server.PROJECT,
        "SYSTEM_TEAMPROJECTID": azure_server.PROJECT,
        "BUILD_REPOSITORY_ID": azure_server.REPOSITORY,
        "SYSTEM_ACCESSTOKEN": azure_server.TOKEN,
        "AGENT_TEMPDIRECTORY": str(folder),
    }


def test_on_gitlab_a_plan_reaches_the_merge_request_and_files(
    project: Project, gitlab: gitlab_server.GitLab, tmp_path: Path
) -> None:
    markdown, dotenv = tmp_path / "plan.md", tmp_path / "cicd.env"
    options = ("--markdown", str(markdown), "--dotenv", str(dotenv))
    done = run(project, on_gitlab(gitlab), "comment", "plan.json", *options)
    assert done.returncode == 0, done.stderr
    (body,) = [note["body"] for note in gitlab.notes[7]]
    assert list(parse(body)) == ["prd"]
    assert f"merge request 7: {gitlab.url}/group/sub/churn/-/merge_requests/7#note_" in done.stdout
    assert "::" not in done.stdout.replace("://", "")
    assert "Deletes 1" in markdown.read_text(encoding="utf-8")
    outputs = dotenv.read_text(encoding="utf-8")
    assert DOTENV.fullmatch(outputs)
    assert "CICD_HAS_CHANGES=true\n" in outputs and "CICD_PLAN_PATH=plan.json\n" in outputs


def test_the_token_of_a_gitlab_job_is_a_warning_and_the_files_are_there(
    project: Project, gitlab: gitlab_server.GitLab, tmp_path: Path
) -> None:
    environ = on_gitlab(gitlab) | {"CICD_GITLAB_TOKEN": ""}
    markdown = tmp_path / "plan.md"
    done = run(project, environ, "comment", "plan.json", "--markdown", str(markdown))
    assert done.returncode == 0
    assert "warning: nothing written to GitLab" in done.stderr
    assert "CICD_GITLAB_TOKEN" in done.stderr
    assert markdown.exists() and gitlab.requests == []


@pytest.mark.parametrize(
    ("status", "advice"),
    [(401, "renew the token in CICD_GITLAB_TOKEN"), (403, "role Reporter and the scope api")],
)
def test_a_gitlab_token_that_may_not_write_is_a_warning_with_advice(
    project: Project, gitlab: gitlab_server.GitLab, status: int, advice: str
) -> None:
    gitlab.fail("POST .*notes", Reply(status, {"message": f"{status} no"}))
    done = run(project, on_gitlab(gitlab), "comment", "plan.json")
    assert (done.returncode, advice in done.stderr) == (0, True), done.stderr


def test_on_azure_a_plan_reaches_the_thread_the_summary_and_later_steps(
    project: Project, azure: azure_server.Azure, tmp_path: Path
) -> None:
    done = run(project, on_azure(azure, tmp_path), "comment", "plan.json")
    assert done.returncode == 0, done.stderr
    (thread,) = azure.threads[7]
    assert list(parse(thread["comments"][0]["content"])) == ["prd"]
    lines = done.stdout.splitlines()
    (file,) = [line.split("]")[1] for line in lines if "task.uploadsummary" in line]
    assert Path(file).parent == tmp_path
    assert "Deletes 1" in Path(file).read_text(encoding="utf-8")
    assert "##vso[task.setvariable variable=has_changes;isOutput=true;]true" in lines
    (note,) = [line for line in lines if "task.logissue" in line]
    assert note.startswith("##vso[task.logissue type=warning;sourcepath=stages/prd.yaml;")


def test_a_sign_in_page_of_azure_ends_with_4(
    project: Project, azure: azure_server.Azure, tmp_path: Path
) -> None:
    environ = on_azure(azure, tmp_path) | {"SYSTEM_ACCESSTOKEN": "expired"}
    done = run(project, environ, "comment", "plan.json")
    assert done.returncode == 4
    assert "the login to Azure DevOps has failed" in done.stderr


def test_a_token_that_azure_did_not_map_is_a_warning(
    project: Project, azure: azure_server.Azure, tmp_path: Path
) -> None:
    environ = on_azure(azure, tmp_path) | {"SYSTEM_ACCESSTOKEN": "$(System.AccessToken)"}
    done = run(project, environ, "comment", "plan.json")
    assert done.returncode == 0
    assert "SYSTEM_ACCESSTOKEN: $(System.AccessToken)" in done.stderr
    assert azure.requests == []


def test_drift_is_an_issue_on_gitlab_and_none_on_azure(
    project: Project,
    gitlab: gitlab_server.GitLab,
    azure: azure_server.Azure,
    tmp_path: Path,
) -> None:
    done = run(project, on_gitlab(gitlab), "comment", "--drift-issue", "plan.json")
    assert f"stage prd: {gitlab.issues[0]['web_url']}" in done.stdout
    done = run(project, on_azure(azure, tmp_path), "comment", "--drift-issue", "plan.json")
    assert done.returncode == 0
    assert "have drift told by notify" in done.stderr


def test_a_github_repository_that_jenkins_builds_gets_its_comment(project: Project) -> None:
    with github_server.running() as github:
        environ = JENKINS_CHANGE | {
            "CHANGE_URL": f"{github.url}/org/repo/pull/7",
            "GITHUB_API_URL": f"{github.url}/api/v3",
            "GITHUB_TOKEN": github_server.TOKEN,
        }
        done = run(project, environ, "comment", "plan.json")
        assert done.returncode == 0, done.stderr
        assert f"pull request 7: {github.url}" in done.stdout
        assert "https://ci.example.com/job/churn/42/" in github.bodies()[0]
        assert "::" not in done.stdout.replace("://", "")


def test_another_system_gets_files_and_says_what_is_missing(
    project: Project, tmp_path: Path
) -> None:
    markdown = tmp_path / "plan.md"
    environ = JENKINS_CHANGE | {
        "CHANGE_URL": "https://bitbucket.org/org/repo/pull-requests/7",
        "GIT_URL": "https://bitbucket.org/org/repo.git",
    }
    done = run(project, environ, "comment", "plan.json", "--markdown", str(markdown))
    assert done.returncode == 0
    assert "set CICD_FORGE or --forge" in done.stderr
    assert "Deletes 1" in markdown.read_text(encoding="utf-8")
    done = run(project, environ, "comment", "plan.json", "--drift-issue")
    assert (done.returncode, "set CICD_FORGE or --forge" in done.stderr) == (0, True)
    done = run(project, environ, "comment", "plan.json", "--forge", "bitbucket")
    assert done.returncode == 64


@pytest.mark.parametrize("system", ["gitlab", "azure", "jenkins"])
def test_the_change_of_a_fork_is_planned_without_secrets_and_nothing_is_written(
    project: Project,
    gitlab: gitlab_server.GitLab,
    azure: azure_server.Azure,
    tmp_path: Path,
    system: str,
) -> None:
    """These give a fork's run the secrets of the repository."""
    environ = {
        "gitlab": on_gitlab(gitlab) | {"CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "13"},
        "azure": on_azure(azure, tmp_path) | {"SYSTEM_PULLREQUEST_ISFORK": "True"},
        "jenkins": JENKINS_CHANGE | {"CHANGE_FORK": "mallory", "GITHUB_TOKEN": "x"},
    }[system] | {"AICORE_BASE_URL": f"{azure.url}/v2", "AICORE_CLIENT_SECRET": "secret-of-ours"}
    done = run(project, environ, "plan")
    assert done.returncode == 0, done.stderr
    assert "comes from a fork, so it is planned offline" in done.stderr
    done = run(project, environ, "comment")
    assert done.returncode == 0, done.stderr
    assert "comes from a fork, so nothing is written to it" in done.stderr
    assert azure.requests == [] and gitlab.requests == []


def test_a_merge_train_writes_no_note(project: Project, gitlab: gitlab_server.GitLab) -> None:
    environ = on_gitlab(gitlab) | {"CI_MERGE_REQUEST_EVENT_TYPE": "merge_train"}
    done = run(project, environ, "comment", "plan.json")
    assert (done.returncode, gitlab.requests) == (0, [])
    assert "not on a merge request: no comment" in done.stdout


@pytest.mark.parametrize(
    ("environ", "variable"),
    [
        (GITLAB_CHANGE, "CI_MERGE_REQUEST_IID"),
        (AZURE_CHANGE, "SYSTEM_PULLREQUEST_PULLREQUESTID"),
        (JENKINS_CHANGE, "CHANGE_ID"),
    ],
)
def test_a_change_without_its_number_is_told(
    project: Project, environ: dict[str, str], variable: str
) -> None:
    without = {name: value for name, value in environ.items() if name != variable}
    without |= {"BUILD_SOURCEBRANCH": "", "GITHUB_TOKEN": "x"}
    done = run(project, without, "comment", "plan.json")
    assert (done.returncode, f"{variable} does not say which" in done.stderr) == (0, True)


def test_the_code_quality_report_names_findings_that_stay_the_same(project: Project) -> None:
    def report() -> list[dict[str, object]]:
        done = run(project, GITLAB_PUSH, "validate", "bad", "--output", "codequality")
        assert done.returncode == 3
        found: list[dict[str, object]] = json.loads(done.stdout)
        return found

    first = report()
    for finding in first:
        assert finding.keys() == {
            "description", "check_name", "fingerprint", "severity", "location"
        }  # fmt: skip
        assert finding["severity"] in {"info", "minor", "major", "critical", "blocker"}
        location = finding["location"]
        assert isinstance(location, dict) and location["path"] == "stages/bad.yaml"
        assert location["lines"]["begin"] >= 1
    known = [finding["fingerprint"] for finding in first]
    assert len(set(known)) == len(first) >= 2
    assert all(re.fullmatch("[0-9a-f]{64}", str(one)) for one in known)
    # moved down by two lines, each is the same finding
    text = (project.root / "stages/bad.yaml").read_text(encoding="utf-8")
    project.write("stages/bad.yaml", f"# moved\n# down\n{text}")
    assert [finding["fingerprint"] for finding in report()] == known
    project.write("stages/bad.yaml", text)


def test_findings_are_shown_at_their_lines_on_azure(project: Project) -> None:
    done = run(project, {}, "validate", "bad", "--output", "azure")
    lines = done.stdout.splitlines()
    assert done.returncode == 3 and len(lines) >= 2
    shape = (
        r"##vso\[task\.logissue type=(?:error|warning);sourcepath=stages/bad\.yaml;linenumber=\d+;"
    )
    assert all(re.match(shape, line) for line in lines), done.stdout


def test_markdown_of_a_plan_is_in_the_dialect_of_the_forge(project: Project) -> None:
    on_github = run(project, {}, "plan", "prd", "--offline", "--output", "markdown")
    on_gitlab = run(project, GITLAB_PUSH, "plan", "prd", "--offline", "--output", "markdown")
    assert on_github.stdout.startswith("### Stage <code>prd</code>")
    assert on_gitlab.stdout.startswith("### Stage <code>prd</code>")


def test_no_text_of_a_plan_is_a_command_to_any_system(
    project: Project, azure: azure_server.Azure, tmp_path: Path
) -> None:
    """All of them in one plan, on Azure, which looks for commands anywhere in a line."""
    names = [f"{attack}-{hashlib.md5(attack.encode()).hexdigest()}" for attack in ATTACKS]
    evil = plan("prd", *(change(f"run/{name}") for name in names), warnings=ATTACKS)
    (tmp_path / "evil.json").write_text(json.dumps(evil), encoding="utf-8")
    done = run(project, on_azure(azure, tmp_path), "comment", str(tmp_path / "evil.json"))
    assert done.returncode == 0, done.stderr
    assert "##vso[task.logissue " in done.stdout
    assert not foreign(done.stdout + done.stderr)


def test_a_push_whose_plan_no_merge_request_has_shown_ends_with_5(
    project: Project, gitlab: gitlab_server.GitLab
) -> None:
    environ = GITLAB_PUSH | {
        "CI_API_V4_URL": f"{gitlab.url}/api/v4",
        "CI_PROJECT_PATH": gitlab_server.PROJECT,
        "CICD_GITLAB_TOKEN": gitlab_server.TOKEN,
    }
    done = run(project, environ, "comment", "--require-reviewed", "plan.json")
    assert done.returncode == 5, done.stderr
    assert "came without a pull request" in done.stderr
    assert not [request for request in gitlab.requests if request.method != "GET"]
    assert run(project, environ, "comment", "--require-reviewed").returncode == 64
    none = environ | {"CICD_GITLAB_TOKEN": "", "CI_JOB_TOKEN": ""}
    assert run(project, none, "comment", "--require-reviewed", "plan.json").returncode == 4
