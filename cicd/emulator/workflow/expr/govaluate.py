"""The language of ``when``, as Argo reads it: govaluate, with every lone word taken as a text.

What govaluate refuses is a BadCondition in its own words. Its habits are kept: both quotes end
each other, a backslash takes the next character as it is, a quoted date is the number of its
seconds since 1970, operators of one strength go from left to right, ``? :`` and ``??`` included,
and what stands after a complete expression is not read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cicd.emulator.workflow.expr.conditions import BadCondition
from cicd.emulator.workflow.expr.dates import seconds_of
from cicd.emulator.workflow.expr.formatting import printed
from cicd.emulator.workflow.expr.govaluate_operators import BINARY, PREFIXES, Pattern, is_list

DEEPEST = 60
"""Brackets and operators of one strength inside each other."""
MODIFIERS = ("+", "-", "*", "/", "%", "**", "&", "|", "^", ">>", "<<")
COMPARATORS = ("==", "!=", ">", ">=", "<", "<=", "=~", "!~")
LEVELS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("SEPARATOR", (",",)),
    ("TERNARY", ("?", ":", "??")),
    ("LOGICALOP", ("||",)),
    ("LOGICALOP", ("&&",)),
    ("COMPARATOR", (*COMPARATORS, "in")),
    ("MODIFIER", ("^", "&", "|")),
    ("MODIFIER", (">>", "<<")),
    ("MODIFIER", ("+", "-")),
    ("MODIFIER", ("*", "/", "%")),
    ("MODIFIER", ("**",)),
)
"""Kinds and operators by strength, the weakest first."""
SYMBOLS: dict[str, str] = {
    **dict.fromkeys(MODIFIERS, "MODIFIER"),
    **dict.fromkeys(("&&", "||"), "LOGICALOP"),
    **dict.fromkeys(COMPARATORS, "COMPARATOR"),
    **dict.fromkeys(("?", ":", "??"), "TERNARY"),
}
VALUES = ("NUMERIC", "BOOLEAN", "VARIABLE", "STRING")
STARTS = ("PREFIX", *VALUES, "ACCESSOR", "TIME", "CLAUSE")
ENDS = ("MODIFIER", "COMPARATOR", "LOGICALOP", "CLAUSE_CLOSE", "SEPARATOR")
FOLLOWERS: Mapping[str, tuple[str, ...]] = {
    "UNKNOWN": (*STARTS, "PATTERN"),
    "CLAUSE": (*STARTS, "PATTERN", "CLAUSE_CLOSE"),
    "CLAUSE_CLOSE": (*ENDS, *VALUES, "PATTERN", "TIME", "CLAUSE", "TERNARY"),
    "NUMERIC": (*ENDS, "TERNARY"),
    "BOOLEAN": (*ENDS, "TERNARY"),
    "STRING": (*ENDS, "TERNARY"),
    "VARIABLE": (*ENDS, "TERNARY"),
    "TIME": ENDS,
    "PATTERN": ENDS,
    "ACCESSOR": (*ENDS, "TERNARY", "CLAUSE"),
    "MODIFIER": ("PREFIX", *VALUES, "ACCESSOR", "CLAUSE", "CLAUSE_CLOSE"),
    "COMPARATOR": (*STARTS, "PATTERN", "CLAUSE_CLOSE"),
    "LOGICALOP": (*STARTS, "CLAUSE_CLOSE"),
    "PREFIX": ("NUMERIC", "BOOLEAN", "VARIABLE", "ACCESSOR", "CLAUSE", "CLAUSE_CLOSE"),
    "TERNARY": (*STARTS, "SEPARATOR"),
    "SEPARATOR": STARTS,
}
"""Kind of a token -> the kinds that may come next."""
LAST = (*VALUES, "TIME", "PATTERN", "ACCESSOR", "CLAUSE_CLOSE")
"""The kinds with which an expression may end."""
BRACKETS = {"CLAUSE": "40", "CLAUSE_CLOSE": "41"}
"""How govaluate's messages write them: the number of the character."""


@dataclass(frozen=True)
class Token:
    """``kind`` in govaluate's words."""

    kind: str
    value: Any

    def __str__(self) -> str:
        return f"{self.kind} [{BRACKETS.get(self.kind) or printed(self.value)}]"


Stage = Callable[[], Any]


def read(text: str) -> Stage:
    """What is called for the value: a number, text, flag, list or None. Both raise BadCondition."""
    tokens = _with_patterns(_checked(_tokens(text)))
    planner = _Planner(_with_patterns(_checked([_as_text(token) for token in tokens])))
    try:
        return planner.level(0)
    except RecursionError:
        raise BadCondition("too many brackets") from None


def _as_text(token: Token) -> Token:
    """Argo has no variables here: ``foo == foo`` needs no quotes."""
    return Token("STRING", token.value) if token.kind == "VARIABLE" else token


# reading


def _tokens(text: str) -> Sequence[Token]:
    found: list[Token] = []
    position = 0
    while position < len(text):
        if _is_space(text[position]):
            position += 1
            continue
        before = found[-1].kind if found else "UNKNOWN"
        token, position = _token(text, position, before)
        found.append(token)
    opened = sum(token.kind == "CLAUSE" for token in found)
    if opened != sum(token.kind == "CLAUSE_CLOSE" for token in found):
        raise BadCondition("Unbalanced parenthesis")
    return found


def _token(text: str, start: int, before: str) -> tuple[Token, int]:
    """The token that begins at ``start``, and the place after it."""
    first = text[start]
    if _is_numeric(first):
        return _numeric(text, start)
    if first == ",":
        return Token("SEPARATOR", ","), start + 1
    if first == "[":
        word, end, is_closed = _until(text, start + 1, lambda char: char != "]", keep_spaces=True)
        if not is_closed:
            raise BadCondition("Unclosed parameter bracket")
        return Token("VARIABLE", word), end + 1
    if first.isalpha():
        word, end, _ = _until(text, start, _is_of_word)
        return _word(word), end
    if first in "'\"":
        word, end, is_closed = _until(
            text, start + 1, lambda char: char not in "'\"", keep_spaces=True
        )
        if not is_closed:
            raise BadCondition("Unclosed string literal")
        seconds = seconds_of(word)
        return Token("STRING", word) if seconds is None else Token("TIME", seconds), end + 1
    if first in "()":
        return Token("CLAUSE" if first == "(" else "CLAUSE_CLOSE", first), start + 1
    symbol, end, _ = _until(text, start, _is_of_symbol)
    kind = SYMBOLS.get(symbol)
    if symbol in PREFIXES and "PREFIX" in FOLLOWERS[before]:
        kind = "PREFIX"
    if not kind:
        raise BadCondition(f"Invalid token: '{symbol}'")
    return Token(kind, symbol), end


def _numeric(text: str, start: int) -> tuple[Token, int]:
    if text[start : start + 2] == "0x" and start + 2 < len(text):
        word, end, _ = _until(text, start + 2, _is_hexadecimal)
        try:
            number = int(word, 16)
        except ValueError:
            number = 2**64
        if number >= 2**64 or not word.isascii():
            raise BadCondition(f"Unable to parse hex value '{word}' to uint64")
        return Token("NUMERIC", float(number)), end
    word, end, _ = _until(text, start, _is_numeric)
    try:
        value = float(word) if word.isascii() else float("inf")
    except ValueError:
        value = float("inf")
    if value == float("inf"):
        raise BadCondition(f"Unable to parse numeric value '{word}' to float64")
    return Token("NUMERIC", value), end


def _word(word: str) -> Token:
    if word in ("true", "false"):
        return Token("BOOLEAN", word == "true")
    if word.find(".") > 0:
        parts = word.split(".")
        if not parts[-1]:
            raise BadCondition(f"Hanging accessor on token '{word}'")
        for part in parts[1:]:
            if part[:1].upper() != part[:1]:
                raise BadCondition(f"Unable to access unexported field '{part}' in token '{word}'")
        return Token("ACCESSOR", parts)
    return Token("COMPARATOR", "in") if word in ("in", "IN") else Token("VARIABLE", word)


def _until(
    text: str, start: int, accepts: Callable[[str], bool], *, keep_spaces: bool = False
) -> tuple[str, int, bool]:
    """The characters that belong together, the place after them, and whether they ended by
    themselves. A backslash takes the next one, whatever it is."""
    word, position = "", start
    while position < len(text):
        char = text[position]
        if char == "\\":
            if position + 1 == len(text):
                raise BadCondition("a backslash at the end")
            word += text[position + 1]
            position += 2
        elif _is_space(char) and not keep_spaces:
            position += 1
            if word:
                return word, position, True
        elif accepts(char):
            word += char
            position += 1
        else:
            return word, position, True
    return word, position, False


def _is_space(char: str) -> bool:
    return char.isspace() and char not in "\x1c\x1d\x1e\x1f"


def _is_numeric(char: str) -> bool:
    return char.isdecimal() or char == "."


def _is_hexadecimal(char: str) -> bool:
    return char.isdecimal() or char.lower() in "abcdef"


def _is_of_word(char: str) -> bool:
    return char.isalpha() or char.isdecimal() or char in "_."


def _is_of_symbol(char: str) -> bool:
    return not (char.isalpha() or char.isdecimal() or char in "()[]'\"")


def _checked(tokens: Sequence[Token]) -> Sequence[Token]:
    """The same. Raises BadCondition where two cannot stand beside each other."""
    before = Token("UNKNOWN", None)
    for token in tokens:
        if token.kind not in FOLLOWERS[before.kind]:
            if before.kind == "VARIABLE" and token.kind == "CLAUSE":
                raise BadCondition(f"Undefined function {before.value}")
            raise BadCondition(f"Cannot transition token types from {before} to {token}")
        before = token
    if before.kind not in LAST:
        raise BadCondition("Unexpected end of expression")
    return tokens


def _with_patterns(tokens: Sequence[Token]) -> list[Token]:
    """A text on the right of ``=~`` is looked at as a regular expression at once."""
    found = list(tokens)
    for index, token in enumerate(tokens[1:], 1):
        if token.kind == "STRING" and tokens[index - 1] in (
            Token("COMPARATOR", "=~"),
            Token("COMPARATOR", "!~"),
        ):
            found[index] = Token("PATTERN", Pattern(token.value))
    return found


# planning


class _Planner:
    """Tokens become a stage: what is called for the value. Nothing is evaluated before that."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth = 0

    def level(self, strength: int) -> Stage:
        """What the operators of this strength and all stronger ones join."""
        if strength == len(LEVELS):
            return self.value()
        kind, symbols = LEVELS[strength]
        stage = self.level(strength + 1)
        while self.kind == kind and self._tokens[self._at].value in symbols:
            symbol = self._tokens[self._at].value
            self._at += 1
            stage = _joined(stage, symbol, self.level(strength + 1))
        return stage

    @property
    def kind(self) -> str:
        return self._tokens[self._at].kind if self._at < len(self._tokens) else ""

    def value(self) -> Stage:
        if self.kind == "CLAUSE_CLOSE":
            return lambda: None
        token = self._tokens[self._at]
        self._at += 1
        if token.kind == "CLAUSE":
            return self.bracketed()
        if token.kind == "PREFIX":
            operand = self.value()
            return lambda: PREFIXES[token.value](operand())
        if token.kind == "ACCESSOR":
            return self.accessor(token)
        if token.kind in ("SEPARATOR", "COMPARATOR", "MODIFIER", "LOGICALOP", "TERNARY"):
            raise BadCondition(
                f"Unable to plan token kind: '{token.kind}', value: '{printed(token.value)}'"
            )
        return lambda: token.value

    def bracketed(self) -> Stage:
        self._depth += 1
        if self._depth > DEEPEST:
            raise BadCondition(f"more than {DEEPEST} brackets inside each other")
        stage = self.level(0)
        self._at += 1
        self._depth -= 1
        return stage

    def accessor(self, token: Token) -> Stage:
        """``foo.Bar``: a member of a variable, of which there is none."""
        argument = self.level(0) if self.kind == "CLAUSE" else None

        def fail() -> Any:
            if argument:
                argument()
            raise BadCondition(f"No parameter '{token.value[0]}' found.")

        return fail


def _joined(left: Stage, symbol: str, right: Stage) -> Stage:
    if symbol == ",":
        return lambda: _listed(left(), right())
    if symbol == "?":
        return lambda: _chosen(left(), right)
    if symbol in (":", "??"):
        return lambda: found if (found := left()) is not None else right()
    if symbol in ("&&", "||"):
        return lambda: _logical(left(), symbol, right)
    return lambda: BINARY[symbol](left(), right())


def _listed(left: Any, right: Any) -> Any:
    return [*left, right] if is_list(left) else [left, right]


def _chosen(condition: Any, right: Stage) -> Any:
    found = None if condition is False else right()
    if not isinstance(condition, bool):
        raise BadCondition(
            f"Value '{printed(condition)}' cannot be used with the ternary operator '?', "
            "it is not a bool"
        )
    return found


def _logical(left: Any, symbol: str, right: Stage) -> Any:
    if left is (symbol == "||"):
        return left
    values = (left, right())
    for value in values:
        if not isinstance(value, bool):
            raise BadCondition(
                f"Value '{printed(value)}' cannot be used with the logical operator '{symbol}', "
                "it is not a bool"
            )
    return values[1]
