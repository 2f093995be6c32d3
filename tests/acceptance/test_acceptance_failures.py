"""What goes wrong in training and serving, and what is left standing."""

from __future__ import annotations

import json
import urllib.request

from tests.acceptance.conftest import Project, token

APPLY = ("apply", "dev", "--local", "--auto-approve")


def greet(project: Project) -> str:
    """What the one running deployment answers."""
    env = project.emulator_environment()
    deployments = project.api("/lm/deployments", "small-dev")["resources"]
    (url,) = [d["deploymentUrl"] for d in deployments if d["status"] == "RUNNING"]
    request = urllib.request.Request(
        f"{url}/v1/greet",
        headers={"Authorization": f"Bearer {token(env)}", "AI-Resource-Group": "small-dev"},
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        return str(answer.read().decode())


def test_a_training_that_exits_1_is_dead_and_its_dependents_are_skipped(small: Project) -> None:
    """The last lines are shown, the exit code is 1, the summary says what was skipped."""
    result = small.cicd(*APPLY, "--var", "word=fail", "--summary", "summary.json")
    assert result.returncode == 1, result.stdout + result.stderr
    assert "execution/train │ cannot learn this" in result.stderr
    text = (small.root / "summary.json").read_text(encoding="utf-8")
    outcomes = {o["key"]: o for o in json.loads(text)["outcomes"]}
    assert (outcomes["execution/train"]["result"], outcomes["execution/train"]["status"]) == (
        "failed",
        "DEAD",
    )
    for key in ("configuration/serve", "deployment/serve", "destination/SMALL"):
        assert outcomes[key]["result"] == "skipped"
        assert "execution/train" in outcomes[key]["error"]
    assert small.api("/lm/deployments", "small-dev")["resources"] == []


def test_a_gate_that_is_not_met_leaves_the_old_deployment_serving(small: Project) -> None:
    """The same run is not taken for good by the next apply either."""
    assert small.cicd(*APPLY).returncode == 0
    assert greet(small) == "hi hello"
    for _ in range(2):
        result = small.cicd(*APPLY, "--var", "word=no")
        assert result.returncode == 1, result.stdout + result.stderr
        assert "letters" in result.stdout
        assert greet(small) == "hi hello"
    assert small.cicd(*APPLY, "--var", "word=better").returncode == 0
    assert greet(small) == "hi better"


def test_a_deployment_that_never_passed_its_smoke_test_gets_no_destination(small: Project) -> None:
    """Not by the next apply either, which finds it RUNNING and as declared."""
    small.edit("stages/dev.yaml", "expect: {contains: hi}", "timeout: 2s, expect: {contains: no}")
    for _ in range(2):
        result = small.cicd(*APPLY)
        assert result.returncode == 1, result.stdout + result.stderr
        assert "smoke test GET /v1/greet got 200 hi hello" in result.stdout
        rows = json.loads(small.cicd("status", "dev", "--local", "--output", "json").stdout)
        assert {row["key"]: row["status"] for row in rows}["destination/SMALL"] == "missing"
    small.edit("stages/dev.yaml", "contains: no", "contains: hello")
    assert small.cicd(*APPLY).returncode == 0
    unchanged = small.cicd(*APPLY)
    assert unchanged.returncode == 0
    assert "No changes" in unchanged.stdout


def test_changed_code_behind_the_same_image_trains_again(small: Project) -> None:
    """``watch`` counts as input, a comment in a template does not."""
    assert small.cicd(*APPLY).returncode == 0
    small.edit("templates/train.yaml", "spec:\n", "# only a comment\nspec:\n")
    plan = json.loads(small.cicd("plan", "dev", "--local", "--output", "json").stdout)
    assert {c["key"]: c["action"] for c in plan["changes"]}["execution/train"] == "no_op"
    small.edit("src/train.py", '"training on"', '"learning from"')
    plan = json.loads(small.cicd("plan", "dev", "--local", "--output", "json").stdout)
    assert {c["key"]: c["action"] for c in plan["changes"]}["execution/train"] == "run"


def test_the_seed_file_works_unchanged(small: Project) -> None:
    """The JSON of the blog: list bindings, clean_up after the new things are up, rerun always."""
    config = {
        "clean_up": True,
        "artifacts": [
            {
                "key": "word",
                "name": "Words",
                "kind": "dataset",
                "url": "ai://default/words",
                "scenario_id": "small",
            }
        ],
        "executions": [
            {
                "configuration": {
                    "name": "Training",
                    "scenario_id": "small",
                    "executable_id": "small-train",
                    "parameter_bindings": [{"key": "word", "value": "seed"}],
                    "input_artifact_bindings": [],
                },
                "wait_for_status": "COMPLETED",
            }
        ],
        "deployments": [],
    }
    small.write("cicd/config.json", json.dumps(config))
    small.write("Dockerfile", "FROM python:3.12-slim\nWORKDIR /app\nCOPY src src\n")
    env = {"AICORE_RESOURCE_GROUP": "small-dev"}
    assert small.cicd(*APPLY).returncode == 0
    command = ("apply", "cicd/config.json", "--local", "--auto-approve", "--force")
    plan = small.cicd("plan", "cicd/config.json", "--local", "--output", "json", env=env)
    actions = [change["action"] for change in json.loads(plan.stdout)["changes"]]
    assert actions.index("run") < actions.index("delete")
    for _ in range(2):
        result = small.cicd(*command, env=env)
        assert result.returncode == 0, result.stdout + result.stderr
        executions = small.api("/lm/executions", "small-dev")["resources"]
        assert [e["configurationName"] for e in executions] == ["Training"]
    assert small.api("/lm/deployments", "small-dev")["resources"] == []


PULLED = (
    "spec:\n  entrypoint: train\n",
    "spec:\n  imagePullSecrets: [{name: my-login}]\n  entrypoint: train\n",
)


def test_a_pull_secret_that_nobody_made_is_told_by_validate_plan_and_the_run(
    small: Project,
) -> None:
    """On a platform nothing stands in for it; with --local it does."""
    small.edit("templates/train.yaml", *PULLED)
    checked = small.cicd("validate", "dev")
    assert checked.returncode == 0
    assert 'execution/train needs the docker registry secret "my-login"' in checked.stdout
    local = small.cicd(*APPLY)
    assert local.returncode == 0, local.stdout + local.stderr
    assert 'there is no docker registry secret "my-login"' in local.stdout

    small.edit(
        "stages/dev.yaml", "revision: main}", f"revision: main, repository: {small.publish()}}}"
    )
    small.edit("stages/dev.yaml", "small-dev", "other-dev")
    env = {**small.emulator_environment(), "AICORE_RESOURCE_GROUP": "other-dev"}
    planned = small.cicd("plan", "dev", env=env)
    assert 'there is no docker registry secret "my-login"' in planned.stdout
    applied = small.cicd("apply", "dev", "--yes", env=env)
    assert applied.returncode == 1, applied.stdout + applied.stderr
    assert "DEAD" in applied.stdout
    says = 'there is no docker registry secret "my-login"'
    assert f"imagePullSecrets[*].name is invalid: {says}" in applied.stdout + applied.stderr
