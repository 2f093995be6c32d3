"""Kubernetes: a driver is found by the label of its run, true by its phase and its exit code."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cicd.cli.root import execute
from cicd.errors import ConnectionFailed, Denied, NotFound, PlatformError, Throttled
from cicd.model import Count, Secret, State
from cicd.platforms.spark.adapter import Spark, connect
from cicd.platforms.spark.calls import Calls
from cicd.platforms.spark.kubernetes import LABEL, digest_of, labelled, of_pod, pod_name
from cicd.platforms.spark.manifest import manifest
from cicd.platforms.spark.pods import Line, Pods, container_of, timed
from cicd.platforms.spark.process import ProcessSubmitter
from cicd.platforms.spark.runs import Run
from tests.platforms.contract import all_lines, wait_for
from tests.platforms.spark.k8s_stand_in import (
    BEGAN,
    NAMESPACE,
    TOKEN,
    Kubernetes,
    Pod,
    kubernetes_in,
    refusal,
)
from tests.platforms.spark.samples import job, stage_of, write_program
from tests.platforms.spark.test_spark_dialect import changed, findings
from tests.platforms.spark.test_spark_dialect import stage_of as stage_of_text
from tests.platforms.spark.test_spark_pure import INPUTS, PLACES, SPEC
from tests.platforms.stub_server import Reply

ENDLESS = "import time\nprint('begun', flush=True)\ntime.sleep(600)\n"
SECOND = 10**9


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Kubernetes]:
    write_program(tmp_path)
    with kubernetes_in(tmp_path / "k8s") as found:
        found.home()
        yield found


def connected(root: Path, cluster: Kubernetes) -> Spark:
    told = {
        "submit": "spark-submit",
        "spark_home": str(cluster.folder / "home"),
        "conf": {"spark.kubernetes.namespace": NAMESPACE},
        "login": {"token": Secret(TOKEN), "source": "K8S_TOKEN"},
    }
    return connect(stage_of(root, "", [job()], f"k8s://{cluster.url}", **told), {})


@pytest.fixture
def spark(tmp_path: Path, cluster: Kubernetes) -> Iterator[Spark]:
    found = connected(tmp_path, cluster)
    yield found
    found.close()


def test_a15_kubernetes_is_told_the_label_the_name_and_the_environment() -> None:
    asked = manifest({**SPEC, "conf": {"spark.executor.cores": "1"}}, "cicd.dev.Ein Name", PLACES)
    found = labelled(asked, "t")
    assert found.conf["spark.kubernetes.driver.label.cicd-run"] == digest_of("cicd.dev.Ein Name")
    assert found.conf["spark.kubernetes.driver.pod.name"].startswith("cicd-dev-ein-name-")
    assert found.conf["spark.kubernetes.submission.waitAppCompletion"] == "false"
    assert found.conf["spark.kubernetes.driverEnv.CICD_INPUT_ASSETS"] == INPUTS
    assert found.environment == {"KUBERNETES_AUTH_TOKEN": "t"}
    assert found.program.startswith("local:///") and "file:" not in "".join(found.py_files)
    assert "s3a://b/more.zip" in found.py_files
    assert labelled(asked).environment == {}


@pytest.mark.parametrize(
    "name", ["cicd.dev.score.01234567.89abcdef", "ü" * 300, "a" * 300, "..", "A_b"]
)
def test_the_name_of_a_pod_is_one_whatever_the_job_is_called(name: str) -> None:
    found = pod_name(name)
    assert len(found) <= 63 and found.isascii() and found == found.lower()
    assert found[0].isalnum() and found.endswith("-driver") and found != pod_name(name + "x")


def test_a13_a_job_is_found_by_its_label_from_any_machine(
    tmp_path: Path, cluster: Kubernetes, spark: Spark
) -> None:
    write_program(tmp_path, ENDLESS)
    live = wait_for(spark, spark.create(job(), "token"), "RUNNING")
    assert live.facts["application_id"].startswith("spark-")
    while "begun" not in {entry.text for entry in all_lines(spark, live)}:
        pass  # it reads its program from there
    shutil.rmtree(tmp_path / ".cicd")  # nothing of the process that submitted it is left
    elsewhere = connected(tmp_path, cluster)
    [read] = elsewhere.read([job()])
    assert (read.id, read.status.raw) == (live.id, "RUNNING")
    assert elsewhere.create(job(), "token").id == live.id and len(cluster.pods) == 1
    elsewhere.close()


def test_one_that_is_submitted_again_is_the_pod_that_there_is(
    tmp_path: Path, cluster: Kubernetes, spark: Spark
) -> None:
    """As when another machine does so before the first has made its pod: the name is taken once,
    and who comes second has the first one's."""
    write_program(tmp_path, ENDLESS)
    live = wait_for(spark, spark.create(job(), "token"), "RUNNING")
    home = cluster.folder / "home/bin/spark-submit"
    second = ProcessSubmitter(lambda: home, f"k8s://{cluster.url}", tmp_path / "p", {})
    second._deploy_mode = "cluster"
    name = live.facts["application"]
    source = (tmp_path / "jobs/score.py").as_uri()
    second.submit(labelled(manifest({"source": source}, name, {}), TOKEN))
    run = Run(name, "score", {}, submission=second._name(name))
    while not second.look(run).status.has_ended:
        pass
    assert second.look(run).status.message == "exit code 1"
    assert "already exists" in (tmp_path / "p" / name / "stderr").read_text(encoding="utf-8")
    assert spark.get(live).status.state is State.RUNNING and len(cluster.pods) == 1


def test_the_token_reaches_spark_submit_and_nobody_sees_it(
    tmp_path: Path, cluster: Kubernetes, spark: Spark
) -> None:
    ended = wait_for(spark, spark.create(job(), "token"), "FINISHED")
    assert cluster.submits == [TOKEN]
    texts = [path.read_text("utf-8", "replace") for path in tmp_path.rglob("*") if path.is_file()]
    assert TOKEN not in "".join(texts) + repr(ended) + repr(vars(spark))


def test_a_failed_driver_is_failed_and_says_why(
    tmp_path: Path, cluster: Kubernetes, spark: Spark
) -> None:
    write_program(tmp_path, "print('on it')\nraise SystemExit('no more')\n")
    ended = wait_for(spark, spark.create(job(), "token"), "FAILED")
    assert ended.status.message == "exit code 1"
    assert [line.text for line in spark.tail(ended, 2)] == ["on it", "no more"]


def test_a_spark_submit_that_fails_is_failed_with_what_it_says(
    tmp_path: Path, cluster: Kubernetes, spark: Spark
) -> None:
    program = cluster.folder / "home/bin/spark-submit"
    program.write_text("#!/bin/sh\necho forbidden: pods >&2\nexit 1\n", encoding="utf-8")
    ended = wait_for(spark, spark.create(job(), "token"), "FAILED")
    assert ended.status.message == "spark-submit: exit code 1"
    assert [line.text for line in spark.tail(ended, 5)] == ["forbidden: pods"]


def test_a_job_is_stopped_by_the_removal_of_its_pod_alone(
    tmp_path: Path, cluster: Kubernetes, spark: Spark
) -> None:
    write_program(tmp_path, ENDLESS)
    live = wait_for(spark, spark.create(job(), "token"), "RUNNING")
    cluster.add("neighbour", {"spark-role": "driver"})
    spark.stop(live)
    assert wait_for(spark, live, "KILLED").status.message.startswith("stopped")
    assert list(cluster.pods) == ["neighbour"]
    spark.stop(live)
    assert len([one for one in cluster.asked if one.startswith("DELETE")]) == 1


def test_a_pod_that_is_gone_is_unknown_and_no_success(
    tmp_path: Path, cluster: Kubernetes, spark: Spark
) -> None:
    write_program(tmp_path, ENDLESS)
    live = wait_for(spark, spark.create(job(), "token"), "RUNNING")
    cluster.close()
    cluster.pods.clear()
    status = wait_for(spark, live, "UNKNOWN").status
    assert (
        not status.has_ended and f"{LABEL}={digest_of(live.facts['application'])}" in status.message
    )
    assert list(all_lines(spark, live)) == []


def test_of_two_pods_of_one_label_the_one_with_the_name_of_the_run_counts(
    tmp_path: Path, cluster: Kubernetes, spark: Spark
) -> None:
    live = wait_for(spark, spark.create(job(), "token"), "FINISHED")
    [(name, own)] = cluster.pods.items()
    record = next((tmp_path / "state").rglob(f"*{live.facts['application']}*"))
    assert record.is_file()
    other = cluster.add("copy", own.labels, told={"phase": "Failed"})
    run = Run(live.facts["application"], "score", {}, submission="x@kubernetes")
    assert spark._submitter.look(run).status.state is State.SUCCEEDED
    cluster.pods.pop(name).end()
    assert spark._submitter.look(run).status.state is State.FAILED
    newer = cluster.add("copy-2", own.labels, told={"phase": "Running"})
    newer.created = "2099-01-01T00:00:00Z"
    assert spark._submitter.look(run).status.state is State.RUNNING
    assert other.labels == newer.labels


FAULTS: list[tuple[Reply, type[PlatformError], str]] = [
    (refusal(401, "Unauthorized", "Unauthorized"), Denied, "Unauthorized"),
    (
        refusal(403, "Forbidden", "pods is forbidden: User u cannot list"),
        Denied,
        "pods is forbidden",
    ),
    (refusal(404, "NotFound", "namespaces not found"), NotFound, "not found"),
    (refusal(409, "Conflict", "the object has been modified"), PlatformError, "modified"),
    (refusal(410, "Expired", "too old resource version"), PlatformError, "HTTP 410"),
    (refusal(429, "TooManyRequests", "slow down"), Throttled, "slow down"),
    (refusal(500, "InternalError", "etcd"), ConnectionFailed, "etcd"),
    (refusal(503, "ServiceUnavailable", "apiserver"), ConnectionFailed, "apiserver"),
    (Reply(504, "<html><title>Gateway Time-out</title></html>"), ConnectionFailed, "Gateway"),
    (Reply(200, "<html><title>Sign in</title></html>"), ConnectionFailed, "like Kubernetes"),
    (Reply(200, {}), ConnectionFailed, "lists no pods"),
    (Reply(200, {"kind": "PodList", "items": ["x"]}), ConnectionFailed, "lists no pods"),
    (Reply(302, "", {"Location": "https://login.example.com"}), PlatformError, "302"),
]


@pytest.mark.parametrize(("reply", "kind", "said"), FAULTS)
def test_an_answer_that_tells_nothing_of_a_job_is_no_state_and_submits_nothing(
    tmp_path: Path, cluster: Kubernetes, reply: Reply, kind: type[PlatformError], said: str
) -> None:
    cluster.otherwise = [reply]
    pods = Pods(Calls(named="Kubernetes", sleep=lambda seconds: None), cluster.url, NAMESPACE)
    with pytest.raises(kind, match=said):
        pods.labelled({"a": "b"})
    pods.close()
    assert not cluster.submits


def test_a_cluster_that_answers_again_is_asked_again(tmp_path: Path, cluster: Kubernetes) -> None:
    right = Reply(200, {"kind": "PodList", "items": None})
    cluster.otherwise = [refusal(429, "TooManyRequests", "m"), refusal(500, "E", "m"), right]
    pods = Pods(Calls(sleep=lambda seconds: None), cluster.url, NAMESPACE)
    assert pods.labelled({"a": "b"}) == [] and len(cluster.asked) == 3
    pods.close()


def test_a_pod_that_has_been_made_anew_is_not_deleted_for_the_old_one(cluster: Kubernetes) -> None:
    calls = Calls(_Token(), [cluster.url])
    pods = Pods(calls, cluster.url, NAMESPACE)
    old = cluster.add("one", {"a": "b"}).view()
    pods.delete({"metadata": {**old["metadata"], "uid": "another"}})
    assert list(cluster.pods) == ["one"]
    pods.delete(old)
    pods.delete(old)
    assert not cluster.pods
    pods.close()


class _Token:
    source = "K8S_TOKEN"

    def token(self) -> str:
        return TOKEN

    def forget(self, token: str) -> bool:
        return False


def pod(phase: str | None, state: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """``state``: of its container."""
    names = ("istio-proxy", "spark-kubernetes-driver")
    rows = [{"name": names[1], "state": state}] if state else []
    deleted = {"deletionTimestamp": "t"} if more.pop("is_deleted", False) else {}
    return {
        "metadata": deleted,
        "spec": {"containers": [{"name": name} for name in names]},
        "status": {"phase": phase, "containerStatuses": rows, **more},
    }


def ended(code: int, reason: str = "Error") -> dict[str, Any]:
    return {"terminated": {"exitCode": code, "reason": reason}}


NO_ROOM = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3"}
PHASES: list[tuple[dict[str, Any], State, str]] = [
    (pod("Pending"), State.PENDING, ""),
    (pod("Pending", {"waiting": {"reason": "ContainerCreating"}}), State.PENDING, ""),
    (
        pod("Pending", {"waiting": {"reason": "ImagePullBackOff", "message": "no  image"}}),
        State.PENDING,
        "ImagePullBackOff, no image",
    ),
    (pod("Pending", conditions=[NO_ROOM]), State.PENDING, "Unschedulable, 0/3"),
    (pod("Pending", initContainerStatuses=[{"state": ended(3)}]), State.PENDING, "exit code 3"),
    (
        pod("Failed", initContainerStatuses=[{"state": ended(4)}]),
        State.FAILED,
        "a container before it, exit code 4",
    ),
    (pod("Pending", initContainerStatuses=[{"state": ended(0)}]), State.PENDING, ""),
    (pod("Running", {"running": {}}), State.RUNNING, ""),
    (pod("Running"), State.RUNNING, ""),
    (pod("Running", ended(0, "Completed")), State.SUCCEEDED, ""),
    (pod("Running", ended(2)), State.FAILED, "exit code 2"),
    (pod("Succeeded", ended(0, "Completed")), State.SUCCEEDED, ""),
    (pod("Failed", ended(1)), State.FAILED, "exit code 1"),
    (pod("Failed", ended(137, "OOMKilled")), State.FAILED, "OOMKilled, exit code 137"),
    (pod("Failed", ended(143)), State.STOPPED, "exit code 143"),
    (pod("Failed", ended(1), is_deleted=True), State.STOPPED, "exit code 1"),
    (
        pod("Failed", reason="Evicted", message="low on memory"),
        State.FAILED,
        "Evicted, low on memory",
    ),
    (
        pod("Failed", ended(137), reason="Evicted", message="disk"),
        State.FAILED,
        "Evicted, disk, exit code 137",
    ),
    (pod("Failed", ended(0, "Completed"), reason="DeadlineExceeded"), State.FAILED, ""),
    (pod("Unknown", reason="NodeLost"), State.UNKNOWN, "its node does not answer, NodeLost"),
    (pod("Frozen"), State.UNKNOWN, '"Frozen" is no phase that cicd knows'),
    (pod(None), State.UNKNOWN, '"None" is no phase'),
    ({}, State.UNKNOWN, "no phase"),
]


@pytest.mark.parametrize(("told", "state", "said"), PHASES)
def test_what_phases_and_containers_mean(told: dict[str, Any], state: State, said: str) -> None:
    status = of_pod(told)
    assert status.state is state and said in status.message
    assert said or state in {State.FAILED} or not status.message


@pytest.mark.parametrize(
    ("names", "meant"),
    [
        (["istio", "spark-kubernetes-driver"], "spark-kubernetes-driver"),
        (["mine", "other"], "mine"),
        (["spark-kubernetes-executor"], "spark-kubernetes-executor"),
        ([], ""),
    ],
)
def test_the_container_of_spark_is_known_among_others(names: list[str], meant: str) -> None:
    assert container_of({"spec": {"containers": [{"name": name} for name in names]}}) == meant


def test_a_log_goes_on_from_its_last_line_and_tells_when_each_was_written(
    cluster: Kubernetes, spark: Spark
) -> None:
    live = wait_for(spark, spark.create(job(), "token"), "FINISHED")
    first, *rest = spark.logs(live).entries
    assert first.time == BEGAN * SECOND + 1
    assert [line.text for line in rest] == ["accuracy=0.5", "accuracy=0.75"]
    cursor = str(first.time + 1)
    again = spark.logs(live, cursor)
    assert [line.text for line in again.entries] == ["accuracy=0.5", "accuracy=0.75"]
    assert spark.logs(live, again.cursor).entries == ()


@pytest.mark.parametrize(
    ("size", "shortens"),
    [(40, 0), (64, 0), (100, 1), (1000, 0), (1000, 7), (1000, -9), (1 << 20, 0)],
)
def test_a_long_log_loses_no_line_however_it_is_cut(
    tmp_path: Path, cluster: Kubernetes, size: int, shortens: int
) -> None:
    cluster.shortens = shortens
    out = tmp_path / "out"
    wished = [f"line {number} ü{'x' * (number % 37)}" for number in range(130)]
    out.write_text("\n".join(wished) + "\n", encoding="utf-8")
    told = cluster.add("one", {}, out=out).view()
    pods = Pods(Calls(_Token(), [cluster.url]), cluster.url, NAMESPACE)
    found: list[str] = []
    place = 0
    while (chunk := pods.log(told, place, size)).text:
        assert len(chunk.times) == chunk.text.count("\n")
        found += chunk.text.splitlines()
        place = chunk.end
    assert found == wished
    pods.close()


def test_a_line_without_its_end_is_told_once_it_has_one_or_the_container_has_ended(
    tmp_path: Path, cluster: Kubernetes
) -> None:
    out = tmp_path / "out"
    out.write_text("whole\nha", encoding="utf-8")
    one = cluster.add("one", {}, out=out)
    pods = Pods(Calls(_Token(), [cluster.url]), cluster.url, NAMESPACE)
    chunk = pods.log(one.view(), 0, 1 << 18)
    assert (chunk.text, chunk.total) == ("whole\n", chunk.end)
    before = len(cluster.asked)
    assert pods.log(one.view(), chunk.end, 1 << 18).text == ""
    assert len(cluster.asked) == before + 1
    one.told = {"phase": "Failed"}
    assert pods.log(one.view(), chunk.end, 1 << 18).text == "ha\n"
    one.told = {}
    out.write_text("whole\nhalf\n", encoding="utf-8")
    assert pods.log(one.view(), chunk.end, 1 << 18).text == "half\n"
    pods.close()


def test_a_container_that_does_not_run_yet_has_no_log(cluster: Kubernetes) -> None:
    told = cluster.add("one", {}, told={"phase": "Pending"}).view()
    pods = Pods(Calls(_Token(), [cluster.url]), cluster.url, NAMESPACE)
    assert pods.log(told, 7, 10).text == ""
    cluster.pods.clear()
    assert pods.log(told, 7, 10).text == ""
    pods.close()


def test_lines_have_their_time_in_any_zone_and_those_without_that_of_the_one_before() -> None:
    text = "unable to retrieve\n2026-11-30T10:00:00.5Z a\r\n2026-11-30T12:00:01+02:00 b\nrest"
    base = 1796032800 * SECOND
    assert timed(text) == [
        Line(base + SECOND // 2, "a\r"),
        Line(base + SECOND, "b"),
        Line(base + SECOND, "rest"),
    ]
    assert (
        timed(f"{text}\n2026-13-01T10:00:00Z no month")[-1].text == "2026-13-01T10:00:00Z no month"
    )
    assert timed("") == [] and timed("2026-11-30T10:00:00Z \n") == [Line(base, "")]


def test_a19_executors_are_streams_as_long_as_their_pods_are_there(
    tmp_path: Path, cluster: Kubernetes, spark: Spark
) -> None:
    live = wait_for(spark, spark.create(job(), "token"), "FINISHED")
    for number in (10, 2):
        out = tmp_path / f"executor{number}"
        out.write_text(f"I am {number}\n", encoding="utf-8")
        labels = {"spark-role": "executor", "spark-exec-id": str(number)}
        labels["spark-app-selector"] = live.facts["application_id"]
        cluster.add(f"e{number}", labels, out=out, container="spark-kubernetes-executor")
    assert spark.streams(live) == ["stdout", "stderr", "executor-2", "executor-10"]
    assert [line.text for line in spark.stream(live, "executor-10").entries] == ["I am 10"]
    cluster.pods = {name: one for name, one in cluster.pods.items() if not name.startswith("e")}
    assert spark.streams(live) == ["stdout", "stderr"]
    assert spark.stream(live, "executor-10").entries == ()


def test_how_far_a_driver_is_is_read_by_the_api_server(
    tmp_path: Path, cluster: Kubernetes, spark: Spark
) -> None:
    write_program(tmp_path, ENDLESS)
    live = wait_for(spark, spark.create(job(), "token"), "RUNNING")
    assert spark.progress(live) == (Count("stages", 2, 3), Count("tasks", 25, 30))
    cluster.denied = {("get", "pods/proxy")}
    assert spark.progress(live) == ()


def test_a_crash_before_the_submission_was_noted_submits_once(
    tmp_path: Path, cluster: Kubernetes, spark: Spark
) -> None:
    live = wait_for(spark, spark.create(job(), "token"), "FINISHED")
    [record] = (tmp_path / "state").rglob(f"*{live.facts['application']}*")
    told = json.loads(record.read_text(encoding="utf-8"))
    emptied = {**told, "submission": "", "application": "", "state": ""}
    record.write_text(json.dumps(emptied), encoding="utf-8")
    shutil.rmtree(tmp_path / ".cicd")
    later = connected(tmp_path, cluster)
    assert later.create(job(), "token").status.state is State.SUCCEEDED
    assert len(cluster.submits) == 1
    later.close()


def test_the_commands_of_users_go_to_kubernetes(
    tmp_path: Path,
    cluster: Kubernetes,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = (
        f"platform: spark\nspark:\n  master: k8s://{cluster.url}\n  staging: {tmp_path}/staging\n"
        f"  state: {tmp_path}/state\n  spark_home: {cluster.folder}/home\n"
        "  login: {token: '${env.POD_WORD}'}\n"
        f"  conf: {{spark.kubernetes.namespace: {NAMESPACE}, "
        "spark.kubernetes.container.image: 'spark:3.5'}\n"
        "jobs: [{key: score, source: jobs/score.py, metrics: {accuracy: 'accuracy=(.*)'}}]\n"
    )
    (tmp_path / "stages").mkdir()
    (tmp_path / "stages/dev.yaml").write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setenv("POD_WORD", TOKEN)
    assert execute(["apply", "dev", "--yes"]) == 0
    assert execute(["logs", "dev", "score"]) == 0
    assert execute(["doctor", "dev"]) == 0
    told = "".join(capsys.readouterr())
    assert "accuracy=0.75" in told and "Kubernetes v1.30.2, namespace data" in told
    assert TOKEN not in told and cluster.submits == [TOKEN]
    assert execute(["apply", "dev", "--yes"]) == 0
    assert cluster.submits == [TOKEN]  # it has run, and nothing has changed
    cluster.token = "another"
    code = execute(["doctor", "dev"])
    told = "".join(capsys.readouterr())
    assert code != 0 and "POD_WORD" in told and "Unauthorized" in told


def test_doctor_tells_the_cluster_and_what_is_missing_of_rights(
    cluster: Kubernetes, spark: Spark
) -> None:
    found = {one.check: one for one in spark.diagnose()}
    assert found["cluster"].text == f"Kubernetes v1.30.2, namespace {NAMESPACE}"
    assert found["rights"].state == "ok"
    cluster.denied = {("get", "pods/log"), ("create", "pods")}
    found = {one.check: one for one in spark.diagnose()}
    assert found["rights"].state == "error"
    assert "may not create pods, get pods/log in data" in found["rights"].text
    cluster.denied = {("patch", "services"), ("patch", "configmaps")}
    found = {one.check: one for one in spark.diagnose()}
    assert "may not patch services, patch configmaps in data" in found["rights"].text
    cluster.token = "another"
    found = {one.check: one for one in spark.diagnose()}
    assert found["cluster"].state == "error" and found["cluster"].cure == "check K8S_TOKEN"


def test_nothing_is_submitted_by_who_cannot_ask_how_it_is(
    tmp_path: Path, cluster: Kubernetes
) -> None:
    stage = stage_of(tmp_path, "", [job()], "k8s://https://api.example.com", submit="spark-submit")
    (tmp_path / "config").write_text("current-context: c\n", encoding="utf-8")
    spark = connect(stage, {"KUBECONFIG": str(tmp_path / "config")})
    with pytest.raises(Denied, match="has no context c"):
        spark.create(job(), "token")
    assert not cluster.submits and not list((tmp_path / "state").rglob("*cicd.dev*"))
    spark.close()


PLACE = "  master: spark://127.0.0.1:7077\n"
KUBERNETES = "  master: k8s://https://api.example.com:6443\n  staging: s3://b/staging\n"
CONF = "conf: {spark.sql.shuffle.partitions: 64}"
IMAGE = "conf: {spark.kubernetes.container.image: spark:3.5.9, spark.kubernetes.namespace: data}"


def plain() -> str:
    text = changed(PLACE, KUBERNETES).replace(CONF, IMAGE)
    return text.replace('API_KEY: "${env.API_KEY}"', 'EPOCHS: "20"')


def test_a_stage_of_kubernetes_is_valid(tmp_path: Path) -> None:
    assert findings(tmp_path, plain()) == []
    stage = stage_of_text(tmp_path, plain())
    assert stage.target == {"master": "k8s://https://api.example.com:6443"}
    assert stage.settings["submit"] == "spark-submit"
    assert stage.settings["conf"] == {"spark.kubernetes.namespace": "data"}


@pytest.mark.parametrize(
    "master",
    [
        "k8s://https://h",
        "k8s://h:443",
        "k8s://https://[::1]:6443",
        "k8s://[fd00::1]:6443",
        "k8s://https://h:6443/k8s/clusters/c-1",
        "k8s://http://h:8001",
    ],
)
def test_masters_of_kubernetes_are_written_as_spark_has_them(tmp_path: Path, master: str) -> None:
    text = plain().replace("k8s://https://api.example.com:6443", master)
    assert findings(tmp_path, text) == []


SECRET_REF = "spark.kubernetes.driver.secretKeyRef.API_TOKEN: 'keys:api'"


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("  staging: s3://b/staging\n", "", "set spark.staging"),
        ("spark.kubernetes.container.image: spark:3.5.9, ", "", "has no image"),
        (PLACE, "", ""),
        ("6443\n", "6443\n  ui_url: http://u:1\n", "spark.ui_url does nothing"),
        ("6443\n", "6443\n  yarn_url: http://u:1\n", "spark.yarn_url does nothing"),
        ("6443\n", "6443\n  submit: rest\n", "Kubernetes, which has no REST server"),
        ("6443\n", "6443\n  kerberos: {principal: a, keytab: k}\n", "the driver is a pod"),
        ("k8s://https://", "k8s://ftp://", "master"),
        ("image: spark:3.5.9", 'image: "${env.NO_IMAGE_AT_ALL}"', "NO_IMAGE_AT_ALL"),
        ("spark.executor.memory: 1g", "spark.kubernetes.namespace: b", "in one place"),
        ("spark.executor.memory: 1g", "spark.kubernetes.driver.pod.name: b", "cicd itself sets"),
        ("conf: {spark.ku", "conf: {spark.kubernetes.driver.pod.name: b, spark.ku", "cicd itself"),
        ("spark.executor.memory: 1g", SECRET_REF, ""),
        (
            "conf: {spark.ku",
            "conf: {spark.kubernetes.authenticate.submission.oauthToken: b, spark.ku",
            "spark.kubernetes.authenticate.submission.oauthToken",
        ),
        (
            "conf: {spark.ku",
            "conf: {spark.kubernetes.authenticate.submission.oauthTokenFile: /t, spark.ku",
            "",
        ),
        ('EPOCHS: "20"', 'API_KEY: "${env.API_KEY}"', "spark.kubernetes.driver.secretKeyRef"),
        ("6443\n", "6443\n  login: {token: '${env.API_KEY}'}\n", ""),
        ("6443\n", "6443\n  login: {signing_key: '${env.API_KEY}'}\n", "takes no token that is"),
        (
            "https://api.example.com:6443\n",
            "http://h\n  login: {token: '${env.API_KEY}'}\n",
            "http://h ",
        ),
    ],
)
def test_what_does_not_go_with_kubernetes_is_told(
    tmp_path: Path, before: str, after: str, said: str
) -> None:
    text = plain()
    assert before in text or not said
    found = findings(tmp_path, text.replace(before, after))
    assert all(said in one for one in found) and bool(found) is bool(said), found


def test_a_pod_of_the_stand_in_is_one_of_the_reference() -> None:
    view = Pod("a", "u", {}, "t").view()
    assert set(view) == {"metadata", "spec", "status"} and view["status"]["phase"] == "Running"
