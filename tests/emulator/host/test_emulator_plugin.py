"""An emulator for other projects: the context manager, the pytest fixture, and their end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from cicd.cli.root import execute
from cicd.emulator import running
from cicd.emulator.errors import EmulatorError
from cicd.emulator.host import control
from cicd.emulator.host.folder import ENDPOINT, LOCK, read_pid
from cicd.emulator.host.locks import FileLock
from cicd.emulator.host.testing import Emulator
from cicd.emulator.pytest_plugin import aicore_emulator  # noqa: F401 - also without its entry point
from tests.emulator.emulator_client import wait_for

GROUPS = "/v2/admin/resourceGroups"
LIGHT = """\
import sys
import cicd.emulator.pytest_plugin
import cicd.emulator
heavy = {"starlette", "uvicorn", "click", "msgspec", "requests", "httpx", "sqlite3"}
print(sorted(heavy & set(sys.modules)))
"""
HOLDER = """\
import sys, time
from cicd.emulator import running
with running(sys.argv[1]) as emulator:
    print(emulator.endpoint.pid, flush=True)
    time.sleep(60)
"""


@pytest.fixture
def emulator(aicore_emulator: Emulator) -> Emulator:  # noqa: F811 - pytest finds it by its name
    """The fixture as other projects have it."""
    return aicore_emulator


def headers(environ: dict[str, str]) -> dict[str, str]:
    """A login as a client makes one."""
    login = (environ["AICORE_CLIENT_ID"], environ["AICORE_CLIENT_SECRET"])
    form = {"grant_type": "client_credentials"}
    answer = requests.post(f"{environ['AICORE_AUTH_URL']}/oauth/token", form, auth=login, timeout=9)
    token = answer.json()["access_token"]
    group = environ["AICORE_RESOURCE_GROUP"]
    return {"Authorization": f"Bearer {token}", "AI-Resource-Group": group}


def test_time_goes_by(emulator: Emulator) -> None:
    emulator.advance(3600)
    seen = control.ask(emulator.endpoint, "GET", "/emulator/clock")
    assert 3590 < seen["ahead"] < 3610
    emulator.realism("fast", sync_every=5)
    assert control.ask(emulator.endpoint, "GET", "/emulator/realism")["syncEvery"] == 5
    emulator.reset()
    assert control.ask(emulator.endpoint, "GET", "/emulator/clock")["ahead"] == 0


def test_a_group_and_its_variables(emulator: Emulator) -> None:
    environ = emulator.resource_group("team")
    assert emulator.resource_group("team") == environ
    url = f"{environ['AICORE_BASE_URL']}/lm/configurations"
    assert requests.get(url, headers=headers(environ), timeout=9).json()["count"] == 0


def test_faults_end_with_their_block(emulator: Emulator) -> None:
    login, url = headers(emulator.environ), f"{emulator.url}/v2/lm/artifacts"
    emulator.forget_requests()
    with emulator.faults(operation="artifact.list", times=1, status=503) as rules:
        assert requests.get(url, headers=login, timeout=9).status_code == 503
        assert requests.get(url, headers=login, timeout=9).status_code == 200
        assert (rules.fired, rules.show()[0]["matched"]) == (1, 2)
    assert [each["status"] for each in emulator.requests()] == [503, 200]
    assert rules.show() == []
    both = emulator.faults({"kind": "artifact", "reset": True}, {"kind": "token", "slow": 1})
    assert len(both.ids) == 2
    both.clear()
    both.clear()
    with pytest.raises(EmulatorError, match="did you mean 'status'"):
        emulator.faults(statis=503)


def test_a_reset_keeps_url_and_login(emulator: Emulator) -> None:
    emulator.resource_group("forgotten")
    emulator.faults(kind="artifact", reset=True)
    url, environ = emulator.url, emulator.environ
    emulator.reset()
    assert (emulator.url, emulator.environ) == (url, environ)
    found = control.ask(emulator.endpoint, "GET", GROUPS)["resources"]
    assert [group["resourceGroupId"] for group in found] == ["default"]
    assert control.ask(emulator.endpoint, "GET", "/emulator/faults")["rules"] == []


def test_state_stays_in_a_folder_of_ones_own(emulator: Emulator, tmp_path: Path) -> None:
    shared = emulator.url
    with running(tmp_path / "data") as emulator:
        assert emulator.url != shared
        emulator.resource_group("team")
        url, pid = emulator.url, emulator.endpoint.pid
        with pytest.raises(EmulatorError, match="runs already"), running(tmp_path / "data"):
            pass
        assert control.status(tmp_path / "data")
    assert control.status(tmp_path / "data") is None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    with pytest.raises(EmulatorError, match="not running"):
        _ = emulator.url
    with running(tmp_path / "data") as emulator:
        assert emulator.url == url
        groups = control.ask(emulator.endpoint, "GET", GROUPS)
        assert len(groups["resources"]) == 2


def test_start_says_what_to_export(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = str(tmp_path / "my data")
    assert execute(["emulator", "start", "--data", data, "--realism", "real"]) == 0
    try:
        said = capsys.readouterr().out.splitlines()
        assert said[1] == f"to use it: eval \"$(cicd emulator env --data '{data}' --export)\""
        endpoint = control.status(Path(data))
        assert endpoint
        control.ask(endpoint, "POST", "/emulator/faults", {"kind": "artifact", "reset": True})
        assert execute(["emulator", "status", "--data", data]) == 0
        said = capsys.readouterr().out.splitlines()
        assert said[1:] == ["realism: real", "fault rules: 1, see `cicd emulator faults list`"]
    finally:
        assert execute(["emulator", "stop", "--data", data]) == 0


def test_it_ends_when_its_starter_is_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLDER, str(tmp_path / "data")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout
        pid = int(holder.stdout.readline())
        holder.send_signal(signal.SIGKILL)
    lock = FileLock(tmp_path / "data" / LOCK)
    assert read_pid(lock.path) == pid
    wait_for(lock.is_held, lambda is_held: not is_held)
    # it went in good order
    assert not (tmp_path / "data" / ENDPOINT).exists()


def test_unused_it_costs_next_to_nothing() -> None:
    done = subprocess.run([sys.executable, "-c", LIGHT], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
