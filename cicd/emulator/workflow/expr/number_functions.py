"""The functions of numbers that expr-lang and Argo bring to ``{{=…}}``."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import Any

from cicd.emulator.workflow.expr.operators import BadExpression, less, number, whole, wrapped


def as_int(value: Any) -> int:
    """A whole number, or a text that is one."""
    if isinstance(value, str):
        if not re.fullmatch(r"[-+]?[0-9]+", value) or wrapped(int(value)) != int(value):
            raise BadExpression(f"asInt(): {value!r} is no whole number")
        return int(value)
    return whole(value)


def as_float(value: Any) -> float:
    """A number, or a text that is one."""
    if isinstance(value, str):
        try:
            if value.strip() != value or not value.isascii():
                raise ValueError
            return float(value)
        except ValueError:
            raise BadExpression(f"asFloat(): {value!r} is no number") from None
    return float(number(value))


def rounded(value: Any) -> float:
    """Halves away from zero."""
    found = float(number(value))
    return math.copysign(math.floor(abs(found) + 0.5), found) if math.isfinite(found) else found


def numbers(values: Sequence[Any]) -> list[Any]:
    """The arguments of min, max, mean …, lists in them taken apart."""
    found: list[Any] = []
    for value in values:
        found += numbers(value) if isinstance(value, list) else [number(value)]
    return found


def extreme(values: Sequence[Any], sign: int) -> Any:
    """The largest, or with ``sign`` -1 the smallest; nil of nothing."""
    if len(values) == 1 and not isinstance(values[0], list):
        return values[0]
    found = None
    for value in numbers(values):
        if found is None or (less(found, value) if sign > 0 else less(value, found)):
            found = value
    return found


def mean(*values: Any) -> float:
    found = numbers(values)
    return sum(map(float, found)) / len(found) if found else 0.0


def median(*values: Any) -> float:
    found = sorted(map(float, numbers(values)))
    half = len(found) // 2
    if not found:
        return 0.0
    return found[half] if len(found) % 2 else (found[half - 1] + found[half]) / 2


def bits(name: str, function: Callable[[int, int], int]) -> Callable[[Any, Any], int]:
    """A function of two whole numbers as 64 bits hold them."""

    def operate(left: Any, right: Any) -> int:
        for value in (left, right):
            if not isinstance(number(value), int):
                raise BadExpression(f"{name}() is only for whole numbers")
        if name.startswith(("bitsh", "bitush")) and right < 0:
            raise BadExpression(f"negative shift count {right}")
        return wrapped(function(left, right))

    return operate


NUMBERS: dict[str, Callable[..., Any]] = {
    "asInt": as_int,
    "asFloat": as_float,
    "int": as_int,
    "float": as_float,
    "abs": lambda value: abs(number(value)),
    "ceil": lambda value: float(math.ceil(number(value))),
    "floor": lambda value: float(math.floor(number(value))),
    "round": rounded,
    "min": lambda *values: extreme(values, -1),
    "max": lambda *values: extreme(values, 1),
    "mean": mean,
    "median": median,
    "bitand": bits("bitand", lambda left, right: left & right),
    "bitor": bits("bitor", lambda left, right: left | right),
    "bitxor": bits("bitxor", lambda left, right: left ^ right),
    "bitnand": bits("bitnand", lambda left, right: left & ~right),
    "bitshl": bits("bitshl", lambda left, right: left << min(right, 64)),
    "bitshr": bits("bitshr", lambda left, right: left >> right),
    "bitushr": bits("bitushr", lambda left, right: (left % 2**64) >> right),
    "bitnot": lambda value: bits("bitnot", lambda left, _: ~left)(value, 0),
}
