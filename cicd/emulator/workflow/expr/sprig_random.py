"""Sprig's functions of chance; what is drawn stays the same, see ``chance``."""

from __future__ import annotations

import base64
import string
import uuid
from collections.abc import Callable
from typing import Any

from cicd.emulator.workflow.expr.chance import Chance
from cicd.emulator.workflow.expr.operators import BadExpression, text
from cicd.emulator.workflow.expr.sprig_numbers import to_int

ASCII = "".join(map(chr, range(32, 127)))
MOST = 100_000


def drawn(alphabet: str) -> Callable[[Chance, Any], str]:
    return lambda chance, count: chance.text(alphabet, _count(count))


def _count(value: Any) -> int:
    count = to_int(value)
    if not 0 <= count <= MOST:
        raise BadExpression(f"a length from 0 to {MOST} expected, found {count}")
    return count


def number(chance: Chance, lowest: Any, highest: Any) -> int:
    if to_int(highest) <= to_int(lowest):
        raise BadExpression("randInt(): the upper bound must be above the lower one")
    return chance.below(to_int(lowest), to_int(highest))


DRAWN: dict[str, Callable[..., Any]] = {
    "randAlphaNum": drawn(string.ascii_letters + string.digits),
    "randAlpha": drawn(string.ascii_letters),
    "randNumeric": drawn(string.digits),
    "randAscii": drawn(ASCII),
    "randInt": number,
    "randBytes": lambda chance, count: base64.b64encode(chance.data(_count(count))).decode(),
    "shuffle": lambda chance, value: chance.mixed(text(value)),
    "uuidv4": lambda chance: str(uuid.UUID(bytes=chance.data(16), version=4)),
}
