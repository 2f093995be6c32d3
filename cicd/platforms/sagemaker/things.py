"""Things as they are read: found by the beginnings of their names, described, and told in the
vocabulary of planning."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from cicd.errors import Denied, NotFound
from cicd.model import Key, LiveResource, MetricPoint, Resource, Spec, State, Status
from cicd.platforms.base import fields_of
from cicd.platforms.sagemaker import (
    endpoint_configs,
    endpoints,
    models,
    processing,
    training,
    transforming,
)
from cicd.platforms.sagemaker.api import Api
from cicd.platforms.sagemaker.dialect.naming import Names
from cicd.platforms.sagemaker.dialect.schema import NAME
from cicd.platforms.sagemaker.nouns import NOUNS, Noun
from cicd.platforms.sagemaker.records import Records
from cicd.platforms.sagemaker.statuses import status_of
from cicd.threads import together

READERS = 8
OLDER = 10
"""So many versions of one thing are looked at, the newest."""
RUNS: Mapping[str, Callable[[Mapping[str, Any]], dict[str, str]]] = {
    "training_job": training.outputs_of,
    "processing_job": processing.outputs_of,
    "transform_job": transforming.outputs_of,
}
"""What runs, with what each has made."""
SPECS: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "training_job": training.spec_of,
    "processing_job": processing.spec_of,
    "transform_job": transforming.spec_of,
    "model": models.spec_of,
    "endpoint_config": endpoint_configs.spec_of,
    "endpoint": endpoints.spec_of,
}
MOST_KEPT = 5000


class Things:
    """The things of one stage. ``keys``: kind and part of a name -> the key that it stands for;
    ``owner``: what the stage is called where several meet."""

    def __init__(
        self,
        api: Api,
        names: Names,
        records: Records,
        keys: Mapping[tuple[str, str], str],
        owner: str,
        runtime: str,
    ) -> None:
        self._api = api
        self._names = names
        self._records = records
        self._keys = keys
        self._owner = owner
        self._runtime = runtime
        self._lock = threading.Lock()
        self._reasons: dict[str, tuple[str, str]] = {}
        self._described: dict[tuple[str, str], tuple[str, dict[str, Any]]] = {}

    @property
    def region(self) -> str:
        """Where all of them are."""
        return self._api.region

    def of(self, kind: str, wishes: Sequence[Resource]) -> list[LiveResource]:
        """Those that wishes of one kind may be, whole; newest last."""
        noun = NOUNS[kind]
        if kind == "endpoint":
            return self._by_name(noun, [str(wish.spec["name"]) for wish in wishes])
        found = self._ours(noun, wishes)
        known = {live.key.name for live in found}
        others = [wish for wish in wishes if wish.key.name not in known and self._may_be(wish)]
        theirs = (self._somebodys(noun, wish.key.name) for wish in others)
        return [*(live for live in theirs if live), *found]

    def _somebodys(self, noun: Noun, name: str) -> LiveResource | None:
        """What somebody else has made by that name; none where this login may not look."""
        try:
            return self.find(noun, name)
        except Denied:
            return None

    def _may_be(self, wish: Resource) -> bool:
        """Whether what somebody else has made, and named just like a key, may be meant: content
        counts, of whomever it is; a run only where the stage starts none of its own."""
        name = wish.key.name
        is_name = re.fullmatch(NAME, name) and not self._is_ours(name)
        return bool(is_name) and (wish.key.kind not in RUNS or wish.options.rerun == "never")

    def _ours(self, noun: Noun, wishes: Sequence[Resource]) -> list[LiveResource]:
        begins = {self._names.begin(wish.key.name) for wish in wishes}
        contains = begins.copy().pop() if len(begins) == 1 else self._names.prefix
        found: dict[str, list[dict[str, Any]]] = {begin: [] for begin in begins}
        for item in self._api.listed(noun, contains):
            name = str(item[noun.name])
            part = self._names.part_of(name)
            begin = f"{self._names.prefix}{part}--"
            if begin in found and name.startswith(begin) and len(found[begin]) < OLDER:
                found[begin].append(item)
        return self._whole(noun, [item for items in found.values() for item in items])

    def all(self, kind: str, services: Iterable[str]) -> list[LiveResource]:
        """All of the stage, whole; newest last. ``services``: the names of those in its file."""
        noun = NOUNS[kind]
        if kind == "endpoint":
            return self._owned(noun, services)
        listed = self._api.listed(noun, self._names.prefix)
        return self._whole(noun, [item for item in listed if self._is_ours(str(item[noun.name]))])

    def listed(self, kind: str) -> list[LiveResource]:
        """All of the account, as far as its list tells; newest last."""
        noun = NOUNS[kind]
        found = [self._live(noun, item, {}) for item in self._api.listed(noun)]
        return sorted(found, key=lambda live: (live.created_at, live.id))

    def get(self, live: LiveResource) -> LiveResource:
        """It as it is now. Raises NotFound."""
        noun = NOUNS[live.key.kind]
        return self.whole(noun, self._api.describe(noun, live.id))

    def find(self, noun: Noun, name: str) -> LiveResource | None:
        """The one of that name, whole."""
        try:
            return self.whole(noun, self._api.describe(noun, name))
        except NotFound:
            return None

    def newest_run(self, noun: Noun, wish: Resource, known: frozenset[str]) -> LiveResource | None:
        """The newest run that takes in the same and is not known yet."""
        begin = self._names.with_inputs(wish.key.name, str(wish.spec.get("inputs", "")))
        for item in self._api.listed(noun, begin):
            name = str(item[noun.name])
            if name.startswith(begin) and name not in known:
                return self.find(noun, name)
        return None

    def whole(self, noun: Noun, told: Mapping[str, Any]) -> LiveResource:
        """A thing from its description."""
        more = SPECS[noun.kind](told)
        name = str(told[noun.name])
        if noun.kind in RUNS and self._is_ours(name):
            more |= fields_of(self._records.of(name))
        return self._live(noun, told, more)

    def config(self, name: str) -> Spec | None:
        """What is in the endpoint configuration of that name; None where there is none."""
        noun = NOUNS["endpoint_config"]
        try:
            return endpoint_configs.spec_of(self._told(noun, name) or self._look(noun, name))
        except NotFound:
            return None

    def know_reason(self, endpoint: str, reason: str, goal: str) -> None:
        """Why an endpoint has failed before: AWS goes on telling that after a success, which is
        that it has the configuration that is its ``goal``."""
        self._reasons[endpoint] = reason, goal

    def _promised(self, config: str) -> dict[str, Any]:
        """What an endpoint without variants yet tells once it is up, by its configuration."""
        spec = self.config(config)
        if spec is None:
            return {}
        is_serverless = any("serverless" in one for one in spec["variants"].values())
        return {"weights": spec["weights"], "serverless": is_serverless}

    def _whole(self, noun: Noun, items: Iterable[Mapping[str, Any]]) -> list[LiveResource]:
        with together(READERS) as pool:
            found = [*pool.map(partial(self.whole, noun), self.described(noun, items))]
        return sorted(found, key=lambda live: (live.created_at, live.id))

    def described(self, noun: Noun, items: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        """The descriptions of items of a list, of those that are still there."""

        def look(item: Mapping[str, Any]) -> Mapping[str, Any] | None:
            try:
                return self._description(noun, item)
            except NotFound:  # deleted since it was listed
                return None

        with together(READERS) as pool:
            return [told for told in pool.map(look, list(items)) if told]

    def _description(self, noun: Noun, item: Mapping[str, Any]) -> dict[str, Any]:
        """The description of an item of a list; of what never changes, or has not changed since, as
        it was told before."""
        name, changed = str(item[noun.name]), _changed_at(item)
        known = self._told(noun, name, changed) if changed else None
        return known or self._look(noun, name, changed)

    def _told(self, noun: Noun, name: str, changed: str = "") -> dict[str, Any] | None:
        """As it was told before; None for never, or not since it has ``changed``."""
        with self._lock:
            known = self._described.get((noun.kind, name))
        return known[1] if known and changed in ("", known[0]) else None

    def _look(self, noun: Noun, name: str, changed: str = "") -> dict[str, Any]:
        told = self._api.describe(noun, name)
        with self._lock:
            if len(self._described) >= MOST_KEPT:
                self._described.clear()
            self._described[noun.kind, name] = changed or _changed_at(told), told
        return told

    def _owned(self, noun: Noun, services: Iterable[str]) -> list[LiveResource]:
        """The services that the stage names, and those whose tags name the stage: their own names
        need not. Those of others that have a configuration of the stage come along: it must stay as
        long as they have it."""
        tag = {"Name": "Tags.cicd:stage", "Operator": "Equals", "Value": self._owner}
        config = {"Name": "EndpointConfigName", "Operator": "Contains", "Value": self._names.prefix}
        asked = {"Operator": "Or", "Filters": [tag, config]}
        ours, all = {*services}, dict.fromkeys(services)
        for page in self._api.pages(
            "sagemaker", "search", Resource=noun.word, SearchExpression=asked
        ):
            for told in (one[noun.word] for one in page["Results"]):
                name = str(told[noun.name])
                all[name] = None
                tags = {one["Key"]: one["Value"] for one in told.get("Tags") or ()}
                ours |= {name} if tags.get("cicd:stage") == self._owner else set()
        found = self._by_name(noun, [*all])
        return [live if live.id in ours else replace(live, owner="") for live in found]

    def _by_name(self, noun: Noun, names: Sequence[str]) -> list[LiveResource]:
        with together(READERS) as pool:
            found = [live for live in pool.map(partial(self._service, noun), names) if live]
        return sorted(found, key=lambda live: (live.created_at, live.id))

    def _service(self, noun: Noun, name: str) -> LiveResource | None:
        """The service of that name, with what it tells once it is up where it was never up."""
        live = self.find(noun, name)
        if live is None or "weights" in live.spec:
            return live
        return replace(live, spec={**live.spec, **self._promised(str(live.spec["config"]))})

    def _is_ours(self, name: str) -> bool:
        return bool(self._names.part_of(name))

    def _live(self, noun: Noun, told: Mapping[str, Any], more: Mapping[str, Any]) -> LiveResource:
        id = str(told[noun.name])
        part = self._names.part_of(id)
        name = self._keys.get((noun.kind, part), part) if part else id
        is_ours = bool(part)
        if noun.kind == "endpoint":
            name = id
            is_ours = self._is_ours(str(more.get("config", "")))
        status = status_of(noun.kind, told)
        now = status.message, str(more.get("config", ""))
        if status.state is State.RUNNING and now == self._reasons.get(id):
            status = replace(status, message="")
        return LiveResource(
            Key(noun.kind, name),
            id,
            {"name": name, **more},
            status,
            self._outputs(noun, told, status),
            metrics_of(told),
            created_at=stamp(told.get("CreationTime")),
            owner=self._owner if is_ours else "",
            facts=facts_of(noun, told),
        )

    def _outputs(self, noun: Noun, told: Mapping[str, Any], status: Status) -> dict[str, str]:
        found = {"id": str(told[noun.name])}
        if noun.kind == "endpoint":
            found["url"] = f"{self._runtime}/endpoints/{found['id']}/invocations"
        is_whole = "RoleArn" in told or "ModelName" in told
        if noun.kind in RUNS and is_whole and status.state is State.SUCCEEDED:
            found |= RUNS[noun.kind](told)
        return found


def _changed_at(told: Mapping[str, Any]) -> str:
    """When something has changed last, by its description or by that of a list."""
    return str(told.get("LastModifiedTime") or told.get("CreationTime") or "")


def without_others(found: Sequence[LiveResource], services: Collection[str]) -> list[LiveResource]:
    """Where a stage takes away all that it does not name: without the endpoints of others, and
    without what those have of the stage's. ``services``: those that it names."""
    others = [
        live
        for live in found
        if live.key.kind == "endpoint" and not live.owner and live.id not in services
    ]
    held = {live.spec.get(name) for live in others for name in ("config", "pending")}
    for live in found:
        if live.key.kind == "endpoint_config" and live.id in held:
            held |= {*live.spec["models"].values()}
    return [live for live in found if live not in others and live.id not in held]


def metrics_of(told: Mapping[str, Any]) -> dict[str, float]:
    """The last value of each metric of a job."""
    return {
        str(one["MetricName"]): float(one["Value"]) for one in told.get("FinalMetricDataList") or ()
    }


def points_of(told: Mapping[str, Any]) -> tuple[MetricPoint, ...]:
    """The same with their times."""
    return tuple(
        MetricPoint(str(one["MetricName"]), float(one["Value"]), time=_nanoseconds(one))
        for one in told.get("FinalMetricDataList") or ()
    )


def _nanoseconds(one: Mapping[str, Any]) -> int:
    time = one.get("Timestamp")
    return round(time.timestamp() * 1000) * 10**6 if isinstance(time, datetime) else 0


def facts_of(noun: Noun, told: Mapping[str, Any]) -> dict[str, str]:
    """What a person wants to know of it beside."""
    kinds = ("Training", "Processing", "Transform")
    times = {"started_at": "StartTime", "completed_at": "EndTime"}
    arn = {"arn": str(told[noun.arn])} if noun.arn in told else {}
    return arn | {
        name: stamp(told[f"{kind}{word}"])
        for name, word in times.items()
        for kind in kinds
        if f"{kind}{word}" in told
    }


def stamp(time: Any) -> str:
    """A time as everybody writes it here; empty for none."""
    if not isinstance(time, datetime):
        return ""
    return time.astimezone(UTC).isoformat(timespec="microseconds")
