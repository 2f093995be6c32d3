"""``cicd history``, on a platform of tests and with a forge that keeps an account."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests import forked
from tests.acceptance.test_acceptance_toy import TOY
from tests.forges.github_server import TOKEN, running

STAGE = """\
platform: toy
toy: {box: things}
services:
  - {key: web, serves: hello}
"""
GATE = "lifecycle: {approval: {file: approvals/dev.yaml}}\n"


class Desk:
    """A repository with one stage, and the command line in it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "stages").mkdir()
        subprocess.run(["git", "init", "-q", "-b", "main"], cwd=root, check=True)
        self.commit(STAGE, "Álice", "a first service")

    def commit(self, text: str, who: str, subject: str) -> str:
        (self.root / "stages/dev.yaml").write_text(text, encoding="utf-8")
        git = ["git", "-c", f"user.name={who}", "-c", "user.email=a@example.org"]
        subprocess.run([*git, "add", "stages", "*.yaml"], cwd=self.root, check=True)
        subprocess.run([*git, "commit", "-qm", subject], cwd=self.root, check=True)
        told = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=self.root, check=True, capture_output=True, text=True
        )
        return told.stdout.strip()

    def run(
        self, *words: str, code: int = 0, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        environ = {"PATH": "/usr/bin:/bin", "HOME": str(self.root), "USER": "bob", **(env or {})}
        done = forked.run(words, cwd=self.root, env=environ, platforms=TOY)
        assert done.returncode == code, f"{words}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done

    def history(self, **env: str) -> Any:
        return json.loads(self.run("history", "dev", "-o", "json", env=env).stdout)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_a_stage_that_was_never_applied_has_no_history_and_that_is_no_failure(desk: Desk) -> None:
    said = desk.run("history", "dev")
    assert said.stdout == "Nothing is known of any apply of dev.\n"
    assert "without what the forge knows" in said.stderr
    found = desk.history()
    assert (found["schema_version"], found["stage"], found["applies"]) == (1, "dev", [])
    assert "no stage" in desk.run("history", "nowhere", code=3).stderr
    assert "--limit" in desk.run("history", "dev", "--limit", "0", code=64).stderr


def test_what_was_applied_is_told_with_its_commit_and_who_wrote_it(desk: Desk) -> None:
    (desk.root / "train.txt").write_text("done\n")
    jobs = "jobs: [{key: train, script: train.txt}]\n"
    commit = desk.commit(STAGE + jobs, "Álice <!channel>", "\x1b[31m say ::error::hello")
    desk.run("apply", "dev", "--yes")
    text = desk.run("history", "dev").stdout
    head, line = text.splitlines()
    assert head.split() == ["AGE", "COMMIT", "BY", "ENDED", "CHANGED", "SUBJECT"]
    assert "job/train" in line and commit[:12] in line and "Álice !channel" in line
    assert "\x1b" not in text and "\n::" not in text
    [one] = desk.history()["applies"]
    assert {made["key"] for made in one["changes"]} == {"job/train", "service/web"}
    assert (one["commit"], one["result"], one["by"]) == (commit, "applied", "")
    assert one["sources"] == ["platform"]


def test_a_stage_that_asks_for_approval_keeps_who_applied_and_who_agreed(desk: Desk) -> None:
    desk.commit(STAGE + GATE, "Álice", "asks for approval")
    desk.run("apply", "dev", "--yes", code=5)
    desk.run("approve", "dev", "--yes")
    commit = desk.commit(STAGE + GATE, "Carol", "approved")
    desk.run("apply", "dev", "--yes", env={"GITHUB_ACTIONS": "true", "GITHUB_ACTOR": "dora"})
    newest, before = desk.history()["applies"]
    assert (newest["commit"], newest["result"]) == (commit, "applied")
    assert newest["by"].startswith("dora@") and newest["approved_by"].startswith("Carol")
    assert (newest["author"], newest["subject"]) == ("Carol", "approved")
    assert (before["result"], before["approved_by"]) == ("held", "")
    line = desk.run("history", "dev", "--limit", "1").stdout.splitlines()[1]
    assert "dora@" in line and "Carol" in line and "service/web" in line


def test_what_is_kept_stays_short_however_often_a_stage_is_applied(desk: Desk) -> None:
    notify = 'notify: [{on: [failed], to: "${env.NOBODY}"}]\n'
    ledger = desk.root / "things/memory/history.json"
    ledger.parent.mkdir(parents=True)
    entry = {"at": "2026-01-01T00:00:00Z", "s": 1, "c": "c" * 40, "by": "x" * 60, "r": "applied"}
    entry |= {"k": [["service/web", "new", "applied"]] * 6, "a": "y" * 60, "l": "z" * 150}
    ledger.write_text(json.dumps({"text": json.dumps([entry] * 9 + [{"at": 1}, 5])}))
    desk.commit(STAGE + notify, "Álice", "tells somebody")
    desk.run("apply", "dev", "--yes")
    text = json.loads(ledger.read_text())["text"]
    assert len(text) <= 1900 and json.loads(text)[0]["by"].startswith("bob@")
    assert len(desk.history()["applies"]) > 1
    for broken in ("{", "5", '[{"k": 5}]', "[null]"):
        ledger.write_text(json.dumps({"text": broken}))
        assert [one["sources"] for one in desk.history()["applies"]] == [["platform"]]


def test_what_nobody_can_have_written_is_left_out_and_the_rest_is_told(desk: Desk) -> None:
    good = {"at": "2026-01-01T00:00:00Z", "s": 1, "c": "c" * 40, "by": "bob", "r": "applied"}
    good |= {"k": [["service/web", "new", "applied"]], "a": "", "l": ""}
    odd: list[dict[str, Any]] = [
        *({"s": took} for took in (float("inf"), float("nan"), "1e999", -5, 10**400)),
        *({"at": at} for at in ("", "soon", None, "0001-01-01T00:00:00+14:00")),
        *({"k": keys} for keys in (5, "abc", [None], [[1]])),
    ]
    desk.commit(STAGE + GATE, "Álice", "asks for approval")
    ledger = desk.root / "things/memory/history.json"
    ledger.parent.mkdir(parents=True)
    ledger.write_text(json.dumps({"text": json.dumps([{**good, **one} for one in odd] + [good])}))
    assert [one["by"] for one in desk.history()["applies"]] == ["bob"]
    assert len(desk.run("history", "dev").stdout.splitlines()) == 2


def test_deployments_of_the_forge_tell_who_ran_it_and_who_agreed(desk: Desk) -> None:
    desk.run("apply", "dev", "--yes")
    with running() as server:
        server.deployed("dev", "0" * 40, "dora", "success", run=7, approved_by="carol")
        server.deployed("dev", "1" * 40, "erin", "failure", run=8)
        server.deployed("prd", "2" * 40, "frank", "success", run=9)
        env = {
            "GITHUB_API_URL": server.url,
            "GITHUB_REPOSITORY": server.repository,
            "GITHUB_TOKEN": TOKEN,
        }
        found = desk.history(**env)
        assert not server.violations
        ours = [one for one in found["applies"] if "GitHub" in one["sources"]]
        assert [(one["by"], one["result"], one["approved_by"]) for one in ours] == [
            ("erin", "failed", ""),
            ("dora", "applied", "carol"),
        ]
        assert ours[1]["link"].endswith("/actions/runs/7/job/1") and ours[1]["seconds"] == 60.0
        server.users.clear()  # a token that may not
        told = desk.run("history", "dev", env=env)
        assert "service/web" in told.stdout and "without what the forge knows" in told.stderr
        assert TOKEN not in told.stdout + told.stderr
