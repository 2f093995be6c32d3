"""One fault at one request of a command: all is right afterwards, or after giving the command once
more, and nothing is there twice.

What is right is what the same command leaves undisturbed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from tests.faults.faults_world import UNANSWERED, Faulty, Result, is_one_clear_failure
from tests.sampling import IS_ALL

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
SAMPLE = "sample"
PIECES = tuple(KINDS) if IS_ALL else (SAMPLE,)
"""All of a matrix comes in one piece for each kind of fault."""
TIMEOUT = pytest.mark.timeout(3600 if IS_ALL else 120)
FAILURES = {1, 4, 6}
FIRST = "the first configuration of the deployment"
"""Stands in a command for its id."""


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


def targets(requests: Iterable[Mapping[str, Any]]) -> Iterator[Target]:
    """Every request that was recorded, by what it asks for: in what order those of several workers
    come is not known beforehand, how many there are of each is."""
    seen: Counter[tuple[str, str]] = Counter()
    for request in requests:
        what = str(request["method"]), str(request["path"])
        yield Target(*what, seen[what])
        seen[what] += 1


@dataclass(frozen=True)
class Deed:
    """A command whose requests fail, and the commands that were given before it.

    ``every``: the suite has one fault at each so manieth request. ``done``: what the command says
    when it is given once more and has nothing to do. ``has_dead_lock``: somebody has died before it
    who had locked the stage.
    """

    command: tuple[str, ...]
    past: tuple[tuple[str, ...], ...] = ()
    every: int = 1
    done: str = ""
    has_dead_lock: bool = False


def disturbed(faulty: Faulty, deed: Deed, piece: str) -> list[str]:
    """What is wrong after one piece of the matrix of a deed; empty when nothing is."""
    group = prepared(faulty, deed)
    command = spelt(faulty, deed, group)
    faulty.emulator.forget_requests()
    undisturbed = do(faulty, command, group)
    assert undisturbed.code == 0, undisturbed.text
    found = list(targets(faulty.emulator.requests()))
    expected = faulty.state(group)
    return [
        f"{target}: {kind}: {problem}"
        for target, kind in chosen(found, deed.every, piece)
        if (problem := tried(faulty, deed, target, kind, expected))
    ]


def stormed(faulty: Faulty, deeds: Iterable[Deed], first: int = 0) -> list[str]:
    """What is wrong after deeds, one after the other, in each of which the first request of every
    sort fails, each in another way, from the kind with the number ``first`` on. A deed that fails
    is done again.

    One fault for every sort of request costs hardly more than the deeds themselves. None is slow:
    the patience of all the other requests would have to be short too.
    """
    kinds = [effects for name, effects in KINDS.items() if name != "too slow"]
    calm = faulty.group()
    done: list[tuple[Deed, list[dict[str, Any]], Mapping[str, Any]]] = []
    for deed in deeds:
        faulty.emulator.forget_requests()
        result = do(faulty, deed.command, calm)
        assert result.code == 0, result.text
        # in an order that is the same each time, unlike that of what is read at once
        firsts = sorted(
            {str(t): t for t in targets(faulty.emulator.requests()) if not t.nth}.items()
        )
        rules = [t.rule(kinds[(first + n) % len(kinds)]) for n, (_, t) in enumerate(firsts)]
        done.append((deed, rules, faulty.state(calm)))
    rough = faulty.group()
    wrong: list[str] = []
    for deed, rules, expected in done:
        wrong += _weathered(faulty, deed, rules, rough)
        if (state := faulty.state(rough)) != expected:
            wrong.append(f"{deed.command} left {state} in place of {expected}")
    return wrong


def _weathered(
    faulty: Faulty, deed: Deed, rules: list[dict[str, Any]], group: str
) -> Iterator[str]:
    """What goes wrong until a deed is done although all these faults come to pass."""
    with faulty.emulator.faults(*rules) as storm:
        told = ""
        for _ in range(len(rules) + 1):
            result = do(faulty, deed.command, group)
            told += f"\n{result.code}: {result.text}"
            if result.code not in FAILURES or not is_one_clear_failure(result):
                break
        if result.code:
            yield f"{deed.command} did not come to its end: {told}"
        # what is asked of several runs at once depends on which of them are ready together
        missed = [rule for rule in storm.show() if not rule["fired"] and rule["method"] == "POST"]
        yield from (f"was never asked: {rule}" for rule in missed)


def chosen(found: list[Target], every: int, piece: str) -> Iterator[tuple[Target, str]]:
    """One kind of fault at every request; or a sample: some requests, each with another kind."""
    if piece in KINDS:
        yield from ((target, piece) for target in found)
        return
    kinds = list(KINDS)
    for number, target in enumerate(found[::every]):
        yield target, kinds[(number * 5) % len(kinds)]


def prepared(faulty: Faulty, deed: Deed) -> str:
    """A group in which the deed can be done."""
    group = faulty.group()
    for command in deed.past:
        result = do(faulty, command, group)
        assert result.code == 0, result.text
    if deed.has_dead_lock:
        faulty.leave_lock(group)
    return group


def spelt(faulty: Faulty, deed: Deed, group: str) -> tuple[str, ...]:
    """The command of a deed in this group."""
    return tuple(faulty.first_version(group) if w is FIRST else w for w in deed.command)


def do(
    faulty: Faulty, command: tuple[str, ...], group: str, timeout: float | None = None
) -> Result:
    """One command for the stage in this group; ``timeout``: seconds for an answer."""
    name, *rest = command
    options = ("--auto-approve", "--var", f"group={group}")
    return faulty.cicd(name, "dev", *rest, *options, timeout=timeout)


def tried(
    faulty: Faulty, deed: Deed, target: Target, kind: str, expected: Mapping[str, Any]
) -> str:
    """What is wrong after a command with this fault at that request; empty when nothing is."""
    group = prepared(faulty, deed)
    command = spelt(faulty, deed, group)
    with faulty.emulator.faults(target.rule(KINDS[kind])) as rules:
        result = do(faulty, command, group, UNANSWERED if kind == "too slow" else None)
        # how often it looks at what takes its time is another number each time
        if not rules.fired and target.method != "GET":
            return f"was never asked: {result.text}"
    if result.code:
        if result.code not in FAILURES or not is_one_clear_failure(result):
            return f"ended with {result.code}: {result.text}"
        again = do(faulty, command, group)
        if again.code and not (deed.done and deed.done in again.text):
            return f"after {result.text} the second one ended with {again.code}: {again.text}"
    state = faulty.state(group)
    return "" if state == expected else f"left {state} in place of {expected}: {result.text}"
