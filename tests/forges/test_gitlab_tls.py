"""A GitLab whose certificate an authority of its own has signed, as GitLab Runner hands it on."""

from __future__ import annotations

import ssl
import subprocess
import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest

from cicd.errors import ConnectionFailed
from cicd.forges.detect import read_run, usable
from cicd.forges.opening import open_forge
from tests.forges.forge_server import handler_of
from tests.forges.gitlab_server import PROJECT, TOKEN, GitLab
from tests.forges.test_forges_detect import GITLAB_CHANGE


class Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """A handshake that fails is what one of the tests is about."""


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``server.pem``, which vouches for itself, and its key."""
    folder = tmp_path_factory.mktemp("papers")
    new = ("req", "-x509", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    names = ("-subj", "/CN=gitlab", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "9")
    files = ("-keyout", "server.key", "-out", "server.pem")
    subprocess.run(["openssl", *new, *names, *files], cwd=folder, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def gitlab(papers: Path) -> Iterator[GitLab]:
    double = GitLab()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(papers / "server.pem", papers / "server.key")
    server = Server(("127.0.0.1", 0), handler_of(double))
    server.socket = context.wrap_socket(
        server.socket, server_side=True, do_handshake_on_connect=False
    )
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    double.url = f"https://127.0.0.1:{server.server_port}"
    yield double
    server.shutdown()
    server.server_close()
    thread.join()


def notes(gitlab: GitLab, **variables: str) -> int:
    environ = GITLAB_CHANGE | {
        "CI_API_V4_URL": f"{gitlab.url}/api/v4",
        "CI_PROJECT_PATH": PROJECT,
        "CICD_GITLAB_TOKEN": TOKEN,
        **variables,
    }
    forge = open_forge(usable(read_run(environ), environ))
    try:
        return len(forge.notes(7))
    finally:
        forge.close()


def test_the_authority_that_the_runner_hands_on_is_believed(
    gitlab: GitLab, papers: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    assert notes(gitlab, CI_SERVER_TLS_CA_FILE=str(papers / "server.pem")) == 0
    for variables in (
        {},
        {"CI_SERVER_TLS_CA_FILE": str(papers / "gone.pem")},
        {
            "CI_SERVER_TLS_CA_FILE": str(papers / "server.pem"),
            "REQUESTS_CA_BUNDLE": str(papers / "another.pem"),
        },
    ):
        with pytest.raises(ConnectionFailed, match="cannot be reached"):
            notes(gitlab, **variables)
