"""A project in a folder of a repository: one meaning of its paths, whoever reads them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.conftest import Project, make_project

TEMPLATE = """\
    apiVersion: argoproj.io/v1alpha1
    kind: WorkflowTemplate
    metadata:
      name: hello-run
      labels: {scenarios.ai.sap.com/id: hello, ai.sap.com/version: "1.0"}
      annotations: {scenarios.ai.sap.com/name: hello, executables.ai.sap.com/name: hello}
    spec:
      entrypoint: main
      templates:
        - name: main
          container: {image: docker.io/library/python, command: [echo], args: [hi]}
    """
STAGE = """\
    branch: main
    aicore: {{resource_group: hello-dev}}
    git: {{application: hello, path: {path}, repository: "{repository}"}}
    executions:
      - configuration: {{name: say-hello, scenario_id: hello, executable_id: hello-run}}
    """
FOLDER = "my models/hällo"


def git(folder: Path, *arguments: str) -> str:
    who = ("-c", "user.name=someone", "-c", "user.email=someone@example.com")
    allowed = ("-c", "protocol.file.allow=always")
    done = subprocess.run(
        ["git", *who, *allowed, *arguments], cwd=folder, check=True, text=True, capture_output=True
    )
    return done.stdout.strip()


@pytest.fixture
def nested(tmp_path: Path) -> Iterator[Project]:
    """The project in its folder; ``root.parents[1]`` is the repository."""
    repository = tmp_path / "repo"
    repository.mkdir()
    environ = make_project(repository).environ
    project = Project(repository / FOLDER, environ)
    project.write("templates/hello.yaml", TEMPLATE)
    write(project)
    yield project
    project.stop()


def write(project: Project, path: str = "templates", repository: str = "") -> None:
    url = repository or project.root.parents[1].as_uri()
    project.write("stages/dev.yaml", STAGE.format(path=path, repository=url))
    top = project.root.parents[1]
    git(top, "add", "-A")
    git(top, "commit", "-q", "--allow-empty", "-m", path)


def test_apply_import_and_local_understand_the_same_path(nested: Project) -> None:
    assert nested.cicd("emulator", "start").returncode == 0
    environ = nested.emulator_environment()
    del environ["AICORE_RESOURCE_GROUP"]
    done = nested.cicd("apply", "dev", "--auto-approve", env=environ)
    assert done.returncode == 0, done.stderr
    [sent] = nested.api("/admin/applications", "hello-dev")["resources"]
    assert sent["path"] == f"{FOLDER}/templates"
    again = nested.cicd("plan", "dev", "--detailed-exitcode", env=environ)
    assert again.returncode == 0, again.stdout

    url = nested.root.parents[1].as_uri()
    git(nested.root, "remote", "add", "origin", url)
    imported = nested.cicd("import", "live", "--resource-group", "hello-dev", env=environ)
    assert imported.returncode == 0, imported.stderr
    written = (nested.root / "stages/live.yaml").read_text(encoding="utf-8")
    assert "path: templates\n" in written
    (nested.root / "stages/live.yaml").unlink()

    local = nested.cicd("apply", "dev", "--auto-approve", "--local")
    assert local.returncode == 0, local.stderr


def test_a_path_from_the_top_of_the_repository_is_told_the_right_value(nested: Project) -> None:
    for path in (f"{FOLDER}/templates", f"./{FOLDER}/templates/"):
        write(nested, path)
        for command in (["validate", "dev"], ["plan", "dev", "--offline"]):
            done = nested.cicd(*command)
            assert done.returncode == 3
            told = done.stdout + done.stderr
            assert f'git.path is relative to the project ({FOLDER}): write "templates"' in told
            assert "stages/dev.yaml:3:" in told


def test_templates_outside_of_the_project_are_told_so(nested: Project) -> None:
    for path in ("../../shared", f"../hällo/../{FOLDER.rpartition('/')[2]}/templates"):
        (nested.root.parents[1] / "shared").mkdir(exist_ok=True)
        write(nested, path)
        done = nested.cicd("validate", "dev")
        assert done.returncode == 3
        assert f"lies outside of the project ({FOLDER})" in done.stdout


def test_another_repository_is_read_from_its_own_top(nested: Project) -> None:
    git(nested.root, "remote", "add", "origin", "git@github.com:org/repo.git")
    write(nested, "argo/templates", "https://github.com/org/templates")
    done = nested.cicd("validate", "dev")
    assert done.returncode == 0, done.stdout
    assert "cannot be checked here [template-repository]" in done.stdout
    write(nested, "templates", "https://github.com/someone/repo.git")
    assert nested.cicd("validate", "dev").stdout == "dev: valid\n"


def test_templates_in_a_submodule_are_said_to_lie_in_one(nested: Project) -> None:
    other = nested.root.parents[2] / "shared"
    other.mkdir()
    git(other, "init", "-q", "-b", "main")
    (other / "argo").mkdir()
    (nested.root / "templates/hello.yaml").rename(other / "argo/hello.yaml")
    git(other, "add", "-A")
    git(other, "commit", "-q", "-m", "templates")
    git(nested.root.parents[1], "submodule", "add", "-q", other.as_uri(), f"{FOLDER}/shared")
    write(nested, "shared/argo")
    done = nested.cicd("validate", "dev")
    assert done.returncode == 0, done.stdout
    assert '"shared/argo" lies in the submodule shared' in done.stdout
    assert f"set git.repository to {other.as_uri()}" in done.stdout
    write(nested, "shared/argo", other.as_uri())
    assert nested.cicd("validate", "dev").stdout == "dev: valid\n"


def test_another_repository_may_have_a_folder_of_the_same_name(nested: Project) -> None:
    """As one does that holds the templates of many projects."""
    git(nested.root, "remote", "add", "origin", "git@github.com:org/repo.git")
    for path in (f"{FOLDER}/templates", FOLDER, "../x"):
        write(nested, path, "https://github.com/org/all-templates")
        done = nested.cicd("validate", "dev")
        assert done.returncode == 0, done.stdout
        assert f'"{path}" is read there as it is' in done.stdout


@pytest.fixture
def with_module(nested: Project) -> Project:
    """Its templates lie in the folder ``argo`` of a submodule whose URL is relative."""
    other = nested.root.parents[2] / "tpl"
    (other / "argo").mkdir(parents=True)
    git(other, "init", "-q", "-b", "main")
    (nested.root / "templates/hello.yaml").rename(other / "argo/hello.yaml")
    git(other, "add", "-A")
    git(other, "commit", "-q", "-m", "templates")
    top = nested.root.parents[1]
    git(top, "submodule", "add", "-q", other.as_uri(), f"{FOLDER}/lib")
    git(top, "remote", "add", "origin", "git@github.com:org/repo.git")
    git(top, "config", "-f", ".gitmodules", f"submodule.{FOLDER}/lib.url", "../tpl.git")
    return nested


def test_what_has_to_be_written_for_a_submodule_is_a_url_that_ai_core_takes(
    with_module: Project,
) -> None:
    write(with_module, "lib/argo", "https://github.com/org/repo")
    told = with_module.cicd("validate", "dev").stdout
    assert "set git.repository to https://github.com/org/tpl.git, or" in told
    write(with_module, "lib/argo", "https://github.com/org/tpl.git")
    assert with_module.cicd("validate", "dev").stdout == "dev: valid\n"


def test_templates_of_a_submodule_are_checked_where_it_is_checked_out(with_module: Project) -> None:
    write(with_module, "lib/argo", "https://github.com/org/tpl")
    with_module.edit("lib/argo/hello.yaml", "name: hello-run", "name: other-run")
    done = with_module.cicd("validate", "dev")
    assert done.returncode == 3
    assert 'executable "hello-run"' in done.stdout
    module = f"{FOLDER}/lib"
    git(with_module.root.parents[1], "submodule", "deinit", "-q", "-f", module)
    done = with_module.cicd("validate", "dev")
    assert done.returncode == 0, done.stdout
    assert "submodule lib, which is not checked out here" in done.stdout
    assert "git submodule update --init" in done.stdout


def test_local_takes_templates_out_of_a_submodule(with_module: Project) -> None:
    write(with_module, "lib/argo", "https://github.com/org/tpl")
    before = git(with_module.root.parents[1], "status", "--porcelain")
    done = with_module.cicd("apply", "dev", "--auto-approve", "--local")
    assert done.returncode == 0, done.stdout
    assert "submodule" not in done.stdout + done.stderr
    again = with_module.cicd("plan", "dev", "--local", "--detailed-exitcode")
    assert again.returncode == 0, again.stdout
    assert git(with_module.root.parents[1], "status", "--porcelain") == before


def test_a_commit_of_the_submodule_is_not_taken_for_one_of_the_project(
    with_module: Project,
) -> None:
    """What was applied last is looked for in the project's own repository."""
    write(with_module, "lib/argo", (with_module.root.parents[2] / "tpl").as_uri())
    assert with_module.cicd("emulator", "start").returncode == 0
    environ = with_module.emulator_environment()
    del environ["AICORE_RESOURCE_GROUP"]
    applied = with_module.cicd("apply", "dev", "--auto-approve", env=environ)
    assert applied.returncode == 0, applied.stdout
    [sent] = with_module.api("/admin/applications", "hello-dev")["resources"]
    assert sent["path"] == "argo"
    with_module.edit(
        "stages/dev.yaml", "executable_id: hello-run}", "executable_id: hello-run}\n    timeout: 7h"
    )
    planned = with_module.cicd("plan", "dev", env=environ)
    assert "not in this checkout" not in planned.stdout + planned.stderr
    assert "timeout" in planned.stdout


def test_stages_of_one_name_in_one_resource_group_are_two(nested: Project) -> None:
    """Lock, label and tags: neither project takes what the other has made for its own."""
    top = Project(nested.root.parents[1], nested.environ)
    stage = (nested.root / "stages/dev.yaml").read_text(encoding="utf-8")
    stage = stage.replace("path: templates", f'path: "{FOLDER}/templates"')
    top.write("stages/dev.yaml", stage.replace("application: hello", "application: top-hello"))
    git(top.root, "add", "-A")
    git(top.root, "commit", "-q", "-m", "two projects")
    assert nested.cicd("emulator", "start").returncode == 0
    environ = nested.emulator_environment()
    del environ["AICORE_RESOURCE_GROUP"]
    applied = nested.cicd("apply", "dev", "--auto-approve", env=environ)
    assert applied.returncode == 0, applied.stderr
    [group] = nested.api("/admin/resourceGroups", "hello-dev")["resources"][-1:]
    labels = {label["key"]: label["value"] for label in group["labels"]}
    assert labels["ext.ai.sap.com/cicd.stage"] == f"{FOLDER}/dev"
    [run] = nested.api("/lm/executions", "hello-dev")["resources"]
    tags = nested.api(f"/lm/metrics?executionIds={run['id']}", "hello-dev")["resources"][0]["tags"]
    named = {tag["name"]: tag["value"] for tag in tags}
    assert (named["cicd.project"], named["cicd.stage"]) == (FOLDER, "dev")

    planned = top.cicd("plan", "dev", env=environ)
    assert f"is of stage {FOLDER}/dev, used as it is" in planned.stdout + planned.stderr
    destroyed = top.cicd("destroy", "dev", "--yes", "--stage-name", "dev", env=environ)
    assert destroyed.returncode == 5, destroyed.stdout
    assert f"is of stage {FOLDER}/dev" in destroyed.stderr
    assert len(nested.api("/lm/executions", "hello-dev")["resources"]) == 1
    own = nested.cicd("destroy", "dev", "--yes", "--stage-name", "dev", env=environ)
    assert own.returncode == 0, own.stderr


def test_a_run_of_another_project_is_not_taken_for_one_of_ours_by_its_tags(nested: Project) -> None:
    """Its stage and its key have the same names; its configuration is of no stage here."""
    top = Project(nested.root.parents[1], nested.environ)
    stage = (nested.root / "stages/dev.yaml").read_text(encoding="utf-8")
    stage = stage.replace("path: templates", f'path: "{FOLDER}/templates"')
    stage = stage.replace("name: say-hello", "name: say-something-else")
    top.write(
        "stages/dev.yaml", stage.replace("- configuration:", "- key: say-hello\n    configuration:")
    )
    git(top.root, "add", "-A")
    git(top.root, "commit", "-q", "-m", "two projects")
    assert nested.cicd("emulator", "start").returncode == 0
    environ = nested.emulator_environment()
    del environ["AICORE_RESOURCE_GROUP"]
    applied = nested.cicd("apply", "dev", "--auto-approve", env=environ)
    assert applied.returncode == 0, applied.stderr
    listed = {}
    for project in (nested, top):
        done = project.cicd("list", "executions", "dev", "-o", "json", env=environ)
        assert done.returncode == 0, done.stderr
        [item] = json.loads(done.stdout)["executions"]
        listed[project.root] = (item["key"], item["unmanaged"])
    assert listed == {nested.root: ("execution/say-hello", False), top.root: ("", True)}


@pytest.mark.parametrize("others", [["forecast"], ["a b", "über"], ["teams/one", "teams/two"]])
def test_status_of_all_shows_every_project_from_the_top(nested: Project, others: list[str]) -> None:
    top = Project(nested.root.parents[1], nested.environ)
    stage = (nested.root / "stages/dev.yaml").read_text(encoding="utf-8")
    for other in others:
        top.write(f"{other}/stages/dev.yaml", stage)
        top.write(f"{other}/templates/hello.yaml", TEMPLATE)
    assert nested.cicd("emulator", "start").returncode == 0
    environ = nested.emulator_environment()
    del environ["AICORE_RESOURCE_GROUP"]
    said = top.cicd("status", "--all", env=environ)
    assert said.returncode == 0, said.stderr
    for project in [FOLDER, *others]:
        assert f"stage {project}/dev · hello-dev" in said.stdout
    rows = json.loads(top.cicd("status", "--all", "-o", "json", env=environ).stdout)
    keys = {(row["project"], row["stage"], row["key"]) for row in rows}
    assert {(p, "dev", "execution/say-hello") for p in [FOLDER, *others]} <= keys
    (top.root / "stages").mkdir()
    none = top.cicd("status", "--all", env=environ)
    assert none.returncode == 64 and "the project has no stage" in none.stderr
