"""Executions and deployments: started, stopped, deleted, and in their case updated."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from functools import partial
from typing import Any

from ai_api_client_sdk.models.base_models import NameValue
from ai_api_client_sdk.models.target_status import TargetStatus

from cicd.errors import ConnectionFailed, Denied, LostAnswer, PlatformError, Throttled
from cicd.model import LiveResource, Resource, State, Status
from cicd.platforms.aicore import convert, statuses, tracking
from cicd.platforms.aicore.api import METRIC_BATCH, Api, changed, made
from cicd.platforms.aicore.bulk import Bulk
from cicd.platforms.aicore.convert import Document
from cicd.platforms.aicore.register import Register

SETTLE = 60.0
"""Seconds in which a deployment may still report its configuration from before an update."""
ASIDE = (ConnectionFailed, Denied, LostAnswer, Throttled)
"""Failures that say nothing about the state of the thing."""


NAMES = {
    "name": "configurationName",
    "scenario_id": "scenarioId",
    "executable_id": "executableId",
}
"""Field of a configuration -> how its runs repeat it."""


class Runs:
    """What executions and deployments have in common. ``client`` is the SDK's for one of them."""

    def __init__(
        self,
        api: Api,
        register: Register,
        path: str,
        client: Any,
        read: Callable[..., LiveResource],
    ) -> None:
        self._api = api
        self._register = register
        self._path = path
        self._client = client
        self._read = read
        self._bulk = Bulk(api.http, path.rpartition("/")[2], api.capabilities)
        self._count = 0
        """How many there were in the list when it was last read."""

    def peek(self, *, is_thorough: bool = False) -> list[Document]:
        """All of them that are not on their way out, as documents."""
        found = self._api.http.pages(self._path, is_thorough=is_thorough)
        self._count = len(found)
        return [document for document in found if not statuses.is_going(document)]

    def get(self, live: LiveResource) -> LiveResource:
        return self._seen(self._read(self._api.get(f"{self._path}/{live.id}")))

    def listed(
        self, lives: Sequence[LiveResource], most: int | None = None
    ) -> dict[str, LiveResource]:
        """Those of these that the list shows, without what it leaves out."""
        if most is not None and self._count > most:
            return {}
        scenarios = {str(live.spec.get("scenario_id") or "") for live in lives}
        # The API filters by one scenario only, and has no filter by ids.
        params = {"scenarioId": min(scenarios)} if len(scenarios) == 1 and min(scenarios) else {}
        ids = {live.id for live in lives}
        found = self._api.http.those(self._path, ids, params, only_first_page=most is not None)
        return {str(item["id"]): self._seen(self._read(item)) for item in found}

    def _seen(self, found: LiveResource) -> LiveResource:
        """How it is, by what is known of it besides."""
        return found

    def find(self, desired: Resource, known: frozenset[str]) -> LiveResource | None:
        params = {"configurationId": desired.spec["configuration"]}
        items = [i for i in self._api.http.pages(self._path, params) if i["id"] not in known]
        found = [self._read(self._identified(item)) for item in items]
        fresh = [
            run
            for run in found
            # Asked again here: a server that ignores the filter must not hand us a stranger.
            if run.spec["configuration"] == desired.spec["configuration"]
            if run.status.raw != "DELETING"
        ]
        # A create that was sent twice may have made two: the newer one is followed, and the plan
        # after this shows the other.
        newest = max(fresh, key=lambda run: run.created_at, default=None)
        if newest:
            self._register.enter(desired, newest.id)
        return newest

    def complete(
        self,
        documents: Iterable[Document],
        configurations: Iterable[LiveResource],
        needs: Callable[[Document], Iterable[str]],
        pool: Executor,
    ) -> list[Document]:
        """The runs of a list by what their configurations say, at hand or asked for: what the list
        tells of them besides may be left out. ``needs``: what else has to be told of one."""
        known: dict[str, LiveResource] = {item.id: item for item in configurations}
        found = pool.map(partial(self._completed, needs=needs, known=known), documents)
        return list(found)

    def _completed(
        self,
        item: Document,
        needs: Callable[[Document], Iterable[str]],
        known: dict[str, LiveResource],
    ) -> Document:
        item = self._identified(item)
        used = str(item["configurationId"])
        if used not in known and not all(item.get(name) for name in NAMES.values()):
            known[used] = convert.configuration(self._api.get(f"/lm/configurations/{used}"))
        if used in known:
            spec = known[used].spec
            told = {theirs: spec[ours] for ours, theirs in NAMES.items() if spec[ours]}
            item = {**item, **told}
        # Some gateways and older versions leave fields out of lists; the thing itself has them all.
        wanted = [*needs(item), "status"]
        return self._api.completed(item, f"{self._path}/{item['id']}", wanted)

    def _identified(self, item: Document) -> Document:
        """The run with its configuration, which is who it is. Raises ConnectionFailed where nobody
        tells it."""
        found = self._api.completed(item, f"{self._path}/{item['id']}", ("configurationId",))
        if "configurationId" not in found:
            raise ConnectionFailed(
                f"{self._path}/{item['id']} does not tell its configurationId",
                hint="without it nobody knows what it runs",
            )
        return found

    def stop(self, live: LiveResource) -> None:
        """Ask it to stop; one that has stopped, ended or gone already is fine."""
        try:
            single = partial(self._client.modify, live.id, target_status=TargetStatus.STOPPED)
            self._bulk.change(live.id, "STOPPED", single)
        except ASIDE:
            raise
        except PlatformError:
            document = self._api.get_or_none(f"{self._path}/{live.id}")
            status = None if document is None else self._read(document).status
            # AI Core refuses to stop what stops already, or has ended, and names no code for it in
            # its API document: so it is the state that decides whether the refusal matters.
            if status and not status.has_ended and status.state is not State.STOPPING:
                raise

    def delete(self, live: LiveResource) -> None:
        """Ask for its deletion; one whose deletion is under way already is fine."""
        try:
            self._bulk.change(live.id, "DELETED", partial(self._client.delete, live.id))
        except ASIDE:
            raise
        except PlatformError:
            document = self._api.get_or_none(f"{self._path}/{live.id}")
            # A second delete is refused too while the first one is under way.
            if document is not None and not statuses.is_going(document):
                raise
        self._register.leave(live.key.kind, live.id)


class Executions(Runs):
    """``execution/<key>``."""

    def __init__(self, api: Api, register: Register) -> None:
        super().__init__(api, register, "/lm/executions", api.executions, convert.execution)

    def create(self, desired: Resource) -> LiveResource:
        answer = self._client.create(desired.spec["configuration"])
        name = desired.spec.get("configuration_name") or answer.id
        self._register.enter(desired, answer.id)
        return made(desired, answer.id, name, statuses.status_of(answer.status.value))

    def update(self, live: LiveResource, desired: Resource) -> LiveResource:
        raise PlatformError(f"{live.key} can never be changed", hint="it is run anew")

    def tag(self, live: LiveResource, tags: Mapping[str, str]) -> None:
        """Write tags through the metrics API."""
        named = [NameValue(name, value) for name, value in sorted(tracking.in_parts(tags).items())]
        self._api.metrics.set_tags(named, execution_id=live.id)

    def metrics(self, live: LiveResource) -> dict[str, float]:
        """Metric name -> last value."""
        return tracking.last_metrics(self._api.tracked([live.id]).get(live.id, {}))


class Deployments(Runs):
    """``deployment/<key>``. Remembers what each update asked for: the configuration, all that it
    may have had before, and when that was."""

    def __init__(
        self, api: Api, register: Register, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(api, register, "/lm/deployments", api.deployments, convert.deployment)
        self._clock = clock
        self._asked: dict[str, tuple[str, frozenset[str], float]] = {}

    def _seen(self, found: LiveResource) -> LiveResource:
        """Not RUNNING while it still runs what the last update was to replace. With a configuration
        that is neither of the two it is shown as it is: that is another's update."""
        asked, before, since = self._asked.get(found.id, ("", frozenset(), 0.0))
        shown = found.spec["configuration"]
        is_old = asked and shown != asked and (not before or shown in before)
        if is_old and found.status.state is State.RUNNING and self._clock() - since < SETTLE:
            # The change is taken up a moment after it was accepted; until then the status is old.
            waits = Status(State.PENDING, "PENDING", "the update has not begun yet")
            return changed(found, Resource(found.key, found.spec), waits)
        return found

    def create(self, desired: Resource) -> LiveResource:
        answer = self._client.create(desired.spec["configuration"], ttl=desired.spec.get("ttl"))
        name = desired.spec.get("configuration_name") or answer.id
        outputs = {"url": answer.deployment_url} if answer.deployment_url else None
        self._register.enter(desired, answer.id)
        return made(desired, answer.id, name, statuses.status_of(answer.status.value), outputs)

    def update(self, live: LiveResource, desired: Resource) -> LiveResource:
        """Swap its configuration. Raises Conflict while the platform refuses that (UNKNOWN)."""
        wanted = desired.spec["configuration"]
        try:
            self._client.modify(live.id, configuration_id=wanted)
        except ASIDE:
            raise
        except PlatformError:
            # The configuration in use is refused too, as when an update is sent a second time.
            if self._api.get(f"{self._path}/{live.id}").get("configurationId") != wanted:
                raise
        # Two updates may follow each other quickly, as in a rollback: all that was there before any
        # of them may still show.
        last, before, _ = self._asked.get(live.id, ("", frozenset(), 0.0))
        known = {last, str(live.spec.get("configuration", ""))} - {""}
        self._asked[live.id] = (wanted, before | known, self._clock())
        self._register.enter(desired, live.id)
        return changed(live, desired, statuses.status_of("PENDING"))


def batches(ids: list[str]) -> list[list[str]]:
    """The ids in portions that one metrics request takes."""
    return [ids[start : start + METRIC_BATCH] for start in range(0, len(ids), METRIC_BATCH)]
