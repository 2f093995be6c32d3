"""A private KDC on loopback, where krb5-kdc is installed."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PROGRAMS = ("krb5kdc", "kdb5_util", "kadmin.local", "kinit")
PATH = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"))
IS_THERE = all(shutil.which(name, path=PATH) for name in PROGRAMS)
PRINCIPAL = "spark/localhost"
CONF = """\
[libdefaults]
 default_realm = CICD.TEST
 dns_lookup_kdc = false
 dns_lookup_realm = false
 rdns = false
 udp_preference_limit = 1
 ticket_lifetime = {life}
[realms]
 CICD.TEST = {{
  kdc = 127.0.0.1:{port}
 }}
"""
KDC = """\
[kdcdefaults]
 kdc_listen = 127.0.0.1:{port}
 kdc_tcp_listen = 127.0.0.1:{port}
[realms]
 CICD.TEST = {{
  database_name = {folder}/principal
  key_stash_file = {folder}/stash
  acl_file = {folder}/acl
 }}
[logging]
 kdc = FILE:{folder}/kdc.log
"""
CORE_SITE = """\
<configuration><property>
  <name>hadoop.security.authentication</name><value>{way}</value>
</property></configuration>
"""


@dataclass(frozen=True)
class Realm:
    """``environ``: what finds it, and a Hadoop that asks for a login."""

    folder: Path
    port: int
    environ: dict[str, str]

    @property
    def keytab(self) -> Path:
        return self.folder / "spark.keytab"

    @property
    def logins(self) -> int:
        """How many tickets were asked for and given."""
        log = (self.folder / "kdc.log").read_text(encoding="utf-8")
        return sum("AS_REQ" in line and "ISSUE" in line for line in log.splitlines())

    def with_life(self, life: str) -> dict[str, str]:
        """The environ with tickets of that life."""
        path = self.folder / f"krb5-{life}.conf"
        path.write_text(CONF.format(life=life, port=self.port), encoding="utf-8")
        return {**self.environ, "KRB5_CONFIG": str(path)}


def hadoop_in(folder: Path, way: str = "kerberos") -> Path:
    """A configuration of Hadoop that asks for that kind of login."""
    folder.mkdir(exist_ok=True)
    (folder / "core-site.xml").write_text(CORE_SITE.format(way=way), encoding="utf-8")
    return folder


@contextmanager
def realm_in(folder: Path) -> Iterator[Realm]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    kdc = folder / "kdc.conf"
    kdc.write_text(KDC.format(port=port, folder=folder), encoding="utf-8")
    environ = {"PATH": PATH, "KRB5_KDC_PROFILE": str(kdc)}
    realm = Realm(folder, port, {**environ, "HADOOP_CONF_DIR": str(hadoop_in(folder / "hadoop"))})
    realm.environ.update(realm.with_life("1h"))
    for command in (
        ["kdb5_util", "create", "-s", "-P", "pw", "-r", "CICD.TEST"],
        ["kadmin.local", "-q", f"addprinc -randkey {PRINCIPAL}"],
        ["kadmin.local", "-q", f"ktadd -k {realm.keytab} {PRINCIPAL}"],
    ):
        subprocess.run(command, env=realm.environ, check=True, capture_output=True)
    out = subprocess.DEVNULL
    process = subprocess.Popen(["krb5kdc", "-n"], env=realm.environ, stdout=out, stderr=out)
    try:
        wait_for_port(port, process)
        yield realm
    finally:
        process.terminate()
        process.wait()


def wait_for_port(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while process.poll() is None and time.monotonic() < deadline:
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise AssertionError("the KDC does not answer")
