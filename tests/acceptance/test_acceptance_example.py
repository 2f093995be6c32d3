"""The main job: what the README promises, seen from outside."""

from __future__ import annotations

import json
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.acceptance.conftest import Project, token

APPLY = ("apply", "dev", "--local", "--auto-approve")
HOUSE = {"area_m2": 100, "rooms": 4, "age_years": 10, "centre_km": 3}


def summary(project: Project, *arguments: str) -> dict[str, dict[str, str]]:
    """Apply; the outcomes by key."""
    file = project.root / "summary.json"
    result = project.cicd(*APPLY, "--summary", str(file), *arguments)
    assert result.returncode == 0, result.stdout + result.stderr
    outcomes = json.loads(file.read_text(encoding="utf-8"))["outcomes"]
    return {outcome["key"]: outcome for outcome in outcomes}


class Client(threading.Thread):
    """Sends 20 requests a second to a deployment and keeps what it gets."""

    def __init__(self, url: str, bearer: str, resource_group: str) -> None:
        super().__init__(daemon=True)
        self.request = urllib.request.Request(
            f"{url}/v2/predict",
            data=json.dumps(HOUSE).encode(),
            headers={
                "Authorization": f"Bearer {bearer}",
                "AI-Resource-Group": resource_group,
                "Content-Type": "application/json",
            },
        )
        self.answers: list[float] = []
        self.failures: list[str] = []
        self.is_done = threading.Event()

    def run(self) -> None:
        while not self.is_done.is_set():
            started = time.monotonic()
            try:
                with urllib.request.urlopen(self.request, timeout=20) as answer:
                    self.answers.append(json.load(answer)["prediction"])
            except (urllib.error.URLError, OSError, ValueError, KeyError) as error:
                self.failures.append(repr(error))
            self.is_done.wait(max(0.0, 0.05 - (time.monotonic() - started)))


def test_example_from_nothing_to_prediction_and_through_an_update(example: Project) -> None:
    """First apply, second apply, changed parameter: plan shows it, apply updates without a gap."""
    first = summary(example)
    assert first["execution/train"]["status"] == "COMPLETED"
    assert first["deployment/serve"]["status"] == "RUNNING"
    assert first["destination/HOUSE_PRICES_dev"]["result"] == "applied"

    again = example.cicd(*APPLY)
    assert again.returncode == 0
    assert "No changes" in again.stdout
    assert len(example.api("/lm/executions", "house-prices-dev")["resources"]) == 1

    example.edit("stages/dev.yaml", 'epochs: "100"', 'epochs: "150"')
    plan = example.cicd("plan", "dev", "--local", "--output", "json", "--detailed-exitcode")
    assert plan.returncode == 2, plan.stderr
    changes = {change["key"]: change for change in json.loads(plan.stdout)["changes"]}
    fields = changes["configuration/train"]["fields"]
    assert [(f["path"], f["before"], f["after"]) for f in fields] == [
        ("parameter_bindings.epochs", "100", "150")
    ]
    assert changes["execution/train"]["action"] == "run"
    assert changes["deployment/serve"]["action"] == "update"
    assert changes["destination/HOUSE_PRICES_dev"]["action"] == "no_op"

    env = example.emulator_environment()
    url = first["deployment/serve"]["url"]
    client = Client(url, token(env), "house-prices-dev")
    client.start()
    second = summary(example)
    client.is_done.set()
    client.join(30)
    assert second["deployment/serve"]["id"] == first["deployment/serve"]["id"]
    assert second["deployment/serve"]["url"] == url
    assert second["execution/train"]["id"] != first["execution/train"]["id"]
    assert client.failures == []
    assert len(client.answers) >= 20
    assert len(set(client.answers)) == 2, "the old model answered, then the new one"


@pytest.mark.slow
def test_example_without_a_sandbox(example: Project, path_without_sandbox: str) -> None:
    """A machine with only Python, pip and git: the same result, and a warning that says so."""
    example.environ["PATH"] = path_without_sandbox
    first = example.cicd(*APPLY)
    assert first.returncode == 0, first.stdout + first.stderr
    assert "runs without a sandbox" in first.stderr
    assert '"prediction"' in first.stderr
    update = example.cicd(*APPLY, "--var", "epochs=120")
    assert update.returncode == 0, update.stdout + update.stderr
    assert '"prediction"' in update.stderr


def test_status_logs_and_destroy_of_the_example(example: Project, tmp_path: Path) -> None:
    """What an operator does at night."""
    summary(example)
    rows = json.loads(example.cicd("status", "dev", "--local", "--output", "json").stdout)
    assert {row["key"]: row["status"] for row in rows}["deployment/serve"] == "RUNNING"

    logs = example.cicd("logs", "dev", "train", "--local")
    assert "epoch  100/100" in logs.stdout
    assert len(logs.stdout.splitlines()) == len(set(logs.stdout.splitlines()))

    refused = example.cicd("destroy", "dev", "--local")
    assert refused.returncode == 5
    assert "--yes --stage-name dev" in refused.stderr
    agreed = ("--yes", "--stage-name", "dev")
    destroyed = example.cicd("destroy", "dev", "--local", *agreed)
    assert destroyed.returncode == 0, destroyed.stdout + destroyed.stderr
    groups = example.api("/admin/resourceGroups", "default")["resources"]
    assert "house-prices-dev" not in {group["resourceGroupId"] for group in groups}


@pytest.mark.slow
def test_stages_side_by_side_on_one_emulator(small: Project) -> None:
    """The second stage gets its own group, application and templates; the first stays as it is."""
    assert small.cicd(*APPLY).returncode == 0
    text = (small.root / "stages/dev.yaml").read_text(encoding="utf-8")
    text = text.replace("small-dev", "small-tst").replace("application: small", "application: tst")
    small.write("stages/tst.yaml", text.replace("branch: main", "branch: tst"))
    small.edit("templates/train.yaml", "value: hello", "value: hi")
    result = small.cicd("apply", "tst", "--local", "--auto-approve")
    assert result.returncode == 0, result.stdout + result.stderr
    plan = json.loads(small.cicd("plan", "dev", "--local", "--output", "json").stdout)
    actions = {change["key"]: change["action"] for change in plan["changes"]}
    assert actions["application/small"] == "update", "it has not got the new template yet"
    assert small.cicd("apply", "dev", "tst", "--local", "--auto-approve").returncode == 0
    again = small.cicd("apply", "tst", "--local", "--auto-approve")
    assert "No changes" in again.stdout, again.stdout
