"""Whose is it? Executions carry their stage as a tag. Which deployments and schedules are of which
key is remembered in labels of the resource group, as people can make them look like any other, and
the newest execution of each key too, as lists may not show it yet; else
a deployment is of the key whose destination points at it, of the stage whose execution made what it
serves, a schedule of the one that ran its configuration. Where none of that tells, nobody knows.
Pure.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any
from urllib.parse import quote, unquote

from cicd.model import Key, LiveResource, Ref, Resource
from cicd.platforms.aicore.convert import OUR_LABELS

SAME_RUN = {
    "configuration_name": "configurationName",
    "scenario_id": "scenarioId",
    "executable_id": "executableId",
}
"""What finds the live counterpart of a deployment, by its name in the API."""

VERSION = "owns1"
NAME = "configuration_name"
"""What people change, by changing the configuration that something runs."""


@dataclass(frozen=True)
class Entry:
    """What a label says: ``id`` is of this key of that stage, and was applied under this name;
    ``made_at``: when that was written down, in seconds since 1970, 0 where it is not told."""

    stage: str
    key: str
    id: str
    name: str
    made_at: int = field(default=0, compare=False)

    @property
    def label(self) -> str:
        """The label of a key: there is one for each, whatever id it has by now."""
        return OUR_LABELS + hashlib.sha256(f"{self.stage}/{self.key}".encode()).hexdigest()[:16]

    @property
    def text(self) -> str:
        parts = (self.stage, self.key, self.id, self.name, str(self.made_at))
        return ";".join([VERSION, *(quote(part, safe="/") for part in parts)])


def entries(labels: Mapping[str, str]) -> list[Entry]:
    """All that the labels of a group remember; what somebody has written there is left out."""
    return [entry for entry in map(_entry, labels.values()) if entry]


@lru_cache(100_000)
def _entry(text: str) -> Entry | None:
    """One label; the same ones are read again each time that one is added."""
    version, *parts = map(unquote, text.split(";"))
    if version != VERSION or len(parts) not in {4, 5}:
        return None
    stage, key, id, name, *times = parts
    seconds = int(times[0]) if times and times[0].isdecimal() else 0
    return Entry(stage, key, id, name, seconds)


def remembered(
    things: Iterable[LiveResource], known: Iterable[Entry], stage: str
) -> list[LiveResource]:
    """The deployments or schedules, each with the stage that has it and, of ours, its key."""
    by_id = {(entry.key.partition("/")[0], entry.id): entry for entry in known}
    found = []
    for thing in things:
        entry = by_id.get((thing.key.kind, thing.id))
        if entry:
            known_as = entry.key if entry.stage == stage else ""
            applied = {NAME: entry.name}
            thing = replace(thing, owner=entry.stage, known_as=known_as, applied=applied)
        found.append(thing)
    return found


def pointed_at(
    deployments: Sequence[LiveResource],
    destinations: Iterable[LiveResource],
    desired: Sequence[Resource],
) -> list[LiveResource]:
    """The deployments, with the key whose destination points at it where nothing else is that key:
    neither remembered, nor alike. One that is remembered as another's stays that."""
    names = [tuple(live.spec.get(name) for name in SAME_RUN) for live in deployments]
    missing = {
        wish.key
        for wish in desired
        if wish.key.kind == "deployment" and not wish.options.existing_id
        if tuple(wish.spec.get(name) for name in SAME_RUN) not in names
    } - {_key(live.known_as) for live in deployments if live.known_as}
    urls = {
        live.known_as or str(live.key): str(live.spec.get("url") or "") for live in destinations
    }
    keys = {
        urls.get(str(wish.key)): wish.spec["url"].key
        for wish in desired
        if wish.key.kind == "destination" and isinstance(wish.spec.get("url"), Ref)
        if wish.spec["url"].key in missing
    }
    found = []
    for live in deployments:
        key = keys.get(live.outputs.get("url") or None)
        is_free = key is not None and not live.applied
        found.append(replace(live, known_as=str(key)) if is_free else live)
    return found


def _key(text: str) -> Key:
    kind, _, name = text.partition("/")
    return Key(kind, name)


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
        # Where two stages made what it takes in it may be either's: better nobody's than the wrong
        # one's, as prune goes by it.
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
