"""JSON text as a tree with places: strict like the standard library, which reports syntax errors.

The YAML parser will not do for JSON: it refuses tabs and accepts trailing commas.
"""

from __future__ import annotations

import bisect
import json
import re
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Any

from cicd.config.tree import Node, Place
from cicd.errors import InvalidStage, Problem

_SPACE = re.compile(r"[ \t\n\r]*")
_WORD = re.compile(r"[^\s,\]}]+")


def json_tree(text: str, name: str, max_depth: int) -> Node:
    """The document in ``text``, called ``name`` in messages. Raises InvalidStage."""
    try:
        json.loads(text, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        message = f"not valid JSON: {error.msg}{_comma_hint(text, error.pos)}"
        raise InvalidStage([Problem(name, error.lineno, error.colno, message, "syntax")]) from None
    except (ValueError, RecursionError) as error:
        message = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise InvalidStage([Problem(name, 0, 0, f"not valid JSON: {message}", "syntax")]) from None
    reader = _Reader(text, name, max_depth)
    node, _ = reader.node(_SPACE.match(text).end(), None, 0)  # type: ignore[union-attr]
    if reader.problems:
        raise InvalidStage(reader.problems)
    return node


def _refuse_constant(word: str) -> None:
    raise ValueError(f"{word} is not a JSON number")


def _comma_hint(text: str, position: int) -> str:
    """Python 3.13 says so itself, and names the place of the comma."""
    has_comma = text[:position].rstrip().endswith(",")
    return " (is there a comma too many before it?)" if has_comma else ""


class _Reader:
    """Walks text that is known to be valid JSON."""

    def __init__(self, text: str, name: str, max_depth: int) -> None:
        self._text = text
        self._name = name
        self._max_depth = max_depth
        self._lines = [0, *(match.end() for match in re.finditer("\n", text))]
        self.problems: list[Problem] = []

    def node(self, at: int, key_place: Place | None, depth: int) -> tuple[Node, int]:
        """The value that starts at ``at``, and the position behind it."""
        place = self._place(at)
        if depth > self._max_depth:
            message = f"nested deeper than {self._max_depth} levels: flatten it"
            raise InvalidStage([place.problem(message, "too-complex")])
        first = self._text[at]
        value: Any
        if first == "{":
            value, end = self._object(at, depth)
            return Node(value, place, key_place=key_place), end
        if first == "[":
            value, end = self._array(at, depth)
            return Node(value, place, key_place=key_place), end
        if first == '"':
            value, end = scanstring(self._text, at + 1)
            return Node(value, place, value, key_place), end
        word = _WORD.match(self._text, at)
        assert word, "valid JSON has a word here"
        return Node(json.loads(word.group()), place, word.group(), key_place), word.end()

    def _place(self, at: int) -> Place:
        line = bisect.bisect_right(self._lines, at)
        return Place(self._name, line, at - self._lines[line - 1] + 1)

    def _skip(self, at: int) -> int:
        match = _SPACE.match(self._text, at)
        assert match, "the pattern matches nothing too"
        return match.end()

    def _object(self, at: int, depth: int) -> tuple[dict[str, Node], int]:
        entries: dict[str, Node] = {}
        at = self._skip(at + 1)
        while self._text[at] != "}":
            place = self._place(at)
            key, at = scanstring(self._text, at + 1)
            child, at = self.node(self._skip(self._skip(at) + 1), place, depth + 1)
            if key in entries:
                message = f'the key "{key}" is set twice: keep one'
                self.problems.append(place.problem(message, "duplicate-key"))
            entries.setdefault(key, child)
            at = self._next(at)
        return entries, at + 1

    def _array(self, at: int, depth: int) -> tuple[list[Node], int]:
        items: list[Node] = []
        at = self._skip(at + 1)
        while self._text[at] != "]":
            child, at = self.node(at, None, depth + 1)
            items.append(child)
            at = self._next(at)
        return items, at + 1

    def _next(self, at: int) -> int:
        at = self._skip(at)
        return self._skip(at + 1) if self._text[at] == "," else at
