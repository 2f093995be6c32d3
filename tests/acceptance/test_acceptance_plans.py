"""A plan that was reviewed is what is applied, or nothing is, and it is said what moved."""

from __future__ import annotations

import json
import shutil
import subprocess
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.conftest import Project, token

GROUP = "small-dev"
CANARY = "canary-0815"
ARTIFACT = {"name": "data", "kind": "dataset", "url": "ai://default/data", "scenarioId": "small"}
ARTIFACTS = """\
artifacts:
  - {key: data, name: data, kind: dataset, url: "ai://default/data", scenario_id: small}
executions:
"""


def plan(project: Project, *arguments: str, code: int = 0, **more: Any) -> dict[str, Any]:
    """Save a plan of dev to plan.json and give its document."""
    result = project.cicd("plan", "dev", "--out", "plan.json", *arguments, **more)
    assert result.returncode == code, result.stdout + result.stderr
    document: dict[str, Any] = json.loads((project.root / "plan.json").read_text("utf-8"))
    return document


def apply_saved(project: Project, *arguments: str, **more: Any) -> subprocess.CompletedProcess[str]:
    result = project.cicd("apply", "--plan", "plan.json", *arguments, **more)
    assert "Traceback" not in result.stderr
    return result


def refused(result: subprocess.CompletedProcess[str]) -> str:
    """The words of a refusal, which is one line and comes before anything is sent."""
    assert result.returncode == 5, result.stdout + result.stderr
    lines = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1
    assert "│ applied" not in result.stderr
    return lines[0]


def patch(project: Project, path: str, body: Any) -> None:
    """What someone else does with a client of their own."""
    env = project.emulator_environment()
    request = urllib.request.Request(
        f"{env['AICORE_BASE_URL']}{path}",
        data=json.dumps(body).encode(),
        headers={
            "Authorization": f"Bearer {token(env)}",
            "AI-Resource-Group": GROUP,
            "Content-Type": "application/json",
        },
        method="PATCH",
    )
    urllib.request.urlopen(request, timeout=30).close()


def test_a_first_deployment_is_bound_to_its_sources_and_applied_when_nothing_moved(
    small: Project,
) -> None:
    folder = small.root / "kept"
    document = plan(small, "--local")
    assert document["summary"]["create"] == 7
    assert set(document["bound"]["templates"]) == {"templates/serve.yaml", "templates/train.yaml"}
    for part in ("stages", "templates"):
        shutil.copytree(small.root / part, folder / part)

    def back() -> None:
        shutil.copytree(folder, small.root, dirs_exist_ok=True)

    small.edit("stages/dev.yaml", "min: 3", "min: 4")
    assert "the stage file was edited" in refused(apply_saved(small, "--local"))
    back()
    told = refused(apply_saved(small, "--local", "--var", "word=other"))
    assert "variable word changed" in told
    assert "edited" not in told
    small.edit("templates/train.yaml", "value: hello", "value: hallo")
    assert "template templates/train.yaml changed" in refused(apply_saved(small, "--local"))
    back()
    small.edit("src/train.py", "training on", "learning from")
    # what runs behind a moving image tag is an input too
    told = refused(apply_saved(small, "--local"))
    assert "execution/train: file src/train.py changed" in told
    assert "null" not in told
    small.edit("src/train.py", "learning from", "training on")

    result = apply_saved(small, "--local")
    assert result.returncode == 0, result.stdout + result.stderr
    again = small.cicd("apply", "dev", "--local", "--auto-approve")
    assert (again.returncode, "No changes." in again.stdout) == (0, True), again.stdout
    # the plan of a first deployment fits once
    assert "plan.json was applied at" in refused(apply_saved(small, "--local"))


def test_templates_and_other_people_show_in_a_plan(small: Project) -> None:
    assert small.cicd("apply", "dev", "--local", "--auto-approve").returncode == 0
    old = (small.root / "templates/serve.yaml").read_text("utf-8")
    small.write("templates/old.yaml", old.replace("small-serve", "small-old"))
    small.edit("templates/serve.yaml", "default: hi}", "default: hi}, {name: tone, default: '1'}")
    text = small.cicd("plan", "dev", "--local").stdout
    assert "small-serve (templates/serve.yaml): parameter tone added (default 1)" in text
    assert "small-old 1.0.0 is new: parameters greeting (default hi); takes model" in text
    assert small.cicd("apply", "dev", "--local", "--auto-approve").returncode == 0
    (small.root / "templates/old.yaml").unlink()
    text = small.cicd("plan", "dev", "--local").stdout
    assert "application/small: executables.small-old is live and not declared here" in text
    assert small.cicd("apply", "dev", "--local", "--auto-approve").returncode == 0
    assert "No changes." in small.cicd("plan", "dev", "--local").stdout

    (deployment,) = small.api("/lm/deployments", GROUP)["resources"]
    configuration = small.api(f"/lm/configurations/{deployment['configurationId']}", GROUP)
    bindings = [{"key": "greeting", "value": "hey"}]
    body = {
        "name": "small-serving",
        "scenarioId": "small",
        "executableId": "small-serve",
        "parameterBindings": bindings,
        "inputArtifactBindings": configuration["inputArtifactBindings"],
    }
    plan(small, "--local", "--rerun", "execution/train")
    other = small.api("/lm/configurations", GROUP, body)["id"]
    patch(small, f"/lm/deployments/{deployment['id']}", {"configurationId": other})
    told = refused(apply_saved(small, "--local"))
    assert f'deployment/serve: configuration was "{deployment["configurationId"]}"' in told
    assert f'is now "{other}"' in told


def test_another_stage_of_the_same_group_is_left_alone(small: Project) -> None:
    assert small.cicd("apply", "dev", "--local", "--auto-approve").returncode == 0
    stage = (small.root / "stages/dev.yaml").read_text("utf-8")
    small.write("stages/tst.yaml", stage.replace("branch: main", "branch: tst"))
    result = small.cicd("plan", "tst", "--local", "--var", "word=another", "--out", "tst.json")
    told = refused(result)
    assert "deployment/serve" in told
    assert "is of stage dev and would be updated" in told
    assert "repeat with --other-stages" in told
    document = json.loads((small.root / "tst.json").read_text("utf-8"))
    assert "is of stage dev" in document["refusal"]
    assert "is of stage dev" in refused(small.cicd("destroy", "tst", "--local", "--auto-approve"))
    # an equal run may be used, it is not touched
    same = small.cicd("plan", "tst", "--local", "--select", "execution/train")
    assert same.returncode == 0, same.stdout + same.stderr
    assert "execution/train" in same.stdout
    assert "is of stage dev, used as it is" in same.stdout


def test_an_equal_artifact_and_the_options_of_a_plan(small: Project) -> None:
    small.edit("stages/dev.yaml", "executions:\n", ARTIFACTS)
    small.cicd("apply", "dev", "--local", "--auto-approve", "--select", "resource_group/*")
    document = plan(small, "--local", "--select", "artifact/*")
    assert document["bound"]["options"]["select"] == ["artifact/*"]
    pulled, left = document["warnings"][-2:]
    assert pulled.startswith("--select pulled in what the selected ones need: ")
    assert "are not selected: " in left

    wrong = apply_saved(small, "--local", "--select", "deployment/*")
    assert wrong.returncode == 64, wrong.stderr
    assert "leave out --select" in wrong.stderr
    found = small.api("/lm/artifacts", GROUP, ARTIFACT)["id"]
    told = refused(apply_saved(small, "--local"))
    assert f"artifact/data: was create, is now no_op (equal artifact {found} exists)" in told

    document = plan(small, "--local", "--select", "artifact/*")
    assert document["summary"]["create"] == 2
    assert apply_saved(small, "--local").returncode == 0
    assert small.api("/lm/executions", GROUP)["resources"] == []


def test_another_commit_is_another_plan(small: Project) -> None:
    def commit(message: str) -> str:
        git = ["git", "-c", "user.name=x", "-c", "user.email=x@example.com"]
        subprocess.run([*git, "add", "src", "stages", "templates"], cwd=small.root, check=True)
        arguments = ["commit", "-q", "--allow-empty", "-m", message]
        subprocess.run([*git, *arguments], cwd=small.root, check=True)
        head = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=small.root, check=True, capture_output=True, text=True
        )
        return head.stdout.strip()

    url = small.root.as_uri()
    small.edit(
        "stages/dev.yaml", "application: small,", f'application: small, repository: "{url}",'
    )
    assert small.cicd("emulator", "start").returncode == 0
    env = small.emulator_environment()
    first = commit("first")
    assert plan(small, env=env)["commit"] == first
    second = commit("second")
    told = refused(apply_saved(small, env=env))
    assert f'commit: was "{first}", is now "{second}"' in told


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        ({"schema_version": 2, "tool_version": "9.9.9"}, 5, "made by cicd 9.9.9"),
        ({"schema_version": None}, 5, "schema_version null"),
        ({"fingerprint": "0" * 64, "bound": None}, 5, "does not say which stage file"),
        (None, 3, "not a plan"),
    ],
)
def test_a_file_of_another_version_is_refused_and_what_is_no_plan_is_wrong(
    small: Project, change: dict[str, Any] | None, code: int, words: str
) -> None:
    document = plan(small, "--offline")
    content = {"x": 1} if change is None else {**document, **change}
    (small.root / "plan.json").write_text(json.dumps(content), "utf-8")
    result = apply_saved(small, "--local")
    assert result.returncode == code, result.stderr
    assert words in result.stderr


def test_offline_needs_no_login_and_its_plan_holds_no_secret_and_cannot_be_applied(
    small: Project,
) -> None:
    git = 'repository: "https://example.com/x", username: "${env.WHO}", password: "${env.PASS}",'
    small.edit("stages/dev.yaml", "application: small,", f"application: small, {git}")
    small.edit("stages/dev.yaml", "word: hello", 'word: "${env.WORD}"')
    small.edit("stages/dev.yaml", "smoke_test", "existing_deployment_id: d0815\n    smoke_test")
    env = {"WORD": f"{CANARY}-word", "WHO": f"{CANARY}-who", "PASS": f"{CANARY}-pass"}
    document = plan(small, "--offline", env=env)
    assert set(document["summary"]) == {"create", "update", "replace", "run", "delete", "no_op"}
    assert {change["action"] for change in document["changes"]} == {"create", "run"}
    assert list(document["bound"]["variables"]) == ["word"]
    assert CANARY not in (small.root / "plan.json").read_text("utf-8")
    assert plan(small, "--offline", env=env)["bound"] == document["bound"]
    without = {"WORD": "other"}
    assert (
        plan(small, "--offline", env=without)["bound"]["variables"]
        != document["bound"]["variables"]
    )
    assert not (small.root / ".cicd").exists()
    for output, words in (
        ("markdown", "### Stage <code>dev</code>: "),
        ("html", "<!doctype html>"),
    ):
        result = small.cicd("plan", "dev", "--offline", "--output", output, env=env)
        assert (result.returncode, result.stdout.startswith(words)) == (0, True), result.stderr
        assert CANARY not in result.stdout + result.stderr
    small.edit("stages/dev.yaml", "existing_deployment_id: d0815\n    ", "")
    plan(small, "--offline", env=env)
    assert "--offline" in refused(apply_saved(small, "--local", env=env))


def test_a_saved_plan_is_nothing_but_the_plan(small: Project, tmp_path: Path) -> None:
    out = tmp_path / "elsewhere.json"
    result = small.cicd("plan", "dev", "--offline", "--output", "json", "--out", str(out))
    shown, saved = json.loads(result.stdout), json.loads(out.read_text("utf-8"))
    assert shown == saved
