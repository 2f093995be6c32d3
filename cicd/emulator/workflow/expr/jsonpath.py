"""Argo's ``jsonpath()``: members, indexes, unions, ranges, ``*``, ``..``, filters and scripts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any

from cicd.emulator.workflow.expr.jsonpath_filters import holds, value_of
from cicd.emulator.workflow.expr.operators import BadExpression, text
from cicd.emulator.workflow.expr.raw_json import loads

NAME = re.compile(r"\.?([^\s.\[\]()?*@$'\",:]+)")
NUMBER = re.compile(r"-?\d+")
Step = Callable[[Any, Any], "list[Any]"]
"""(item, root) -> what is found below the item."""


def jsonpath(document: Any, path: Any) -> Any:
    """What a path finds in a JSON text: one value, or a list where it may find several."""
    try:
        root = loads(text(document))
    except ValueError as error:
        raise BadExpression(f"jsonpath(): {error}") from None
    return query(text(path).strip(), root, root)


def query(path: str, start: Any, root: Any) -> Any:
    """The same from a value within ``root``."""
    steps, is_many = _read(path)
    found = [start]
    for step in steps:
        found = [down for item in found for down in step(item, root)]
    if is_many:
        return found
    if not found:
        raise BadExpression(f"jsonpath(): nothing at {path}")
    return found[0]


def _finder(item: Any, root: Any) -> Callable[[str], Any]:
    """What follows the paths within a filter or script of ``item``."""

    def find(path: str) -> Any:
        try:
            return query(path, item if path[0] == "@" else root, root)
        except BadExpression:
            return None

    return find


@lru_cache(maxsize=500)
def _read(path: str) -> tuple[tuple[Step, ...], bool]:
    """The steps of a path, and whether it may find several values."""
    if path[:1] not in ("$", "@"):
        raise BadExpression(f"jsonpath(): {path!r} must start with $")
    steps: list[Step] = []
    is_many, position = False, 1
    while position < len(path):
        if path.startswith("..", position):
            steps.append(lambda item, root: list(_all(item)))
            is_many, position = True, position + 2
            if path[position : position + 1] == "[":
                continue
        if path[position] == "[":
            end = _closing(path, position)
            step, several = _subscript(path[position + 1 : end].strip())
            position = end + 1
        elif match := re.compile(r"\.?\*").match(path, position):
            step, several, position = _children, True, match.end()
        elif match := NAME.match(path, position):
            step, several, position = _named(match[1]), False, match.end()
        else:
            raise BadExpression(f"jsonpath(): cannot read {path[position:]!r}")
        steps.append(step)
        is_many = is_many or several
    return tuple(steps), is_many


def _closing(path: str, start: int) -> int:
    """The place of the bracket that closes the one at ``start``."""
    depth, quote, position = 0, "", start
    while position < len(path):
        char = path[position]
        if quote:
            position += char == "\\"
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif char in "[(":
            depth += 1
        elif char in "])":
            depth -= 1
            if not depth:
                return position
        position += 1
    raise BadExpression(f"jsonpath(): a bracket is not closed in {path!r}")


def _subscript(inner: str) -> tuple[Step, bool]:
    """What stands in brackets, and whether it may find several values."""
    if inner == "*":
        return _children, True
    if inner.startswith("?"):
        condition = inner[1:].strip()
        return (
            lambda item, root: [
                x for x in _children(item, root) if holds(condition, _finder(x, root))
            ],
            True,
        )
    parts = list(_split(inner, ","))
    if len(parts) > 1:
        keys = [_key(part) for part in parts]
        return lambda item, root: [x for key in keys for x in _down(item, key(item, root))], True
    bounds = list(_split(inner, ":"))
    if len(bounds) > 1:
        if len(bounds) > 3:
            raise BadExpression(f"jsonpath(): cannot read [{inner}]")
        ends = [_key(part) if part else None for part in bounds]
        return lambda item, root: _range(
            item, [end(item, root) if end else None for end in ends]
        ), True
    key = _key(inner)
    return lambda item, root: _down(item, key(item, root)), False


def _split(inner: str, separator: str) -> Iterable[str]:
    """The parts between separators that stand outside of quotes and brackets."""
    pattern = (
        rf"""((?:'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|\([^)]*\)|[^{separator}'"(])*){separator}?"""
    )
    position = 0
    while position <= len(inner):
        match = re.compile(pattern).match(inner, position)
        if not match or (match.end() == position and position < len(inner)):
            raise BadExpression(f"jsonpath(): cannot read [{inner}]")
        yield match[1].strip()
        if match.end() == len(inner) and not match[0].endswith(separator):
            return
        position = match.end()
        if position == len(inner):
            yield ""
            return


def _key(part: str) -> Callable[[Any, Any], Any]:
    if NUMBER.fullmatch(part):
        number = int(part)
        return lambda item, root: number
    if len(part) > 1 and part[0] in "'\"" and part[-1] == part[0]:
        name = re.sub(r"\\(.)", r"\1", part[1:-1])
        return lambda item, root: name
    if part.startswith("(") and part.endswith(")"):
        return lambda item, root: value_of(part[1:-1], _finder(item, root))
    raise BadExpression(f"jsonpath(): cannot read [{part}]")


def _named(name: str) -> Step:
    def step(item: Any, root: Any) -> list[Any]:
        if name == "length" and isinstance(item, list | str):
            return [len(item)]
        if name == "length" and isinstance(item, Mapping) and name not in item:
            return [len(item)]
        return _down(item, name)

    return step


def _down(item: Any, key: Any) -> list[Any]:
    if isinstance(key, str):
        return [item[key]] if isinstance(item, Mapping) and key in item else []
    is_there = isinstance(item, list) and -len(item) <= key < len(item)
    return [item[int(key)]] if is_there else []


def _range(item: Any, bounds: list[Any]) -> list[Any]:
    start, end, step = (*bounds, None, None)[:3]
    if not isinstance(item, list):
        return []
    cut = item[None if start is None else int(start) : None if end is None else int(end)]
    return cut[:: int(step) if step else 1]


def _children(item: Any, root: Any = None) -> list[Any]:
    if isinstance(item, Mapping):
        return [item[key] for key in sorted(item)]
    return item if isinstance(item, list) else []


def _all(item: Any) -> Iterable[Any]:
    yield item
    for inner in _children(item):
        yield from _all(inner)
