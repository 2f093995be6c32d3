"""A small AI Core in memory behind something that spoils its answers, and stages applied to it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from benchmarks.aicore import World, running
from cicd.apply import execute
from cicd.apply.events import Event
from cicd.logs import Polling
from cicd.model import Action, Outcome, Plan, Stage
from cicd.plan import make_plan
from cicd.platforms import registry
from cicd.platforms.base import Platform

Spoil = Callable[[str, str, int, Any], tuple[int, Any]]
"""Method, path, status and content of an answer -> the status and content that arrive."""
HASTE = Polling(gap=0.0, first=0.0, factor=1.0, lag=0.0, patience=0.0, grace=0.0, tries=2)
KINDS = ("artifacts", "configurations", "executions", "deployments", "destinations")


@dataclass
class Spoilt(World):
    """What it is asked for it does; ``before`` may refuse it, ``after`` changes what arrives."""

    before: Callable[[str, str], tuple[int, Any] | None] = lambda *_: None
    after: Spoil = lambda _, __, status, content: (status, content)
    writes: list[str] = field(default_factory=list)

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        if method != "GET" and path != "/oauth/token":
            self.writes.append(f"{method} {path}")
        if refusal := self.before(method, path):
            return refusal
        return self.after(method, path, *super().answer(method, path, query, body))

    def sizes(self) -> dict[str, int]:
        """How many there are of each kind."""
        return {kind: len(self.lists.get(kind, {})) for kind in KINDS}


@contextmanager
def connected(url: str, stage: Stage) -> Iterator[Platform]:
    """A platform with a login that has asked for nothing yet."""
    names = {"BASE_URL": url, "AUTH_URL": url, "CLIENT_ID": "me", "CLIENT_SECRET": "s"}
    environ = {f"{p}_{n}": v for p in ("AICORE", "DESTINATION") for n, v in names.items()}
    platform = registry.connect(stage, environ)
    try:
        yield platform
    finally:
        platform.close()


def planned(platform: Platform, stage: Stage) -> tuple[Plan, set[str]]:
    """The plan, and the ids of all that was live before it."""
    desired = platform.complete(stage.resources)
    problems, live = platform.review(desired, platform.read(desired))
    assert not problems
    plan = make_plan(stage, desired, live, platform.kinds, created_at="now")
    return plan, {one.id for one in live}


def applied(
    world: World, stage: Stage, times: int = 1, polling: Polling = HASTE
) -> list[tuple[Plan, list[Event]]]:
    """So many applies of the stage: the plan of each and what it told."""
    done = []
    with running(world) as url:
        for _ in range(times):
            with connected(url, stage) as platform:
                plan, known = planned(platform, stage)
                events = list(execute(plan, platform, known=known, polling=polling))
            done.append((plan, events))
    return done


def replanned(world: Spoilt, stage: Stage, spoil: Spoil) -> Plan:
    """The plan of a stage that has been applied, by answers that are spoilt since."""
    with running(world) as url:
        with connected(url, stage) as platform:
            list(execute(planned(platform, stage)[0], platform, polling=HASTE))
        world.after = spoil
        with connected(url, stage) as platform:
            return planned(platform, stage)[0]


def results(events: list[Event]) -> Counter[str]:
    """How its changes ended."""
    return Counter(str(event.result) for event in events if isinstance(event, Outcome))


def actions(plan: Plan) -> set[Action]:
    """What a plan does."""
    return {change.action for change in plan.changes}
