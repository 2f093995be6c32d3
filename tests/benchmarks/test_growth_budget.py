"""What grows with the stage grows in proportion, told by the number of calls; and logs are passed
on as they come."""

from __future__ import annotations

import cProfile
import pstats
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks.following import Writers, followed
from benchmarks.sizes import GIT, live
from benchmarks.validate import write_project
from cicd.config import Surroundings, load_stage
from cicd.model import Action, Key, Plan, Resource, Stage
from cicd.plan import make_plan
from cicd.platforms.aicore.content import Artifacts
from cicd.platforms.aicore.kinds import KINDS
from cicd.platforms.registry import DIALECTS


def calls(work: Callable[[], object]) -> int:
    profile = cProfile.Profile()
    profile.runcall(work)
    return int(pstats.Stats(profile).total_calls)  # type: ignore[attr-defined]


def load(root: Path) -> Stage:
    return load_stage(
        "dev",
        Surroundings(root=root, env={}, variables={}, dialects=DIALECTS, git=GIT),
        needs_credentials=False,
    )


def plan(stage: Stage, *, is_there: bool) -> Plan:
    there = [live(wish) for wish in stage.resources] if is_there else []
    return make_plan(stage, stage.resources, there, KINDS, created_at="")


def test_four_times_the_stage_is_four_times_the_work(tmp_path: Path) -> None:
    spent = []
    for count in (10, 10, 40, 160):
        root = tmp_path / str(count)
        if not root.exists():
            root.mkdir()
            write_project(root, count, 2)
        stage = load(root)
        assert plan(stage, is_there=True).summary[Action.NO_OP] == len(stage.resources)
        works = [
            lambda root=root: load(root),
            lambda stage=stage: plan(stage, is_there=False),
            lambda stage=stage: plan(stage, is_there=True),
        ]
        spent.append([calls(work) for work in works])
    # the first time of all some modules are imported
    for small, middle, large in zip(*spent[1:], strict=True):
        # what one size adds to the one before: what all sizes cost alike falls out
        assert large - middle <= 4.4 * (middle - small), spent


def test_fifty_runs_are_followed_without_losing_doubling_or_keeping_a_line() -> None:
    source = Writers(seconds=2.0)
    seen: dict[str, int] = defaultdict(int)
    held = 0
    for count, (key, entry) in enumerate(followed(source), 1):
        assert entry.text == f"{key.name} {seen[key.name]}"
        seen[key.name] += 1
        held = max(held, source.made - count)
    assert len(seen) == 50 and set(seen.values()) == {2000}
    assert held <= 50 * 2 * source.page  # the page that is told and the next one
    assert len(source.looks) <= 50 * 2 * source.time


def test_each_wish_is_not_held_against_each_of_what_is_there() -> None:
    """That a list tells all that anybody asks is seen at each of its items, once."""
    spent = []
    for wishes in (10, 10, 100):
        found = [
            {"id": f"a{n}", "name": f"N{n}", "kind": "model", "url": "u", "scenarioId": "s"}
            for n in range(500)
        ]
        spec = {"kind": "model", "url": "u", "scenario_id": "s"}
        wanted = [
            Resource(Key("artifact", f"w{n}"), {"name": f"W{n}", **spec}) for n in range(wishes)
        ]
        artifacts = Artifacts(Listed(found))  # type: ignore[arg-type]
        spent.append(calls(partial(artifacts.peek, wanted)))
    assert spent[2] - spent[1] < 500 * 10, spent


class Listed:
    """An API that has just these items."""

    def __init__(self, items: list[dict[str, str]]) -> None:
        self.http = self
        self._items = items

    def pages(self, *_: object, **__: object) -> list[dict[str, str]]:
        return self._items
