"""Commands that tell people, on a platform of tests: what a real receiver gets of each."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import forked
from tests.acceptance.test_acceptance_toy import TOY
from tests.notify.receivers import Receiver, receiver

TOKEN = "tok/a1B2c3D4e5F6"
STAGE = """
platform: toy
toy: {box: things}
services:
  - {key: web, serves: hello}
notify:
  - on: [failed, drifted, deployed, recovered]
    to: "webhook+${env.HOOK}"
    secret: "${env.SIGNER}"
"""
JOBS = """
jobs:
  - {key: train, script: train.txt, require: [{metric: accuracy, min: 0.5}]}
"""
GOOD = "metric accuracy 0.75\ndone\n"
BAD = f"metric accuracy 0.25\nposting to {TOKEN}\nValueError: no <!channel>\n"


class Desk:
    """A repository with one stage that tells a receiver, and the command line in it."""

    def __init__(self, root: Path, receiver: Receiver) -> None:
        self.root = root
        self.receiver = receiver
        self.environ = {"PATH": "/usr/bin:/bin", "HOME": str(root), "SIGNER": "a shared secret"}
        self.environ["HOOK"] = f"{receiver.url}/{TOKEN}"
        (root / "stages").mkdir()
        self.stage(STAGE)
        subprocess.run(["git", "init", "-q", "-b", "main"], cwd=root, check=True)
        self.commit()

    def commit(self) -> None:
        git = ["git", "-c", "user.name=Álice <!channel>", "-c", "user.email=a@example.org"]
        for words in (["add", "stages", "*.yaml"], ["commit", "-qm", "next"]):
            subprocess.run([*git, *words], cwd=self.root, check=True)

    def stage(self, text: str) -> None:
        (self.root / "stages/dev.yaml").write_text(text, encoding="utf-8")

    def script(self, text: str) -> None:
        self.stage(STAGE + JOBS)
        (self.root / "train.txt").write_text(text, encoding="utf-8")

    def run(self, *words: str, code: int = 0, **env: str) -> str:
        """All that a command prints, without anything of the address in it."""
        environ = {**self.environ, **env}
        done = forked.run(words, cwd=self.root, env=environ, platforms=TOY)
        said = done.stdout + done.stderr
        assert done.returncode == code, f"{words}: {done.returncode}\n{said}"
        for secret in (TOKEN, "a1B2c3D4e5F6", "a shared secret"):
            assert secret not in said
        return said

    def apply(self, code: int = 0, **env: str) -> str:
        return self.run("apply", "dev", "--yes", code=code, **env)

    def an_hour_passes(self) -> None:
        """What was told was told an hour earlier."""
        file = next((self.root / "things/memory").glob("notified*"))
        kept = json.loads(json.loads(file.read_text())["text"])
        kept["told"] = {name: [since - 3601, run] for name, (since, run) in kept["told"].items()}
        file.write_text(json.dumps({"text": json.dumps(kept)}))


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with receiver() as here:
        yield Desk(tmp_path, here)


def test_a_failed_run_is_told_with_all_that_is_needed_to_go_on(desk: Desk) -> None:
    desk.script(BAD)
    said = desk.apply(code=1, GITHUB_SERVER_URL="https://github.example", **CI)
    [got] = desk.receiver.got
    told = got.json
    assert (got.path, told["on"], told["stage"]) == (f"/{TOKEN}", "failed", "dev")
    assert (told["key"], told["platform"]) == ("job/train", "toy")
    assert "accuracy" in told["reason"] and "0.25" in told["reason"]
    assert told["log"][-2:] == ["posting to tok/***", "ValueError: no <!channel>"]
    assert re.fullmatch("[0-9a-f]{40}.*", told["commit"]) and told["author"] == "Álice !channel"
    assert told["run_url"] == "https://github.example/org/repo/actions/runs/7"
    assert told["next"].startswith("cicd explain job/train dev")
    assert "notified (on=failed to=webhook #1)" in said


CI = {"GITHUB_REPOSITORY": "org/repo", "GITHUB_RUN_ID": "7"}


def test_a_message_to_a_webhook_is_signed_over_the_bytes_that_are_sent(desk: Desk) -> None:
    desk.apply()
    [got] = desk.receiver.got
    digest = hmac.new(b"a shared secret", got.body, hashlib.sha256).hexdigest()
    assert got.headers["X-Cicd-Signature"] == f"sha256={digest}"


def test_deployed_is_told_where_a_service_is_new_or_changed_and_nothing_else(desk: Desk) -> None:
    desk.apply()
    told = [got.json for got in desk.receiver.got]
    assert [(one["on"], one["reason"]) for one in told] == [("deployed", "service/web is new")]
    desk.apply()  # nothing differs
    desk.an_hour_passes()
    desk.stage(STAGE.replace("hello", "hi"))
    desk.apply()
    assert desk.receiver.got[-1].json["reason"] == "service/web updated"
    desk.an_hour_passes()
    desk.script(GOOD)  # a training alone deploys nothing
    desk.stage(STAGE.replace("hello", "hi") + JOBS)
    desk.apply()
    assert desk.receiver.happened == ["deployed", "deployed"]


def test_nobody_is_told_the_same_twice_in_an_hour_whoever_runs_it(desk: Desk) -> None:
    for run in "123":
        desk.run("plan", "dev", "--drift", GITHUB_RUN_ID=run, HOSTNAME=f"runner-{run}")
    assert desk.receiver.happened == ["drifted"]
    desk.an_hour_passes()
    desk.run("plan", "dev", "--drift")
    assert desk.receiver.happened == ["drifted", "drifted"]


def test_recovered_is_told_once_what_had_failed_is_well_again(desk: Desk) -> None:
    desk.script(BAD)
    desk.apply(code=1)
    desk.stage(STAGE.replace("hello", "hi") + JOBS)
    desk.run("apply", "dev", "--yes", "--select", "service/web")  # a part tells nothing of the rest
    assert desk.receiver.happened == ["failed", "deployed"]
    desk.script(GOOD)
    desk.stage(STAGE.replace("hello", "hi") + JOBS)
    desk.apply()
    assert desk.receiver.happened == ["failed", "deployed", "recovered"]
    told = desk.receiver.got[2].json
    assert (told["key"], "failed" in told["reason"]) == ("job/train", True)
    desk.an_hour_passes()
    desk.apply()
    assert desk.receiver.happened == ["failed", "deployed", "recovered"]


def test_drift_is_told_by_plan_and_is_over_when_nothing_differs(desk: Desk) -> None:
    desk.apply()
    desk.run("plan", "dev", "--drift")
    release = next((desk.root / "things/service").glob("*.json"))
    release.rename(desk.root / "away.json")
    assert "notified (on=drifted to=webhook #1)" in desk.run("plan", "dev", "--drift")
    desk.run("plan", "dev")  # who only looks tells nobody
    (desk.root / "away.json").rename(release)
    desk.run("plan", "dev", "--drift", "--select", "release/*")  # a part says nothing of the rest
    assert desk.receiver.happened == ["deployed", "drifted"]
    assert "--offline" in desk.run("plan", "dev", "--drift", "--offline", code=64)
    desk.run("plan", "dev", "--drift")
    assert desk.receiver.happened == ["deployed", "drifted", "recovered"]
    assert desk.receiver.got[1].json["key"] == "service/web"


def test_a_plan_that_is_refused_is_told_where_nobody_was_asked(desk: Desk) -> None:
    desk.apply()
    bounds = "protect: [service/web]\nprune: stage\nservices:"
    desk.stage(STAGE.replace("services:", bounds).replace("web,", "other,"))
    desk.apply(code=5)
    assert desk.receiver.happened == ["deployed", "failed"]
    assert "service/web" in desk.receiver.got[-1].json["reason"]


@pytest.mark.parametrize(
    ("hook", "status", "why"),
    [
        ("URL/tok/a1B2c3D4e5F6", 500, "HTTP 500"),
        ("URL/moved/a1B2c3D4e5F6", 200, "HTTP 302"),
        ("http://127.0.0.1:9/a1B2c3D4e5F6", 200, "refused"),
        ("http://localhost:99999/a1B2c3D4e5F6", 200, "webhook #1"),
    ],
)
def test_a_channel_that_fails_never_fails_an_apply_and_says_nothing_of_its_address(
    desk: Desk, hook: str, status: int, why: str
) -> None:
    desk.receiver.status = status
    said = desk.apply(HOOK=hook.replace("URL", desk.receiver.url))
    [line] = [line for line in said.splitlines() if "not notified" in line]
    assert "not notified (webhook #1: " in line and "on=deployed" in line and why in line
    assert "GET" not in [got.method for got in desk.receiver.got]


def test_who_could_not_be_told_is_told_by_the_next_apply(desk: Desk) -> None:
    desk.receiver.status = 503
    desk.run("plan", "dev", "--drift")
    desk.receiver.status = 200
    desk.run("plan", "dev", "--drift")
    desk.run("plan", "dev", "--drift")
    assert desk.receiver.happened == ["drifted", "drifted"]


def test_a_variable_that_is_not_set_is_said_at_once_and_fails_nothing(desk: Desk) -> None:
    del desk.environ["HOOK"]
    said = desk.apply()
    assert "warning: notify #1 tells nobody: HOOK is not set" in said
    assert "not notified (unset #1: HOOK is not set) (on=deployed)" in said
    assert "HOOK" not in desk.run("validate", "dev")


def test_what_cannot_be_signed_is_not_sent(desk: Desk) -> None:
    del desk.environ["SIGNER"]
    said = desk.apply()
    assert "warning: notify #1 tells nobody: SIGNER is not set" in said
    assert "not notified (webhook #1: SIGNER is not set)" in said and not desk.receiver.got


def test_events_for_programs_say_who_was_told_in_fields(desk: Desk) -> None:
    said = desk.run("apply", "dev", "--yes", "--log-format", "json")
    [event] = [json.loads(line) for line in said.splitlines() if '"notified"' in line]
    assert (event["event"], event["on"], event["to"]) == ("notified", "deployed", "webhook #1")


def test_a_stage_without_notify_keeps_nothing_and_says_nothing(desk: Desk) -> None:
    desk.stage(STAGE[: STAGE.index("notify:")])
    assert "notif" not in desk.apply().replace(str(desk.root), "")
    assert not list((desk.root / "things").rglob("notified*"))


def test_a_sample_says_for_each_address_what_came_back(desk: Desk) -> None:
    more = '  - {on: [failed], to: "webhook+http://127.0.0.1:9/a1B2c3D4e5F6"}\n'
    more += '  - {on: [suspended], to: "${env.NOWHERE}"}\n'
    desk.stage(STAGE + more)
    said = desk.run("notify", "test", "dev", code=1)
    lines = [re.split(r"  +", line) for line in said.splitlines()]
    assert [line[:2] for line in lines] == [
        ["CHANNEL", "HOST"],
        ["webhook #1", "127.0.0.1"],
        ["webhook #2", "127.0.0.1"],
        ["unset #3", "-"],
    ]
    assert [line[-1].partition(":")[0] for line in lines[1:]] == ["delivered"] + [
        "not delivered"
    ] * 2
    assert "nothing has happened" in desk.receiver.got[0].json["reason"]
    rows: Any = json.loads(desk.run("notify", "test", "dev", "--on", "deployed", "-o", "json"))
    assert [(row["number"], row["delivered"]) for row in rows] == [(1, True)]
    assert "tells nobody of retiring" in desk.run(
        "notify", "test", "dev", "--on", "retiring", code=64
    )
    desk.stage(STAGE[: STAGE.index("notify:")])
    assert "names nobody to tell" in desk.run("notify", "test", "dev", code=64)


def test_no_plan_and_no_document_has_anything_of_an_address(desk: Desk) -> None:
    desk.apply()
    desk.stage(STAGE.replace("hello", "hi"))
    desk.run("plan", "dev", "--out", "plan.json")
    texts = [desk.run("plan", "dev", "-o", form) for form in ("json", "markdown", "html")]
    texts += [(desk.root / "plan.json").read_text(), desk.run("status", "dev", "-o", "json")]
    texts += [file.read_text() for file in (desk.root / "things").rglob("*.json")]
    assert not [text for text in texts if "a1B2c3" in text or "shared secret" in text]
    del desk.environ["HOOK"]  # another address is no other plan
    desk.run("apply", "--plan", "plan.json")


def test_an_approval_that_is_needed_is_asked_for_until_it_is_given(desk: Desk) -> None:
    gate = "lifecycle: {approval: {file: approvals/dev.yaml}}\n"
    desk.stage(STAGE.replace("[failed,", "[approval_needed, failed,") + gate)
    desk.commit()
    desk.apply(code=5)
    desk.apply(code=5)
    [got] = desk.receiver.got
    assert (got.json["on"], got.json["key"]) == ("approval_needed", "service/web")
    assert got.json["next"] == "cicd approve dev" and "approval" in got.json["reason"]
    desk.run("approve", "dev", "--yes")
    desk.commit()
    desk.apply()
    assert desk.receiver.happened == ["approval_needed", "deployed"]
