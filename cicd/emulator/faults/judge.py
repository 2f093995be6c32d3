"""Pure: fault rules, which request each of them hits, and the record of requests.

A rule says which requests it matches, at which of them it fires, and what happens then. Rules are
kept in memory only: an emulator that starts behaves.
"""

from __future__ import annotations

import random
import threading
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from cicd.emulator.faults.rules import Rule

MOST_REQUESTS = 10_000
"""How many requests are remembered."""
OUTSIDE = ("/emulator/", "/tracking/")
"""What no client of the API asks for; only a rule that names such a path can match /tracking/."""
SNAPSHOT = "snapshot"
"""What a rule for stale reads remembers."""


@dataclass(frozen=True)
class Asked:
    """What rules look at: ``operation`` as ``deployment.create``, ``template`` with ``{id}``, and
    ``values`` for what stands in braces there."""

    method: str
    path: str
    template: str
    operation: str
    resource_group: str = ""
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass
class RuleState:
    """A rule with its counters, and what its effects remember from one request to the next."""

    rule: Rule
    matched: int = 0
    fired: int = 0
    memory: dict[str, Any] = field(default_factory=dict)
    dice: random.Random = field(default_factory=random.Random)

    def hit(self, asked: Asked) -> bool:
        """Count a request; whether the rule fires at it."""
        rule = self.rule
        if not matches(rule, asked):
            return False
        self.matched += 1
        beyond = self.matched - rule.after
        if beyond < 1 or (beyond - 1) % rule.every:
            return False
        if rule.times is not None and self.fired >= rule.times:
            return False
        if rule.probability < 1 and self.dice.random() >= rule.probability:
            return False
        self.fired += 1
        return True

    def end(self) -> None:
        """Let go of what is remembered."""
        if SNAPSHOT in self.memory:
            self.memory[SNAPSHOT].close()

    def show(self) -> dict[str, Any]:
        """The rule as it was sent, with id and counters."""
        shown = {"id": self.rule.id, **self.rule.source}
        return {**shown, "matched": self.matched, "fired": self.fired}


@dataclass
class Request:
    """One line of the record; ``status`` is 0 while it is not answered, and if it never was."""

    number: int
    method: str
    template: str
    operation: str
    faults: tuple[str, ...] = ()
    status: int = 0

    def show(self) -> dict[str, Any]:
        return {
            "number": self.number,
            "method": self.method,
            "path": self.template,
            "operation": self.operation,
            "status": self.status,
            "faults": list(self.faults),
        }


@dataclass(frozen=True)
class Verdict:
    """What happens to one request: effect name -> its value and the rule it comes from."""

    request: Request | None = None
    effects: Mapping[str, tuple[Any, RuleState]] = field(default_factory=dict)

    def value(self, effect: str) -> Any:
        """The value of an effect, None when it does not happen."""
        found = self.effects.get(effect)
        return found[0] if found else None


CLEAN = Verdict()


class Faults:
    """All rules of one emulator. Counting is exact, however many requests come at once."""

    def __init__(self) -> None:
        self.known: frozenset[str] = frozenset()
        """Every operation that a rule can match; whoever answers them says so."""
        self._lock = threading.Lock()
        self._rules: tuple[RuleState, ...] = ()
        self._made = 0
        self._requests: deque[Request] = deque(maxlen=MOST_REQUESTS)
        self._counted = 0

    def judge(self, asked: Asked) -> Verdict:
        """Record a request and decide what happens to it. Of two rules with one effect the older
        wins."""
        is_inside = not asked.path.startswith(OUTSIDE)
        if not is_inside and not self._rules:
            return CLEAN
        with self._lock:
            fired = [state for state in self._rules if state.hit(asked)]
            request = self._record(asked, fired) if is_inside else None
        effects: dict[str, tuple[Any, RuleState]] = {}
        for state in fired:
            for name, value in state.rule.effects.items():
                effects.setdefault(name, (value, state))
        return Verdict(request, effects)

    def _record(self, asked: Asked, fired: Iterable[RuleState]) -> Request:
        self._counted += 1
        ids = tuple(state.rule.id for state in fired)
        # of a path that nothing answers the template is the path, however long
        template = asked.template[:200]
        request = Request(self._counted, asked.method, template, asked.operation, ids)
        self._requests.append(request)
        return request

    def add(self, rules: Iterable[Rule]) -> list[RuleState]:
        """Put rules into force, all at once; each gets an id."""
        with self._lock:
            added = []
            for rule in rules:
                self._made += 1
                numbered = rule.numbered(f"f{self._made}")
                added.append(RuleState(numbered, dice=random.Random(rule.seed)))  # noqa: S311
            self._rules += tuple(added)
            return added

    def states(self) -> tuple[RuleState, ...]:
        """Every rule in force, oldest first."""
        return self._rules

    def clear(self, rule_id: str | None = None) -> list[RuleState]:
        """End one rule, or all; those that ended. Whatever they remember has no effect any more."""
        with self._lock:
            ended = [state for state in self._rules if rule_id in (None, state.rule.id)]
            self._rules = tuple(s for s in self._rules if rule_id not in (None, s.rule.id))
        for state in ended:
            state.end()
        return ended

    def requests(self) -> list[dict[str, Any]]:
        """The last requests, oldest first."""
        with self._lock:
            return [request.show() for request in self._requests]

    def forget_requests(self) -> None:
        """Begin to count at 1 again."""
        with self._lock:
            self._requests.clear()
            self._counted = 0


def matches(rule: Rule, asked: Asked) -> bool:
    """Whether a request is one that the rule counts."""
    if asked.path.startswith(OUTSIDE) and not rule.path.startswith("/tracking/"):
        return False
    if asked.path.startswith("/emulator/"):
        # whoever breaks everything must still be able to repair it
        return False
    paths = (asked.path, asked.template)
    return (
        rule.method in ("", asked.method)
        and (not rule.path or any(fnmatchcase(path, rule.path) for path in paths))
        and (not rule.operation or fnmatchcase(asked.operation, rule.operation))
        and rule.kind in ("", asked.operation.partition(".")[0])
        and rule.resource_group in ("", asked.resource_group)
    )
