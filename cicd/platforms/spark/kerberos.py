"""Kerberos for drivers on this machine: a ticket in a cache of each run, renewed while it runs.

Spark's own ``--principal`` and ``--keytab`` do nothing with a standalone master, nor on ``local``
where Hadoop is not told to ask: the job then runs as the user of this machine, without a word. So
they are not used, and where Hadoop asks for no login nothing is submitted.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from cicd.errors import ConnectionFailed, Denied, PlatformError
from cicd.platforms.base import Finding
from cicd.platforms.spark import renewal

CONF = "HADOOP_CONF_DIR"
ASKS = "hadoop.security.authentication"
TIMEOUT = 60.0
CACHE = "ticket"
"""What the cache of a run is called, in the folder of that."""
CURE = f"set {CONF} to a folder whose core-site.xml sets {ASKS} to kerberos"


@dataclass(frozen=True)
class Kerberos:
    """Who logs in, by the keys of which file."""

    principal: str
    keytab: Path

    def prepared(
        self, folder: Path, command: list[str], environ: Mapping[str, str]
    ) -> tuple[list[str], dict[str, str]]:
        """What to run instead, and with which environment, so that it has a ticket as long as it
        runs. Raises Denied or ConnectionFailed, before anything has begun."""
        check_hadoop(environ)
        cache = folder / CACHE
        self.log_in(cache, environ)
        around = [sys.executable, "-S", str(Path(renewal.__file__)), str(cache)]
        told = {**environ, "KRB5CCNAME": f"FILE:{cache}"}
        return [*around, str(self.keytab), self.principal, *command], told

    def clean(self, folder: Path) -> None:
        """Remove the ticket of one that was killed before it could do so itself."""
        with suppress(OSError):
            (folder / CACHE).unlink()

    def log_in(self, cache: Path, environ: Mapping[str, str]) -> None:
        """A ticket into that cache."""
        command = renewal.kinit(cache, str(self.keytab), self.principal)
        try:
            told = subprocess.run(
                command, env=environ, capture_output=True, text=True, timeout=TIMEOUT, check=False
            )
        except FileNotFoundError:
            text = "there is no kinit on this machine, which spark.kerberos needs"
            raise Denied(text, hint="install Kerberos's programs: krb5-user") from None
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ConnectionFailed(f"kinit gives no ticket: {error}") from None
        if told.returncode:
            said = " ".join(told.stderr.split()).removeprefix("kinit: ")
            text = f"no ticket for {self.principal}: {said}"
            if "contact any KDC" in said or "resolve network address" in said:
                raise ConnectionFailed(text, hint="check the network, and KRB5_CONFIG")
            raise Denied(text, hint="check principal and keytab in spark.kerberos")

    def examine(self, environ: Mapping[str, str]) -> Iterator[Finding]:
        """Logs in as a job would, into a cache that is then removed."""
        try:
            check_hadoop(environ)
            with tempfile.TemporaryDirectory() as folder:
                self.log_in(Path(folder) / CACHE, environ)
            yield Finding("kerberos", "ok", f"{self.principal} gets a ticket")
        except PlatformError as error:
            yield Finding("kerberos", "error", error.message, error.hint)


def check_hadoop(environ: Mapping[str, str]) -> None:
    """Whether Hadoop asks for a login there. Raises Denied: without that a ticket does nothing."""
    why, folder = f"{CONF} is not set", environ.get(CONF, "")
    if folder:
        path = Path(folder) / "core-site.xml"
        if (found := _setting(path, ASKS)) == "kerberos":
            return
        why = f"{path} sets {ASKS} to {found}" if found else f"{path} does not set {ASKS}"
    text = f"the job would run without a login, as the user of this machine: {why}"
    raise Denied(text, hint=CURE)


def _setting(path: Path, name: str) -> str:
    """A property of Hadoop; empty where it is not set."""
    try:
        properties = ElementTree.parse(path).getroot().iter("property")  # noqa: S314 a file of ours
        found = [one.findtext("value") for one in properties if one.findtext("name") == name]
    except (OSError, ElementTree.ParseError):
        return ""
    return (found[-1] or "").strip().lower() if found else ""
