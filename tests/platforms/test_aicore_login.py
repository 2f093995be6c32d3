"""Logins that last as long as the work: renewed, refused, and with certificates over real TLS."""

from __future__ import annotations

import http.server
import itertools
import json
import shutil
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pytest_mock import MockerFixture

from cicd.errors import ConnectionFailed, Denied
from cicd.model import Secret
from cicd.platforms.aicore.api import Api
from cicd.platforms.aicore.certificate import Certificate, check, not_after
from cicd.platforms.aicore.credentials import Credentials, aicore_credentials
from cicd.platforms.aicore.doctor import Account, examine
from cicd.platforms.aicore.login import ATTEMPTS, Login
from cicd.platforms.aicore.rest import Http
from cicd.platforms.aicore.transport import open_session
from tests.platforms.aicore_world import connected, live
from tests.platforms.stub_server import Reply, Request, StubServer, running

needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")


@pytest.fixture
def stub() -> Iterator[StubServer]:
    with running() as (server, url):
        server.url = url
        yield server


def run_of(token: str, status: str) -> Reply:
    return Reply(200, {"id": "r1", "status": status, "configurationId": "c1", "name": token})


def test_a_token_that_ends_in_the_middle_of_a_wait_is_renewed(stub: StubServer) -> None:
    def answer(request: Request) -> Reply:
        number = int(request.headers["Authorization"].rpartition("-")[2])
        # every token is good for two calls, whatever the server had promised
        used[number] = used.get(number, 0) + 1
        return Reply(401, "Jwt is expired") if used[number] > 2 else run_of("", "RUNNING")

    used: dict[int, int] = {}
    stub.on("GET", "/v2/lm/executions/r1", answer)
    with connected(stub) as platform:
        states = [platform.get(live("execution")).status.raw for _ in range(7)]
    assert states == ["RUNNING"] * 7 and stub.tokens == 4


def test_a_login_that_fails_is_not_tried_again_for_all_who_wait_for_it(stub: StubServer) -> None:
    def clock() -> float:
        if next(calls) == 9:
            all_wait.set()
        return time.monotonic()

    def answer(_: Request) -> Reply:
        all_wait.wait(10)
        return Reply(503, "down")

    calls, all_wait = itertools.count(1), threading.Event()
    stub.on("POST", "/oauth/token", answer)
    known = Credentials(stub.url, f"{stub.url}/oauth/token", "me", Secret("s3cret"))
    session = open_session(stub.url)
    login = Login(known, session, clock=clock, sleep=lambda _: None)
    with ThreadPoolExecutor(9) as pool:
        waiting = [pool.submit(login.token) for _ in range(9)]
        assert all(isinstance(task.exception(), ConnectionFailed) for task in waiting)
    assert len(stub.requests) == ATTEMPTS
    with pytest.raises(ConnectionFailed):
        login.token()
    session.close()
    assert len(stub.requests) == 2 * ATTEMPTS


@pytest.mark.parametrize(
    ("life", "early"), [(43200, 60), (601, 60), (600, 60), (590, 59), (60, 6), (10, 1)]
)
def test_a_token_is_renewed_a_minute_before_its_end_or_a_tenth_of_its_life(
    stub: StubServer, life: int, early: int
) -> None:
    stub.token_life, now = life, 100.0
    known = Credentials(stub.url, f"{stub.url}/oauth/token", "me", Secret("s3cret"))
    with open_session(stub.url) as session:
        login = Login(known, session, clock=lambda: now)
        for seconds, token in ((0, 1), (life - early - 0.25, 1), (life - early + 0.25, 2)):
            now = 100.0 + seconds
            assert login.token() == f"token-{token}"


def test_a_login_waits_ten_seconds_to_be_heard_and_thirty_for_a_word(
    stub: StubServer, mocker: MockerFixture
) -> None:
    known = Credentials(stub.url, f"{stub.url}/oauth/token", "me", Secret("s3cret"))
    with open_session(stub.url) as session:
        asked = mocker.spy(session, "post")
        Login(known, session).token()
    assert asked.call_args.kwargs["timeout"] == (10, 30)


@pytest.mark.parametrize(
    "answer",
    [
        {"expires_in": 5},
        {"access_token": "x", "expires_in": "soon"},
        {"access_token": "x", "expires_in": [5]},
        ["x"],
        "x",
        {"access_token": "a\nb"},
        {"access_token": "Größe"},
    ],
)
def test_what_is_no_token_is_no_answer_of_the_api(stub: StubServer, answer: object) -> None:
    stub.on("POST", "/oauth/token", Reply(200, answer))
    with (
        connected(stub) as platform,
        pytest.raises(ConnectionFailed, match="does not answer like the API"),
    ):
        platform.get(live("execution"))
    assert stub.sent("GET") == []


def test_a_login_that_is_revoked_in_the_middle_is_told_as_that(stub: StubServer) -> None:
    stub.on("GET", "/v2/lm/executions/r1", run_of("", "RUNNING"), Reply(401, "Jwt is expired"))
    with connected(stub) as platform:
        platform.get(live("execution"))
        refusal = {"error": "unauthorized", "error_description": "Client is locked: s3cret"}
        stub.on("POST", "/oauth/token", Reply(401, refusal))
        with pytest.raises(Denied, match=r"refused the login: .*Client is locked") as caught:
            platform.get(live("execution"))
    assert caught.value.exit_code == 4 and "s3cret" not in str(caught.value)
    assert "client secret in AICORE_* variables" in str(caught.value)


@dataclass(frozen=True)
class Papers:
    """What a throw-away authority has signed: a server, a client, a client of yesterday."""

    folder: Path

    def path(self, name: str) -> str:
        return str(self.folder / name)

    def client(self, name: str = "client") -> Certificate:
        """As paths, the way most have them."""
        key = Secret(self.path(f"{name}.key"))
        return Certificate(self.path(f"{name}.pem"), key, True, "AICORE_* variables")


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Papers:
    folder = tmp_path_factory.mktemp("papers")

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    new = ("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    # Python 3.13 refuses papers that do not say what their keys are for and who signed them
    usage = ("-addext", "keyUsage=critical,keyCertSign")
    ca = (*new, *usage, "-x509", "-days", "30", "-subj", "/CN=ca", "-keyout", "ca.key")
    openssl(*ca, "-out", "ca.pem")
    said = "subjectAltName=IP:127.0.0.1\nauthorityKeyIdentifier=keyid\n"
    (folder / "san").write_text(said + "subjectKeyIdentifier=hash\n")
    for name in ("server", "client"):
        openssl(*new, "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        signed = ("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key")
        openssl(*signed, "-CAcreateserial", "-days", "10", "-extfile", "san", "-out", f"{name}.pem")
    openssl(
        *new, "-x509", "-days", "9", "-subj", "/CN=x", "-keyout", "other.key", "-out", "other.pem"
    )
    return Papers(folder)


@pytest.fixture(scope="module")
def host(papers: Papers) -> Iterator[str]:
    """A server that gives tokens to those whom the authority has signed, and to nobody else."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            form = self.rfile.read(int(self.headers["Content-Length"])).decode()
            assert "client_id=me" in form and "client_secret" not in form
            body = json.dumps({"access_token": "t", "expires_in": 60}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Nobody reads it."""

    class Server(http.server.ThreadingHTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            """A handshake that fails is what some tests are about."""

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(papers.path("server.pem"), papers.path("server.key"))
    context.load_verify_locations(papers.path("ca.pem"))
    context.verify_mode = ssl.CERT_REQUIRED
    server = Server(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(
        server.socket, server_side=True, do_handshake_on_connect=False
    )
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"https://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def token(papers: Papers, host: str, certificate: Certificate) -> str:
    session = open_session(host)
    session.verify = papers.path("ca.pem")
    known = Credentials(f"{host}/v2", f"{host}/oauth/token", "me", certificate=certificate)
    try:
        return Login(known, session, sleep=lambda _: None).token()
    finally:
        session.close()


@needs_openssl
@pytest.mark.parametrize("as_text", [False, True])
def test_a_certificate_logs_in_over_tls(papers: Papers, host: str, as_text: bool) -> None:
    found = papers.client()
    if as_text:
        texts = [Path(papers.path(f"client.{end}")).read_text() for end in ("pem", "key")]
        names = {"CERT_STR": texts[0], "KEY_STR": texts[1], "CERT_URL": host, "CLIENT_ID": "me"}
        environ = {f"AICORE_{name}": text.replace("\n", "\\n") for name, text in names.items()}
        certificate = aicore_credentials({**environ, "AICORE_BASE_URL": host}).certificate
        assert certificate
        found = certificate
    assert token(papers, host, found) == "t"


@needs_openssl
@pytest.mark.parametrize(("days", "state"), [(0, "ok"), (5, "warning"), (11, "error")])
def test_doctor_tells_the_end_of_a_certificate_before_it_comes(
    papers: Papers, host: str, days: int, state: str
) -> None:
    session = open_session(host)
    session.verify = papers.path("ca.pem")
    known = Credentials(f"{host}/v2", f"{host}/oauth/token", "me", certificate=papers.client())
    login = Login(known, session)
    api = Api(Http(known.base_url, login, session, sleep=lambda _: None), "rg")

    def clock() -> datetime:
        return datetime.now(UTC) + timedelta(days=days)

    found = [f for f in examine(Account(api, known, login, {}, clock=clock)) if f.check == "login"]
    session.close()
    assert found[-1].state == state and "client.pem from AICORE_* variables end" in found[-1].text


@needs_openssl
def test_a_certificate_of_another_authority_is_refused_by_name(papers: Papers, host: str) -> None:
    with pytest.raises(
        Denied, match=r"seems to refuse the certificate .*other.pem from AICORE_\* var"
    ):
        token(papers, host, papers.client("other"))


@needs_openssl
def test_bad_papers_are_told_before_they_are_shown(papers: Papers) -> None:
    good, now = papers.client(), datetime.now(UTC)
    files = (good.certificate, good.key.reveal())
    ends = check(good, files, now)
    assert timedelta(days=9) < ends - now <= timedelta(days=10)
    cases = {
        r"client.pem from AICORE_\* variables does not fit its key": (
            files[0],
            papers.path("other.key"),
        ),
        "cannot be read as PEM": (papers.path("san"), files[1]),
        "there is no file /no/file": ("/no/file", files[1]),
    }
    for text, wrong in cases.items():
        with pytest.raises(Denied, match=text):
            check(good, wrong, now)
    with pytest.raises(Denied, match=f"ended on {ends:%Y-%m-%d}.*new service key"):
        check(good, files, ends)
    with pytest.raises(Denied, match="the certificate from X"):
        check(replace(good, is_path=False, source="X"), (files[1], files[1]), now)


@needs_openssl
def test_both_spellings_of_a_date_are_read(papers: Papers) -> None:
    text = Path(papers.path("ca.pem")).read_text()
    assert not_after(f"a remark before it\n{text}") > datetime.now(UTC)
    # after 2049 the date has four digits of the year
    arguments = (
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 20000 -subj /CN=x"
    )
    made = subprocess.run(
        ["openssl", *arguments.split(), "-keyout", papers.path("far.key")],
        check=True,
        capture_output=True,
        text=True,
    )
    assert not_after(made.stdout) > datetime(2050, 1, 1, tzinfo=UTC)
