"""Every field of every answer is taken away, nulled, of another type, one at a time: no command
ends as a bug, nothing is made twice, nothing is deleted that is not ours.

The suite takes each field away and changes it in one other way, not both for each command; in all:
``CICD_FAULTS=all pytest``.
"""

from __future__ import annotations

import json
from contextlib import suppress
from copy import deepcopy
from typing import Any

import pytest

from cicd.apply import execute
from cicd.apply.events import Event
from cicd.errors import CicdError
from cicd.http import REFUSALS
from cicd.logs import Polling
from cicd.model import Action, Outcome, Plan, Result, Stage
from tests.apply.fake_apply_platform import Clock
from tests.benchmarks.test_request_budget import COMMIT, resources, synced
from tests.faults.faults_world import Faulty, hastened
from tests.faults.mutants import Asked, Mutant, Tape, Taped, answering_from, played, recorded
from tests.platforms.spoilt_aicore import Spoil, Spoilt, actions, connected, planned
from tests.platforms.test_aicore_lost_answers import world_where
from tests.sampling import IS_ALL, failing_statuses

ENDS = {0, 1, 2, 3, 4, 5, 6}
APPLY = ("apply", "dev", "--yes", "--workers", "1")
COMMANDS: dict[str, tuple[tuple[str, ...], bool]] = {
    "plan": (("plan", "dev"), True),
    "status": (("status", "dev"), True),
    "import": (("import", "found", "--resource-group", "GROUP", "--force"), True),
    "apply": (APPLY, False),
    "apply again": (APPLY, True),
    "destroy": (("destroy", "dev", "--yes", "--stage-name", "dev"), True),
}
"""Command, and whether the stage has been applied before."""


def problems(tape: Tape, heard: Tape, mutant: Mutant, code: int, text: str) -> list[str]:
    """What is wrong about how a command ended and what it sent."""
    wrong = []
    if code not in ENDS or "Traceback" in text or "bug" in text:
        wrong.append(f"ended with {code}: {text[-600:]}")
    known = tape.writes()
    for write, count in heard.writes().items():
        method, path, _ = write
        # a lock may be tried for again
        if method == "POST" and not path.endswith("/secrets") and count > known[write]:
            wrong.append(f"{count} times {method} {path}")
        if method == "DELETE" and not any(path == p for m, p, _ in known if m == method):
            wrong.append(f"{method} {path}")
    return [f"{mutant}: {problem}" for problem in wrong]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", COMMANDS)
def test_a_mutant_of_any_answer_does_no_harm(faulty: Faulty, name: str) -> None:
    words, is_applied = COMMANDS[name]
    group = faulty.group()
    options = ("--var", f"group={group}") if words[0] != "import" else ()
    if is_applied:
        assert faulty.apply(group).code == 0
    command = tuple(word.replace("GROUP", group) for word in (*words, *options))
    tape, calm = recorded(faulty, *command)
    assert calm.code == 0, calm.text
    heard, again = played(faulty, tape, None, *command)
    assert again.code == 0, again.text
    assert heard.writes() == tape.writes()
    # each is a command of its own, and most read much alike: what one is spared the next meets
    mutants = list(tape.mutants())
    assert len(mutants) > 200
    if not IS_ALL:
        mutants = mutants[list(COMMANDS).index(name) % 3 :: 3]
    wrong: list[str] = []
    for mutant in mutants:
        heard, result = played(faulty, tape, mutant, *command)
        wrong += problems(tape, heard, mutant, result.code, result.text)
    assert not wrong, "\n".join(wrong)


STAGE = Stage(
    "dev",
    "dev.yaml",
    "/",
    "aicore",
    {"resource_group": "rg"},
    None,
    tuple(resources(1)),
    commit=COMMIT,
)
FREE = {"deployments": 1, "executions": 1, "artifacts": 1, "configurations": 2, "destinations": 1}
URL = "http://127.0.0.1:9"
BUG = "internal error"


class Told:
    """Notes what a server in memory answers, so that every field of it can be changed."""

    def __init__(self) -> None:
        self.tape = Tape()

    def __call__(self, method: str, path: str, status: int, content: Any) -> tuple[int, Any]:
        taped = Taped(status, json.dumps(content).encode())
        self.tape.answers.setdefault(Asked(method, path, ""), []).append(taped)
        return status, content


def spoiling(mutant: Mutant) -> Spoil:
    def spoil(method: str, path: str, status: int, content: Any) -> tuple[int, Any]:
        if status // 100 == 2 and isinstance(content, dict | list):
            content = json.loads(
                mutant.changes(Asked(method, path, ""), json.dumps(content).encode())
            )
        return status, content

    return spoil


def fresh() -> Spoilt:
    return Spoilt(lists=deepcopy(synced().lists))


def apply(world: Spoilt) -> tuple[Plan, list[Event]]:
    """One apply in memory, in which time is a number."""
    clock = Clock()
    with hastened(), answering_from(world), connected(URL, STAGE) as platform:
        plan, known = planned(platform, STAGE)
        polling = Polling(gap=0.0)
        events = execute(
            plan, platform, known=known, workers=1, polling=polling, clock=clock, sleep=clock.sleep
        )
        return plan, list(events)


def test_a_mutant_of_any_answer_about_a_run_makes_nothing_anew() -> None:
    """A stage with runs, their records and what they put out, which has been applied."""
    world = fresh()
    apply(world)
    world.after = told = Told()
    assert actions(apply(world)[0]) == {Action.NO_OP}
    wrong = []
    for mutant in told.tape.mutants():
        world.after = spoiling(mutant)
        try:
            plan, events = apply(world)
        except CicdError as error:
            assert type(error).exit_code in {1, 3, 4, 5, 6}
        else:
            wrong += [f"{mutant}: {end.error}" for end in failures(events) if BUG in end.error]
            if not actions(plan) <= {Action.NO_OP, Action.UPDATE}:
                wrong.append(f"{mutant}: {actions(plan)}")
        if world.sizes() != FREE:
            wrong.append(f"{mutant}: {world.sizes()}")
            world = fresh()
            apply(world)
    assert not wrong, "\n".join(wrong)


def test_a_mutant_of_any_answer_to_a_first_apply_makes_nothing_twice() -> None:
    world = fresh()
    world.after = told = Told()
    assert not failures(apply(world)[1])
    wrong = []
    for mutant in told.tape.mutants():
        world = fresh()
        world.after = spoiling(mutant)
        with suppress(CicdError):
            _, events = apply(world)
            wrong += [f"{mutant}: {end.error}" for end in failures(events) if BUG in end.error]
        if any(count > FREE[kind] for kind, count in world.sizes().items()):
            wrong.append(f"{mutant}: {world.sizes()}")
    assert not wrong, "\n".join(wrong)


POSTS = ("artifacts", "configurations", "executions", "deployments", "subaccountDestinations")
BODIES: tuple[Any, ...] = ({"error": {"code": "c", "message": "no"}}, "<html>no</html>")


@pytest.mark.parametrize("is_done", [True, False], ids=["after", "before"])
@pytest.mark.parametrize("body", BODIES, ids=["JSON", "HTML"])
def test_a_write_answered_with_any_status_happens_once(body: Any, is_done: bool) -> None:
    """400 to 599, each at another kind of write: made once, or refused and said so."""
    is_own = isinstance(body, dict)
    wrong = []
    for status in failing_statuses(2 * is_own + is_done):
        if is_own and is_done and status in REFUSALS:
            continue  # an API that does what it refuses
        path = POSTS[status % len(POSTS)]
        world = world_where(path, (status, body), is_done=is_done)
        world.lists = deepcopy(world.lists)
        with suppress(CicdError):
            _, events = apply(world)
            wrong += [
                f"{status} {path}: {end.error}" for end in failures(events) if BUG in end.error
            ]
            is_refused = isinstance(body, dict) and status in REFUSALS - {401, 429}
            if bool(failures(events)) is not (
                is_refused and not (is_done and status in {409, 412})
            ):
                wrong.append(f"{status} {path}: {[end.error for end in failures(events)]}")
        if any(count > FREE[kind] for kind, count in world.sizes().items()):
            wrong.append(f"{status} {path}: {world.sizes()}")
    assert not wrong, "\n".join(wrong)


def failures(events: list[Event]) -> list[Outcome]:
    return [
        e
        for e in events
        if isinstance(e, Outcome) and e.result in {Result.FAILED, Result.TIMED_OUT}
    ]
