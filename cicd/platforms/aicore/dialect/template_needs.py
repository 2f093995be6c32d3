"""What a template takes from the platform beside its inputs: images, secrets, resource plans."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cicd.config.files import read_trees, yaml_trees
from cicd.config.tree import plain
from cicd.errors import InvalidStage
from cicd.model import LiveResource, Stage
from cicd.values import Program

PLANS = ("ai.sap.com/resourcePlan", "ai.sap.com/instanceType")
_SECRETS = ("secretKeyRef", "secretRef")


@dataclass(frozen=True)
class Needs:
    """What a template takes from the platform, as far as its text tells: the images of its
    containers, the names of secrets to pull them with, of other secrets, and resource plans."""

    images: tuple[str, ...] = ()
    pull_secrets: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    plans: tuple[str, ...] = ()


def needs(stage: Stage, live: LiveResource) -> Needs:
    """Of the template that something live has started, as its file is now; nothing where there is
    none here, or it cannot be read."""
    for program in stage.programs:
        if program.is_called_by(live.spec):
            return _read(program, Path(stage.root))
    return Needs()


def _read(program: Program, root: Path) -> Needs:
    try:
        trees = read_trees(root / program.file, program.file)
    except InvalidStage:
        return Needs()
    for tree in trees:
        document = plain(tree)
        if isinstance(document, Mapping) and _name_of(document) == program.name:
            return needs_of(document)
    return Needs()


def needs_of(document: Any) -> Needs:
    """Of a parsed template. What a ServingTemplate holds as text is read too."""
    parts = list(_parts(document))
    pulls = [item for part in parts for item in _items(part.get("imagePullSecrets"))]
    secrets = [part[name] for part in parts for name in _SECRETS if name in part]
    volumes = [part["secret"] for part in parts if isinstance(part.get("secret"), Mapping)]
    return Needs(
        images=_texts(part.get("image") for part in parts),
        pull_secrets=_texts(item.get("name") for item in pulls),
        secrets=_texts(
            [
                *(_field(item, "name") for item in secrets),
                *(_field(item, "secretName") for item in volumes),
            ]
        ),
        plans=_texts(part.get(name) for part in parts for name in PLANS),
    )


def _parts(value: Any) -> Iterator[Mapping[str, Any]]:
    """Every map in a tree, also in the YAML texts of a ServingTemplate."""
    if isinstance(value, str) and "\n" in value:
        try:
            value = [plain(tree) for tree in yaml_trees(value, "")]
        except InvalidStage:
            return
    if isinstance(value, Mapping):
        yield value
        if isinstance(value.get("key"), str) and value["key"] in PLANS:
            yield {value["key"]: value.get("value")}  # labels as a list of key and value
    inner: Iterable[Any] = value.values() if isinstance(value, Mapping) else ()
    for part in value if isinstance(value, list) else inner:
        if isinstance(part, Mapping | list) or (isinstance(part, str) and "\n" in part):
            yield from _parts(part)


def _items(value: Any) -> list[Mapping[str, Any]]:
    found = value if isinstance(value, list) else []
    return [item for item in found if isinstance(item, Mapping)]


def _field(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, Mapping) else None


def _texts(values: Collection[Any] | Iterable[Any]) -> tuple[str, ...]:
    """The texts among the values, each once."""
    return tuple(dict.fromkeys(v for v in values if isinstance(v, str) and v))


def _name_of(document: Mapping[str, Any]) -> Any:
    return _field(document.get("metadata"), "name")
