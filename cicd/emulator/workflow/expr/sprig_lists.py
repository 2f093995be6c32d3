"""Sprig's functions of lists, maps, JSON, and values in general. Nothing is changed in place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from cicd.emulator.workflow.expr.formatting import printed, to_json
from cicd.emulator.workflow.expr.functions import as_indented_json, concat
from cicd.emulator.workflow.expr.operators import BadExpression, equal, sequence
from cicd.emulator.workflow.expr.raw_json import loads
from cicd.emulator.workflow.expr.sprig_numbers import to_int
from cicd.emulator.workflow.expr.times import Duration, Moment

TYPES: dict[type, str] = {
    bool: "bool",
    int: "int",
    float: "float64",
    str: "string",
    list: "[]interface {}",
    dict: "map[string]interface {}",
    Moment: "time.Time",
    Duration: "time.Duration",
}
KINDS = {
    "[]interface {}": "slice",
    "map[string]interface {}": "map",
    "time.Time": "struct",
    "time.Duration": "int64",
    "<nil>": "invalid",
}


class Texts(dict[str, str]):
    """A map that has an empty text for every other key, as sprig's split() gives it."""

    def get(self, key: str, default: Any = None) -> Any:
        return super().get(key, "" if default is None else default)


def is_empty(value: Any) -> bool:
    """Nothing, zero, false, or of no length."""
    if isinstance(value, Moment | Duration):
        return False
    return value is None or value == 0 or (isinstance(value, str | list | Mapping) and not value)


def fail(message: Any) -> Any:
    """Ends the step with a message."""
    raise BadExpression(str(message))


def from_json(value: Any) -> Any:
    """nil for what is no JSON."""
    try:
        return loads(str(value))
    except ValueError:
        return None


def must_from_json(value: Any) -> Any:
    try:
        return loads(str(value))
    except ValueError as error:
        raise BadExpression(f"mustFromJson(): {error}") from None


def raw_json(value: Any) -> str:
    """JSON in which nothing is escaped for web pages."""
    found = to_json(value)
    for char, code in (("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026")):
        found = found.replace(code, char)
    return found


def mapping(value: Any) -> dict[str, Any]:
    if isinstance(value, Mapping):
        return dict(value)
    raise BadExpression(f"{printed(value)} is no map")


def pairs(*values: Any) -> dict[str, Any]:
    keys, items = values[::2], [*values[1::2], *[""] * (len(values) % 2)]
    return {printed(key): item for key, item in zip(keys, items, strict=True)}


def merged(*maps: Any, overwrites: bool = False) -> dict[str, Any]:
    """The first map with what the others have more; where it ``overwrites``, theirs wins."""
    found = mapping(maps[0])
    for other in maps[1:]:
        for key, item in mapping(other).items():
            own = found.get(key)
            if isinstance(own, Mapping) and isinstance(item, Mapping):
                found[key] = merged(own, item, overwrites=overwrites)
            elif overwrites or is_empty(own):
                found[key] = item
    return found


def dug(*values: Any) -> Any:
    """``dig key … default map``."""
    if len(values) < 3:
        raise BadExpression("dig needs at least three arguments")
    *keys, default, found = values
    for key in keys:
        if key not in mapping(found):
            return default
        found = found[key]
    return found


def chunks(size: Any, values: Any) -> list[Any]:
    count = to_int(size)
    if count < 1:
        raise BadExpression("chunk(): a size below 1")
    items = sequence(values)
    return [items[at : at + count] for at in range(0, len(items), count)]


def sliced(values: Any, *bounds: Any) -> Any:
    items = sequence(values)
    start = to_int(bounds[0]) if bounds else 0
    end = to_int(bounds[1]) if len(bounds) > 1 else len(items)
    if not items:
        return None
    if not 0 <= start <= end <= len(items):
        raise BadExpression(f"slice bounds out of range [{start}:{end}]")
    return items[start:end]


def same(one: Any, other: Any) -> bool:
    """Also in kind: 1 is not 1.0."""
    return type(one) is type(other) and equal(one, other)


def uniq(values: Any) -> list[Any]:
    found: list[Any] = []
    for value in sequence(values):
        if not any(same(value, other) for other in found):
            found.append(value)
    return found


def type_of(value: Any) -> str:
    return "map[string]string" if isinstance(value, Texts) else TYPES.get(type(value), "<nil>")


def kind_of(value: Any) -> str:
    found = type_of(value)
    return "map" if found.startswith("map") else KINDS.get(found, found)


def _has(needle: Any, values: Any) -> bool:
    return values is not None and any(same(needle, value) for value in sequence(values))


def _without(values: Any, *others: Any) -> list[Any]:
    return [value for value in sequence(values) if not any(same(value, x) for x in others)]


PLAIN: dict[str, Callable[..., Any]] = {
    "append": lambda values, value: [*sequence(values), value],
    "push": lambda values, value: [*sequence(values), value],
    "prepend": lambda values, value: [value, *sequence(values)],
    "first": lambda values: next(iter(sequence(values)), None),
    "last": lambda values: next(reversed(sequence(values)), None),
    "rest": lambda values: sequence(values)[1:] if values else None,
    "initial": lambda values: sequence(values)[:-1] if values else None,
    "reverse": lambda values: sequence(values)[::-1],
    "compact": lambda values: [value for value in sequence(values) if not is_empty(value)],
    "uniq": uniq,
    "without": _without,
    "has": _has,
    "slice": sliced,
    "chunk": chunks,
    "merge": merged,
    "mergeOverwrite": lambda *maps: merged(*maps, overwrites=True),
    "deepCopy": lambda value: value,
    "toJson": to_json,
    "toPrettyJson": as_indented_json,
    "toRawJson": raw_json,
}
"""Functions that have a twin with ``must`` before the name."""
LISTS: dict[str, Callable[..., Any]] = {
    **PLAIN,
    **{f"must{name[0].upper()}{name[1:]}": function for name, function in PLAIN.items()},
    "list": lambda *values: list(values),
    "tuple": lambda *values: list(values),
    "concat": concat,
    "dict": pairs,
    "get": lambda value, key: mapping(value).get(key, ""),
    "set": lambda value, key, item: {**mapping(value), key: item},
    "unset": lambda value, key: {k: x for k, x in mapping(value).items() if k != key},
    "hasKey": lambda value, key: key in mapping(value),
    "pluck": lambda key, *maps: [item[key] for item in maps if key in mapping(item)],
    "keys": lambda *maps: [key for item in maps for key in sorted(mapping(item))],
    "values": lambda value: [value[key] for key in sorted(mapping(value))],
    "pick": lambda value, *keys: {k: x for k, x in mapping(value).items() if k in keys},
    "omit": lambda value, *keys: {k: x for k, x in mapping(value).items() if k not in keys},
    "dig": dug,
    "default": lambda other, *values: other if not values or is_empty(values[0]) else values[0],
    "empty": is_empty,
    "coalesce": lambda *values: next((value for value in values if not is_empty(value)), None),
    "all": lambda *values: not any(is_empty(value) for value in values),
    "any": lambda *values: not all(is_empty(value) for value in values),
    "ternary": lambda yes, no, test: yes if test is True else no,
    "fail": fail,
    "fromJson": from_json,
    "mustFromJson": must_from_json,
    "typeOf": type_of,
    "typeIs": lambda name, value: type_of(value) == name,
    "typeIsLike": lambda name, value: name in (type_of(value), f"*{type_of(value)}"),
    "kindOf": kind_of,
    "kindIs": lambda name, value: kind_of(value) == name,
    "deepEqual": same,
}
