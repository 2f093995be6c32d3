"""Reads all that planning needs: makes of the platform's lists what lives."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import Any

from cicd.errors import ConnectionFailed
from cicd.model import LiveResource, Ref, Resource, State
from cicd.platforms.aicore import convert, models, owners, tenant, tracking
from cicd.platforms.aicore.api import Api
from cicd.platforms.aicore.convert import Document
from cicd.platforms.aicore.listing import LONG
from cicd.platforms.aicore.named_secrets import NamedSecrets
from cicd.platforms.aicore.nouns import Nouns
from cicd.platforms.aicore.queries import (
    DOCKER,
    EXECUTABLES,
    SECRETS,
    SHARED,
    STATUS,
    STORES,
    Queries,
    sources_in,
    start,
)
from cicd.platforms.aicore.register import Register
from cicd.platforms.aicore.runs import Runs, batches
from cicd.platforms.aicore.secrets import (
    ALL_GROUPS,
)
from cicd.platforms.aicore.transport import CONNECTIONS
from cicd.platforms.aicore.unlisted import Unlisted
from cicd.threads import together

WORKERS = CONNECTIONS


class Reader:
    """Reads what planning needs, and lists for people."""

    def __init__(
        self,
        api: Api,
        nouns: Mapping[str, Any],
        advisor: models.Advisor,
        named: NamedSecrets,
        register: Register,
    ) -> None:
        self._api = api
        self._nouns = Nouns(nouns)
        self._queries = Queries(api, self._nouns, advisor, named)
        self._register = register
        self._unlisted = Unlisted(api, register)

    def browse(self, kind: str) -> list[LiveResource]:
        """Everything of one kind, newest last: of the resource group, or of the tenant where the
        kind is the tenant's."""
        lists: dict[str, Callable[[], Iterable[LiveResource]]] = {
            "resource_group": self._nouns.groups.browse,
            "node_reservation": self._nouns.nodes.peek,
            "repository": lambda: self._nouns.repositories.peek(()),
            "docker_registry_secret": lambda: self._nouns.docker.read(self._nouns.docker.peek()),
            "generic_secret": self._nouns.generic.browse,
            "object_store_secret": lambda: self._nouns.stores.read(self._nouns.stores.peek()),
            "application": self._nouns.applications.browse,
            "artifact": self._nouns.artifacts.peek,
            "configuration": self._nouns.configurations.peek,
            "execution": lambda: map(convert.execution, self._nouns.executions.peek()),
            "schedule": lambda: self._register.recognise(
                self._nouns.schedules.read(
                    self._nouns.schedules.peek(), self._nouns.configurations.peek()
                )
            ),
            "deployment": lambda: self._register.recognise(
                [convert.deployment(item) for item in self._nouns.deployments.peek()]
            ),
            "destination": self._nouns.destinations.browse if self._nouns.destinations else list,
        }
        return sorted(lists[kind](), key=lambda live: (live.created_at, live.id))

    def read(self, desired: Sequence[Resource], *, everything: bool = False) -> list[LiveResource]:
        """All live resources that may matter. One answer refused is an error, never "nothing"."""
        sources = sources_in(desired)
        refused: list[str] = []
        with together(WORKERS) as pool:
            groups, lists = self._queries.ask(pool, desired, refused, everything=everything)
            # In this order: what seems to be missing is looked for before it is asked whether
            # anything remembers it, and only what is there in the end is completed from its own
            # page.
            lists |= self._looked_through(pool, desired, lists)
            lists |= self._unlisted.found(lists, desired, pool)
            lists |= self._completed(pool, desired, lists)
            executables = _executables_in(lists)
            applications = self._nouns.applications.read(
                lists.get("applications", ()), _starting(STATUS, lists), executables or {}, sources
            )
            repositories = pool.submit(self._repositories_of, sources, applications, lists)
            runs = self._runs(desired, lists, executables, pool, everything=everything)
        deployments = [
            convert.deployment(item, executables) for item in lists.get("deployments", ())
        ]
        if refused:
            groups = [_unclear(group, refused) for group in groups]
        configurations = lists.get("live configurations", ())
        schedules = self._nouns.schedules.read(lists.get("schedules", ()), configurations, desired)
        destinations = [*chain.from_iterable(_starting("live destinations ", lists).values())]
        renamed = self._renamed(desired, destinations, deployments)
        deployments = owners.of_deployments(deployments, configurations, runs, desired)
        deployments = self._register.recognise(deployments)
        return [
            *groups,
            *repositories.result(),
            *chain.from_iterable(lists[name] for name in sorted(lists) if name.startswith("live ")),
            *self._secrets(desired, lists),
            *applications,
            *runs,
            *self._register.recognise(owners.of_schedules(schedules, runs)),
            *renamed,
            *owners.pointed_at(deployments, [*destinations, *renamed], desired),
        ]

    def _renamed(
        self,
        desired: Iterable[Resource],
        found: Iterable[LiveResource],
        deployments: Iterable[LiveResource],
    ) -> list[LiveResource]:
        """Our destinations that somebody has given another name. Asked for only where one is
        missing, and something is there that it could point at."""
        missing = {wish.spec["name"] for wish in desired if wish.key.kind == "destination"}
        missing -= {live.id for live in found}
        ids = {live.id for live in deployments}
        if not (self._nouns.destinations and missing and ids):
            return []
        return self._nouns.destinations.renamed(missing, ids)

    def _completed(
        self, pool: ThreadPoolExecutor, desired: Sequence[Resource], lists: Mapping[str, Any]
    ) -> dict[str, Any]:
        """The lists of runs with what decides whether one is a desired one, or ready."""
        configurations = lists.get("live configurations", ())
        candidates = frozenset(_candidates(configurations, desired))
        wishes = [wish for wish in desired if wish.key.kind == "deployment"]
        timed = {w.spec["configuration_name"] for w in wishes if w.spec.get("ttl")}
        named = {wish.spec["configuration_name"] for wish in wishes}

        def of_execution(item: Document) -> Iterable[str]:
            # A run that has not ended, or that nobody asks for, has no outputs that matter: each
            # that is completed costs a request of its own where the list leaves fields out.
            is_over = str(item.get("status")) == "COMPLETED"
            is_ours = is_over and item["configurationId"] in candidates
            return ("outputArtifacts", "completionTime") if is_ours else ()

        def of_deployment(item: Document) -> Iterable[str]:
            name = item.get("configurationName")
            if name in named and item.get("status") == "RUNNING":
                yield "deploymentUrl"
            if name in timed:
                yield "ttl"

        nouns: dict[str, tuple[Runs, Callable[[Document], Iterable[str]]]] = {
            "executions": (self._nouns.executions, of_execution),
            "deployments": (self._nouns.deployments, of_deployment),
        }
        found = {
            name: noun.complete(lists[name], configurations, needs, pool)
            for name, (noun, needs) in nouns.items()
            if name in lists
        }
        for item in found.get("executions", ()) if _takes_outputs(desired) else ():
            if "outputArtifacts" in of_execution(item) and "outputArtifacts" not in item:
                raise ConnectionFailed(
                    f"/lm/executions/{item['id']} does not tell its outputArtifacts",
                    hint="what takes them as input would be made anew without",
                )
        return found

    def _looked_through(
        self, pool: ThreadPoolExecutor, desired: Sequence[Resource], lists: Mapping[str, Any]
    ) -> dict[str, Any]:
        """The lists in which something is missed, once more: a short one whose count is that of a
        page may have been cut, and what is missed would be made a second time."""
        peeks: dict[str, Callable[..., Any]] = {
            "live artifacts": partial(self._nouns.artifacts.peek, desired),
            "live configurations": partial(self._nouns.configurations.peek, desired),
            "executions": self._nouns.executions.peek,
            "deployments": self._nouns.deployments.peek,
            "schedules": partial(self._nouns.schedules.peek, desired),
        }
        doubtful = {
            name: partial(peek, is_thorough=True)
            for name, peek in peeks.items()
            if 0 < len(lists.get(name, ())) < LONG
            if _lacks(name, lists, desired)
        }
        return {name: task.result() for name, task in start(pool, doubtful).items()}

    def _repositories_of(
        self,
        sources: Sequence[Resource],
        applications: Iterable[LiveResource],
        lists: Mapping[str, Any],
    ) -> list[LiveResource]:
        """The repositories. Not asked for where all that is wanted has been synced from them: the
        platform syncs from repositories that it has and can read, and from no others."""
        if "live repositories" in lists or not sources:
            return []
        wishes = [wish for wish in sources if wish.key.kind == "application"]
        live = {application.id: application for application in applications}
        synced = [wish for wish in wishes if _is_synced(wish, live.get(wish.spec["name"]))]
        urls = {wish.spec.get("repository") for wish in synced}
        wanted = [wish for wish in sources if wish.key.kind == "repository"]
        if len(synced) < len(wishes) or not {wish.spec["url"] for wish in wanted} <= urls:
            return self._nouns.repositories.peek(sources)
        return [tenant.synced_repository(wish) for wish in wanted]

    def _secrets(
        self, desired: Sequence[Resource], lists: Mapping[str, Any]
    ) -> Iterator[LiveResource]:
        yield from self._nouns.docker.read(lists.get(DOCKER, ()), desired)
        yield from self._nouns.stores.read(lists.get(STORES, ()), desired)
        scopes = _starting(SECRETS, lists)
        yield from self._nouns.generic.read(
            scopes, desired, scopes.get(ALL_GROUPS) or lists.get(SHARED, ())
        )

    def _runs(
        self,
        desired: Sequence[Resource],
        lists: Mapping[str, Any],
        executables: Mapping[str, Document] | None,
        pool: ThreadPoolExecutor,
        *,
        everything: bool,
    ) -> list[LiveResource]:
        """The executions; those that may answer a desired one, or that it would follow, with their
        tags and metrics."""
        runs = [convert.execution(item, executables) for item in lists.get("executions", ())]
        candidates = _candidates(lists.get("live configurations", ()), desired)
        newest = [run.id for run in convert.newest_of_each(runs, candidates)]
        newest += convert.newest_of_families(runs, desired)
        # What may be deleted, or feeds a deployment, may be of another stage: the tags tell.
        others = [run.id for run in runs] if everything else owners.feeding(runs, lists, desired)
        ids = list(dict.fromkeys([*newest, *others]))
        known: dict[str, Document] = {}
        for answer in pool.map(self._api.tracked, batches(ids)):
            known |= answer
        return [tracking.tagged(run, known[run.id]) if run.id in known else run for run in runs]


def _is_synced(wish: Resource, live: LiveResource | None) -> bool:
    """Whether an application has synced what is wanted from where it is wanted."""
    if live is None or live.status.state is not State.SUCCEEDED:
        return False
    return all(live.spec.get(n) == wish.spec.get(n) for n in ("repository", "path", "commit"))


def _starting(prefix: str, lists: Mapping[str, Any]) -> dict[str, Any]:
    """The lists of that sort, by the rest of their names."""
    return {name.removeprefix(prefix): lists[name] for name in lists if name.startswith(prefix)}


def _executables_in(lists: Mapping[str, Any]) -> dict[str, Document] | None:
    """Executable id -> document, of every scenario asked for; None where none was."""
    found = _starting(EXECUTABLES, lists)
    return {id: item for part in found.values() for id, item in part.items()} if found else None


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


def _takes_outputs(desired: Iterable[Resource]) -> bool:
    """Whether a configuration takes as input what a run puts out."""
    inputs = (
        value
        for wish in desired
        if wish.key.kind == "configuration"
        for value in wish.spec["input_artifact_bindings"].values()
    )
    return any(isinstance(value, Ref) and value.output != "id" for value in inputs)


def _lacks(name: str, lists: Mapping[str, Any], desired: Iterable[Resource]) -> bool:
    """Whether a list of things that can be there twice lacks one that is desired."""
    items = lists[name]
    if name.startswith("live "):
        wishes = [wish for wish in desired if f"{wish.key.kind}s" == name.removeprefix("live ")]
        return any(not any(convert.has_content(i, wish) for i in items) for wish in wishes)
    wishes = [wish for wish in desired if f"{wish.key.kind}s" == name]
    if name == "schedules":
        return not {wish.spec["name"] for wish in wishes} <= {i.get("name") for i in items}
    known = {tuple(item.get(theirs) for theirs in owners.SAME_RUN.values()) for item in items}
    return not {tuple(wish.spec.get(n) for n in owners.SAME_RUN) for wish in wishes} <= known


def _unclear(group: LiveResource, refused: Sequence[str]) -> LiveResource:
    """A group of which not everything can be seen is nobody's: it is not to be deleted."""
    note = f"no right to list its {', '.join(sorted(refused))}, so it counts as nobody's"
    return replace(group, owner="", notes=(*group.notes, note))
