"""Whose is it? Executions carry their stage as a tag; a deployment is of the stage whose execution
made what it serves, a schedule of the one that ran its configuration. Where none of that tells,
nobody knows. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from cicd.model import LiveResource, Resource

SAME_RUN = {
    "configuration_name": "configurationName",
    "scenario_id": "scenarioId",
    "executable_id": "executableId",
}
"""What finds the live counterpart of a deployment, by its name in the API."""


def feeding(
    runs: Iterable[LiveResource], lists: Mapping[str, Any], desired: Iterable[Resource]
) -> list[str]:
    """Ids of the executions whose output artifacts the live counterparts of desired deployments
    take as input."""
    wishes = [wish for wish in desired if wish.key.kind == "deployment"]
    names = {tuple(wish.spec.get(name) for name in SAME_RUN) for wish in wishes}
    pinned = {wish.options.existing_id for wish in wishes}
    used = {
        str(item.get("configurationId", ""))
        for item in lists.get("deployments", ())
        if item.get("id") in pinned or tuple(item.get(name) for name in SAME_RUN.values()) in names
    }
    taken = {
        artifact
        for configuration in lists.get("live configurations", ())
        if configuration.id in used
        for artifact in configuration.spec["input_artifact_bindings"].values()
    }
    return [run.id for run in runs if taken & _made(run)]


def of_deployments(
    deployments: Sequence[LiveResource],
    configurations: Iterable[LiveResource],
    runs: Iterable[LiveResource],
    desired: Iterable[Resource],
) -> list[LiveResource]:
    """The deployments, each with the stage that made what it serves, where exactly one did.

    A stage that names artifacts by their id serves what others have made: then it tells nothing.
    """
    wishes = [wish.spec for wish in desired if wish.key.kind == "configuration"]
    if any(isinstance(v, str) for w in wishes for v in w["input_artifact_bindings"].values()):
        return list(deployments)
    makers = {artifact: run.owner for run in runs if run.owner for artifact in _made(run)}
    inputs = {c.id: c.spec["input_artifact_bindings"].values() for c in configurations}
    found = []
    for deployment in deployments:
        bound = inputs.get(deployment.spec["configuration"], ())
        names = {makers[artifact] for artifact in bound if artifact in makers}
        found.append(replace(deployment, owner=names.pop()) if len(names) == 1 else deployment)
    return found


def of_schedules(
    schedules: Iterable[LiveResource], runs: Iterable[LiveResource]
) -> list[LiveResource]:
    """The schedules, each with the stage that has run its configuration, where just one did."""
    stages: dict[str, set[str]] = {}
    for run in runs:
        if run.owner:
            stages.setdefault(run.spec["configuration"], set()).add(run.owner)
    found = []
    for schedule in schedules:
        names = stages.get(schedule.spec["configuration"], set())
        found.append(replace(schedule, owner=next(iter(names))) if len(names) == 1 else schedule)
    return found


def _made(run: LiveResource) -> set[str]:
    """Ids of the artifacts that a run registered."""
    return {id for name, id in run.outputs.items() if name.startswith("artifacts.")}
