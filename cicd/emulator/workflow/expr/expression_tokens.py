"""The words of ``{{=…}}``: expr-lang's lexer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from cicd.emulator.workflow.expr.operators import BadExpression

TOKEN = re.compile(
    r"""(?P<blank>\s+|//[^\n]*|/\*.*?\*/)
      | (?P<number>0[xX][0-9a-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+
                  |(?:\d[\d_]*(?:\.(?!\.)[\d_]*)?|\.\d[\d_]*)(?:[eE][+-]?[\d_]*)?)
      | (?P<text>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`[^`]*`)
      | (?P<name>[^\W\d][\w$]*|\$[\w$]*)
      | (?P<sign>\?\?|\?\.|\*\*|\.\.|\|\||&&|==|!=|<=|>=|::|[-+*/%^<>!?:;=.,|()\[\]{}\#])""",
    re.VERBOSE | re.DOTALL,
)
ESCAPE = re.compile(
    r"""\\(?:(?P<plain>[abfnrtv\\'"])|(?P<octal>[0-7]{3})|x(?P<x>[0-9a-fA-F]{2})
          |u(?P<u>[0-9a-fA-F]{4})|U(?P<U>[0-9a-fA-F]{8})|(?P<other>.))""",
    re.VERBOSE | re.DOTALL,
)
PLAIN = dict(zip("abfnrtv", "\a\b\f\n\r\t\v", strict=True))
OPERATORS = frozenset(
    ["not", "in", "or", "and", "matches", "contains", "startsWith", "endsWith", "let", "if", "else"]
)
"""Words that are operators and so no names."""


@dataclass(frozen=True)
class Token:
    """``kind``: number, text, name, sign, or empty at the end. ``value``: what it stands for."""

    kind: str
    word: str
    value: int | float | str = ""


def tokens(source: str) -> Iterator[Token]:
    """The words, and one without a kind at the end. Raises BadExpression."""
    position, after_hash = 0, False
    while position < len(source):
        match = TOKEN.match(source, position)
        if not match:
            raise BadExpression(f"cannot read {source[position : position + 20]!r}")
        position = match.end()
        kind, word = match.lastgroup or "", match[0]
        if kind == "number":
            if re.match(r"[\w$]", source[position:]):
                raise BadExpression(f"bad number syntax: {word + source[position]!r}")
            yield Token(kind, word, _number(word))
        elif kind == "text":
            yield Token(kind, word, _text(word))
        elif kind == "name" and word in OPERATORS and not after_hash:
            yield Token("sign", word)
        elif kind in ("name", "sign"):
            yield Token(kind, word, word)
        after_hash = word == "#"
    yield Token("", "")


def _number(word: str) -> int | float:
    digits = word.replace("_", "")
    try:
        if digits[:2].lower() in ("0x", "0o", "0b"):
            number: int | float = int(digits, 0)
        elif re.search(r"[.eE]", digits):
            number = float(digits)
        else:
            number = int(digits)
    except ValueError:
        raise BadExpression(f"{word!r} is no number") from None
    if abs(number) >= 2**63 and isinstance(number, int):
        raise BadExpression(f"integer literal is too large: {word}")
    return number


def _text(word: str) -> str:
    if word[0] == "`":
        return word[1:-1]
    quote = word[0]

    def char(match: re.Match[str]) -> str:
        plain = match["plain"]
        if plain and (plain not in "'\"" or plain == quote):
            return PLAIN.get(plain, plain)
        code = match["x"] or match["u"] or match["U"]
        if match["octal"] or code:
            return chr(int(code, 16) if code else int(match["octal"], 8))
        raise BadExpression(f"invalid char escape: {match[0]!r}")

    return ESCAPE.sub(char, word[1:-1])
