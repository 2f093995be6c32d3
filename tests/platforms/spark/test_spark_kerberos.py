"""Kerberos (A21): a ticket of its own for each driver, renewed while it runs; no login that nobody
asked for, and no silent one that fails. Against a private KDC, where there is one to start."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from cicd.errors import ConnectionFailed, Denied, PlatformError
from cicd.model import State
from cicd.platforms.spark import statuses
from cicd.platforms.spark.adapter import Spark, connect
from cicd.platforms.spark.kerberos import Kerberos, check_hadoop
from cicd.platforms.spark.process import FORCED
from cicd.platforms.spark.renewal import life_of, pause
from tests.platforms.contract import all_lines, wait_for
from tests.platforms.spark.kdc import IS_THERE, PRINCIPAL, Realm, hadoop_in, realm_in
from tests.platforms.spark.real import CONF, PATIENCE, SHORT_LIVED, RealCluster
from tests.platforms.spark.samples import job, stage_of, write_home, write_program
from tests.platforms.spark.test_spark_dialect import changed, findings
from tests.platforms.spark.test_spark_dialect import stage_of as stage_of_text

NAMELESS = "<a><property><value>kerberos</value></property></a>"
needs_kdc = pytest.mark.skipif(not IS_THERE, reason="krb5-kdc is not installed")
SHOW = """\
import os, subprocess
print(os.environ["KRB5CCNAME"])
print(subprocess.run(["klist"], capture_output=True, text=True).stdout, flush=True)
"""
WAIT_FOR_A_NEW_ONE = """\
import os, pathlib, time
path = pathlib.Path(os.environ["KRB5CCNAME"].removeprefix("FILE:"))
first, end = path.read_bytes(), time.monotonic() + 60
while path.read_bytes() == first and time.monotonic() < end:
    time.sleep(0.02)
print("renewed" if path.read_bytes() != first else "not renewed")
"""


@pytest.fixture(scope="module")
def realm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Realm]:
    with realm_in(tmp_path_factory.mktemp("kdc")) as found:
        yield found


def connected(root: Path, realm: Realm, environ: Mapping[str, str], **said: Any) -> Spark:
    home = root / "home"
    if not home.exists():
        write_home(home)
    kerberos = {"principal": PRINCIPAL, "keytab": str(realm.keytab), **said}
    settings: dict[str, Any] = {
        "submit": "spark-submit",
        "spark_home": str(home),
        "kerberos": kerberos,
    }
    return connect(stage_of(root, "", [job()], **settings), environ)


def caches(root: Path) -> list[Path]:
    return [*root.rglob("ticket*")]


@needs_kdc
def test_a21_a_driver_has_a_ticket_of_its_own_which_goes_with_it(
    tmp_path: Path, realm: Realm
) -> None:
    write_program(tmp_path, SHOW)
    spark, before = connected(tmp_path, realm, realm.environ), realm.logins
    ended = wait_for(spark, spark.create(job(), "token"), "FINISHED")
    lines = [entry.text for entry in all_lines(spark, ended)]
    assert lines[0] == f"FILE:{next((tmp_path / '.cicd').rglob('begun')).parent}/ticket"
    assert "Default principal: spark/localhost@CICD.TEST" in lines
    assert realm.logins == before + 1 and caches(tmp_path) == []


@needs_kdc
def test_a21_a_ticket_is_renewed_while_the_driver_runs(tmp_path: Path, realm: Realm) -> None:
    write_program(tmp_path, WAIT_FOR_A_NEW_ONE)
    spark = connected(tmp_path, realm, realm.with_life("2s"))
    ended = wait_for(spark, spark.create(job(), "token"), "FINISHED")
    assert [entry.text for entry in all_lines(spark, ended)] == ["renewed"]
    assert caches(tmp_path) == []


@needs_kdc
@pytest.mark.parametrize(
    ("program", "state", "said"),
    [
        ("raise SystemExit(3)", State.FAILED, "exit code 3"),
        (
            "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)",
            State.STOPPED,
            f"exit code 137: {FORCED}",
        ),
    ],
)
def test_a_driver_with_a_ticket_ends_as_one_without(
    tmp_path: Path, realm: Realm, program: str, state: State, said: str
) -> None:
    write_program(tmp_path, program)
    spark = connected(tmp_path, realm, realm.environ)
    live = wait_for(spark, spark.create(job(), "token"), statuses.WORDS[state])
    assert (live.status.state, live.status.message) == (state, said)
    assert caches(tmp_path) == []


@needs_kdc
def test_a_driver_with_a_ticket_is_stopped(tmp_path: Path, realm: Realm) -> None:
    write_program(tmp_path, "import time\nprint('begun', flush=True)\ntime.sleep(600)\n")
    spark = connected(tmp_path, realm, realm.environ)
    live = spark.create(job(), "token")
    wait_for(spark, live, "RUNNING")
    assert len(caches(tmp_path)) == 1
    spark.stop(live)
    wait_for(spark, live, "KILLED")
    assert caches(tmp_path) == []


@needs_kdc
@pytest.mark.parametrize("way", ["", "simple", "none there"])
def test_a21_a_login_that_hadoop_would_not_ask_for_is_refused_before_anything_is_submitted(
    tmp_path: Path, realm: Realm, way: str
) -> None:
    write_program(tmp_path)
    folder = hadoop_in(tmp_path / "hadoop", way) if way == "simple" else tmp_path / "hadoop"
    environ = {**realm.environ, "HADOOP_CONF_DIR": str(folder) if way else ""}
    spark, before = connected(tmp_path, realm, environ), realm.logins
    with pytest.raises(Denied, match="would run without a login") as caught:
        spark.create(job(), "token")
    assert caught.value.exit_code == 4 and "HADOOP_CONF_DIR" in caught.value.hint
    assert spark.read([job()]) == [] and not [*tmp_path.rglob("begun")]
    assert realm.logins == before


@needs_kdc
@pytest.mark.parametrize(
    ("said", "more", "kind", "text"),
    [
        ({"principal": "nobody"}, {}, Denied, "no ticket for nobody: .*eytab"),
        ({"keytab": "/nowhere/x.keytab"}, {}, Denied, "/nowhere/x.keytab"),
        ({}, {"PATH": "/nowhere"}, Denied, "no kinit on this machine"),
        ({}, {"KRB5_CONFIG": "dead"}, ConnectionFailed, "ontact any KDC"),
    ],
)
def test_a_login_that_fails_is_told_and_nothing_is_submitted(
    tmp_path: Path,
    realm: Realm,
    said: Mapping[str, str],
    more: Mapping[str, str],
    kind: type[PlatformError],
    text: str,
) -> None:
    dead = tmp_path / "krb5.conf"
    conf = Path(realm.environ["KRB5_CONFIG"]).read_text(encoding="utf-8")
    dead.write_text(conf.replace(f":{realm.port}", ":1"), encoding="utf-8")
    told = {name: str(dead) if value == "dead" else value for name, value in more.items()}
    write_program(tmp_path)
    spark = connected(tmp_path, realm, {**realm.environ, **told}, **said)
    with pytest.raises(kind, match=text) as caught:
        spark.create(job(), "token")
    assert caught.value.exit_code == 4 and not [*tmp_path.rglob("begun")]
    found = next(one for one in spark.diagnose() if one.check == "kerberos")
    assert found.state == "error" and found.text == caught.value.message


@needs_kdc
def test_doctor_logs_in_and_leaves_nothing(tmp_path: Path, realm: Realm) -> None:
    spark = connected(tmp_path, realm, realm.environ)
    found = next(one for one in spark.diagnose() if one.check == "kerberos")
    assert (found.state, found.text) == ("ok", f"{PRINCIPAL} gets a ticket")


@needs_kdc
def test_the_life_of_a_ticket_is_read_from_its_cache(tmp_path: Path, realm: Realm) -> None:
    cache = tmp_path / "ticket"
    Kerberos(PRINCIPAL, realm.keytab).log_in(cache, realm.environ)
    content = cache.read_bytes()
    start, end = life_of(content)
    assert end - start == 3600
    for part in (b"", b"\x05\x03", content[:40], content[:120], content[:4] + b"\xff" * 80):
        with pytest.raises(ValueError, match="cache"):
            life_of(part)


@pytest.mark.parametrize(
    ("now", "seconds"),
    [(0.0, 1800.0), (1799.0, 1.0), (1800.0, 60.0), (3500.0, 60.0), (9999.0, 60.0)],
)
def test_a_ticket_is_renewed_at_half_of_its_life_and_tried_again(
    now: float, seconds: float
) -> None:
    assert pause(0.0, 3600.0, now) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<configuration>",
        "<configuration/>",
        "\x00",
        NAMELESS,
    ],
)
def test_a_core_site_that_asks_for_nothing_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "core-site.xml").write_text(text, encoding="utf-8")
    with pytest.raises(Denied, match=r"does not set hadoop\.security"):
        check_hadoop({"HADOOP_CONF_DIR": str(tmp_path)})


WHO = """\
from pyspark.sql import SparkSession
context = SparkSession.builder.getOrCreate().sparkContext
user = context._jvm.org.apache.hadoop.security.UserGroupInformation.getCurrentUser()
print(user.getUserName(), user.getAuthenticationMethod().toString(), flush=True)
"""


@needs_kdc
@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_a21_spark_itself_is_logged_in_on_a_standalone_cluster(
    tmp_path: Path, realm: Realm, one_cluster: RealCluster
) -> None:
    """Where ``--principal`` and ``--keytab`` are ignored without a word."""
    write_program(tmp_path, WHO)
    java = f"-Djava.security.krb5.conf={realm.environ['KRB5_CONFIG']}"
    kerberos = {"principal": PRINCIPAL, "keytab": str(realm.keytab)}
    settings: dict[str, Any] = {"spark_home": str(one_cluster.home), "kerberos": kerberos}
    stage = stage_of(tmp_path, "", [job()], one_cluster.master, submit="spark-submit", **settings)
    spark = connect(
        stage, {**os.environ, **SHORT_LIVED, **realm.environ, "SPARK_SUBMIT_OPTS": java}
    )
    before, live = realm.logins, spark.create(job(conf=CONF), "token")
    deadline = time.monotonic() + PATIENCE
    while not live.status.has_ended and time.monotonic() < deadline:
        time.sleep(0.2)
        live = spark.get(live)
    lines = [entry.text for entry in all_lines(spark, live)]
    assert (live.status.raw, lines) == ("FINISHED", ["spark/localhost@CICD.TEST KERBEROS"])
    assert realm.logins == before + 1 and caches(tmp_path) == []


PLACE = "  master: spark://127.0.0.1:7077\n"
LOGIN = "  kerberos: {principal: spark/edge@EXAMPLE.COM, keytab: /etc/spark.keytab}\n"
SUBMIT = "  submit: spark-submit\n"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (LOGIN, "spark.kerberos needs submit: spark-submit"),
        (LOGIN + SUBMIT + "  proxy_user: ann\n", "spark.proxy_user excludes spark.kerberos"),
        ("  proxy_user: ann\n", "a REST server takes no spark.proxy_user"),
        (SUBMIT + "  kerberos: {principal: 'a b', keytab: k}\n", "spark.kerberos.principal"),
        (SUBMIT + "  kerberos: {principal: a}\n", "keytab"),
    ],
)
def test_a21_kerberos_where_it_does_nothing_is_told(tmp_path: Path, more: str, said: str) -> None:
    found = findings(tmp_path, changed(PLACE, PLACE + more))
    assert len(found) == 1 and said in found[0], found


def test_kerberos_is_known_by_its_principal_and_keytab(tmp_path: Path) -> None:
    text = changed(PLACE, PLACE + LOGIN + SUBMIT)
    assert findings(tmp_path, text) == []
    told = stage_of_text(tmp_path, text).settings["kerberos"]
    assert told == {"principal": "spark/edge@EXAMPLE.COM", "keytab": "/etc/spark.keytab"}
    assert findings(tmp_path, changed(PLACE, PLACE + LOGIN), stand_ins="local") == []


def test_a_proxy_user_reaches_spark_submit(tmp_path: Path) -> None:
    """Its options, as a spark-submit that prints them says."""
    program = tmp_path / "home/bin/spark-submit"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!{sys.executable}\nimport sys\nprint(sys.argv[1:3])\n", encoding="utf-8")
    program.chmod(0o755)
    write_program(tmp_path)
    told = {"submit": "spark-submit", "spark_home": str(tmp_path / "home"), "proxy_user": "ann"}
    spark = connect(stage_of(tmp_path, "", [job()], **told), {})
    ended = wait_for(spark, spark.create(job(), "token"), "FINISHED")
    assert [entry.text for entry in all_lines(spark, ended)] == ["['--proxy-user', 'ann']"]
