"""The questions that planning puts to the platform: one for each list, asked side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any

from cicd.errors import Denied, NotFound, PlatformError
from cicd.model import LiveResource, Resource
from cicd.platforms.aicore import models, statuses, sync
from cicd.platforms.aicore.api import Api
from cicd.platforms.aicore.named_secrets import NamedSecrets, kinds_used
from cicd.platforms.aicore.nouns import Nouns
from cicd.platforms.aicore.secrets import (
    ALL_GROUPS,
)
from cicd.platforms.destination.entries import batches as batches_of_names

SOURCES = frozenset({"repository", "application"})
EXECUTABLES = "executables of "
STATUS = "status of "
DOCKER, STORES = "docker registry secrets", "object store secrets"
SECRETS = "generic secrets of scope "
SHARED = "generic secrets for all groups"
OWN_SCOPE = "resource_group"
RUN_KINDS = frozenset({"execution", "deployment"})
IN_USE = frozenset(
    {"application", "artifact", "configuration", "execution", "schedule", "resource_group"}
)
"""Kinds that a stage has where it uses its resource group at all."""

Task = Callable[[], Any]


class Queries:
    """Knows which lists a stage needs, and asks for them."""

    def __init__(
        self,
        api: Api,
        nouns: Nouns,
        advisor: models.Advisor,
        named: NamedSecrets,
    ) -> None:
        self._api = api
        self._nouns = nouns
        self._advisor = advisor
        self._named = named

    def ask(
        self,
        pool: ThreadPoolExecutor,
        desired: Sequence[Resource],
        refused: list[str],
        *,
        everything: bool,
    ) -> tuple[list[LiveResource], dict[str, Any]]:
        """The wanted groups, and the answers to all tasks by name; without those from inside a
        group that is not there. That is asked beside them: mostly it is there. ``refused`` takes
        in what there is no right to see and is only needed for ``everything``."""
        outside = self._tenant_tasks(desired, everything=everything)
        inside = self._group_tasks(desired, refused, everything=everything)
        # Asked at the same time although the answer decides whether the others count: in nearly all
        # plans the group is there, and a plan lasts as long as its longest chain of requests.
        wishes = [wish for wish in desired if wish.key.kind == "resource_group"]
        looks = [pool.submit(self._nouns.groups.peek, wish) for wish in wishes]
        answers = start(pool, outside)
        begun = start(pool, inside)
        groups = [group for look in looks if (group := look.result())]
        if not wishes or any(map(self._is_open, groups)):
            # somebody may have made it after its lists were asked for and before we looked
            again = [name for name in begun if wishes and _is_refused(begun[name])]
            answers |= begun | start(pool, {name: inside[name] for name in again})
        return groups, {name: task.result() for name, task in answers.items()}

    def _is_open(self, group: LiveResource) -> bool:
        """Whether it is the stage's, and what is in it can be asked for."""
        return group.id == self._api.group and group.status.state not in statuses.CLOSED

    def _tenant_tasks(self, desired: Sequence[Resource], *, everything: bool) -> dict[str, Task]:
        """For what does not need the stage's group to be there."""
        sources = sources_in(desired)
        wanted = {wish.key.kind for wish in desired}
        tasks: dict[str, Task] = {}
        if self._nouns.destinations:  # first, as their service has a login of its own
            names = [wish.spec["name"] for wish in desired if wish.key.kind == "destination"]
            for number, batch in enumerate(batches_of_names(names)):
                tasks[f"live destinations {number}"] = partial(self._nouns.destinations.read, batch)
        if sources:
            tasks["applications"] = partial(self._nouns.applications.peek, sources)
        if sources and everything:
            tasks["live repositories"] = partial(self._nouns.repositories.peek, sources)
        for wish in sources:
            if wish.key.kind == "application":
                name = wish.spec["name"]
                tasks[f"{STATUS}{name}"] = partial(self._nouns.applications.status, name)
        if "node_reservation" in wanted:
            tasks["live nodes"] = partial(self._nouns.nodes.peek, desired)
        if "docker_registry_secret" in wanted:
            tasks[DOCKER] = self._nouns.docker.peek
        scopes = _scopes(desired)
        for scope in sorted(scopes - {OWN_SCOPE}):
            tasks[f"{SECRETS}{scope}"] = partial(self._nouns.generic.peek, scope)
        # Also where none of this scope is desired: one that serves all groups is seen inside of
        # each of them, and would be taken for the group's own there.
        if everything and ALL_GROUPS not in scopes:
            tasks[SHARED] = partial(self._nouns.generic.visible, ALL_GROUPS)
        if not everything and models.wishes_in(desired):
            tasks["models"] = partial(self._advisor.look, desired)
        for kind in kinds_used(desired) if not everything else ():
            tasks[f"names of {kind}"] = partial(self._named.look, kind)
        return tasks

    def _group_tasks(
        self, desired: Sequence[Resource], refused: list[str], *, everything: bool
    ) -> dict[str, Task]:
        """For what is in the stage's group. What only ``everything`` asks for may be refused:
        ``refused`` tells of it then."""
        wanted = {wish.key.kind for wish in desired}
        own_secrets = partial(self._nouns.generic.peek, OWN_SCOPE)
        tasks: dict[str, Task] = {}
        if everything or "artifact" in wanted:
            tasks["live artifacts"] = partial(self._nouns.artifacts.peek, desired)
        if everything or wanted & {"configuration", "schedule", *RUN_KINDS}:
            tasks["live configurations"] = partial(self._nouns.configurations.peek, desired)
        if everything or "execution" in wanted:
            tasks["executions"] = self._nouns.executions.peek
        if everything or "deployment" in wanted:
            tasks["deployments"] = self._nouns.deployments.peek
        elif wanted & IN_USE:
            # of a stage that names none, one may run on that it named until now
            tasks["deployments"] = _allowed(self._nouns.deployments.peek, "deployments", [])
        for name, task, is_wanted in (
            ("schedules", partial(self._nouns.schedules.peek, desired), "schedule" in wanted),
            (STORES, self._nouns.stores.peek, "object_store_secret" in wanted),
            (f"{SECRETS}{OWN_SCOPE}", own_secrets, OWN_SCOPE in _scopes(desired)),
        ):
            if is_wanted:
                tasks[name] = task
            elif everything:
                tasks[name] = _allowed(task, name, refused)
        scenarios = {w.spec["scenario_id"] for w in desired if w.key.kind in RUN_KINDS}
        for wish in desired:
            if wish.key.kind == "application":
                scenarios |= sync.scenarios(wish.spec)
        # those that the platform brings along have no template that was synced at some time
        for scenario in sorted(scenarios - models.SCENARIOS):
            tasks[f"{EXECUTABLES}{scenario}"] = partial(self._api.executables, [scenario])
        return tasks


def sources_in(desired: Iterable[Resource]) -> list[Resource]:
    """The applications and repositories that are desired."""
    return [wish for wish in desired if wish.key.kind in SOURCES]


def start(pool: ThreadPoolExecutor, tasks: Mapping[str, Task]) -> dict[str, Future[Any]]:
    """The tasks begun, by the same names."""
    return {name: pool.submit(task) for name, task in tasks.items()}


def _is_refused(task: Future[Any]) -> bool:
    """Whether that may be how the platform answers for a group that is not there."""
    error = task.exception()
    return isinstance(error, PlatformError) and error.status in {400, 403, 404}


def _scopes(desired: Iterable[Resource]) -> set[str]:
    """Of the generic secrets that are desired."""
    return {wish.spec["scope"] for wish in desired if wish.key.kind == "generic_secret"}


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
