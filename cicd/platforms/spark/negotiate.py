"""Kerberos over HTTP (SPNEGO), for resource managers and log servers of Hadoop that ask for it.

curl does it, with the ticket of this machine or of ``spark.kerberos``: it is there wherever
``kinit`` is, and libraries of Python for it have to be compiled. What it brings back is the cookie
that Hadoop gives for a ticket (Apache Hadoop, Authentication for HTTP web-consoles), which is good
for hours.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from cicd.errors import ConnectionFailed, Denied
from cicd.platforms.spark.kerberos import CACHE, Kerberos

TIMEOUT = 60.0
CURE = "run kinit, or set spark.kerberos"
NO_SPNEGO = frozenset({2, 4})
"""Exit codes of a curl that was built without what it is asked for."""


class Ticket:
    """What it gets us from each server; for all threads. A ticket is made for one server and of no
    use to others, so that whoever asks may get one. ``kerberos``: who logs in, None for who has."""

    def __init__(self, environ: Mapping[str, str], kerberos: Kerberos | None) -> None:
        self._environ = environ
        self._kerberos = kerberos
        self._lock = threading.Lock()
        self._cookies: dict[str, str] = {}

    def cookie(self, url: str) -> str:
        """What tells that server who we are; empty where it has not asked yet."""
        return self._cookies.get(urlsplit(url).netloc, "")

    def log_in(self, url: str, refused: str) -> None:
        """Get a cookie, as it ``refused`` this one, or none. Raises Denied or ConnectionFailed."""
        host = urlsplit(url).netloc
        with self._lock:
            if self._cookies.get(host, "") != refused:
                return  # another thread has one by now
            if self._kerberos is None:
                self._cookies[host] = _cookie(url, self._environ)
                return
            with tempfile.TemporaryDirectory() as folder:
                cache = Path(folder) / CACHE
                self._kerberos.log_in(cache, self._environ)
                environ = {**self._environ, "KRB5CCNAME": f"FILE:{cache}"}
                self._cookies[host] = _cookie(url, environ)


def _cookie(url: str, environ: Mapping[str, str]) -> str:
    host = urlsplit(url).netloc
    command = ["curl", "--disable", "--silent", "--show-error", "--negotiate", "--user", ":"]
    command += [
        "--globoff",
        "--max-time",
        str(TIMEOUT),
        "--output",
        os.devnull,
        "--cookie-jar",
        "-",
    ]
    command += ["--write-out", "%{http_code}\n", url]
    try:
        told = subprocess.run(
            command, env=environ, stdin=subprocess.DEVNULL, capture_output=True, check=False
        )
    except OSError as error:
        text = f"{host} asks for Kerberos, for which curl is needed: {error.strerror}"
        raise Denied(text, hint="install curl") from None
    said = " ".join(told.stderr.decode(errors="replace").split())
    if told.returncode in NO_SPNEGO:
        text = f"{host} asks for Kerberos, which curl was built without: {said}"
        raise Denied(text, hint="install one whose `curl --version` has SPNEGO")
    if told.returncode:
        raise ConnectionFailed(f"curl cannot log in to {host}: {said}")
    status, _, jar = told.stdout.decode(errors="replace").partition("\n")
    if status == "401":
        raise Denied(f"{host} asks for Kerberos, and takes no ticket", hint=CURE, status=401)
    if found := cookies_in(jar):
        return found
    text = f"{host} gives no cookie for a ticket (HTTP {status})"
    raise ConnectionFailed(text, hint="check the address")


def cookies_in(jar: str) -> str:
    """The cookies that curl has written, as they are sent. Pure."""
    rows = [line.removeprefix("#HttpOnly_") for line in jar.splitlines()]
    fields = [row.split("\t") for row in rows if row and not row.startswith("#")]
    return "; ".join(f"{row[5]}={row[6]}" for row in fields if len(row) == 7 and row[6])
