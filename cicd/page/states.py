"""How things and stages are, in one word each with its sign: colour alone tells nothing. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from cicd.model import State
from cicd.page.known import Look
from cicd.page.reading import Document, Row, Standing
from cicd.render import document as read
from cicd.words import some

MOST_NAMED = 3
"""Keys that a reason names."""


@dataclass(frozen=True)
class Word:
    """``style``: the class that colours it and draws its line."""

    text: str
    sign: str
    style: str


GOOD, DIFFERENT, MOVING = ("✓", "good"), ("≠", "different"), ("◐", "moving")
WAITING, BAD, PAUSED, UNKNOWN = ("◷", "waiting"), ("✕", "bad"), ("‖", "paused"), ("?", "unknown")
ABSENT = ("–", "absent")

_OF_STATE = {
    State.SUCCEEDED: GOOD,
    State.RUNNING: GOOD,
    State.PENDING: MOVING,
    State.STOPPING: MOVING,
    State.FAILED: BAD,
    State.STOPPED: PAUSED,
    State.UNKNOWN: UNKNOWN,
}


def of_thing(row: Row, run_kinds: Collection[str]) -> Word:
    """One thing, in the word that its platform has for how it is."""
    if not row.get("id"):
        return Word("not there", *ABSENT)
    if row.get("unmet"):
        return Word("gate not met", *BAD)
    state = str(row.get("state") or State.UNKNOWN)
    is_run = str(row.get("key", "")).partition("/")[0] in run_kinds
    if state == State.RUNNING and is_run:
        return Word(str(row.get("status") or "RUNNING"), *MOVING)
    return Word(str(row.get("status") or "there"), *of_state(state))


def of_state(state: str) -> tuple[str, str]:
    """The sign and the style of a state."""
    return _OF_STATE.get(State(state), UNKNOWN) if state in set(State) else UNKNOWN


@dataclass(frozen=True)
class StageState:
    """A stage in one word, and why it is so."""

    word: Word
    reason: str


def of_stage(standing: Look[Standing], plan: Look[Document]) -> StageState:
    """How a stage is, the worst first: what cannot be read, has failed, is under way, waits for
    somebody, differs from its file."""
    if standing.value is None or standing.problem:
        if standing.is_new:
            return StageState(Word("Reading", *MOVING), "it is being read")
        return StageState(Word("Unknown", *UNKNOWN), standing.problem)
    found = standing.value
    words = [(row, of_thing(row, found.run_kinds)) for row in found.rows]
    if plan.problem:
        return StageState(Word("Degraded", *BAD), plan.problem)
    if bad := [str(row["key"]) for row, word in words if word.style == "bad"]:
        return StageState(Word("Degraded", *BAD), f"{some(bad, MOST_NAMED)} failed")
    if moving := [str(row["key"]) for row, word in words if word.style == "moving"]:
        return StageState(Word("Progressing", *MOVING), f"{some(moving, MOST_NAMED)} under way")
    if plan.value is None:
        return StageState(Word("Reading", *MOVING), "it is being compared with its file")
    return _of_plan(plan.value)


def _of_plan(plan: Document) -> StageState:
    waits = waiting(plan)
    if waits:
        return StageState(
            Word("Waiting", *WAITING), f"{some(waits, MOST_NAMED)} held until tested or approved"
        )
    changes = read.changes(plan)
    if changes:
        return StageState(Word("OutOfSync", *DIFFERENT), read.counted(plan))
    return StageState(Word("Synced", *GOOD), "all is as its file says")


def waiting(plan: Document) -> list[str]:
    """The keys that somebody has to agree to first."""
    status: Any = plan.get("lifecycle")
    return read.texts(status, "waits") if isinstance(status, Mapping) else []


_ACTIONS = {
    "create": ("+", "is made"),
    "update": ("~", "is updated"),
    "replace": ("±", "is replaced"),
    "run": ("▶", "runs"),
    "delete": ("✕", "is deleted"),
}


def of_action(action: str) -> tuple[str, str]:
    """The sign of an action, and what the next apply does, in words."""
    return _ACTIONS.get(action, ("", ""))


_RESULTS = {"applied": GOOD, "failed": BAD, "running": MOVING, "held": WAITING}


def of_result(result: str) -> Word:
    """How an apply ended."""
    return Word(result or "unknown", *_RESULTS.get(result, UNKNOWN))
