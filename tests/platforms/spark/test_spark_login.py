"""A REST server behind a gateway (A23): tokens that are granted, renewed, signed here or given, and
never seen; and logins that are wrong."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote

import pytest
import requests

from cicd.cli.root import execute
from cicd.errors import ConnectionFailed, Denied, PlatformError
from cicd.model import Secret
from cicd.platforms.spark.adapter import Spark, connect
from cicd.platforms.spark.calls import Calls
from cicd.platforms.spark.login import signed, tokens_of
from tests.platforms.contract import all_lines, wait_for
from tests.platforms.spark.samples import job, stage_of, write_program
from tests.platforms.spark.stand_in import Cluster, cluster_in
from tests.platforms.spark.test_spark_dialect import changed, findings
from tests.platforms.spark.test_spark_dialect import stage_of as stage_of_text
from tests.platforms.stub_server import Reply, Request, StubServer, running

CLIENT, SECRET = "cicd", "hunter2/of the:gateway"
KEY = base64.urlsafe_b64encode(bytes(range(40))).decode()


@dataclass
class Gateway:
    """Lets through to a cluster who has one of ``good`` tokens. ``is_form``: it wants the login in
    the form, not as Basic."""

    stub: StubServer
    url: str
    cluster: Cluster
    good: set[str] = field(default_factory=set)
    is_form: bool = False
    grants: int = 0

    def open(self) -> None:
        self.stub.on("POST", "/oauth/token", self._grant)
        self.stub.otherwise = self._forward

    def _grant(self, request: Request) -> Reply:
        sent = {name: values[0] for name, values in parse_qs(request.body).items()}
        text = request.headers.get("Authorization", "").removeprefix("Basic ")
        basic = tuple(map(unquote, base64.b64decode(text).decode().split(":"))) if text else ()
        login = (sent.get("client_id"), sent.get("client_secret")) if self.is_form else basic
        if sent["grant_type"] != "client_credentials" or login != (CLIENT, SECRET):
            said = f"not {sent.get('client_secret') or SECRET}"
            return Reply(401, {"error": "invalid_client", "error_description": said})
        self.grants += 1
        token = f"granted-token-{self.grants}"
        self.good.add(token)
        return Reply(200, {"access_token": token, "expires_in": 3600})

    def may_pass(self, token: str) -> bool:
        return token in self.good

    def _forward(self, request: Request) -> Reply:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if not self.may_pass(token):
            return Reply(401, {"message": f"no such token: {token}"})
        answer = requests.request(
            request.method,
            f"{self.cluster.url}{request.path}",
            params=request.query,
            data=request.body.encode(),
            timeout=10,
        )
        return Reply(answer.status_code, answer.json())


class Filter(Gateway):
    """Spark's JWS filter: a token is good that is signed with the key and has not ended."""

    def may_pass(self, token: str) -> bool:
        head, body, proof = [*token.split("."), "", ""][:3]
        key = base64.urlsafe_b64decode(KEY)
        right = hmac.new(key, f"{head}.{body}".encode(), hashlib.sha256).digest()
        is_signed = hmac.compare_digest(_bytes(proof), right)
        return is_signed and json.loads(_bytes(body))["exp"] > time.time()


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@pytest.fixture
def gateway(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Gateway]:
    write_program(tmp_path)
    with cluster_in(tmp_path / "cluster") as cluster, running() as (stub, url):
        found = getattr(request, "param", Gateway)(stub, url, cluster)
        found.open()
        yield found


def oauth(gateway: Gateway, secret: str = SECRET) -> dict[str, Any]:
    return {
        "token_url": f"{gateway.url}/oauth/token",
        "client_id": CLIENT,
        "client_secret": Secret(secret),
        "source": "SPARK_CLIENT_SECRET",
    }


def connected(root: Path, gateway: Gateway, login: Mapping[str, Any]) -> Spark:
    return connect(stage_of(root, gateway.url, [job()], login=login), {})


def all_texts(folder: Path) -> str:
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return "".join(path.read_text(encoding="utf-8", errors="replace") for path in paths)


def test_a7_a23_a_job_goes_through_the_gateway_with_one_token_that_nobody_sees(
    tmp_path: Path, gateway: Gateway
) -> None:
    spark = connected(tmp_path, gateway, oauth(gateway))
    ended = wait_for(spark, spark.create(job(), "token"), "FINISHED")
    assert all_lines(spark, ended)[-1].text == "accuracy=0.75"
    assert gateway.grants == 1 and gateway.cluster.creates == 1
    seen = all_texts(tmp_path) + repr(ended) + repr(vars(spark))
    assert "granted-token" not in seen and SECRET not in seen
    spark.close()


def test_a23_a_server_may_want_the_login_in_the_form(tmp_path: Path, gateway: Gateway) -> None:
    gateway.is_form = True
    spark = connected(tmp_path, gateway, oauth(gateway))
    assert spark.create(job(), "token").id in gateway.cluster.drivers
    spark.close()


def test_a7_a23_a_token_that_is_refused_is_renewed_and_nothing_is_submitted_twice(
    tmp_path: Path, gateway: Gateway
) -> None:
    spark = connected(tmp_path, gateway, oauth(gateway))
    first = spark.create(job(), "first")
    gateway.good.clear()
    wait_for(spark, first, "FINISHED")
    gateway.good.clear()
    spark.create(job(inputs="fedcba98"), "second")
    assert gateway.grants == 3 and len(gateway.cluster.drivers) == 2
    spark.close()


def test_a_token_that_is_refused_again_and_again_is_renewed_once(
    tmp_path: Path, gateway: Gateway
) -> None:
    gateway.may_pass = lambda token: False  # type: ignore[method-assign]
    spark = connected(tmp_path, gateway, oauth(gateway))
    with pytest.raises(Denied) as caught:
        spark.create(job(), "token")
    assert gateway.grants == 2 and caught.value.hint == "check SPARK_CLIENT_SECRET"
    assert "granted-token" not in str(caught.value)
    spark.close()


def test_a23_a_wrong_secret_is_exit_code_4_and_the_variable_is_named(
    tmp_path: Path,
    gateway: Gateway,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = (
        "platform: spark\n"
        f"spark:\n  master: spark://127.0.0.1:7077\n  rest_url: {gateway.url}\n"
        f"  ui_url: {gateway.url}\n  login:\n    token_url: {gateway.url}/oauth/token\n"
        "    client_id: cicd\n    client_secret: ${env.GATE_WORD}\n"
        "jobs: [{key: score, source: jobs/score.py}]\n"
    )
    (tmp_path / "stages").mkdir()
    (tmp_path / "stages/dev.yaml").write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setenv("GATE_WORD", "not the secret at all")
    code = execute(["apply", "dev", "--yes"])
    told = "".join(capsys.readouterr())
    assert code == 4 and "GATE_WORD" in told and "invalid_client" in told, told
    assert "not the secret" not in told and not gateway.cluster.drivers


@pytest.mark.parametrize("gateway", [Filter], indirect=True)
def test_a_signed_token_passes_the_jws_filter(tmp_path: Path, gateway: Gateway) -> None:
    login = {"signing_key": Secret(KEY.rstrip("=")), "source": "SPARK_REST_KEY"}
    spark = connected(tmp_path, gateway, login)
    assert spark.create(job(), "token").id in gateway.cluster.drivers
    spark.close()


@pytest.mark.parametrize(
    ("login", "said"),
    [
        ({"signing_key": Secret("c2hvcnQ=")}, "WORD is no key of 32 bytes or more in base64url"),
        ({"signing_key": Secret("ü" * 50)}, "WORD is no key of 32 bytes"),
        ({"token": Secret("  ")}, "the token is empty"),
        ({"token": Secret("a\nb")}, "none that can be sent"),
    ],
)
def test_what_is_no_token_and_no_key_is_told_without_it(
    login: Mapping[str, Any], said: str
) -> None:
    with pytest.raises(Denied, match=said) as caught:
        tokens_of({**login, "source": "WORD"}).token()
    [secret] = login.values()
    assert secret.reveal().strip() not in str(caught.value) or not secret.reveal().strip()


def test_a_given_token_is_sent_and_asked_for_no_other_when_it_is_refused(
    tmp_path: Path, gateway: Gateway
) -> None:
    gateway.good.add("given-token")
    right = {"token": Secret("given-token\n"), "source": "SPARK_REST_TOKEN"}
    spark = connected(tmp_path, gateway, right)
    live = spark.create(job(), "token")
    assert live.id in gateway.cluster.drivers
    gateway.good.clear()
    before = len(gateway.stub.requests)
    with pytest.raises(Denied) as caught:
        spark.get(live)
    assert caught.value.hint == "check SPARK_REST_TOKEN" and "given-token" not in str(caught.value)
    assert len(gateway.stub.requests) == before + 1
    spark.close()


@pytest.mark.parametrize(
    ("reply", "kind", "said"),
    [
        (Reply(200, {"hello": "world"}), ConnectionFailed, "does not answer with a token"),
        (Reply(200, {"access_token": "t", "expires_in": "soon"}), ConnectionFailed, "a token"),
        (Reply(200, "<html>login</html>"), ConnectionFailed, "does not answer"),
        (Reply(302, ""), ConnectionFailed, "gives no token"),
        (Reply(404, {"message": "no page"}), ConnectionFailed, "gives no token: .*no page"),
        (Reply(403, {"message": "blocked"}), Denied, "refused the login: .*blocked"),
        (Reply(200, {"access_token": "a\nb"}), Denied, "none that can be sent"),
    ],
)
def test_a_server_that_gives_no_token_is_told(
    gateway: Gateway, reply: Reply, kind: type[PlatformError], said: str
) -> None:
    gateway.stub.on("POST", "/oauth/token", reply)
    with pytest.raises(kind, match=said) as caught:
        tokens_of(oauth(gateway)).token()
    assert SECRET not in str(caught.value) and caught.value.exit_code == 4


def test_a_token_goes_to_no_other_address_and_a_netrc_neither() -> None:
    with running() as (mine, url), running() as (other, elsewhere):
        for stub in (mine, other):
            stub.on("GET", "/json/", Reply(200, {}))
        tokens = tokens_of({"token": Secret("given-token"), "source": "T"})
        calls = Calls(tokens, [f"{url}/v1"])
        calls.json("GET", f"{url}/json/")
        calls.json("GET", f"{elsewhere}/json/")
        calls.close()
        [one], [two] = mine.requests, other.requests
        assert one.headers["Authorization"] == "Bearer given-token"
        assert "Authorization" not in two.headers


def test_a_token_is_renewed_before_it_ends(gateway: Gateway) -> None:
    """Signed ones have five minutes, of which the last tenth is not used."""
    now = 0.0
    tokens = tokens_of(oauth(gateway))
    tokens._clock = lambda: now
    assert [tokens.token(), tokens.token()] == ["granted-token-1"] * 2
    now = 3539.0
    assert tokens.token() == "granted-token-1"
    now = 3541.0
    assert tokens.token() == "granted-token-2"
    assert (
        signed(Secret(KEY), "K", 100).split(".")[1]
        == "eyJzdWIiOiJjaWNkIiwiaWF0IjoxMDAsImV4cCI6NDAwfQ"
    )


PLACE = "  master: spark://127.0.0.1:7077\n"
LOGINS = [
    ("{}", "spark.login says nothing of how: give one of token, signing_key, token_url"),
    ("{token: '${env.T}', signing_key: '${env.T}'}", "spark.login has token and signing_key"),
    ("{token_url: 'https://l/t'}", "has a token_url and no client_id and no client_secret"),
    ("{token_url: 'https://l/t', client_id: a}", "has a token_url and no client_secret"),
    ("{token: '${env.T}', client_id: a}", "has token, to which client_id does nothing"),
    ("{token: plain-text}", "env"),
    ("{token: '${env.T}'}\n  submit: spark-submit", "spark-submit takes no login"),
]


@pytest.mark.parametrize(
    ("place", "hosts"),
    [
        ("spark://127.0.0.1:7077\n  rest_url: http://gate.example.com", ["gate.example.com"]),
        ("spark://[::1]:7077", []),
        ("spark://localhost:7077\n  rest_url: https://gate.example.com", []),
        ("http://livy.example.com:8998\n  staging: s3://b/x", ["livy.example.com:8998"]),
        ("https://livy.example.com:8998\n  staging: s3://b/x", []),
    ],
)
def test_a_token_that_everybody_could_read_is_warned_of(
    tmp_path: Path, place: str, hosts: list[str]
) -> None:
    text = changed(PLACE, f"  master: {place}\n  login: {{token: '${{env.T}}'}}\n")
    text = text.replace('API_KEY: "${env.API_KEY}"', 'EPOCHS: "20"')
    found = findings(tmp_path, text, {"T": "a token of mine"})
    assert len(found) == len(hosts)
    for one, host in zip(found, hosts, strict=True):
        assert f"warning: spark.login goes to http://{host} " in one


@pytest.mark.parametrize(("login", "said"), LOGINS)
def test_a_login_is_one_way_and_whole(tmp_path: Path, login: str, said: str) -> None:
    text = changed(PLACE, f"{PLACE}  login: {login}\n")
    found = findings(tmp_path, text, {"T": "a token of mine"})
    assert len(found) == 1 and said in found[0], found


def test_the_variables_of_a_login_are_known_and_its_secret_is_not_seen(tmp_path: Path) -> None:
    login = "{token_url: 'https://l/t', client_id: '${env.ID}', client_secret: '${env.WORD}'}"
    text = changed(PLACE, f"{PLACE}  login: {login}\n")
    stage = stage_of_text(tmp_path, text, {"ID": "me", "WORD": "a word of mine"})
    told = stage.settings["login"]
    assert told["source"] == "ID and WORD" and told["client_id"] == "me"
    assert "a word of mine" not in repr(told)
    assert told["client_secret"].reveal() == "a word of mine"


def test_local_needs_no_login(tmp_path: Path) -> None:
    text = changed(PLACE, f"{PLACE}  login: {{}}\n")
    assert findings(tmp_path, text, stand_ins="local") == []
