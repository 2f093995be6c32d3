"""The expression language of ``{{=…}}``: a text becomes a function of what it can name.

expr-lang 1.17, as Argo Workflows 3.5 has it. Nothing of Python can be reached: there are only
values and the functions of ``functions``, ``closures`` and ``sprig``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from inspect import signature
from typing import Any

from cicd.emulator.workflow.expr import operators
from cicd.emulator.workflow.expr.chance import Chance
from cicd.emulator.workflow.expr.closures import CLOSURES
from cicd.emulator.workflow.expr.codes import (
    ITEM,
    MOST_ROUNDS,
    ROUNDS,
    Code,
    Env,
    Step,
    binary,
    chained,
    choice,
    constant,
    each_of,
    negation,
    unary,
    variable_of,
)
from cicd.emulator.workflow.expr.expression_tokens import Token, tokens
from cicd.emulator.workflow.expr.functions import DRAWN, FUNCTIONS
from cicd.emulator.workflow.expr.operators import BadExpression
from cicd.emulator.workflow.expr.sprig import SPRIG, SPRIG_DRAWN

DEEPEST = 60
LONGEST = 20_000
CHANCE = "#chance"
STRENGTH = {
    "|": 0,
    **dict.fromkeys(("or", "||"), 10),
    **dict.fromkeys(("and", "&&"), 15),
    **dict.fromkeys(("==", "!=", "<", ">", ">=", "<="), 20),
    **dict.fromkeys(("in", "matches", "contains", "startsWith", "endsWith"), 20),
    "..": 25,
    **dict.fromkeys(("+", "-"), 30),
    **dict.fromkeys(("*", "/", "%"), 60),
    **dict.fromkeys(("**", "^"), 100),
    "??": 500,
}
UNARY = {"not": 50, "!": 50, "-": 90, "+": 90}
COMPARISONS = ("<", ">", ">=", "<=")
NEGATED = ("contains", "matches", "startsWith", "endsWith", "in")
"""What may stand behind ``not``."""
TROUBLE = (TypeError, ValueError, ArithmeticError, LookupError, AttributeError, re.error)


def evaluate(text: str, env: Env, chance: Chance | None = None) -> Any:
    """The value of an expression. Raises BadExpression with a message for people."""
    code = read(text)
    try:
        return code({**env, "$env": env, ROUNDS: [MOST_ROUNDS], CHANCE: chance or Chance()})
    except BadExpression as error:
        raise BadExpression(f"{{{{={text}}}}}: {error}") from None
    except (RecursionError, MemoryError):
        raise BadExpression(f"{{{{={text}}}}}: needs too much") from None
    except TROUBLE as error:
        raise BadExpression(f"{{{{={text}}}}}: {error}") from None


@lru_cache(maxsize=2000)
def read(text: str) -> Code:
    """The expression as a function of its environment. Raises BadExpression."""
    if len(text) > LONGEST:
        raise BadExpression(f"an expression of more than {LONGEST} characters")
    try:
        parser = _Parser(list(tokens(text)))
        code = parser.sequence()
        if parser.here.kind:
            raise BadExpression(f"unexpected {parser.here.word!r}")
    except BadExpression as error:
        raise BadExpression(f"{{{{={text}}}}}: {error}") from None
    return code


class _Parser:
    """Precedence climbing; every method returns the code of what it has read."""

    def __init__(self, found: list[Token]) -> None:
        self._tokens = found
        self._at = 0
        self._depth = 0
        self._closures = 0

    @property
    def here(self) -> Token:
        return self._tokens[self._at]

    def take(self) -> Token:
        token = self.here
        self._at += bool(token.kind)
        return token

    def is_sign(self, *signs: str) -> bool:
        return self.here.kind == "sign" and self.here.word in signs

    def skip(self, sign: str) -> bool:
        """Go past ``sign`` if it comes next."""
        found = self.is_sign(sign)
        self._at += found
        return found

    def expect(self, sign: str) -> None:
        if not self.skip(sign):
            raise BadExpression(f"{sign!r} expected, found {self.here.word or 'the end'!r}")

    def name(self) -> str:
        if self.here.kind != "name":
            raise BadExpression(f"a name expected, found {self.here.word or 'the end'!r}")
        return self.take().word

    def member_name(self) -> str:
        """A name behind a point, where ``contains`` and the like are names as well."""
        return self.take().word if self.here.word.isalpha() else self.name()

    def sequence(self) -> Code:
        """``a; b`` is what ``b`` is."""
        code = self.expression()
        while self.skip(";") and self.here.kind:
            code = self.expression()
        return code

    def expression(self, strength: int = 0) -> Code:
        self._depth += 1
        if self._depth > DEEPEST:
            raise BadExpression("an expression nested too deeply")
        if strength == 0 and self.skip("let"):
            code = self.variable()
        elif strength == 0 and self.skip("if"):
            code = self.alternative()
        else:
            code = self.joined(self.primary(), strength)
            if strength == 0:
                code = self.conditional(code)
        self._depth -= 1
        return code

    def joined(self, left: Code, strength: int) -> Code:
        """``left`` and all operators at least as strong behind it."""
        before = ""
        while self.here.kind == "sign":
            start = self._at
            is_negated = self.skip("not")
            sign = self.here.word
            if is_negated and not self.is_sign(*NEGATED):
                raise BadExpression(f"'not {sign}' is no operator")
            own = STRENGTH.get(sign) if self.here.kind == "sign" else None
            if own is None or own < strength:
                self._at = start
                break
            self._at += 1
            if sign == "|":
                left = self.call(self.name(), [left])
            elif before == "??" and sign != "??":
                raise BadExpression(f"{sign} and ?? cannot be mixed: put one in parentheses")
            elif sign in COMPARISONS:
                left = self.comparison(left, sign, own)
            else:
                right = self.expression(own if sign in ("**", "^") else own + 1)
                left = binary(sign, left, right)
                left = negation(left) if is_negated else left
            before = sign
        return left

    def comparison(self, left: Code, sign: str, own: int) -> Code:
        """``1 < x < 9`` is ``1 < x and x < 9``."""
        right = self.expression(own + 1)
        code = binary(sign, left, right)
        while self.is_sign(*COMPARISONS):
            sign, left = self.take().word, right
            right = self.expression(own + 1)
            code = binary("&&", code, binary(sign, left, right))
        return code

    def variable(self) -> Code:
        name = self.name()
        self.expect("=")
        value = self.expression()
        self.expect(";")
        rest = self.sequence()
        return lambda env: rest({**env, name: value(env)})

    def alternative(self) -> Code:
        condition = self.expression()
        self.expect("{")
        yes = self.sequence()
        self.expect("}")
        self.expect("else")
        self.expect("{")
        no = self.sequence()
        self.expect("}")
        return lambda env: yes(env) if operators.truth(condition(env)) else no(env)

    def conditional(self, code: Code) -> Code:
        while self.skip("?"):
            if self.skip(":"):
                code = choice(code, code, self.expression())
                continue
            yes = self.expression()
            self.expect(":")
            code = choice(code, yes, self.expression())
        return code

    def primary(self) -> Code:
        token = self.here
        if token.kind == "sign" and token.word in UNARY:
            self._at += 1
            return self.behind(unary(token.word, self.expression(UNARY[token.word])))
        if self.skip("("):
            code = self.sequence()
            self.expect(")")
            return self.behind(code)
        if self._closures and self.skip("#"):
            return self.behind(variable_of(f"#{self.name() if self.here.kind == 'name' else ''}"))
        if self._closures and self.is_sign("."):
            return self.behind(variable_of(ITEM))
        if self.skip("::"):
            return self.behind(self.call(self.name(), []))
        return self.secondary()

    def secondary(self) -> Code:
        token = self.take()
        if token.kind == "number":
            return constant(token.value)
        if token.kind == "text":
            return self.behind(constant(token.value))
        if token.kind == "name":
            if token.word in ("true", "false", "nil"):
                return constant({"true": True, "false": False, "nil": None}[token.word])
            if self.is_sign("("):
                return self.behind(self.call(token.word, []))
            if token.word == "sprig":
                return self.behind(self.of_sprig())
            return self.behind(variable_of(token.word))
        if token.word == "[":
            items = self.items("]")
            return self.behind(lambda env: [item(env) for item in items])
        if token.word == "{":
            return self.behind(self.map())
        raise BadExpression(f"unexpected {token.word or 'end'!r}")

    def of_sprig(self) -> Code:
        """``sprig.name(…)``."""
        self.expect(".")
        name = self.member_name()
        return self.applied(f"sprig.{name}", SPRIG.get(name), SPRIG_DRAWN.get(name), [])

    def call(self, name: str, arguments: list[Code]) -> Code:
        if name in CLOSURES:
            return self.closure(name, arguments)
        return self.applied(name, FUNCTIONS.get(name), DRAWN.get(name), arguments)

    def applied(
        self,
        name: str,
        function: Callable[..., Any] | None,
        drawn: Callable[..., Any] | None,
        arguments: list[Code],
    ) -> Code:
        """The value of a function; one that is ``drawn`` also takes where chance comes from."""
        called = function or drawn
        if not called:
            raise BadExpression(f"the emulator has no function {name}()")
        self.expect("(")
        given = arguments + self.items(")")
        try:
            signature(called).bind(*given, *([None] if drawn else []))
        except TypeError:
            raise BadExpression(f"{name}() has too few or too many arguments") from None
        if drawn:
            return lambda env: drawn(env[CHANCE], *(argument(env) for argument in given))
        return lambda env: operators.short(called(*(argument(env) for argument in given)))

    def closure(self, name: str, arguments: list[Code]) -> Code:
        """``filter(xs, # > 1)``: the second argument is evaluated for every item."""
        function, most = CLOSURES[name]
        self.expect("(")
        has_more = bool(arguments)
        if not arguments:
            arguments = [self.expression()]
            has_more = self.skip(",")
        body = self.predicate() if has_more and not self.is_sign(")") else None
        rest: list[Code] = []
        while self.skip(",") and not self.is_sign(")"):
            rest.append(self.expression())
        self.expect(")")
        if len(rest) > most or (body is None and name not in ("count", "sum")):
            raise BadExpression(f"{name}() has too few or too many arguments")
        source = arguments[0]
        return lambda env: function(
            operators.gone_through(source(env)),
            each_of(body, env) if body else None,
            *(argument(env) for argument in rest),
        )

    def predicate(self) -> Code:
        self._closures += 1
        if self.skip("{"):
            body = self.sequence()
            self.expect("}")
        else:
            body = self.expression()
        self._closures -= 1
        return body

    def items(self, end: str) -> list[Code]:
        found: list[Code] = []
        while not self.skip(end):
            found.append(self.expression())
            if not self.skip(","):
                self.expect(end)
                break
        return found

    def map(self) -> Code:
        pairs: list[tuple[Code, Code]] = []
        while not self.skip("}"):
            if self.is_sign("("):
                key = self.expression()
            elif self.here.kind in ("number", "text", "name"):
                token = self.take()
                key = constant(token.value if token.kind == "text" else token.word)
            else:
                raise BadExpression(f"a key of a map expected, found {self.here.word!r}")
            self.expect(":")
            pairs.append((key, self.expression()))
            if not self.skip(","):
                self.expect("}")
                break
        return lambda env: {operators.text(key(env)): value(env) for key, value in pairs}

    def behind(self, code: Code) -> Code:
        """``code`` with all members, indexes and slices behind it."""
        steps: list[Step] = []
        while self.is_sign(".", "?.", "["):
            is_optional = self.take().word == "?."
            before = self._tokens[self._at - 1].word
            if before == "[" or (is_optional and self.skip("[")):
                steps.append(self.index(is_optional))
            else:
                steps.append(self.member(is_optional))
        return chained(code, steps) if steps else code

    def member(self, is_optional: bool) -> Step:
        name = self.member_name()
        if not self.skip("("):
            return Step(lambda value, env: operators.member(value, name), is_optional)
        given = self.items(")")
        return Step(
            lambda value, env: operators.method(value, name)(*(item(env) for item in given)),
            is_optional,
        )

    def index(self, is_optional: bool) -> Step:
        start = None if self.is_sign(":") else self.expression()
        if not self.skip(":"):
            self.expect("]")
            assert start
            key = start
            return Step(
                lambda value, env: operators.member(value, key(env)), is_optional, not is_optional
            )
        end = None if self.is_sign("]") else self.expression()
        self.expect("]")
        return Step(
            lambda value, env: operators.part(
                value, start(env) if start else None, end(env) if end else None
            ),
            starts_anew=True,
        )
