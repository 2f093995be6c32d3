"""Destinations of a subaccount: read, written as whole entries, deleted.

An answer of this service holds client secrets in clear: they go into Secret at once.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from cicd.errors import ConnectionFailed, LostAnswer, NotFound, PlatformError
from cicd.model import Key, LiveResource, Resource, Secret, State, Status

COLLECTION = "/subaccountDestinations"
FIELDS = {
    "name": "Name",
    "url": "URL",
    "type": "Type",
    "proxy_type": "ProxyType",
    "authentication": "Authentication",
    "client_id": "clientId",
    "client_secret": "clientSecret",
    "token_service_url": "tokenServiceURL",
    "token_service_url_type": "tokenServiceURLType",
}
"""Our field -> the entry's property."""
MAX_FILTER = 3000
"""Characters of a filter, below the 4000 that the service takes as a URL."""
QUOTED = len("%27%27%2C+")
"""Characters that a name takes in a filter besides itself."""
GROUP_HEADER = "URL.headers.AI-Resource-Group"
OWNER = "cicd.owner"
"""The property that says of which stage an entry is and by which name, as people can rename it."""


class HttpCall(Protocol):
    """One HTTP call with login, retries and errors; Secrets in ``body`` are opened when sent."""

    def __call__(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: Any = None,
    ) -> Any: ...


class Destinations:
    """``destination/<name>``; ``stage``: whose they are that are made here."""

    def __init__(self, call: HttpCall, stage: str = "") -> None:
        self._call = call
        self._stage = stage

    def read(self, names: Sequence[str]) -> list[LiveResource]:
        """Those of these names that are there, by one request; see ``batches``."""
        if len(names) == 1:
            found = self.peek(names[0])
            return [found] if found else []
        wanted = ", ".join(f"'{name}'" for name in names)
        params = {"$filter": f"Name in ({wanted})"}
        answer = self._call("GET", COLLECTION, params=params)
        # Asked again here: a service that ignores the filter must not hand us strangers.
        there = {live.id: live for live in map(to_live, answer or ()) if live.id in names}
        # What an answer lacks that has others may have been cut off on the way.
        missing = [name for name in names if name not in there] if there else []
        return [*there.values(), *(live for name in missing if (live := self.peek(name)))]

    def peek(self, name: str) -> LiveResource | None:
        """The destination of that name, or None."""
        try:
            return self._get(name)
        except NotFound:
            return None

    def browse(self) -> list[LiveResource]:
        """All destinations of the subaccount."""
        return [to_live(entry) for entry in self._call("GET", COLLECTION) or ()]

    def renamed(self, names: Collection[str], ids: Collection[str]) -> list[LiveResource]:
        """Entries of this stage that somebody gave another name than one of ``names``, which are
        missing: marked so, the only one marked so, and pointing at what has one of ``ids``. Copies
        that people keep beside, or that point elsewhere by now, are theirs."""
        marks = {self._mark(name): name for name in names}
        found: dict[str, list[LiveResource]] = {}
        for entry in map(_flat, self._call("GET", COLLECTION) or ()):
            name = marks.get(str(entry.get(OWNER)))
            if name and not set(str(entry.get("URL")).split("/")).isdisjoint(ids):
                live = to_live(entry)
                found.setdefault(name, []).append(replace(live, known_as=f"destination/{name}"))
        return [lives[0] for lives in found.values() if len(lives) == 1]

    def get(self, live: LiveResource) -> LiveResource:
        return self._get(live.id)

    def find(self, desired: Resource, known: frozenset[str]) -> LiveResource | None:
        return self.peek(desired.spec["name"])

    def create(self, desired: Resource) -> LiveResource:
        self._call("POST", COLLECTION, body=self._marked(desired))
        return _live(desired.spec)

    def update(self, live: LiveResource, desired: Resource) -> LiveResource:
        """PUT replaces the whole entry, so properties that people added are sent along. One that
        was renamed goes before it is made under its own name: interrupted between the two, the
        next apply makes it, while a second one that is left over would never be seen again."""
        entry = self._call("GET", f"{COLLECTION}/{live.id}")
        body = {**_sealed(_flat(entry)), **self._marked(desired)}
        if live.id == desired.spec["name"]:
            self._call("PUT", COLLECTION, body=body)
        else:
            self.delete(live)
            self._make(desired.spec["name"], body)
        return _live(desired.spec)

    def delete(self, live: LiveResource) -> None:
        self._call("DELETE", f"{COLLECTION}/{live.id}")

    def _make(self, name: str, body: Mapping[str, Any]) -> None:
        """A new entry. Raises PlatformError when it is not there after a lost answer."""
        try:
            self._call("POST", COLLECTION, body=body)
        except LostAnswer as error:
            if self.peek(name) is None:
                raise PlatformError(f"{name} is not made: {error}", hint="apply again") from error

    def _marked(self, desired: Resource) -> dict[str, Any]:
        mark = {OWNER: self._mark(desired.spec["name"])} if self._stage else {}
        return {**to_entry(desired), **mark}

    def _mark(self, name: str) -> str:
        return f"{self._stage}: {name}"

    def _get(self, name: str) -> LiveResource:
        answer = self._call("GET", f"{COLLECTION}/{name}")
        if answer == []:
            raise NotFound(f'there is no destination "{name}"', status=404)
        found = to_live(answer)
        if found.id != name:
            raise ConnectionFailed(f'asked for destination "{name}", "{found.id}" was answered')
        return found


def batches(names: Sequence[str]) -> list[list[str]]:
    """The names in portions that one filter takes: the service bounds the length of a URL."""
    found: list[list[str]] = [[]]
    size = 0
    for name in names:
        size += len(name) + QUOTED
        if size > MAX_FILTER:
            found.append([])
            size = len(name) + QUOTED
        found[-1].append(name)
    return [batch for batch in found if batch]


def complete(
    desired: Resource,
    *,
    client_id: str,
    client_secret: Secret,
    token_service_url: str,
    resource_group: str,
) -> Resource:
    """The destination with all that makes it an entry for AI Core; what is declared stays."""
    spec = {
        "type": "HTTP",
        "proxy_type": "Internet",
        "authentication": "OAuth2ClientCredentials",
        "client_id": client_id,
        "client_secret": client_secret,
        "token_service_url": token_service_url,
        "token_service_url_type": "Dedicated",
        "headers": {GROUP_HEADER: resource_group},
        **desired.spec,
    }
    return Resource(desired.key, spec, desired.options, desired.depends_on, desired.source)


def to_entry(desired: Resource) -> dict[str, Any]:
    """The entry to send; its secret is still a Secret."""
    entry = {FIELDS[name]: value for name, value in desired.spec.items() if name in FIELDS}
    return {**entry, **desired.spec.get("headers", {})}


def to_live(document: Any) -> LiveResource:
    """An entry as the service gives it -> ``destination/<name>``. Raises ConnectionFailed for one
    without a name."""
    entry = _flat(document)
    if not entry.get("Name"):
        raise ConnectionFailed("the destination service answers with an entry that has no Name")
    spec: dict[str, Any] = {ours: entry.get(theirs, "") for ours, theirs in FIELDS.items()}
    spec["client_secret"] = Secret(str(spec["client_secret"]))
    # Headers that people added (sap-client and the like) are theirs, not drift.
    spec["headers"] = {GROUP_HEADER: entry.get(GROUP_HEADER, "")}
    return _live(spec)


def _live(spec: Mapping[str, Any]) -> LiveResource:
    name = str(spec["name"])
    status = Status(State.SUCCEEDED, "")
    return LiveResource(Key("destination", name), name, spec, status, {"id": name})


def _flat(document: Any) -> dict[str, Any]:
    """Some versions of the service wrap the properties."""
    inner = document.get("destinationConfiguration") if isinstance(document, dict) else None
    return dict(inner if isinstance(inner, dict) else document)


def _sealed(entry: Mapping[str, Any]) -> dict[str, Any]:
    """The entry with what may be secret as Secret, so that no error can show it."""
    words = ("secret", "password", "key")
    return {
        name: Secret(value)
        if isinstance(value, str) and any(w in name.lower() for w in words)
        else value
        for name, value in entry.items()
    }
