"""A stand-in for the API server of Kubernetes, with the answers of its API reference (core/v1), and
a spark-submit that makes pods there, which really run, as plain programs of Python. A request that
the reference does not have is a mistake of who sends it."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.platforms.spark.yarn_stand_in import started
from tests.platforms.stub_server import Reply, Request, running

ENVIRONMENT = "spark.kubernetes.driverEnv."
LABELS = "spark.kubernetes.driver.label."
TOKEN = "token-of-a-service-account"
NAMESPACE = "data"
BEGAN = 1_800_000_000
"""The second in which the first line of each log is written."""
SUBMIT = """\
#!{python}
# stands in for spark-submit --master k8s://... --deploy-mode cluster
import json, os, sys, urllib.error, urllib.request
assert sys.argv[1:5] == ["--master", "k8s://{url}", "--deploy-mode", "cluster"], sys.argv
body = json.dumps([os.environ.get("KUBERNETES_AUTH_TOKEN", ""), *sys.argv[5:]]).encode()
try:
    with urllib.request.urlopen("{url}/submitted", body) as answer:
        print("INFO LoggingPodStatusWatcherImpl: Deployed Spark application", file=sys.stderr)
except urllib.error.HTTPError as error:
    raise SystemExit("Exception: " + error.read().decode())
"""


def refusal(code: int, reason: str, message: str) -> Reply:
    """What the server says of a request that it does not do (``meta/v1 Status``)."""
    head = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure"}
    return Reply(code, {**head, "message": message, "reason": reason, "code": code})


@dataclass
class Pod:
    """``told``: fields of its status that are as they are, whatever its process does."""

    name: str
    uid: str
    labels: Mapping[str, str]
    created: str
    process: subprocess.Popen[bytes] | None = None
    out: Path | None = None
    told: dict[str, Any] = field(default_factory=dict)
    container: str = "spark-kubernetes-driver"

    def view(self) -> dict[str, Any]:
        code = self.process.poll() if self.process else None
        running = {"running": {"startedAt": self.created}}
        reason = "Error" if code else "Completed"
        ended = {"terminated": {"exitCode": code, "reason": reason, "startedAt": self.created}}
        phase = "Running" if code is None else "Failed" if code else "Succeeded"
        state = running if code is None else ended
        status = {
            "phase": phase,
            "containerStatuses": [{"name": self.container, "state": state, "restartCount": 0}],
            **self.told,
        }
        metadata = {
            "name": self.name,
            "namespace": NAMESPACE,
            "uid": self.uid,
            "labels": dict(self.labels),
            "creationTimestamp": self.created,
        }
        spec = {
            "containers": [{"name": self.container, "image": "spark"}],
            "restartPolicy": "Never",
        }
        return {"metadata": metadata, "spec": spec, "status": status}

    def end(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()

    def lines(self) -> list[str]:
        """With the time of each: ten a second."""
        text = self.out.read_text(encoding="utf-8") if self.out else ""
        return [
            f"{stamp(BEGAN + at // 10)}.{at % 10}00000001Z {line}"
            for at, line in enumerate(text.splitlines(keepends=True))
        ]


def stamp(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")


@dataclass
class Kubernetes:
    """``denied``: verb and resource of what nobody may do. ``shortens``: bytes by which a log is
    shorter than its limit."""

    folder: Path
    url: str = ""
    token: str = TOKEN
    shortens: int = 0
    pods: dict[str, Pod] = field(default_factory=dict)
    denied: set[tuple[str, str]] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    submits: list[str] = field(default_factory=list)
    otherwise: list[Reply] = field(default_factory=list)
    """Answers to the next requests, whatever they are."""

    def answer(self, request: Request) -> Reply:
        if request.path == "/submitted":
            return self.submitted(request.json)
        self.asked.append(f"{request.method} {request.path}")
        if self.otherwise:
            return self.otherwise.pop(0) if len(self.otherwise) > 1 else self.otherwise[0]
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            return refusal(401, "Unauthorized", "Unauthorized")
        if request.path == "/version":
            return Reply(200, {"major": "1", "minor": "30", "gitVersion": "v1.30.2"})
        if request.path == "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews":
            return self.reviewed(request.json)
        if match := re.fullmatch(
            rf"/api/v1/namespaces/{NAMESPACE}/pods/(.*):4040/proxy(/.*)", request.path
        ):
            return self.proxied(self.pods.get(match[1]), match[2])
        match = re.fullmatch(r"/api/v1/namespaces/([^/]+)/pods(?:/([^/]+)(/log)?)?", request.path)
        assert match and match[1] == NAMESPACE, request
        if not match[2]:
            assert request.method == "GET" and set(request.query) == {"labelSelector"}, request
            return self.listed(request.query["labelSelector"])
        pod = self.pods.get(match[2])
        if pod is None:
            return refusal(404, "NotFound", f'pods "{match[2]}" not found')
        if match[3]:
            return self.log(pod, request.query)
        return self.deleted(pod, request.json) if request.method == "DELETE" else Reply(200, {})

    def proxied(self, pod: Pod | None, path: str) -> Reply:
        """The page of a driver, which has two of three stages done."""
        if pod is None or ("get", "pods/proxy") in self.denied:
            return refusal(403, "Forbidden", 'cannot get resource "pods/proxy"')
        id = pod.labels["spark-app-selector"]
        if path == f"/api/v1/applications/{id}":
            return Reply(200, {"id": id, "attempts": [{"completed": False}]})
        assert path == f"/api/v1/applications/{id}/jobs", path
        stages = {"stageIds": [0, 1, 2], "numCompletedStages": 2}
        return Reply(200, [{**stages, "numTasks": 30, "numCompletedTasks": 25}])

    def reviewed(self, review: Mapping[str, Any]) -> Reply:
        assert review["kind"] == "SelfSubjectAccessReview", review
        wish = review["spec"]["resourceAttributes"]
        assert wish["namespace"] == NAMESPACE, review
        what = "/".join(filter(None, (wish["resource"], wish.get("subresource"))))
        is_allowed = (wish["verb"], what) not in self.denied
        return Reply(201, {**review, "status": {"allowed": is_allowed}})

    def listed(self, selector: str) -> Reply:
        wished = dict(part.split("=") for part in selector.split(","))
        found = [pod for pod in self.pods.values() if wished.items() <= pod.labels.items()]
        items = [pod.view() for pod in found]
        head = {"kind": "PodList", "apiVersion": "v1", "metadata": {"resourceVersion": "1"}}
        return Reply(200, {**head, "items": items})

    def log(self, pod: Pod, query: Mapping[str, str]) -> Reply:
        known = {"container", "timestamps", "limitBytes", "sinceTime"}
        assert set(query) <= known and query["container"] == pod.container, query
        if pod.told.get("phase") == "Pending":
            said = f'container "{pod.container}" in pod "{pod.name}" is waiting to start'
            return refusal(400, "BadRequest", f"{said}: ContainerCreating")
        since = query.get("sinceTime", "").removesuffix("Z")
        lines = [line for line in pod.lines() if line[:19] >= since]
        content = "".join(lines).encode()[: int(query["limitBytes"]) - self.shortens]
        return Reply(200, content.decode(errors="replace"))

    def deleted(self, pod: Pod, options: Mapping[str, Any]) -> Reply:
        assert options["kind"] == "DeleteOptions", options
        if options["preconditions"]["uid"] != pod.uid:
            said = (
                f'Operation cannot be fulfilled on pods "{pod.name}": the UID in the precondition'
            )
            return refusal(409, "Conflict", said)
        pod.end()
        del self.pods[pod.name]
        return Reply(200, pod.view())

    def submitted(self, told: list[str]) -> Reply:
        self.submits.append(told[0])
        conf = dict(
            part.split("=", 1) for part in told if part.startswith("spark.") and "=" in part
        )
        name = conf["spark.kubernetes.driver.pod.name"]
        assert re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", name), name
        assert conf["spark.kubernetes.submission.waitAppCompletion"] == "false", conf
        if name in self.pods:
            return refusal(409, "AlreadyExists", f'pods "{name}" already exists')
        out = self.folder / f"{name}.out"
        _, process = started(told[1:], out, ENVIRONMENT)
        labels = {
            key.removeprefix(LABELS): text for key, text in conf.items() if key.startswith(LABELS)
        }
        self.add(name, {**labels, "spark-role": "driver"}, process=process, out=out)
        return Reply(200, "")

    def add(self, name: str, labels: Mapping[str, str], **fields: Any) -> Pod:
        number = len(self.asked) + len(self.pods)
        told = {"spark-app-selector": f"spark-{name[-20:]}", **labels}
        self.pods[name] = Pod(name, f"uid-{number}-{name}", told, f"{stamp(BEGAN)}Z", **fields)
        return self.pods[name]

    def home(self) -> Path:
        """A SPARK_HOME whose spark-submit makes pods there."""
        program = self.folder / "home/bin/spark-submit"
        program.parent.mkdir(parents=True)
        program.write_text(SUBMIT.format(python=sys.executable, url=self.url), encoding="utf-8")
        program.chmod(0o755)
        return program.parent.parent

    def close(self) -> None:
        for pod in self.pods.values():
            pod.end()


@contextmanager
def kubernetes_in(folder: Path) -> Iterator[Kubernetes]:
    """One that answers on a port of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    found = Kubernetes(folder)
    with running() as (stub, url):
        stub.otherwise, found.url = found.answer, url
        try:
            yield found
        finally:
            found.close()
