"""Every write there is, answered with any status from 400 to 599, as JSON and as HTML, before its
effect and after it: what is left is what the same commands leave undisturbed, and nothing twice.

The suite has every status once, at some write; every answer at every write, which takes half an
hour: ``CICD_FAULTS=all pytest``.
"""

from __future__ import annotations

import pytest

from tests.faults.faults_world import DESTINATIONS, Faulty, is_one_clear_failure
from tests.faults.hostile_session import Answer, Hostile, between, every_answer
from tests.sampling import IS_ALL

FAILURES = {1, 4, 5, 6}
MINI = ("--refresh-secrets", "--var", "model=gpt-4o-mini")
COMMANDS = (("apply",), ("apply", *MINI), ("destroy", "--stage-name", "dev"))
EACH = 20
"""Sorts of writes that three commands surely send."""


def applied(faulty: Faulty, group: str, command: tuple[str, ...]) -> tuple[int, str]:
    name, *rest = command
    options = ("--yes", "--var", f"group={group}")
    workers = ("--workers", "1") if name == "apply" else ()
    result = faulty.cicd(name, "dev", *rest, *options, *workers)
    told = "" if result.code == 0 or is_one_clear_failure(result) else "not clear: "
    return result.code, told + result.text


def disturbed(faulty: Faulty, group: str) -> None:
    """Somebody has changed where the destination points."""
    if entry := faulty.get(f"{DESTINATIONS}/{group}", group):
        faulty.ask("PUT", DESTINATIONS, group, {**entry, "ProxyType": "OnPremise"})


def states(faulty: Faulty, group: str, hostile: Hostile | None) -> tuple[list[object], list[str]]:
    """What each of the commands leaves, and what went wrong on the way."""
    found: list[object] = []
    wrong: list[str] = []
    for command in COMMANDS:
        disturbed(faulty, group)
        for _ in range(len(hostile.hits if hostile else ()) + EACH):
            code, text = applied(faulty, group, command)
            if code not in FAILURES or text.startswith("not clear"):
                break
            # a lock that may have been taken is ours until it ends
            faulty.unlock(group)
        if code:
            wrong.append(f"{command} ended with {code}: {text}")
        faulty.unlock(group)
        found.append(faulty.state(group))
    return found, wrong


def one_of_each_status() -> list[Answer]:
    """As JSON and as HTML, after the effect and before it, in turn."""
    ways: dict[int, list[Answer]] = {}
    for answer in every_answer():
        ways.setdefault(answer.status, []).append(answer)
    return [answers[status % len(answers)] for status, answers in ways.items()]


@pytest.mark.timeout(3600 if IS_ALL else 300)
def test_any_answer_to_any_write_leaves_what_no_trouble_leaves(faulty: Faulty) -> None:
    expected, wrong = states(faulty, faulty.group(), None)
    assert not wrong, wrong
    answers = every_answer() if IS_ALL else one_of_each_status()
    seen: set[Answer] = set()
    sorts: set[str] = set()
    for begin in range(0, len(answers), 1 if IS_ALL else EACH):
        hostile = Hostile(answers, begin)
        with between(hostile, faulty.emulator.url):
            found, failed = states(faulty, faulty.group(), hostile)
        shown = ", ".join(f"{sort}: {answer}" for sort, answer in hostile.hits.items())
        wrong += [f"{failure} ({shown})" for failure in failed]
        wrong += [
            f"left {a} in place of {b} ({shown})"
            for a, b in zip(found, expected, strict=True)
            if a != b
        ]
        seen |= set(hostile.hits.values())
        sorts |= hostile.hits.keys()
    assert not wrong, "\n".join(wrong)
    assert seen == set(answers)
    assert {answer.status for answer in seen} == set(range(400, 600))
    assert {sort.partition(" ")[0] for sort in sorts} == {"POST", "PATCH", "PUT", "DELETE"}, sorts
