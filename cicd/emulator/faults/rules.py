"""Pure: one fault rule, read from a mapping (a file, the API) or from words (the command line)."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Any

from cicd.emulator.errors import invalid

Check = Callable[[Any], Any]
"""Gives the value as it is used; ValueError with what is wanted instead."""


@dataclass(frozen=True)
class Rule:
    """Which requests, when, and what then. An empty text matches everything."""

    effects: Mapping[str, Any]
    method: str = ""
    path: str = ""
    operation: str = ""
    kind: str = ""
    resource_group: str = ""
    times: int | None = None
    """How often it fires at most."""
    after: int = 0
    """How many matching requests pass before."""
    every: int = 1
    """Fires at each n-th matching request after those."""
    probability: float = 1.0
    seed: int = 0
    id: str = ""
    source: Mapping[str, Any] = field(default_factory=dict)
    """What was sent, to be shown."""

    def numbered(self, rule_id: str) -> Rule:
        """The same with an id."""
        return replace(self, id=rule_id)


def whole(minimum: int, maximum: int = 10**9) -> Check:
    def check(value: Any) -> int:
        number = float(value)
        if isinstance(value, bool) or number != int(number) or not minimum <= number <= maximum:
            raise ValueError(f"a whole number from {minimum} to {maximum}")
        return int(number)

    return told(check, f"a whole number from {minimum} to {maximum}")


def real(minimum: float, maximum: float) -> Check:
    wanted = f"a number from {minimum:g} to {maximum:g}"

    def check(value: Any) -> float:
        number = float(value)
        if isinstance(value, bool) or math.isnan(number) or not minimum <= number <= maximum:
            raise ValueError(wanted)
        return number

    return told(check, wanted)


def told(check: Check, wanted: str) -> Check:
    """The same, but whatever goes wrong is told as what is wanted."""

    def checked(value: Any) -> Any:
        try:
            return check(value)
        except (TypeError, ValueError, OverflowError):
            raise ValueError(wanted) from None

    return checked


def one_of(*words: Any) -> Check:
    def check(value: Any) -> Any:
        return next(word for word in words if str(word) == str(value))

    def checked(value: Any) -> Any:
        try:
            return check(value)
        except StopIteration:
            raise ValueError(f"one of {', '.join(map(str, words))}") from None

    return checked


def switch(value: Any) -> bool:
    if str(value).lower() not in {"true", "false"}:
        raise ValueError("true or false")
    return str(value).lower() == "true"


def text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > 5000:
        raise ValueError("a text of at most 5000 characters")
    return value


SECONDS = real(0, 86_400)
MATCHES: Mapping[str, Check] = {
    "method": lambda value: text(value).upper(),
    "path": text,
    "operation": text,
    "kind": text,
    "resource-group": text,
    "times": whole(1),
    "after": whole(0),
    "every": whole(1),
    "probability": real(0, 1),
    "seed": whole(0),
}
EFFECTS: Mapping[str, Check] = {
    # an answer of its own; the request has no effect
    "status": whole(200, 599),
    "body": one_of("envelope", "plain", "html", "truncated", "not-json", "empty"),
    "message": text,
    "code": text,
    "retry-after": whole(0),
    "quota": switch,
    # the connection
    "reset": switch,
    "lost": one_of("reset", 500, 502, 503, 504),
    "slow": SECONDS,
    "slow-after": SECONDS,
    # what reads show
    "stale": SECONDS,
    "shuffle": switch,
    "log-gaps": switch,
    "log-noise": switch,
    "status-word": text,
    "skew": real(-315_360_000, 315_360_000),
    # the login
    "tokens": one_of("expired", "revoked"),
    "lifetime": SECONDS,
    # what becomes of things
    "rollback": switch,
    "reason": text,
    "stuck": switch,
    "dies": SECONDS,
    "vanish": switch,
    # what only other front doors than AI Core's have
    "log-late": switch,
    "log-shorter": switch,
}
"""What can happen, each with the check of its value."""
WITH = {"message": "status", "code": "status", "reason": "rollback"}
"""Effects that mean nothing without another."""


def read(source: Any, operations: Collection[str]) -> Rule:
    """A rule from a mapping as files and the API have it; 400 for what makes no sense.

    ``operations`` are all there are, so that a slip of the pen does not match nothing for ever.
    """
    if not isinstance(source, Mapping):
        raise invalid("a fault rule must be an object")
    given = {str(key).replace("_", "-"): value for key, value in source.items()}
    fields = {key.replace("-", "_"): check(MATCHES, given, key) for key in given if key in MATCHES}
    if unknown := sorted(set(given) - set(MATCHES) - set(EFFECTS)):
        raise invalid(
            f"unknown {unknown[0]!r} in a fault rule{meant(unknown[0], (*MATCHES, *EFFECTS))}"
        )
    effects = {key: check(EFFECTS, given, key) for key in given if key in EFFECTS}
    effects = {key: value for key, value in effects.items() if value is not False}
    if not effects:
        raise invalid(f"a fault rule needs an effect: {', '.join(EFFECTS)}")
    for name, other in WITH.items():
        if name in effects and other not in effects:
            raise invalid(f"{name} needs {other} in a fault rule")
    check_known(fields, operations)
    return Rule(effects, **fields, source=given)


def check(known: Mapping[str, Check], given: Mapping[str, Any], key: str) -> Any:
    try:
        return known[key](given[key])
    except ValueError as error:
        raise invalid(
            f"{key} in a fault rule must be {error}, not {str(given[key])[:50]!r}"
        ) from None


def check_known(fields: Mapping[str, Any], operations: Collection[str]) -> None:
    """400 for an operation or kind that nothing has."""
    kinds = {operation.partition(".")[0] for operation in operations}
    for name, known in (("operation", operations), ("kind", kinds)):
        wanted = fields.get(name, "")
        if wanted and not any(fnmatchcase(word, wanted) for word in known):
            raise invalid(f"no {name} is called {wanted!r}{meant(wanted, known)}")


def meant(word: str, known: Collection[str]) -> str:
    close = difflib.get_close_matches(word, known, 1)
    return f" (did you mean {close[0]!r}?)" if close else ""
