"""Sprig's functions of numbers; what is no number counts as 0."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from functools import reduce
from typing import Any

from cicd.emulator.workflow.expr.formatting import printed
from cicd.emulator.workflow.expr.operators import LARGEST_LIST, BadExpression, wrapped


def to_int(value: Any) -> int:
    """A whole number; a text may be hexadecimal or octal."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, str):
        digits = re.sub(r"\.0+$", "", value)
        match = re.fullmatch(
            r"([-+]?)(0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|[1-9][0-9]*|0)", digits
        )
        if not match:
            return 0
        plain = re.sub(r"^0([0-7]+)$", r"0o\1", match[2])
        found = int(plain, 0) * (-1 if match[1] == "-" else 1)
        return found if wrapped(found) == found else 0
    try:
        return wrapped(int(value))
    except (TypeError, ValueError, OverflowError):
        return 0


def to_float(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return 0.0


def atoi(value: Any) -> int:
    is_number = isinstance(value, str) and re.fullmatch(r"[-+]?[0-9]+", value)
    return int(value) if is_number else 0


def divided(left: Any, right: Any) -> int:
    """Towards zero, as in Go."""
    one, other = to_int(left), to_int(right)
    if other == 0:
        raise BadExpression("integer divide by zero")
    quotient = abs(one) // abs(other)
    return quotient if (one < 0) == (other < 0) else -quotient


def multiplied(*values: Any) -> int:
    return reduce(lambda one, other: wrapped(one * to_int(other)), values, 1)


def decimal(function: Callable[[Decimal, Decimal], Decimal]) -> Callable[..., float]:
    """Of all values, one after the other, without the faults of fractions in binary."""

    def operate(first: Any, *others: Any) -> float:
        found = Decimal(repr(to_float(first)))
        try:
            for value in others:
                found = function(found, Decimal(repr(to_float(value))))
        except (InvalidOperation, ZeroDivisionError):
            raise BadExpression("decimal division by 0") from None
        return float(found)

    return operate


def until_step(start: Any, stop: Any, step: Any) -> list[int]:
    first, last, by = to_int(start), to_int(stop), to_int(step)
    if by == 0 or (by > 0) is not (last >= first):
        return []
    found = range(first, last, by)
    if len(found) > LARGEST_LIST:
        raise BadExpression(f"more than {LARGEST_LIST} items")
    return list(found)


def seq(*values: Any) -> str:
    """The numbers as a text: up to, from to, or from by to."""
    bounds = [to_int(value) for value in values]
    if not 1 <= len(bounds) <= 3:
        return ""
    start, end = (1 if len(bounds) == 1 else bounds[0]), bounds[-1]
    sign = -1 if end < start else 1
    step = bounds[1] if len(bounds) == 3 else sign
    if sign < 0 < step:
        return ""
    return " ".join(map(str, until_step(start, end + sign, step)))


def rounded(value: Any, places: Any, *upward_from: Any) -> float:
    power = 10.0 ** to_int(places)
    digit = power * to_float(value)
    fraction = math.modf(digit)[0]
    border = to_float(upward_from[0]) if upward_from else 0.5
    return float(math.ceil(digit) if fraction >= border else math.floor(digit)) / power


def to_decimal(value: Any) -> int:
    """The number that a text of octal digits stands for."""
    digits = printed(value)
    return int(digits, 8) if re.fullmatch(r"[-+]?[0-7]+", digits) else 0


NUMBERS: dict[str, Callable[..., Any]] = {
    "add": lambda *values: wrapped(sum(map(to_int, values))),
    "add1": lambda value: wrapped(to_int(value) + 1),
    "sub": lambda left, right: wrapped(to_int(left) - to_int(right)),
    "mul": multiplied,
    "div": divided,
    "mod": lambda left, right: to_int(left) - divided(left, right) * to_int(right),
    "addf": lambda *values: decimal(lambda left, right: left + right)(0, *values),
    "add1f": lambda value: decimal(lambda left, right: left + right)(value, 1),
    "subf": decimal(lambda left, right: left - right),
    "mulf": decimal(lambda left, right: left * right),
    "divf": decimal(lambda left, right: left / right),
    "max": lambda *values: max(map(to_int, values)),
    "biggest": lambda *values: max(map(to_int, values)),
    "min": lambda *values: min(map(to_int, values)),
    "maxf": lambda *values: max(map(to_float, values)),
    "minf": lambda *values: min(map(to_float, values)),
    "floor": lambda value: float(math.floor(to_float(value))),
    "ceil": lambda value: float(math.ceil(to_float(value))),
    "round": rounded,
    "int": to_int,
    "int64": to_int,
    "float64": to_float,
    "atoi": atoi,
    "toDecimal": to_decimal,
    "until": lambda count: until_step(0, count, -1 if to_int(count) < 0 else 1),
    "untilStep": until_step,
    "seq": seq,
}
