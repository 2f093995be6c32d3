"""What belongs to the whole tenant: resource groups, repositories, applications."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import Any

from cicd.errors import Conflict, ConnectionFailed, Denied, NotFound, PlatformError
from cicd.model import LiveResource, Resource, State
from cicd.platforms.aicore import convert, statuses, sync
from cicd.platforms.aicore.api import Api, changed, made
from cicd.platforms.aicore.convert import Document
from cicd.platforms.aicore.sync import Goal
from cicd.platforms.aicore.transport import CONNECTIONS
from cicd.threads import together

NOTHING: Mapping[str, Document] = {}
GATHER = 0.02
"""Seconds that a change of labels waits for others to come along."""


@dataclass(frozen=True)
class LabelChange:
    """What one thread wants of the labels of a group, and when it is written."""

    changes: Mapping[str, str | None]
    done: Future[None] = field(default_factory=Future)


class ResourceGroups:
    """``resource_group/<id>``. Its labels are also where cicd remembers things: PATCH replaces all
    of them, so they are read, merged and written by one thread at a time."""

    def __init__(self, api: Api, stage: str) -> None:
        self._api = api
        self._stage = stage
        self._lock = threading.Lock()
        self._gate = threading.Lock()
        self._seen: dict[str, dict[str, str]] = {}
        self._written: dict[str, dict[str, str | None]] = {}
        self._waiting: dict[str, list[LabelChange]] = {}

    def peek(self, desired: Resource) -> LiveResource | None:
        """The group, or None. A login that may not look is believed to have its group as desired:
        if it is wrong, the first list says so."""
        name = desired.spec["name"]
        try:
            document = self._get(name)
        except NotFound:
            return None
        except Denied as error:
            if error.status != 403:
                raise
            return _believed(desired)
        return convert.resource_group(document)

    def browse(self) -> list[LiveResource]:
        """All groups of the tenant."""
        return [convert.resource_group(d) for d in self._api.http.pages("/admin/resourceGroups")]

    def get(self, live: LiveResource) -> LiveResource:
        return convert.resource_group(self._get(live.id))

    def find(self, desired: Resource, known: frozenset[str]) -> LiveResource | None:
        return self.peek(desired)

    def create(self, desired: Resource) -> LiveResource:
        name = desired.spec["name"]
        # POST of a group that exists overwrites it, so it is looked for just before.
        if there := self.peek(desired):
            return self.update(there, desired)
        labels = {**(desired.spec.get("labels") or {}), convert.STAGE_LABEL: self._stage}
        body = {"resourceGroupId": name, "labels": convert.as_pairs(labels)}
        self._api.http.call("POST", "/admin/resourceGroups", body=body)
        return made(desired, name, name, statuses.status_of("PROVISIONING"))

    def update(self, live: LiveResource, desired: Resource) -> LiveResource:
        """Only labels can change; those that are not declared stay as they are."""
        labels = desired.spec.get("labels") or {}
        if labels.items() <= (live.spec.get("labels") or {}).items():
            return live
        self.relabel(live.id, labels)
        return changed(live, desired, live.status)

    def delete(self, live: LiveResource) -> None:
        self._api.http.call("DELETE", f"/admin/resourceGroups/{live.id}")

    def labels(self, name: str, *, fresh: bool = False) -> dict[str, str] | None:
        """All labels of a group, as last seen and written; None without the right to see them."""
        try:
            if fresh or name not in self._seen:
                self._get(name)
        except NotFound:
            return {}
        except Denied as error:
            if error.status != 403:
                raise
            return None
        return self._merged(name, {})

    def relabel(self, name: str, changes: Mapping[str, str | None]) -> None:
        """Set labels and, where None is given, remove them; all others stay. What many threads
        want at about the same time is written at once."""
        mine = LabelChange(changes)
        with self._gate:
            waiting = self._waiting.setdefault(name, [])
            waiting.append(mine)
            is_first = len(waiting) == 1
        if is_first:
            time.sleep(GATHER)
            with self._lock:
                self._relabel_all(name)
        mine.done.result()

    def _relabel_all(self, name: str) -> None:
        with self._gate:
            waiting = self._waiting.pop(name)
        try:
            self._write(name, {key: text for one in waiting for key, text in one.changes.items()})
        except Exception as error:
            for one in waiting:
                one.done.set_exception(error)
            return
        for one in waiting:
            one.done.set_result(None)

    def _write(self, name: str, changes: Mapping[str, str | None]) -> None:
        self._get(name)
        labels = self._merged(name, changes)
        if labels != self._seen[name]:
            body = {"labels": convert.as_pairs(labels)}
            self._api.http.call("PATCH", f"/admin/resourceGroups/{name}", body=body)
        # The next look may still show the labels from before: a change is only accepted.
        self._written[name] = {**self._written.get(name, {}), **changes}

    def _get(self, name: str) -> Document:
        path = f"/admin/resourceGroups/{name}"
        document = self._api.get(path)
        if not document.get("resourceGroupId"):
            # taken for a group without labels it would lose them all at the next change
            raise ConnectionFailed(f"{path} does not answer with a resource group")
        labels = convert.pairs(document.get("labels"))
        self._seen[name] = {k: v for k, v in labels.items() if k.startswith(convert.LABEL_PREFIX)}
        return document

    def _merged(self, name: str, changes: Mapping[str, str | None]) -> dict[str, str]:
        merged = {**self._seen[name], **self._written.get(name, {}), **changes}
        return {key: value for key, value in merged.items() if value is not None}


def _believed(desired: Resource) -> LiveResource:
    """A group that nobody may look at."""
    labels = desired.spec.get("labels") or {}
    notes = ("its labels cannot be compared: no right to look at it",) if labels else ()
    document = {"resourceGroupId": desired.spec["name"], "status": "PROVISIONED"}
    live = convert.resource_group(document)
    return replace(live, spec={**live.spec, "labels": labels}, notes=notes)


def synced_repository(desired: Resource) -> LiveResource:
    """A repository that the platform has synced from; its name there is not known."""
    status = statuses.status_of("COMPLETED")
    return LiveResource(desired.key, desired.spec["name"], dict(desired.spec), status)


class Repositories:
    """``repository/<name>``, found by its url."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._spelling: list[str] = []

    def registered(self, url: str) -> str:
        """``url`` as AI Core knows it: an application must name it letter by letter."""
        return convert.respell(url, self._spelling, convert.same_repository)

    def peek(self, desired: Sequence[Resource]) -> list[LiveResource]:
        """All repositories."""
        found = [
            self._api.completed(item, f"/admin/repositories/{item.get('name')}", ("url",))
            for item in self._api.http.pages("/admin/repositories")
        ]
        self._spelling += [str(item.get("url", "")) for item in found]
        return [convert.repository(item, desired) for item in found]

    def get(self, live: LiveResource) -> LiveResource:
        return convert.repository(self._api.get(f"/admin/repositories/{live.id}"))

    def find(self, desired: Resource, known: frozenset[str]) -> LiveResource | None:
        url = desired.spec["url"]
        return next((r for r in self.peek([desired]) if r.spec["url"] == url), None)

    def create(self, desired: Resource) -> LiveResource:
        spec = desired.spec
        self._api.repositories.create(
            spec["name"], spec["url"], spec.get("username", ""), spec.get("password", "")
        )
        self._spelling.append(spec["url"])
        return made(desired, spec["name"], spec["name"], statuses.status_of("IN-PROGRESS"))

    def update(self, live: LiveResource, desired: Resource) -> LiveResource:
        """Only the credentials can change."""
        spec = desired.spec
        self._api.repositories.modify(live.id, spec.get("username", ""), spec.get("password", ""))
        return changed(live, desired, live.status)

    def delete(self, live: LiveResource) -> None:
        self._api.repositories.delete(live.id)


class Applications:
    """``application/<name>``: Git sync. Remembers what each sync is to reach."""

    def __init__(
        self, api: Api, repositories: Repositories, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._api = api
        self._repositories = repositories
        self._clock = clock
        self._goals: dict[str, Goal] = {}

    def peek(self, desired: Iterable[Resource] = ()) -> Sequence[Document]:
        """All of them, as documents; the desired ones whole, whatever the list leaves out."""
        found = self._api.http.pages("/admin/applications")
        told = {str(item["applicationName"]): item for item in found if "applicationName" in item}
        for wish in desired:
            if wish.key.kind != "application":
                continue
            name = wish.spec["name"]
            # one that tells no name may be it
            if name in told or len(told) < len(found):
                item = {"applicationName": name, **told.get(name, {})}
                path = f"/admin/applications/{name}"
                whole = self._api.completed(item, path, ("repositoryUrl", "path", "revision"))
                told |= {name: whole} if name in told or len(whole) > 1 else {}
        return list(told.values())

    def read(
        self,
        documents: Iterable[Document],
        statuses: Mapping[str, Document] = NOTHING,
        executables: Mapping[str, Document] = NOTHING,
        desired: Sequence[Resource] = (),
    ) -> list[LiveResource]:
        """The applications; the desired ones with their status and what they have synced, as far
        as the two lists tell."""
        wishes = {w.spec["name"]: w.spec for w in desired if w.key.kind == "application"}
        found = []
        for document in documents:
            name = str(document.get("applicationName", ""))
            scenarios = sync.scenarios(wishes.get(name, {}))
            own = {id: e for id, e in executables.items() if e["scenarioId"] in scenarios}
            found.append(sync.application(document, statuses.get(name, {}), own, desired))
        return found

    def browse(self) -> list[LiveResource]:
        """All of them with their status, which no list tells."""
        documents = self.peek()
        names = [str(document["applicationName"]) for document in documents]
        with together(CONNECTIONS) as pool:
            statuses = dict(zip(names, pool.map(self.status, names), strict=True))
        return self.read(documents, statuses)

    def get(self, live: LiveResource) -> LiveResource:
        """Its status measures the way to what create or update asked for."""
        document = {"applicationName": live.id, **self._api.get(f"/admin/applications/{live.id}")}
        status = self.status(live.id)
        goal = self._goals.get(live.id) or Goal(live.spec)
        executables = self._executables(goal.spec)
        wish = Resource(live.key, goal.spec)
        spec = dict(sync.application(document, status, executables, [wish]).spec)
        found = sync.judge(status, executables, goal, self._clock())
        if found.state is State.SUCCEEDED and goal.spec.get("commit"):
            # Reached, also where the platform only reports the name of a branch.
            spec["commit"] = goal.spec["commit"]
        return changed(live, Resource(live.key, spec), found)

    def find(self, desired: Resource, known: frozenset[str]) -> LiveResource | None:
        name = desired.spec["name"]
        document = self._api.get_or_none(f"/admin/applications/{name}")
        if document is None:
            return None
        self._goals.setdefault(name, Goal(desired.spec, None, self._clock()))
        found = {"applicationName": name, **document}
        return sync.application(
            found, self.status(name), self._executables(desired.spec), [desired]
        )

    def create(self, desired: Resource) -> LiveResource:
        spec = desired.spec
        name = spec["name"]
        if not spec.get("repository"):
            raise PlatformError(
                f'there is no application "{name}", and no repository to create it from',
                hint="set git.repository, or correct git.application",
            )
        url = self._repositories.registered(spec["repository"])
        goal = self._goals[name] = Goal(spec, None, self._clock())
        try:
            self._api.applications.create(
                _synced(spec), spec["path"], application_name=name, repository_url=url
            )
        except Conflict as error:
            if self._api.get_or_none(f"/admin/applications/{name}") is None:
                # Names are shared by all tenants, and each sees only its own.
                error.hint = "another tenant has that name: choose another git.application"
            raise
        return made(desired, name, name, sync.begun(goal))

    def update(self, live: LiveResource, desired: Resource) -> LiveResource:
        """PATCH where it points elsewhere, then refresh: by itself it syncs every 3 minutes."""
        before = self.status(live.id)
        source = {
            name: desired.spec.get(name) or live.spec.get(name, "")
            for name in ("repository", "path", "revision")
        }
        is_moved = any(source[name] != live.spec.get(name) for name in source)
        if is_moved or desired.spec.get("pinned"):
            url = self._repositories.registered(source["repository"])
            revision = _synced({**desired.spec, "revision": source["revision"]})
            self._api.applications.modify(live.id, url, source["path"], revision)
        goal = self._goals[live.id] = Goal(desired.spec, before, self._clock())
        self._api.applications.refresh(live.id)
        return changed(live, desired, sync.begun(goal))

    def delete(self, live: LiveResource) -> None:
        self._api.applications.delete(live.id)

    def status(self, name: str) -> Document:
        """Empty while the platform has none yet."""
        return self._api.get_or_none(f"/admin/applications/{name}/status") or {}

    def _executables(self, spec: Any) -> dict[str, Document]:
        return self._api.executables(sync.scenarios(spec))


def _synced(spec: Mapping[str, Any]) -> str:
    """What it syncs from now on: of one that is pinned the commit, wherever its branch goes."""
    return str(spec["commit"] if spec.get("pinned") else spec["revision"])
