"""``cicd doctor`` in-process: with no stage, with a stage, with no login, in both outputs."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from cicd.cli import root
from cicd.platforms.base import Finding
from cicd.render.doctor import render_doctor
from tests.platforms.aicore_world import group
from tests.platforms.stub_server import Reply, StubServer, running

STAGE = """\
branch: main
aicore: {resource_group: mine}
deployments:
  - configuration:
      name: Chat
      scenario_id: foundation-models
      executable_id: azure-openai
      parameter_bindings: {modelName: gpt-4o}
    destination_name: CHAT
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty repository, and nothing of a login around."""
    subprocess.run(["git", "init", "--quiet", "-b", "work", str(tmp_path)], check=True)
    monkeypatch.chdir(tmp_path)
    for name in [*os.environ]:
        if name.startswith(("AICORE_", "DESTINATION_", "VCAP_", "GITHUB_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AICORE_HOME", str(tmp_path / "home"))
    return tmp_path


@pytest.fixture
def stub(project: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StubServer]:
    """A tenant that offers next to nothing, and its login in the environment."""
    with running() as (server, url):
        for name in ("BASE_URL", "AUTH_URL"):
            monkeypatch.setenv(f"AICORE_{name}", url)
        monkeypatch.setenv("AICORE_CLIENT_ID", "me")
        monkeypatch.setenv("AICORE_CLIENT_SECRET", "s3cret")
        server.on("GET", "/v2/lm/meta", Reply(200, {}))
        for name in ("default", "mine"):
            found = Reply(200, {**group("PROVISIONED"), "resourceGroupId": name})
            server.on("GET", f"/v2/admin/resourceGroups/{name}", found)
        yield server


def test_without_stage_and_login_it_says_what_to_set(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert root.execute(["doctor"]) == 4
    shown = capsys.readouterr().out
    assert "the AI Core login is missing: AICORE_AUTH_URL" in shown
    assert "> set them, or use --local" in shown and shown.endswith("1 error\n")


def test_without_a_stage_it_looks_at_the_default_group(
    stub: StubServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert root.execute(["doctor", "--output", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["stage"], found["resource_group"]) == ("", "default")
    assert {"check", "state", "text", "cure"} == found["findings"][0].keys()
    assert "s3cret" not in str(found)


def test_a_stage_is_looked_at_in_its_own_group(
    project: Path, stub: StubServer, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "stages").mkdir()
    (project / "stages" / "dev.yaml").write_text(STAGE)
    # the destination's login is missing, which hides nothing of the rest
    assert root.execute(["doctor", "dev"]) == 4
    shown = capsys.readouterr().out
    assert '"mine" is PROVISIONED' in shown
    assert "ERROR    the Destination service login is missing" in shown
    assert root.execute(["doctor", "nope"]) in {3, 64}


def test_other_errors_end_in_1(stub: StubServer, capsys: pytest.CaptureFixture[str]) -> None:
    stub.on("GET", "/v2/lm/artifacts", Reply(403, "RBAC: access denied"))
    assert root.execute(["doctor"]) == 1
    assert "ERROR    artifacts: no right (403)" in capsys.readouterr().out


def test_findings_are_aligned_and_grouped_and_tell_no_terminal_anything() -> None:
    found = [
        Finding("login", "ok", "fine"),
        Finding("rights", "ok", "artifacts"),
        Finding("rights", "error", "nodes\x1b[2J", "ask for it"),
    ]
    assert render_doctor(found).splitlines() == [
        "login   ok       fine",
        "rights  ok       artifacts",
        "        ERROR    nodes\\x1b[2J",
        "                 > ask for it",
        "",
        "1 error",
    ]
    assert "\x1b[2J" not in render_doctor(found, colour=True)
    assert "✓" in render_doctor(found, colour=True) and render_doctor([]).endswith("All is well.")
