"""Who logs in to Kubernetes: a token of the stage file, files that Spark's properties name, the
current context of KUBECONFIG, or the service account of the pod that this runs in.

What spark-submit finds by itself is found here too, so that both are the same user; but for what
would start a program (``exec``), and for what would be sent to another server than it is for.
"""

from __future__ import annotations

import base64
import binascii
import os
import ssl
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cicd.errors import Denied
from cicd.platforms.spark.calls import Login
from cicd.platforms.spark.login import header_text
from cicd.platforms.spark.trust import Certificates
from cicd.platforms.tokens import FOR_EVER, Tokens

CONTEXT = "spark.kubernetes.context"
SUBMISSION = "spark.kubernetes.authenticate.submission"
ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""What Kubernetes puts into each pod."""
INSIDE = {f"kubernetes{end}" for end in ("", ".default", ".default.svc")}
INSIDE |= {"kubernetes.default.svc.cluster.local"}
"""What the API server is called from within a cluster."""
LIFE = 60.0
"""Seconds after which a file is read again: kubelet renews the token of a pod in its place."""
FOLDER = "/"
"""Where an entry has the folder of its file, which its paths begin in: no field is called so."""
CURE = "set spark.login: {token: ${env.NAME}}, with one of `kubectl create token`"


@dataclass(frozen=True)
class Access:
    """``login``: None where nobody asks for one."""

    login: Login | None
    certificates: Certificates

    def trust(self, url: str) -> ssl.SSLContext | None:
        """For connections to that address."""
        return self.certificates.context() if url.startswith("https:") else None


def _in_file(path: Path) -> Tokens:
    """A token that somebody else renews in a file."""
    source = str(path)
    return Tokens(lambda: (header_text(_read(path).decode("latin-1"), source), LIFE), source)


def access_of(
    url: str,
    conf: Mapping[str, str],
    login: Login | None,
    environ: Mapping[str, str],
    account: Path = ACCOUNT,
) -> Access:
    """Who logs in at the API server ``url``. ``conf``: properties of all jobs. Raises Denied."""
    said = _of_properties(conf)
    if not url.startswith("https:"):
        return replace(said, login=login or said.login)
    if login or said.login or said.certificates.own:
        with suppress(Denied):  # who vouches for the server is of use also without its user
            found = _of_machine(url, conf, environ, account, is_user=False)
            said = replace(said, certificates=_vouched(said.certificates, said, found))
        return replace(said, login=login or said.login)
    found = _of_machine(url, conf, environ, account)
    return replace(found, certificates=_vouched(found.certificates, said, found))


def _vouched(certificates: Certificates, said: Access, found: Access) -> Certificates:
    """They, with who vouches for the server: what properties say goes before this machine."""
    authority = said.certificates.authority or found.certificates.authority
    return replace(certificates, authority=authority)


def _of_machine(
    url: str,
    conf: Mapping[str, str],
    environ: Mapping[str, str],
    account: Path,
    *,
    is_user: bool = True,
) -> Access:
    """Who logs in without anything in the stage file: nobody where this machine says nothing."""
    if found := _of_kubeconfig(url, conf.get(CONTEXT, ""), environ, is_user=is_user):
        return found
    if (account / "token").is_file() and _is_inside(url, environ):
        authority = _read(account / "ca.crt")
        return Access(_in_file(account / "token"), Certificates(str(account), authority))
    return Access(None, Certificates("this machine"))


def _of_properties(conf: Mapping[str, str]) -> Access:
    """What the properties of Spark say of it."""

    def content(name: str) -> bytes:
        named = conf.get(f"{SUBMISSION}.{name}", "")
        return _read(Path(named.removeprefix("file://"))) if named else b""

    token = conf.get(f"{SUBMISSION}.oauthTokenFile", "")
    own, key = content("clientCertFile"), content("clientKeyFile")
    if bool(own) != bool(key):
        text = f"{SUBMISSION} has one of clientCertFile and clientKeyFile"
        raise Denied(text, hint="set both")
    return Access(
        _in_file(Path(token.removeprefix("file://"))) if token else None,
        Certificates(f"{SUBMISSION}.*", content("caCertFile"), own, key),
    )


def _is_inside(url: str, environ: Mapping[str, str]) -> bool:
    """Whether an address is that of the cluster that this runs in."""
    host = urlsplit(url).hostname or ""
    return host in INSIDE or host == environ.get("KUBERNETES_SERVICE_HOST")


def _of_kubeconfig(
    url: str, wished: str, environ: Mapping[str, str], *, is_user: bool
) -> Access | None:
    """Who a context of KUBECONFIG is, the current one where none is ``wished``; None without.
    ``is_user``: with its user, not its server alone."""
    found = _Kubeconfig.read(environ)
    name = wished or found.current
    if not name:
        return None
    context = found.entry("contexts", name)
    cluster = found.entry("clusters", str(context.get("cluster", "")))
    user = found.entry("users", str(context.get("user", ""))) if is_user else {}
    where = f"{found.source}: context {name}"
    if _server(str(cluster.get("server", ""))) != _server(url):
        text = f"{where} is for {cluster.get('server')}, and the master is {url}"
        raise Denied(text, hint=f"name another in {CONTEXT}, or correct spark.master")
    if cluster.get("insecure-skip-tls-verify"):
        text = f"{where} does not look at certificates: anybody could be its server"
        raise Denied(text, hint="give its certificate-authority")
    authority = found.content(cluster, "certificate-authority")
    if not is_user:
        return Access(None, Certificates(where, authority))
    for field in ("exec", "auth-provider", "username"):
        if user.get(field):
            how = "a password" if field == "username" else "a program, which is not started here"
            raise Denied(f"{where} logs in by {how}", hint=CURE)
    own, key = found.content(user, "client-certificate"), found.content(user, "client-key")
    certificates = Certificates(where, authority, own, key)
    login: Login | None = None
    if token := user.get("token"):
        login = Tokens(lambda: (header_text(str(token), where), FOR_EVER), where)
    elif path := user.get("tokenFile"):
        login = _in_file(user[FOLDER] / str(path))
    return Access(login, certificates)


@dataclass(frozen=True)
class _Kubeconfig:
    """What the files of KUBECONFIG say: of two things of one name, the first."""

    source: str
    current: str
    entries: Mapping[str, Mapping[str, Any]]

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> _Kubeconfig:
        """Those that there are. Raises Denied for what is none."""
        home = Path(environ.get("HOME") or Path.home()) / ".kube/config"
        named = [Path(one) for one in environ.get("KUBECONFIG", "").split(os.pathsep) if one]
        paths = [path for path in named or [home] if path.is_file()]
        current, entries = "", dict[str, dict[str, Any]]()
        for path in paths:
            told = _document(path)
            current = current or str(told.get("current-context") or "")
            for kind in ("contexts", "clusters", "users"):
                for row in told.get(kind) or []:
                    fields = {**(row.get(kind.removesuffix("s")) or {}), FOLDER: path.parent}
                    entries.setdefault(kind, {}).setdefault(str(row.get("name")), fields)
        return cls(os.pathsep.join(map(str, paths)), current, entries)

    def entry(self, kind: str, name: str) -> Mapping[str, Any]:
        """One of them. Raises Denied."""
        found = self.entries.get(kind, {}).get(name)
        if not isinstance(found, dict):
            one = kind.removesuffix("s")
            raise Denied(f"{self.source or 'KUBECONFIG'} has no {one} {name}", hint=CURE)
        return found

    def content(self, fields: Mapping[str, Any], name: str) -> bytes:
        """What is in it under that name, or in the file that is named there. Raises Denied."""
        if data := fields.get(f"{name}-data"):
            try:
                return base64.b64decode(str(data), validate=True)
            except (binascii.Error, ValueError):
                text = f"{self.source}: {name}-data is no base64"
                raise Denied(text, hint="write it anew") from None
        path = fields.get(name)
        return _read(fields[FOLDER] / str(path)) if path else b""


def _document(path: Path) -> Mapping[str, Any]:
    import yaml  # only who has such a file needs it

    try:
        told = yaml.safe_load(_read(path)) or {}
        rows = [row for kind in ("contexts", "clusters", "users") for row in told.get(kind) or []]
    except (yaml.YAMLError, AttributeError, TypeError):
        rows = [None]
    if not all(isinstance(row, dict) for row in rows):
        raise Denied(f"{path} is no file of kubectl", hint="check KUBECONFIG")
    return dict(told)


def _server(url: str) -> tuple[str, str | None, int | None, str]:
    """What two addresses of one server have in common."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"https": 443, "http": 80}.get(parts.scheme)
    except ValueError:
        return url, None, None, ""
    return parts.scheme, parts.hostname, port, parts.path.rstrip("/")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Denied(f"{path} cannot be read: {error.strerror}") from None
