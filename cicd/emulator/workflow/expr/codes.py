"""What the parts of an expression become: functions of what it can name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cicd.emulator.workflow.expr import operators
from cicd.emulator.workflow.expr.closures import Each
from cicd.emulator.workflow.expr.operators import BadExpression

Env = Mapping[str, Any]
Code = Callable[[Env], Any]
MOST_ROUNDS = 200_000
"""How often closures may be evaluated in one expression."""
ROUNDS = "#rounds"
"""Where the environment counts that; no name can be spelled so."""
ITEM = "#"


@dataclass(frozen=True)
class Step:
    """One ``.name``, ``[key]`` or ``[from:to]`` behind a value. A step that ``starts_anew`` is
    taken even if one before it was left out because of ``?.``."""

    take: Callable[[Any, Env], Any]
    is_optional: bool = False
    starts_anew: bool = False


def chained(code: Code, steps: list[Step]) -> Code:
    def value(env: Env) -> Any:
        found, is_left_out = code(env), False
        for step in steps:
            if step.starts_anew:
                is_left_out = False
            is_left_out = is_left_out or (step.is_optional and found is None)
            if not is_left_out:
                found = step.take(found, env)
        return found

    return value


def constant(value: Any) -> Code:
    return lambda env: value


def variable_of(name: str) -> Code:
    def value(env: Env) -> Any:
        if name not in env:
            raise BadExpression(f"{name} has no value here")
        return env[name]

    return value


def each_of(body: Code, env: Env) -> Each:
    """``body`` as a function of an item, its place, and what was gathered so far."""

    def each(item: Any, index: int = 0, gathered: Any = None) -> Any:
        env[ROUNDS][0] -= 1
        if env[ROUNDS][0] < 0:
            raise BadExpression(f"more than {MOST_ROUNDS} rounds")
        return body({**env, ITEM: item, "#index": index, "#acc": gathered})

    return each


def unary(sign: str, code: Code) -> Code:
    if sign in ("!", "not"):
        return negation(code)
    return code if sign == "+" else lambda env: operators.negative(code(env))


def negation(code: Code) -> Code:
    return lambda env: not operators.truth(code(env))


def choice(condition: Code, yes: Code, no: Code) -> Code:
    return lambda env: yes(env) if operators.truth(condition(env)) else no(env)


def binary(name: str, left: Code, right: Code) -> Code:
    if name in ("&&", "and"):
        return lambda env: operators.truth(left(env)) and right(env)
    if name in ("||", "or"):
        return lambda env: operators.truth(left(env)) or right(env)
    if name == "??":
        return lambda env: found if (found := left(env)) is not None else right(env)
    function = operators.BINARY[name]
    return lambda env: function(left(env), right(env))
