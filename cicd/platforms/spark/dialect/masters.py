"""What goes with which master: keys that would do nothing, secrets that would be seen."""

from __future__ import annotations

from collections.abc import Iterator

from cicd.errors import Problem
from cicd.platforms.spark.dialect.draft import Draft, is_livy

NOT_OF_LIVY = ("submit", "spark_home", "rest_url", "ui_url")


def check_livy(draft: Draft) -> Iterator[Problem]:
    """A server of Livy, which knows its master itself, and takes an environment as properties."""
    if not is_livy(draft.master):
        return
    for field in NOT_OF_LIVY:
        if draft.tree.get("spark", field):
            message = f"spark.master is a server of Livy, with which spark.{field} does nothing"
            yield draft.place("spark", field, key=True).problem(message, "wrong-master")
    for index, job in enumerate(draft.file.jobs):
        for name in job.env:
            node = draft.tree.get("jobs", index, "env", name)
            if node and node.is_hidden:
                message = f"job/{job.key}: {name} would show on a command line of Livy's machine"
                yield node.place.problem(message, "secret-in-conf")
