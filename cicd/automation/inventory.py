"""What lives in a place, for people and programs: the document of an inventory. Pure.

::

    {"schema_version", "stage", "file", "platform", "target", "select", "read_at",
     "sections": [{"kind", "title", "fields": {field: head}, "things": [
         {"name", "id", "key", "status", "state", "message", "created_at", "started_at",
          "completed_at", "seconds", "link", "details": {field: value},
          "related": [{"how", "kind", "name", "link"}]}]}],
     "notes": []}
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cicd.config.dialect import Around, Dialect
from cicd.config.fields import entries_at
from cicd.config.live_texts import Texts
from cicd.model import Kind, LiveResource, Secret
from cicd.render.moments import took
from cicd.words import plural

SCHEMA_VERSION = 1
TIMES = ("started_at", "completed_at")
HIDDEN = "***"
Known = tuple[str, str]
"""Kind and id."""


@dataclass(frozen=True)
class Place:
    """What a platform says of its things. ``heads``: kind -> field -> head, in the order in which
    they are shown; a kind that is not there has all of its fields. ``links``: where a person can
    look at one; ``keys``: what the stage file calls it."""

    kinds: Mapping[str, Kind]
    dialect: Dialect
    heads: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    links: Mapping[Known, str] = field(default_factory=dict)
    keys: Mapping[Known, str] = field(default_factory=dict)


def inventory(
    live: Sequence[LiveResource],
    place: Place,
    around: Around,
    *,
    file: str,
    read_at: str,
    notes: Sequence[str] = (),
) -> dict[str, Any]:
    """The document. No text in it is a secret: what looks like one is not told."""
    order = [*place.heads, *(kind for kind in place.kinds if kind not in place.heads)]
    by_kind: dict[str, list[LiveResource]] = {kind: [] for kind in order}
    for one in sorted(live, key=lambda one: (one.created_at, one.id)):
        by_kind[one.key.kind].append(one)
    writing = _Writing(live, place, around)
    return {
        "schema_version": SCHEMA_VERSION,
        "stage": around.stage,
        "file": file,
        "platform": place.dialect.NAME,
        "target": dict(around.target),
        "select": [*around.select],
        "read_at": read_at,
        "sections": [
            writing.section(kind, found)
            for kind, found in by_kind.items()
            if found or kind in place.heads
        ],
        "notes": [*notes],
    }


class _Writing:
    """Things on their way into sections."""

    def __init__(self, live: Sequence[LiveResource], place: Place, around: Around) -> None:
        self._place = place
        self._texts = Texts(around.secrets)
        self._live = {(one.key.kind, one.id): one for one in live}
        self._related: dict[Known, list[tuple[str, LiveResource]]] = {at: [] for at in self._live}
        makers = _makers(live)
        for one in live:
            for how, other in self._taken(one, makers):
                self._relate(one, how, other)
                self._relate(other, "used by", one)

    def _relate(self, one: LiveResource, how: str, other: LiveResource) -> None:
        found = self._related[one.key.kind, one.id]
        if one is not other and (how, other) not in found:
            found.append((how, other))

    def _taken(
        self, one: LiveResource, makers: Mapping[str, LiveResource]
    ) -> Iterator[tuple[str, LiveResource]]:
        """What it takes from others, and how that is said: their ids where the platform or the
        language says that a field has such, and addresses of what they have made."""
        heads = self._place.heads.get(one.key.kind, {})
        for name, kind in self._holding(one.key.kind).items():
            said = one.spec.get(name)
            for _, value in entries_at(said, ()):
                if isinstance(value, str) and (other := self._live.get((kind, value))):
                    is_one = isinstance(said, str)
                    yield heads.get(name, name) if is_one else "made of", other
        for name, value in one.spec.items():
            for text in _texts_in(value):
                if maker := makers.get(text):
                    yield f"{heads.get(name, name)} made by", maker

    def _holding(self, kind: str) -> dict[str, str]:
        """The fields with ids of others -> their kind."""
        found = dict(self._place.kinds[kind].takes)
        if version := self._place.kinds[kind].version:
            found[version[0]] = version[1]
        for carried in self._place.dialect.CARRIED.values():
            if carried.kind == kind:
                sections = self._place.dialect.CARRIED
                found |= {
                    path[0]: sections[section].kind
                    for path, section in carried.needs.items()
                    if len(path) == 1
                }
        return found

    def section(self, kind: str, found: Sequence[LiveResource]) -> dict[str, Any]:
        """All of one kind, the oldest first."""
        heads = self._place.heads.get(kind)
        if heads is None:
            names = (name for one in found for name in _values(one))
            heads = {name: name.replace("_", " ") for name in names if name != "name"}
        return {
            "kind": kind,
            "title": plural(kind.replace("_", " ")),
            "fields": dict(heads),
            "things": [self._thing(one, heads) for one in found],
        }

    def _thing(self, one: LiveResource, heads: Mapping[str, str]) -> dict[str, Any]:
        at, values = (one.key.kind, one.id), _values(one)
        times = {name: one.facts.get(name, "") for name in TIMES}
        details = {name: values[name] for name in heads if _says(values.get(name))}
        return {
            "name": one.key.name,
            "id": one.id,
            "key": self._place.keys.get(at, ""),
            "status": one.status.raw,
            "state": one.status.state.value,
            "message": one.status.message,
            "created_at": one.created_at,
            **times,
            "seconds": took(*times.values()),
            "link": self._place.links.get(at, ""),
            "details": {name: self._shown(value, name) for name, value in details.items()},
            "related": [
                {
                    "how": how,
                    "kind": other.key.kind,
                    "name": other.key.name,
                    "link": self._place.links.get((other.key.kind, other.id), ""),
                }
                for how, other in self._related[at]
            ],
        }

    def _shown(self, value: Any, name: str) -> Any:
        """A value as everybody may see it."""
        if isinstance(value, Mapping):
            return {part: self._shown(item, part) for part, item in value.items() if _says(item)}
        if isinstance(value, list | tuple):
            return [self._shown(item, name) for item in value]
        if isinstance(value, Secret):
            return HIDDEN
        is_plain = self._texts.of(value, "", name) is value
        return value if is_plain else HIDDEN


def _makers(live: Sequence[LiveResource]) -> dict[str, LiveResource]:
    """Address of what a run has made -> that run."""
    return {
        text: one
        for one in live
        for output, text in one.outputs.items()
        if output != "id" and "/" in text
    }


def _values(one: LiveResource) -> dict[str, Any]:
    """All that is known of one, but for what everything has."""
    facts = {name: text for name, text in one.facts.items() if name not in TIMES}
    outputs = {name: text for name, text in one.outputs.items() if name != "id"}
    metrics = {"metrics": dict(one.metrics)} if one.metrics else {}
    return {**facts, **outputs, **one.spec, **metrics}


def _says(value: Any) -> bool:
    return value not in (None, "", [], {}, (), False)


def _texts_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | list):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from _texts_in(item)
