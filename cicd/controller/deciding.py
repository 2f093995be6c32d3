"""What a stage is, and what comes next: the state machine of the controller. Pure.

Whatever happens, these hold: nothing is changed of a stage that is suspended or outside its windows
unless somebody asks; a newer commit is applied only where ``auto`` says so or somebody asks; what
is healed goes back to the commit that was applied last, never on to a newer one; a commit that has
failed for good, or from which somebody rolled back, is not applied again by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from cicd.model import Sync


class StageState(StrEnum):
    """How a stage is, in one word."""

    SYNCED = "Synced"
    OUT_OF_SYNC = "OutOfSync"
    PROGRESSING = "Progressing"
    WAITING = "Waiting"
    DEGRADED = "Degraded"
    SUSPENDED = "Suspended"
    UNKNOWN = "Unknown"


class Step(StrEnum):
    """What the controller does next: ``upgrade`` applies the newest commit, ``heal`` the one that
    was applied last; ``plan`` only looks."""

    WAIT = "wait"
    PROBE = "probe"
    PLAN = "plan"
    UPGRADE = "upgrade"
    HEAL = "heal"
    FOLLOW = "follow"


@dataclass(frozen=True)
class Facts:
    """All that a decision goes by.

    ``head``: the newest commit of the branch, empty where it is not known. ``applied``: the one
    that was applied last. ``tried``: the one that failed for good, ``held``: the one that somebody
    rolled back from. ``problem``: what is wrong with the stage file of ``head``. ``unreachable``
    and ``no_repository``: why the platform, or the repository, does not answer. ``wanted``: how
    many changes the plan of ``head`` has, ``drift`` that of ``applied``. ``refusal``: what stands
    against the plan of ``head``. ``opens_in``: seconds until a window opens, None for never.
    ``tries``: how often it failed since it last went well, with what ``error``; ``next_try`` and
    ``now`` in seconds since 1970. ``is_looping``: something changes back what is healed.
    """

    sync: Sync = field(default_factory=Sync)
    head: str = ""
    applied: str = ""
    tried: str = ""
    held: str = ""
    problem: str = ""
    unreachable: str = ""
    no_repository: str = ""
    wanted: int = 0
    drift: int = 0
    refusal: str = ""
    approval: Literal["none", "needed", "given", "rejected", "expired"] = "none"
    is_open: bool = True
    opens_in: float | None = None
    tries: int = 0
    next_try: float = 0.0
    error: str = ""
    now: float = 0.0
    is_running: bool = False
    is_asked: bool = False
    is_looping: bool = False

    @property
    def has_news(self) -> bool:
        """Whether there is a newer commit that would change something."""
        return bool(self.head != self.applied and self.head and not self.problem and self.wanted)

    @property
    def may_change(self) -> bool:
        """Whether this is a time for changes."""
        return self.is_open or self.is_asked

    @property
    def may_heal(self) -> bool:
        """Whether what differs is to be put back now."""
        is_wished = self.sync.heal or (self.is_asked and not self.has_news)
        return bool(self.drift and self.applied) and is_wished and self.may_change

    @property
    def may_upgrade(self) -> bool:
        """Whether the newest commit is to be applied, if nothing else stands against it."""
        is_new = self.head not in {self.tried, self.held}
        return self.has_news and (self.is_asked or (self.sync.auto and is_new))


@dataclass(frozen=True)
class Decision:
    """``reason``: why it is so, in a sentence without a full stop; empty where all is well."""

    state: StageState
    reason: str
    step: Step


def decide(facts: Facts) -> Decision:
    """The first rule that has something to say decides; where none has, all is as it should be."""
    for rule in RULES:
        if decision := rule(facts):
            return decision
    return Decision(StageState.SYNCED, "", Step.WAIT)


def _under_way(facts: Facts) -> Decision | None:
    if not facts.is_running:
        return None
    return Decision(StageState.PROGRESSING, "an operation is under way", Step.FOLLOW)


def _unreachable(facts: Facts) -> Decision | None:
    if not facts.unreachable:
        return None
    reason = f"the platform does not answer: {facts.unreachable}"
    return Decision(StageState.UNKNOWN, reason, Step.PROBE)


def _never_valid(facts: Facts) -> Decision | None:
    if facts.applied or not facts.problem:
        return None
    return Decision(StageState.DEGRADED, facts.problem, Step.WAIT)


def _suspended(facts: Facts) -> Decision | None:
    if not facts.sync.suspended or facts.is_asked:
        return None
    why = f": {facts.sync.why}" if facts.sync.why else ""
    return Decision(StageState.SUSPENDED, f"suspended{why}", Step.PLAN)


def _failed_lately(facts: Facts) -> Decision | None:
    if facts.is_asked or not facts.tries or facts.now >= facts.next_try:
        return None
    seconds = round(facts.next_try - facts.now)
    reason = f"failed {facts.tries} times, next try in {_span(seconds)}: {facts.error}"
    return Decision(StageState.DEGRADED, reason.removesuffix(": "), Step.WAIT)


def _upgrade(facts: Facts) -> Decision | None:
    if not facts.may_upgrade:
        return None
    meanwhile = Step.HEAL if facts.may_heal and not facts.is_looping else Step.WAIT
    if facts.refusal:
        return Decision(StageState.DEGRADED, facts.refusal, meanwhile)
    if facts.approval in {"needed", "expired"}:
        moved = ": what was approved has moved" if facts.approval == "expired" else ""
        return Decision(StageState.WAITING, f"waits for an approval{moved}", meanwhile)
    if facts.approval == "rejected":
        return Decision(StageState.OUT_OF_SYNC, "somebody has rejected it", meanwhile)
    if not facts.may_change:
        return _shut(facts)
    return Decision(StageState.OUT_OF_SYNC, f"{facts.head[:7]} is applied", Step.UPGRADE)


def _heal(facts: Facts) -> Decision | None:
    is_wished = facts.sync.heal or (facts.is_asked and not facts.has_news)
    if not (is_wished and facts.drift and facts.applied):
        return None
    if not facts.may_change:
        return _shut(facts)
    if facts.is_looping:
        reason = "something else keeps changing it: healing waits an hour"
        return Decision(StageState.DEGRADED, reason, Step.WAIT)
    state = StageState.DEGRADED if facts.problem else StageState.OUT_OF_SYNC
    return Decision(state, f"{facts.applied[:7]} is put back", Step.HEAL)


def _invalid(facts: Facts) -> Decision | None:
    if not facts.problem:
        return None
    reason = f"the last good commit stays: {facts.problem}"
    return Decision(StageState.DEGRADED, reason, Step.WAIT)


def _no_repository(facts: Facts) -> Decision | None:
    if not facts.no_repository:
        return None
    reason = f"the repository does not answer: {facts.no_repository}"
    return Decision(StageState.UNKNOWN, reason, Step.WAIT)


def _differs(facts: Facts) -> Decision | None:
    if not (facts.has_news or facts.drift):
        return None
    reason = "changes wait for somebody"
    if facts.has_news and facts.head == facts.tried:
        failed = f"{facts.head[:7]} has failed and is not tried again by itself"
        reason = f"{failed}: {facts.error}".removesuffix(": ")
    elif facts.has_news and facts.head == facts.held:
        reason = f"somebody has rolled back from {facts.head[:7]}: it is held until a newer commit"
    elif not facts.has_news:
        reason = "differs from what was applied, and sync does not heal"
    return Decision(StageState.OUT_OF_SYNC, reason, Step.WAIT)


def _shut(facts: Facts) -> Decision:
    opens = "" if facts.opens_in is None else f" (opens in {_span(facts.opens_in)})"
    return Decision(StageState.OUT_OF_SYNC, f"waits for its window{opens}", Step.WAIT)


def _span(seconds: float) -> str:
    for length, letter in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= length:
            return f"{seconds / length:.0f} {letter}"
    return f"{seconds:.0f} s"


RULES: tuple[Callable[[Facts], Decision | None], ...] = (
    _under_way,
    _unreachable,
    _never_valid,
    _suspended,
    _failed_lately,
    _upgrade,
    _heal,
    _invalid,
    _no_repository,
    _differs,
)
"""In this order: the first one that has something to say decides."""
