"""``cicd import``: a live group becomes a file whose plan is empty, with and without templates."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from cicd.cli import root
from tests.acceptance.conftest import SMALL, make_project
from tests.emulator.emulator_client import (
    Client,
    commit,
    git,
    onboard,
    running,
    synced,
    template_files,
)

S3 = {"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "key"}
ARGUMENTS = ["import", "dev", "--resource-group", "default"]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Client, Path]]:
    """A group in which people have worked by hand, and the repository that it syncs from."""
    folder = tmp_path_factory.mktemp("import")
    repository = folder / "repository"
    commit(repository, template_files())
    with running(folder / "data") as client:
        onboard(client, repository)
        synced(client)
        run = client.execute()
        client.wait(f"/v2/lm/executions/{run}", "COMPLETED")
        schedule = {
            "name": "Nachts",
            "configurationId": client.get(f"/v2/lm/executions/{run}")["configurationId"],
            "cron": "0 3 * * *",
        }
        client.send("POST", "/v2/lm/executionSchedules", schedule)
        store = {"name": "default", "type": "S3", "bucket": "b", "data": S3}
        client.send("POST", "/v2/admin/objectStoreSecrets", store)
        client.wait(f"/v2/lm/executions/{client.execute('fail')}", "DEAD")
        client.wait(f"/v2/lm/deployments/{client.deploy('${hi}')}", "RUNNING")
        yield client, repository


@pytest.fixture
def project(world: tuple[Client, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone of the repository, with the login of the emulator."""
    client, repository = world
    git(tmp_path, "clone", "-q", str(repository), "clone")
    folder = tmp_path / "clone"
    (folder / "stages").mkdir()
    monkeypatch.chdir(folder)
    secrets = client.world.credentials
    values = {
        "AUTH_URL": client.url,
        "BASE_URL": f"{client.url}/v2",
        "CLIENT_ID": secrets.client_id,
        "CLIENT_SECRET": secrets.client_secret,
    }
    for name, value in values.items():
        monkeypatch.setenv(f"AICORE_{name}", value)
    for name in ("GITHUB_BASE_REF", "GITHUB_REF_NAME", "AICORE_RESOURCE_GROUP"):
        monkeypatch.delenv(name, raising=False)
    return folder


def test_with_templates_the_plan_is_empty(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert root.execute(ARGUMENTS) == 0, capsys.readouterr()
    printed = capsys.readouterr()
    # two artifacts of equal content: which one is declared depends on who came first
    assert printed.out.startswith("wrote stages/dev.yaml: ")
    assert printed.out.endswith("1 schedule, 1 deployment, 1 secret\nplan: no changes\n")
    assert "not imported: 1 run that failed or stopped" in printed.err
    text = (project / "stages/dev.yaml").read_text()
    assert "git:\n  application: app\n" in text
    assert "greeting: $${hi}" in text.replace('"', "")
    # on_change, or never where it ended in the very second of the sync
    assert "    rerun: " in text
    assert "set these variables before you plan: DEFAULT_AWS_ACCESS_KEY_ID" in printed.err
    monkeypatch.setenv("DEFAULT_AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("DEFAULT_AWS_SECRET_ACCESS_KEY", "y")
    assert root.execute(["plan", "dev", "--detailed-exitcode"]) == 0


def test_without_templates_the_plan_is_empty_too(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(project / "templates")
    assert root.execute([*ARGUMENTS, "--out", "stages/other.yaml"]) == 0
    printed = capsys.readouterr()
    assert "plan: no changes" in printed.out
    assert "no template of serve, train" in printed.err
    text = (project / "stages/other.yaml").read_text()
    assert "stage: dev\n" in text
    assert "git:" not in text.replace("# - git:", "")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["churn-templates", "cicd-other", "cicd-dev"])
def test_the_application_that_is_there_is_named_whatever_stage_made_it(
    tmp_path: Path, name: str
) -> None:
    (tmp_path / "small").mkdir()
    project = make_project(tmp_path / "small")
    try:
        for path, text in SMALL.items():
            project.write(path, text)
        project.edit("stages/dev.yaml", "application: small", f"application: {name}")
        applied = project.cicd("apply", "dev", "--local", "--yes")
        assert applied.returncode == 0, applied.stderr
        made = project.cicd("import", "imp", "--resource-group", "small-dev", "--local")
        assert made.returncode == 0, made.stderr
        assert "plan: no changes" in made.stdout
        text = (project.root / "stages/imp.yaml").read_text(encoding="utf-8")
        assert f"application: {name}\n" in text
        plan = project.cicd("plan", "imp", "--local", "--detailed-exitcode")
        assert plan.returncode == 0, plan.stdout
    finally:
        project.stop()


def test_bad_input(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = project / "stages/dev.yaml"
    file.write_text("mine")
    assert root.execute(ARGUMENTS) == 5
    assert "stages/dev.yaml is already there (--force" in capsys.readouterr().err
    assert root.execute(["import", "new", "--resource-group", "nobodys"]) == 1
    assert "there is no resource group nobodys" in capsys.readouterr().err
    assert root.execute(["import", "a..b", "--resource-group", "default"]) == 64
    assert root.execute([*ARGUMENTS, "--out", "x.txt"]) == 64
    assert file.read_text() == "mine"
    assert root.execute([*ARGUMENTS, "--force", "--scenario", "none*"]) == 0
    assert "dev.yaml: 1 secret\nplan: no changes" in capsys.readouterr().out
