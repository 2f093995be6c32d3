"""The inference URL and the Destination service."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from cicd.emulator.api.gates import Gates, QueueFull
from cicd.emulator.jobs import Upstream
from tests.emulator.emulator_client import Client, wait_for
from tests.serving import serving

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


class Gradual(BaseHTTPRequestHandler):
    """Reads and answers in pieces; ``/events`` waits between them for what the test allows."""

    protocol_version = "HTTP/1.1"
    heard = threading.Event()
    go_on = threading.Event()
    left = threading.Event()
    inside = 0
    most = 0

    def do_POST(self) -> None:
        if self.path == "/up":
            for number in range(2):
                size = int(self.rfile.readline(), 16)
                assert self.rfile.read(size + 2) == b"%d\r\n" % number
                self.heard.set()
            assert self.rfile.readline() + self.rfile.readline() == b"0\r\n\r\n"
        elif self.path == "/silent":
            self.left.wait(10)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self) -> None:
        if self.path == "/one":
            self.one_at_a_time()
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.piece("data: 1\n\n")
        if self.path == "/events":
            self.go_on.wait(10)
            self.piece("data: 2\n\n")
        elif self.path == "/endless":
            try:
                while True:
                    self.piece("data: x\n\n" * 1000)
            except OSError:
                self.left.set()
                return
        self.wfile.write(b"0\r\n\r\n")

    def one_at_a_time(self) -> None:
        kind = type(self)
        kind.inside += 1
        kind.most = max(kind.most, kind.inside)
        time.sleep(0.02)
        kind.inside -= 1

    def piece(self, text: str) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(text), text.encode()))

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def gradual() -> Iterator[Upstream]:
    with serving(Gradual) as url:
        yield Upstream(port=urlsplit(url).port or 0)
        Gradual.left.set()


@pytest.fixture(scope="module")
def served(shared_ready: Client) -> tuple[Client, str]:
    """A client, and the inference path of a deployment whose runner says where it is."""
    deployment = shared_ready.deploy()
    shared_ready.wait(f"/v2/lm/deployments/{deployment}", "RUNNING")
    return shared_ready, f"/v2/inference/deployments/{deployment}"


def test_both_directions_stream(served: tuple[Client, str], gradual: Upstream) -> None:
    client, base = served
    headers = {"Authorization": f"Bearer {client.token()}", "AI-Resource-Group": "default"}
    client.runner.gone.append(gradual)
    with client.session.get(
        client.url + base + "/events", headers=headers, stream=True, timeout=20
    ) as answer:
        pieces = answer.iter_content(None)
        assert next(pieces) == b"data: 1\n\n"
        # only now the deployment may say more, so nothing waited for the end
        Gradual.go_on.set()
        assert next(pieces) == b"data: 2\n\n"

    def body() -> Iterator[bytes]:
        yield b"0"
        assert Gradual.heard.wait(10)
        yield b"1"

    client.runner.gone.append(gradual)
    url = client.url + base + "/up"
    assert client.session.post(url, data=body(), headers=headers, timeout=20).status_code == 200


def test_a_client_that_goes_away_ends_its_request(
    served: tuple[Client, str], gradual: Upstream
) -> None:
    client, base = served
    headers = {"Authorization": f"Bearer {client.token()}", "AI-Resource-Group": "default"}
    client.runner.gone.append(gradual)
    url = client.url + base + "/endless"
    with requests.get(url, headers=headers, stream=True, timeout=20) as answer:
        assert answer.raw.read(5) == b"data:"
    assert Gradual.left.wait(10)
    Gradual.left.clear()


def test_the_template_says_how_many_requests_at_once_and_how_long(
    served: tuple[Client, str], gradual: Upstream
) -> None:
    client, base = served
    client.runner.gone += [replace(gradual, concurrency=1)] * 5
    with ThreadPoolExecutor(5) as pool:
        answers = list(pool.map(lambda _: client.send("GET", f"{base}/one"), range(5)))
    assert {answer.status_code for answer in answers} == {200}
    assert Gradual.most == 1
    client.runner.gone.append(replace(gradual, timeout=0.1))
    late = client.send("POST", f"{base}/silent", data=b"x", status=504)
    assert late.text == "upstream request timeout"


def test_a_long_line_is_cut_off() -> None:
    async def scene() -> None:
        gates, done = Gates(), asyncio.Event()

        async def ask() -> None:
            async with gates.turn("server", 1):
                await done.wait()

        tasks = [asyncio.create_task(ask()) for _ in range(11)]
        await asyncio.sleep(0)
        with pytest.raises(QueueFull):
            await ask()
        done.set()
        await asyncio.gather(*tasks)
        await ask()

    asyncio.run(scene())


def test_a_request_waits_for_a_server_that_is_being_started(served: tuple[Client, str]) -> None:
    client, base = served
    client.runner.gone += [Upstream(is_waking=True)] * 3
    assert client.send("POST", f"{base}/x", data=b"body", status=200).json()["body"] == "body"


def test_websockets_are_refused_clearly(served: tuple[Client, str]) -> None:
    client, base = served
    headers = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    answer = client.send("GET", f"{base}/ws", headers=headers, status=501)
    assert "websockets are not passed on" in answer.text


def test_a_deployment_whose_time_to_live_is_over_is_stopped_and_deleted(
    served: tuple[Client, str],
) -> None:
    client, _ = served
    body = {"configurationId": client.configuration("serve"), "ttl": "10m"}
    deployment = client.send("POST", "/v2/lm/deployments", body, status=202).json()["id"]
    path = f"/v2/lm/deployments/{deployment}"
    client.wait(path, "RUNNING")
    other = client.deploy("slow")
    sql = "UPDATE runs SET expires_at = '2020-01-01T00:00:00Z' WHERE id = ?"
    client.world.store.write(sql, (deployment,))
    client.send("PUT", "/emulator/clock", {"advance": 0}, status=200)  # somebody looks at it
    wait_for(lambda: client.send("GET", path).status_code, lambda status: status == 404)
    assert deployment not in client.runner.servers
    assert client.get(f"/v2/lm/deployments/{other}")["status"] == "PENDING"


def test_replicas_are_shown(served: tuple[Client, str]) -> None:
    client, base = served
    shown = client.get(base.replace("inference", "lm"))["details"]["scaling"]
    expected = {"minReplicas": 1, "maxReplicas": 2, "runningReplicas": 1}
    assert shown["backendDetails"]["predictor"] == expected
    assert shown["backend_details"] == shown["backendDetails"]


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


ANSWERS = {
    "until it closes": (b"HTTP/1.0 200 OK\r\nX-A: 1\r\n\r\nhello", 200, "hello"),
    "after an interim one": (
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nhi",
        201,
        "hi",
    ),
    "in chunks with a trailer": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"3\r\nabc\r\n1\r\nd\r\n0\r\nX-T: 1\r\n\r\n",
        200,
        "abcd",
    ),
    "without a body": (b"HTTP/1.1 204 No Content\r\n\r\n", 204, ""),
    "a length in the head of nothing": (
        b"HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n",
        304,
        "",
    ),
    "many headers": (
        b"HTTP/1.1 200 OK\r\n"
        + b"X-Long: %s\r\n" % (b"x" * 40_000)
        + b"Content-Length: 1\r\n\r\n1",
        200,
        "1",
    ),
    "no HTTP": (b"220 ready\r\n", 502, "upstream failed: "),
    "nothing": (b"", 502, "upstream failed: "),
    "half a head": (b"HTTP/1.1 200 OK\r\nContent-", 502, "upstream failed: "),
}


@contextmanager
def saying(answer: bytes) -> Iterator[Upstream]:
    """A server that says this, whatever it is asked, and goes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield Upstream(port=listener.getsockname()[1])
        thread.join(10)


@pytest.mark.parametrize("kind", ANSWERS)
def test_whatever_a_server_answers_is_passed_on(served: tuple[Client, str], kind: str) -> None:
    client, base = served
    said, status, body = ANSWERS[kind]
    with saying(said) as upstream:
        client.runner.gone.append(upstream)
        answer = client.send("GET", f"{base}/x", status=status)
    assert answer.text.startswith(body)
    assert bool(answer.text) == bool(body)


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nno length\r\n",
    ],
)
def test_an_answer_that_breaks_off_does_not_look_whole(
    served: tuple[Client, str], said: bytes
) -> None:
    client, base = served
    with saying(said) as upstream:
        client.runner.gone.append(upstream)
        with pytest.raises(requests.RequestException):
            client.send("GET", f"{base}/x")
