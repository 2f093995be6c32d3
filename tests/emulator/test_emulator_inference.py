"""The inference URL and the Destination service."""

from __future__ import annotations

import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests

from cicd.emulator.jobs import Upstream
from tests.emulator.emulator_client import Client

DESTINATIONS = "/destination-configuration/v1"


def test_requests_are_passed_on(ready: Client) -> None:
    deployment = ready.deploy()
    ready.wait(f"/v2/lm/deployments/{deployment}", "RUNNING")
    base = f"/v2/inference/deployments/{deployment}"
    answer = ready.send(
        "POST",
        f"{base}/v1/predict%2Fx/%C3%BC?a=1&a=2&b=%26",
        data="grüße".encode(),
        headers={"X-Mine": "1", "Connection": "keep-alive, x-hop", "Expect": None},
    )
    seen = answer.json()
    assert seen["method"] == "POST"
    assert seen["path"] == "/v1/predict%2Fx/%C3%BC?a=1&a=2&b=%26"
    assert seen["body"] == "grüße"
    assert seen["headers"]["x-mine"] == "1"
    assert seen["headers"]["ai-resource-group"] == "default"
    assert "authorization" not in seen["headers"]
    assert answer.headers["x-from"] == "deployment"
    assert ready.send("GET", f"{base}/missing").status_code == 404
    assert ready.send("GET", base).json()["path"] == "/"


def test_who_may_not_call(ready: Client) -> None:
    deployment = ready.deploy()
    ready.wait(f"/v2/lm/deployments/{deployment}", "RUNNING")
    path = f"/v2/inference/deployments/{deployment}/v1/x"
    ready.send("POST", "/v2/admin/resourceGroups", {"resourceGroupId": "other"}, status=202)
    cases: list[tuple[dict[str, str | None], int]] = [
        ({"Authorization": None}, 403),
        ({"Authorization": "Bearer a.b.c"}, 401),
        ({"AI-Resource-Group": None}, 403),
        ({"AI-Resource-Group": "nope"}, 403),
        ({"AI-Resource-Group": "other"}, 404),
    ]
    for headers, status in cases:
        assert ready.send("GET", path, headers=headers).status_code == status, headers
    assert ready.send("GET", "/v2/inference/deployments/d000/x").status_code == 404


def test_a_stopped_deployment_does_not_answer(ready: Client) -> None:
    deployment = ready.deploy()
    path = f"/v2/lm/deployments/{deployment}"
    ready.wait(path, "RUNNING")
    ready.send("PATCH", path, {"targetStatus": "STOPPED"}, status=202)
    ready.wait(path, "STOPPED")
    answer = ready.send("GET", f"/v2/inference/deployments/{deployment}/x", status=503)
    assert answer.text == "no healthy upstream"


def test_large_bodies_stream_both_ways(ready: Client) -> None:
    deployment = ready.deploy()
    ready.wait(f"/v2/lm/deployments/{deployment}", "RUNNING")
    sent = b"x" * (12 * 1024 * 1024)
    path = f"/v2/inference/deployments/{deployment}/v1/x"
    assert len(ready.send("POST", path, data=sent, status=200).json()["body"]) == len(sent)


def test_no_request_fails_while_revisions_are_swapped(ready: Client) -> None:
    deployment = ready.deploy()
    path = f"/v2/lm/deployments/{deployment}"
    ready.wait(path, "RUNNING")
    done = threading.Event()

    def ask(_: int) -> set[int]:
        found = set()
        with requests.Session() as session:
            session.trust_env = False
            mine = Client(ready.url, ready.world, ready.runner, session)
            while not done.is_set():
                answer = mine.send("GET", f"/v2/inference/deployments/{deployment}/v1/x")
                found.add(answer.status_code)
        return found

    with ThreadPoolExecutor(4) as pool:
        answers = pool.map(ask, range(4))
        for number in range(5):
            new = ready.configuration("serve", greeting=f"g{number}")
            ready.send("PATCH", path, {"configurationId": new}, status=202)
            ready.wait(path, "RUNNING")
        done.set()
        assert set().union(*answers) == {200}


def test_a_revision_that_went_away_is_asked_for_again(ready: Client, tmp_path: Path) -> None:
    deployment = ready.deploy()
    ready.wait(f"/v2/lm/deployments/{deployment}", "RUNNING")
    path = f"/v2/inference/deployments/{deployment}/v1/x"
    with socket.create_server(("127.0.0.1", 0)) as listener:
        closed = Upstream(port=listener.getsockname()[1])
    for gone in (closed, Upstream(socket=tmp_path / "no.sock")):
        ready.runner.gone.append(gone)
        assert ready.send("POST", path, data=b"body", status=200).json()["body"] == "body"
    ready.runner.gone += [closed, closed]
    assert ready.send("POST", path, data=b"body", status=503).text == "upstream connect error"


@pytest.fixture
def destinations(client: Client) -> Client:
    """The client, logged in to the Destination service through the token endpoint."""
    known = client.world.credentials
    answer = client.session.post(
        f"{client.url}/oauth/token",
        data={"grant_type": "client_credentials"},
        auth=(known.destination_client_id, known.destination_client_secret),
        timeout=10,
    )
    token = answer.json()["access_token"]
    return replace(client, issued=token)


ENTRY = {
    "Name": "AI_CORE",
    "Type": "HTTP",
    "URL": "http://x/1",
    "clientSecret": "s",
    "URL.headers.AI-Resource-Group": "default",
}


@pytest.mark.parametrize("level", ["subaccountDestinations", "instanceDestinations"])
def test_destinations(destinations: Client, level: str) -> None:
    path = f"{DESTINATIONS}/{level}"
    send = destinations.send
    assert send("GET", path, status=200).json() == []
    send("POST", path, ENTRY, status=201)
    send("POST", path, ENTRY, status=409)
    assert send("GET", f"{path}/AI_CORE", status=200).json() == ENTRY
    changed = {"Name": "AI_CORE", "Type": "HTTP", "URL": "http://x/2"}
    assert send("PUT", path, changed, status=200).json() == {"Count": 1}
    assert send("GET", f"{path}/AI_CORE").json() == changed
    found = send("GET", f"{DESTINATIONS}/destinations/AI_CORE", status=200).json()
    assert found["destinationConfiguration"] == changed
    send("POST", path, [{**ENTRY, "Name": "A"}, {**ENTRY, "Name": "B"}], status=201)
    send("POST", path, [{**ENTRY, "Name": "C"}, {**ENTRY, "Name": "B"}], status=409)
    names = [entry["Name"] for entry in send("GET", path).json()]
    assert names == ["A", "AI_CORE", "B"]
    assert len(send("GET", f"{path}?$filter=Name in ('A','B')").json()) == 2
    assert len(send("GET", f"{path}?$page=2&$pageSize=2").json()) == 1
    assert send("DELETE", f"{path}/AI_CORE", status=200).json() == {"Count": 1}
    send("DELETE", f"{path}/AI_CORE", status=404)
    send("GET", f"{path}/AI_CORE", status=404)
    send("GET", f"{DESTINATIONS}/destinations/AI_CORE", status=404)


@pytest.mark.parametrize(
    "body", [{}, {"Name": "A"}, {"Name": "a b", "Type": "HTTP"}, {**ENTRY, "X": 1}, [1], []]
)
def test_wrong_destinations_are_refused(destinations: Client, body: Any) -> None:
    path = f"{DESTINATIONS}/subaccountDestinations"
    destinations.send("POST", path, body, status=201 if body == [] else 400)
    assert destinations.send("GET", path).json() == []


def test_the_two_logins_open_one_door_each(client: Client, destinations: Client) -> None:
    assert destinations.send("GET", "/v2/lm/scenarios").status_code == 403
    issued = client.world.credentials.issue("aicore", issuer=client.url)
    headers = {"Authorization": f"Bearer {issued}"}
    path = f"{DESTINATIONS}/subaccountDestinations"
    assert client.send("GET", path, headers=headers).status_code == 403
