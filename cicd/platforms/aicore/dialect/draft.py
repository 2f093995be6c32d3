"""A stage file of AI Core on its way to a Stage: what is in it, and what it refers to."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Literal

import msgspec

from cicd.config import draft as config
from cicd.config.formats import KEY, slug
from cicd.config.tree import Node
from cicd.platforms.aicore.dialect import formats
from cicd.platforms.aicore.dialect.schema import (
    Configuration,
    Deployment,
    Execution,
    Schedule,
    StageFile,
)
from cicd.platforms.aicore.dialect.template import Template
from cicd.platforms.aicore.dialect.templates import Catalogue
from cicd.values import Key, Ref

PLATFORM_SCENARIOS = frozenset({"foundation-models", "orchestration", "document-grounding"})
"""Scenarios that AI Core brings along; they have no template."""

GROUP = "AICORE_RESOURCE_GROUP"
"""The variable that names the resource group where a stage names none."""

SECRETS = {
    "object_store_secret": "object_store",
    "docker_registry_secret": "docker_registry",
    "generic_secret": "generic",
}
"""Kind of secret -> its list in the ``secrets`` section."""
DOCKER_CONFIG = ".dockerconfigjson"
"""The one entry that a docker registry secret has."""


class Run(msgspec.Struct, frozen=True):
    """An execution or deployment of the file, with the key it goes by."""

    kind: Literal["execution", "deployment"]
    index: int
    name: str
    item: Execution | Deployment

    @property
    def key(self) -> Key:
        return Key(self.kind, self.name)

    @property
    def path(self) -> tuple[str, int]:
        return (f"{self.kind}s", self.index)

    @property
    def configuration(self) -> Configuration:
        return self.item.configuration


class Draft(config.Draft[StageFile, Catalogue]):
    """All that checking and building look at."""

    @property
    def catalogue(self) -> Catalogue:
        """The templates of the stage."""
        return self.sources

    @cached_property
    def resource_group(self) -> str:
        """What everything goes into; empty where nothing says so."""
        return self.file.aicore.resource_group or self.variable(GROUP)

    @cached_property
    def runs(self) -> list[Run]:
        """Executions, then deployments, in the order of the file."""
        executions: list[Run] = [
            Run("execution", i, run_name(item, "execution", i), item)
            for i, item in enumerate(self.file.executions)
        ]
        return executions + [
            Run("deployment", i, run_name(item, "deployment", i), item)
            for i, item in enumerate(self.file.deployments)
        ]

    @cached_property
    def runs_by_key(self) -> dict[Key, Run]:
        return {run.key: run for run in self.runs}

    @cached_property
    def artifact_names(self) -> list[str]:
        return [artifact.key for artifact in self.file.artifacts]

    @cached_property
    def artifact_keys(self) -> frozenset[str]:
        return frozenset(self.artifact_names)

    def is_named(self, key: Key) -> bool:
        """The same; nobody knows where its section, or the key of something in it, does not
        fit."""
        if super().is_named(key):
            return True
        path = _section(key.kind)
        id_field = "name" if key.kind in SECRETS else "key"
        section = self.tree.get(*path)
        items = section.value if section is not None else []
        lost_keys = any(self.has_lost(*path, i, id_field) for i in range(len(items)))
        names = [other.name for other in self.named if other.kind == key.kind]
        form = ".+" if key.kind == "schedule" else KEY  # its name may be its key
        is_sure = not lost_keys and all(re.match(form, name) for name in names)
        is_lost = any(self.has_lost(*path[:end]) for end in range(1, len(path) + 1))
        return not is_sure or is_lost

    def template_of(self, run: Run) -> Template | None:
        """The template that this run executes, where it is known here."""
        template = self.catalogue.find(run.configuration.executable_id)
        if template and template.scenario_id in {run.configuration.scenario_id, ""}:
            return template
        return None

    def meant_template_of(self, run: Run) -> Template | None:
        """The template that this run is meant for, also where it names another scenario."""
        found = self.catalogue.find(run.configuration.executable_id)
        is_platforms = run.configuration.scenario_id in PLATFORM_SCENARIOS
        return self.template_of(run) if is_platforms else found


def run_name(item: Execution | Deployment, kind: str, index: int) -> str:
    """Its key, else one made from the name of its configuration."""
    return item.key or slug(item.configuration.name) or f"{kind}-{index + 1}"


def names_in(tree: Node) -> frozenset[Key]:
    """Everything that a tree gives a key, whether it fits or not; no text where it has none."""
    names: set[Key] = set()
    for kind in ("artifact", "execution", "schedule", "deployment"):
        items = _items(tree, kind)
        names |= {Key(kind, _written_name(item, kind, i)) for i, item in enumerate(items)}
        destinations = [item.get("destination_name") for item in items]
        names |= {Key("destination", node.text) for node in destinations if node and node.text}
    for kind in SECRETS:
        pairs = [(_text(item, "name"), _text(item, "scope")) for item in _items(tree, kind)]
        is_generic = kind == "generic_secret"
        found = generic_names(pairs) if is_generic else [name for name, _ in pairs]
        names |= {Key(kind, name) for name in found}
    nodes = tree.get("aicore", "nodes")
    if nodes is not None and isinstance(nodes.value, dict):
        names |= {Key("node_reservation", plan) for plan in nodes.value}
    return frozenset(names)


def generic_names(pairs: Sequence[tuple[str, str]]) -> list[str]:
    """What generic secrets go by: the name, with the scope where it is used in several of them."""
    scoped = [(name, scope or "resource_group") for name, scope in pairs]
    used = Counter(name for name, _ in dict.fromkeys(scoped))
    return [f"{name}.{scope}" if used[name] > 1 else name for name, scope in scoped]


def schedule_name(item: Schedule) -> str:
    """Its key, else its name."""
    return item.key or item.name


def _section(kind: str) -> tuple[str, ...]:
    """Where the things of a kind stand in a stage file."""
    if kind in SECRETS:
        return ("secrets", SECRETS[kind])
    return ("aicore", "nodes") if kind == "node_reservation" else (f"{kind}s",)


def _items(tree: Node, kind: str) -> list[Node]:
    section = tree.get(*_section(kind))
    return section.value if section is not None and isinstance(section.value, list) else []


def _text(item: Node, field: str) -> str:
    node = item.get(field)
    return node.value if node is not None and isinstance(node.value, str) else ""


def _written_name(item: Node, kind: str, index: int) -> str:
    key, name = item.get("key"), item.get("configuration", "name")
    if key is not None and key.value is not None:
        return key.value if isinstance(key.value, str) else ""
    if kind == "schedule":
        return _text(item, "name")
    if name is not None and isinstance(name.value, str):
        return slug(name.value) or f"{kind}-{index + 1}"
    return ""


def input_source(value: str | Ref, artifacts: Collection[str]) -> Ref | str | None:
    """What an input is bound to: an artifact of the file, a run's output, or a literal id.

    None when it is none of these.
    """
    if isinstance(value, Ref):
        return value
    if value in artifacts:
        return Ref(Key("artifact", value))
    return value if formats.UUID.fullmatch(value) else None


def references(run: Run) -> Iterator[tuple[str, str, Ref]]:
    """Every reference to another run of the stage in a configuration: (field, name of the binding,
    Ref)."""
    bindings: Mapping[str, Mapping[str, str | Ref]] = {
        "parameter_bindings": run.configuration.parameter_bindings,
        "input_artifact_bindings": run.configuration.input_artifact_bindings,
    }
    for field, values in bindings.items():
        for name, value in values.items():
            if isinstance(value, Ref) and not value.stage:
                yield field, name, value


def is_held(draft: Draft) -> bool:
    """Whether what is committed may not be live at once: somebody has to approve what is to serve,
    or a controller decides when it is applied."""
    return bool(draft.file.sync or (draft.file.lifecycle and draft.file.lifecycle.approval))
