"""Waiting: reached, failed, timed out, unreachable; log lines come meanwhile, each once."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from cicd.apply.events import Event, LogLine, Progress, Warned
from cicd.apply.wait import Goal, is_reached, view
from cicd.errors import ConnectionFailed, Denied, NotFound, PlatformError, Throttled
from cicd.model import Action, Change, LogEntry, Options, State, Status
from tests.apply.fake_apply_platform import (
    COMPLETED,
    DEAD,
    KINDS,
    PENDING,
    RUNNING,
    STOPPED,
    UNKNOWN,
    FakePlatform,
    Fault,
    apply,
    change,
    outcomes,
    ref,
    results,
)

DONE = Options(wait_for="COMPLETED")
UP = Options(wait_for="RUNNING")


def train(options: Options = DONE) -> Change:
    return change("execution/train", Action.RUN, options=options, configuration="con-1")


@pytest.mark.parametrize(
    ("status", "word", "expected"),
    [
        (RUNNING, "RUNNING", True),
        (COMPLETED, "RUNNING", True),
        (COMPLETED, "COMPLETED", True),
        (RUNNING, "COMPLETED", False),
        (UNKNOWN, "UNKNOWN", False),
        (Status(State.UNKNOWN, "RUNNING"), "RUNNING", False),
        (DEAD, "RUNNING", False),
        (RUNNING, "", False),
        (COMPLETED, "", True),
        (RUNNING, None, True),
        (DEAD, None, False),
    ],
)
def test_a_status_is_the_wanted_one_or_not(
    status: Status, word: str | None, expected: bool
) -> None:
    assert is_reached(status, word) is expected


def test_a_view_compares_only_what_both_sides_have(platform: FakePlatform) -> None:
    live = platform.add("deployment", "serve", RUNNING, configuration="con-1", ttl=None)
    goal = Goal("RUNNING", {"configuration": "con-2"}, frozenset({"configuration", "missing"}))
    seen = view(goal, live, KINDS["deployment"])
    assert not seen.is_ready
    assert [str(difference) for difference in seen.rolled_back] == [
        'configuration is "con-1" where "con-2" was asked for'
    ]


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (DEAD, "ended as DEAD: exit code 1"),
        (STOPPED, "ended as STOPPED"),
        (Status(State.FAILED, "DEAD", "a\nb\x1b[31m"), "ended as DEAD: a\\nb\\x1b[31m"),
    ],
)
def test_a_failed_end_fails_at_once(platform: FakePlatform, status: Status, error: str) -> None:
    platform.scripts["train"] = [[(0, RUNNING), (7, status)]]
    ended = outcomes(apply(platform, train()))["execution/train"]
    assert (ended.result, ended.error) == ("failed", error)
    assert ended.seconds < 20


def test_what_is_there_already_ends_at_once(platform: FakePlatform) -> None:
    platform.scripts["train"] = [[(0, COMPLETED)]]
    ended = outcomes(apply(platform, train()))["execution/train"]
    assert ended.result == "applied"
    assert ended.seconds < 2


@pytest.mark.parametrize("status", [PENDING, UNKNOWN, Status(State.PENDING, "PENDING", "no node")])
def test_the_timeout_names_the_status(platform: FakePlatform, status: Status) -> None:
    platform.scripts["train"] = [[(0, status)]]
    events = apply(platform, train(Options(wait_for="COMPLETED", timeout=90)))
    ended = outcomes(events)["execution/train"]
    assert ended.result == "timed_out"
    assert ended.error.startswith(f"still {status.raw}")
    assert "after 90 s" in ended.error
    assert ended.seconds == pytest.approx(90, abs=1)


def test_a_timeout_skips_dependents(platform: FakePlatform) -> None:
    platform.scripts["train"] = [[(0, PENDING)]]
    after = change("artifact/x", after=["execution/train"])
    ended = outcomes(apply(platform, train(), after))
    assert ended["artifact/x"].error == "skipped: execution/train timed out"


def reads(platform: FakePlatform) -> list[float]:
    return [at for op, _, at in platform.calls if op in {"get", "logs", "metrics"}]


def test_polling_is_quick_at_first_and_slow_when_nothing_happens(platform: FakePlatform) -> None:
    platform.scripts["train"] = [[(0, RUNNING), (600, COMPLETED)]]
    apply(platform, train())
    times = reads(platform)
    gaps = [after - before for before, after in pairwise(times)]
    assert all(later - sooner >= 1 for sooner, later in zip(times, times[2:], strict=False))
    assert times[3] - times[0] <= 2.5
    assert max(gaps) == pytest.approx(15)
    assert len(times) < 120


@pytest.mark.parametrize("work", [0.3, 1.0, 2.9, 3.0, 3.1, 5.0])
def test_an_end_that_comes_soon_is_noticed_soon(platform: FakePlatform, work: float) -> None:
    platform.scripts["train"] = [[(0, PENDING), (0.1, RUNNING), (work, COMPLETED)]]
    platform.log_lines["train"] = [(work, LogEntry(1, "saved"))]
    events = apply(platform, train())
    assert lines(events) == ["saved"]
    assert outcomes(events)["execution/train"].seconds - work <= 1.5


def test_polling_is_quick_again_when_lines_flow(platform: FakePlatform) -> None:
    platform.scripts["train"] = [[(0, RUNNING), (400, COMPLETED)]]
    platform.log_lines["train"] = [(300 + n / 5, LogEntry(n, f"line {n}")) for n in range(100)]
    apply(platform, train())
    while_flowing = [at for at in reads(platform) if 1316 <= at <= 1320]
    assert len(while_flowing) == 8


@pytest.mark.parametrize(
    "error",
    [
        ConnectionFailed("refused"),
        Throttled("busy", status=429),
        PlatformError("bad gateway", status=502),
        NotFound("not yet", status=404),
    ],
)
def test_a_bad_minute_is_sat_out(platform: FakePlatform, error: PlatformError) -> None:
    platform.faults["get"] = [Fault(error)] * 4
    platform.faults["logs"] = [Fault(error)] * 3
    events = apply(platform, train())
    assert results(events) == {"execution/train": "applied"}
    assert not [event for event in events if isinstance(event, Warned)]


def test_busy_is_sat_out_until_the_timeout(platform: FakePlatform) -> None:
    platform.faults["get"] = [Fault(PlatformError("overloaded", status=503))] * 1000
    ended = outcomes(apply(platform, train(Options(wait_for="COMPLETED", timeout=300))))
    assert ended["execution/train"].result == "timed_out"
    assert ended["execution/train"].error == "no good answer in time: overloaded"


@pytest.mark.parametrize(
    ("error", "least", "most"),
    [
        (ConnectionFailed("refused"), 60, 80),
        (NotFound("no such run", status=404), 60, 80),
        (Denied("rights are gone", status=403), 0, 1),
        (PlatformError("bad request", status=400), 0, 1),
    ],
)
def test_what_does_not_pass_fails(
    platform: FakePlatform, error: PlatformError, least: float, most: float
) -> None:
    platform.faults["get"] = [Fault(error)] * 1000
    ended = outcomes(apply(platform, train()))["execution/train"]
    assert (ended.result, ended.error) == ("failed", error.message)
    assert least <= ended.seconds <= most


def test_a_run_nobody_waits_for_is_started_only(platform: FakePlatform) -> None:
    ended = outcomes(apply(platform, train(Options())))["execution/train"]
    assert (ended.result, ended.status) == ("applied", "UNKNOWN")
    assert reads(platform) == []


def test_a_run_nobody_waits_for_is_awaited_for_its_outputs(platform: FakePlatform) -> None:
    needs = change("configuration/serve", model=ref("execution/train", "artifacts.model"))
    ended = outcomes(apply(platform, train(Options()), needs))
    assert ended["execution/train"].status == "COMPLETED"
    assert ended["configuration/serve"].result == "applied"


def lines(events: list[Event], name: str = "train") -> list[str]:
    return [e.entry.text for e in events if isinstance(e, LogLine) and e.key.name == name]


def test_pages_without_lines_of_the_run_are_read_past(platform: FakePlatform) -> None:
    platform.scripts["train"] = [[(0, COMPLETED)]]
    platform.page_size = 2
    platform.log_lines["train"] = [(0, LogEntry(n, "")) for n in range(9)]
    platform.log_lines["train"] += [(0, LogEntry(9, "its own"))]
    assert lines(apply(platform, train())) == ["its own"]


@pytest.mark.parametrize("page_size", [1, 7, 1000])
def test_no_line_is_lost_or_doubled(platform: FakePlatform, page_size: int) -> None:
    platform.page_size = page_size
    same_ns = [(n // 10, LogEntry(5_000_000_000, f"line {n}")) for n in range(100)]
    platform.log_lines["train"] = [(float(at), entry) for at, entry in same_ns]
    events = apply(platform, train())
    assert lines(events) == [f"line {n}" for n in range(100)]


def test_the_last_lines_of_a_failure_are_shown(platform: FakePlatform) -> None:
    platform.scripts["train"] = [[(0, RUNNING), (3, DEAD)]]
    platform.page_size = 2
    platform.log_lines["train"] = [(2.9, LogEntry(n, f"line {n}")) for n in range(9)]
    events = apply(platform, train())
    assert lines(events) == [f"line {n}" for n in range(9)]
    assert isinstance(events[-3], LogLine)
    assert isinstance(events[-2], Progress)


@pytest.mark.parametrize("status", [COMPLETED, DEAD, STOPPED])
@pytest.mark.parametrize("begins", [0.1, 2.9])
@pytest.mark.parametrize("page_size", [1, 1000])
def test_all_lines_stand_before_the_status_that_a_run_ended_with(
    platform: FakePlatform, status: Status, begins: float, page_size: int
) -> None:
    platform.scripts["train"] = [[(0, RUNNING), (begins + 0.1, status)]]
    platform.page_size = page_size
    platform.log_lines["train"] = [(begins, LogEntry(n, f"line {n}")) for n in range(5)]
    events = apply(platform, train())
    assert lines(events) == [f"line {n}" for n in range(5)]
    (ended,) = (n for n, e in enumerate(events) if isinstance(e, Progress) and e.status == status)
    assert not [e for e in events[ended:] if isinstance(e, LogLine)]


def test_the_last_lines_of_a_failure_may_come_late(platform: FakePlatform) -> None:
    platform.scripts["train"] = [[(0, RUNNING), (3, DEAD)]]
    platform.log_lines["train"] = [(1, LogEntry(1, "begins")), (5, LogEntry(2, "Traceback"))]
    assert lines(apply(platform, train())) == ["begins", "Traceback"]


def test_a_log_that_need_not_end_is_not_read_for_ever(platform: FakePlatform) -> None:
    """What ran before a failed update still serves, and logs every request."""
    live = platform.add("deployment", "serve", RUNNING, configuration="con-1")
    platform.things[live.id].lines = [(n / 4, LogEntry(n, f"GET {n}")) for n in range(4000)]
    platform.scripts["serve"] = [[(0, PENDING), (5, DEAD)], [(0, PENDING), (5, RUNNING)]]
    began, options = platform.clock(), Options(wait_for="RUNNING")
    update = change(
        "deployment/serve",
        Action.UPDATE,
        live=live,
        options=options,
        fields=["configuration"],
        configuration="con-2",
    )
    assert results(apply(platform, update)) == {"deployment/serve": "failed"}
    assert platform.clock() - began < 60


def test_a_log_that_cannot_be_read_fails_no_run(platform: FakePlatform) -> None:
    platform.faults["logs"] = [Fault(Denied("no rights", status=403))] * 100
    events = apply(platform, train())
    assert results(events) == {"execution/train": "applied"}
    assert [e.message for e in events if isinstance(e, Warned)] == [
        "its log cannot be read: no rights"
    ]
    assert len(platform.ops("logs")) == 1


def test_a_log_whose_end_is_out_of_reach_is_a_warning(platform: FakePlatform) -> None:
    platform.scripts["train"] = [[(0, COMPLETED)]]
    platform.faults["logs"] = [Fault(ConnectionFailed("refused"))] * 100
    events = apply(platform, train())
    assert results(events) == {"execution/train": "applied"}
    warned = [e.message for e in events if isinstance(e, Warned)]
    assert warned == ["the end of its log cannot be read: refused"]


LOST = Status(State.UNKNOWN, "UNKNOWN", "the master does not know it any more")


@pytest.fixture
def telling(platform: FakePlatform) -> FakePlatform:
    """One that has a word for a run of which nobody can tell how it is."""
    platform.kinds = {**KINDS, "execution": replace(KINDS["execution"], unknown="UNKNOWN")}
    return platform


def test_a_run_that_nobody_can_tell_of_is_left_as_unknown_with_exit_code_4(
    telling: FakePlatform,
) -> None:
    telling.scripts["train"] = [[(0, RUNNING), (20, LOST)]]
    [ended] = outcomes(apply(telling, train())).values()
    assert (ended.result, ended.exit_code, ended.status) == ("failed", 4, "UNKNOWN")
    assert ended.error.startswith("is UNKNOWN: the master does not know it any more")
    assert "apply again to follow it" in ended.error
    assert 60 <= ended.seconds < 200


@pytest.mark.parametrize("seconds", [1, 20, 59])
def test_a_run_that_is_known_again_soon_goes_on(telling: FakePlatform, seconds: int) -> None:
    times = [(0, RUNNING), (5, LOST), (5 + seconds, RUNNING), (70, LOST), (75, RUNNING)]
    telling.scripts["train"] = [[*times, (200, COMPLETED)]]
    assert [ended.result for ended in outcomes(apply(telling, train())).values()] == ["applied"]


def test_an_unknown_status_without_a_word_for_it_is_waited_for(platform: FakePlatform) -> None:
    platform.scripts["train"] = [[(0, RUNNING), (5, LOST), (900, COMPLETED)]]
    assert [ended.result for ended in outcomes(apply(platform, train())).values()] == ["applied"]


@pytest.mark.parametrize(("word", "status"), [("UNKNOWN", "UNKNOWN"), ("", "RUNNING")])
def test_one_whose_platform_is_out_of_reach_is_left_as_unknown_where_there_is_a_word_for_that(
    platform: FakePlatform, word: str, status: str
) -> None:
    platform.kinds = {**KINDS, "execution": replace(KINDS["execution"], unknown=word)}
    platform.scripts["train"] = [[(0, RUNNING), (9000, COMPLETED)]]
    platform.faults["get"] = [*[None] * 3, *[Fault(ConnectionFailed("out of reach"))] * 500]
    [ended] = outcomes(apply(platform, train())).values()
    assert (ended.exit_code, ended.status, ended.error) == (4, status, "out of reach")
