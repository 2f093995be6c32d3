"""One change of a stage at a time, through the real command line against a real emulator."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pytest_mock import MockerFixture

from cicd.apply import lease
from cicd.automation.applying import not_agreed_to
from cicd.automation.holder import is_gone, make_holder
from cicd.cli import root
from cicd.model import Action, Holder
from cicd.platforms.aicore.lease import secret_name
from tests.acceptance.conftest import Project
from tests.apply.fake_apply_platform import change, plan
from tests.emulator.emulator_client import Client, running, wait_for

STAGE = """\
artifacts:
  - {key: data, name: Data, kind: dataset, url: "ai://default/d", scenario_id: churn}
"""
SECRETS = "/v2/admin/secrets"
OURS = "ext.ai.sap.com/cicd."


@dataclass
class Desk:
    """A project folder, an emulator in this process, and the command line in it."""

    client: Client
    capsys: pytest.CaptureFixture[str]
    monkeypatch: pytest.MonkeyPatch
    group: str = ""

    def __call__(self, *arguments: str, code: int = 0) -> str:
        """Everything that one command prints; asserts its exit code."""
        self.capsys.readouterr()
        found = root.execute(list(arguments))
        out, err = self.capsys.readouterr()
        assert found == code, f"exit code {found}\n{out}\n{err}"
        assert "Traceback" not in err
        return out + err

    def use(self, group: str) -> None:
        """Work in this resource group, which need not be there."""
        self.group = self.client.group = group
        self.monkeypatch.setenv("AICORE_RESOURCE_GROUP", group)

    def lock(self, stage: str = "dev", *, is_over: bool = False, **holder: str) -> None:
        """Somebody takes the lock of a stage, until long ago or for long."""
        labels = {"run": "r1", "holder": "bob@desk", "command": "cicd apply dev", **holder}
        moment = "2020-01-01T00:00:00Z" if is_over else "2098-01-01T00:00:00Z"
        pairs = [{"key": OURS + k, "value": v} for k, v in {**labels, "until": moment}.items()]
        body = {"name": secret_name(stage), "data": {}, "labels": pairs}
        self.client.send("POST", SECRETS, body, status=200)

    def locks(self) -> list[str]:
        return [secret["name"] for secret in self.client.get(SECRETS)["resources"]]

    def artifacts(self) -> int:
        return len(self.client.get("/v2/lm/artifacts")["resources"])

    def about_locks(self) -> list[str]:
        """The requests since the last look that are about secrets."""
        found = self.client.get("/emulator/requests")["requests"]
        self.client.send("DELETE", "/emulator/requests")
        return [asked["method"] for asked in found if "/admin/secrets" in asked["path"]]

    @contextmanager
    def fault(self, **rule: Any) -> Iterator[None]:
        self.client.send("POST", "/emulator/faults", {"rules": [rule]})
        try:
            yield
        finally:
            self.client.send("DELETE", "/emulator/faults")


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with running(tmp_path_factory.mktemp("emulator")) as found:
        yield found


@pytest.fixture
def desk(
    client: Client,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    request: pytest.FixtureRequest,
) -> Desk:
    (tmp_path / "stages").mkdir()
    (tmp_path / "stages" / "dev.yaml").write_text(STAGE, encoding="utf-8")
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    monkeypatch.chdir(tmp_path)
    for name in ("VCAP_SERVICES", "AICORE_PROFILE", "GITHUB_ACTIONS", "GITHUB_ACTOR"):
        monkeypatch.delenv(name, raising=False)
    known = client.world.credentials
    monkeypatch.setenv("AICORE_BASE_URL", f"{client.url}/v2")
    monkeypatch.setenv("AICORE_AUTH_URL", client.url)
    monkeypatch.setenv("AICORE_CLIENT_ID", known.client_id)
    monkeypatch.setenv("AICORE_CLIENT_SECRET", known.client_secret)
    made = Desk(client, capsys, monkeypatch)
    group = "g-" + request.node.name.replace("_", "-").strip("[]")[-40:].replace("[", "-")
    made.use(group)
    return made


@pytest.fixture
def here(desk: Desk) -> Desk:
    """The same, in a resource group that is there."""
    body = {"resourceGroupId": desk.group}
    desk.client.send("POST", "/v2/admin/resourceGroups", body, status=202)
    desk.client.wait(f"/v2/admin/resourceGroups/{desk.group}", "PROVISIONED")
    return desk


def test_an_apply_takes_it_and_gives_it_back_and_a_plan_does_not(here: Desk) -> None:
    here.about_locks()
    here("apply", "dev", "--auto-approve")
    assert here.about_locks() == ["POST", "DELETE"]
    here("plan", "dev")
    assert here.about_locks() == []
    assert (here.locks(), here.artifacts()) == ([], 1)


def test_the_first_apply_takes_it_once_the_group_is_there(desk: Desk) -> None:
    told = desk("apply", "dev", "--auto-approve")
    assert "warning" not in told
    assert told.count("Plan: ") == 1
    assert desk.about_locks()[-2:] == ["POST", "DELETE"]
    assert (desk.locks(), desk.artifacts()) == ([], 1)
    assert "No changes" in desk("plan", "dev")


def test_a_group_that_cannot_be_made_ends_it_and_every_change_is_told_once(desk: Desk) -> None:
    desk.about_locks()
    with desk.fault(path="/v2/admin/resourceGroups", method="POST", status=400):
        desk("apply", "dev", "--auto-approve", "--summary", "out.json", code=1)
    outcomes = json.loads(Path("out.json").read_text(encoding="utf-8"))["outcomes"]
    assert [(outcome["key"], outcome["result"]) for outcome in outcomes] == [
        (f"resource_group/{desk.group}", "failed"),
        ("artifact/data", "skipped"),
    ]
    assert desk.about_locks() == ["POST"]


def test_a_group_that_somebody_makes_between_the_lock_and_the_plan(here: Desk) -> None:
    """The first try finds nothing to be locked, the plan finds the group: it is tried again."""
    here.about_locks()
    with here.fault(path="/v2/admin/secrets", method="POST", status=403, times=1):
        told = here("apply", "dev", "--auto-approve")
    assert "warning" not in told
    assert here.about_locks() == ["POST", "POST", "DELETE"]
    assert (here.locks(), here.artifacts()) == ([], 1)


@pytest.mark.parametrize("command", ["apply", "destroy"])
def test_a_locked_stage_is_refused_and_says_who_and_what_to_do(here: Desk, command: str) -> None:
    here.lock(link="https://ci.example.com/1", since="2026-01-01T00:00:00Z")
    told = here(command, "dev", "--auto-approve", code=5)
    words = ("bob@desk", "cicd apply dev", "since 2026-01-01T00:00:00Z", "until 2098-")
    for text in (*words, "https://ci.example.com/1", "cicd unlock dev", "--lock-timeout"):
        assert text in told
    assert here.artifacts() == 0
    assert here.locks() == [secret_name("dev")]


def test_rollback_respects_it_and_its_list_needs_none(here: Desk) -> None:
    here.lock()
    here("rollback", "dev", "serve", "--auto-approve", code=5)
    assert "has no deployment" in here("rollback", "dev", "serve", "--list", code=64)


def test_a_stranger_cannot_write_on_the_terminal(here: Desk) -> None:
    here.lock(holder="\x1b[31mbob\nerror: none")
    told = here("apply", "dev", "--auto-approve", code=5)
    assert "\x1b" not in told
    assert len(told.splitlines()) == 1


def test_another_stage_is_not_locked(here: Desk) -> None:
    here.lock("tst")
    here("apply", "dev", "--auto-approve")
    assert here.locks() == [secret_name("tst")]


def test_an_expired_lock_is_taken_over(here: Desk) -> None:
    here.lock(is_over=True)
    here("apply", "dev", "--auto-approve")
    assert here.locks() == []


def test_a_dead_process_of_this_machine_is_followed_at_once(here: Desk) -> None:
    done = subprocess.Popen(["true"])
    me = make_holder("cicd apply dev", {})
    process = f"{done.pid}.1"
    done.wait()
    if not me.machine:
        pytest.skip("this machine cannot tell whether a process lives")
    here.lock(machine=me.machine, process=process)
    here("apply", "dev", "--auto-approve")
    assert (here.locks(), here.artifacts()) == ([], 1)


def test_what_nobody_has_agreed_to_is_told() -> None:
    agreed = plan(change("artifact/data"), change("application/app", Action.NO_OP))
    done = plan(change("artifact/data", Action.NO_OP), change("application/app", Action.NO_OP))
    assert not_agreed_to(agreed, agreed) == not_agreed_to(agreed, done) == ""
    more = plan(change("artifact/data"), change("application/app", Action.UPDATE))
    assert not_agreed_to(agreed, more) == "application/app (update)"


def test_who_lives_is_not_gone() -> None:
    me = make_holder("cicd apply dev", {"GITHUB_ACTOR": "ada"})
    assert me.name.startswith("ada@")
    assert not is_gone(me)
    assert not is_gone(Holder("r", machine=me.machine, process="1"))
    assert not is_gone(Holder("r", machine="another", process="999999.1"))
    assert not is_gone(Holder("r"))


def test_a_runner_says_where_its_log_is() -> None:
    environ = {
        "GITHUB_SERVER_URL": "https://github.example.com",
        "GITHUB_REPOSITORY": "org/repo",
        "GITHUB_RUN_ID": "7",
    }
    assert make_holder("x", environ).link == "https://github.example.com/org/repo/actions/runs/7"
    assert make_holder("x", {"BUILD_URL": "https://ci/1"}).link == "https://ci/1"


def test_waiting_for_it_says_so_and_gets_it(here: Desk) -> None:
    here.lock()
    here.about_locks()

    def give_back_once_it_was_asked_for() -> None:
        wait_for(lambda: "GET" in here.about_locks(), bool)
        here.client.send("DELETE", f"{SECRETS}/{secret_name('dev')}", status=200)

    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(give_back_once_it_was_asked_for)
        told = here("apply", "dev", "--auto-approve", "--lock-timeout", "1m")
        done.result()
    assert told.count("waiting up to 60 s for the lock: bob@desk") == 1
    assert (here.locks(), here.artifacts()) == ([], 1)


def test_waiting_ends(here: Desk) -> None:
    here.lock()
    told = here("apply", "dev", "--auto-approve", "--lock-timeout", "1s", code=5)
    assert "waiting up to 1 s" in told
    here("apply", "dev", "--lock-timeout", "soon", code=64)


def test_a_lock_that_is_taken_away_meanwhile_is_told(here: Desk, mocker: MockerFixture) -> None:
    mocker.patch.object(lease, "SECONDS", -1.0)  # out of time as soon as it is there
    told = here("apply", "dev", "--auto-approve", code=1)
    assert "skipped: the lock of the stage could not be renewed in time" in told
    assert "warning: somebody else may have changed the stage too" in told
    assert (here.locks(), here.artifacts()) == ([], 0)


def test_without_the_right_to_secrets_it_warns_once_and_goes_on(here: Desk) -> None:
    with here.fault(path="/v2/admin/secrets", method="POST", status=403):
        told = here("apply", "dev", "--auto-approve")
        again = here("apply", "dev", "--auto-approve")
    assert told.count("cannot be locked") == 1
    assert "cannot be locked" not in again
    assert here.artifacts() == 1


def test_a_lost_answer_leaves_no_lock_behind(here: Desk) -> None:
    rule = {"path": "/v2/admin/secrets", "method": "POST", "times": 1}
    with here.fault(**rule, lost=502):
        here("apply", "dev", "--auto-approve")
    assert (here.locks(), here.artifacts()) == ([], 1)


def test_destroy_takes_the_group_although_locks_are_in_it(desk: Desk) -> None:
    desk("apply", "dev", "--auto-approve")
    desk.lock("other", is_over=True)
    told = desk("destroy", "dev", "--auto-approve", "--force")
    assert "could not be given back" not in told
    desk.client.send("GET", f"/v2/admin/resourceGroups/{desk.group}", status=404)
    assert "cannot be locked" not in desk("destroy", "dev", "--auto-approve", "--force")


def test_unlock(here: Desk) -> None:
    assert "dev is not locked" in here("unlock", "dev")
    here.lock()
    told = here("unlock", "dev", code=5)
    assert "bob@desk" in told
    assert "--yes" in told
    assert here.locks()
    assert "unlocked dev; wait 30 s" in here("unlock", "dev", "--force")
    assert here.locks() == []


APPLY = ("apply", "dev", "--local", "--auto-approve")
ONE_OF_EACH = {"artifacts": 1, "configurations": 2, "executions": 1, "deployments": 1}


def count(project: Project) -> dict[str, int]:
    return {kind: len(items) for kind, items in project.objects("small-dev").items()}


@pytest.mark.slow
def test_two_first_applies_at_once_make_everything_once(small: Project) -> None:
    """Neither finds a resource group, and so nothing to be locked."""
    processes = [small.start(*APPLY, "--lock-timeout", "2m") for _ in range(2)]
    told = [process.communicate(timeout=100)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], "\n".join(told)
    assert count(small) == ONE_OF_EACH
    assert small.api("/admin/secrets", "small-dev")["resources"] == []


@pytest.mark.slow
def test_the_second_is_refused_while_the_first_runs_and_sigterm_gives_back(small: Project) -> None:
    small.edit("src/train.py", 'if word == "fail"', 'import time; time.sleep(4)\nif word == "fail"')
    first = small.start(*APPLY)
    assert first.stdout
    lines = []
    for line in first.stdout:
        lines.append(line)
        if "training on" in line:
            break
    second = small.cicd(*APPLY)
    assert second.returncode == 5, second.stdout + second.stderr + "".join(lines)
    assert "dev is locked by" in second.stderr
    first.send_signal(signal.SIGTERM)
    rest = first.communicate(timeout=60)[0]
    assert first.returncode == 130, rest
    assert small.api("/admin/secrets", "small-dev")["resources"] == []
    last = small.cicd(*APPLY)
    assert last.returncode == 0, last.stdout + last.stderr
    assert count(small) == ONE_OF_EACH
