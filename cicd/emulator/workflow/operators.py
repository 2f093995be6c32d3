"""What the operators of ``{{=…}}`` do with their operands, with bounds on what they may make."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

LARGEST_LIST = 10_000
LONGEST_TEXT = 1_000_000


class BadExpression(Exception):
    """The expression cannot be read or has no value; the message says why."""


def truth(value: Any) -> bool:
    """The value as a condition: only true and false are one."""
    if isinstance(value, bool):
        return value
    raise BadExpression(f"{shown(value)} is neither true nor false")


def number(value: Any) -> Any:
    """The value as a number; a text is none, ``asInt`` and ``asFloat`` make one of it."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    hint = "; asInt() or asFloat() make a number of a text" if isinstance(value, str) else ""
    raise BadExpression(f"{shown(value)} is no number{hint}")


def sequence(value: Any) -> list[Any]:
    """The value as a list."""
    if isinstance(value, list):
        return value
    raise BadExpression(f"{shown(value)} is no list")


def text(value: Any) -> str:
    """The value as a text."""
    if isinstance(value, str):
        return value
    raise BadExpression(f"{shown(value)} is no text; string() makes one of it")


def shown(value: Any) -> str:
    """A value in a message, not too long."""
    found = repr(value)
    return found if len(found) < 60 else f"{found[:57]}…"


def member(value: Any, key: Any, *, is_optional: bool = False) -> Any:
    """``value.key`` or ``value[key]``."""
    if value is None and is_optional:
        return None
    if isinstance(value, Mapping):
        if key in value:
            return value[key]
        raise BadExpression(f"there is no {key!r} among {', '.join(map(str, value)) or 'nothing'}")
    if isinstance(value, list | str) and isinstance(key, int) and not isinstance(key, bool):
        try:
            return value[key]
        except IndexError:
            raise BadExpression(f"there is no item {key} of {len(value)}") from None
    raise BadExpression(f"{shown(value)} has no {key!r}")


def part(value: Any, start: Any, end: Any) -> Any:
    """``value[start:end]`` of a list or text."""
    if not isinstance(value, list | str):
        raise BadExpression(f"{shown(value)} is neither a list nor a text")
    return value[start:end]


def span(start: Any, end: Any) -> list[int]:
    """``start..end``, both included."""
    if number(end) - number(start) >= LARGEST_LIST:
        raise BadExpression(f"more than {LARGEST_LIST} items")
    return list(range(int(start), int(end) + 1))


def add(left: Any, right: Any) -> Any:
    """Numbers are added; texts joined."""
    if isinstance(left, str) and isinstance(right, str):
        return left + right
    if isinstance(left, str) or isinstance(right, str):
        raise BadExpression(f"cannot add {shown(left)} and {shown(right)}")
    return number(left) + number(right)


def power(left: Any, right: Any) -> Any:
    """Always a fraction, as in expr-lang."""
    return float(number(left)) ** float(number(right))


def remainder(left: Any, right: Any) -> Any:
    """With the sign of the left side, as in Go."""
    found = abs(number(left)) % abs(number(right))
    return found if left >= 0 else -found


def is_in(left: Any, right: Any) -> bool:
    """An item of a list, or a key of a map."""
    if isinstance(right, list | Mapping):
        return left in right
    raise BadExpression(f"{shown(right)} is neither a list nor a map")


def compared(function: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    """An order of two numbers or two texts."""

    def compare(left: Any, right: Any) -> bool:
        if isinstance(left, str) and isinstance(right, str):
            return function(left, right)
        return function(number(left), number(right))

    return compare


def equal(left: Any, right: Any) -> bool:
    """Equal in sort and value: ``1 == 1.0``, but not ``"1" == 1`` nor ``true == 1``."""
    return isinstance(left, bool) == isinstance(right, bool) and bool(left == right)


BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "+": add,
    "-": lambda left, right: number(left) - number(right),
    "*": lambda left, right: number(left) * number(right),
    "/": lambda left, right: number(left) / number(right),
    "%": remainder,
    "**": power,
    "..": span,
    "==": equal,
    "!=": lambda left, right: not equal(left, right),
    "<": compared(lambda left, right: left < right),
    ">": compared(lambda left, right: left > right),
    "<=": compared(lambda left, right: left <= right),
    ">=": compared(lambda left, right: left >= right),
    "in": is_in,
    "matches": lambda left, right: re.search(text(right), text(left)) is not None,
    "contains": lambda left, right: text(right) in text(left),
    "startsWith": lambda left, right: text(left).startswith(text(right)),
    "endsWith": lambda left, right: text(left).endswith(text(right)),
}


def limited(values: Sequence[Any]) -> Sequence[Any]:
    """The same, unless it is larger than an expression may make it."""
    bound = LONGEST_TEXT if isinstance(values, str) else LARGEST_LIST
    if len(values) > bound:
        raise BadExpression(f"a result of more than {bound}")
    return values
