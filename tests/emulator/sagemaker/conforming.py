"""Every answer of a client is held against the shape that botocore's own model says it has."""

from __future__ import annotations

import datetime
from typing import Any

TYPES: dict[str, Any] = {
    "string": str,
    "integer": int,
    "long": int,
    "float": (int, float),
    "double": (int, float),
    "boolean": bool,
    "timestamp": datetime.datetime,
    "structure": dict,
    "list": list,
    "map": dict,
}


def watch(client: Any) -> Any:
    """The same client, each of whose answers is checked."""

    def check(model: Any, parsed: Any, **more: Any) -> None:
        if "Error" not in parsed and model.output_shape is not None:
            content = {key: value for key, value in parsed.items() if key != "ResponseMetadata"}
            assert not (found := problems(model.output_shape, content, model.name)), found

    client.meta.events.register("after-call.*", check)
    return client


def problems(shape: Any, value: Any, path: str) -> list[str]:
    """What does not fit: types, what is missing, unknown words of an enumeration, lengths."""
    kind = shape.type_name
    if kind == "blob":
        return []
    if not isinstance(value, TYPES[kind]) or (kind != "boolean" and isinstance(value, bool)):
        return [f"{path}: {value!r} is no {kind}"]
    found = []
    if shape.metadata.get("enum") and value not in shape.metadata["enum"]:
        found.append(f"{path}: {value!r} is none of its words")
    if kind == "string" and len(value) > shape.metadata.get("max", 10**9):
        found.append(f"{path}: {len(value)} characters")
    if kind == "structure":
        found += [f"{path}: {name} is missing" for name in {*shape.required_members} - value.keys()]
        found += [f"{path}: {name} is unknown" for name in value.keys() - shape.members.keys()]
        for name in value.keys() & shape.members.keys():
            found += problems(shape.members[name], value[name], f"{path}.{name}")
    elif kind == "list":
        for number, item in enumerate(value):
            found += problems(shape.member, item, f"{path}[{number}]")
    elif kind == "map":
        for key, item in value.items():
            found += problems(shape.value, item, f"{path}[{key}]")
    return found
