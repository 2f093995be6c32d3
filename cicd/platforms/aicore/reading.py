"""Reads all that planning needs: one list per kind, side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import chain
from typing import Any

from cicd.model import LiveResource, Resource, State
from cicd.platforms.aicore import convert, owners
from cicd.platforms.aicore.api import Api
from cicd.platforms.aicore.content import Artifacts, Configurations
from cicd.platforms.aicore.convert import Document
from cicd.platforms.aicore.runs import Deployments, Executions, batches
from cicd.platforms.aicore.tenant import Applications, Repositories, ResourceGroups
from cicd.platforms.destination.entries import Destinations

WORKERS = 8
RUN_KINDS = frozenset({"execution", "deployment"})

Task = Callable[[], Any]


class Reader:
    """Reads what planning needs, and lists for people."""

    def __init__(self, api: Api, nouns: Mapping[str, Any]) -> None:
        self._api = api
        self._groups: ResourceGroups = nouns["resource_group"]
        self._repositories: Repositories = nouns["repository"]
        self._applications: Applications = nouns["application"]
        self._artifacts: Artifacts = nouns["artifact"]
        self._configurations: Configurations = nouns["configuration"]
        self._executions: Executions = nouns["execution"]
        self._deployments: Deployments = nouns["deployment"]
        self._destinations: Destinations | None = nouns.get("destination")

    def browse(self, kind: str) -> list[LiveResource]:
        """Everything of one kind that lives in the resource group, newest last."""
        if kind == "execution":
            found = [convert.execution(item) for item in self._executions.peek()]
        elif kind == "deployment":
            found = [convert.deployment(item) for item in self._deployments.peek()]
        else:
            noun = {"artifact": self._artifacts, "configuration": self._configurations}[kind]
            found = noun.peek()
        return sorted(found, key=lambda live: (live.created_at, live.id))

    def read(self, desired: Sequence[Resource], *, everything: bool = False) -> list[LiveResource]:
        """All live resources that may matter. One answer refused is an error, never "nothing"."""
        groups = [
            group
            for wish in desired
            if wish.key.kind == "resource_group"
            if (group := self._groups.peek(wish.spec["name"]))
        ]
        wanted = {wish.key.kind for wish in desired}
        # A group that is not there yet has nothing in it, and asking would be answered by 403.
        has_group = "resource_group" not in wanted or any(
            group.id == self._api.group and group.status.state is State.SUCCEEDED
            for group in groups
        )
        tasks = self._tenant_tasks(desired, wanted, has_group=has_group)
        if has_group:
            tasks |= self._group_tasks(desired, wanted, everything=everything)
        with ThreadPoolExecutor(WORKERS) as pool:
            started = {name: pool.submit(task) for name, task in tasks.items()}
            lists = {name: task.result() for name, task in started.items()}
            runs = self._runs(desired, lists, pool, everything=everything)
        deployments = [
            convert.deployment(item, lists.get("executables"))
            for item in lists.get("deployments", ())
        ]
        return [
            *groups,
            *chain.from_iterable(lists[name] for name in sorted(lists) if name.startswith("live ")),
            *runs,
            *owners.of_deployments(
                deployments, lists.get("live configurations", ()), runs, desired
            ),
        ]

    def _tenant_tasks(
        self, desired: Sequence[Resource], wanted: set[str], *, has_group: bool
    ) -> dict[str, Task]:
        """Lists that no resource group is needed for."""
        tasks: dict[str, Task] = {}
        if wanted & {"repository", "application"}:
            tasks["live repositories"] = partial(self._repositories.peek, desired)
            tasks["live applications"] = partial(
                self._applications.peek, desired, in_group=has_group
            )
        for wish in desired:
            if wish.key.kind == "destination" and self._destinations:
                tasks[f"live {wish.key}"] = _one(self._destinations.peek, wish.spec["name"])
        return tasks

    def _group_tasks(
        self, desired: Sequence[Resource], wanted: set[str], *, everything: bool
    ) -> dict[str, Task]:
        tasks: dict[str, Task] = {}
        if everything or "artifact" in wanted:
            tasks["live artifacts"] = self._artifacts.peek
        if everything or wanted & {"configuration", *RUN_KINDS}:
            tasks["live configurations"] = self._configurations.peek
        if everything or "execution" in wanted:
            tasks["executions"] = self._executions.peek
        if everything or "deployment" in wanted:
            tasks["deployments"] = self._deployments.peek
        scenarios = {w.spec["scenario_id"] for w in desired if w.key.kind in RUN_KINDS}
        if scenarios:
            tasks["executables"] = lambda: self._api.executables(scenarios)
        return tasks

    def _runs(
        self,
        desired: Sequence[Resource],
        lists: Mapping[str, Any],
        pool: ThreadPoolExecutor,
        *,
        everything: bool,
    ) -> list[LiveResource]:
        """The executions; those that may answer a desired one with their tags and metrics."""
        executables = lists.get("executables")
        runs = [convert.execution(item, executables) for item in lists.get("executions", ())]
        wishes = [wish for wish in desired if wish.key.kind == "configuration"]
        candidates = [
            live.id
            for live in lists.get("live configurations", ())
            if any(convert.has_content(live, wish) for wish in wishes)
        ]
        newest = [run.id for run in convert.newest_of_each(runs, candidates)]
        # What may be deleted, or feeds a deployment, may be of another stage: the tags tell.
        others = [run.id for run in runs] if everything else owners.feeding(runs, lists)
        ids = list(dict.fromkeys([*newest, *others]))
        known: dict[str, Document] = {}
        for answer in pool.map(self._api.tracked, batches(ids)):
            known |= answer
        return [convert.tagged(run, known[run.id]) if run.id in known else run for run in runs]


def _one(look: Callable[[Any], LiveResource | None], argument: Any) -> Task:
    def task() -> list[LiveResource]:
        found = look(argument)
        return [found] if found else []

    return task
