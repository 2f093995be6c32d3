"""What goes with which master: keys that would do nothing, secrets that would be seen."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from cicd.errors import Problem
from cicd.platforms.spark.dialect.draft import SPARK_SUBMIT, Draft, is_kubernetes, is_livy, is_yarn

OF_YARN = ("yarn_url", "yarn_logs_url")
NOT_OF_LIVY = ("submit", "spark_home", "rest_url", "ui_url", *OF_YARN)
NOT_OF_YARN = ("rest_url", "ui_url")
NOT_OF_KUBERNETES = (*NOT_OF_YARN, *OF_YARN)
IMAGES = ("spark.kubernetes.container.image", "spark.kubernetes.driver.container.image")
OWN = ("spark.kubernetes.driver.pod.name", "spark.kubernetes.submission.waitAppCompletion")
"""Properties that cicd itself sets, as it finds a driver by them."""
OF_ALL = re.compile(r"spark\.kubernetes\.(namespace|context|authenticate\.submission\..*)")
"""Properties that tell where the jobs of a stage are, and who may ask for them."""


def check_master(draft: Draft) -> Iterator[Problem]:
    """What the master of a stage makes of the other keys."""
    if draft.is_local:
        return
    if is_livy(draft.master):
        yield from _useless(draft, NOT_OF_LIVY, "a server of Livy")
        yield from _check_environment(draft, "Livy's machine")
    elif is_yarn(draft.master):
        yield from _useless(draft, NOT_OF_YARN, "yarn")
        yield from _check_environment(draft, "this machine")
        yield from _check_yarn(draft)
    elif is_kubernetes(draft.master):
        yield from _useless(draft, NOT_OF_KUBERNETES, "Kubernetes")
        cure = ": name a secret of the cluster in spark.kubernetes.driver.secretKeyRef"
        yield from _check_environment(draft, "this machine", cure)
        yield from _check_submit(draft, "Kubernetes")
        yield from _check_kubernetes(draft)
    else:
        yield from _useless(draft, OF_YARN, "not yarn")


def _useless(draft: Draft, fields: tuple[str, ...], master: str) -> Iterator[Problem]:
    for field in fields:
        if draft.tree.get("spark", field):
            message = f"spark.master is {master}, with which spark.{field} does nothing"
            yield draft.place("spark", field, key=True).problem(message, "wrong-master")


def _check_environment(draft: Draft, machine: str, cure: str = "") -> Iterator[Problem]:
    """A driver elsewhere gets its environment as properties."""
    for index, job in enumerate(draft.file.jobs):
        for name in job.env:
            node = draft.tree.get("jobs", index, "env", name)
            if node and node.is_hidden:
                message = f"job/{job.key}: {name} would show on a command line of {machine}{cure}"
                yield node.place.problem(message, "secret-in-conf")


def _check_submit(draft: Draft, master: str) -> Iterator[Problem]:
    submit = draft.tree.get("spark", "submit")
    if submit and draft.file.spark.submit != SPARK_SUBMIT:
        message = f"spark.master is {master}, which has no REST server: submit: spark-submit"
        yield submit.place.problem(message, "wrong-master")


def _check_kubernetes(draft: Draft) -> Iterator[Problem]:
    """What a pod has to have, and what finds it again."""
    shared = draft.file.spark.conf
    for name in filter(shared.get, OWN):
        message = f"cicd itself sets {name}, which it finds a driver by: take it out"
        yield draft.place("spark", "conf", name, key=True).problem(message, "wrong-master")
    for index, job in enumerate(draft.file.jobs):
        path = ("jobs", index, "conf")
        has_lost = any(
            draft.has_lost(*at, name) for at in (("spark", "conf"), path) for name in IMAGES
        )
        if not (has_lost or any(name in shared or name in job.conf for name in IMAGES)):
            message = f"job/{job.key} has no image: set {IMAGES[0]} in spark.conf"
            yield draft.place("jobs", index).problem(message, "no-image")
        for name in job.conf:
            why = "cicd itself sets it" if name in OWN else ""
            if OF_ALL.fullmatch(name):
                why = "all jobs of a stage are in one place: set it in spark.conf"
            if why:
                place = draft.place(*path, name, key=True)
                yield place.problem(f"job/{job.key} sets {name}: {why}", "wrong-master")


def _check_yarn(draft: Draft) -> Iterator[Problem]:
    spark = draft.file.spark
    if not (spark.yarn_url or draft.has_lost("spark", "yarn_url")):
        message = "no spark.yarn_url: which resource manager tells how jobs are?"
        yield draft.place("spark", "master").problem(message, "wrong-master")
    yield from _check_submit(draft, "yarn")
    for index, job in enumerate(draft.file.jobs):
        if job.metrics and not (spark.yarn_logs_url or draft.has_lost("spark", "yarn_logs_url")):
            message = f"job/{job.key}: what it prints is gone with its container: no metrics on "
            message += "yarn without spark.yarn_logs_url"
            yield draft.place("jobs", index, "metrics").problem(message, "wrong-master")


def kubernetes_settings(draft: Draft) -> dict[str, Any]:
    """What the adapter is told of where its pods are: properties of all jobs."""
    if not is_kubernetes(draft.master):
        return {}
    conf = draft.file.spark.conf
    return {"conf": {name: str(text) for name, text in conf.items() if OF_ALL.fullmatch(name)}}
