"""The expression language of ``{{=…}}``: a text becomes a function of what it can name.

The part of expr-lang that Argo's documentation shows: literals, lists, maps, members, slices,
arithmetic, comparisons, ``in``, ``matches``, ``? :``, ``??``, pipes, calls, and closures such as
``filter(xs, {# > 1})``. Nothing of Python can be reached: there are only values and the functions
of ``functions`` and ``sprig``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from cicd.emulator.workflow import operators
from cicd.emulator.workflow.functions import CLOSURES, FUNCTIONS
from cicd.emulator.workflow.operators import BadExpression
from cicd.emulator.workflow.sprig import SPRIG

Env = Mapping[str, Any]
Code = Callable[[Env], Any]

DEEPEST = 60
LONGEST = 20_000
MOST_ROUNDS = 200_000
"""How often closures may be evaluated in one expression."""
ROUNDS = "#rounds"
"""Where the environment counts that; no name can be spelled so."""
TOKEN = re.compile(
    r"""\s*(?: (?P<number>0[xX][0-9a-fA-F_]+|(?:\d[\d_]*)?\.\d+(?:[eE][+-]?\d+)?
                      |\d[\d_]*(?:[eE][+-]?\d+)?)
             | (?P<text>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`)
             | (?P<name>[A-Za-z_$][A-Za-z0-9_$]*)
             | (?P<sign>\?\?|\?\.|\*\*|\.\.|\|\||&&|==|!=|<=|>=|[-+*/%^<>!?:.,|()\[\]{}\#]) )""",
    re.VERBOSE | re.DOTALL,
)
BINARY = [
    {"||": "||", "or": "||"},
    {"&&": "&&", "and": "&&"},
    {name: name for name in ("==", "!=", "<", ">", "<=", ">=")}
    | {name: name for name in ("in", "not", "matches", "contains", "startsWith", "endsWith")},
    {"..": ".."},
    {"+": "+", "-": "-"},
    {"*": "*", "/": "/", "%": "%"},
    {"**": "**", "^": "**"},
]
"""Operators by strength, the weakest first."""
WORDS = {"true": True, "false": False, "nil": None, "null": None}
ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "0": "\0"}


def evaluate(text: str, env: Env) -> Any:
    """The value of an expression. Raises BadExpression with a message for people."""
    code = read(text)
    try:
        return code({**env, ROUNDS: [MOST_ROUNDS]})
    except BadExpression as error:
        raise BadExpression(f"{{{{={text}}}}}: {error}") from None
    except (RecursionError, MemoryError):
        raise BadExpression(f"{{{{={text}}}}}: needs too much") from None
    except (TypeError, ValueError, ArithmeticError, LookupError, AttributeError, re.error) as error:
        raise BadExpression(f"{{{{={text}}}}}: {error}") from None


@lru_cache(maxsize=2000)
def read(text: str) -> Code:
    """The expression as a function of its environment. Raises BadExpression."""
    if len(text) > LONGEST:
        raise BadExpression(f"an expression of more than {LONGEST} characters")
    parser = _Parser(text)
    code = parser.whole(0)
    if parser.kind:
        raise BadExpression(f"{{{{={text}}}}}: unexpected {parser.here!r}")
    return code


class _Parser:
    """Recursive descent; every method returns the code of what it has read."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = list(_tokens(text))
        self._at = 0
        self._depth = 0

    @property
    def here(self) -> str:
        return self._tokens[self._at][1]

    @property
    def kind(self) -> str:
        return self._tokens[self._at][0]

    def take(self) -> str:
        token = self.here
        self._at += 1
        return token

    def skip(self, sign: str) -> bool:
        """Go past ``sign`` if it comes next."""
        found = self.kind in ("sign", "name") and self.here == sign
        self._at += found
        return found

    def expect(self, sign: str) -> None:
        if not self.skip(sign):
            found = self.here or "the end"
            raise BadExpression(f"{{{{={self._text}}}}}: {sign!r} expected, found {found!r}")

    def whole(self, _: int = 0) -> Code:
        """A pipe of conditionals."""
        self._depth += 1
        if self._depth > DEEPEST:
            raise BadExpression("an expression nested too deeply")
        code = self.conditional()
        while self.skip("|"):
            code = self.piped(code)
        self._depth -= 1
        return code

    def conditional(self) -> Code:
        code = self.fallback()
        if not self.skip("?"):
            return code
        yes = self.whole()
        self.expect(":")
        no = self.whole()
        return lambda env: yes(env) if operators.truth(code(env)) else no(env)

    def fallback(self) -> Code:
        code = self.binary(0)
        while self.skip("??"):
            code = _fallback(code, self.binary(0))
        return code

    def binary(self, level: int) -> Code:
        if level == len(BINARY):
            return self.unary()
        left = self.binary(level + 1)
        while self.kind in ("sign", "name") and self.here in BINARY[level]:
            name = BINARY[level][self.take()]
            negated = name == "not"
            if negated:
                name = self.take()
                if name not in BINARY[2]:
                    raise BadExpression(f"{{{{={self._text}}}}}: 'not {name}' is no operator")
            left = _binary(name, left, self.binary(level + 1))
            if negated:
                left = _negation(left)
        return left

    def unary(self) -> Code:
        if self.skip("!") or self.skip("not"):
            return _negation(self.unary())
        for sign in "-+":
            if self.skip(sign):
                code = self.unary()
                return lambda env: operators.number(code(env)) * (-1 if sign == "-" else 1)
        return self.members(self.primary())

    def primary(self) -> Code:
        kind, word = self.kind, self.take()
        if kind == "number":
            value = _number(word)
            return lambda env: value
        if kind == "text":
            text = _text(word)
            return lambda env: text
        if kind == "name":
            return self.named(word)
        if word == "(":
            code = self.whole()
            self.expect(")")
            return code
        if word == "[":
            items = self.items("]")
            return lambda env: [item(env) for item in items]
        if word == "{":
            return self.map()
        if word == "#":
            return lambda env: _variable(env, "#")
        if word == ".":
            return _member(lambda env: _variable(env, "#"), _constant(self.take()), False)
        raise BadExpression(f"{{{{={self._text}}}}}: unexpected {word or 'end'!r}")

    def named(self, name: str) -> Code:
        if name in WORDS:
            return _constant(WORDS[name])
        if name == "sprig" and self.skip("."):
            name = f"sprig.{self.take()}"
            self.expect("(")
            return self.call(name, [])
        if self.skip("("):
            return self.call(name, [])
        return lambda env: _variable(env, name)

    def piped(self, first: Code) -> Code:
        """``value | f(x)`` is ``f(value, x)``."""
        name = self.take()
        if name == "sprig" and self.skip("."):
            name = f"sprig.{self.take()}"
        self.expect("(")
        return self.members(self.call(name, [first]))

    def call(self, name: str, arguments: list[Code]) -> Code:
        if name in CLOSURES:
            return self.closure(name, arguments)
        function = FUNCTIONS.get(name) or SPRIG.get(name.removeprefix("sprig."))
        if not function or (name.startswith("sprig.") is not (name not in FUNCTIONS)):
            raise BadExpression(f"{{{{={self._text}}}}}: the emulator has no function {name}()")
        arguments += self.items(")")
        return lambda env: function(*(argument(env) for argument in arguments))

    def closure(self, name: str, arguments: list[Code]) -> Code:
        """``filter(xs, {# > 1})``: the second argument is evaluated for every item."""
        if not arguments:
            arguments.append(self.whole())
            self.expect(",")
        braced = self.skip("{")
        body = self.whole()
        if braced:
            self.expect("}")
        self.expect(")")
        source, function = arguments[0], CLOSURES[name]
        return lambda env: function(
            operators.sequence(source(env)), lambda item: body(_with_item(env, item))
        )

    def items(self, end: str) -> list[Code]:
        found: list[Code] = []
        while not self.skip(end):
            found.append(self.whole())
            if not self.skip(","):
                self.expect(end)
                break
        return found

    def map(self) -> Code:
        pairs: list[tuple[Code, Code]] = []
        while not self.skip("}"):
            kind, key = self.kind, self.take()
            pairs.append((_constant(_text(key) if kind == "text" else key), self.colon_value()))
            if not self.skip(","):
                self.expect("}")
                break
        return lambda env: {key(env): value(env) for key, value in pairs}

    def colon_value(self) -> Code:
        self.expect(":")
        return self.whole()

    def members(self, code: Code) -> Code:
        while True:
            if self.skip("?."):
                code = _member(code, _constant(self.take()), True)
            elif self.skip("."):
                code = _member(code, _constant(self.take()), False)
            elif self.skip("["):
                code = self.index(code)
            else:
                return code

    def index(self, code: Code) -> Code:
        start = None if self.here == ":" else self.fallback()
        if not self.skip(":"):
            self.expect("]")
            assert start
            return _member(code, start, False)
        end = None if self.here == "]" else self.fallback()
        self.expect("]")
        return lambda env: operators.part(
            code(env), start(env) if start else None, end(env) if end else None
        )


def _tokens(text: str) -> list[tuple[str, str]]:
    found, position = [], 0
    while text[position:].strip():
        match = TOKEN.match(text, position)
        if not match:
            raise BadExpression(f"{{{{={text}}}}}: cannot read {text[position:].strip()!r}")
        assert match.lastgroup
        found.append((match.lastgroup, match[match.lastgroup]))
        position = match.end()
    return [*found, ("", "")]


def _number(token: str) -> int | float:
    token = token.replace("_", "")
    if token[:2].lower() == "0x":
        return int(token, 16)
    return float(token) if set(token) & set(".eE") else int(token)


def _text(token: str) -> str:
    if token[0] == "`":
        return token[1:-1]
    return re.sub(r"\\(.)", lambda match: ESCAPES.get(match[1], match[1]), token[1:-1])


def _constant(value: Any) -> Code:
    return lambda env: value


def _variable(env: Env, name: str) -> Any:
    try:
        return env[name]
    except KeyError:
        raise BadExpression(f"{name} has no value here") from None


def _with_item(env: Env, item: Any) -> Env:
    env[ROUNDS][0] -= 1
    if env[ROUNDS][0] < 0:
        raise BadExpression(f"more than {MOST_ROUNDS} rounds")
    return {**env, "#": item}


def _member(code: Code, key: Code, is_optional: bool) -> Code:
    return lambda env: operators.member(code(env), key(env), is_optional=is_optional)


def _negation(code: Code) -> Code:
    return lambda env: not operators.truth(code(env))


def _fallback(code: Code, other: Code) -> Code:
    def value(env: Env) -> Any:
        found = code(env)
        return other(env) if found is None else found

    return value


def _binary(name: str, left: Code, right: Code) -> Code:
    if name == "&&":
        return lambda env: operators.truth(left(env)) and operators.truth(right(env))
    if name == "||":
        return lambda env: operators.truth(left(env)) or operators.truth(right(env))
    function = operators.BINARY[name]
    return lambda env: function(left(env), right(env))
