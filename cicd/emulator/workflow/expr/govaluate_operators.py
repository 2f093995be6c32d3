"""What govaluate's operators do with their operands, and which operands they refuse."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

from cicd.emulator.workflow.expr.conditions import BadCondition
from cicd.emulator.workflow.expr.formatting import printed
from cicd.emulator.workflow.expr.patterns import BadPattern, compiled

LONGEST = 1_000_000
"""Characters that a text may come to."""
BITS = 2**64
Operator = Callable[[Any, Any], Any]


class Pattern:
    """A regular expression that is known to be one."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.compiled = _pattern(source)

    def __str__(self) -> str:
        return self.source


def is_list(value: Any) -> bool:
    return isinstance(value, list)


def is_number(value: Any) -> bool:
    return isinstance(value, float)


def is_text(value: Any) -> bool:
    return isinstance(value, str)


def _pattern(source: str) -> re.Pattern[str]:
    try:
        return compiled(source)
    except BadPattern as error:
        raise BadCondition(f"Unable to compile regexp pattern '{source}': {error}") from None


def _refused(value: Any, kind: str, symbol: str) -> BadCondition:
    return BadCondition(
        f"Value '{printed(value)}' cannot be used with the {kind} '{symbol}', it is not a number"
    )


def _arithmetic(symbol: str, function: Callable[[float, float], float]) -> Operator:
    def operate(left: Any, right: Any) -> Any:
        for value in (left, right):
            if not is_number(value):
                raise _refused(value, "modifier", symbol)
        return float(function(left, right))

    return operate


def _add(left: Any, right: Any) -> Any:
    if is_text(left) or is_text(right):
        found = f"{printed(left)}{printed(right)}"
        if len(found) > LONGEST:
            raise BadCondition(f"a text of more than {LONGEST} characters")
        return found
    if not is_number(left) or not is_number(right):
        raise _refused(left, "modifier", "+")
    return left + right


def _divide(left: float, right: float) -> float:
    if right:
        return left / right
    is_negative = math.copysign(1, left) * math.copysign(1, right) < 0
    return math.nan if not left or math.isnan(left) else -math.inf if is_negative else math.inf


def _remainder(left: float, right: float) -> float:
    if not right or math.isinf(left):
        return math.nan  # Python refuses both
    return math.fmod(left, right)


def _power(left: float, right: float) -> float:
    try:
        return math.pow(left, right)
    except OverflowError:
        is_odd = right % 2 == 1
        return -math.inf if left < 0 and is_odd else math.inf
    except ValueError:
        # of nothing, or a root of what is negative
        return math.nan if left else math.inf


def signed(value: float) -> int:
    """As Go's int64; what does not fit is its smallest."""
    whole = int(value) if math.isfinite(value) else BITS
    return whole if -BITS // 2 <= whole < BITS // 2 else -BITS // 2


def _unsigned(value: float) -> int:
    whole = int(value) if math.isfinite(value) else BITS // 2
    return whole % BITS if -BITS // 2 <= whole < BITS else BITS // 2


def _shifted_left(left: float, right: float) -> float:
    count = _unsigned(right)
    return (_unsigned(left) << count) % BITS if count < 64 else 0


def _shifted_right(left: float, right: float) -> float:
    return _unsigned(left) >> min(_unsigned(right), 64)


def _ordered(symbol: str, function: Callable[[Any, Any], bool]) -> Operator:
    def operate(left: Any, right: Any) -> Any:
        if (is_number(left) and is_number(right)) or (is_text(left) and is_text(right)):
            if is_text(left):
                left, right = left.encode("utf-8", "replace"), right.encode("utf-8", "replace")
            return function(left, right)
        raise _refused(left, "comparator", symbol)

    return operate


def _equal(left: Any, right: Any) -> bool:
    if is_list(left) and is_list(right):
        return len(left) == len(right) and all(map(_equal, left, right))
    return type(left) is type(right) and bool(left == right)


def _is_in(left: Any, right: Any) -> bool:
    if not is_list(right):
        raise _refused(right, "comparator", "in")
    for value in right:
        if is_list(left) and is_list(value):
            raise BadCondition("lists cannot be looked for in lists")
        if _equal(left, value):
            return True
    return False


def _matches(symbol: str) -> Operator:
    def operate(left: Any, right: Any) -> Any:
        if not is_text(left):
            raise _refused(left, "comparator", symbol)
        if not isinstance(right, str | Pattern):
            raise _refused(right, "comparator", symbol)
        pattern = right.compiled if isinstance(right, Pattern) else _pattern(right)
        return (pattern.search(left) is not None) is (symbol == "=~")

    return operate


def _prefixed(symbol: str, kind: type, function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def operate(value: Any) -> Any:
        if not isinstance(value, kind):
            raise BadCondition(
                f"Value '{printed(value)}' cannot be used with the prefix '{symbol}'"
            )
        return function(value)

    return operate


BINARY: dict[str, Operator] = {
    "+": _add,
    "-": _arithmetic("-", lambda left, right: left - right),
    "*": _arithmetic("*", lambda left, right: left * right),
    "/": _arithmetic("/", _divide),
    "%": _arithmetic("%", _remainder),
    "**": _arithmetic("**", _power),
    "&": _arithmetic("&", lambda left, right: signed(left) & signed(right)),
    "|": _arithmetic("|", lambda left, right: signed(left) | signed(right)),
    "^": _arithmetic("^", lambda left, right: signed(left) ^ signed(right)),
    "<<": _arithmetic("<<", _shifted_left),
    ">>": _arithmetic(">>", _shifted_right),
    "==": _equal,
    "!=": lambda left, right: not _equal(left, right),
    ">": _ordered(">", lambda left, right: left > right),
    ">=": _ordered(">=", lambda left, right: left >= right),
    "<": _ordered("<", lambda left, right: left < right),
    "<=": _ordered("<=", lambda left, right: left <= right),
    "=~": _matches("=~"),
    "!~": _matches("!~"),
    "in": _is_in,
}
PREFIXES: dict[str, Callable[[Any], Any]] = {
    "-": _prefixed("-", float, lambda value: -value),
    "!": _prefixed("!", bool, lambda value: not value),
    "~": _prefixed("~", float, lambda value: float(~signed(value))),
}
