"""Is what runs what was asked for, is it good, and what happens when it is not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cicd.apply.events import Answered, Event, LogLine, Progress, RollingBack
from cicd.apply.verify import is_expected, unmet_gates
from cicd.errors import ConnectionFailed, PlatformError
from cicd.logs import Polling
from cicd.model import Action, Change, Gate, LiveResource, LogEntry, Options, Outcome, SmokeTest
from cicd.platforms.base import Answer
from cicd.words import one_line
from tests.apply.fake_apply_platform import (
    DEAD,
    PENDING,
    RUNNING,
    FakePlatform,
    Fault,
    Script,
    apply,
    change,
    outcomes,
    ref,
)

PREDICT = SmokeTest("/v2/predict", "POST", {"x": 1}, {}, 200, "prediction", 60)
TESTED = Options(wait_for="RUNNING", smoke_test=PREDICT, timeout=300)


@pytest.mark.parametrize(
    ("gate", "metrics", "expected"),
    [
        (Gate("accuracy", 0.9), {"accuracy": 0.9}, []),
        (Gate("accuracy", 0.9), {"accuracy": 0.85}, ["accuracy 0.85 < 0.9"]),
        (Gate("loss", None, 0.1), {"loss": 0.2}, ["loss 0.2 > 0.1"]),
        (Gate("loss", 0, 0.1), {"loss": 0.1}, []),
        (Gate("f1", 0.9), {"b": 1, "a": 1}, ["f1 was not recorded (metrics of the run: a, b)"]),
        (Gate("f1", 0.9), {}, ["f1 was not recorded (metrics of the run: none)"]),
        (Gate("f1", 0.9, 1), {"f1": float("nan")}, ["f1 is not a number"]),
    ],
)
def test_a_gate_is_kept_or_not(gate: Gate, metrics: dict[str, float], expected: list[str]) -> None:
    assert unmet_gates([gate], metrics) == expected


def gated(platform: FakePlatform, *metrics: dict[str, float]) -> dict[str, Outcome]:
    platform.run_metrics = list(metrics)
    options = Options(wait_for="COMPLETED", require=(Gate("accuracy", 0.9),))
    live = platform.add("deployment", "serve", RUNNING, configuration="con-1")
    return outcomes(
        apply(
            platform,
            change("execution/train", Action.RUN, options=options, configuration="con-0"),
            change(
                "deployment/serve",
                Action.UPDATE,
                live=live,
                fields=["configuration"],
                after=["execution/train"],
                configuration=ref("execution/train"),
            ),
        )
    )


def test_a_gate_that_is_not_met_leaves_the_old_deployment_alone(platform: FakePlatform) -> None:
    ended = gated(platform, {"accuracy": 0.85})
    assert ended["execution/train"].result == "failed"
    assert ended["execution/train"].error == "accuracy 0.85 < 0.9"
    assert ended["execution/train"].status == "COMPLETED"
    assert ended["deployment/serve"].error == "skipped: execution/train failed"
    assert platform.ops("update") == []


def test_metrics_may_come_late(platform: FakePlatform) -> None:
    ended = gated(platform, {}, {"loss": 1}, {"loss": 1, "accuracy": 0.95})
    assert ended["execution/train"].result == "applied"


def test_metrics_that_never_come_are_a_failure(platform: FakePlatform) -> None:
    ended = gated(platform, {"loss": 1})
    assert ended["execution/train"].error == "accuracy was not recorded (metrics of the run: loss)"


def test_a_gate_is_judged_after_success_also_without_a_wanted_status(
    platform: FakePlatform,
) -> None:
    platform.run_metrics = [{"accuracy": 0.1}]
    options = Options(require=(Gate("accuracy", 0.9),))
    ended = outcomes(apply(platform, change("execution/train", Action.RUN, options=options)))
    assert ended["execution/train"].error == "accuracy 0.1 < 0.9"
    assert min(at for op, _, at in platform.calls if op == "metrics") >= 1010


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Answer(200, '{"prediction": 1}'), True),
        (Answer(200, "hello"), False),
        (Answer(503, "prediction"), False),
    ],
)
def test_an_answer_is_the_expected_one_or_not(answer: Answer, expected: bool) -> None:
    assert is_expected(PREDICT, answer) is expected


def created(platform: FakePlatform) -> list[Event]:
    return apply(platform, change("deployment/serve", options=TESTED, configuration="con-1"))


def test_routes_appear_late(platform: FakePlatform) -> None:
    platform.answers = [Answer(404, ""), Answer(503, "no"), Answer(200, '{"prediction": 2}')]
    platform.faults["invoke"] = [Fault(ConnectionFailed("refused"))]
    events = created(platform)
    assert outcomes(events)["deployment/serve"].result == "applied"
    answers = [event for event in events if isinstance(event, Answered)]
    assert [(a.request, a.answer) for a in answers] == [
        ("POST /v2/predict", '200 {"prediction": 2}')
    ]


@pytest.mark.parametrize(
    ("status", "is_final"),
    [
        *((status, False) for status in (404, 408, 425, 429, 399, 500, 503, 301)),
        *((status, True) for status in (400, 401, 403, 405, 409, 410, 424, 426, 428, 430, 499)),
    ],
)
def test_an_answer_that_will_not_get_better_ends_the_test_at_once(
    platform: FakePlatform, status: int, *, is_final: bool
) -> None:
    platform.answers = [Answer(status, "no"), Answer(200, '{"prediction": 2}')]
    ended = outcomes(created(platform))["deployment/serve"]
    assert ended.result == ("failed" if is_final else "applied")
    assert len(platform.ops("invoke")) == (1 if is_final else 2)


def test_a_smoke_test_is_sent_after_ever_longer_pauses_and_at_its_end(
    platform: FakePlatform,
) -> None:
    platform.answers = [Answer(503, "no")]
    test = Options(wait_for="RUNNING", smoke_test=replace(PREDICT, timeout=5.25), timeout=300)
    step = change("deployment/serve", options=test, configuration="con-1")
    apply(platform, step, polling=Polling(first=0.5, factor=2.0))
    times = [at for op, _, at in platform.calls if op == "invoke"]
    assert [at - times[0] for at in times] == [0, 0.5, 1.5, 3.5, 5.25]


def test_the_last_answer_is_in_the_error(platform: FakePlatform) -> None:
    platform.answers = [Answer(500, "Traceback:\n\x1b[31mboom" + "x" * 1000)]
    ended = outcomes(created(platform))["deployment/serve"]
    assert ended.result == "failed"
    assert ended.error.startswith(
        "smoke test POST /v2/predict got 500 Traceback:\\n\\x1b[31mboomxxx"
    )
    assert ended.error.endswith('…; expected 200 with "prediction" in it')
    assert ended.id in platform.things
    assert platform.ops("stop", "delete") == []


def test_no_answer_at_all_is_in_the_error(platform: FakePlatform) -> None:
    platform.faults["invoke"] = [Fault(ConnectionFailed("connection refused"))] * 1000
    error = outcomes(created(platform))["deployment/serve"].error
    assert "smoke test POST /v2/predict got connection refused" in error


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        (" a b \n", 9, "a b"),
        ("a\r\nb\x07", 20, "a\\r\\nb\\x07"),
        ("grün → ok", 20, "grün → ok"),
        ("abcdef", 4, "abc…"),
        ("", 4, ""),
    ],
)
def test_foreign_text_becomes_one_safe_line(text: str, limit: int, expected: str) -> None:
    assert one_line(text, limit) == expected


def served(platform: FakePlatform) -> LiveResource:
    return platform.add("deployment", "serve", RUNNING, configuration="con-1")


def updated(live: LiveResource, options: Options = TESTED) -> Change:
    return change(
        "deployment/serve",
        Action.UPDATE,
        live=live,
        options=options,
        fields=["configuration"],
        configuration="con-2",
    )


def test_a_dead_update_is_rolled_back(platform: FakePlatform) -> None:
    live = served(platform)
    platform.scripts["serve"] = [[(0, PENDING), (5, DEAD)], [(0, PENDING), (5, RUNNING)]]
    ended = outcomes(apply(platform, updated(live)))["deployment/serve"]
    assert (ended.result, ended.status, ended.id) == ("failed", "RUNNING", live.id)
    assert ended.error == ("ended as DEAD: exit code 1; rolled back to configuration con-1")
    assert platform.things[live.id].live.spec["configuration"] == "con-1"


@pytest.mark.parametrize("second", [[(0, PENDING), (5, RUNNING)], [(0, PENDING), (5, DEAD)]])
@pytest.mark.parametrize("first", [[(0, PENDING), (5, DEAD)], [(0, RUNNING)], [(0, PENDING)]])
def test_a_rollback_is_told_when_it_begins(
    platform: FakePlatform, first: Script, second: Script
) -> None:
    live = served(platform)
    platform.scripts["serve"] = [first, second]
    platform.answers = [Answer(500, "boom")]
    events = apply(platform, updated(live))
    told = RollingBack(live.key, "configuration con-1", "configuration con-2", live.id)
    assert events.count(told) == 1
    after = events[events.index(told) + 1 :]
    assert any(isinstance(event, Progress) for event in after) and isinstance(after[-1], Outcome)


def test_the_old_death_may_still_show_after_the_rollback(platform: FakePlatform) -> None:
    platform.scripts["serve"] = [[(0, DEAD)], [(0, DEAD), (8, PENDING), (12, RUNNING)]]
    ended = outcomes(apply(platform, updated(served(platform))))["deployment/serve"]
    assert ended.error.endswith("; rolled back to configuration con-1")


def test_an_update_that_stays_pending_is_rolled_back(platform: FakePlatform) -> None:
    platform.scripts["serve"] = [[(0, PENDING)], [(0, PENDING), (5, RUNNING)]]
    ended = outcomes(apply(platform, updated(served(platform))))["deployment/serve"]
    assert ended.result == "failed"
    assert ended.error == "still PENDING after 300 s; rolled back to configuration con-1"


def test_a_failed_smoke_test_is_rolled_back_and_its_lines_are_shown(
    platform: FakePlatform,
) -> None:
    live = served(platform)
    platform.answers = [Answer(500, "boom")]
    platform.things[live.id].lines = [(40.0, LogEntry(1, "Traceback"))]
    events = apply(platform, updated(live))
    error = outcomes(events)["deployment/serve"].error
    assert error.endswith("; rolled back to configuration con-1")
    assert [e.entry.text for e in events if isinstance(e, LogLine)] == ["Traceback"]
    assert platform.ops("update") == ["update deployment/serve"] * 2


def test_keep_leaves_it_as_it_is(platform: FakePlatform) -> None:
    platform.scripts["serve"] = [[(0, DEAD)]]
    options = Options(wait_for="RUNNING", on_failure="keep")
    live = served(platform)
    platform.things[live.id].live = live
    ended = outcomes(apply(platform, updated(live, options)))["deployment/serve"]
    assert ended.error == "ended as DEAD: exit code 1"
    assert platform.ops("update") == ["update deployment/serve"]


def test_a_rollback_that_fails_says_both(platform: FakePlatform) -> None:
    platform.scripts["serve"] = [[(0, PENDING), (5, DEAD)]]
    platform.faults["update"] = [None, Fault(PlatformError("no such configuration", status=400))]
    ended = outcomes(apply(platform, updated(served(platform))))["deployment/serve"]
    assert ended.error == (
        "ended as DEAD: exit code 1; "
        "rolling back to configuration con-1 failed too: no such configuration"
    )


def test_an_update_that_was_refused_needs_no_rollback(platform: FakePlatform) -> None:
    platform.faults["update"] = [Fault(PlatformError("configuration invalid", status=400))]
    ended = outcomes(apply(platform, updated(served(platform))))["deployment/serve"]
    assert ended.error == "configuration invalid"
    assert len(platform.ops("update")) == 1


OTHERS = "was changed by someone else to configuration con-3"


def taken_over(platform: FakePlatform, live: LiveResource, seconds: float, script: Script) -> None:
    """Someone else updates it so many seconds from now."""

    def patch() -> None:
        thing = platform.things[live.id]
        thing.live = replace(thing.live, spec={**thing.live.spec, "configuration": "con-3"})
        thing.script, thing.since = script, platform.clock()

    platform.clock.at(platform.clock() + seconds, patch)


@pytest.mark.parametrize(
    ("script", "timeout", "latest"),
    [
        ([(0, PENDING)], 300, 67),
        ([(0, PENDING), (5, RUNNING)], 300, 67),
        ([(0, PENDING), (5, DEAD)], 300, 20),
        ([(0, PENDING)], 10, 11),
    ],
)
def test_what_someone_else_has_changed_meanwhile_fails_soon_and_stays(
    platform: FakePlatform, script: Script, timeout: float, latest: float
) -> None:
    live = served(platform)
    platform.scripts["serve"] = [[(0, PENDING)]]
    taken_over(platform, live, 3, script)
    options = replace(TESTED, timeout=timeout)
    ended = outcomes(apply(platform, updated(live, options)))["deployment/serve"]
    assert (ended.result, ended.error) == ("failed", OTHERS)
    assert ended.seconds <= latest
    assert platform.ops() == ["update deployment/serve"]
    assert platform.things[live.id].live.spec["configuration"] == "con-3"


def test_what_someone_else_has_changed_during_the_test_is_not_rolled_back(
    platform: FakePlatform,
) -> None:
    live = served(platform)
    platform.answers = [Answer(500, "boom")]
    taken_over(platform, live, 20, [(0, RUNNING)])
    events = apply(platform, updated(live))
    ended = outcomes(events)["deployment/serve"]
    assert not any(isinstance(event, RollingBack) for event in events)
    assert ended.error.endswith(f"; not rolled back: it {OTHERS}")
    assert platform.ops() == ["update deployment/serve"]


def test_someone_else_may_come_during_the_rollback(platform: FakePlatform) -> None:
    live = served(platform)
    platform.scripts["serve"] = [[(0, PENDING), (5, DEAD)], [(0, PENDING)]]
    taken_over(platform, live, 15, [(0, RUNNING)])
    ended = outcomes(apply(platform, updated(live)))["deployment/serve"]
    assert ended.error.endswith(f"rolling back to configuration con-1 failed too: {OTHERS}")
    assert platform.ops() == ["update deployment/serve"] * 2


def test_another_view_for_a_moment_is_no_takeover(platform: FakePlatform) -> None:
    live = served(platform)
    platform.scripts["serve"] = [[(0, PENDING), (40, RUNNING)]]
    thing = platform.things[live.id]
    taken_over(platform, live, 3, [(0, PENDING), (37, RUNNING)])
    asked = {"configuration": "con-2"}
    platform.clock.at(
        platform.clock() + 30, lambda: setattr(thing, "live", replace(thing.live, spec=asked))
    )
    assert outcomes(apply(platform, updated(live)))["deployment/serve"].result == "applied"


def test_a_silent_rollback_of_the_platform_is_a_failure(platform: FakePlatform) -> None:
    platform.goes_back_by_itself = True
    ended = outcomes(apply(platform, updated(served(platform))))["deployment/serve"]
    assert ended.result == "failed"
    assert ended.error == (
        'is RUNNING, but configuration is "con-1" where "con-2" was asked for: '
        "the platform went back by itself; configuration con-1 runs again"
    )
    assert len(platform.ops("update")) == 1


def test_the_old_configuration_may_show_for_a_moment(platform: FakePlatform) -> None:
    live = served(platform)
    thing = platform.things[live.id]
    update = platform.update

    def late(live: LiveResource, desired: object) -> LiveResource:
        before = thing.live
        update(live, desired)  # type: ignore[arg-type]
        after, thing.live = thing.live.spec, before
        thing.script, thing.spec_after = [(0, RUNNING), (20, PENDING), (25, RUNNING)], None
        thing.since = platform.clock()
        platform.clock.at(platform.clock() + 20, lambda: setattr(thing, "spec_after", after))
        return before

    platform.update = late  # type: ignore[method-assign]
    ended = outcomes(apply(platform, updated(live)))["deployment/serve"]
    assert ended.result == "applied"
