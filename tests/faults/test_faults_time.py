"""Clocks that are wrong, reads that lag behind, lists that move, things that others take away."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from typing import Any

import pytest
import requests
from pytest_mock import MockerFixture

from cicd.apply import lifecycle
from cicd.platforms.aicore import listing, rest
from tests.faults.faults_world import SQUEEZE, Faulty, slow_services

MINUTES = 600
LAG = 0.2
"""Seconds that reads lag behind; far more than 5 s by the clock of the command."""


@pytest.mark.parametrize(
    "rules",
    [
        [{"skew": MINUTES}],
        [{"skew": -MINUTES}],
        [{"kind": kind, "stale": LAG} for kind in ("artifact", "configuration", "deployment")],
        [{"kind": "secret", "stale": LAG}, {"kind": "resource_group", "stale": LAG}],
        [{"operation": "*.list", "shuffle": True}],
        [{"operation": "*.logs", "log-gaps": True, "log-noise": True}],
    ],
    ids=str,
)
def test_apply_twice(faulty: Faulty, rules: list[dict[str, Any]]) -> None:
    undisturbed, group = faulty.group(), faulty.group()
    assert faulty.apply(undisturbed).code == 0
    with faulty.emulator.faults(*rules):
        first = faulty.apply(group)
        time.sleep(LAG if "stale" in rules[0] else 0)
        second = faulty.apply(group)
    assert (first.code, second.code) == (0, 0), first.text + second.text
    assert faulty.state(group) == faulty.state(undisturbed)


def test_lists_of_many_pages_whose_order_moves(faulty: Faulty, mocker: MockerFixture) -> None:
    mocker.patch.object(listing, "PAGE", 5)
    group = faulty.group()
    variables = [f"data{n}" for n in range(10)]
    stage = faulty.root / "stages" / "dev.yaml"
    head, _, _ = stage.read_text(encoding="utf-8").partition("artifacts:")
    items = "".join(
        f'  - {{key: {n}, name: {n}, kind: dataset, url: "ai://d/{n}", scenario_id: abcd}}\n'
        for n in variables
    )
    stage.write_text(f"{head}artifacts:\n{items}", encoding="utf-8")
    with faulty.emulator.faults(operation="artifact.list", shuffle=True):
        assert faulty.apply(group).code == 0
        for _ in range(5):
            again = faulty.apply(group)
            assert again.code == 0 and "No changes" in again.text, again.text
    assert len(faulty.state(group)["artifacts"]) == len(variables)


@pytest.mark.parametrize("operation", ["deployment.get", "resource_group.get"])
def test_somebody_else_takes_away_what_is_being_made(faulty: Faulty, operation: str) -> None:
    group = faulty.group()
    after = 2 if operation == "resource_group.get" else 0
    vanishing = {"operation": operation, "after": after, "times": 1, "vanish": True}
    with faulty.emulator.faults(vanishing) as rules:
        result = faulty.apply(group)
        assert rules.fired
    assert result.code in {0, 1, 4, 6}, result.text
    assert "bug" not in result.text
    assert faulty.apply(group).code == 0
    assert len(faulty.state(group)["deployments"]) == 1


@pytest.mark.parametrize("leap", [-86_400, -3600, 3600, 86_400])
def test_the_wall_clock_leaps_while_waiting(faulty: Faulty, leap: float) -> None:
    """Daylight saving is one of them for programs that take local time for the time."""
    group = faulty.group()

    def leaping(now: Callable[[], Any], unit: int) -> Callable[[], Any]:
        calls = itertools.count()
        return lambda: now() + (leap * unit if next(calls) % 2 else 0)

    with (
        faulty.emulator.faults(operation="deployment.get", times=3, status=503),
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(time, "time", leaping(time.time, 1))
        patch.setattr(time, "time_ns", leaping(time.time_ns, 10**9))
        result = faulty.apply(group)
        patch.undo()
    assert result.code == 0, result.text
    assert len(faulty.state(group)["deployments"]) == 1


@pytest.mark.parametrize("skew", [MINUTES, -MINUTES])
def test_the_log_of_an_update_begins_with_it(
    faulty: Faulty, mocker: MockerFixture, skew: int
) -> None:
    """By the clock of the platform: ours would lose its lines, or show what ran before."""
    mocker.patch.object(lifecycle, "CLOCK_SKEW", 0)
    group, line = faulty.group(), "deployment/chat │ "
    mini = ("--var", "model=gpt-4o-mini")
    with slow_services(faulty.emulator), faulty.emulator.faults(skew=skew):
        before = faulty.apply(group)
        time.sleep(1)  # an answer tells its time in whole seconds
        after = faulty.apply(group, *mini)
    assert (before.code, after.code) == (0, 0), before.text + after.text
    told = [said for said in after.err.splitlines() if said.startswith(line)]
    assert any("gpt-4o-mini" in said for said in told), told
    assert not [said for said in told if "gpt-4o-mini" not in said and "gpt-4o" in said], told


@pytest.mark.parametrize("lost", ["reset", 504])
@pytest.mark.parametrize(
    "operation", ["artifact.create", "configuration.create", "deployment.create"]
)
def test_a_lost_answer_and_lists_that_lag_behind(
    faulty: Faulty, operation: str, lost: str | int
) -> None:
    """What was made shows after 5 s: it is looked for at least as long before it is made again."""
    group, kind = faulty.group(), operation.partition(".")[0]
    with faulty.emulator.faults(
        {"operation": operation, "times": 1, "lost": lost},
        {"operation": f"{kind}.list", "stale": 5 / SQUEEZE},
    ):
        result = faulty.apply(group)
    assert result.code == 0, result.text
    assert len(faulty.state(group)[f"{kind}s"]) == 1


@pytest.mark.parametrize("kind", ["artifact", "configuration", "deployment"])
@pytest.mark.parametrize("behind", [12, 25])
def test_an_apply_right_after_an_apply_makes_nothing_twice(
    faulty: Faulty, kind: str, behind: int
) -> None:
    """What a list shows is that old."""
    group = faulty.group()
    with faulty.emulator.faults(operation=f"{kind}.list", stale=behind / SQUEEZE):
        first, second = faulty.apply(group), faulty.apply(group)
    assert (first.code, second.code) == (0, 0), first.text + second.text
    assert "No changes" in second.text, second.text
    assert "no list shows" not in first.text
    assert len(faulty.state(group)[f"{kind}s"]) == 1


def test_an_apply_says_what_no_list_shows(faulty: Faulty) -> None:
    group = faulty.group()
    with faulty.emulator.faults(operation="deployment.list", stale=600):
        first = faulty.apply(group)
        assert first.code == 0 and "deployment/chat" in first.text
        assert "is there, but no list shows" in first.text


@pytest.mark.parametrize("lists", [("deployment",), ("configuration", "deployment")], ids=",".join)
def test_what_no_list_shows_is_found_by_its_id(faulty: Faulty, lists: tuple[str, ...]) -> None:
    """The second apply begins while no list shows anything of the first."""
    group = faulty.group()
    with faulty.emulator.faults(*({"operation": f"{k}.list", "stale": 600} for k in lists)):
        assert faulty.apply(group).code == 0
        plan = faulty.cicd("plan", "dev", "--var", f"group={group}")
        assert "No changes" in plan.text, plan.text
        assert faulty.apply(group).code == 0
        changed = faulty.apply(group, "--var", "model=gpt-4o-mini")
        assert changed.code == 0 and "to update" in changed.text, changed.text
    assert len(faulty.state(group)["deployments"]) == 1
    assert len(faulty.state(group)["artifacts"]) == 1
    assert len(faulty.state(group)["configurations"]) == 2


def test_what_a_destination_points_at_is_found_without_labels(faulty: Faulty) -> None:
    """A login that may not change the group has nothing else to go by."""
    group = faulty.group()
    faulty.emulator.resource_group(group)
    with faulty.emulator.faults(
        {"operation": "resource_group.update", "status": 403},
        {"operation": "deployment.list", "stale": 600},
    ):
        assert faulty.apply(group).code == 0
        second = faulty.apply(group)
    assert second.code == 0 and "No changes" in second.text, second.text
    assert len(faulty.state(group)["deployments"]) == 1


def test_what_somebody_has_deleted_is_made_anew_although_ids_are_known(faulty: Faulty) -> None:
    group = faulty.group()
    assert faulty.apply(group).code == 0
    with faulty.emulator.faults(operation="deployment.get", times=1, vanish=True):
        faulty.cicd("logs", "dev", "chat", "--var", f"group={group}")
        (item,) = faulty.get("/v2/lm/deployments", group)["resources"]
        faulty.get(f"/v2/lm/deployments/{item['id']}", group)
    assert not faulty.get("/v2/lm/deployments", group)["resources"]
    again = faulty.apply(group)
    assert again.code == 0 and "to create" in again.text, again.text
    assert len(faulty.state(group)["deployments"]) == 1


@pytest.mark.parametrize(
    ("wish", "seconds"),
    [
        ("Wed, 01 Jan 2020 00:10:05 GMT", 5),
        ("Wed, 01 Jan 2020 00:00:00 GMT", 0.2),
        ("7", 7),
        ("\xb2", 0.2),
        ("Wed, 01 Jan 2020 00:10:05 +999999999999", 0.2),
        ("soon", 0.2),
        ("", 0.2),
    ],
)
def test_what_to_wait_for_is_by_the_clock_of_the_server(wish: str, seconds: float) -> None:
    answer = requests.Response()
    answer.status_code = 503
    answer.headers.update({"Date": "Wed, 01 Jan 2020 00:10:00 GMT", "Retry-After": wish})
    assert rest.RETRIES.pause(1, answer, is_repeatable=True) == seconds
