"""The secrets and images that a template names: whether there can be such, and which they are.

Whether they exist, the stage (``secrets``) and the tenant (``plan``) say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from cicd.config.files import yaml_trees
from cicd.config.tree import Node, leaves, with_leaves
from cicd.errors import InvalidStage, Problem
from cicd.platforms.aicore.dialect import formats
from cicd.platforms.aicore.dialect.metadata import children
from cicd.platforms.aicore.dialect.placeholders import FILLER
from cicd.platforms.aicore.dialect.template import Template
from cicd.values import Key

DOCKER, GENERIC, STORE = "docker_registry_secret", "generic_secret", "object_store_secret"
STORE_SUFFIX = "-object-store-secret"
"""What AI Core adds to the name of an object store secret when it mounts it."""
WORDS = {
    DOCKER: "docker registry secret",
    GENERIC: "generic secret",
    STORE: "object store secret",
}
_FORMS = {DOCKER: (formats.DOCKER_REGISTRY, 63), GENERIC: (formats.GENERIC, 252)}
_TAG = re.compile(rf"\{{\{{.*?\}}\}}|{FILLER}+", re.DOTALL)
_HOST = r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]+)?"
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_IMAGE = re.compile(
    rf"(?:(?P<host>{_HOST})/)?{_PART}(?:/{_PART})*(?::\w[\w.-]{{0,127}})?(?:@\w+:[0-9a-fA-F]{{32,}})?",
    re.ASCII,
)
"""The name of an image as registries take it."""


def secrets_named(node: Node) -> Iterator[tuple[str, Node]]:
    """(kind, node of the name) of every secret that must be there, below a node."""
    if isinstance(node.value, list):
        for child in node.value:
            yield from secrets_named(child)
    if not isinstance(node.value, dict):
        return
    for key, child in node.value.items():
        if key == "podSpecPatch":
            yield from secrets_named(_patch(child))
        elif key == "imagePullSecrets":
            for item in children(child):
                yield from _name_of(DOCKER, item, "name")
        elif key in _PLACES:
            yield from _name_of(GENERIC, child, _PLACES[key])
        else:
            yield from secrets_named(child)


def _patch(node: Node) -> Node:
    """A patch of pods, which is YAML or JSON inside a text, at the place of that text."""
    if not isinstance(node.value, str):
        return node
    try:
        # a placeholder may stand for anything, and as itself it is not even YAML
        found = yaml_trees(_TAG.sub(lambda match: FILLER * len(match[0]), node.value), "")
    except InvalidStage:  # only a run tells what its placeholders make of it
        return Node([], node.place)
    patch = Node(list(found), node.place)
    return with_leaves(patch, {path: leaf.but(place=node.place) for path, leaf in leaves(patch)})


_PLACES = {
    "secretKeyRef": "name",
    "secretRef": "name",
    "secret": "secretName",
    "accessKeySecret": "name",
    "secretKeySecret": "name",
}
"""Where a generic secret is named: in env, envFrom, volumes, and the S3 inputs of Argo."""


def _name_of(kind: str, holder: Node, key: str) -> Iterator[tuple[str, Node]]:
    optional = holder.get("optional")
    if isinstance(holder.value, dict) and not (optional is not None and optional.value is True):
        node = holder.get(key)
        if node is not None:
            yield kind, node


def check_secret_names(spec: Node) -> Iterator[Problem]:
    """Names that no secret can have: mostly what was to be replaced."""
    for holder in (spec, spec.get("predictor")):
        node = holder and holder.get("imagePullSecrets")
        if node is not None and node.value is not None and not _is_list_of_names(node):
            message = "imagePullSecrets must be a list of maps: write - name: NAME for each"
            yield node.place.problem(message, "bad-secret-name")
    for kind, node in secrets_named(spec):
        if node.value is None:
            continue
        form, longest = _FORMS[kind]
        name = node.value if isinstance(node.value, str) else node.text
        if _TAG.search(name) or (re.match(form, name) and len(name) <= longest):
            continue
        message = f'no {WORDS[kind]} can be called "{name}"'
        yield node.place.problem(f"{message}: write the name of yours", "bad-secret-name")


def _is_list_of_names(node: Node) -> bool:
    return isinstance(node.value, list) and all(
        isinstance(item.value, dict) and getattr(item.get("name"), "value", None) is not None
        for item in node.value
    )


def needed_secrets(spec: Node) -> dict[Key, str]:
    """Every secret that a template names -> where; the name may hold placeholders."""
    found: dict[Key, str] = {}
    for kind, node in secrets_named(spec):
        if isinstance(node.value, str) and node.value and FILLER not in node.value:
            found.setdefault(_key(kind, node.value), str(node.place))
    return found


def bound_secrets(template: Template, bindings: Mapping[str, Any]) -> Iterator[tuple[Key, str]]:
    """The secrets that a template names with what a stage binds to its parameters, and where; not
    those whose names only a run tells."""
    root = "inputs" if template.kind == "serving" else "workflow"
    texts = {
        f"{root}.parameters.{name}": value
        for name, value in {**template.parameters, **bindings}.items()
        if isinstance(value, str)
    }
    for key, source in template.secrets.items():
        name = _TAG.sub(lambda tag: texts.get(tag[0].strip("{} "), tag[0]), key.name)
        if name and not _TAG.search(name):
            yield _key(key.kind, name), source


def _key(kind: str, name: str) -> Key:
    is_store = kind == GENERIC and name.endswith(STORE_SUFFIX)
    return Key(STORE, name.removesuffix(STORE_SUFFIX)) if is_store else Key(kind, name)


def check_image(who: str, container: Node, *, has_default: bool = False) -> Iterator[Problem]:
    """An image that is missing, or that no registry can have; ``has_default``: another counts."""
    node = container.get("image")
    text = node.value if node is not None and isinstance(node.value, str) else ""
    place = node.place if node is not None else container.place
    if not text.strip():
        if not has_default:
            yield place.problem(f"{who} has no image: add one", "bad-image")
        return
    found = _IMAGE.fullmatch(_TAG.sub("x", text))
    if found is None:
        message = f'{who}: "{text}" is no name of an image: write registry/team/image:tag'
        yield place.problem(message, "bad-image")
    elif (host := found["host"] or "") != host.lower() and "." not in host:
        message = f'{who}: "{text}" is read as an image of the registry "{host}", as names of '
        yield place.problem(f"{message}images are lower case", "bad-image", "warning")
