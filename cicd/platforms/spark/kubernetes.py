"""Submission to Kubernetes: spark-submit in cluster mode, whose driver is a pod.

spark-submit ends once the pod is made; from then on its label, which no other run has, finds it
from any machine, and its name, which is that of the run too, can be taken once only. How its phase
and its container have ended is the truth. Properties: Apache Spark, Running Spark on Kubernetes.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any

from cicd.errors import CicdError
from cicd.model import State, Status
from cicd.platforms.base import Finding
from cicd.platforms.spark import shapes, statuses
from cicd.platforms.spark.calls import Calls
from cicd.platforms.spark.logs import Chunk
from cicd.platforms.spark.manifest import Manifest
from cicd.platforms.spark.master import EXECUTOR
from cicd.platforms.spark.pods import Pod, Pods, container_of, label, meta
from cicd.platforms.spark.process import KILLED, ProcessSubmitter
from cicd.platforms.spark.runs import Run
from cicd.platforms.spark.submitter import STDERR, STDOUT, Seen

LABEL, SELECTOR, ROLE, NUMBER = "cicd-run", "spark-app-selector", "spark-role", "spark-exec-id"
"""What pods are found by: ours first, then those that Spark gives each."""
NAMED, WAITS = "spark.kubernetes.driver.pod.name", "spark.kubernetes.submission.waitAppCompletion"
LABELLED = f"spark.kubernetes.driver.label.{LABEL}"
ENVIRONMENT = "spark.kubernetes.driverEnv"
AUTHORITY = "spark.kubernetes.authenticate.submission.caCertFile"
TOKEN = "KUBERNETES_AUTH_TOKEN"  # noqa: S105 the name of a variable
"""The variable from which Spark's client of Kubernetes (fabric8) takes a token."""
PORT = 4040
"""Where a driver has its page."""
LONGEST = 63
"""Characters that a label, and the name of a service, has at most."""
RIGHTS = {
    "pods": ("create", "get", "list", "delete"),
    "pods/log": ("get",),
    "services": ("create", "patch"),
    "configmaps": ("create", "patch"),
}
"""What submission, and looking after it, need: spark-submit applies what belongs to a pod on the
server's side (``KubernetesClientApplication`` of Spark 3.5 and 4), which is a patch."""


class KubernetesSubmitter:
    """``process``: starts spark-submit on this machine. ``pods``: those of the namespace, made when
    they are first asked for, as that may find nobody to log in as. ``token``: what spark-submit
    logs in with, empty where it finds that itself."""

    def __init__(
        self,
        process: ProcessSubmitter,
        pods: Callable[[], Pods],
        token: Callable[[], str],
    ) -> None:
        self._process = process
        self._make = pods
        self._token = token

    @cached_property
    def _pods(self) -> Pods:
        return self._make()

    def last(self) -> str:
        return ""

    def submit(self, manifest: Manifest) -> str:
        _ = self._pods  # who cannot ask how it is does not begin it
        return self._process.submit(labelled(manifest, self._token()))

    def find(self, run: Run) -> str:
        return f"{run.name}@kubernetes" if self._driver(run) else self._process.find(run)

    def _driver(self, run: Run) -> Pod | None:
        """The pod of its driver: of two with its label the one with its name, else the newest."""
        found = self._pods.labelled({LABEL: digest_of(run.name), ROLE: "driver"})
        named = [pod for pod in found if meta(pod, "name") == pod_name(run.name)]
        return next(reversed([*found, *named]), None)

    def look(self, run: Run) -> Seen:
        if pod := self._driver(run):
            return Seen(of_pod(pod), label(pod, SELECTOR))
        said = f"there is no pod with the label {LABEL}={digest_of(run.name)} any more"
        return self._process.handed_over(run, said)

    def stop(self, run: Run) -> Seen | None:
        pod = self._driver(run)
        if pod is None:
            self._process.stop(run)
            return None
        status = of_pod(pod)
        if status.has_ended:
            return Seen(status, label(pod, SELECTOR))
        self._pods.delete(pod)
        said = "stopped: its pod was deleted, and its log with it"
        return Seen(statuses.status_of(State.STOPPED, said), label(pod, SELECTOR))

    def streams(self, run: Run) -> list[str]:
        return [STDOUT, STDERR, *sorted(self._executors(run), key=_number)]

    def _executors(self, run: Run) -> dict[str, Pod]:
        """Name -> pod of those that Kubernetes has: Spark deletes them at the end."""
        if not run.application:
            return {}
        found = self._pods.labelled({SELECTOR: run.application, ROLE: "executor"})
        return {f"{EXECUTOR}{label(pod, NUMBER)}": pod for pod in found if label(pod, NUMBER)}

    def log(self, run: Run, stream: str, offset: int, size: int) -> Chunk:
        """A container's, which has but one; STDERR is what spark-submit says of the submission."""
        if stream == STDERR:
            return self._process.log(run, stream, offset, size)
        pod = self._executors(run).get(stream) if stream != STDOUT else self._driver(run)
        return self._pods.log(pod, offset, size) if pod else Chunk(offset, offset, offset, "")

    def forget(self, run: Run) -> None:
        self._process.forget(run)

    def page(self, run: Run, calls: Calls) -> str:
        """By the API server, as its pod has an address of the cluster alone."""
        return self._pods.page(pod_name(run.name), PORT) if run.application else ""

    def examine(self) -> Iterator[Finding]:
        yield from self._process.examine()
        for check, look in (("cluster", self._cluster), ("rights", self._rights)):
            try:
                yield look()
            except CicdError as error:
                yield Finding(check, "error", error.message, error.hint)
                return

    def _cluster(self) -> Finding:
        version, namespace = self._pods.version(), self._pods.namespace
        return Finding("cluster", "ok", f"Kubernetes {version}, namespace {namespace}")

    def _rights(self) -> Finding:
        wished = [(verb, what) for what, verbs in RIGHTS.items() for verb in verbs]
        missing = [f"{verb} {what}" for verb, what in wished if not self._pods.may(verb, what)]
        if missing:
            text = f"who logs in may not {', '.join(missing)} in {self._pods.namespace}"
            return Finding("rights", "error", text, "give the user a Role with these verbs")
        return Finding("rights", "ok", "may make, read and delete pods")

    def close(self) -> None:
        if "_pods" in vars(self):
            self._pods.close()


def digest_of(name: str) -> str:
    """What tells a run from all others in a label. Pure."""
    return hashlib.sha256(name.encode()).hexdigest()[:32]


def pod_name(name: str) -> str:
    """What the pod of a driver is called. Pure."""
    plain = re.sub("[^a-z0-9]+", "-", name.lower()).strip("-")[: LONGEST - 40].strip("-")
    return f"{plain or 'run'}-{digest_of(name)}-driver"


def labelled(manifest: Manifest, token: str = "") -> Manifest:
    """A job as Kubernetes is handed it: with its label and the name of its pod, its environment as
    properties, and files where the container has them. ``token``: for spark-submit, which gets
    it where nobody sees it. Pure."""

    def mounted(urls: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(map(_mounted, urls))

    own = {NAMED: pod_name(manifest.name), LABELLED: digest_of(manifest.name), WAITS: "false"}
    told = {f"{ENVIRONMENT}.{name}": text for name, text in manifest.environment.items()}
    return replace(
        manifest,
        program=_mounted(manifest.program),
        py_files=mounted(manifest.py_files),
        jars=mounted(manifest.jars),
        files=mounted(manifest.files),
        conf={**manifest.conf, **told, **own},
        environment={TOKEN: token} if token else {},
    )


def _mounted(url: str) -> str:
    """A file of a folder that the pods have under the same path: spark-submit would copy ``file:``
    from here."""
    return re.sub("^file://", "local://", url)


def of_pod(pod: Pod) -> Status:
    """How the driver of a pod is. That its container has ended counts also where another in the
    pod goes on. Pure."""
    told, ended = shapes.fields(pod.get("status")), _container(pod).get("terminated")
    phase = str(told.get("phase"))
    if phase == "Succeeded":
        return statuses.status_of(State.SUCCEEDED)
    if phase == "Failed" or (phase == "Running" and ended):
        return _ended(pod, shapes.fields(ended))
    if phase == "Pending":
        return statuses.status_of(State.PENDING, _waits(pod))
    if phase == "Running":
        return statuses.status_of(State.RUNNING)
    said = f'"{phase}" is no phase that cicd knows'
    if phase == "Unknown":
        said = _sentence("its node does not answer", told.get("reason"), told.get("message"))
    return statuses.status_of(State.UNKNOWN, said)


def _ended(pod: Pod, ended: Mapping[str, Any]) -> Status:
    """How one has ended: by its exit code, where there is one, and by who ended it."""
    told = shapes.fields(pod.get("status"))
    code, reason = ended.get("exitCode"), str(ended.get("reason") or "")
    if code == 0 and told.get("phase") != "Failed":
        return statuses.status_of(State.SUCCEEDED)
    reason = "" if reason in {"Error", "Completed"} else reason
    exit_code = f"exit code {code}" if code is not None else _waits(pod)
    said = _sentence(told.get("reason"), told.get("message"), reason, exit_code)
    is_killed = shapes.number(code) in KILLED and not (told.get("reason") or reason)
    if is_killed or meta(pod, "deletionTimestamp"):
        return statuses.status_of(State.STOPPED, said)
    return statuses.status_of(State.FAILED, said)


def _waits(pod: Pod) -> str:
    """Why one does not run yet; empty where nothing is wrong."""
    for state in _states(pod):
        waiting, ended = (shapes.fields(state.get(name)) for name in ("waiting", "terminated"))
        if str(waiting.get("reason") or "") not in {"", "ContainerCreating", "PodInitializing"}:
            return _sentence(waiting.get("reason"), waiting.get("message"))
        if ended.get("exitCode"):
            return _sentence("a container before it", f"exit code {ended['exitCode']}")
    for one in shapes.rows(shapes.fields(pod.get("status")).get("conditions")):
        if one.get("type") == "PodScheduled" and one.get("status") == "False":
            return _sentence(one.get("reason"), one.get("message"))
    return ""


def _states(pod: Pod) -> Iterator[Mapping[str, Any]]:
    """Those of the containers that come before it, and its own."""
    for row in shapes.rows(shapes.fields(pod.get("status")).get("initContainerStatuses")):
        yield shapes.fields(row.get("state"))
    yield _container(pod)


def _container(pod: Pod) -> Mapping[str, Any]:
    """The state of the container of Spark."""
    name = container_of(pod)
    rows = shapes.rows(shapes.fields(pod.get("status")).get("containerStatuses"))
    return next((shapes.fields(row.get("state")) for row in rows if row.get("name") == name), {})


def _sentence(*parts: Any) -> str:
    return ", ".join(" ".join(str(part).split()) for part in parts if part)


def _number(executor: str) -> tuple[int, str]:
    text = executor.removeprefix(EXECUTOR)
    return int(text) if text.isdecimal() else 0, text
