"""Applications: what a Git repository becomes, and what an unusable one says."""

from __future__ import annotations

import base64
import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from pytest_mock import MockerFixture

from cicd.emulator.git.fetching import Git, Source, SyncError, check_path, check_url
from cicd.emulator.state import realism
from tests.emulator.emulator_client import (
    SERVING,
    WORKFLOW,
    Client,
    commit,
    git,
    onboard,
    running,
    synced,
    template_files,
    wait_for,
)
from tests.serving import serving

APPLICATIONS = "/v2/admin/applications"


def executables(client: Client) -> dict[str, Any]:
    answer = client.send("GET", "/v2/lm/scenarios/churn/executables")
    return {item["id"]: item for item in answer.json().get("resources", [])}


def refresh(client: Client, revision: str, application: str = "app") -> Any:
    client.send("POST", f"{APPLICATIONS}/{application}/refresh", status=202)
    return synced(client, application, revision)


def test_templates_become_executables(ready: Client, repository: Path) -> None:
    status = synced(ready)
    assert status["source"]["revision"] == git(repository, "rev-parse", "HEAD")
    assert (status["healthStatus"], status["syncStatus"]) == ("Healthy", "Synced")
    assert status["message"] == "successfully synced (all tasks run)"
    assert status["syncResourcesStatus"] == status["syncRessourcesStatus"]
    assert [item["status"] for item in status["syncResourcesStatus"]] == ["Synced", "Synced"]
    train = executables(ready)["train"]
    assert train["name"] == "Training"
    assert train["deployable"] is False
    assert train["versionId"] == "1.0"
    assert train["parameters"] == [
        {"name": "mode", "type": "string"},
        {"name": "rounds", "type": "string", "default": "3", "description": "how often"},
    ]
    assert train["inputArtifacts"] == [{"name": "data"}]
    assert train["outputArtifacts"][0]["name"] == "model"
    assert train["outputArtifacts"][0]["kind"] == "model"
    *_, scenario = ready.get("/v2/lm/scenarios")["resources"]
    assert (scenario["id"], scenario["name"]) == ("churn", "Churn")
    [version] = ready.get("/v2/lm/scenarios/churn/versions")["resources"]
    assert version["id"] == "1.0"
    ready.send("GET", "/v2/lm/scenarios/other", status=404)
    ready.send("GET", "/v2/lm/scenarios/churn/executables/other", status=404)


def test_only_what_changed_gets_a_new_time_and_what_is_gone_goes(
    ready: Client, repository: Path
) -> None:
    before = executables(ready)
    new_serve = SERVING.format(name="serve", version='"2.0"')
    same_train = "# a remark\r\n" + template_files()["templates/train.yaml"].replace("\n", "\r\n")
    sha = commit(
        repository, {"templates/serve.yaml": new_serve, "templates/train.yaml": same_train}
    )
    refresh(ready, sha)
    after = executables(ready)
    assert after["train"] == before["train"]
    assert after["serve"]["versionId"] == "2.0"
    assert after["serve"]["modifiedAt"] > before["serve"]["modifiedAt"]
    assert after["serve"]["createdAt"] == before["serve"]["createdAt"]
    status = refresh(ready, commit(repository, {"templates/train.yaml": None}))
    assert set(executables(ready)) == {"serve"}
    pruned = [x for x in status["syncResourcesStatus"] if x["status"] == "Pruned"]
    assert [x["name"] for x in pruned] == ["train"]
    ready.send("DELETE", f"{APPLICATIONS}/app", status=200)
    ready.send("GET", "/v2/lm/scenarios/churn", status=404)


BROKEN: dict[str, tuple[str, str]] = {
    "tab": ("a:\n\tb: 1\n", "line 2"),
    "duplicate": ("kind: A\nkind: B\n", "line 2"),
    "kind": ("apiVersion: v1\nkind: Secret\n", "not permitted"),
    "nothing": ("just: data\n", "Kind"),
    "scalar": ("42\n", "Kind"),
    "labels": (
        WORKFLOW.format(name="broken", version='"1"').replace("scenarios.ai.sap.com/id", "x"),
        "scenarios.ai.sap.com/id is missing",
    ),
    "version": (WORKFLOW.format(name="broken", version="1.0"), "must be text"),
    "name": (WORKFLOW.format(name="Broken_Name", version='"1"'), "metadata.name"),
    "api": (
        WORKFLOW.format(name="broken", version='"1"').replace("argoproj.io", "ai.sap.com", 1),
        "apiVersion",
    ),
    "spec": (WORKFLOW.format(name="broken", version='"1"').split("spec:")[0], "spec is missing"),
    "parameters": (
        SERVING.format(name="broken", version='"1"').replace(
            "{name: greeting, default: hello}", ""
        ),
        "parameters[0]: is empty",
    ),
    "hyphen": (
        SERVING.format(name="broken", version='"1"').replace("greeting", "greet-ing"),
        "must not contain '-'",
    ),
    "bomb": (
        "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
        + "".join(
            f"{b}: &{b} [{','.join([f'*{a}'] * 10)}]\n"
            for a, b in zip("abcdefgh", "bcdefghi", strict=True)
        ),
        "values",
    ),
    "latin": ("name: Größe", "not UTF-8"),
}


def test_bad_templates_are_reported_and_the_good_ones_still_sync(
    client: Client, tmp_path: Path
) -> None:
    files: dict[str, str | bytes | None] = {**template_files()}
    for name, (text, _) in BROKEN.items():
        encoding = "latin-1" if name == "latin" else "utf-8"
        files[f"templates/bad-{name}.yaml"] = text.encode(encoding)
    files["templates/bad-comma.json"] = '{"kind": "x",}'
    files["templates/readme.md"] = "not a template"
    files["templates/sub/train.yaml"] = "not looked at: ["
    files["templates/empty.yaml"] = "# nothing\n---\n"
    sha = commit(tmp_path / "repository", files)
    onboard(client, tmp_path / "repository")
    status = synced(client, revision=sha)
    assert set(executables(client)) == {"train", "serve"}
    assert (status["syncStatus"], status["healthStatus"]) == ("OutOfSync", "Degraded")
    failed = [x["message"] for x in status["syncResourcesStatus"] if x["status"] == "SyncFailed"]
    assert len(failed) == len(BROKEN) + 1
    for name, (_, expected) in BROKEN.items():
        [message] = [text for text in failed if f"bad-{name}.yaml" in text]
        assert expected in message, message
    assert any("bad-comma.json" in text for text in failed)


SERVERS = {
    "without parameters": (
        "  inputs:\n    parameters:\n      - {name: greeting, default: hello}\n",
        "",
        "serve",
    ),
    "with a dot in its id": ("  name: serve\n", "  name: llama.cpp\n", "llama.cpp"),
    "with an update in bulk": (
        "spec:\n",
        "Meta: {bulkUpdates: {deployments: true}}\nspec:\n",
        "serve",
    ),
    "with a container of another name": ("kserve-container", "web", "serve"),
    "with the kind of what it becomes": (
        "    apiVersion: serving.kserve.io/v1beta1\n",
        "    apiVersion: serving.kserve.io/v1beta1\n    kind: InferenceService\n",
        "serve",
    ),
    "with fields that nobody reads": (
        "spec:\n",
        "spec:\n  entrypoint: main\n  templates: [{name: main}]\n",
        "serve",
    ),
    "with a probe of its life": (
        "          - name: kserve-container\n",
        "          - name: kserve-container\n            livenessProbe: {tcpSocket: {port: 1}}\n",
        "serve",
    ),
}


@pytest.mark.parametrize("which", SERVERS)
def test_the_emulator_takes_the_servers_that_ai_core_takes(
    client: Client, tmp_path: Path, which: str
) -> None:
    before, after, name = SERVERS[which]
    text = template_files()["templates/serve.yaml"]
    assert before in text
    changed = text.replace(before, after, 1)
    sha = commit(tmp_path / "repository", {"templates/serve.yaml": changed})
    onboard(client, tmp_path / "repository")
    assert synced(client, revision=sha)["syncStatus"] == "Synced"
    executable = client.send("GET", f"/v2/lm/scenarios/churn/executables/{name}", status=200)
    assert executable.json()["deployable"] is True


def test_all_that_is_wrong_with_a_template_is_said_at_once(client: Client, tmp_path: Path) -> None:
    text = template_files()["templates/train.yaml"].replace("argoproj.io", "ai.sap.com", 1)
    text = text.replace("ai.sap.com/version", "ai.sap.com/versin").replace("command:", "comand:")
    sha = commit(tmp_path / "repository", {"templates/train.yaml": text})
    onboard(client, tmp_path / "repository")
    [failed] = synced(client, revision=sha)["syncResourcesStatus"]
    for part in ("apiVersion of a WorkflowTemplate", "ai.sap.com/version is missing", ".command:"):
        assert part in failed["message"]


def test_what_the_entrypoint_takes_need_not_be_declared_twice(
    ready: Client, repository: Path
) -> None:
    text = template_files()["templates/train.yaml"].replace(
        "    artifacts:\n      - name: data\n", ""
    )
    assert "arguments" in text and "- name: data\n" not in text
    refresh(ready, commit(repository, {"templates/train.yaml": text}))
    assert executables(ready)["train"]["inputArtifacts"] == [{"name": "data"}]


def test_what_an_inner_step_takes_is_bound_unless_another_step_passes_it(
    ready: Client, repository: Path
) -> None:
    """The first tutorial of AI Core declares its data set in a step only."""
    spec = """spec:
  entrypoint: pipeline
  templates:
    - name: pipeline
      steps:
        - - {name: first, template: prepare}
        - - name: second
            template: fit
            arguments:
              artifacts: [{name: rows, from: "{{steps.first.outputs.artifacts.rows}}"}]
    - name: prepare
      inputs: {artifacts: [{name: housedataset, path: /data}]}
      outputs: {artifacts: [{name: rows, path: /rows}]}
      container: {image: i, command: [sh]}
    - name: fit
      inputs: {artifacts: [{name: rows, path: /rows}]}
      container: {image: i, command: [sh]}
"""
    head = template_files()["templates/train.yaml"].partition("spec:\n")[0]
    refresh(ready, commit(repository, {"templates/train.yaml": head + spec}))
    assert executables(ready)["train"]["inputArtifacts"] == [{"name": "housedataset"}]


def test_a_file_that_breaks_keeps_its_executable(ready: Client, repository: Path) -> None:
    before = executables(ready)
    status = refresh(ready, commit(repository, {"templates/train.yaml": "a: ["}))
    assert status["syncStatus"] == "OutOfSync"
    assert executables(ready) == before


def test_an_executable_id_is_unique_over_files_and_applications(
    ready: Client, repository: Path, tmp_path: Path
) -> None:
    twice = WORKFLOW.format(name="train", version='"9"')
    status = refresh(ready, commit(repository, {"templates/zweite.yaml": twice}))
    [failed] = [x for x in status["syncResourcesStatus"] if x["status"] == "SyncFailed"]
    assert "also in train.yaml" in failed["message"]
    sha = commit(tmp_path / "other", {"train.yaml": twice})
    onboard(ready, tmp_path / "other", "other-app", ".")
    status = synced(ready, "other-app", sha)
    assert "already synced by application app" in status["message"]
    assert executables(ready)["train"]["versionId"] == "1.0"


def test_two_applications_may_share_a_template_that_is_the_same(
    ready: Client, repository: Path, tmp_path: Path
) -> None:
    commit(tmp_path / "other", {"train.yaml": template_files()["templates/train.yaml"]})
    onboard(ready, tmp_path / "other", "other-app", ".")
    status = synced(ready, "other-app")
    assert status["syncStatus"] == "Synced"
    [shared] = status["syncResourcesStatus"]
    assert "unchanged, already synced by application app" in shared["message"]
    ready.send("DELETE", f"{APPLICATIONS}/app", status=200)
    wait_for(lambda: set(executables(ready)), lambda found: found == {"train"})


def test_of_two_branches_of_one_repository_the_one_asked_for_last_wins(
    ready: Client, repository: Path
) -> None:
    """Stages that share a tenant; neither undoes the other by itself."""
    git(repository, "checkout", "-q", "-b", "other")
    text = template_files()["templates/train.yaml"].replace('"1.0"', '"2.0"')
    sha = commit(repository, {"templates/train.yaml": text})
    onboard(ready, repository, "other-app", revision="other")
    assert synced(ready, "other-app", sha)["syncStatus"] == "Synced"
    assert executables(ready)["train"]["versionId"] == "2.0"
    wait_for(
        lambda: ready.get(f"{APPLICATIONS}/app/status")["syncStatus"],
        lambda status: status == "OutOfSync",
    )
    ready.send("POST", f"{APPLICATIONS}/app/refresh", status=202)
    wait_for(lambda: executables(ready)["train"]["versionId"], lambda found: found == "1.0")


def test_branches_tags_and_hashes(client: Client, tmp_path: Path) -> None:
    repository = tmp_path / "repository"
    first = commit(repository, template_files("1"))
    git(repository, "tag", "--annotate", "v1", "--message", "first")
    second = commit(repository, template_files("2"))
    git(repository, "branch", "team/dev")
    third = commit(repository, template_files("3"))
    onboard(client, repository, revision="v1")
    assert synced(client)["source"]["revision"] == first
    for revision, expected in {
        "team/dev": second,
        third: third,
        "refs/heads/team/dev": second,
        first: first,
        "HEAD": third,
        second[:10]: second,
    }.items():
        body = {"repositoryUrl": str(repository), "path": "templates", "revision": revision}
        client.send("PATCH", f"{APPLICATIONS}/app", body, status=200)
        assert synced(client, revision=expected)["syncStatus"] == "Synced", revision
    wait_for(lambda: executables(client)["train"]["versionId"], lambda version: version == "2")


@pytest.mark.parametrize(
    ("path", "revision", "expected"),
    [
        ("templates", "nope", "Unable to resolve 'nope' to a commit SHA"),
        ("templates", "f" * 40, f"Unable to resolve '{'f' * 40}' to a commit SHA"),
        ("missing", "main", "app path does not exist"),
        ("templates/train.yaml", "main", "app path does not exist"),
        ("", "main", "spec.source.path"),
    ],
)
def test_failures_have_argos_words(
    client: Client, repository: Path, path: str, revision: str, expected: str
) -> None:
    onboard(client, repository, path=path, revision=revision)
    status = synced(client)
    assert status["syncStatus"] == "Unknown"
    assert expected in status["message"]


def test_a_repository_must_be_there_and_registered(client: Client, tmp_path: Path) -> None:
    onboard(client, tmp_path / "nothing")
    assert "does not appear to be a git repository" in synced(client)["message"]
    body = {
        "applicationName": "other",
        "repositoryUrl": str(tmp_path / "unknown"),
        "path": ".",
        "revision": "main",
    }
    client.send("POST", APPLICATIONS, body, status=200)
    assert "is not permitted in project" in synced(client, "other")["message"]
    again = {"name": "x", "url": str(tmp_path / "nothing") + "/", "username": "", "password": ""}
    client.send("POST", "/v2/admin/repositories", again, status=409)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("path", "../x"),
        ("path", "a/../../b"),
        ("path", "/etc"),
        ("path", "C:\\x"),
        ("path", "a\x00b"),
        ("path", None),
        ("revision", "-x"),
        ("revision", "a b"),
        ("revision", "main:templates"),
        ("revision", ""),
        ("revision", None),
        ("applicationName", "ab"),
        ("applicationName", "x" * 55),
        ("applicationName", "Upper"),
        ("repositoryUrl", None),
        ("repositoryUrl", 1),
        ("repositoryName", "both"),
    ],
)
def test_wrong_applications_are_refused(shared: Client, field: str, value: object) -> None:
    body: dict[str, Any] = {
        "applicationName": "app",
        "repositoryUrl": "/repository",
        "path": "templates",
        "revision": "main",
        field: value,
    }
    shared.send("POST", APPLICATIONS, body, status=400)
    assert shared.get(APPLICATIONS)["count"] == 0


@pytest.mark.parametrize("path", ["templates", ".", "a/b", "mit Leerzeichen/ü", "a/./b"])
def test_paths_inside(path: str) -> None:
    assert check_path(path) is None


@pytest.mark.parametrize("path", ["..", "a/..", "/a", "C:/a", "a\\b", "\\\\host\\share", "a\nb"])
def test_paths_outside(path: str) -> None:
    assert check_path(path)


@pytest.mark.parametrize(
    ("url", "is_good"),
    [
        ("https://example.com/a/b.git", True),
        ("http://127.0.0.1:1/a", True),
        ("file:///a/b", True),
        ("/a/b", True),
        ("C:\\a\\b", True),
        ("a/b", False),
        ("git@example.com:a/b", False),
        ("ssh://git@example.com/a/b", False),
        ("ext::sh -c true", False),
        ("-upload-pack=x", False),
        ("https://user@example.com/a", False),
        ("https://example.com/a\nb", False),
    ],
)
def test_urls(url: str, is_good: bool) -> None:
    assert (check_url(url) is None) is is_good


def test_links_and_huge_files_are_named(client: Client, tmp_path: Path) -> None:
    repository = tmp_path / "repository"
    (repository / "templates").mkdir(parents=True)
    (repository / "templates" / "link.yaml").symlink_to("/etc/passwd")
    files: dict[str, str | bytes | None] = {
        **template_files(),
        "templates/huge.yaml": b"#" * 1_100_000,
    }
    sha = commit(repository, files)
    onboard(client, repository)
    status = synced(client, revision=sha)
    failed = {x["name"] for x in status["syncResourcesStatus"] if x["status"] == "SyncFailed"}
    assert failed == {"link.yaml", "huge.yaml"}
    assert set(executables(client)) == {"train", "serve"}


def test_what_a_killed_git_left_is_no_obstacle(tmp_path: Path, repository: Path) -> None:
    with running(tmp_path / "data") as client:
        onboard(client, repository)
        synced(client)
    [mirror] = (tmp_path / "data" / "git").iterdir()
    (mirror / "shallow.lock").write_text("")
    sha = commit(repository, template_files("2"))
    with running(tmp_path / "data") as client:
        assert synced(client, revision=sha)["syncStatus"] == "Synced"
    (mirror / "objects").rename(mirror / "gone")
    sha = commit(repository, template_files("3"))
    with running(tmp_path / "data") as client:
        assert synced(client, revision=sha)["syncStatus"] == "Synced"


def test_a_cascading_template_updates_its_deployments(ready: Client, repository: Path) -> None:
    note = '    executables.ai.sap.com/cascade-update-deployments: "true"\n'
    cascading = template_files("2")["templates/serve.yaml"].replace(
        "    executables.ai.sap.com/name", note + "    executables.ai.sap.com/name"
    )
    refresh(ready, commit(repository, {"templates/serve.yaml": cascading}))
    deployment = ready.deploy()
    path = f"/v2/lm/deployments/{deployment}"
    ready.wait(path, "RUNNING")
    newer = cascading.replace('"2"', '"3"')
    refresh(ready, commit(repository, {"templates/serve.yaml": newer}))
    wait_for(lambda: ready.get(path), lambda x: x["lastOperation"] == "CASCADE-UPDATE")
    ready.wait(path, "RUNNING")
    labels = ready.runner.jobs[deployment].template["metadata"]["labels"]
    assert labels["ai.sap.com/version"] == "3"


class GitOverHttp(BaseHTTPRequestHandler):
    """A Git server that asks for a login."""

    root = ""
    login = ""
    protocol_version = "HTTP/1.0"

    def do_GET(self) -> None:
        if self.headers.get("authorization") != f"Basic {self.login}":
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
            self.end_headers()
            return
        path, _, query = self.path.partition("?")
        length = int(self.headers.get("content-length") or 0)
        environment = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": self.root,
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("content-type", ""),
            "CONTENT_LENGTH": str(length),
            "GIT_PROTOCOL": self.headers.get("git-protocol", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("content-encoding", ""),
        }
        done = subprocess.run(
            ["git", "http-backend"],
            input=self.rfile.read(length),
            capture_output=True,
            env=environment,
            check=True,
        )
        # what a CGI program prints is headers, a blank line, and the body
        self.send_response_only(200)
        self.flush_headers()
        self.wfile.write(done.stdout)

    do_POST = do_GET

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def git_server(repository: Path) -> Iterator[str]:
    """The url of the repository on a server that wants ``me`` and ``pä:ss 'word``."""
    login = base64.b64encode("me:pä:ss 'word".encode()).decode()
    handler = type("Handler", (GitOverHttp,), {"root": str(repository.parent), "login": login})
    with serving(handler) as url:
        yield f"{url}/repository/.git"


def test_a_login_is_used_and_never_shown(client: Client, git_server: str) -> None:
    body = {"name": "r", "url": git_server, "username": "me", "password": "wrong-secret"}
    client.send("POST", "/v2/admin/repositories", body, status=200)
    application = {
        "applicationName": "app",
        "repositoryUrl": git_server,
        "path": "templates",
        "revision": "main",
    }
    client.send("POST", APPLICATIONS, application, status=200)
    status = synced(client)
    assert "Authentication failed" in status["message"]
    assert "wrong-secret" not in str(status)
    new = {"username": "me", "password": "pä:ss 'word"}
    client.send("PATCH", "/v2/admin/repositories/r", new, status=200)
    path = f"{APPLICATIONS}/app/status"
    wait_for(lambda: client.get(path), lambda shown: shown["syncStatus"] == "Synced")
    assert set(executables(client)) == {"train", "serve"}
    assert "word" not in client.send("GET", "/v2/admin/repositories/r").text


def test_a_login_goes_to_no_other_server(client: Client, git_server: str) -> None:
    """A server may answer with the address of another one."""
    asked: list[str | None] = []

    class Elsewhere(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.headers.get("authorization"))
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="elsewhere"')
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    class Redirect(Elsewhere):
        def do_GET(self) -> None:
            self.send_response(302)
            self.send_header("Location", f"{other}{self.path}")
            self.end_headers()

    git = Git(Path(client.world.store.path).parent / "other", {"PATH": os.environ["PATH"]})
    with serving(Elsewhere) as other, serving(Redirect) as first, pytest.raises(SyncError):
        git.fetch(Source(f"{first}/repository", "templates", "main", "me", "secret-word"))
    assert asked
    assert set(asked) == {None}


def test_nothing_of_a_repository_runs(tmp_path: Path, repository: Path) -> None:
    """Neither its hooks and filters, nor those that this machine's settings name."""
    mark = tmp_path / "mark"
    hook = f"#!/bin/sh\ntouch {mark}\n"
    hooks = tmp_path / "template" / "hooks"
    hooks.mkdir(parents=True)
    files: dict[str, str | bytes | None] = {
        "templates/.gitattributes": "*.yaml filter=evil\n",
        ".gitmodules": '[submodule "x"]\n  path = templates/x\n  url = /nowhere\n',
    }
    settings = tmp_path / "settings"
    settings.write_text(
        f"[init]\n templateDir = {hooks.parent}\n[core]\n hooksPath = {hooks}\n"
        f'[filter "evil"]\n smudge = touch {mark}\n required = true\n'
        "[submodule]\n recurse = true\n[fetch]\n recurseSubmodules = true\n"
    )
    sha = commit(repository, files)
    git(repository, "update-index", "--add", "--cacheinfo", f"160000,{sha},templates/x")
    git(repository, "commit", "--quiet", "--message", "submodule")
    for folder in (hooks, repository / ".git" / "hooks"):
        for name in ("reference-transaction", "post-checkout", "post-merge", "pre-receive"):
            (folder / name).write_text(hook)
            (folder / name).chmod(0o755)
    environ = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": str(settings)}
    # of a short hash all branches are fetched, and written down
    for revision in ("main", sha[:10]):
        source = Source(str(repository), "templates", revision)
        found = Git(tmp_path / "git", environ).fetch(source)
        assert set(found.files) == {"train.yaml", "serve.yaml"}
    assert not mark.exists()


def test_a_branch_that_was_rewritten(ready: Client, repository: Path) -> None:
    text = template_files("2")["templates/train.yaml"]
    (repository / "templates" / "train.yaml").write_text(text)
    git(repository, "commit", "--quiet", "--all", "--amend", "--message", "rewritten")
    sha = git(repository, "rev-parse", "HEAD")
    assert refresh(ready, sha)["syncStatus"] == "Synced"
    assert executables(ready)["train"]["versionId"] == "2"


def test_only_the_commit_asked_for_is_fetched(tmp_path: Path, repository: Path) -> None:
    for number in range(3):
        sha = commit(repository, {"large.bin": os.urandom(200_000) + bytes([number])})
    git_ = Git(tmp_path / "git", {"PATH": os.environ["PATH"]})
    assert git_.fetch(Source(repository.as_uri(), "templates", "main")).commit == sha
    [mirror] = (tmp_path / "git").iterdir()
    assert git(mirror, "rev-list", "--count", "--all", "FETCH_HEAD") == "1"


def test_a_server_that_is_away_is_said_and_asked_again(
    tmp_path: Path, repository: Path, mocker: MockerFixture
) -> None:
    often = replace(realism.TIMINGS["fast"], sync_every=0.1)
    mocker.patch.object(realism, "TIMINGS", {**realism.TIMINGS, "fast": often})
    with running(tmp_path / "data") as client:
        onboard(client, repository)
        assert synced(client)["syncStatus"] == "Synced"
        sha = commit(repository, template_files("2"))
        # nobody asked
        synced(client, revision=sha)
        away = tmp_path / "away"
        repository.rename(away)
        path = f"{APPLICATIONS}/app/status"
        shown = wait_for(lambda: client.get(path), lambda shown: shown["syncStatus"] == "Unknown")
        assert str(repository) in shown["message"]
        assert executables(client)["train"]["versionId"] == "2"
        away.rename(repository)
        synced(client, revision=sha)
