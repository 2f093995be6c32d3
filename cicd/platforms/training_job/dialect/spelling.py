"""The operator's own spellings of parameters, in those of a stage file. Pure."""

from __future__ import annotations

import json
import re

import msgspec

from cicd.config.formats import slug
from cicd.config.tree import Node, as_node
from cicd.errors import Problem
from cicd.platforms.training_job.dialect.schema import Job, TrainingJob

JSON_TEXTS = ("env", "resources", "data", "metrics")
"""What may be JSON in a text, as the operator has it."""
OTHERS = {
    "jobAPI": "api_url",
    "oauthTokenUrl": "token_url",
    "oauthClientId": "client_id",
    "oauthClientSecret": "client_secret",
    "jobName": "name",
    "data_input": "data",
}
FIELDS = frozenset(info.encode_name for info in msgspec.structs.fields(Job))
PLACE_FIELDS = frozenset(info.encode_name for info in msgspec.structs.fields(TrainingJob))


def field_named(name: str, known: frozenset[str] = FIELDS) -> str:
    """Our name of a parameter; as it is where it is none."""
    ours = OTHERS.get(name) or re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    return ours if ours in known else name


def modernised(tree: Node) -> tuple[Node, list[Problem]]:
    """A file in the spelling of ``schema``, and what is said twice."""
    problems: list[Problem] = []
    changed = {}
    if (place := tree.get("training_job")) and isinstance(place.value, dict):
        changed["training_job"] = _renamed(place, PLACE_FIELDS, problems)
    if (jobs := tree.get("jobs")) and isinstance(jobs.value, list):
        changed["jobs"] = jobs.but(value=[_job(item, problems) for item in jobs.value])
    return tree.but(value={**tree.value, **changed}), problems


def _renamed(node: Node, known: frozenset[str], problems: list[Problem]) -> Node:
    found: dict[str, Node] = {}
    for name, child in node.value.items():
        ours = field_named(name, known)
        if ours in found:
            said = found[ours].key_place or found[ours].place
            message = (
                f'"{name}" says "{ours}" a second time, after line {said.line}: keep one of them'
            )
            problems.append((child.key_place or child.place).problem(message, "duplicate-key"))
            continue
        found[ours] = child
    return node.but(value=found)


def _job(item: Node, problems: list[Problem]) -> Node:
    if not isinstance(item.value, dict):
        return item
    item = _renamed(item, FIELDS, problems)
    fields = dict(item.value)
    for field in JSON_TEXTS:
        if field in fields:
            fields[field] = parsed(fields[field])
    if (env := fields.get("env")) and isinstance(env.value, list):
        fields["env"] = _as_map(env, problems)
    name = fields.get("name")
    if "key" not in fields and name is not None and isinstance(name.value, str):
        fields["key"] = name.but(value=slug(name.value), text=slug(name.value))
    return item.but(value=fields)


def parsed(node: Node) -> Node:
    """What a text holds that is JSON of a map or a list; any other as it is."""
    if not isinstance(node.value, str) or node.value.strip()[:1] not in {"{", "["}:
        return node
    try:
        return as_node(json.loads(node.value), node)
    except (ValueError, RecursionError):
        return node


def _as_map(env: Node, problems: list[Problem]) -> Node:
    """A list of ``{name, value}`` as a map; what is none of that stays, and is refused later."""
    found: dict[str, Node] = {}
    for item in env.value:
        if not isinstance(item.value, dict) or item.value.keys() != {"name", "value"}:
            return env
        name = item.value["name"]
        if not isinstance(name.value, str):
            return env
        if name.value in found:
            message = f'env has "{name.value}" twice: keep one of the two'
            problems.append(name.place.problem(message, "duplicate-name"))
            continue
        found[name.value] = item.value["value"].but(key_place=name.place)
    return env.but(value=found)
