"""Reads all that planning needs: one list per kind, side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import Any

from cicd.errors import Denied, NotFound
from cicd.model import LiveResource, Resource
from cicd.platforms.aicore import convert, owners, sync
from cicd.platforms.aicore.api import Api
from cicd.platforms.aicore.content import Artifacts, Configurations
from cicd.platforms.aicore.convert import Document
from cicd.platforms.aicore.nodes import NodeReservations
from cicd.platforms.aicore.rest import CONNECTIONS
from cicd.platforms.aicore.runs import Deployments, Executions, batches
from cicd.platforms.aicore.schedules import Schedules
from cicd.platforms.aicore.secrets import (
    DockerRegistrySecrets,
    GenericSecrets,
    ObjectStoreSecrets,
)
from cicd.platforms.aicore.tenant import Applications, Repositories, ResourceGroups
from cicd.platforms.destination.entries import Destinations
from cicd.platforms.destination.entries import batches as batches_of_names

WORKERS = CONNECTIONS
SOURCES = frozenset({"repository", "application"})
EXECUTABLES = "executables of "
STATUS = "status of "
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
        self._schedules: Schedules = nouns["schedule"]
        self._nodes: NodeReservations = nouns["node_reservation"]
        self._generic: GenericSecrets = nouns["generic_secret"]
        self._docker: DockerRegistrySecrets = nouns["docker_registry_secret"]
        self._stores: ObjectStoreSecrets = nouns["object_store_secret"]
        self._destinations: Destinations | None = nouns.get("destination")

    def browse(self, kind: str) -> list[LiveResource]:
        """Everything of one kind, newest last: of the resource group, or of the tenant where the
        kind is the tenant's."""
        lists: dict[str, Callable[[], Iterable[LiveResource]]] = {
            "resource_group": self._groups.browse,
            "node_reservation": self._nodes.peek,
            "repository": lambda: self._repositories.peek(()),
            "docker_registry_secret": self._docker.peek,
            "generic_secret": self._generic.browse,
            "object_store_secret": self._stores.peek,
            "application": lambda: self._applications.read(self._applications.peek()),
            "artifact": self._artifacts.peek,
            "configuration": self._configurations.peek,
            "execution": lambda: map(convert.execution, self._executions.peek()),
            "schedule": lambda: self._schedules.read(
                self._schedules.peek(), self._configurations.peek()
            ),
            "deployment": lambda: map(convert.deployment, self._deployments.peek()),
            "destination": self._destinations.browse if self._destinations else list,
        }
        return sorted(lists[kind](), key=lambda live: (live.created_at, live.id))

    def read(self, desired: Sequence[Resource], *, everything: bool = False) -> list[LiveResource]:
        """All live resources that may matter. One answer refused is an error, never "nothing"."""
        sources = [wish for wish in desired if wish.key.kind in SOURCES]
        refused: list[str] = []
        with ThreadPoolExecutor(WORKERS) as pool:
            # No resource group is needed for these, so they are asked for beside it.
            started = _start(pool, self._tenant_tasks(desired, sources))
            groups = self._wanted_groups(desired)
            # One that is not there yet has nothing in it, and asking would be answered by 403.
            has_group = not any(wish.key.kind == "resource_group" for wish in desired) or any(
                group.id == self._api.group and group.status.state not in convert.CLOSED
                for group in groups
            )
            if has_group:
                started |= _start(pool, self._group_tasks(desired, refused, everything=everything))
            secrets = self._secret_tasks(
                desired, refused, has_group=has_group, everything=everything
            )
            started |= _start(pool, secrets)
            lists = {name: task.result() for name, task in started.items()}
            executables = _executables_in(lists)
            runs = self._runs(desired, lists, executables, pool, everything=everything)
        deployments = [
            convert.deployment(item, executables) for item in lists.get("deployments", ())
        ]
        if refused:
            groups = [_unclear(group, refused) for group in groups]
        configurations = lists.get("live configurations", ())
        schedules = self._schedules.read(lists.get("schedules", ()), configurations, desired)
        statuses = {
            name.removeprefix(STATUS): lists[name] for name in lists if name.startswith(STATUS)
        }
        applications = lists.get("applications", ())
        return [
            *groups,
            *chain.from_iterable(lists[name] for name in sorted(lists) if name.startswith("live ")),
            *self._applications.read(applications, statuses, executables or {}, sources),
            *runs,
            *owners.of_schedules(schedules, runs),
            *owners.of_deployments(deployments, configurations, runs, desired),
        ]

    def _wanted_groups(self, desired: Sequence[Resource]) -> list[LiveResource]:
        wishes = [wish for wish in desired if wish.key.kind == "resource_group"]
        return [group for wish in wishes if (group := self._groups.peek(wish))]

    def _tenant_tasks(
        self, desired: Sequence[Resource], sources: Sequence[Resource]
    ) -> dict[str, Task]:
        tasks: dict[str, Task] = {}
        if sources:
            tasks["live repositories"] = partial(self._repositories.peek, sources)
            tasks["applications"] = self._applications.peek
        for wish in sources:
            if wish.key.kind == "application":
                name = wish.spec["name"]
                tasks[f"{STATUS}{name}"] = partial(self._applications.status, name)
        if any(wish.key.kind == "node_reservation" for wish in desired):
            tasks["live nodes"] = partial(self._nodes.peek, desired)
        if self._destinations:
            names = [wish.spec["name"] for wish in desired if wish.key.kind == "destination"]
            for number, batch in enumerate(batches_of_names(names)):
                tasks[f"live destinations {number}"] = partial(self._destinations.read, batch)
        return tasks

    def _group_tasks(
        self,
        desired: Sequence[Resource],
        refused: list[str],
        *,
        everything: bool,
    ) -> dict[str, Task]:
        wanted = {wish.key.kind for wish in desired}
        tasks: dict[str, Task] = {}
        if everything or "artifact" in wanted:
            tasks["live artifacts"] = self._artifacts.peek
        if everything or wanted & {"configuration", "schedule", *RUN_KINDS}:
            tasks["live configurations"] = self._configurations.peek
        if everything or "execution" in wanted:
            tasks["executions"] = self._executions.peek
        if everything or "deployment" in wanted:
            tasks["deployments"] = self._deployments.peek
        if "schedule" in wanted:
            tasks["schedules"] = self._schedules.peek
        elif everything:
            tasks["schedules"] = _allowed(self._schedules.peek, "schedules", refused)
        scenarios = {w.spec["scenario_id"] for w in desired if w.key.kind in RUN_KINDS}
        for wish in desired:
            if wish.key.kind == "application":
                scenarios |= sync.scenarios(wish.spec)
        for scenario in sorted(scenarios):
            tasks[f"{EXECUTABLES}{scenario}"] = partial(self._api.executables, [scenario])
        return tasks

    def _secret_tasks(
        self, desired: Sequence[Resource], refused: list[str], *, has_group: bool, everything: bool
    ) -> dict[str, Task]:
        """What only ``everything`` asks for may be refused: ``refused`` tells of it then."""
        wishes = [w for w in desired if has_group or w.spec.get("scope") != "resource_group"]
        wanted = {wish.key.kind for wish in wishes}
        if has_group and everything:
            wanted |= {"object_store_secret", "generic_secret"}
        elif not has_group:
            wanted -= {"object_store_secret"}
        tasks: dict[str, Task] = {
            "docker_registry_secret": partial(self._docker.peek, wishes),
            "object_store_secret": partial(self._stores.peek, wishes),
            "generic_secret": partial(
                self._generic.peek, wishes, everything=has_group and everything
            ),
        }
        declared = {wish.key.kind for wish in desired}
        return {
            f"live {kind}": task if kind in declared else _allowed(task, f"{kind}s", refused)
            for kind, task in tasks.items()
            if kind in wanted
        }

    def _runs(
        self,
        desired: Sequence[Resource],
        lists: Mapping[str, Any],
        executables: Mapping[str, Document] | None,
        pool: ThreadPoolExecutor,
        *,
        everything: bool,
    ) -> list[LiveResource]:
        """The executions; those that may answer a desired one with their tags and metrics."""
        runs = [convert.execution(item, executables) for item in lists.get("executions", ())]
        candidates = _candidates(lists.get("live configurations", ()), desired)
        newest = [run.id for run in convert.newest_of_each(runs, candidates)]
        # What may be deleted, or feeds a deployment, may be of another stage: the tags tell.
        others = [run.id for run in runs] if everything else owners.feeding(runs, lists, desired)
        ids = list(dict.fromkeys([*newest, *others]))
        known: dict[str, Document] = {}
        for answer in pool.map(self._api.tracked, batches(ids)):
            known |= answer
        return [convert.tagged(run, known[run.id]) if run.id in known else run for run in runs]


def _start(pool: ThreadPoolExecutor, tasks: Mapping[str, Task]) -> dict[str, Future[Any]]:
    return {name: pool.submit(task) for name, task in tasks.items()}


def _executables_in(lists: Mapping[str, Any]) -> dict[str, Document] | None:
    """Executable id -> document, of every scenario asked for; None where none was."""
    found = [lists[name] for name in lists if name.startswith(EXECUTABLES)]
    return {id: document for part in found for id, document in part.items()} if found else None


def _candidates(live: Iterable[LiveResource], desired: Iterable[Resource]) -> list[str]:
    """Ids of the live configurations that may be a desired one."""
    wishes: dict[str, list[Resource]] = {}
    for wish in desired:
        if wish.key.kind == "configuration":
            wishes.setdefault(wish.spec["name"], []).append(wish)
    return [
        item.id
        for item in live
        if any(convert.has_content(item, wish) for wish in wishes.get(item.spec["name"], ()))
    ]


def _allowed(task: Task, what: str, refused: list[str]) -> Task:
    """The task, which finds nothing where the login has no right to it: ``refused`` tells."""

    def attempt() -> Any:
        try:
            return task()
        except NotFound:  # a platform without them
            return []
        except Denied as error:
            if error.status != 403:
                raise
            refused.append(what)
            return []

    return attempt


def _unclear(group: LiveResource, refused: Sequence[str]) -> LiveResource:
    """A group of which not everything can be seen is nobody's: it is not to be deleted."""
    note = f"no right to list its {', '.join(sorted(refused))}, so it counts as nobody's"
    return replace(group, owner="", notes=(*group.notes, note))
