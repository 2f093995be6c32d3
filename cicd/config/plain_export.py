"""What is live somewhere -> a stage file that asks for just that, for platforms whose stage files
say what the platform does: each item has the fields of what it stands for. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

import msgspec

from cicd.config.build import HOW
from cicd.config.dialect import Around, Carried, Dialect, Export
from cicd.config.exported import Section, exported
from cicd.config.fields import Part, entries_at, misfit, values_of
from cicd.config.live_texts import Texts, literal
from cicd.config.references import Reference, expression
from cicd.config.schema import part_of
from cicd.config.tree import Path
from cicd.model import LiveResource
from cicd.values import Ref
from cicd.words import count


class Drafted(msgspec.Struct, frozen=True):
    """What is live as a stage file can ask for it. ``live``: each with the fields of its section,
    its notes what a comment says above it. ``around``: what is known now of what the file is made
    for. ``notes``: what is not in it, and why."""

    live: Sequence[LiveResource]
    around: Around
    notes: Sequence[str] = ()


def export_stage(drafted: Drafted, dialect: Dialect) -> Export:
    """Of each thing that a section can list the newest, one that failed only where no other is."""
    around = drafted.around
    ordered = sorted(drafted.live, key=lambda one: (one.created_at, one.id))
    writing = _Writing(ordered, around, dialect)
    lists = [writing.section(name) for name, found in dialect.CARRIED.items() if not found.is_map]
    head = [
        Section("stage", "" if around.is_named_by_file else around.stage),
        Section("platform", dialect.NAME),
        Section(dialect.NAME, _place(around.target, dialect)),
    ]
    counts = {section.name: len(section.content or ()) for section in lists}
    sections = [*head, *lists, Section("drafted", notes=[*drafted.notes]), writing.rest()]
    return exported(sections, around, "", writing.texts.notes, counts)


def _place(target: Mapping[str, str], dialect: Dialect) -> dict[str, str]:
    """The place in the words of the platform's own section."""
    part = part_of(dialect.File, dialect.NAME)
    names = {info.encode_name for info in msgspec.structs.fields(part)} if part else {*target}
    return {name: text for name, text in target.items() if name in names}


class _Writing:
    """What is live, the oldest first, on its way into sections."""

    def __init__(self, live: Sequence[LiveResource], around: Around, dialect: Dialect) -> None:
        self.texts = Texts(around.secrets)
        self._live = live
        self._around = around
        self._dialect = dialect
        self._sections = {
            found.kind: name for name, found in dialect.CARRIED.items() if not found.is_map
        }
        self._age = {(one.key.kind, one.id): number for number, one in enumerate(live)}
        good_last = sorted(live, key=lambda one: not one.status.has_failed)
        newest = {one.key: one for one in good_last if self._is_asked(one)}
        self._chosen = dict(sorted(newest.items(), key=lambda pair: self._age_of(pair[1])))
        self._parts = {one.id: one for one in live if one.key.kind not in self._sections}
        self._names = {(one.key.kind, one.id): one.key.name for one in live}
        self._offers = self._all_offers()

    def _age_of(self, live: LiveResource) -> int:
        return self._age[live.key.kind, live.id]

    def _is_asked(self, live: LiveResource) -> bool:
        asked = self._around.select
        is_listed = live.key.kind in self._sections
        return is_listed and (not asked or any(fnmatchcase(str(live.key), glob) for glob in asked))

    def _all_offers(self) -> dict[str, list[tuple[str, Reference, LiveResource]]]:
        """Value of what one thing has and a later one may take in -> how that is written."""
        found: dict[str, list[tuple[str, Reference, LiveResource]]] = {}
        for live in self._chosen.values():
            for output, text in live.outputs.items():
                if way := expression(Ref(live.key, output), self._dialect.REFERENCES):
                    found.setdefault(text, []).append((*way, live))
        return found

    def section(self, name: str) -> Section:
        """All that it lists, and what cannot be written."""
        section, carried = Section(name), self._dialect.CARRIED[name]
        model = part_of(self._dialect.File, name)
        for key, live in self._chosen.items():
            if model is None or key.kind != carried.kind:
                continue
            item, why = self._item(live, model, carried), ""
            if "rerun" in model.__struct_encode_fields__:
                why = self._around.never.get(key.name, "")
                item |= {"rerun": "never"} if why else {}
            if not misfit(model, item):
                said = values_of(msgspec.convert(item, model), are_defaults_left_out=True)
                item = {"key": item["key"], **said}
            comments = {"rerun": why} if why else None
            section.add(f"{key.kind} {key.name}", item, model, comments, "\n".join(live.notes))
        return section

    def rest(self) -> Section:
        """Nothing but notes: what no section lists, and nothing listed takes in."""
        users = [*self._chosen.values(), *self._parts.values()]
        used = {value for live in users for _, value in entries_at(live.spec, ())}
        left: dict[str, int] = {}
        for part in self._parts.values():
            if part.id not in used and not self._around.select:
                left[part.key.kind] = left.get(part.key.kind, 0) + 1
        notes = [f"{count(many, kind)} that nothing here uses" for kind, many in left.items()]
        return Section("rest", notes=notes)

    def _parts_of(self, live: LiveResource) -> list[LiveResource]:
        """What it is made of that no section lists: the item says what those hold."""
        return [
            self._parts[value]
            for value in live.spec.values()
            if isinstance(value, str) and value in self._parts
        ]

    def _item(self, live: LiveResource, model: type[Part], carried: Carried) -> dict[str, Any]:
        spec: dict[str, Any] = {}
        for part in (*self._parts_of(live), live):
            spec |= part.spec
        item: dict[str, Any] = {"key": live.key.name}
        # a name that each stage has of its own is not by itself that of the key
        implied = None if "name" in carried.stays else ("name", item["key"])
        for name in model.__struct_encode_fields__:
            value = spec.get(name)
            if name not in HOW and value is not None and (name, value) != implied:
                item[name] = self._written(value, live, carried, (name,))
        return item

    def _written(self, value: Any, live: LiveResource, carried: Carried, at: Path) -> Any:
        """A value as a stage file has it; ``at``: where in the item."""
        if isinstance(value, Mapping):
            return {
                name: self._written(item, live, carried, (*at, name))
                for name, item in value.items()
            }
        if isinstance(value, list | tuple):
            return [
                self._written(item, live, carried, (*at, index)) for index, item in enumerate(value)
            ]
        if source := self._source(value, live, carried, at):
            return source
        name = ".".join(map(str, at))
        return literal(self.texts.of(value, f"{live.key.kind} {live.key.name}", name))

    def _source(self, value: Any, live: LiveResource, carried: Carried, at: Path) -> str:
        """What of the stage a value is taken from, as an item says that; empty where it is from
        nowhere."""
        steps = tuple(step for step in at if isinstance(step, str))
        for field, section in carried.needs.items():
            kind = self._dialect.CARRIED[section].kind
            if steps[: len(field)] == tuple(field):
                return self._names.get((kind, value), "")
        place = (self._sections[carried.kind], 0, *at)
        for written, form, maker in self._offers.get(value, ()):
            is_possible = any(place in paths for paths in form.places.values())
            if is_possible and self._age_of(maker) < self._age_of(live):
                return f"${{{written}}}"
        return ""
