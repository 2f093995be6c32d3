"""What goes with which master: keys that would do nothing, secrets that would be seen."""

from __future__ import annotations

from collections.abc import Iterator

from cicd.errors import Problem
from cicd.platforms.spark.dialect.draft import SPARK_SUBMIT, Draft, is_livy, is_yarn

NOT_OF_LIVY = ("submit", "spark_home", "rest_url", "ui_url", "yarn_url")
NOT_OF_YARN = ("rest_url", "ui_url")


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
    else:
        yield from _useless(draft, ("yarn_url",), "not yarn")


def _useless(draft: Draft, fields: tuple[str, ...], master: str) -> Iterator[Problem]:
    for field in fields:
        if draft.tree.get("spark", field):
            message = f"spark.master is {master}, with which spark.{field} does nothing"
            yield draft.place("spark", field, key=True).problem(message, "wrong-master")


def _check_environment(draft: Draft, machine: str) -> Iterator[Problem]:
    """A driver elsewhere gets its environment as properties."""
    for index, job in enumerate(draft.file.jobs):
        for name in job.env:
            node = draft.tree.get("jobs", index, "env", name)
            if node and node.is_hidden:
                message = f"job/{job.key}: {name} would show on a command line of {machine}"
                yield node.place.problem(message, "secret-in-conf")


def _check_yarn(draft: Draft) -> Iterator[Problem]:
    spark = draft.file.spark
    if not (spark.yarn_url or draft.has_lost("spark", "yarn_url")):
        message = "no spark.yarn_url: which resource manager tells how jobs are?"
        yield draft.place("spark", "master").problem(message, "wrong-master")
    submit = draft.tree.get("spark", "submit")
    if submit and spark.submit != SPARK_SUBMIT:
        message = "spark.master is yarn, which has no REST server: submit: spark-submit"
        yield submit.place.problem(message, "wrong-master")
    for index, job in enumerate(draft.file.jobs):
        if job.metrics:
            message = (
                f"job/{job.key}: what it prints is gone with its container: no metrics on yarn"
            )
            yield draft.place("jobs", index, "metrics").problem(message, "wrong-master")
