"""What stands in ``[?(…)]`` and ``[(…)]`` of a jsonpath: ``@.price < 10 && @.name =~ '^a'``."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from cicd.emulator.workflow.expr import operators
from cicd.emulator.workflow.expr.operators import BadExpression

TOKEN = re.compile(
    r"""\s*(?: (?P<path>[@$](?:\.\.?(?:\w+(?:-[A-Za-z_]\w*)*|\*)|\[(?:'[^']*'|"[^"]*"|[^\]'"])*\])*)
             | (?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
             | (?P<text>'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")
             | (?P<sign>\|\||&&|==|!=|<=|>=|=~|\*\*|not\s+in\b|in\b|[-+*/%<>!()\[\],])
             | (?P<word>true|false|null|nil)\b )""",
    re.VERBOSE | re.DOTALL,
)
LEVELS: tuple[tuple[str, ...], ...] = (
    ("||",),
    ("&&",),
    ("==", "!=", "<", ">", "<=", ">=", "=~", "in", "not in"),
    ("+", "-"),
    ("*", "/", "%"),
    ("**",),
)
Find = Callable[[str], Any]
"""What a path such as ``@.price`` or ``$.most`` stands for, None for nothing."""
WORDS = {"true": True, "false": False, "null": None, "nil": None}


def holds(condition: str, find: Find) -> bool:
    """Whether a filter keeps an item: true, or anything that is not nothing."""
    return _truth(value_of(condition, find))


def value_of(source: str, find: Find) -> Any:
    """The value of an expression whose paths ``find`` follows. Raises BadExpression."""
    reader = _Reader(source, find)
    found = reader.level(0)
    if reader.here:
        raise BadExpression(f"jsonpath(): cannot read {source!r}")
    return found


def _truth(value: Any) -> bool:
    return value is not None and value is not False and value != ""


class _Reader:
    """Recursive descent that evaluates as it reads."""

    def __init__(self, source: str, find: Find) -> None:
        self._find = find
        self._tokens: list[tuple[str, str]] = []
        position = 0
        while source[position:].strip():
            match = TOKEN.match(source, position)
            if not match:
                raise BadExpression(f"jsonpath(): cannot read {source[position:]!r}")
            kind = match.lastgroup or ""
            self._tokens.append(
                (kind, re.sub(r"\s+", " ", match[kind]) if kind == "sign" else match[kind])
            )
            position = match.end()
        self._at = 0

    @property
    def here(self) -> str:
        return self._tokens[self._at][1] if self._at < len(self._tokens) else ""

    def take(self) -> tuple[str, str]:
        if not self.here:
            raise BadExpression("jsonpath(): a value is missing")
        self._at += 1
        return self._tokens[self._at - 1]

    def level(self, strength: int) -> Any:
        if strength == len(LEVELS):
            return self.value()
        left = self.level(strength + 1)
        while self.here in LEVELS[strength] and self._tokens[self._at][0] == "sign":
            sign = self.take()[1]
            left = _joined(left, sign, self.level(strength + 1))
        return left

    def value(self) -> Any:
        kind, word = self.take()
        if kind == "path":
            return self._find(word)
        if kind == "number":
            return float(word)
        if kind == "text":
            return re.sub(r"\\(.)", r"\1", word[1:-1])
        if kind == "word":
            return WORDS[word]
        if word == "!":
            return not _truth(self.value())
        if word == "-":
            return operators.negative(self.value())
        if word in ("(", "["):
            return self.items(")" if word == "(" else "]", is_list=word == "[")
        raise BadExpression(f"jsonpath(): unexpected {word!r}")

    def items(self, end: str, *, is_list: bool) -> Any:
        found = [] if is_list and self.here == end else [self.level(0)]
        while is_list and self.here == ",":
            self.take()
            found.append(self.level(0))
        if self.take()[1] != end:
            raise BadExpression("jsonpath(): a bracket is not closed")
        return found if is_list else found[0]


def _joined(left: Any, sign: str, right: Any) -> Any:
    if sign == "||":
        return _truth(left) or _truth(right)
    if sign == "&&":
        return _truth(left) and _truth(right)
    if sign in ("<", ">", "<=", ">=") and not (_is_ordered(left) and _is_ordered(right)):
        return False
    if sign == "=~":
        return isinstance(left, str) and operators.matches(left, right)
    if sign in ("in", "not in"):
        values = list(right.values()) if isinstance(right, dict) else right
        return operators.is_in(left, values) is (sign == "in")
    function: Callable[[Any, Any], Any] = operators.BINARY[sign]
    return function(left, right)


def _is_ordered(value: Any) -> bool:
    return operators.is_number(value)
