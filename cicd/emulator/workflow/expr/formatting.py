"""Values as Go writes them: with ``%v``, which is how Argo makes a text of one, and as JSON."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from cicd.emulator.workflow.expr.layouts import PRINTED, written
from cicd.emulator.workflow.expr.times import Duration, Moment

NANOSECONDS = "2006-01-02T15:04:05.999999999Z07:00"
HTML = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
"""What Go's JSON never has as it is."""
MOST = 1_000_000
"""Values within a value that are written."""
HTML_PATTERN = re.compile("[<>&\u2028\u2029]")


def printed(value: Any) -> str:
    """``<nil>``, ``true``, ``1.5e+06``, a text as it is, ``[a b]``, ``map[a:1 b:2]``.
    Raises ValueError for what is too large."""
    _measure(value, MOST)
    return _printed(value)


def _measure(value: Any, left: int) -> int:
    """How many more values there may be; what holds itself twice and again soon is too many."""
    if left < 0:
        raise ValueError(f"more than {MOST} values")
    if isinstance(value, list | tuple | Mapping):
        for item in value.values() if isinstance(value, Mapping) else value:
            left = _measure(item, left - 1)
    return left


def _printed(value: Any) -> str:
    if value is None:
        return "<nil>"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _number(value, 6, -4)
    if isinstance(value, list | tuple):
        return f"[{' '.join(map(_printed, value))}]"
    if isinstance(value, Mapping):
        pairs = (f"{_printed(key)}:{_printed(value[key])}" for key in sorted(value, key=str))
        return f"map[{' '.join(pairs)}]"
    if isinstance(value, Moment):
        return written(value, PRINTED)
    return str(value)


def to_json(value: Any) -> str:
    """Without blanks, keys in order. Raises ValueError for what is no number or too large, and
    TypeError."""
    _measure(value, MOST)
    return escaped(_json(value))


def escaped(text: str) -> str:
    """JSON with what Go escapes in it for web pages."""
    return HTML_PATTERN.sub(lambda match: HTML[match[0]], text)


def _json(value: Any) -> str:
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"json: unsupported value: {printed(value)}")
        found = _number(value, 21, -6)
        return re.sub(r"e([-+])0(\d)$", r"e\1\2", found)
    if isinstance(value, Moment):
        return f'"{written(value, NANOSECONDS)}"'
    if isinstance(value, Duration):
        return str(value.nanoseconds)
    if isinstance(value, list | tuple):
        return f"[{','.join(map(_json, value))}]"
    if isinstance(value, Mapping):
        pairs = (f"{_json(str(key))}:{_json(value[key])}" for key in sorted(value, key=str))
        return f"{{{','.join(pairs)}}}"
    return json.dumps(value, ensure_ascii=False)


def _number(value: float, large: int, small: int) -> str:
    """The fewest digits that stand for it; with an exponent from 1e``large`` on, and below
    1e``small``."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    sign, digits, exponent = Decimal(repr(value)).as_tuple()
    assert isinstance(exponent, int)
    first, *others = map(str, digits)
    rest = "".join(others).rstrip("0")
    power = len(others) + exponent if value else 0
    if value and not small <= power < large:
        fraction = f".{rest}" if rest else ""
        return f"{'-' * sign}{first}{fraction}e{'-' if power < 0 else '+'}{abs(power):02}"
    return plain(value)


def plain(value: float) -> str:
    """A finite number without an exponent, as a parameter has it (AnyString)."""
    found = format(Decimal(repr(value)), "f")
    return found.rstrip("0").rstrip(".") if "." in found else found
