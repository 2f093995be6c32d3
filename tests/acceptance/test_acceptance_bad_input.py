"""Bad input: one clear message and its exit code, and nothing sent or lost."""

from __future__ import annotations

import json
import socket
import sqlite3
from pathlib import Path

import pytest

from tests.acceptance.conftest import Project

BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)

FILES = {
    "empty": ("stages/x.yaml", "", "empty"),
    "tab": ("stages/x.yaml", "aicore:\n\tresource_group: a-b\n", "tab"),
    "duplicate key": ("stages/x.yaml", "stage: a\nstage: b\n", "stage"),
    "anchor bomb": ("stages/x.yaml", BOMB, "alias"),
    "trailing comma": ("stages/x.json", '{"stage": "x",\n}', "stages/x.json:"),
    "wrong type": ("stages/x.yaml", "executions: 3\n", "executions"),
    "unknown key": ("stages/x.yaml", "executoins: []\n", 'did you mean "executions"'),
    "not text": ("stages/x.yaml", "\x00\x01", "stages/x.yaml"),
    "missing variable": ("stages/x.yaml", "stage: ${var.nope}\n", "nope"),
    "extends itself": ("stages/x.yaml", "extends: x.yaml\n", "extends"),
}


@pytest.mark.parametrize("case", FILES)
def test_a_bad_stage_file_is_refused_with_3_and_nothing_is_sent(small: Project, case: str) -> None:
    path, text, word = FILES[case]
    (small.root / path).write_text(text, encoding="utf-8")
    for command in (("validate", "x"), ("apply", "x", "--local", "--auto-approve")):
        result = small.cicd(*command)
        shown = result.stdout + result.stderr
        assert result.returncode == 3, shown
        assert word in shown.lower() if word.islower() else word in shown
        assert "Traceback" not in shown
    assert not small.has_emulator, "nothing was started"


EDITS = {
    "unknown reference": (
        "${executions.train.artifacts.model}",
        "${executions.trian.artifacts.model}",
        'did you mean "train"',
    ),
    "unknown input": ("{model: ", "{modle: ", 'did you mean "model"'),
    "unknown executable": (
        "executable_id: small-serve",
        "executable_id: smal-serve",
        "small-serve",
    ),
    "unknown parameter": ("{greeting: hi}", "{greting: hi}", 'did you mean "greeting"'),
    "missing environment variable": ("{word: hello}", '{word: "${env.NOT_THERE}"}', "NOT_THERE"),
    "path outside": ("path: templates", "path: ../templates", "leads out"),
}


@pytest.mark.parametrize("case", EDITS)
def test_a_wrong_reference_is_found_with_its_place(small: Project, case: str) -> None:
    before, after, word = EDITS[case]
    small.edit("stages/dev.yaml", before, after)
    result = small.cicd("apply", "dev", "--local", "--auto-approve")
    assert result.returncode == 3, result.stdout + result.stderr
    assert word in result.stderr
    assert "stages/dev.yaml:" in result.stderr
    assert not small.has_emulator


def test_a_cycle_names_its_edges(small: Project) -> None:
    small.edit(
        "stages/dev.yaml",
        'parameter_bindings: {word: "${var.word}"}',
        'parameter_bindings: {word: "${deployments.serve.url}"}',
    )
    result = small.cicd("validate", "dev")
    assert result.returncode == 3
    assert "execution/train" in result.stdout
    assert "deployment/serve" in result.stdout


def test_a_template_that_does_not_parse(small: Project) -> None:
    small.write("templates/train.yaml", "kind: [WorkflowTemplate\n")
    result = small.cicd("validate", "dev")
    assert result.returncode == 3
    assert "templates/train.yaml:" in result.stdout


def test_no_such_stage_lists_what_there_is(small: Project) -> None:
    result = small.cicd("plan", "dve", "--local")
    assert result.returncode == 3
    assert "dev" in result.stderr


def test_wrong_usage_is_64(small: Project) -> None:
    assert small.cicd("plan", "--nope").returncode == 64
    assert small.cicd("paln").returncode == 64
    assert small.cicd("apply", "dev", "--var", "novalue").returncode == 64


def test_missing_credentials(small: Project) -> None:
    result = small.cicd("plan", "dev")
    assert result.returncode == 4
    assert "AICORE_CLIENT_ID" in result.stderr
    assert "--local" in result.stderr


def test_wrong_secret_unreachable_host_and_foreign_group(small: Project) -> None:
    assert small.cicd("emulator", "start").returncode == 0
    env = small.emulator_environment()
    env.pop("AICORE_SERVICE_KEY")
    wrong = small.cicd("plan", "dev", env={**env, "AICORE_CLIENT_SECRET": "canary-4711"})
    assert wrong.returncode == 4
    assert "canary-4711" not in wrong.stdout + wrong.stderr

    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        nowhere = f"http://127.0.0.1:{closed.getsockname()[1]}"
    for name in ("AICORE_AUTH_URL", "AICORE_BASE_URL"):
        result = small.cicd("plan", "dev", env={**env, name: nowhere})
        assert result.returncode == 4, result.stderr
        assert nowhere.removeprefix("http://") in result.stderr


def test_port_in_use(small: Project) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = small.cicd("emulator", "start", "--port", str(port))
    assert result.returncode == 1
    assert str(port) in result.stderr
    assert "Traceback" not in result.stderr


def test_data_of_a_newer_version(small: Project) -> None:
    assert small.cicd("emulator", "start").returncode == 0
    small.stop()
    (database,) = (small.root / ".cicd" / "emulator").glob("*.db")
    with sqlite3.connect(database) as connection:
        connection.execute("PRAGMA user_version = 9999")
    connection.close()
    result = small.cicd("apply", "dev", "--local", "--auto-approve")
    assert result.returncode == 4
    assert "newer" in result.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_full_disk_and_read_only_folder(small: Project) -> None:
    """A result that cannot be written is said; the old file is left as it was."""
    (small.root / "old.json").write_text("old", encoding="utf-8")
    result = small.cicd("plan", "dev", "--local", "--out", "missing-folder/plan.json")
    assert result.returncode == 1
    assert "missing-folder" in result.stderr

    (small.root / "locked").write_text("a file, not a folder", encoding="utf-8")
    result = small.cicd("emulator", "start", "--data", "locked/data")
    assert result.returncode == 1
    assert "locked" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_plan_of_another_day_is_refused(small: Project) -> None:
    result = small.cicd("plan", "dev", "--local", "--out", "plan.json")
    assert result.returncode == 0, result.stderr
    document = json.loads((small.root / "plan.json").read_text(encoding="utf-8"))
    assert document["schema_version"] == 1
    small.edit("stages/dev.yaml", "{word: hello}", "{word: changed}")
    refused = small.cicd("apply", "dev", "--local", "--plan", "plan.json")
    assert refused.returncode == 5
    assert "stage file" in refused.stderr
    small.edit("stages/dev.yaml", "{word: changed}", "{word: hello}")
    applied = small.cicd("apply", "dev", "--local", "--plan", "plan.json")
    assert applied.returncode == 0, applied.stdout + applied.stderr


def test_nothing_secret_is_readable_by_others(small: Project) -> None:
    assert small.cicd("emulator", "start").returncode == 0
    env = small.emulator_environment()
    secret = env["AICORE_CLIENT_SECRET"]
    for file in (small.root / ".cicd").rglob("*"):
        if file.is_file() and secret.encode() in file.read_bytes():
            assert file.stat().st_mode & 0o077 == 0, file
