"""What a dialect means where its module says nothing: a new platform writes only what differs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from cicd.config import draft
from cicd.config.dialect import Built, Carried, Dialect, Export, Overridable, Spellings, StandIn
from cicd.config.inherit import identity_of
from cicd.config.references import Reference
from cicd.config.rulebook import Rule
from cicd.config.schema import StageBase
from cicd.config.tree import Node, Paths
from cicd.errors import Problem
from cicd.values import Key, Ref

if TYPE_CHECKING:
    from cicd.config.dialect import Around
    from cicd.model import LiveResource, Stage


class _Plain:
    """A module as a dialect. What the module has goes before what the class has."""

    NAME: str
    File: type[StageBase]

    Draft: type[draft.Draft[Any, Any]] = draft.Draft
    RULES: Mapping[str, Rule] = {}
    UNSURE: Collection[str] = ("missing-target",)
    RETIRING: Collection[str] = ()
    ENVIRONMENT: Mapping[str, StandIn] = {}
    SECRETS = Paths()
    REFERENCES: Mapping[str, Reference] = {}
    TAKES: Mapping[str, Paths]
    SPELLINGS = Spellings()
    OVERRIDES: Overridable | None = None
    CARRIED: Mapping[str, Carried] = {}
    EMULATED = True

    def __init__(self, module: ModuleType) -> None:
        vars(self).update(vars(module))
        if not hasattr(module, "TAKES"):
            forms = self.REFERENCES.values()
            self.TAKES = {name: paths for form in forms for name, paths in form.places.items()}

    def identity(self, item: Node) -> str | None:
        return identity_of(item)

    def modernise(self, tree: Node, suffix: str) -> tuple[Node, list[Problem]]:
        sections = {
            name: node.but(value=[self._with_maps(item) for item in node.value])
            for name in (self.CARRIED if self.SPELLINGS.lists else ())
            if (node := tree.get(name)) and isinstance(node.value, list)
        }
        return tree.but(value={**tree.value, **sections}), []

    def _with_maps(self, item: Node) -> Node:
        if not isinstance(item.value, dict):
            return item
        maps = {
            name: node.but(value=found)
            for name, content in self.SPELLINGS.lists.items()
            if (node := item.get(name)) and (found := _as_map(node, content))
        }
        return item.but(value={**item.value, **maps})

    def sources(self, file: Any, written: Node, root: Path, *_: Any) -> tuple[Any, list[Problem]]:
        return None, []

    def names(self, tree: Node) -> frozenset[Key]:
        return frozenset(
            Key(carried.kind, key.text)
            for section, carried in self.CARRIED.items()
            if not carried.is_map and (node := tree.get(section)) and isinstance(node.value, list)
            for item in node.value
            if (key := item.get("key"))
        )

    def check(self, draft: Any) -> Iterable[Problem]:
        # only who has no check of its own needs these
        from cicd.config.rules import check_items
        from cicd.config.target import check_target

        return [*check_target(draft, self.ENVIRONMENT), *check_items(draft, self.CARRIED)]

    def lacks(self, draft: Any, ref: Ref) -> str:
        return ""

    def build(self, draft: Any) -> Built:
        from cicd.config.build import programs_of, resources_of  # not needed to check a stage
        from cicd.config.target import target_of

        target, sections = target_of(draft, self.ENVIRONMENT), self.CARRIED
        programs = programs_of(draft, sections)
        resources = resources_of(draft, sections)
        return Built(target, resources, tuple(target.values()), programs=programs)

    def export(self, live: Iterable[LiveResource], around: Around) -> Export:
        from cicd.config.plain_export import Drafted, export_stage  # only an import needs it

        return export_stage(Drafted([*live], around), self)

    def needs(self, stage: Stage, live: LiveResource) -> Any:
        return [program.file for program in stage.programs if program.is_called_by(live.spec)]


def _as_map(node: Node, content: str) -> dict[str, Node] | None:
    """None for all but lists of ``{key: …, CONTENT: …}``, each key once: what is wrong with others,
    validation says better."""
    found: dict[str, Node] = {}
    for item in node.value if isinstance(node.value, list) else ():
        key = item.get("key")
        if key is None or not isinstance(key.value, str) or item.value.keys() != {"key", content}:
            return None
        if key.value in found:
            return None
        found[key.value] = item.value[content].but(key_place=key.place)
    return found or None


def completed(module: ModuleType) -> Dialect:
    """The dialect that a module is, with what it leaves out."""
    return _Plain(module)
