"""What is known to be there and no list shows yet, looked up by its id.

Lists lag behind by seconds. A plan that believed them would make again what the apply before it has
made: a run, a deployment, and the artifact and the configuration that they take. Ids are known from
the register, from the stage file, and from destinations, whose URL names the deployment.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from functools import partial
from itertools import chain
from typing import Any

from cicd.model import LiveResource, Ref, Resource
from cicd.platforms.aicore import convert, statuses
from cicd.platforms.aicore.api import Api
from cicd.platforms.aicore.convert import Document
from cicd.platforms.aicore.register import Register

PATHS = {
    "execution": "/lm/executions",
    "deployment": "/lm/deployments",
    "schedule": "/lm/executionSchedules",
}
SERVED = "/inference/deployments/"
"""What stands before the id in the URL of a deployment."""
LAG = 30.0
"""Seconds in which what was just made may not even be found by its id; after that it is gone."""
PAUSE = 2.0

CONFIGURATIONS, ARTIFACTS = "live configurations", "live artifacts"
READERS = {"configuration": convert.configuration, "artifact": convert.artifact}
ID = re.compile(r"\w[\w-]*")
"""What an id looks like: in labels and URLs people may have written anything."""

Lists = Mapping[str, Any]


class Unlisted:
    """Completes the lists that planning reads."""

    def __init__(self, api: Api, register: Register) -> None:
        self._api = api
        self._register = register

    def found(
        self, lists: Lists, desired: Sequence[Resource], pool: Executor
    ) -> dict[str, list[Any]]:
        """The lists that lack something that is there, with it."""
        kinds = [kind for kind in PATHS if f"{kind}s" in lists]
        known = self._known(lists, desired) if kinds else {}
        added: dict[str, list[Document]] = {}
        for kind in kinds:
            listed = {str(item["id"]) for item in lists[f"{kind}s"]}
            missing = {id: known[of, id] for of, id in known if of == kind and id not in listed}
            looks = pool.map(partial(self._look, kind), missing, missing.values())
            added[kind] = [item for item in looks if item and not statuses.is_going(item)]
        fuller = {f"{kind}s": [*lists[f"{kind}s"], *added[kind]] for kind in added if added[kind]}
        return {**fuller, **self._content(lists, desired, added)}

    def _known(self, lists: Lists, desired: Sequence[Resource]) -> dict[tuple[str, str], float]:
        """Kind and id -> for how many seconds more it may not be found although it is there."""
        known = dict.fromkeys(_pinned(desired), 0.0)
        known |= dict.fromkeys(self._served(lists, desired), 0.0)
        for entry in self._register.own():
            # The platform's clock may be behind the one that wrote the entry, by which it would
            # come from the future.
            left = LAG - max(0.0, self._register.age(entry))
            known[entry.key.partition("/")[0], entry.id] = max(0.0, left)
        return {name: known[name] for name in known if ID.fullmatch(name[1])}

    def _served(self, lists: Lists, desired: Sequence[Resource]) -> Iterator[tuple[str, str]]:
        """The deployments of this platform that destinations point at which are to point at one."""
        pointers = {
            wish.spec.get("name")
            for wish in desired
            if wish.key.kind == "destination" and isinstance(wish.spec.get("url"), Ref)
        }
        begin = self._api.http.base_url + SERVED
        for name in lists:
            for live in lists[name] if name.startswith("live destinations ") else ():
                url = str(live.spec.get("url") or "")
                id = url.removeprefix(begin).partition("/")[0]
                if live.spec.get("name") in pointers and url.startswith(begin) and id:
                    yield "deployment", id

    def _look(self, kind: str, id: str, patience: float) -> Document | None:
        """The thing itself; None where it is gone."""
        while True:
            found = self._api.get_or_none(f"{PATHS[kind]}/{id}")
            if found is not None or patience <= 0:
                return found
            self._api.http.sleep(PAUSE)
            patience -= PAUSE

    def _content(
        self, lists: Lists, desired: Sequence[Resource], added: Mapping[str, Sequence[Document]]
    ) -> dict[str, list[LiveResource]]:
        """The lists of configurations and artifacts with those that runs have: of what no list
        shows, and of what may be a desired one."""
        names = {wish.spec.get("configuration_name") for wish in desired}
        runs = [*chain.from_iterable(added.values())]
        for kind in added:
            runs += [item for item in lists[f"{kind}s"] if item.get("configurationName") in names]
        used = {str(item["configurationId"]) for item in runs if item.get("configurationId")}
        configurations = self._completed(lists, "configuration", used)
        listed: Sequence[LiveResource] = lists.get(ARTIFACTS, ())
        wishes = [wish for wish in desired if wish.key.kind == "artifact"]
        # All artifacts are there: then nothing is gained by asking for those that runs name.
        if all(any(convert.has_content(item, wish) for item in listed) for wish in wishes):
            return {CONFIGURATIONS: configurations} if CONFIGURATIONS in lists else {}
        bound = {
            artifact
            for item in configurations
            if item.id in used
            for artifact in item.spec["input_artifact_bindings"].values()
        }
        artifacts = self._completed(lists, "artifact", bound)
        fuller = {CONFIGURATIONS: configurations, ARTIFACTS: artifacts}
        return {name: fuller[name] for name in fuller if name in lists}

    def _completed(self, lists: Lists, kind: str, ids: Collection[str]) -> list[LiveResource]:
        """The list of that kind with what has these ids and is not in it."""
        listed: Sequence[LiveResource] = lists.get(f"live {kind}s", ())
        missing = sorted(set(ids) - {item.id for item in listed})
        looks = (self._api.get_or_none(f"/lm/{kind}s/{id}") for id in missing)
        return [*listed, *(READERS[kind](document) for document in looks if document)]


def _pinned(desired: Iterable[Resource]) -> Iterator[tuple[str, str]]:
    """What the stage file names by its id."""
    for wish in desired:
        if wish.options.existing_id and wish.key.kind in PATHS:
            yield wish.key.kind, wish.options.existing_id
