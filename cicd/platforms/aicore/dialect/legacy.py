"""Other spellings of a stage file, brought to the one that everything after this understands.

Two of them: bindings as lists (``[{key, value}]``, ``[{key, artifact}]``), allowed everywhere; and
the whole ``cicd/config.json`` of the pipeline that this project grew from.
"""

from __future__ import annotations

import operator
from typing import Any

from cicd.config.formats import slug
from cicd.config.tree import Node
from cicd.errors import Problem

OPTIONS = ("clean_up", "wait_for_status", "update_destination")
"""Top-level switches of the old file, all true or false."""
_EMPTY_IS_NONE = ("destination_name", "existing_deployment_id")
"""Keys of a run that the old file could leave empty."""
_LISTS = ("artifacts", "executions", "deployments")
_NEW = {
    "stage",
    "platform",
    "aicore",
    "branch",
    "git",
    "extends",
    "$schema",
    "secrets",
    "schedules",
}
"""Keys that no old file has."""


def is_legacy(tree: Node, suffix: str) -> bool:
    """True for a JSON file that has nothing but what the old pipeline knew."""
    known = {*OPTIONS, *_LISTS}
    return (
        suffix == ".json"
        and isinstance(tree.value, dict)
        and bool(tree.value.keys() & known)
        and not tree.value.keys() & _NEW
    )


def with_binding_maps(tree: Node) -> tuple[Node, list[Problem]]:
    """The tree with every list of bindings as a map; finds inputs that are bound twice."""
    problems: list[Problem] = []
    for section in ("executions", "deployments"):
        tree = _with_items(tree, section, lambda item: _item_with_maps(item, problems))
    return tree, problems


def _with_items(tree: Node, section: str, change: Any) -> Node:
    items = tree.get(section)
    if items is None or not isinstance(items.value, list):
        return tree
    changed = [change(item) if isinstance(item.value, dict) else item for item in items.value]
    if all(map(operator.is_, changed, items.value)):
        return tree
    return with_entry(tree, section, items.but(value=changed))


def with_entry(node: Node, key: str, value: Node) -> Node:
    """The same map with one entry set."""
    return node.but(value={**node.value, key: value})


def _item_with_maps(item: Node, problems: list[Problem]) -> Node:
    configuration = item.get("configuration")
    if configuration is None or not isinstance(configuration.value, dict):
        return item
    for field, content in (
        ("parameter_bindings", "value"),
        ("input_artifact_bindings", "artifact"),
    ):
        bindings = configuration.get(field)
        if bindings is not None and _is_binding_list(bindings, content):
            bound = bindings.but(value=_as_map(bindings, content, problems))
            configuration = with_entry(configuration, field, bound)
    if configuration is item.value["configuration"]:
        return item
    return with_entry(item, "configuration", configuration)


def _is_binding_list(bindings: Node, content: str) -> bool:
    """Only well-formed lists: what is wrong with others, validation says better."""
    return isinstance(bindings.value, list) and all(
        isinstance(item.value, dict)
        and item.value.keys() <= {"key", content}
        and isinstance(key := getattr(item.get("key"), "value", None), str)
        and key
        and (content == "artifact" or content in item.value)
        for item in bindings.value
    )


def _as_map(bindings: Node, content: str, problems: list[Problem]) -> dict[str, Node]:
    bound: dict[str, Node] = {}
    for item in bindings.value:
        key = item.value["key"]
        if key.value in bound:
            problems.append(
                key.place.problem(f'"{key.value}" is bound twice: keep one', "duplicate-key")
            )
        bound[key.value] = item.value.get(content, key).but(key_place=key.place)
    return bound


def modernised(tree: Node) -> tuple[Node, list[Problem]]:
    """The old pipeline's file in today's terms.

    Executions always run again, ``clean_up`` removes everything else from the resource group (but
    after the new things are up), and a destination follows only a deployment that is waited for.
    """
    switches, problems = _switches(tree)
    entries = {key: node for key, node in tree.value.items() if key not in OPTIONS}
    tree = tree.but(value=entries)
    if switches.get("clean_up"):
        tree = with_entry(tree, "prune", Node("resource_group", tree.place, "resource_group"))
    for section in ("executions", "deployments"):
        taken: set[str] = set()
        tree = _with_items(
            tree, section, lambda item, taken=taken: _old_item(item, switches, taken)
        )
    return _with_items(tree, "executions", _always), problems


def _switches(tree: Node) -> tuple[dict[str, bool], list[Problem]]:
    switches, problems = {}, []
    for name in OPTIONS:
        node = tree.get(name)
        if node is None:
            continue
        if isinstance(node.value, bool):
            switches[name] = node.value
        else:
            problems.append(node.place.problem(f"{name} must be true or false", "wrong-type"))
    return switches, problems


def _old_item(item: Node, switches: dict[str, bool], taken: set[str]) -> Node:
    wait = item.get("wait_for_status")
    waits = switches.get("wait_for_status", True) and not (wait and wait.value in (None, "", False))
    if not waits:
        item = with_entry(item, "wait_for_status", Node(None, wait.place if wait else item.place))
    has_destination = waits and switches.get("update_destination", True)
    unset = {key for key in _EMPTY_IS_NONE if (node := item.get(key)) and node.value == ""}
    unset |= set() if has_destination else {"destination_name"}
    entries = {key: node for key, node in item.value.items() if key not in unset}
    item = item.but(value=entries)
    return _with_unique_key(item, taken)


def _with_unique_key(item: Node, taken: set[str]) -> Node:
    """The old file has no keys for runs, so two runs of one configuration name are told apart."""
    name = item.get("configuration", "name")
    if "key" in item.value or name is None or not isinstance(name.value, str):
        return item
    key = base = slug(name.value)
    number = 1
    while key in taken:
        number += 1
        key = f"{base}-{number}"
    taken.add(key)
    return with_entry(item, "key", Node(key, name.place, key)) if key else item


def _always(item: Node) -> Node:
    if "rerun" in item.value:
        return item
    return with_entry(item, "rerun", Node("always", item.place, "always"))
