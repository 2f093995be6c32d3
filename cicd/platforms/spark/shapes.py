"""What an answer is made of, where it may be made of anything. Pure.

A field that is not of its type counts as left out: what is read of it is a status that nobody
knows, or a text that is missing. Where a list decides whether something is there, one that is none
is no answer: ``listed``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from cicd.errors import ConnectionFailed


def fields(value: Any) -> Mapping[str, Any]:
    """A JSON object; an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def rows(value: Any) -> list[Mapping[str, Any]]:
    """The JSON objects of a list; none for anything else."""
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def number(value: Any) -> int:
    """A whole number; 0 for anything else."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return int(value) if is_number and math.isfinite(value) else 0


def listed(value: Any, who: str, what: str) -> list[Mapping[str, Any]]:
    """A list of JSON objects; none for null, as servers write an empty one. Raises ConnectionFailed
    for anything else: an answer of somebody else is not to say that there is nothing."""
    found = rows(value)
    if value is None or (isinstance(value, list) and len(found) == len(value)):
        return found
    text = f"{who} does not answer as it is documented: it lists no {what}"
    raise ConnectionFailed(text, hint="check the address")
