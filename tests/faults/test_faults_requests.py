"""Every request of a command fails once, in every way: all is right afterwards, or after giving the
command once more, and nothing is there twice.

The suite runs a sample; all of it: ``CICD_FAULTS=all pytest tests/faults``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from tests.faults.faults_world import IS_ALL, UNANSWERED, Faulty, Result, is_one_clear_failure

KINDS: Mapping[str, Mapping[str, Any]] = {
    "503 before": {"status": 503},
    "reset before": {"reset": True},
    "reset after": {"lost": "reset"},
    "504 after": {"lost": 504},
    "429": {"status": 429},
    "429 with Retry-After": {"status": 429, "retry-after": 20},
    "truncated": {"body": "truncated"},
    "not JSON": {"body": "not-json"},
    "empty": {"body": "empty"},
    "proxy page before": {"status": 502, "body": "html"},
    "proxy page after": {"body": "html"},
    "too slow": {"slow-after": 3 * UNANSWERED},
}
"""What can happen to a request."""
FAILURES = {1, 4, 6}
MINI = ("--var", "model=gpt-4o-mini")


@dataclass(frozen=True)
class Target:
    """The ``nth`` request (from 0) of a method to a path template."""

    method: str
    path: str
    nth: int

    def rule(self, effects: Mapping[str, Any]) -> dict[str, Any]:
        return {"method": self.method, "path": self.path, "after": self.nth, "times": 1, **effects}

    def __str__(self) -> str:
        return f"{self.method} {self.path} #{self.nth}"


def targets(requests: list[dict[str, Any]]) -> Iterator[Target]:
    """Every request that was recorded, by what it asks for."""
    seen: Counter[tuple[str, str]] = Counter()
    for request in requests:
        what = str(request["method"]), str(request["path"])
        yield Target(*what, seen[what])
        seen[what] += 1


@dataclass(frozen=True)
class Deed:
    """A command whose requests fail, and what has to be there before: nothing, or one apply."""

    arguments: tuple[str, ...]
    has_past: bool
    every: int
    """The suite has one fault at each so manieth request."""


DEEDS = {
    "apply": Deed(("apply", "--workers", "1"), has_past=False, every=2),
    "change": Deed(("apply", "--workers", "1", "--refresh-secrets", *MINI), has_past=True, every=5),
    "destroy": Deed(("destroy", "--force"), has_past=True, every=5),
}


@pytest.mark.parametrize("name", DEEDS)
def test_every_request_of_a_command_fails_once(faulty: Faulty, name: str) -> None:
    deed, group = DEEDS[name], prepared(faulty, DEEDS[name])
    faulty.emulator.forget_requests()
    undisturbed = done(faulty, deed, group)
    assert undisturbed.code == 0, undisturbed.text
    found = list(targets(faulty.emulator.requests()))
    expected = faulty.state(group)
    wrong = []
    cases = list(chosen(found, deed.every))
    for target, kind in cases:
        if problem := tried(faulty, deed, target, kind, expected):
            wrong.append(f"{target}: {kind}: {problem}")
    assert not wrong, f"{len(wrong)} of {len(cases)}\n" + "\n".join(wrong)


def chosen(found: list[Target], every: int) -> Iterator[tuple[Target, str]]:
    """All cases, or a sample: some requests, each with another kind of fault."""
    for number, target in enumerate(found):
        for order, kind in enumerate(KINDS):
            if IS_ALL or (number % every == 0 and (number // every + order) % len(KINDS) == 0):
                yield target, kind


def prepared(faulty: Faulty, deed: Deed) -> str:
    """A group in which the deed can be done."""
    group = faulty.group()
    if deed.has_past:
        assert faulty.apply(group).code == 0
    return group


def done(faulty: Faulty, deed: Deed, group: str, timeout: float | None = None) -> Result:
    command, *options = deed.arguments
    options += ["--auto-approve", "--var", f"group={group}"]
    return faulty.cicd(command, "dev", *options, timeout=timeout)


def tried(
    faulty: Faulty, deed: Deed, target: Target, kind: str, expected: Mapping[str, Any]
) -> str:
    """What is wrong after a command with this fault at that request; empty when nothing is."""
    group = prepared(faulty, deed)
    with faulty.emulator.faults(target.rule(KINDS[kind])) as rules:
        result = done(faulty, deed, group, UNANSWERED if kind == "too slow" else None)
        # how often it looks at what takes its time is another number each time
        if not rules.fired and target.method != "GET":
            return f"was never asked: {result.text}"
    if result.code:
        if result.code not in FAILURES or not is_one_clear_failure(result):
            return f"ended with {result.code}: {result.text}"
        again = done(faulty, deed, group)
        if again.code:
            return f"after {result.text} the second one ended with {again.code}: {again.text}"
    state = faulty.state(group)
    return "" if state == expected else f"left {state} in place of {expected}: {result.text}"
