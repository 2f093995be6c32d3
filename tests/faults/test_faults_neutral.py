"""Texts of others in every command: nothing of them commands a CI system or moves a terminal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_mock import MockerFixture

from cicd.cli import root
from tests.emulator.emulator_client import commit
from tests.faults import secrets_echo
from tests.faults.faults_world import Faulty
from tests.faults.secrets_echo import SHAPES, Gateway, envelope
from tests.forges import github_server
from tests.render.ci_commands import ATTACKS, foreign

NAME = "Chat ##[add-mask]true ##vso[task.complete result=Succeeded;] ##teamcity[x]"
TEXT = "\n".join(["fine", *ATTACKS]).replace("\0", "")  # which no stage file may hold
SCRIPT = """\
validate dev -o text
validate dev -o json
validate dev -o github
validate dev -o sarif
validate bad -o text = 3
validate bad -o github = 3
validate bad -o json = 3
validate bad -o azure = 3
validate bad -o codequality = 3
plan dev --offline -v -o text
plan dev --offline -o json
plan dev --offline -o markdown
plan dev --offline -o html
plan dev -v
plan dev --out plan.json
plan bad --out failed.json = 3
comment plan.json
apply dev --yes -v --summary summary.json
apply dev --yes -v --log-format json --rerun execution/none = 0 1 64
CHANGE
plan dev -v
plan dev -o json
plan dev -o markdown
apply dev --yes -v
status dev -v
status dev -o json
deployments dev
artifacts dev
artifacts dev -o json
list configurations dev
executions dev
logs dev chat
rollback dev chat --list
rollback dev chat --list -o json
rollback dev chat --yes = 0 1
promote dev other --dry-run
promote dev other --dry-run -o json
import copy --resource-group GROUP
doctor dev
plan no-such-##[stage] = 3 64
plan dev --var ##vso[x]=1 = 3 64
no-such-##[command] = 64
stop dev chat --yes
destroy dev --yes --stage-name dev
"""


def stage_of(group: str, model: str = "gpt-4o") -> str:
    """A stage whose texts are all hostile, as far as their form allows."""
    return json.dumps(
        {
            "aicore": {"resource_group": group, "labels": {"ext.ai.sap.com/team": TEXT}},
            "artifacts": [
                {
                    "key": "data",
                    "name": "Data ##[group]x ##vso[task.setvariable variable=PATH]x",
                    "kind": "dataset",
                    "url": "ai://default/##[error]x",
                    "scenario_id": "foundation-models",
                    "description": TEXT + model,
                    "labels": {"ext.ai.sap.com/source": TEXT},
                }
            ],
            "deployments": [
                {
                    "key": "chat",
                    "configuration": {
                        "name": NAME,
                        "scenario_id": "foundation-models",
                        "executable_id": "azure-openai",
                        "parameter_bindings": {"modelName": model, "modelVersion": "latest"},
                    },
                    "timeout": "5m",
                }
            ],
        }
    )


@pytest.fixture(params=["elsewhere", "on GitHub"])
def project(
    request: pytest.FixtureRequest, faulty: Faulty, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[tuple[Faulty, str]]:
    """The stage in a repository, on a runner of GitHub's or on none."""
    group = faulty.group()
    (faulty.root / "stages/dev.yaml").unlink()
    files = {
        "stages/dev.json": stage_of(group),
        "stages/bad.json": stage_of(group).replace('"timeout"', json.dumps(TEXT)),
        "stages/other.yaml": f"aicore: {{resource_group: {group}-other}}\n",
    }
    commit(faulty.root, files)
    with github_server.running() as server:
        variables = {
            "GITHUB_TOKEN": github_server.TOKEN,
            "GITHUB_API_URL": f"{server.url}/api/v3",
            "GITHUB_REPOSITORY": "org/repo",
            "GITHUB_REF": "refs/pull/7/merge",
            "GITHUB_STEP_SUMMARY": str(tmp_path / "step-summary.md"),
            "GITHUB_OUTPUT": str(tmp_path / "step-output.txt"),
        }
        if request.param == "on GitHub":
            variables["GITHUB_ACTIONS"] = "true"
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        yield faulty, group


def test_hostile_texts_in_a_stage_command_nobody_whatever_the_command(
    project: tuple[Faulty, str],
) -> None:
    faulty, group = project
    for line in SCRIPT.splitlines():
        if line == "CHANGE":
            text = stage_of(group, "gpt-4o-mini")
            (faulty.root / "stages/dev.json").write_text(text, encoding="utf-8")
            continue
        call, _, codes = line.partition(" = ")
        result = faulty.cicd(*call.replace("GROUP", group).split())
        assert result.code in ([int(code) for code in codes.split()] or [0]), (line, result.text)
        assert not foreign(result.text), line
        if call.endswith(("-o json", "-o sarif")):
            json.loads(result.out)
    for name in ("plan.json", "failed.json"):  # a later step may print them
        text = (faulty.root / name).read_text(encoding="utf-8")
        assert not foreign(text), name
        assert "##[" in json.dumps(json.loads(text)), name


NETWORKED = (
    "plan dev -v",
    "apply dev --yes --log-format json",
    "apply dev --yes -v",
    "status dev",
    "doctor dev",
    "artifacts dev",
    "executions dev -o json",
    "logs dev chat --run some-id",
    "rollback dev chat --yes",
    "import copy --resource-group group",
    "unlock dev --force",
    "destroy dev --yes --stage-name dev",
)


@pytest.fixture
def gateway(faulty: Faulty, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gateway]:
    (faulty.root / "stages/dev.yaml").unlink()
    (faulty.root / "stages/dev.json").write_text(stage_of(faulty.group()), encoding="utf-8")
    with secrets_echo.running(faulty.emulator.url) as server:
        for name in ("AICORE_BASE_URL", "AICORE_AUTH_URL"):
            known = faulty.emulator.environ[name]
            monkeypatch.setenv(name, known.replace(server.target, server.url))
        server.shape = "hostile"
        yield server


@pytest.mark.parametrize("line", NETWORKED)
@pytest.mark.parametrize("at", range(0, len(ATTACKS), 5))
def test_a_hostile_message_of_a_server_commands_nobody(
    faulty: Faulty, gateway: Gateway, mocker: MockerFixture, line: str, at: int
) -> None:
    said = "\n".join(ATTACKS[at : at + 5])
    mocker.patch.dict(SHAPES, {"hostile": lambda _: envelope(said)})
    gateway.echoes = lambda request: not request.endswith("/oauth/token")
    result = faulty.cicd(*line.split())
    assert gateway.fired and result.code != root.BUG, result.text
    assert not foreign(result.text)
