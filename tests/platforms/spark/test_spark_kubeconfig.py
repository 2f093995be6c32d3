"""Who logs in to Kubernetes: files of this machine, no program; a token for its server alone."""

from __future__ import annotations

import base64
import http.server
import json
import ssl
import subprocess
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cicd.errors import ConnectionFailed, Denied
from cicd.platforms.spark.calls import Calls
from cicd.platforms.spark.kubeconfig import Access, access_of
from cicd.platforms.spark.trust import Certificates
from cicd.platforms.tokens import Tokens

URL = "https://api.example.com:6443"
SUBMISSION = "spark.kubernetes.authenticate.submission"


def written(folder: Path, name: str = "config", **more: Any) -> Path:
    """A file of kubectl; ``more``: fields of its cluster, and of its user under ``user``."""
    user = more.pop("user", {"token": "token-of-a-user"})
    cluster = {"server": URL, **more}
    told = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "dev",
        "contexts": [{"name": "dev", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": cluster}],
        "users": [{"name": "u", "user": user}],
    }
    path = folder / name
    path.write_text(json.dumps(told), encoding="utf-8")
    return path


def access(
    path: Path | str, conf: Mapping[str, str] | None = None, url: str = URL, **environ: str
) -> Access:
    nowhere = Path("/nonexistent")
    return access_of(url, conf or {}, None, {"KUBECONFIG": str(path), **environ}, nowhere)


def token_of(found: Access) -> str:
    assert found.login
    return found.login.token()


def test_the_current_context_says_who_logs_in(tmp_path: Path) -> None:
    assert token_of(access(written(tmp_path))) == "token-of-a-user"
    (tmp_path / "t").write_text("token-of-a-file\n", encoding="utf-8")
    found = access(written(tmp_path, user={"tokenFile": "t"}))
    assert token_of(found) == "token-of-a-file"
    (tmp_path / ".kube").mkdir()
    written(tmp_path / ".kube")
    assert token_of(access("", HOME=str(tmp_path))) == "token-of-a-user"


def test_a_context_may_be_named_and_of_two_files_the_first_counts(tmp_path: Path) -> None:
    other = json.loads(written(tmp_path).read_text(encoding="utf-8"))
    other["contexts"].append({"name": "prd", "context": {"cluster": "c", "user": "p"}})
    other["users"] = [{"name": "p", "user": {"tokenFile": "t"}}, {"name": "u", "user": {}}]
    (tmp_path / "b").mkdir()
    second = tmp_path / "b/config"
    second.write_text(json.dumps(other), encoding="utf-8")
    (tmp_path / "b/t").write_text("token-of-the-second", encoding="utf-8")
    both = f"{written(tmp_path)}:{tmp_path / 'absent'}:{second}"
    assert token_of(access(both)) == "token-of-a-user"
    assert token_of(access(both, {"spark.kubernetes.context": "prd"})) == "token-of-the-second"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"server": "https://evil.example.com:6443"}, "is for https://evil.example.com:6443"),
        ({"server": "https://api.example.com"}, "is for https://api.example.com, and the master"),
        ({"server": "https://api.example.com:port"}, "is for https://api.example.com:port"),
        ({"server": f"{URL}/k8s/clusters/c-1"}, "and the master is"),
        ({"insecure-skip-tls-verify": True}, "does not look at certificates"),
        ({"user": {"exec": {"command": "aws"}}}, "logs in by a program, which is not started"),
        ({"user": {"auth-provider": {"name": "gcp"}}}, "logs in by a program"),
        ({"user": {"username": "u", "password": "p"}}, "logs in by a password"),
        ({"user": {"client-key-data": "%%%"}}, "client-key-data is no base64"),
        ({"user": {"client-certificate": "absent.pem"}}, "absent.pem cannot be read: No such file"),
        ({"user": {"tokenFile": "absent"}}, "absent cannot be read"),
        ({"user": {"token": "a\nb"}}, "none that can be sent"),
        ({"certificate-authority-data": "YWJj"}, "a certificate or key that cannot be used"),
    ],
)
def test_a_login_that_cannot_be_had_is_told(
    tmp_path: Path, more: dict[str, Any], said: str
) -> None:
    with pytest.raises(Denied, match=said) as caught:
        found = access(written(tmp_path, **more))
        found.trust(URL)
        token_of(found)
    assert str(tmp_path) in caught.value.message or "example" in said or "sent" in said
    assert "token-of-a-user" not in str(caught.value)


@pytest.mark.parametrize("text", ["- a\n", "a: [", "contexts: [x]\n", "users: 1\n", "{}\n", ""])
def test_a_file_that_is_no_configuration_is_told_or_says_nothing(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config"
    path.write_text(text, encoding="utf-8")
    if text in {"{}\n", ""}:
        assert access(path).login is None
    else:
        with pytest.raises(Denied, match="is no file of kubectl"):
            access(path)


def test_a_token_of_the_stage_file_or_of_properties_goes_before_the_configuration(
    tmp_path: Path,
) -> None:
    path, own = written(tmp_path), tmp_path / "own"
    own.write_text("token-of-properties", encoding="utf-8")
    found = access(path, {f"{SUBMISSION}.oauthTokenFile": str(own)})
    assert token_of(found) == "token-of-properties"
    own.write_text("token-anew", encoding="utf-8")
    assert found.login and found.login.forget("token-of-properties")
    assert token_of(found) == "token-anew"
    with pytest.raises(Denied, match="one of clientCertFile and clientKeyFile"):
        access(path, {f"{SUBMISSION}.clientKeyFile": str(own)})


@pytest.mark.parametrize(
    ("url", "environ", "has"),
    [
        ("https://kubernetes.default.svc", {}, True),
        ("https://10.0.0.1:443", {"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, True),
        ("https://10.0.0.2:443", {"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, False),
        ("https://kubernetes.default.svc.evil.com", {}, False),
        ("http://kubernetes.default.svc", {}, False),
    ],
)
def test_the_account_of_a_pod_is_for_its_own_cluster_alone(
    tmp_path: Path, url: str, environ: dict[str, str], has: bool
) -> None:
    (tmp_path / "token").write_text("token-of-a-pod", encoding="utf-8")
    (tmp_path / "ca.crt").write_text("", encoding="utf-8")
    home = {"HOME": str(tmp_path / "nobody")}
    found = access_of(url, {}, None, {**environ, **home}, tmp_path)
    assert (token_of(found) if found.login else None) == ("token-of-a-pod" if has else None)


@dataclass
class Tls:
    """A server that tells who its clients are, and its files."""

    folder: Path
    url: str = ""

    def pem(self, name: str) -> bytes:
        return (self.folder / name).read_bytes()


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tls]:
    folder = tmp_path_factory.mktemp("tls")

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    # Python 3.13 refuses those that do not say what their keys are for and who signed them
    usage = ("-addext", "keyUsage=critical,keyCertSign")
    for name in ("ca", "foreign"):
        made = ("-keyout", f"{name}.key", "-out", f"{name}.pem", "-days", "10")
        openssl("req", "-x509", *usage, *key, "-subj", f"/CN={name}", *made)
    said = "subjectAltName=IP:127.0.0.1\nauthorityKeyIdentifier=keyid\nsubjectKeyIdentifier=hash\n"
    (folder / "san").write_text(said, encoding="utf-8")
    for name in ("server", "ann"):
        request = ("-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        openssl("req", "-new", *key, *request)
        signed = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "10")
        openssl(
            "x509", "-req", "-in", f"{name}.csr", *signed, "-extfile", "san", "-out", f"{name}.pem"
        )

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            assert isinstance(self.connection, ssl.SSLSocket)
            subject: Any = (self.connection.getpeercert() or {}).get("subject", [[("", "nobody")]])
            content = json.dumps({"gitVersion": subject[0][0][1]}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *arguments: Any) -> None:
            pass

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem", folder / "server.key")
    context.load_verify_locations(folder / "ca.pem")
    context.verify_mode = ssl.CERT_OPTIONAL
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield Tls(folder, f"https://127.0.0.1:{server.server_port}")
    server.shutdown()
    server.server_close()
    thread.join()


def who(tls: Tls, certificates: Certificates) -> str:
    calls = Calls(None, [tls.url], trust=certificates.context(), sleep=lambda seconds: None)
    try:
        return str(calls.json("GET", f"{tls.url}/version")["gitVersion"])
    finally:
        calls.close()


def test_a_server_has_to_have_the_certificate_of_its_own_authority(
    tls: Tls, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert who(tls, Certificates("x", tls.pem("ca.pem"))) == "nobody"
    with pytest.raises(ConnectionFailed, match=r"(?i)certificate"):
        who(tls, Certificates("x", tls.pem("foreign.pem")))
    with pytest.raises(ConnectionFailed, match=r"(?i)certificate"):
        who(tls, Certificates("x"))
    # what the environment believes is not believed of a server that says its own
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tls.folder / "ca.pem"))
    with pytest.raises(ConnectionFailed, match=r"(?i)certificate"):
        who(tls, Certificates("x", tls.pem("foreign.pem")))


def test_a_client_shows_its_own_certificate_and_its_key_is_left_nowhere(
    tls: Tls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    user = {
        "client-certificate-data": base64.b64encode(tls.pem("ann.pem")).decode(),
        "client-key-data": base64.b64encode(tls.pem("ann.key")).decode(),
    }
    authority = base64.b64encode(tls.pem("ca.pem")).decode()
    path = written(tmp_path, server=tls.url, user=user, **{"certificate-authority-data": authority})
    found = access(path, url=tls.url)
    assert found.login is None and who(tls, found.certificates) == "ann"
    assert list(tmp_path.iterdir()) == [path]
    files = {"client-certificate": "ann.pem", "client-key": "ann.key"}
    beside = written(tls.folder, server=tls.url, user=files, **{"certificate-authority": "ca.pem"})
    assert who(tls, access(beside, url=tls.url).certificates) == "ann"
    conf = {
        f"{SUBMISSION}.caCertFile": str(tls.folder / "ca.pem"),
        f"{SUBMISSION}.clientCertFile": str(tls.folder / "ann.pem"),
        f"{SUBMISSION}.clientKeyFile": str(tls.folder / "ann.key"),
    }
    assert who(tls, access(path, conf, tls.url).certificates) == "ann"


def test_who_vouches_for_the_server_counts_whoever_logs_in(tls: Tls, tmp_path: Path) -> None:
    """A token of the stage file, beside a context whose user starts a program."""
    user = {"exec": {"command": "aws"}}
    files = {"certificate-authority": str(tls.folder / "ca.pem")}
    path = written(tmp_path, server=tls.url, user=user, **files)
    login = Tokens(lambda: ("token-of-the-stage", 60.0), "T")
    nowhere = Path("/nonexistent")
    found = access_of(tls.url, {}, login, {"KUBECONFIG": str(path)}, nowhere)
    assert token_of(found) == "token-of-the-stage" and who(tls, found.certificates) == "nobody"
    # that of another server does not count
    other = written(tmp_path, "other", server="https://other.example.com", **files)
    found = access_of(tls.url, {}, login, {"KUBECONFIG": str(other)}, nowhere)
    assert token_of(found) == "token-of-the-stage" and not found.certificates.authority
    conf = {f"{SUBMISSION}.caCertFile": str(tls.folder / "foreign.pem")}
    found = access_of(tls.url, conf, login, {"KUBECONFIG": str(path)}, nowhere)
    assert found.certificates.authority == tls.pem("foreign.pem")


def test_a_key_that_is_not_that_of_the_certificate_is_told(tls: Tls) -> None:
    for own, key in (("ann.pem", "ca.key"), ("ann.key", "ann.key"), ("ann.pem", "ann.pem")):
        with pytest.raises(Denied, match="x has a certificate or key that cannot be used"):
            Certificates("x", b"", tls.pem(own), tls.pem(key)).context()
