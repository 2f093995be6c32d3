"""Conditions on other tasks, ``depends: "a && !b.Failed"``, and what is wrong with one.

``||``, ``&&``, ``!``, parentheses, and operands that are a name or ``name.Word``.
"""

from __future__ import annotations

import re
from collections.abc import Callable

TOKEN = re.compile(r"\s*(?:(?P<operator>\|\||&&|!|\(|\))|(?P<word>[^\s()!&|]+))")

Decide = Callable[[str], bool]
"""Whether an operand holds."""


class BadCondition(Exception):
    """The condition cannot be read, or what it asks is neither true nor false."""


def evaluate(text: str, decide: Decide) -> bool:
    """Read ``text`` and combine what ``decide`` says of its operands. Raises BadCondition."""
    reader = _Reader(text, decide)
    result = reader.any_of()
    if reader.here:
        raise BadCondition(f"{text!r}: unexpected {reader.here!r}")
    return result


def operands(text: str) -> list[str]:
    """All operands of a condition, in order. Raises BadCondition."""
    found: list[str] = []

    def remember(operand: str) -> bool:
        found.append(operand)
        return True

    evaluate(text, remember)
    return found


class _Reader:
    """Recursive descent over the tokens; both sides are always read, so errors never hide."""

    def __init__(self, text: str, decide: Decide) -> None:
        self._text = text
        self._decide = decide
        self._tokens = _tokens(text)
        self._position = 0

    @property
    def here(self) -> str:
        return self._tokens[self._position] if self._position < len(self._tokens) else ""

    def take(self) -> str:
        token = self.here
        self._position += 1
        return token

    def any_of(self) -> bool:
        result = self.all_of()
        while self.here == "||":
            self.take()
            right = self.all_of()
            result = result or right
        return result

    def all_of(self) -> bool:
        result = self.one()
        while self.here == "&&":
            self.take()
            right = self.one()
            result = result and right
        return result

    def one(self) -> bool:
        if self.here == "!":
            self.take()
            return not self.one()
        if self.here == "(":
            self.take()
            result = self.any_of()
            if self.take() != ")":
                raise BadCondition(f"{self._text!r}: a parenthesis is not closed")
            return result
        return self._decide(self.operand())

    def operand(self) -> str:
        token = self.take()
        if not token or TOKEN.fullmatch(token)["operator"]:  # type: ignore[index]
            raise BadCondition(f"{self._text!r}: a value is missing")
        return token


def _tokens(text: str) -> list[str]:
    found, position = [], 0
    while text[position:].strip():
        match = TOKEN.match(text, position)
        if not match:
            raise BadCondition(f"{text!r}: cannot read {text[position:].strip()!r}")
        found.append(match[0].strip())
        position = match.end()
    return found
