"""A platform that answers, but not to you."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler

import pytest

from tests.acceptance.conftest import Project
from tests.serving import serving


class Gate(BaseHTTPRequestHandler):
    """Gives a token to everybody and what is in the resource group to nobody, like AI Core."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        token = {"access_token": "t", "token_type": "bearer", "expires_in": 43199}
        self.answer(200, json.dumps(token))

    def do_GET(self) -> None:
        if "/lm/" in self.path:
            self.answer(403, "RBAC: access denied")
        elif "/resourceGroups/" in self.path:
            group = {"resourceGroupId": "small-dev", "status": "PROVISIONED", "createdAt": ""}
            self.answer(200, json.dumps(group))
        elif "/subaccountDestinations" in self.path:
            self.answer(200, "[]")
        else:
            self.answer(200, json.dumps({"count": 0, "resources": []}))

    def answer(self, status: int, text: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def gate() -> Iterator[str]:
    with serving(Gate) as url:
        yield url


def test_a_resource_group_without_rights_is_4_and_named(small: Project, gate: str) -> None:
    env = {
        "AICORE_AUTH_URL": gate,
        "AICORE_BASE_URL": gate,
        "AICORE_CLIENT_ID": "me",
        "AICORE_CLIENT_SECRET": "canary-0815",
        "DESTINATION_AUTH_URL": gate,
        "DESTINATION_BASE_URL": gate,
        "DESTINATION_CLIENT_ID": "me",
        "DESTINATION_CLIENT_SECRET": "canary-0815",
    }
    result = small.cicd("apply", "dev", "--auto-approve", env=env)
    assert result.returncode == 4, result.stdout + result.stderr
    assert "small-dev" in result.stderr
    assert "RBAC" in result.stderr
    assert "canary-0815" not in result.stdout + result.stderr
    assert "Traceback" not in result.stderr
