"""The functions of ``{{=…}}`` that expr-lang and Argo bring, except closures and sprig's."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from datetime import tzinfo
from typing import Any

from cicd.emulator.workflow.expr.chance import Chance
from cicd.emulator.workflow.expr.closures import in_order
from cicd.emulator.workflow.expr.formatting import escaped, printed, to_json
from cicd.emulator.workflow.expr.jsonpath import jsonpath
from cicd.emulator.workflow.expr.layouts import RFC3339, parsed
from cicd.emulator.workflow.expr.number_functions import NUMBERS
from cicd.emulator.workflow.expr.operators import (
    BadExpression,
    equal,
    limited,
    member,
    sequence,
    text,
    whole,
)
from cicd.emulator.workflow.expr.raw_json import loads
from cicd.emulator.workflow.expr.times import BadTime, Duration, Moment, at, duration_of, zone_of

DATES = (
    "2006-01-02",
    "15:04:05",
    "2006-01-02 15:04:05",
    RFC3339,
    "02 Jan 06 15:04 MST",
    "Monday, 02-Jan-06 15:04:05 MST",
    "Mon, 02 Jan 2006 15:04:05 MST",
)
"""Layouts that ``date()`` tries."""
KINDS = {bool: "bool", int: "int", float: "float", str: "string", list: "array", dict: "map"}


def as_json(value: Any) -> str:
    """Argo's toJson: without blanks."""
    try:
        return to_json(value)
    except (TypeError, ValueError) as error:
        raise BadExpression(f"toJson(): {error}") from None


class _Digits(str):
    """A number as it is written."""


def as_indented_json(value: Any) -> str:
    """expr-lang's toJSON: two blanks for each level."""
    digits = json.loads(as_json(value), parse_float=_Digits, parse_int=_Digits)
    return escaped(_indented(digits, "\n"))


def _indented(value: Any, line: str) -> str:
    inner = f"{line}  "
    if isinstance(value, dict) and value:
        pairs = (
            f"{json.dumps(key, ensure_ascii=False)}: {_indented(item, inner)}"
            for key, item in value.items()
        )
        return f"{{{inner}{f',{inner}'.join(pairs)}{line}}}"
    if isinstance(value, list) and value:
        return f"[{inner}{f',{inner}'.join(_indented(item, inner) for item in value)}{line}]"
    return str(value) if isinstance(value, _Digits) else json.dumps(value, ensure_ascii=False)


def from_json(value: Any) -> Any:
    """The value that a JSON text stands for."""
    try:
        return loads(text(value))
    except ValueError as error:
        raise BadExpression(f"fromJSON(): {error}") from None


def length(value: Any) -> int:
    if isinstance(value, str | list | Mapping):
        return len(value)
    raise BadExpression(f"invalid argument for len (type {kind_of(value)})")


def kind_of(value: Any) -> str:
    """expr-lang's type()."""
    if isinstance(value, Moment | Duration):
        return "time.Time" if isinstance(value, Moment) else "time.Duration"
    return KINDS.get(type(value), "nil")


def index_of(where: Any, what: Any) -> int:
    """The first place, in bytes, of a text in a text, -1 for none."""
    return text(where).encode().find(text(what).encode())


def last_index_of(where: Any, what: Any) -> int:
    return text(where).encode().rfind(text(what).encode())


def split(value: Any, separator: Any, limit: Any = -1) -> list[str]:
    """The parts of a text, at most ``limit`` of them; of nothing: its characters."""
    most = whole(limit)
    if most == 0:
        return []
    if separator == "":
        chars = list(text(value))
        return (
            chars
            if most < 0 or most >= len(chars)
            else [*chars[: most - 1], "".join(chars[most - 1 :])]
        )
    return text(value).split(text(separator), most - 1 if most > 0 else -1)


def split_after(value: Any, separator: Any, limit: Any = -1) -> list[str]:
    parts = split(value, separator, limit)
    return [*(f"{part}{separator}" for part in parts[:-1]), *parts[-1:]]


def join(values: Any, separator: Any = "") -> str:
    """The texts of a list, joined."""
    found: str = limited(text(separator).join(map(text, sequence(values))))
    return found


def replace(value: Any, old: Any, new: Any, count: Any = -1) -> str:
    found: str = limited(text(value).replace(text(old), text(new), whole(count)))
    return found


def repeat(value: Any, count: Any) -> str:
    """A text several times."""
    if whole(count) < 0:
        raise BadExpression(f"invalid argument for repeat (expected positive integer, got {count})")
    if len(text(value)) * whole(count) > 1_000_000:
        raise BadExpression("repeat(): the text would be too long")
    return text(value) * whole(count)


def upper(value: Any) -> str:
    return "".join(char.upper() if len(char.upper()) == 1 else char for char in text(value))


def lower(value: Any) -> str:
    return "".join(char.lower() if len(char.lower()) == 1 else char for char in text(value))


def trim(value: Any, cut: Any = None) -> str:
    return text(value).strip(None if cut is None else text(cut))


def get(value: Any, key: Any) -> Any:
    """``value[key]``, nil where there is none."""
    try:
        return member(value, key)
    except BadExpression:
        return None


def ended(values: Any, place: int) -> Any:
    """The first or last item, nil of nothing."""
    return get(values, place) if isinstance(values, list | str) else None


def take(values: Any, count: Any) -> list[Any]:
    if whole(count) < 0:
        raise BadExpression("take(): a count below 0")
    return sequence(values)[: whole(count)]


def mapping(value: Any) -> Mapping[str, Any]:
    if isinstance(value, Mapping):
        return value
    raise BadExpression(f"{kind_of(value)} is no map")


def from_pairs(values: Any) -> dict[str, Any]:
    found = {}
    for pair in sequence(values):
        if not isinstance(pair, list) or len(pair) != 2:
            raise BadExpression(f"invalid pair {printed(pair)}")
        found[text(pair[0])] = pair[1]
    return found


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


def concat(*lists: Any) -> list[Any]:
    """Lists one after the other."""
    if not lists:
        raise BadExpression("concat(): needs a list")
    return list(limited([item for one in lists for item in sequence(one)]))


def sort(values: Any, order: Any = "asc") -> list[Any]:
    found = [] if values is None else sequence(values)
    return in_order(found, found, text(order))


def to_base64(value: Any) -> str:
    return base64.b64encode(text(value).encode()).decode()


def from_base64(value: Any) -> str:
    try:
        return base64.b64decode(text(value), validate=True).decode(errors="replace")
    except ValueError as error:
        raise BadExpression(f"fromBase64(): {error}") from None


def date(first: Any, *rest: Any) -> Moment:
    """A time from a text, with a layout and a zone if they are given."""
    zone = zone_of("UTC")
    if isinstance(first, tzinfo):
        zone, first, rest = first, rest[0], rest[1:]
    if len(rest) == 2:
        zone = zone_of(text(rest[1]))
    for layout in (text(rest[0]),) if rest else DATES:
        try:
            return parsed(layout, text(first), zone)
        except BadTime as error:
            if rest:
                raise BadExpression(str(error)) from None
    raise BadExpression(f"invalid date {first}")


def duration(value: Any) -> Duration:
    try:
        return duration_of(text(value))
    except BadTime as error:
        raise BadExpression(str(error)) from None


def now(chance: Chance, zone: Any = None) -> Moment:
    return Moment(at(chance.now).nanoseconds, zone or zone_of("UTC"))


FUNCTIONS: dict[str, Callable[..., Any]] = {
    **NUMBERS,
    "string": printed,
    "toJson": as_json,
    "toJSON": as_indented_json,
    "fromJSON": from_json,
    "jsonpath": jsonpath,
    "len": length,
    "type": kind_of,
    "trim": trim,
    "trimPrefix": lambda value, cut=" ": text(value).removeprefix(text(cut)),
    "trimSuffix": lambda value, cut=" ": text(value).removesuffix(text(cut)),
    "upper": upper,
    "lower": lower,
    "split": split,
    "splitAfter": split_after,
    "join": join,
    "replace": replace,
    "repeat": repeat,
    "indexOf": index_of,
    "lastIndexOf": last_index_of,
    "hasPrefix": lambda value, start: text(value).startswith(text(start)),
    "hasSuffix": lambda value, end: text(value).endswith(text(end)),
    "first": lambda values: ended(values, 0),
    "last": lambda values: ended(values, -1),
    "get": get,
    "take": take,
    "keys": lambda value: sorted(mapping(value)),
    "values": lambda value: [value[key] for key in sorted(mapping(value))],
    "toPairs": lambda value: [[key, value[key]] for key in sorted(mapping(value))],
    "fromPairs": from_pairs,
    "sort": sort,
    "reverse": lambda values: sequence(values)[::-1],
    "concat": concat,
    "uniq": uniq,
    "flatten": flatten,
    "toBase64": to_base64,
    "fromBase64": from_base64,
    "date": date,
    "duration": duration,
    "timezone": lambda name: zone_of(text(name)),
}
DRAWN: dict[str, Callable[..., Any]] = {"now": now}
"""Functions that also take where the time and chance come from."""
