"""YARN: found by its tag, true by its final status, killed by the resource manager."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from cicd.errors import ConnectionFailed, Denied, PlatformError
from cicd.model import Secret, State
from cicd.platforms.spark.adapter import Spark, connect
from cicd.platforms.spark.calls import Calls
from cicd.platforms.spark.containers import contents, log_page, log_server
from cicd.platforms.spark.managers import Managers
from cicd.platforms.spark.manifest import manifest
from cicd.platforms.spark.negotiate import Ticket, cookies_in
from cicd.platforms.spark.outputs import Outputs
from cicd.platforms.spark.runs import Run
from cicd.platforms.spark.yarn import of_application, tag_of, tagged
from tests.platforms.contract import all_lines, wait_for
from tests.platforms.spark.kdc import PRINCIPAL, Realm, realm_in
from tests.platforms.spark.samples import job, stage_of, write_program
from tests.platforms.spark.test_spark_dialect import changed, findings
from tests.platforms.spark.test_spark_dialect import stage_of as stage_of_text
from tests.platforms.spark.test_spark_kerberos import needs_kdc
from tests.platforms.spark.test_spark_pure import INPUTS, PLACES, SPEC
from tests.platforms.spark.yarn_stand_in import Yarn, yarn_in
from tests.platforms.stub_server import Reply, Request, running

ENDLESS = "import time\nprint('begun', flush=True)\ntime.sleep(600)\n"


@pytest.fixture
def yarn(tmp_path: Path) -> Iterator[Yarn]:
    write_program(tmp_path)
    with yarn_in(tmp_path / "yarn") as found:
        found.home()
        yield found


def connected(
    root: Path, yarn: Yarn, home: str = "", environ: Mapping[str, str] | None = None, **more: Any
) -> Spark:
    told = {"submit": "spark-submit", "yarn_urls": [yarn.url], **more}
    told["spark_home"] = home or str(yarn.folder / "home")
    return connect(stage_of(root, "", [job()], "yarn", **told), environ or {})


@pytest.fixture
def spark(tmp_path: Path, yarn: Yarn) -> Iterator[Spark]:
    found = connected(tmp_path, yarn)
    yield found
    found.close()


def test_a15_yarn_is_told_the_tag_and_the_environment() -> None:
    conf = tagged(manifest({**SPEC, "conf": {"spark.yarn.tags": "ours"}}, "Ein.Name", PLACES)).conf
    assert conf["spark.yarn.tags"] == f"ours,{tag_of('Ein.Name')}"
    assert conf["spark.yarn.submit.waitAppCompletion"] == "false"
    assert conf["spark.yarn.appMasterEnv.CICD_INPUT_ASSETS"] == INPUTS
    tag = tag_of("ü" * 500)
    assert len(tag) <= 100 and tag.isascii() and tag == tag.lower() != tag_of("ü" * 501)


def test_a_plan_says_that_the_driver_is_in_the_cluster(spark: Spark) -> None:
    [shown] = spark.complete([job()])
    assert shown.spec["command"]["--deploy-mode"] == "cluster"


def test_a13_a_job_is_found_by_its_tag_from_any_machine(
    tmp_path: Path, yarn: Yarn, spark: Spark
) -> None:
    write_program(tmp_path, ENDLESS)
    live = wait_for(spark, spark.create(job(), "token"), "RUNNING")
    assert live.facts["application_id"] == "application_1700000000000_0001"
    while "begun" not in {entry.text for entry in all_lines(spark, live)}:
        pass  # it reads its program from there
    # nothing of the process that submitted it is left
    shutil.rmtree(tmp_path / ".cicd")
    elsewhere = connected(tmp_path, yarn)
    [read] = elsewhere.read([job()])
    assert (read.id, read.status.raw) == (live.id, "RUNNING")
    assert elsewhere.create(job(), "token").id == live.id and len(yarn.apps) == 1
    elsewhere.close()


def test_a_crash_before_the_submission_was_noted_submits_once(
    tmp_path: Path, yarn: Yarn, spark: Spark
) -> None:
    live = spark.create(job(), "token")
    wait_for(spark, live, "FINISHED")
    [record] = (tmp_path / "state").rglob(f"*{live.facts['application']}*")
    text = record.read_text(encoding="utf-8")
    for said in ("submission", "application", "state"):
        text = without(text, said)
    record.write_text(text, encoding="utf-8")
    later = connected(tmp_path, yarn)
    assert later.create(job(), "token").status.state is State.SUCCEEDED
    assert len(yarn.apps) == 1
    later.close()


def without(text: str, name: str) -> str:
    return json.dumps({**json.loads(text), name: ""})


def test_a_failed_driver_is_failed_and_says_why(tmp_path: Path, yarn: Yarn, spark: Spark) -> None:
    write_program(tmp_path, "print('on it')\nraise SystemExit('no more')\n")
    ended = wait_for(spark, spark.create(job(), "token"), "FAILED")
    assert ended.status.message == "User application exited with status 1"
    assert [line.text for line in spark.tail(ended, 2)] == ["on it", "no more"]


def test_a_job_is_killed_by_the_resource_manager(tmp_path: Path, yarn: Yarn, spark: Spark) -> None:
    write_program(tmp_path, ENDLESS)
    live = wait_for(spark, spark.create(job(), "token"), "RUNNING")
    spark.stop(live)
    assert wait_for(spark, live, "KILLED").status.message == "by user"
    spark.stop(live)
    kills = [one for one in yarn.asked if one.startswith("PUT")]
    assert len(kills) == 1 and " user.name=" in kills[0]


def test_what_yarn_forgot_is_unknown_and_no_success(
    tmp_path: Path, yarn: Yarn, spark: Spark
) -> None:
    write_program(tmp_path, ENDLESS)
    live = wait_for(spark, spark.create(job(), "token"), "RUNNING")
    yarn.is_forgetful = True
    status = wait_for(spark, live, "UNKNOWN").status
    assert not status.has_ended and tag_of(live.facts["application"]) in status.message


def test_a_spark_submit_that_fails_is_failed_with_what_it_says(tmp_path: Path, yarn: Yarn) -> None:
    program = tmp_path / "bad/bin/spark-submit"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\necho no HADOOP_CONF_DIR >&2\nexit 1\n", encoding="utf-8")
    program.chmod(0o755)
    spark = connected(tmp_path, yarn, str(tmp_path / "bad"))
    ended = wait_for(spark, spark.create(job(), "token"), "FAILED")
    assert ended.status.message == "spark-submit: exit code 1"
    assert [line.text for line in spark.tail(ended, 5)] == ["no HADOOP_CONF_DIR"]
    spark.close()


def test_a_log_is_the_drivers_without_what_hadoop_writes_around_it(
    yarn: Yarn, spark: Spark
) -> None:
    ended = wait_for(spark, spark.create(job(), "token"), "FINISHED")
    assert [line.text for line in all_lines(spark, ended)] == [
        "arguments []",
        "accuracy=0.5",
        "accuracy=0.75",
    ]


def test_doctor_asks_the_resource_manager(spark: Spark) -> None:
    found = {one.check: one for one in spark.diagnose()}
    assert found["submission"].state == "ok"
    assert found["workers"].text == "3 nodes, 7 cores and 2048 MB free"


@pytest.mark.parametrize(
    ("state", "final", "meant"),
    [
        ("NEW", "UNDEFINED", State.PENDING),
        ("ACCEPTED", "UNDEFINED", State.PENDING),
        ("RUNNING", "UNDEFINED", State.RUNNING),
        ("RUNNING", "SUCCEEDED", State.RUNNING),
        ("FINISHED", "SUCCEEDED", State.SUCCEEDED),
        ("FINISHED", "FAILED", State.FAILED),
        ("FINISHED", "KILLED", State.STOPPED),
        ("FINISHED", "UNDEFINED", State.UNKNOWN),
        ("FAILED", "FAILED", State.FAILED),
        ("KILLED", "KILLED", State.STOPPED),
        ("LIMBO", "SUCCEEDED", State.UNKNOWN),
        (None, None, State.UNKNOWN),
    ],
)
def test_each_state_and_final_status(state: Any, final: Any, meant: State) -> None:
    assert of_application({"state": state, "finalStatus": final}).state is meant


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("a\nb\n", "a\nb\n"),
        ("LogType:stdout\nLogLength:2\nLogContents:\na\n\nEnd of LogType:stdout\n", "a\n"),
        ("LogType:is a line of the program\n", "LogType:is a line of the program\n"),
        ("", ""),
    ],
)
def test_the_contents_of_a_log(text: str, lines: str) -> None:
    assert contents(text) == lines
    assert log_page("", "stdout") == log_page("http://n:1/else", "stdout") == ""


PLACE = "  master: spark://127.0.0.1:7077\n"
YARN = "  master: yarn\n  yarn_url: http://rm:8088\n  staging: s3://b/staging\n"
METRICS = '    metrics: {rows: "rows=([0-9]+)"}\n    require: [{metric: rows, min: 1}]\n'


def plain(text: str) -> str:
    text = text.replace('API_KEY: "${env.API_KEY}"', 'EPOCHS: "20"')
    return text.replace(METRICS, "")


def test_a_stage_of_yarn_is_valid(tmp_path: Path) -> None:
    text = plain(changed(PLACE, YARN))
    assert findings(tmp_path, text) == []
    stage = stage_of_text(tmp_path, text)
    assert stage.target == {"master": "yarn"}
    assert stage.settings["submit"] == "spark-submit"
    assert stage.settings["yarn_urls"] == ["http://rm:8088"]


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("  yarn_url: http://rm:8088\n", "", "no spark.yarn_url"),
        ("master: yarn", "master: yarn\n  ui_url: http://u:1", "spark.ui_url does nothing"),
        ("master: yarn", "master: yarn\n  submit: rest", "yarn, which has no REST server"),
        ("  staging: s3://b/staging\n", "", "set spark.staging"),
        ("master: yarn", "master: spark://127.0.0.1:1", "not yarn, with which spark.yarn_url"),
        ("yarn_url: http://rm:8088", "yarn_url: []", "yarn_url"),
        ("yarn_url: http://rm:8088", "yarn_url: [http://rm:8088, 'ftp://rm']", "yarn_url"),
        (
            "  yarn_url: http://rm:8088\n",
            "  yarn_url: [http://a:8088, http://b:8088]\n  login: {token: '${env.API_KEY}'}\n",
            "spark.login goes to http://",
        ),
    ],
)
def test_what_does_not_go_with_yarn_is_told(
    tmp_path: Path, before: str, after: str, said: str
) -> None:
    text = plain(changed(PLACE, YARN))
    assert before in text
    found = findings(tmp_path, text.replace(before, after))
    assert found and all(said in one for one in found), found


def test_secrets_and_metrics_that_yarn_cannot_have_are_told(tmp_path: Path) -> None:
    found = findings(tmp_path, changed(PLACE, YARN))
    assert len(found) == 2 and "no metrics on yarn" in " ".join(found)
    assert "API_KEY would show on a command line" in " ".join(found)


def test_a19_the_log_of_a_container_that_is_gone_is_that_of_the_log_server(
    tmp_path: Path, yarn: Yarn
) -> None:
    spark = connected(tmp_path, yarn, yarn_logs_url=f"{yarn.url}/ws/v1/history")
    ended = wait_for(spark, spark.create(job(), "token"), "FINISHED")
    yarn.is_bare = True
    assert [line.text for line in all_lines(spark, ended)][-1] == "accuracy=0.75"
    yarn.is_forgetful = True  # where the container was, has been noted
    assert [line.text for line in all_lines(spark, ended)][-1] == "accuracy=0.75"
    assert [line.text for line in spark.tail(ended, 1)] == ["accuracy=0.75"]
    spark.close()


@pytest.mark.parametrize(
    ("logs", "said"),
    [
        ("", "redirects to http://logs.example.com (HTTP 302); spark.yarn_logs_url names none"),
        ("{url}/x/apps", "app with id x not found (HTTP 404)"),
    ],
)
def test_a19_a_log_that_nobody_has_is_said_and_fails_nothing(
    tmp_path: Path, yarn: Yarn, logs: str, said: str
) -> None:
    spark = connected(tmp_path, yarn, yarn_logs_url=logs.format(url=yarn.url))
    ended = wait_for(spark, spark.create(job(), "token"), "FINISHED")
    yarn.is_bare = True
    [line] = [line.text for line in all_lines(spark, ended)]
    assert line.startswith("cicd: its log is gone with its container: ") and said in line, line
    assert spark.get(ended).status.state is State.SUCCEEDED
    spark.close()


def test_a_container_that_runs_and_whose_node_is_away_has_no_log_for_now(
    tmp_path: Path, yarn: Yarn, spark: Spark
) -> None:
    write_program(tmp_path, ENDLESS)
    live = wait_for(spark, spark.create(job(), "token"), "RUNNING")
    yarn.is_bare = True
    assert spark.logs(live).entries == ()
    yarn.is_bare = False
    while not spark.logs(live).entries:
        pass
    assert [line.text for line in spark.logs(live).entries] == ["begun"]


STANDBYS = [
    Reply(307, "This is standby RM.", {"Location": "http://elsewhere.example.com:8088/ws"}),
    Reply(302, "", {"Location": "https://elsewhere.example.com/ws"}),
    Reply(
        200, "This is standby RM. Redirecting to the current active RM: http://a/", {"Refresh": "3"}
    ),
    Reply(403, "This is standby RM. Redirecting to the current active RM: http://a/"),
    Reply(500, "There is currently no active RM . Retrying in next 3 seconds."),
]


@pytest.mark.parametrize("standby", STANDBYS)
def test_one_that_stands_by_is_passed_over_for_another_of_the_list(
    yarn: Yarn, standby: Reply
) -> None:
    with running() as (stub, url):
        stub.otherwise = standby
        managers = Managers(Calls(sleep=lambda seconds: None), [url, f"{yarn.url}/"])
        assert managers.json("GET", "/metrics")["clusterMetrics"]["activeNodes"] == 3
        asked = len(stub.requests)
        assert managers.json("GET", "/metrics") and managers.active == yarn.url
        assert len(stub.requests) == asked  # who has answered is asked first from then on
        stub.otherwise, yarn.standby = yarn.metrics(), standby
        assert managers.json("GET", "/metrics") and managers.active == url
        managers.close()


def test_a_job_goes_on_where_another_resource_manager_takes_over(
    tmp_path: Path, yarn: Yarn
) -> None:
    with running() as (stub, url):
        stub.otherwise = STANDBYS[0]
        login = {"token": Secret("given-token"), "source": "T"}
        spark = connected(tmp_path, yarn, yarn_urls=[url, yarn.url], login=login)
        write_program(tmp_path, ENDLESS)
        live = wait_for(spark, spark.create(job(), "token"), "RUNNING")
        stub.otherwise, yarn.standby = yarn.active, STANDBYS[0]
        assert spark.get(live).status.state is State.RUNNING
        spark.stop(live)
        assert wait_for(spark, live, "KILLED").status.message == "by user"
        assert len(yarn.apps) == 1
        spark.close()


def test_no_redirect_is_followed_and_the_one_it_names_is_asked_for(
    tmp_path: Path, yarn: Yarn
) -> None:
    with running() as (stub, elsewhere):
        yarn.standby = Reply(307, "", {"Location": f"{elsewhere}/ws/v1/cluster/apps"})
        login = {"token": Secret("given-token"), "source": "T"}
        spark = connected(tmp_path, yarn, login=login)
        with pytest.raises(PlatformError, match=f"it redirects to {elsewhere}") as caught:
            spark._submitter.look(Run("n", "k", {}))
        assert "name every resource manager in spark.yarn_url" in caught.value.hint
        assert "given-token" not in str(caught.value) and stub.requests == []
        spark.close()


def test_without_a_resource_manager_nobody_is_asked() -> None:
    with pytest.raises(PlatformError, match="no resource manager is named"):
        Managers(Calls(), []).json("GET", "/metrics")


def test_a_refusal_of_the_active_one_is_not_asked_of_the_others(tmp_path: Path, yarn: Yarn) -> None:
    yarn.standby = Reply(403, {"RemoteException": {"message": "not your queue"}})
    with running() as (stub, url):
        spark = connected(tmp_path, yarn, yarn_urls=[yarn.url, url])
        with pytest.raises(Denied, match="not your queue"):
            spark._submitter.look(Run("n", "k", {}))
        assert stub.requests == []
        spark.close()


@pytest.fixture(scope="module")
def realm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Realm]:
    with realm_in(tmp_path_factory.mktemp("kdc")) as found:
        for add in ("addprinc -randkey HTTP/localhost", "addprinc -randkey HTTP/127.0.0.1"):
            command = ["kadmin.local", "-q", add]
            subprocess.run(command, env=found.environ, check=True, capture_output=True)
        yield found


def kerberized(root: Path, yarn: Yarn, realm: Realm, **more: Any) -> Spark:
    kerberos = {"principal": PRINCIPAL, "keytab": str(realm.keytab), **more}
    url = yarn.url.replace("127.0.0.1", "localhost")
    return connected(root, yarn, "", realm.environ, kerberos=kerberos, yarn_urls=[url])


@needs_kdc
def test_a21_a_resource_manager_that_asks_for_kerberos_gets_a_ticket_once(
    tmp_path: Path, yarn: Yarn, realm: Realm
) -> None:
    yarn.cookies = set()
    spark = kerberized(tmp_path, yarn, realm)
    before = realm.logins
    ended = wait_for(spark, spark.create(job(), "token"), "FINISHED")
    assert ended.status.state is State.SUCCEEDED and yarn.tickets == 1
    assert realm.logins == before + 2  # that of spark-submit, and this one
    texts = [path.read_text("utf-8", "replace") for path in tmp_path.rglob("*") if path.is_file()]
    assert "hadoop.auth" not in "".join(texts)
    while list(tmp_path.rglob("ticket*")):
        pass  # it goes with spark-submit
    yarn.cookies.clear()  # its secret was rolled
    assert [line.text for line in all_lines(spark, ended)][-1] == "accuracy=0.75"
    assert yarn.tickets >= 2
    spark.close()


@needs_kdc
def test_a21_the_ticket_of_this_machine_is_used_where_the_stage_names_none(
    tmp_path: Path, yarn: Yarn, realm: Realm
) -> None:
    yarn.cookies = set()
    environ = {**realm.environ, "KRB5CCNAME": f"FILE:{tmp_path / 'mine'}"}
    url = yarn.url.replace("127.0.0.1", "localhost")
    ticket = Ticket(environ, None)
    calls = Calls(ticket=ticket)
    with pytest.raises(
        Denied, match=r"localhost:\d+ asks for Kerberos, and takes no ticket"
    ) as caught:
        calls.json("GET", f"{url}/ws/v1/cluster/metrics")
    assert caught.value.hint == "run kinit, or set spark.kerberos"
    kinit = ["kinit", "-k", "-t", str(realm.keytab), PRINCIPAL]
    subprocess.run(kinit, env=environ, check=True, capture_output=True)
    assert calls.json("GET", f"{url}/ws/v1/cluster/metrics")["clusterMetrics"]["activeNodes"] == 3
    # twenty threads whose cookie was refused at once
    yarn.cookies.clear()
    tickets = yarn.tickets
    with ThreadPoolExecutor(20) as pool:
        told = pool.map(lambda _: calls.json("GET", f"{url}/ws/v1/cluster/metrics"), range(20))
        assert len(list(told)) == 20
    assert yarn.tickets == tickets + 1
    calls.close()


@pytest.mark.parametrize(
    ("script", "kind", "said"),
    [
        ("echo 'the installed libcurl version does not support this' >&2\nexit 2", Denied, "built"),
        ("echo 'curl: (7) Connection refused' >&2\nexit 7", ConnectionFailed, "refused"),
        ("echo 401", Denied, "takes no ticket"),
        ("echo 200", ConnectionFailed, r"gives no cookie for a ticket \(HTTP 200\)"),
        ("", Denied, "for which curl is needed: No such file"),
    ],
)
def test_a_login_by_kerberos_that_cannot_be_had_is_told(
    tmp_path: Path, yarn: Yarn, script: str, kind: type[PlatformError], said: str
) -> None:
    yarn.cookies = set()
    (tmp_path / "bin").mkdir()
    if script:
        program = tmp_path / "bin/curl"
        program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        program.chmod(0o755)
    calls = Calls(ticket=Ticket({"PATH": str(tmp_path / "bin")}, None))
    with pytest.raises(kind, match=said) as caught:
        calls.json("GET", f"{yarn.url}/ws/v1/cluster/metrics")
    assert caught.value.exit_code == 4
    calls.close()


def test_a_cookie_goes_to_the_server_alone_that_gave_it(yarn: Yarn, tmp_path: Path) -> None:
    program = tmp_path / "curl"
    row = "#HttpOnly_127.0.0.1\\tFALSE\\t/\\tFALSE\\t0\\thadoop.auth\\ta=b"
    program.write_text(f"#!/bin/sh\nprintf '200\\n# Netscape\\n\\n{row}\\n'\n", encoding="utf-8")
    program.chmod(0o755)
    yarn.cookies = {"hadoop.auth=a=b"}
    with running() as (stub, other):
        stub.on("GET", "/x", Reply(200, {}, {"Set-Cookie": "hadoop.auth=stolen"}))
        calls = Calls(ticket=Ticket({"PATH": f"{tmp_path}:/bin:/usr/bin"}, None))
        calls.json("GET", f"{yarn.url}/ws/v1/cluster/metrics")
        calls.json("GET", f"{other}/x")
        calls.json("GET", f"{other}/x")
        assert all("Cookie" not in request.headers for request in stub.requests)
        calls.json("GET", f"{yarn.url}/ws/v1/cluster/metrics")
        calls.close()


def test_a_cookie_that_keeps_who_asks_at_one_of_several_servers_is_sent_back() -> None:
    """As balancers before a Livy have it: its batches are known to one of its servers only."""
    with running() as (stub, url):
        stub.on("GET", "/x", Reply(200, {}, {"Set-Cookie": "STICK=a"}))
        calls = Calls()
        calls.json("GET", f"{url}/x")
        calls.json("GET", f"{url}/x")
        calls.close()
        assert [request.headers.get("Cookie") for request in stub.requests] == [None, "STICK=a"]


def test_a_name_node_that_asks_for_kerberos_gets_a_ticket_too(tmp_path: Path) -> None:
    program = tmp_path / "curl"
    row = "h\\tFALSE\\t/\\tFALSE\\t0\\thadoop.auth\\ta=b"
    program.write_text(f"#!/bin/sh\nprintf '200\\n{row}\\n'\n", encoding="utf-8")
    program.chmod(0o755)
    one = {"pathSuffix": "part-0", "type": "FILE", "length": 2, "modificationTime": 1}

    def answer(request: Request) -> Reply:
        if request.headers.get("Cookie") != "hadoop.auth=a=b":
            return Reply(401, "", {"WWW-Authenticate": "Negotiate"})
        return Reply(200, {"FileStatuses": {"FileStatus": [one]}})

    with running() as (stub, url):
        stub.otherwise = answer
        ticket = Ticket({"PATH": f"{tmp_path}:/bin:/usr/bin"}, None)
        outputs = Outputs(url, "ann", None, ticket)
        assert [made.name for made in outputs.files("hdfs://n/x")] == ["part-0"]
        outputs.close()
        assert len(stub.requests) == 2


@pytest.mark.parametrize(
    ("jar", "cookies"),
    [
        ("", ""),
        ("# Netscape HTTP Cookie File\n\n", ""),
        ('#HttpOnly_h\tF\t/\tF\t0\thadoop.auth\t"u=a&t=k"\n', 'hadoop.auth="u=a&t=k"'),
        ("h\tF\t/\tF\t0\ta\t1\nh\tF\t/\tF\t0\tb\t2\n", "a=1; b=2"),
        ("h\tF\t/\tF\t0\thadoop.auth\t\n", ""),
        ("what is no jar", ""),
    ],
)
def test_the_cookies_that_curl_writes(jar: str, cookies: str) -> None:
    assert cookies_in(jar) == cookies


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("", ""),
        ("http://jhs:19888", "http://jhs:19888/ws/v1/history"),
        ("http://jhs:19888/", "http://jhs:19888/ws/v1/history"),
        ("http://ts:8188/ws/v1/applicationhistory/", "http://ts:8188/ws/v1/applicationhistory"),
    ],
)
def test_a_log_server_is_named_by_its_host_or_as_yarn_names_it(said: str, meant: str) -> None:
    assert log_server(said) == meant


def test_yarn_with_kerberos_several_managers_and_a_log_server_is_valid(tmp_path: Path) -> None:
    more = (
        "  yarn_url: [http://a:8088, http://b:8088]\n  yarn_logs_url: http://jhs:19888\n"
        "  kerberos: {principal: a, keytab: k}\n"
    )
    text = changed(PLACE, YARN.replace("  yarn_url: http://rm:8088\n", more))
    text = text.replace('API_KEY: "${env.API_KEY}"', 'EPOCHS: "20"')
    assert findings(tmp_path, text) == []  # with metrics, which a log server can have
    settings = stage_of_text(tmp_path, text).settings
    assert settings["yarn_urls"] == ["http://a:8088", "http://b:8088"]
    assert settings["yarn_logs_url"] == "http://jhs:19888"
