"""Starting, stopping, finding and asking the emulator of a data folder, from any process."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cicd.emulator.errors import EmulatorError
from cicd.emulator.foundation import catalogue
from cicd.emulator.front_door import FrontDoor
from cicd.emulator.host import doors
from cicd.emulator.host.folder import (
    ENDPOINT,
    LOCK,
    LOG_FILE,
    MARKS,
    STARTING,
    Endpoint,
    folder_error,
    prepare,
    read_endpoint,
    read_pid,
)
from cicd.emulator.host.locks import FileLock
from cicd.emulator.runner.bounds import Bounds, Chosen
from cicd.emulator.state import credentials
from cicd.emulator.state.objectstore import Choice, choose
from cicd.emulator.state.realism import Pace

GRACE = 20.0
"""Seconds an emulator has to end its runs before it is killed."""


def environment(endpoint: Endpoint, resource_group: str) -> dict[str, str]:
    """The variables with which SDKs, cicd and scripts use this emulator, those of the front doors
    that it was told to offer too. Secrets in clear."""
    found = aicore_environment(endpoint, resource_group)
    for door in doors.offered(endpoint.data):
        found |= door_environment(endpoint, door)
    return found


def platform_environment(endpoint: Endpoint, platform: str, resource_group: str) -> dict[str, str]:
    """Those with which one platform is used; the resource group is AI Core's."""
    door = doors.of_platform(platform)
    if door is None:
        return aicore_environment(endpoint, resource_group)
    return door_environment(endpoint, door)


def door_environment(endpoint: Endpoint, door: FrontDoor) -> dict[str, str]:
    """Those of one front door."""
    return dict(door.variables(endpoint.url, credentials.read(endpoint.data)))


def group_of(platform: str, resource_group: str) -> str:
    """Where an emulator keeps the runs of a platform; the resource group is AI Core's."""
    door = doors.of_platform(platform)
    return door.group if door else resource_group


def aicore_environment(endpoint: Endpoint, resource_group: str) -> dict[str, str]:
    """Those of AI Core and the Destination service."""
    known = credentials.read(endpoint.data)
    url = endpoint.url
    service_key = {
        "clientid": known.client_id,
        "clientsecret": known.client_secret,
        "url": url,
        "identityzone": "emulator",
        "identityzoneid": known.tenant_id,
        "appname": "emulator!aicore",
        "serviceurls": {"AI_API_URL": url},
    }
    return {
        "AICORE_AUTH_URL": url,
        "AICORE_BASE_URL": f"{url}/v2",
        "AICORE_CLIENT_ID": known.client_id,
        "AICORE_CLIENT_SECRET": known.client_secret,
        "AICORE_RESOURCE_GROUP": resource_group,
        "AICORE_SERVICE_KEY": json.dumps(service_key, separators=(",", ":")),
        "DESTINATION_AUTH_URL": url,
        "DESTINATION_BASE_URL": url,
        "DESTINATION_CLIENT_ID": known.destination_client_id,
        "DESTINATION_CLIENT_SECRET": known.destination_client_secret,
    }


def s3_environment(endpoint: Endpoint) -> dict[str, str]:
    """The variables with which S3 clients and Metaflow keep their data here. Secrets in clear."""
    known = credentials.read(endpoint.data)
    return {
        **known.s3_login,
        "AWS_ENDPOINT_URL_S3": f"{endpoint.url}/s3",
        "METAFLOW_S3_ENDPOINT_URL": f"{endpoint.url}/s3",
    }


def status(data: Path) -> Endpoint | None:
    """The emulator that answers for this folder, or None."""
    endpoint = read_endpoint(data)
    if endpoint is None or health_of(endpoint.url) != endpoint.pid:
        return None
    return endpoint


def start(
    data: Path,
    *,
    port: int = 0,
    timeout: float = 20,
    command: Sequence[str],
    environ: Mapping[str, str] | None = None,
) -> Endpoint:
    """The emulator of this folder, started in the background if it does not run yet, with the
    variables ``environ``, else those of this process.

    ``command`` with ``--port N`` after it must end up in server.serve() with the same folder.
    Two starts at once give one emulator. EmulatorError when it does not answer in ``timeout``
    seconds, or runs already on another port than the one asked for.
    """
    data = data.absolute()
    prepare(data)
    starting = FileLock(data / STARTING)
    if not starting.acquire(timeout=timeout):
        raise EmulatorError(f"another start of the emulator in {data} does not end", "try again")
    try:
        running = status(data)
        if running is None:
            endpoint, process = launch(
                data, timeout, [*command, "--port", str(port)], environ=environ
            )
            # it outlives this process: nobody will wait for it
            process.returncode = 0
            return endpoint
        if port and not running.url.endswith(f":{port}"):
            raise EmulatorError(
                f"the emulator runs already, at {running.url}",
                "stop it first with `cicd emulator stop`, or leave out --port",
            )
        return running
    finally:
        starting.release()


def serve_command(data: Path) -> list[str]:
    """The program that is the emulator; ``--port N`` comes after it.

    ``-P``: a project may have a folder ``cicd`` of its own.
    """
    program = [sys.executable, "-P", "-m", "cicd", "emulator", "start", "--foreground"]
    return [*program, "--data", str(data)]


def launch(
    data: Path,
    timeout: float,
    command: Sequence[str],
    *,
    environ: Mapping[str, str] | None = None,
    stdin: int = subprocess.DEVNULL,
) -> tuple[Endpoint, subprocess.Popen[bytes]]:
    """Start the background process and wait until it answers."""
    log = data / LOG_FILE
    with log.open("ab") as file:
        process = subprocess.Popen(
            command,
            env=environ,
            stdin=stdin,
            stdout=file,
            stderr=file,
            start_new_session=True,
            close_fds=True,
        )
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        if process.poll() is not None:
            if process.stdin:
                process.stdin.close()
            # nobody but the log knows why, and its last line says it
            raise EmulatorError(f"the emulator did not start: {last_line(log)}", f"see {log}")
        endpoint = read_endpoint(data)
        if endpoint and health_of(endpoint.url) == endpoint.pid:
            return endpoint, process
        time.sleep(0.01)
    process.terminate()
    process.communicate()
    raise EmulatorError(f"the emulator gave no answer in {timeout:g} s", f"see {log}")


def stop(data: Path) -> bool:
    """End the emulator of this folder and wait for it; False when none runs."""
    lock = FileLock(data / LOCK)
    if not lock.is_held():
        return False
    for sign, seconds in ((signal.SIGTERM, GRACE), (getattr(signal, "SIGKILL", signal.SIGTERM), 5)):
        # the lock is held, so the process id in it is no stranger's
        pid = read_pid(lock.path)
        if pid:
            try:
                os.kill(pid, sign)
            except ProcessLookupError:
                pass
            except PermissionError:
                raise EmulatorError(
                    f"the emulator (process {pid}) belongs to another user", "ask its owner"
                ) from None
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if not lock.is_held():
                (data / ENDPOINT).unlink(missing_ok=True)
                return True
            time.sleep(0.02)
    raise EmulatorError(f"the emulator in {data} does not end", "end its process yourself")


def reset(data: Path) -> None:
    """Stop the emulator and delete all of its folder; one that holds other things is refused."""
    if not data.exists():
        return
    if any(data.iterdir()) and not any((data / mark).exists() for mark in MARKS):
        raise EmulatorError(f"{data} holds no emulator's data", "check --data")
    stop(data)
    try:
        shutil.rmtree(data)
    except OSError as error:
        raise folder_error(data, error) from error


def choose_object_store(data: Path, choice: Choice) -> None:
    """Keep artifacts in a folder, or where object store secrets say, from now on."""
    prepare(data)
    try:
        choose(data, choice)
    except OSError as error:
        raise folder_error(data, error) from error


def offer_doors(data: Path, names: Sequence[str]) -> None:
    """Let ``environment`` speak of these front doors too from now on."""
    prepare(data)
    try:
        doors.offer(data, names)
    except OSError as error:
        raise folder_error(data, error) from error


def choose_bounds(data: Path, chosen: Chosen) -> None:
    """Let the emulator of this folder, running or not, give runs no more of this machine."""
    prepare(data)
    try:
        Bounds(data).choose(chosen)
    except OSError as error:
        raise folder_error(data, error) from error


def offer_models(data: Path, file: Path) -> None:
    """Let the emulator of this folder, running or not, offer the models of a file from now on.

    EmulatorError when the file is no list of models; then the one before stays.
    """
    models = catalogue.load(file)
    prepare(data)
    try:
        catalogue.ModelList(data).keep(models)
    except OSError as error:
        raise folder_error(data, error) from error


def choose_realism(data: Path, level: str, sync_every: int | None = None) -> None:
    """Let the emulator of this folder, running or not, take as long as ``level`` says, and look at
    Git every ``sync_every`` seconds if given."""
    prepare(data)
    Pace(data).choose(level, sync_every)
    if running := status(data):
        # what waits already learns it only when asked
        body = {"level": level, **({"syncEvery": sync_every} if sync_every else {})}
        ask(running, "PUT", "/emulator/realism", body)


def ask(endpoint: Endpoint, method: str, path: str, body: Any = None, *, group: str = "") -> Any:
    """A request to an emulator, whose owner needs no login; the JSON of its answer.

    ``group`` is the resource group that it is about, if any. Rejected when it says that the request
    is wrong, EmulatorError when it cannot be asked.
    """
    token = credentials.read(endpoint.data).issue("aicore", issuer=endpoint.url, lifetime=60)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    if group:
        headers["AI-Resource-Group"] = group
    data = None if body is None else json.dumps(body, default=str).encode()
    request = urllib.request.Request(endpoint.url + path, data, headers, method=method)  # noqa: S310
    try:
        with opener().open(request, timeout=30) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            raise Rejected(message_of(error.read())) from None
    except (OSError, ValueError) as error:
        raise EmulatorError(
            f"the emulator at {endpoint.url} does not answer as it should: {error}",
            "stop it with `cicd emulator stop`, then try again",
        ) from None


class Rejected(EmulatorError):
    """The emulator says that the request is wrong."""


def message_of(body: bytes) -> str:
    """What an error answer says."""
    try:
        return str(json.loads(body)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return body.decode(errors="replace")[:200]


def health_of(url: str) -> int | None:
    """The process id of the emulator that answers at ``url``, or None."""
    try:
        with opener().open(f"{url}/emulator/health", timeout=2) as answer:
            return int(json.load(answer)["pid"])
    except (OSError, ValueError, KeyError, TypeError, urllib.error.URLError):
        return None


def opener() -> urllib.request.OpenerDirector:
    """Opens urls without a proxy: they are always on the loopback interface."""
    return urllib.request.build_opener(urllib.request.ProxyHandler({}))


def last_line(log: Path) -> str:
    """The last thing that was logged."""
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    except OSError:
        return "its log cannot be read"
    return lines[-1].removeprefix("error: ") if lines else "it logged nothing"
