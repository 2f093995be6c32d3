"""The functions of ``{{=sprig.…()}}``; what is random or reads the machine is not among them.

A run is walked through again and again, also after a restart, so the same expression must always
have the same value.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from cicd.emulator.workflow.functions import as_string, concat, repeat, to_json, uniq
from cicd.emulator.workflow.operators import BadExpression, number, sequence, span


def to_int(value: Any) -> int:
    """0 for what is no number, as in sprig."""
    try:
        return int(value.strip() or "0", 0) if isinstance(value, str) else int(float(value))
    except (TypeError, ValueError, OverflowError):
        return 0


def to_float(value: Any) -> float:
    """0 for what is no number, as in sprig."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return 0.0


def is_empty(value: Any) -> bool:
    """Nothing, zero, false, or of no length."""
    return value is None or value in (0, False, "") or value == [] or value == {}


def required(message: Any, value: Any) -> Any:
    """The value, unless there is none."""
    if value is None or value == "":
        raise BadExpression(str(message))
    return value


def fail(message: Any) -> Any:
    """Ends the step with a message."""
    raise BadExpression(str(message))


def whole(value: float) -> int:
    return int(number(value))


def divided(left: Any, right: Any) -> int:
    """Whole division towards zero, as in Go."""
    if to_int(right) == 0:
        raise BadExpression("division by zero")
    quotient = abs(to_int(left)) // abs(to_int(right))
    return quotient if (to_int(left) < 0) == (to_int(right) < 0) else -quotient


def product(values: Any) -> int:
    found = 1
    for value in values:
        found *= to_int(value)
    return found


def digest(name: str) -> Callable[[Any], str]:
    return lambda value: hashlib.new(name, str(value).encode(), usedforsecurity=False).hexdigest()


def decoded(value: Any) -> str:
    try:
        return base64.b64decode(str(value), validate=True).decode()
    except ValueError as error:
        raise BadExpression(f"b64dec(): {error}") from None


def title(value: Any) -> str:
    return re.sub(r"\b[a-z]", lambda match: match[0].upper(), str(value))


def words(value: Any, separator: str) -> str:
    """``FirstName`` as ``first_name`` or ``first-name``."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[\s_-]+", " ", str(value)).split()
    return separator.join(word.lower() for word in parted)


def camel(value: Any) -> str:
    return "".join(word[:1].upper() + word[1:] for word in re.split(r"[\s_-]+", str(value)))


def picked(value: Mapping[str, Any], keys: tuple[Any, ...], *, keep: bool) -> dict[str, Any]:
    return {key: item for key, item in value.items() if (key in keys) is keep}


def pairs(values: tuple[Any, ...]) -> dict[str, Any]:
    keys, items = values[::2], [*values[1::2], *[""] * (len(values) % 2)]
    return {str(key): item for key, item in zip(keys, items, strict=True)}


def part(start: Any, end: Any, value: Any) -> str:
    """``substr start end text``; negative bounds mean open ones."""
    return str(value)[max(0, to_int(start)) : to_int(end) if to_int(end) >= 0 else None]


def indented(count: Any, value: Any) -> str:
    pad = " " * min(to_int(count), 1000)
    return pad + str(value).replace("\n", f"\n{pad}")


TEXTS: dict[str, Callable[..., Any]] = {
    "trim": lambda value: str(value).strip(),
    "trimAll": lambda cut, value: str(value).strip(cut),
    "trimPrefix": lambda cut, value: str(value).removeprefix(cut),
    "trimSuffix": lambda cut, value: str(value).removesuffix(cut),
    "upper": lambda value: str(value).upper(),
    "lower": lambda value: str(value).lower(),
    "title": title,
    "untitle": lambda value: re.sub(r"\b[A-Z]", lambda match: match[0].lower(), str(value)),
    "repeat": lambda count, value: repeat(value, count),
    "substr": part,
    "trunc": lambda count, value: str(value)[:count] if count >= 0 else str(value)[count:],
    "contains": lambda what, value: what in str(value),
    "hasPrefix": lambda start, value: str(value).startswith(start),
    "hasSuffix": lambda end, value: str(value).endswith(end),
    "quote": lambda *values: " ".join(json.dumps(as_string(value)) for value in values),
    "squote": lambda *values: " ".join(f"'{as_string(value)}'" for value in values),
    "cat": lambda *values: " ".join(as_string(value) for value in values if value is not None),
    "indent": indented,
    "nindent": lambda count, value: "\n" + indented(count, value),
    "nospace": lambda value: re.sub(r"\s", "", str(value)),
    "replace": lambda old, new, value: str(value).replace(old, new),
    "snakecase": lambda value: words(value, "_"),
    "kebabcase": lambda value: words(value, "-"),
    "camelcase": camel,
    "regexMatch": lambda pattern, value: re.search(pattern, str(value)) is not None,
    "regexFind": lambda pattern, value: (re.search(pattern, str(value)) or [""])[0],
    "regexReplaceAll": lambda pattern, value, new: re.sub(
        pattern, re.sub(r"\$\{?(\d+)\}?", r"\\g<\1>", new), str(value)
    ),
    "split": lambda cut, value: {f"_{i}": x for i, x in enumerate(str(value).split(cut))},
    "splitList": lambda cut, value: str(value).split(cut),
    "join": lambda cut, values: cut.join(as_string(value) for value in sequence(values)),
    "sortAlpha": lambda values: sorted(as_string(value) for value in sequence(values)),
    "toString": as_string,
    "toStrings": lambda values: [as_string(value) for value in sequence(values)],
    "b64enc": lambda value: base64.b64encode(str(value).encode()).decode(),
    "b64dec": decoded,
    "sha1sum": digest("sha1"),
    "sha256sum": digest("sha256"),
    "base": lambda value: str(value).rstrip("/").rpartition("/")[2],
    "dir": lambda value: str(value).rpartition("/")[0] or ".",
}
NUMBERS: dict[str, Callable[..., Any]] = {
    "add": lambda *values: sum(map(to_int, values)),
    "add1": lambda value: to_int(value) + 1,
    "sub": lambda left, right: to_int(left) - to_int(right),
    "mul": lambda *values: product(values),
    "div": divided,
    "mod": lambda left, right: to_int(left) - divided(left, right) * to_int(right),
    "max": lambda *values: max(map(to_int, values)),
    "min": lambda *values: min(map(to_int, values)),
    "floor": lambda value: float(to_float(value) // 1),
    "ceil": lambda value: float(-(-to_float(value) // 1)),
    "round": lambda value, places: round(to_float(value) + 1e-12, to_int(places)),
    "int": to_int,
    "int64": to_int,
    "float64": to_float,
    "atoi": to_int,
    "until": lambda count: span(0, to_int(count) - 1),
    "untilStep": lambda start, end, step: list(range(start, end, step))[:10_000],
}
VALUES: dict[str, Callable[..., Any]] = {
    "default": lambda other, value=None: other if is_empty(value) else value,
    "empty": is_empty,
    "coalesce": lambda *values: next((value for value in values if not is_empty(value)), None),
    "ternary": lambda yes, no, test: yes if test else no,
    "required": required,
    "fail": fail,
    "list": lambda *values: list(values),
    "dict": lambda *values: pairs(values),
    "get": lambda value, key: value.get(key, ""),
    "hasKey": lambda value, key: key in value,
    "keys": lambda value: sorted(value),
    "values": lambda value: [value[key] for key in sorted(value)],
    "pick": lambda value, *keys: picked(value, keys, keep=True),
    "omit": lambda value, *keys: picked(value, keys, keep=False),
    "merge": lambda *values: {
        key: item for value in reversed(values) for key, item in value.items()
    },
    "first": lambda values: next(iter(sequence(values)), None),
    "last": lambda values: next(reversed(sequence(values)), None),
    "rest": lambda values: sequence(values)[1:],
    "initial": lambda values: sequence(values)[:-1],
    "append": lambda values, value: [*sequence(values), value],
    "prepend": lambda values, value: [value, *sequence(values)],
    "concat": concat,
    "reverse": lambda values: sequence(values)[::-1],
    "uniq": uniq,
    "has": lambda what, values: what in sequence(values),
    "without": lambda values, *others: [value for value in sequence(values) if value not in others],
    "slice": lambda values, *bounds: sequence(values)[slice(*(bounds or (None,)))],
    "toJson": to_json,
    "fromJson": lambda value: json.loads(str(value)),
    "len": len,
}
SPRIG = {**TEXTS, **NUMBERS, **VALUES}
