"""JSON taken apart as a text, so that numbers keep their digits: ``0.10``, ``1e3``."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NoReturn

from cicd.emulator.workflow.expr.formatting import escaped

BLANKS = re.compile(r"[ \t\n\r]*")
STRING_OR_BLANKS = re.compile(r'("(?:\\.|[^"\\])*")|[ \t\n\r]+')


def loads(text: str) -> Any:
    """The value. Raises ValueError, for NaN and Infinity as well, which are no JSON."""
    try:
        return DECODER.decode(text)
    except RecursionError:
        raise ValueError("JSON nested too deeply") from None


def elements(text: str) -> list[str]:
    """The items of a list, each as JSON without blanks. Raises ValueError for anything else."""
    if not isinstance(loads(text), list):
        raise ValueError("not a list")
    return list(_parts(text))


def members(text: str) -> dict[str, str]:
    """The fields of a map, each as JSON without blanks. Raises ValueError for anything else."""
    if not isinstance(loads(text), dict):
        raise ValueError("not a map")
    parts = _parts(text)
    return {json.loads(key): value for key, value in zip(parts, parts, strict=True)}


def compact(text: str) -> str:
    """Valid JSON as Go passes it on: no blanks, and escaped for web pages."""
    return escaped(STRING_OR_BLANKS.sub(lambda match: match[1] or "", text))


def _parts(text: str) -> Iterator[str]:
    """What stands between the outer brackets, without commas and colons; the JSON is valid."""
    position = text.index(next(char for char in text if char in "[{")) + 1
    while True:
        position = _skipped(text, position)
        if text[position] in "]}":
            return
        if text[position] in ",:":
            position += 1
            continue
        _, end = DECODER.raw_decode(text, position)
        yield compact(text[position:end])
        position = end


def _skipped(text: str, position: int) -> int:
    match = BLANKS.match(text, position)
    return match.end() if match else position


def _refused(word: str) -> NoReturn:
    raise ValueError(f"{word} is no JSON")


DECODER = json.JSONDecoder(parse_int=float, parse_constant=_refused)
"""Every number is a fraction, as it is in Go where nothing says of which kind it is."""
