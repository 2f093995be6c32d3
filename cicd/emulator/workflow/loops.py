"""``withItems``, ``withParam``, ``withSequence``: the rounds of a step, and what comes of them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cicd.emulator.jobs import Node
from cicd.emulator.workflow.expressions import Unresolved, as_text, resolve, substitute
from cicd.emulator.workflow.program import Loop

MOST_ITEMS = 10_000
FORMAT = re.compile(r"%([-+ #0]*)(\d*)([dxXobc])|%%")


@dataclass(frozen=True)
class Item:
    """One round. ``label`` tells its node from the others: ``0:red``."""

    label: str
    texts: Mapping[str, str]


def expand(loop: Loop, texts: Mapping[str, str]) -> list[Item]:
    """All rounds, in order. Raises Unresolved."""
    values = _values(loop, texts)
    if len(values) > MOST_ITEMS:
        raise Unresolved(f"more than {MOST_ITEMS} items: the emulator does not go that far")
    return [_item(index, value) for index, value in enumerate(values)]


def _values(loop: Loop, texts: Mapping[str, str]) -> Sequence[Any]:
    if loop.items is not None:
        return list(resolve(loop.items, texts))
    if loop.sequence is not None:
        return _sequence({key: substitute(text, texts) for key, text in loop.sequence.items()})
    text = substitute(loop.param, texts)
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, list):
        raise Unresolved(f"withParam value could not be parsed as a JSON list: {text[:200]}")
    return found


def _sequence(bounds: Mapping[str, str]) -> list[str]:
    try:
        start = int(bounds.get("start") or 0)
        if "count" in bounds:
            numbers = range(start, start + int(bounds["count"]))
        else:
            end = int(bounds["end"])
            numbers = range(start, end + 1) if start <= end else range(start, end - 1, -1)
    except ValueError as error:
        raise Unresolved(f"withSequence: {error}") from None
    if len(numbers) > MOST_ITEMS:
        raise Unresolved(f"withSequence: more than {MOST_ITEMS} items")
    return [formatted(bounds.get("format") or "%d", number) for number in numbers]


def formatted(text: str, number: int) -> str:
    """Go's Sprintf of one whole number: ``%d``, ``%02X``, ``item-%03d``."""

    def value(match: re.Match[str]) -> str:
        if match[0] == "%%":
            return "%"
        flags, width, kind = match[1], match[2], match[3]
        if kind == "b":
            fill = "0" if "0" in flags else " "
            return format(number, "b").rjust(min(int(width or 0), 1000), fill)
        return f"%{flags}{min(int(width or 0), 1000) or ''}{kind}" % number

    return FORMAT.sub(value, text)


def _item(index: int, value: Any) -> Item:
    whole = as_text(value)
    if not isinstance(value, dict):
        return Item(f"{index}:{whole}", {"item": whole})
    parts = {f"item.{key}": as_text(part) for key, part in value.items()}
    label = ",".join(sorted(f"{key}:{as_text(part)}" for key, part in value.items()))
    return Item(f"{index}:{label}", {"item": whole, **parts})


def aggregate(children: Sequence[Node]) -> dict[str, Any]:
    """The outputs of all rounds together: JSON lists, of the rounds that succeeded.

    A value that is JSON itself is an item as such; ``all`` is the list of maps that
    ``outputs.parameters`` means. ``phases`` is for ``depends``.
    """
    done = [node for node in children if node.phase == "Succeeded"]
    per_round = [node.outputs.get("parameters") or {} for node in done]
    names = dict.fromkeys(name for values in per_round for name in values)
    results = [node.outputs["result"] for node in done if "result" in node.outputs]
    return {
        "result": _list(results),
        "all": json.dumps(
            [values for values in per_round if values], separators=(",", ":"), ensure_ascii=False
        ),
        "parameters": {
            name: _list([values[name] for values in per_round if name in values]) for name in names
        },
        "phases": [node.phase for node in children],
    }


def _list(texts: Sequence[str]) -> str:
    return json.dumps([_parsed(text) for text in texts], separators=(",", ":"), ensure_ascii=False)


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
