"""What the operators of ``{{=…}}`` do with their operands, with bounds on what they may make."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cicd.emulator.workflow.expr.formatting import printed
from cicd.emulator.workflow.expr.patterns import BadPattern, compiled
from cicd.emulator.workflow.expr.time_methods import METHODS
from cicd.emulator.workflow.expr.times import Duration, Moment

LARGEST_LIST = 10_000
LONGEST_TEXT = 1_000_000
BITS = 2**64


class BadExpression(Exception):
    """The expression cannot be read or has no value; the message says why."""


def truth(value: Any) -> bool:
    """The value as a condition: only true and false are one."""
    if isinstance(value, bool):
        return value
    raise BadExpression(f"{shown(value)} is neither true nor false")


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def number(value: Any) -> Any:
    """The value as a number; a text is none, ``asInt`` and ``asFloat`` make one of it."""
    if is_number(value):
        return value
    hint = "; asInt() or asFloat() make a number of a text" if isinstance(value, str) else ""
    raise BadExpression(f"{shown(value)} is no number{hint}")


def whole(value: Any) -> int:
    """The value as a whole number; a fraction loses what is behind the point."""
    return wrapped(int(number(value)))


def wrapped(value: int) -> int:
    """The number as 64 bits hold it."""
    return (value + BITS // 2) % BITS - BITS // 2


def sequence(value: Any) -> list[Any]:
    """The value as a list."""
    if isinstance(value, list):
        return value
    raise BadExpression(f"{shown(value)} is no list")


def gone_through(value: Any) -> list[Any]:
    """The items that a closure is evaluated for: of a text its bytes."""
    return list(value.encode()) if isinstance(value, str) else sequence(value)


def text(value: Any) -> str:
    """The value as a text."""
    if isinstance(value, str):
        return value
    raise BadExpression(f"{shown(value)} is no text; string() makes one of it")


def shown(value: Any) -> str:
    """A value in a message, not too long."""
    found = repr(value) if isinstance(value, str | list | Mapping) else printed(value)
    found = "nil" if value is None else found
    return found if len(found) < 60 else f"{found[:57]}…"


def member(value: Any, key: Any) -> Any:
    """``value.key`` or ``value[key]``; what a map does not have is nil."""
    if isinstance(value, Mapping):
        return value.get(key)
    if isinstance(value, list | str) and is_number(key):
        items = value.encode() if isinstance(value, str) else value
        place = whole(key) + (len(items) if key < 0 else 0)
        if 0 <= place < len(items):
            return items[place]
        raise BadExpression(f"index out of range: {place} (array length is {len(items)})")
    cure = " (?. instead of . asks for what may not be there)" if value is None else ""
    raise BadExpression(f"cannot fetch {shown(key)} from {shown(value)}{cure}")


def method(value: Any, name: str) -> Callable[..., Any]:
    """``value.name(…)``: times and durations have some."""
    found = METHODS.get(type(value), {}).get(name)
    if not found:
        raise BadExpression(f"{shown(value)} has no function {name}()")
    return lambda *arguments: found(value, *arguments)


def part(value: Any, start: Any, end: Any) -> Any:
    """``value[start:end]`` of a list, or of the bytes of a text."""
    if not isinstance(value, list | str):
        raise BadExpression(f"cannot slice {shown(value)}")
    items = value.encode() if isinstance(value, str) else value
    cut = items[None if start is None else whole(start) : None if end is None else whole(end)]
    return cut.decode(errors="replace") if isinstance(cut, bytes) else cut


def span(start: Any, end: Any) -> list[int]:
    """``start..end``, both included."""
    if number(end) - number(start) >= LARGEST_LIST:
        raise BadExpression(f"more than {LARGEST_LIST} items")
    return list(range(whole(start), whole(end) + 1))


def negative(value: Any) -> Any:
    """``-value``."""
    found = -number(value)
    return wrapped(found) if isinstance(found, int) else found


def add(left: Any, right: Any) -> Any:
    """Numbers are added; texts joined; a time moved by a duration."""
    if isinstance(left, str) and isinstance(right, str):
        return limited(left + right)
    for one, other in ((left, right), (right, left)):
        if isinstance(one, Moment) and isinstance(other, Duration):
            return one.moved(other)
    if isinstance(left, Duration) and isinstance(right, Duration):
        return Duration(left.nanoseconds + right.nanoseconds)
    if isinstance(left, str) or isinstance(right, str):
        raise BadExpression(f"cannot add {shown(left)} and {shown(right)}")
    return _arithmetic(lambda one, other: one + other)(left, right)


def _subtract(left: Any, right: Any) -> Any:
    if isinstance(left, Moment) and isinstance(right, Moment):
        return left.since(right)
    if isinstance(left, Moment) and isinstance(right, Duration):
        return left.moved(Duration(-right.nanoseconds))
    if isinstance(left, Duration) and isinstance(right, Duration):
        return Duration(left.nanoseconds - right.nanoseconds)
    return _arithmetic(lambda one, other: one - other)(left, right)


def _multiply(left: Any, right: Any) -> Any:
    for one, other in ((left, right), (right, left)):
        if isinstance(one, Duration) and is_number(other):
            return Duration(int(one.nanoseconds * other))
    return _arithmetic(lambda one, other: one * other)(left, right)


def _arithmetic(function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def operate(left: Any, right: Any) -> Any:
        found = function(number(left), number(right))
        return wrapped(found) if isinstance(found, int) else found

    return operate


def divide(left: Any, right: Any) -> float:
    """Always a fraction."""
    one, other = float(number(left)), float(number(right))
    if other:
        return one / other
    return math.nan if not one or math.isnan(one) else math.copysign(math.inf, one)


def power(left: Any, right: Any) -> float:
    """Always a fraction."""
    one, other = float(number(left)), float(number(right))
    try:
        return math.pow(one, other)
    except OverflowError:
        return -math.inf if one < 0 and other % 2 == 1 else math.inf
    except ValueError:
        return math.nan if one else math.inf


def remainder(left: Any, right: Any) -> int:
    """Of whole numbers, with the sign of the left side, as in Go."""
    if not isinstance(number(left), int) or not isinstance(number(right), int):
        raise BadExpression("% is only for whole numbers")
    if right == 0:
        raise BadExpression("integer divide by zero")
    found: int = abs(left) % abs(right)
    return found if left >= 0 else -found


def is_in(left: Any, right: Any) -> bool:
    """An item of a list, or a key of a map; nothing is in nil."""
    if right is None:
        return False
    if isinstance(right, list):
        return any(equal(left, item) for item in right)
    if isinstance(right, Mapping):
        return isinstance(left, str) and left in right
    raise BadExpression(f"{shown(right)} is neither a list nor a map")


def less(left: Any, right: Any) -> bool:
    """Of two numbers, texts, times or durations."""
    if isinstance(left, str) and isinstance(right, str):
        return left.encode() < right.encode()
    for kind in (Moment, Duration):
        if isinstance(left, kind) and isinstance(right, kind):
            return bool(left.nanoseconds < right.nanoseconds)
    return bool(number(left) < number(right))


def _at_most(left: Any, right: Any) -> bool:
    if is_number(left) and is_number(right):
        return bool(left <= right)
    return not less(right, left)


def equal(left: Any, right: Any) -> bool:
    """Equal in sort and value: ``1 == 1.0``, but not ``"1" == 1`` nor ``true == 1``."""
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(equal, left, right))
    return isinstance(left, bool) == isinstance(right, bool) and bool(left == right)


def matches(left: Any, right: Any) -> bool:
    """Whether the pattern on the right is found on the left."""
    if left is None or right is None:
        return False
    try:
        return compiled(text(right)).search(text(left)) is not None
    except BadPattern as error:
        raise BadExpression(str(error)) from None


def _of_texts(function: Callable[[str, str], bool]) -> Callable[[Any, Any], bool]:
    def operate(left: Any, right: Any) -> bool:
        return False if left is None or right is None else function(text(left), text(right))

    return operate


BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "+": add,
    "-": _subtract,
    "*": _multiply,
    "/": divide,
    "%": remainder,
    "**": power,
    "^": power,
    "..": span,
    "==": equal,
    "!=": lambda left, right: not equal(left, right),
    "<": less,
    ">": lambda left, right: less(right, left),
    "<=": _at_most,
    ">=": lambda left, right: _at_most(right, left),
    "in": is_in,
    "matches": matches,
    "contains": _of_texts(lambda left, right: right in left),
    "startsWith": _of_texts(str.startswith),
    "endsWith": _of_texts(str.endswith),
}


def short(value: Any) -> Any:
    """The same, unless it is a text that is larger than an expression may make it."""
    return limited(value) if isinstance(value, str) else value


def limited(values: Sequence[Any]) -> Any:
    """The same, unless it is larger than an expression may make it."""
    bound = LONGEST_TEXT if isinstance(values, str) else LARGEST_LIST
    if len(values) > bound:
        raise BadExpression(f"a result of more than {bound}")
    return values
