"""A platform that gets texts of the environment in clear and never tells them in clear.

Everything that goes in has its Hidden texts opened, at the last moment. In everything that is read
a text is Hidden that stands where the stage puts one from the environment, or once did, whatever
it is now, or whose name says that it is a secret. Where that once was is kept on the platform: what
has been sent stays there when the stage file says something else.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from cicd.errors import PlatformError, Problem
from cicd.masking import is_secret_name
from cicd.model import (
    Approval,
    Count,
    Hidden,
    Key,
    Kind,
    LiveResource,
    LogEntry,
    Resource,
    Track,
    opened,
)
from cicd.platforms.base import NO_MARKS, Answer, Finding, Lock, LogPage, Platform, Request

T = TypeVar("T", Resource, LiveResource)

Position = tuple[str, ...]
"""Kind and field, with the entry where the field is a map, else with the name of the resource."""
REMEMBERED = "hidden"
"""The name under which positions are kept."""
DIGITS = 12
"""Hexadecimal digits of a position that is kept: names are long, and what is kept is short."""


class Hiding:
    """Another platform, as a Platform."""

    def __init__(self, platform: Platform, desired: Iterable[Resource]) -> None:
        self._platform = platform
        self._hidden = frozenset(_digest(at) for wish in desired for at in _positions(wish))
        self._former: tuple[str, ...] | None = None
        self._lock = threading.Lock()
        self.name: str = platform.name
        self.kinds: Mapping[str, Kind] = platform.kinds

    def complete(self, desired: Sequence[Resource]) -> list[Resource]:
        return self._platform.complete(desired)

    def read(self, desired: Sequence[Resource], *, everything: bool = False) -> list[LiveResource]:
        found = self._platform.read([_opened(wish) for wish in desired], everything=everything)
        return self._hide_all(found)

    def review(
        self, desired: Sequence[Resource], live: Sequence[LiveResource]
    ) -> tuple[list[Problem], list[LiveResource]]:
        told = [_opened(item) for item in live]
        problems, found = self._platform.review([_opened(wish) for wish in desired], told)
        # what comes back as it went is hidden already, as far as it has to be
        before = {id(item): shown for item, shown in zip(told, live, strict=True)}
        return problems, [before.get(id(item)) or self._hide(item) for item in found]

    def browse(self, kind: str) -> Sequence[LiveResource]:
        return self._hide_all(self._platform.browse(kind))

    def listed(
        self, lives: Sequence[LiveResource], *, most: int | None = None
    ) -> Mapping[str, LiveResource]:
        found = self._platform.listed(lives, most=most)
        return {live.id: live for live in self._hide_all(found.values())}

    def get(self, live: LiveResource) -> LiveResource:
        return self._hide(self._platform.get(_opened(live)))

    def find(self, desired: Resource, known: frozenset[str]) -> LiveResource | None:
        found = self._platform.find(_opened(desired), known)
        return self._hide(found) if found else None

    def create(
        self, desired: Resource, token: str = "", marks: Mapping[str, str] = NO_MARKS
    ) -> LiveResource:
        self._remember_positions(desired)
        live = self._platform.create(_opened(desired), token, marks)
        self._remember_positions(desired)  # it may be the place in which things are kept
        return self._hide(live)

    def update(self, live: LiveResource, desired: Resource) -> LiveResource:
        self._remember_positions(desired)
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

    def progress(self, live: LiveResource) -> Sequence[Count]:
        return self._platform.progress(live)

    def logs(self, live: LiveResource, cursor: str = "", *, since: int | None = None) -> LogPage:
        return self._platform.logs(live, cursor, since=since)

    def streams(self, live: LiveResource) -> Sequence[str]:
        return self._platform.streams(live)

    def stream(
        self, live: LiveResource, name: str, cursor: str = "", *, since: int | None = None
    ) -> LogPage:
        return self._platform.stream(live, name, cursor, since=since)

    def tail(self, live: LiveResource, count: int) -> Sequence[LogEntry]:
        return self._platform.tail(live, count)

    def explain(self, live: LiveResource, needs: Any) -> Iterator[Finding]:
        return self._platform.explain(_opened(live), needs)

    def invoke(self, live: LiveResource, request: Request, *, timeout: float = 30.0) -> Answer:
        return self._platform.invoke(_opened(live), request, timeout=timeout)

    def fetch(self, live: LiveResource, output: str, folder: Path) -> list[Path] | None:
        return self._platform.fetch(_opened(live), output, folder)

    def listen(self, hear: Callable[[Key, int, int], None]) -> None:
        self._platform.listen(hear)

    def holds(self, live: LiveResource, output: str, folder: Path) -> bool:
        return self._platform.holds(_opened(live), output, folder)

    def approval_of(self, live: LiveResource) -> Approval:
        return self._platform.approval_of(_opened(live))

    def decide(self, live: LiveResource, verdict: str, reason: str, fingerprint: str) -> None:
        self._platform.decide(_opened(live), verdict, reason, fingerprint)

    def size_of(self, url: str) -> int:
        return self._platform.size_of(url)

    def survey(
        self,
        selector: Mapping[str, str],
        unseen: Callable[[str, PlatformError], None] = lambda kind, error: None,
        *,
        select: Collection[str] = (),
    ) -> list[LiveResource]:
        part = {"select": select} if select else {}
        return self._hide_all(self._platform.survey(selector, unseen, **part))

    def now(self) -> int:
        return self._platform.now()

    def link(self, live: LiveResource) -> str | None:
        return self._platform.link(live)

    def lock(self, name: str) -> Lock | None:
        return self._platform.lock(name)

    def kept_marks(self, live: Sequence[LiveResource]) -> Mapping[str, Mapping[str, str]]:
        return self._platform.kept_marks(live)

    def remember(self, name: str, text: str) -> None:
        self._platform.remember(name, text)

    def recall(self, name: str, *, fresh: bool = True) -> str:
        return self._platform.recall(name, fresh=fresh)

    def diagnose(self) -> Iterator[Finding]:
        return self._platform.diagnose()

    def close(self) -> None:
        self._platform.close()

    def _remember_positions(self, desired: Resource) -> None:
        """Keep where the stage has texts of the environment, before one of them is sent; tried
        again with the next where it could not be kept."""
        if not any(_positions(desired)):
            return
        with self._lock:
            former = self._recalled()
            if self._hidden <= set(former):
                return
            latest = dict.fromkeys([*sorted(self._hidden), *former])
            self._platform.remember(REMEMBERED, "".join(latest))
            self._former = None

    def _recalled(self) -> tuple[str, ...]:
        """The positions that are kept, the latest first; asked for once."""
        if self._former is None:
            text = self._platform.recall(REMEMBERED, fresh=False)
            ends = range(DIGITS, len(text) + 1, DIGITS)  # the last one may be cut off
            self._former = tuple(text[end - DIGITS : end] for end in ends)
        return self._former

    def _hide(self, live: LiveResource) -> LiveResource:
        return self._hide_all([live])[0]

    def _hide_all(self, lives: Iterable[LiveResource]) -> list[LiveResource]:
        with self._lock:
            hidden = self._hidden.union(self._recalled())
        return [_hidden_of(live, hidden) for live in lives]


def _hidden_of(live: LiveResource, hidden: frozenset[str]) -> LiveResource:
    """The same one, and not a copy of it, where nothing of it is hidden: lists are long."""
    changed = {}
    for name, value in live.spec.items():
        if hidden or type(value) is not str:
            shown = _hidden_in(live, name, value, hidden)
            if shown is not value:
                changed[name] = shown
    return replace(live, spec={**live.spec, **changed}) if changed else live


def _hidden_in(live: LiveResource, name: str, value: Any, hidden: frozenset[str]) -> Any:
    kind = live.key.kind
    if isinstance(value, str):
        at = (kind, name, str(live.spec.get("name", "")))
        return Hidden(value) if hidden and _digest(at) in hidden else value
    if type(value) is not dict and not isinstance(value, Mapping):
        return value
    secret = {
        entry: Hidden(text)
        for entry, text in value.items()
        if isinstance(text, str) and _is_hidden((kind, name, str(entry)), hidden)
    }
    return {**value, **secret} if secret else value


def _is_hidden(at: Position, hidden: frozenset[str]) -> bool:
    """Labels are no place for secrets, whatever they are called."""
    _, name, entry = at
    is_secret = name != "labels" and _names_secret(entry)
    return is_secret or (bool(hidden) and _digest(at) in hidden)


_names_secret = cache(is_secret_name)


@cache
def _digest(at: Position) -> str:
    return hashlib.sha256("\0".join(at).encode(errors="replace")).hexdigest()[:DIGITS]


def _positions(wish: Resource) -> Iterator[Position]:
    """Where a resource has a text of the environment."""
    for name, value in wish.spec.items():
        if isinstance(value, Hidden):
            yield wish.key.kind, name, str(opened(wish.spec.get("name", "")))
        elif isinstance(value, Mapping):
            hidden = (entry for entry, text in value.items() if isinstance(text, Hidden))
            yield from ((wish.key.kind, name, entry) for entry in hidden)


def _opened(resource: T) -> T:
    """The same one where nothing of it is hidden."""
    return replace(resource, spec=opened(resource.spec)) if _has_hidden(resource.spec) else resource


def _has_hidden(value: Any) -> bool:
    if type(value) is str:  # nearly all of many
        return False
    if type(value) is dict or isinstance(value, Mapping):
        value = value.values()
    elif not isinstance(value, list | tuple):
        return isinstance(value, Hidden)
    return any(_has_hidden(item) for item in value if type(item) is not str)
