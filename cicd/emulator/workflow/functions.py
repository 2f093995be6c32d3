"""The functions of ``{{=…}}`` that Argo and expr-lang bring, except sprig's."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cicd.emulator.workflow.operators import BadExpression, equal, limited, number, sequence, text

Each = Callable[[Any], Any]


def as_int(value: Any) -> int:
    """Argo's asInt: a whole number, or a text that is one."""
    if isinstance(value, bool):
        raise BadExpression("asInt() of true or false")
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        raise BadExpression(f"asInt(): {value!r} is no whole number") from None


def as_float(value: Any) -> float:
    """Argo's asFloat."""
    try:
        return float(value)
    except (TypeError, ValueError):
        raise BadExpression(f"asFloat(): {value!r} is no number") from None


def as_string(value: Any) -> str:
    """Argo's string: a text as it is, numbers and flags written out, all else as JSON."""
    if isinstance(value, str):
        return value
    if value is None:
        return "<nil>"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e21:
        return str(int(value))
    return to_json(value)


def to_json(value: Any) -> str:
    """The value as JSON without blanks, keys sorted as Go does."""
    try:
        return json.dumps(_plain(value), ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    except TypeError as error:
        raise BadExpression(f"toJson(): {error}") from None


def _plain(value: Any) -> Any:
    """Fractions without a fraction as whole numbers, as Go writes them."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e21:
        return int(value)
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def from_json(value: Any) -> Any:
    """The value that a JSON text stands for."""
    try:
        return json.loads(text(value))
    except ValueError as error:
        raise BadExpression(f"fromJSON(): {error}") from None


def jsonpath(document: Any, path: Any) -> Any:
    """Argo's jsonpath: ``$.a.b[0]``, ``$['a']``, ``$.items[*].name``, ``$..name``."""
    value = from_json(document) if isinstance(document, str) else document
    found = [value]
    is_many = False
    steps = re.compile(r"(\.\.)?\.?(?:([\w-]+)|\*|\[(?:'([^']*)'|\"([^\"]*)\"|(-?\d+)|\*)\])")
    rest = text(path).strip()
    if not rest.startswith("$"):
        raise BadExpression(f"jsonpath(): {path!r} must start with $")
    position = 1
    while position < len(rest):
        match = steps.match(rest, position)
        if not match or match.end() == position:
            raise BadExpression(f"jsonpath(): cannot read {rest[position:]!r}")
        if match[1]:
            found, is_many = [deep for item in found for deep in _all(item)], True
        key = next((part for part in (match[2], match[3], match[4]) if part is not None), None)
        is_many = is_many or (key is None and match[5] is None)
        found = [down for item in found for down in _down(item, key, match[5])]
        position = match.end()
    if is_many:
        return found
    if not found:
        raise BadExpression(f"jsonpath(): nothing at {path}")
    return found[0]


def _down(item: Any, key: str | None, index: str | None) -> list[Any]:
    if key is not None:
        return [item[key]] if isinstance(item, Mapping) and key in item else []
    if index is not None:
        place = int(index)
        is_there = isinstance(item, list) and -len(item) <= place < len(item)
        return [item[place]] if is_there else []
    if isinstance(item, Mapping):
        return list(item.values())
    return item if isinstance(item, list) else []


def _all(item: Any) -> list[Any]:
    inner = item.values() if isinstance(item, Mapping) else item if isinstance(item, list) else ()
    return [item, *(deep for value in inner for deep in _all(value))]


def kind_of(value: Any) -> str:
    """expr-lang's type()."""
    names = {bool: "bool", int: "int", float: "float", str: "string", list: "array", dict: "map"}
    return names.get(type(value), "nil")


def index_of(where: Any, what: Any) -> int:
    """The first place of a text in a text, -1 for none."""
    return text(where).find(text(what))


def split(value: Any, separator: Any, limit: int = -1) -> list[str]:
    """The parts of a text."""
    if separator == "":
        return list(text(value))
    return text(value).split(text(separator), max(-1, limit - 1))


def join(values: Any, separator: Any = "") -> str:
    """The texts of a list, joined."""
    return text(separator).join(map(text, sequence(values)))


def uniq(values: Any) -> list[Any]:
    """Every value once, in order."""
    found: list[Any] = []
    for value in sequence(values):
        if not any(equal(value, other) for other in found):
            found.append(value)
    return found


def flatten(values: Any) -> list[Any]:
    """Lists in lists taken apart."""
    return [
        deep
        for value in sequence(values)
        for deep in (flatten(value) if isinstance(value, list) else [value])
    ]


def repeat(value: Any, count: Any) -> Any:
    """A text several times."""
    if len(text(value)) * int(number(count)) > 1_000_000:
        raise BadExpression("repeat(): the text would be too long")
    return text(value) * int(count)


def numbers(values: Sequence[Any]) -> list[Any]:
    """The arguments of min, max, sum …: numbers, or one list of them."""
    found = values[0] if len(values) == 1 and isinstance(values[0], list) else values
    return [number(value) for value in found]


def concat(*lists: Any) -> list[Any]:
    """Lists one after the other."""
    return list(limited([item for one in lists for item in sequence(one)]))


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "asInt": as_int,
    "asFloat": as_float,
    "int": as_int,
    "float": as_float,
    "string": as_string,
    "toJson": to_json,
    "toJSON": to_json,
    "fromJSON": from_json,
    "jsonpath": jsonpath,
    "len": len,
    "type": kind_of,
    "abs": lambda value: abs(number(value)),
    "ceil": lambda value: float(math.ceil(number(value))),
    "floor": lambda value: float(math.floor(number(value))),
    "round": lambda value: float(math.floor(abs(number(value)) + 0.5)) * (1 if value >= 0 else -1),
    "min": lambda *values: min(numbers(values)),
    "max": lambda *values: max(numbers(values)),
    "sum": lambda values: sum(numbers([values])),
    "mean": lambda values: sum(numbers([values])) / len(values),
    "trim": lambda value, cut=None: text(value).strip(cut),
    "trimPrefix": lambda value, cut=" ": text(value).removeprefix(cut),
    "trimSuffix": lambda value, cut=" ": text(value).removesuffix(cut),
    "upper": lambda value: text(value).upper(),
    "lower": lambda value: text(value).lower(),
    "split": split,
    "join": join,
    "replace": lambda value, old, new: text(value).replace(text(old), text(new)),
    "repeat": repeat,
    "indexOf": index_of,
    "lastIndexOf": lambda where, what: text(where).rfind(text(what)),
    "hasPrefix": lambda value, start: text(value).startswith(text(start)),
    "hasSuffix": lambda value, end: text(value).endswith(text(end)),
    "first": lambda values: next(iter(sequence(values)), None),
    "last": lambda values: next(reversed(sequence(values)), None),
    "take": lambda values, count: sequence(values)[: as_int(count)],
    "keys": lambda value: sorted(value),
    "values": lambda value: [value[key] for key in sorted(value)],
    "sort": lambda values: sorted(sequence(values)),
    "reverse": lambda values: sequence(values)[::-1],
    "concat": concat,
    "uniq": uniq,
    "flatten": flatten,
}
CLOSURES: dict[str, Callable[[list[Any], Each], Any]] = {
    "map": lambda items, each: [each(item) for item in items],
    "filter": lambda items, each: [item for item in items if each(item) is True],
    "find": lambda items, each: next((item for item in items if each(item) is True), None),
    "all": lambda items, each: all(each(item) is True for item in items),
    "any": lambda items, each: any(each(item) is True for item in items),
    "none": lambda items, each: not any(each(item) is True for item in items),
    "one": lambda items, each: sum(each(item) is True for item in items) == 1,
    "count": lambda items, each: sum(each(item) is True for item in items),
    "sortBy": lambda items, each: sorted(items, key=each),
}
