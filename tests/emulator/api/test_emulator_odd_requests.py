"""Requests that no SDK sends: answered as a gateway and a service behind it would, never a 500."""

from __future__ import annotations

import json
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest

from tests.emulator.emulator_client import Client

ARTIFACTS = b"/v2/lm/artifacts"
GOOD = b'{"name":"a","kind":"model","url":"ai://default/x","scenarioId":"some"}'
JSON = b"Content-Type: application/json\r\n"
DENIED = b"RBAC: access denied"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[bytes, bytes]
    body: bytes

    @property
    def is_envelope(self) -> bool:
        """Whether it is AI Core's error object."""
        error = json.loads(self.body)["error"]
        return {"code", "message", "requestId", "target"} <= set(error)


def send(client: Client, line: bytes, headers: bytes = b"", body: bytes | None = None) -> Answer:
    """One request, byte by byte; a token and a group come with it unless ``headers`` has them."""
    if b"Authorization" not in headers:
        headers += f"Authorization: Bearer {client.token()}\r\n".encode()
    if b"AI-Resource-Group" not in headers:
        headers += b"AI-Resource-Group: default\r\n"
    if body is not None:
        headers += b"Content-Length: %d\r\n" % len(body)
    place = urlsplit(client.url)
    assert place.hostname
    assert place.port
    with socket.create_connection((place.hostname, place.port), timeout=10) as connection:
        start = line + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        connection.sendall(start + headers + b"\r\n" + (body or b""))
        received = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, answered = received.partition(b"\r\n\r\n")
    first, *rest = head.split(b"\r\n")
    found = [item.partition(b": ") for item in rest]
    return Answer(int(first.split()[1]), {name.lower(): text for name, _, text in found}, answered)


@pytest.mark.parametrize(
    ("line", "status", "body"),
    [
        (b"GET /v2/lm/nothing", 403, DENIED),
        (b"GET /v2", 403, DENIED),
        (b"GET /v2/lm/artifacts/", 403, DENIED),
        (b"GET /v2/LM/artifacts", 403, DENIED),
        (b"GET /v2/lm/artifacts/../executions", 403, DENIED),
        (b"GET /v2/lm/artifacts/some%2Fthing", 403, DENIED),
        (b"GET /v2/lm/dataset/files/default/a%0Ab.csv", 403, DENIED),
        (b"GET /", 404, b"not found"),
        (b"GET /v2x", 404, b"not found"),
        (b"GET //v2/lm/artifacts", 404, b"not found"),
        (b"GET http://other.example/v2/lm/artifacts", 404, b"not found"),
        (b"CONNECT other.example:443", 404, b"not found"),
        (b"GET /v2/lm/artifacts/\xc3\xa9tranger", 400, b"Invalid HTTP request received."),
        (b"GET /v2/lm/artifacts?$top=\xd9\xa3", 400, b"Invalid HTTP request received."),
    ],
)
def test_the_gateway_answers_in_plain_text(
    shared: Client, line: bytes, status: int, body: bytes
) -> None:
    answer = send(shared, line)
    assert (answer.status, answer.body) == (status, body)
    assert answer.headers[b"content-type"].startswith(b"text/plain")


@pytest.mark.parametrize(
    ("line", "allowed"),
    [
        (b"PUT /v2/lm/artifacts", b"GET, HEAD, POST"),
        (b"OPTIONS /v2/lm/artifacts", b"GET, HEAD, POST"),
        (b"TRACE /v2/lm/executions/some", b"DELETE, GET, HEAD, PATCH"),
        (b"HEAD /v2/admin/applications/app/refresh", b"POST"),
        (b"STRANGE /v2/lm/meta", b"GET, HEAD"),
    ],
)
def test_a_method_that_a_path_does_not_have(shared: Client, line: bytes, allowed: bytes) -> None:
    answer = send(shared, line)
    assert (answer.status, answer.headers[b"allow"]) == (405, allowed)
    assert send(shared, line, b"Authorization: Bearer a.b.c\r\n").status == 401


def test_head_is_get_without_a_body(shared: Client) -> None:
    for path, status in ((ARTIFACTS, 200), (ARTIFACTS + b"/nothing", 404)):
        get, head = (send(shared, method + path) for method in (b"GET ", b"HEAD "))
        assert (head.status, head.body) == (get.status, b"") == (status, b"")
        assert head.headers[b"content-type"] == get.headers[b"content-type"]


@pytest.mark.parametrize(
    "line",
    [
        b"GET /v2/lm/artifacts/%C3%A9tranger",
        b"GET /v2/lm/artifacts/%ff%fe%fd%fc",
        b"GET /v2/lm/artifacts/a%00bcd",
        b"GET /v2/lm/artifacts/" + b"a" * 30_000,
        b"GET /v2/lm/artifacts?$top=%ff",
        b"GET /v2/lm/artifacts?$top=" + b"9" * 5_000,
        b"GET /v2/lm/artifacts?$top=%D9%A3",
        b"GET /v2/lm/artifacts?$skip=1e3",
        b"GET /v2/lm/artifacts?name=%60",
        b"GET /v2/lm/executions/some/logs?start=0001-01-01T00:00:00%2B23:59",
        b"GET /v2/admin/repositories/%C3%89",
        b"GET /v2/lm/dataset/files/d%C3%A9fault/a.csv",
        b"GET /v2/lm/dataset/files/default/" + b"a" * 300 + b".csv",
    ],
)
def test_what_can_be_no_name_is_a_400_or_404(shared: Client, line: bytes) -> None:
    answer = send(shared, line)
    assert answer.status == (404 if b"logs" in line else 400)
    assert answer.is_envelope


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"NaN",
        b"[" * 100_000,
        b'{"name":' * 500 + b"1" + b"}" * 500,
        b'{"name":' + b"9" * 5_000 + b"}",
        b'{"name": NaN, "kind": "model"}',
        b"\xef\xbb\xbf" + GOOD,
        GOOD.decode().encode("utf-16"),
        GOOD.replace(b'"a"', b'"\xff"'),
        GOOD.replace(b'"a"', rb'"\ud800"'),
        GOOD.replace(b'"a"', rb'"\u0000"'),
        GOOD.replace(b'"a"', b'["a"]'),
    ],
)
def test_a_body_that_is_no_good_is_a_400(shared: Client, body: bytes) -> None:
    answer = send(shared, b"POST " + ARTIFACTS, JSON, body)
    assert answer.status == 400
    assert answer.is_envelope


@pytest.mark.parametrize(
    ("said", "status"),
    [
        (b"", 201),
        (b"application/json; charset=utf-8", 201),
        (b"Application/JSON", 201),
        (b"application/merge-patch+json", 201),
        (b"application/x-www-form-urlencoded", 400),
        (b"text/plain", 400),
        (b"multipart/form-data; boundary=x", 400),
        (b"application/json\r\nContent-Type: text/plain", 400),
    ],
)
def test_json_must_be_said_to_be_json(shared: Client, said: bytes, status: int) -> None:
    header = b"Content-Type: " + said + b"\r\n" if said else b""
    assert send(shared, b"POST " + ARTIFACTS, header, GOOD).status == status


@pytest.mark.parametrize(
    ("headers", "status", "body"),
    [
        (b"AI-Resource-Group: default\r\nAI-Resource-Group: other\r\n", 403, DENIED),
        (b"AI-Resource-Group: default\r\nAI-Resource-Group: default\r\n", 403, DENIED),
        (b"AI-Resource-Group: d\xe9fault\r\n", 403, DENIED),
        (b"AI-Resource-Group: \r\n", 403, DENIED),
        (b"Authorization: Basic eDp5\r\n", 403, DENIED),
        (b"Authorization: Bearer \r\n", 403, DENIED),
        (b"Authorization: Bearer \xe9.\xe9.\xe9\r\n", 401, b"Jwt is not in the form"),
        (b"Authorization: Bearer a.eyJleHAiOiJ4In0.c\r\n", 401, b"Jwt verification fails"),
    ],
)
def test_headers_that_let_nobody_in(
    shared: Client, headers: bytes, status: int, body: bytes
) -> None:
    answer = send(shared, b"GET " + ARTIFACTS, headers)
    assert answer.status == status
    assert answer.body.startswith(body)
    if b"Resource" not in headers:
        assert send(shared, b"GET /v2/lm/nothing", headers).status == status


def test_a_second_token_lets_nobody_in(shared: Client) -> None:
    good = f"Authorization: Bearer {shared.token()}\r\n".encode()
    assert send(shared, b"GET " + ARTIFACTS, good).status == 200
    assert send(shared, b"GET " + ARTIFACTS, good + good).status == 401


def test_broken_requests_are_refused(shared: Client) -> None:
    chunked = b"Transfer-Encoding: chunked\r\n"
    assert send(shared, b"POST " + ARTIFACTS, chunked + b"\r\nzz\r\n").status == 400


@pytest.mark.parametrize(
    "path",
    ["/v2/admin/mtlsCertificateSecrets", "/v2/admin/quota/model", "/v2/admin/quota/requests"],
)
def test_what_is_not_emulated_says_so(shared: Client, path: str) -> None:
    error = shared.send("GET", path, status=501).json()["error"]
    assert "the emulator does not have" in error["message"]
