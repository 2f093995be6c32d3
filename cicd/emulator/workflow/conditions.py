"""Conditions: ``when: "{{steps.flip.outputs.result}} == heads"`` and ``depends: "a && !b.Failed"``.

One grammar for both: ``||``, ``&&``, ``!``, parentheses, and comparisons of two operands. Tags are
operands of their own, so that a value with a blank or a quote in it cannot change the condition.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from operator import eq, ge, gt, le, lt, ne
from typing import Any

from cicd.emulator.workflow.expressions import substitute

TOKEN = re.compile(
    r"""\s*(?: (?P<operator>\|\||&&|==|!=|=~|!~|<=|>=|<|>|!|\(|\))
             | (?P<quoted>'(?:\{\{.*?\}\}|[^'])*'|"(?:\{\{.*?\}\}|[^"])*")
             | (?P<word>(?:\{\{.*?\}\}|[^\s()!=<>&|'"])+) )""",
    re.VERBOSE | re.DOTALL,
)
COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "==": eq,
    "!=": ne,
    "<=": le,
    ">=": ge,
    "<": lt,
    ">": gt,
}

Decide = Callable[[str, str, str], bool]
"""(left, operator, right) -> true or not; operator and right are empty for a lone operand."""


class BadCondition(Exception):
    """The condition cannot be read, or what it asks is neither true nor false."""


def evaluate_when(text: str, scope: dict[str, str]) -> bool:
    """Whether ``when`` holds. Raises BadCondition or Unresolved."""

    def decide(left: str, operator: str, right: str) -> bool:
        return _compare(substitute(left, scope), operator, substitute(right, scope))

    return evaluate(text, decide)


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

    def remember(left: str, operator: str, right: str) -> bool:
        found.extend([left, right] if operator else [left])
        return True

    evaluate(text, remember)
    return found


def _compare(left: str, operator: str, right: str) -> bool:
    if not operator:
        if left.lower() in {"true", "false"}:
            return left.lower() == "true"
        raise BadCondition(f"{left!r} is neither true nor false")
    if operator in ("=~", "!~"):
        try:
            return (re.search(right, left) is not None) is (operator == "=~")
        except re.error as error:
            raise BadCondition(f"{right!r} is no regular expression: {error}") from None
    try:
        return COMPARISONS[operator](float(left), float(right))
    except ValueError:
        return COMPARISONS[operator](left, right)


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
        left = self.operand()
        if self.here in COMPARISONS or self.here in ("=~", "!~"):
            return self._decide(left, self.take(), self.operand())
        return self._decide(left, "", "")

    def operand(self) -> str:
        token = self.take()
        if not token or TOKEN.fullmatch(token)["operator"]:  # type: ignore[index]
            raise BadCondition(f"{self._text!r}: a value is missing")
        return token[1:-1] if token[0] in "'\"" else token


def _tokens(text: str) -> list[str]:
    found, position = [], 0
    while text[position:].strip():
        match = TOKEN.match(text, position)
        if not match:
            raise BadCondition(f"{text!r}: cannot read {text[position:].strip()!r}")
        found.append(match[0].strip())
        position = match.end()
    return found
