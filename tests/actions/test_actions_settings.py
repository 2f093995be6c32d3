"""Every setting with every event: what a pull request was planned with is what is deployed."""

from __future__ import annotations

import atexit
import functools
import itertools
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cicd.scaffold.workflows import in_folder, slug_of
from tests.acceptance.conftest import REPOSITORY, Project
from tests.actions.action_runner import Runner, load
from tests.actions.conftest import Installed, Recorder, make_recorder
from tests.actions.test_actions_scaffold import COMPARE, job, needs_jq, put_gh
from tests.forges.github_server import GitHub, running

SCAFFOLD = REPOSITORY / "cicd/scaffold/aicore/.github/workflows"
OWN = REPOSITORY / ".github/workflows"
SETTINGS = {
    "CICD_IMAGE": "registry.example/houses",
    "CICD_IMAGE_CONTEXT": "code",
    "CICD_REQUIRE_REVIEWED_PLAN": "true",
    "CICD_INSTALL": "git+https://example.com/cicd",
}
CHOICES = [
    dict(itertools.compress(SETTINGS.items(), chosen))
    for chosen in itertools.product((False, True), repeat=len(SETTINGS))
]
EVENTS = ("pull_request", "fork", "dependabot", "merge_group", "push", "schedule")
QUEUE = "gh-readonly-queue/main/pr-7-0123456789"
FOLDER = tempfile.TemporaryDirectory()
atexit.register(FOLDER.cleanup)
DOCKER = """\
#!{python} -IS
import hashlib, json, sys, pathlib
registry = pathlib.Path({registry!r})
pushed = set(registry.read_text().split()) if registry.exists() else set()
command, last = sys.argv[1], sys.argv[-1]
if command == "build":
    (registry.parent / "built").open("a").write(sys.argv[3] + "\\n")
elif command == "push":
    registry.write_text("\\n".join([*pushed, last]))
elif command == "pull":
    sys.exit(last not in pushed)
elif command == "inspect":
    print(last.rpartition(":")[0] + "@sha256:" + hashlib.sha256(last.encode()).hexdigest()[:8])
"""


def git(folder: Path, *arguments: str) -> str:
    who = ("-c", "user.name=someone", "-c", "user.email=someone@example.com")
    done = subprocess.run(
        ["git", *who, *arguments], cwd=folder, check=True, text=True, capture_output=True
    )
    return done.stdout.strip()


def put_docker(folder: Path, state: Path) -> None:
    program = folder / "docker"
    registry = str(state / "registry")
    program.write_text(DOCKER.format(python=sys.executable, registry=registry))
    program.chmod(0o755)


@functools.cache
def repository(event: str) -> Path:
    """The same files as for every other event, in a commit of its own; to be copied."""
    folder = Path(FOLDER.name, event)
    git(Path(FOLDER.name), "init", "-q", "-b", "main", "--template=", event)
    for path in ("templates/workloads/train.py", "code/train.py", "stages/dev.yaml"):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(path)
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", event)
    return folder


def prepared(recorder: Recorder, settings: dict[str, str], event: str) -> Runner:
    """A job on a commit of its own with the same files as every other."""
    name = {"fork": "pull_request", "dependabot": "pull_request"}.get(event, event)
    runner = recorder.job(event_name=name)
    work = runner.workspace
    committed = repository(event)
    shutil.copytree(committed, work, dirs_exist_ok=True)
    put_docker(recorder.folder / "bin", recorder.folder.parent)
    runner.environ["GITHUB_SHA"] = (committed / ".git/refs/heads/main").read_text().strip()
    github = runner.contexts["github"]
    if event == "fork":
        github["event"]["pull_request"]["head"]["repo"]["full_name"] = "someone/fork"
    if event == "dependabot":
        github["actor"] = "dependabot[bot]"
    if event == "merge_group":
        github["event"]["merge_group"] = {"base_ref": "refs/heads/main"}
        runner.environ |= {"GITHUB_REF": f"refs/heads/{QUEUE}", "GITHUB_REF_NAME": QUEUE}
    elif name == "pull_request":
        github["base_ref"] = "main"
    else:
        github["ref_name"] = "main"
    runner.contexts["vars"] = settings
    return runner


def planned(recorder: Recorder, folder: Path, settings: dict[str, str], event: str) -> list[str]:
    """The arguments of the plan, whether it is a command or an action."""
    runner = prepared(recorder, settings, event)
    name, command = {"push": ("deploy", "plan"), "schedule": ("drift", "drift")}.get(
        event, ("plan", "plan")
    )
    runner.contexts["matrix"] = {"stage": "dev", "branch": "main"}
    job = load(folder / f"{name}.yml")["jobs"][command]
    steps = [step for step in job["steps"] if step.get("name") != COMPARE]
    environment = job["environment"]["name"]
    assert runner.fill(environment) == "dev-plan"
    runner.run_steps([step for step in steps if "pip install" not in step.get("run", "")])
    assert not runner.failed, runner.done
    calls = [call for call in recorder.calls if call[0] == "plan"]
    given = [done.inputs for done in runner.done if done.inputs.get("command") == command]
    if folder == OWN:
        [inputs] = given
        return [part for text in inputs["variables"].splitlines() for part in ("--var", text)]
    [call] = calls
    if event == "schedule":
        assert call[:5] == ["plan", "dev", "--drift", "--out", "plan.json"]
        return call[5:]
    assert call[:5] == ["plan", "--out", "plan.json", "--output", "html"]
    return call[5:]


@pytest.mark.parametrize("folder", [SCAFFOLD, OWN], ids=["scaffold", "own"])
@pytest.mark.parametrize("settings", CHOICES, ids=lambda it: "+".join(it) or "none")
def test_every_event_plans_with_the_same_inputs(
    tmp_path: Path, folder: Path, settings: dict[str, str]
) -> None:
    """All but those that get no secrets: they are planned offline, without an image."""
    found = {}
    for event in EVENTS:
        place = tmp_path / event
        found[event] = planned(make_recorder(place), folder, settings, event)
    secretless = [] if folder == OWN else ["--offline"]  # the action finds out by itself
    assert found["fork"] == found["dependabot"] == secretless
    assert found["pull_request"] == found["merge_group"] == found["push"] == found["schedule"]
    assert bool(found["push"]) is ("CICD_IMAGE" in settings)
    built = tmp_path / "built"
    assert len(built.read_text().split()) == 1 if "CICD_IMAGE" in settings else not built.exists()


@pytest.fixture
def github() -> Iterator[GitHub]:
    with running() as server:
        yield server


@needs_jq
@pytest.mark.slow
def test_an_image_goes_together_with_a_reviewed_plan(
    installed: Installed, small: Project, tmp_path: Path, github: GitHub
) -> None:
    assert small.cicd("emulator", "start").returncode == 0
    tenant = small.emulator_environment()
    small.edit("stages/dev.yaml", "{word: hello}", "{image: none}")
    small.edit("stages/dev.yaml", "${var.word}", "${var.image}")
    settings = {**SETTINGS, "CICD_IMAGE_CONTEXT": "src"}
    (tmp_path / "tools").mkdir()
    put_docker(tmp_path / "tools", tmp_path)

    def run(name: str, event: str, file: str) -> Runner:
        git(small.root, "add", "stages", "templates", "src")
        git(small.root, "commit", "-q", "--allow-empty", "-m", name)
        runner = job(installed, small, tmp_path / name, event, github, tenant)
        runner.environ["PATH"] = f"{tmp_path / 'tools'}:{runner.environ['PATH']}"
        runner.environ["GITHUB_SHA"] = git(small.root, "rev-parse", "HEAD")
        runner.contexts["vars"] = settings
        runner.run_job(SCAFFOLD / file, "plan")
        return runner

    reviewed = run("review", "pull_request", "plan.yml")
    assert not reviewed.failed, reviewed.done
    plan = json.loads((small.root / "plan.json").read_text())
    put_gh(tmp_path / "tools", plan=plan)
    pushed = run("push", "push", "deploy.yml")
    assert not pushed.failed, pushed.done
    assert pushed.done[-1].name == COMPARE
    for file in (small.root / "reviewed").iterdir():
        file.unlink()
    (small.root / "reviewed").rmdir()
    (small.root / "src/train.py").write_text("# other code\n")
    other = run("other", "push", "deploy.yml")
    assert other.failed
    assert "no longer fits" in other.text(COMPARE)


OFFLINE = {"stage": "dev", "bound": {"offline": True}, "changes": []}
SAME = {"stage": "dev", "bound": {"offline": False}, "changes": []}


@needs_jq
@pytest.mark.parametrize(
    ("plan", "stage", "words"),
    [
        (OFFLINE, "", "without a login, as for a fork or Dependabot"),
        ({**SAME, "bound": {}}, "tag: ${git.commit}", "hold ${git.commit}"),
        ({**SAME, "bound": {}}, "", "no longer fits"),
        ({**SAME, "tool_version": "9", "hints": ["3 more"], "warnings": ["x"]}, "", ""),
    ],
)
def test_what_does_not_go_with_a_reviewed_plan_is_said(
    recorder: Recorder, plan: dict[str, Any], stage: str, words: str
) -> None:
    runner = recorder.job()
    put_gh(recorder.folder / "bin", plan=plan)
    (runner.workspace / "stages").mkdir()
    (runner.workspace / "stages/dev.yaml").write_text(stage)
    (runner.workspace / "plan.json").write_text(json.dumps(SAME))
    runner.environ["GITHUB_SHA"] = "def"
    runner.contexts["vars"] = {"CICD_REQUIRE_REVIEWED_PLAN": "true"}
    steps = load(SCAFFOLD / "deploy.yml")["jobs"]["plan"]["steps"]
    runner.run_steps([step for step in steps if step.get("name") == COMPARE])
    [done] = runner.done
    assert done.code == (5 if words else 0), done
    assert words in done.output


# a project in a folder


FOLDERS = ["churn", "Churn", "ml/churn", "ml-churn", "my models/Häuser", "a--b", "x'y", "1"]


def test_two_folders_never_share_a_name() -> None:
    assert len({slug_of(folder) for folder in FOLDERS}) == len(FOLDERS)
    assert slug_of("churn") == "churn"


@pytest.mark.parametrize("folder", FOLDERS)
def test_workflows_of_a_folder_share_nothing_with_another(folder: str) -> None:
    from ruamel.yaml import YAML

    texts = {f".github/workflows/{file.name}": file.read_text() for file in SCAFFOLD.iterdir()}
    texts["stages/dev.yaml"] = "branch: main"
    found = in_folder(texts, folder)
    slug = slug_of(folder)
    assert found.pop(f"{folder}/stages/dev.yaml") == "branch: main"
    assert sorted(found) == [
        f".github/workflows/{name}-{slug}.yml" for name in ("deploy", "drift", "plan")
    ]
    for text in found.values():
        document = YAML(typ="safe").load(text)
        assert document["name"].endswith(f" {folder}")
        assert document["defaults"]["run"]["working-directory"] == folder
        groups = [document.get("concurrency", {}), *document["jobs"].values()]
        names = [it.get("group") or (it.get("concurrency") or {}).get("group") for it in groups]
        assert all(f"-{slug}-" in name for name in names if name)
        for steps in document["jobs"].values():
            where = steps["environment"]
            assert (where if isinstance(where, str) else where["name"]).startswith(f"{slug}-")
            assert steps["name"].endswith(f" {folder}")
            for step in steps["steps"]:
                given = step.get("with") or {}
                if "artifact" in step.get("uses", ""):
                    assert given["name"].endswith(f"-{slug}")
                    assert all(
                        line.startswith(f"{folder}/") for line in given["path"].split("\n") if line
                    )
        for event in ("push", "pull_request"):
            if isinstance(document["on"], dict) and event in document["on"]:
                assert document["on"][event]["paths"][0].endswith("/**")


def test_the_scaffold_in_a_folder_is_whole(tmp_path: Path) -> None:
    from tests.acceptance.conftest import make_project

    (tmp_path / "repo").mkdir()
    project = make_project(tmp_path / "repo")
    for folder in ("churn", "my models/Häuser"):
        done = project.cicd("init", folder, "--yes")
        assert done.returncode == 0, done.stderr
        inner = Project(project.root / folder, project.environ)
        assert inner.cicd("validate", "--all").returncode == 0
        assert not (inner.root / ".github").exists()
        assert "nothing to do" in project.cicd("init", folder, "--yes").stdout
    assert len(list((project.root / ".github/workflows").iterdir())) == 6


# the action


def results(runner: Runner) -> list[str]:
    return sorted(path.name for path in Path(runner.outputs(REPOSITORY)["results"]).iterdir())


WRITER = """\
#!{python}
import json, pathlib, sys
if "--out" in sys.argv:
    pathlib.Path(sys.argv[sys.argv.index("--out") + 1]).write_text(json.dumps(sys.argv[-1]))
"""


@pytest.mark.parametrize(
    ("stages", "names"),
    [
        ("v1.0\nv1.1", ["v1.0", "v1.1"]),
        ("a/stages/dev.yaml\nb/stages/dev.yaml\ndev", ["dev", "dev-2", "dev-3"]),
        ("dev.yml\ndev-2\ndev.json", ["dev", "dev-2", "dev-3"]),
        ("v1.yaml.d/x", ["x"]),
        ("x y\nx_y", ["x_y", "x_y-2"]),
        ("Dev\ndev\nDEV", ["Dev", "dev-2", "DEV-3"]),
        ("dev\nDEV-2\nDev", ["dev", "DEV-2", "Dev-3"]),
    ],
)
def test_no_two_stages_share_a_file(recorder: Recorder, stages: str, names: list[str]) -> None:
    runner = recorder.job()
    program = recorder.folder / "bin" / "cicd"
    program.write_text(WRITER.format(python=sys.executable))
    runner.steps["install"] = {"outputs": {"python": sys.executable}}
    runner.run(REPOSITORY, {"stages": stages}, skip=("install", "report"))
    assert results(runner) == sorted(f"plan-{name}.json" for name in names)


@pytest.mark.parametrize(
    ("folder", "inputs", "name"),
    [
        (".", {}, "cicd"),
        (".", {"stages": "dev"}, "cicd-dev"),
        (".", {"artifact-name": "mine"}, "mine"),
        ("churn", {}, "cicd-churn"),
        ("churn", {"stages": "v1.0"}, "cicd-churn-v1.0"),
        ("ml/churn", {}, "cicd-ml-churn-"),
        ("Churn", {}, "cicd--hurn-"),
        (".", {"stages": "a/stages/dev.yaml\nb/stages/dev.yaml"}, "cicd-a-stages-dev.yaml-b-"),
    ],
)
def test_artifacts_are_named_after_folder_and_stages(
    recorder: Recorder, folder: str, inputs: dict[str, str], name: str
) -> None:
    runner = recorder.job()
    git(runner.workspace, "init", "-q")
    (runner.workspace / folder).mkdir(parents=True, exist_ok=True)
    given = {**inputs, "working-directory": folder}
    assert runner.run(REPOSITORY, given, skip=("install",)), runner.done
    [upload] = [done for done in runner.done if done.name.startswith("Upload")]
    found = upload.inputs["name"]
    assert found == name or (name.endswith("-") and found.startswith(name))


def test_a_downloaded_plan_is_found_from_a_folder(recorder: Recorder) -> None:
    runner = recorder.job()
    for folder in ("churn", "reviewed"):
        (runner.workspace / folder).mkdir()
    (runner.workspace / "reviewed/plan.json").write_text("{}")
    given = {"command": "apply", "plan": "reviewed/plan.json", "working-directory": "churn"}
    assert runner.run(REPOSITORY, given, skip=("install",)), runner.done
    [call] = recorder.calls
    assert call[call.index("--plan") + 1] == str(runner.workspace / "reviewed/plan.json")


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (137, "cicd was killed (exit code 137)"),
        (64, "cicd ended before there was a plan (exit code 64), see the log of the run"),
        (127, "cicd ended before there was a plan (exit code 127), see the log of the run"),
    ],
)
def test_what_ends_without_a_plan_is_told(recorder: Recorder, code: int, reason: str) -> None:
    runner = recorder.job({"dev": code}, event_name="pull_request")
    assert not runner.run(REPOSITORY, {"stages": "dev\ntst"}, skip=("install",))
    assert [call for call in recorder.calls if call[0] == "comment"] == [
        ["comment", "--failed", reason, "--stage", "dev"]
    ]


@pytest.mark.parametrize("file", [SCAFFOLD / "plan.yml", OWN / "plan.yml"], ids=["scaffold", "own"])
@pytest.mark.parametrize("broken", ["build", "push", "inspect"])
def test_an_image_that_cannot_be_built_is_told(recorder: Recorder, file: Path, broken: str) -> None:
    """There is no plan then, and the last one would stay as if it were of this commit."""
    runner = prepared(recorder, SETTINGS, "pull_request")
    program = recorder.folder / "bin" / "docker"
    program.write_text(f'#!/bin/sh\n[ "$1" = pull ] && exit 1\n[ "$1" != {broken} ]\n')
    assert not runner.run_job(file, "plan")
    commented = [call for call in recorder.calls if call[0] == "comment"]
    reason = "the image was not built or pushed, see the log of the run"
    assert commented == [["comment", "--failed", reason]]
    assert not [call for call in recorder.calls if call[0] == "plan"]
