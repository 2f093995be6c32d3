"""A platform that gets texts of the environment in clear and never tells them in clear.

Everything that goes in has its Hidden texts opened, at the last moment. In everything that is read
a text is Hidden that stands where the stage puts one from the environment, whatever it is now, or
whose name says that it is a secret.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from cicd.errors import Problem
from cicd.masking import is_secret_name
from cicd.model import Hidden, Kind, LiveResource, LogEntry, Needs, Resource, Track, opened
from cicd.platforms.base import Answer, Finding, Lock, LogPage, Platform

T = TypeVar("T", Resource, LiveResource)

Position = tuple[str, ...]
"""Kind and field, with the entry where the field is a map, else with the name of the resource."""


class Hiding:
    """Another platform, as a Platform."""

    def __init__(self, platform: Platform, desired: Iterable[Resource]) -> None:
        self._platform = platform
        self._hidden = frozenset(at for wish in desired for at in _positions(wish))
        self.name: str = platform.name
        self.kinds: Mapping[str, Kind] = platform.kinds

    def complete(self, desired: Sequence[Resource]) -> list[Resource]:
        return self._platform.complete(desired)

    def read(self, desired: Sequence[Resource], *, everything: bool = False) -> list[LiveResource]:
        found = self._platform.read([_opened(wish) for wish in desired], everything=everything)
        return [self._hide(live) for live in found]

    def review(
        self, desired: Sequence[Resource], live: Sequence[LiveResource]
    ) -> tuple[list[Problem], list[LiveResource]]:
        problems, found = self._platform.review(
            [_opened(wish) for wish in desired], [_opened(item) for item in live]
        )
        return problems, [self._hide(item) for item in found]

    def browse(self, kind: str) -> Sequence[LiveResource]:
        return [self._hide(live) for live in self._platform.browse(kind)]

    def get(self, live: LiveResource) -> LiveResource:
        return self._hide(self._platform.get(_opened(live)))

    def find(self, desired: Resource, known: frozenset[str]) -> LiveResource | None:
        found = self._platform.find(_opened(desired), known)
        return self._hide(found) if found else None

    def create(self, desired: Resource) -> LiveResource:
        return self._hide(self._platform.create(_opened(desired)))

    def update(self, live: LiveResource, desired: Resource) -> LiveResource:
        return self._hide(self._platform.update(_opened(live), _opened(desired)))

    def stop(self, live: LiveResource) -> None:
        self._platform.stop(_opened(live))

    def delete(self, live: LiveResource) -> None:
        self._platform.delete(_opened(live))

    def tag(self, live: LiveResource, tags: Mapping[str, str]) -> None:
        self._platform.tag(_opened(live), tags)

    def metrics(self, live: LiveResource) -> Mapping[str, float]:
        return self._platform.metrics(_opened(live))

    def track(self, live: Sequence[LiveResource]) -> Mapping[str, Track]:
        return self._platform.track(live)

    def logs(self, live: LiveResource, cursor: str = "", *, since: int | None = None) -> LogPage:
        return self._platform.logs(live, cursor, since=since)

    def tail(self, live: LiveResource, count: int) -> Sequence[LogEntry]:
        return self._platform.tail(live, count)

    def explain(self, live: LiveResource, needs: Needs) -> Iterator[Finding]:
        return self._platform.explain(_opened(live), needs)

    def invoke(
        self,
        live: LiveResource,
        method: str,
        path: str,
        *,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = 30.0,
    ) -> Answer:
        send = self._platform.invoke
        return send(_opened(live), method, path, json=json, headers=headers, timeout=timeout)

    def now(self) -> int:
        return self._platform.now()

    def link(self, live: LiveResource) -> str | None:
        return self._platform.link(live)

    def lock(self, name: str) -> Lock | None:
        return self._platform.lock(name)

    def remember(self, name: str, text: str) -> None:
        self._platform.remember(name, text)

    def recall(self, name: str) -> str:
        return self._platform.recall(name)

    def diagnose(self) -> Iterator[Finding]:
        return self._platform.diagnose()

    def close(self) -> None:
        self._platform.close()

    def _hide(self, live: LiveResource) -> LiveResource:
        spec = {name: self._hide_field(live, name, value) for name, value in live.spec.items()}
        return replace(live, spec=spec)

    def _hide_field(self, live: LiveResource, name: str, value: Any) -> Any:
        kind = live.key.kind
        if isinstance(value, str):
            is_hidden = (kind, name, str(live.spec.get("name", ""))) in self._hidden
            return Hidden(value) if is_hidden else value
        if not isinstance(value, Mapping):
            return value
        return {
            entry: Hidden(text)
            if isinstance(text, str) and self._is_hidden(kind, name, str(entry))
            else text
            for entry, text in value.items()
        }

    def _is_hidden(self, kind: str, name: str, entry: str) -> bool:
        """Labels are no place for secrets, whatever they are called."""
        is_named_so = name != "labels" and is_secret_name(entry)
        return is_named_so or (kind, name, entry) in self._hidden


def _positions(wish: Resource) -> Iterator[Position]:
    """Where a resource has a text of the environment."""
    for name, value in wish.spec.items():
        if isinstance(value, Hidden):
            yield wish.key.kind, name, str(wish.spec.get("name", ""))
        elif isinstance(value, Mapping):
            hidden = (entry for entry, text in value.items() if isinstance(text, Hidden))
            yield from ((wish.key.kind, name, entry) for entry in hidden)


def _opened(resource: T) -> T:
    return replace(resource, spec=opened(resource.spec))
