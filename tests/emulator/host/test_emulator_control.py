"""Starting, stopping and finding emulators; folders and ports that cannot be used."""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from cicd.emulator.errors import EmulatorError
from cicd.emulator.host import control
from cicd.emulator.host.folder import Endpoint
from tests.emulator.emulator_client import wait_for

COMMAND = """\
import os, sys
from pathlib import Path
from cicd.emulator.host.server import serve
from cicd.emulator.errors import EmulatorError
try:
    serve(Path(sys.argv[1]), port=int(sys.argv[3]), environ=os.environ)
except EmulatorError as error:
    sys.exit(f"error: {error}")
"""

Start = Callable[..., Endpoint]


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "data"
    if (tmp_path / "data").is_dir():
        control.stop(tmp_path / "data")


def start(data: Path, port: int = 0) -> Endpoint:
    command = [sys.executable, "-c", COMMAND, str(data)]
    return control.start(data, port=port, command=command)


def serve(data: Path, port: int = 0, **options: object) -> subprocess.CompletedProcess[str]:
    """Serve in the foreground, where it is expected to fail at once."""
    command = [sys.executable, "-c", COMMAND, str(data), "--port", str(port)]
    return subprocess.run(  # type: ignore[call-overload,no-any-return]
        command, capture_output=True, text=True, timeout=30, check=False, **options
    )


@pytest.mark.parametrize("module", ["starlette", "uvicorn", "h11"])
def test_a_missing_extra_is_said(data: Path, module: str) -> None:
    program = f"import sys; sys.modules[{module!r}] = None; from cicd.cli.root import run; run()"
    arguments = ["emulator", "start", "--foreground", "--data", str(data)]
    ended = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    assert f"the emulator needs {module}, which is not installed" in ended.stderr
    assert "pip install 'aicore-cicd[local]'" in ended.stderr
    assert not data.exists()


@pytest.mark.parametrize("module", ["control", "testing", "server"])
def test_who_asks_an_emulator_imports_nothing_that_runs(module: str) -> None:
    """``--local`` asks in every command, and a start counts: it tries a sandbox meanwhile."""
    program = f"import sys, cicd.emulator.host.{module}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())
    assert not loaded & {
        "cicd.emulator.workflow",
        "cicd.emulator.runner.local",
        "starlette",
        "boto3",
    }


def test_start_stop_status_and_environment(data: Path) -> None:
    assert control.status(data) is None
    assert control.stop(data) is False
    endpoint = start(data)
    assert start(data) == endpoint == control.status(data)
    for name in ("credentials.json", "endpoint.json", "emulator.db"):
        assert stat.S_IMODE((data / name).stat().st_mode) == 0o600, name
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    variables = control.environment(endpoint, "team")
    assert variables["AICORE_BASE_URL"] == f"{endpoint.url}/v2"
    assert variables["AICORE_RESOURCE_GROUP"] == "team"
    key = json.loads(variables["AICORE_SERVICE_KEY"])
    assert key["serviceurls"]["AI_API_URL"] == endpoint.url
    assert key["clientsecret"] == variables["AICORE_CLIENT_SECRET"]
    assert variables["DESTINATION_CLIENT_ID"] != variables["AICORE_CLIENT_ID"]
    assert control.stop(data) is True
    assert control.status(data) is None
    again = start(data)
    assert again.url == endpoint.url
    assert control.environment(again, "team") == variables
    log = (data / "emulator.log").read_text()
    assert variables["AICORE_CLIENT_SECRET"] not in log
    assert "Traceback" not in log


def test_a_killed_emulator_is_replaced(data: Path) -> None:
    endpoint = start(data)
    os.kill(endpoint.pid, signal.SIGKILL)
    wait_for(lambda: control.status(data), lambda found: found is None)
    again = start(data)
    assert (again.url, again.pid != endpoint.pid) == (endpoint.url, True)


def test_two_starts_at_once_give_one_emulator(data: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        endpoints = set(pool.map(lambda _: start(data), range(4)))
    assert len(endpoints) == 1
    refused = serve(data)
    assert refused.returncode == 1
    assert "runs already" in refused.stderr


def test_a_stale_endpoint_of_another_process_is_not_believed(data: Path) -> None:
    data.mkdir()
    text = json.dumps({"url": "http://127.0.0.1:9", "pid": os.getpid()})
    (data / "endpoint.json").write_text(text)
    (data / "emulator.lock").write_text(str(os.getpid()))
    assert control.status(data) is None
    assert control.stop(data) is False
    assert start(data).pid != os.getpid()


def test_a_port_in_use_is_named(data: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(EmulatorError, match=f"port {port} on 127.0.0.1 .* in use"):
            start(data, port)
        # the port of the last time is only a wish
        data.mkdir(exist_ok=True)
        (data / "port").write_text(str(port))
        assert not start(data).url.endswith(f":{port}")
    with pytest.raises(EmulatorError, match="runs already, at"):
        start(data, port)


def test_data_of_a_newer_version_is_refused_and_kept(data: Path) -> None:
    start(data)
    control.stop(data)
    with sqlite3.connect(data / "emulator.db") as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(EmulatorError, match="newer version of cicd"):
        start(data)
    assert (data / "emulator.db").exists()


@pytest.mark.parametrize("name", ["emulator.db", "credentials.json"])
def test_damaged_files_are_named(data: Path, name: str) -> None:
    data.mkdir()
    (data / name).write_text("nonsense " * 200)
    refused = serve(data)
    assert refused.returncode == 1
    assert name in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EmulatorError, match="cannot be used") as caught:
        start(tmp_path / "file" / "data")
    assert "--data" in caught.value.hint


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_named(data: Path) -> None:
    data.mkdir(mode=0o500)
    with pytest.raises(EmulatorError, match="cannot be used"):
        start(data)


@pytest.mark.parametrize("size", [0, 4096])
def test_a_full_folder_is_named(data: Path, size: int) -> None:
    def little_space() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    refused = serve(data, preexec_fn=little_space)
    assert refused.returncode == 1
    assert "free some space" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_reset_deletes_an_emulators_folder_and_no_other(data: Path, tmp_path: Path) -> None:
    endpoint = start(data)
    control.reset(data)
    assert not data.exists()
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{endpoint.url}/emulator/health", timeout=5)
    control.reset(data)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "precious").write_text("")
    with pytest.raises(EmulatorError, match="no emulator's data"):
        control.reset(tmp_path / "other")
    assert (tmp_path / "other" / "precious").exists()


def test_an_environment_needs_an_emulator(tmp_path: Path) -> None:
    with pytest.raises(EmulatorError, match="no emulator has run"):
        control.environment(Endpoint("http://127.0.0.1:1", 1, tmp_path), "default")
