"""The pure parts of apply at their bounds: what refers to what, what waits, what is asked for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from pytest_mock import MockerFixture

from cicd.apply.job import Job, Shared
from cicd.apply.lease import Lease
from cicd.apply.listed import can_be_twice
from cicd.apply.marks import marks_of, token_of
from cicd.apply.measure import last_point
from cicd.apply.moving import Meter
from cicd.apply.order import dependents, has_checks, is_check, needs_of, removal_needs
from cicd.apply.outcome import exit_code, failure
from cicd.apply.resolve import (
    changed_fields,
    differences,
    needed_outputs,
    refs,
    resolved,
)
from cicd.apply.send import has_taken
from cicd.apply.verify import expectation, request_of, shown
from cicd.errors import CicdError, Denied, TimedOut
from cicd.logs import Polling
from cicd.model import (
    Action,
    Change,
    FieldChange,
    Holder,
    Key,
    Kind,
    MetricPoint,
    Options,
    Plan,
    Ref,
    Resource,
    SmokeTest,
)
from cicd.platforms.base import Answer
from cicd.values import Hidden
from tests.apply.fake_apply_platform import Clock, FakePlatform
from tests.plan.plan_world import a_live, a_stage, artifact, deployment, execution, plan_of

TRAIN, DATA = Key("execution", "train"), Key("artifact", "data")
DONE = {
    TRAIN: a_live(execution(configuration="c1"), "e1", outputs={"artifacts.b": "b1", "id": "e1"}),
    DATA: a_live(artifact(), "a1", outputs={"url": "u", "id": "other"}),
    Key("deployment", "serve"): a_live(deployment(configuration="c2"), "d1", outputs={}),
}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Ref(TRAIN, "artifacts.b"), "b1"),
        (Ref(DATA, "id"), "other"),
        (Ref(Key("deployment", "serve")), "d1"),
        (
            {"a": [Ref(DATA, "url"), ("x", Ref(TRAIN))], "b": None},
            {"a": ["u", ["x", "e1"]], "b": None},
        ),
        (5, 5),
    ],
)
def test_references_become_what_they_stand_for(value: Any, expected: Any) -> None:
    found = resolved(Resource(Key("thing", "x"), {"field": value}), DONE)
    assert found.spec == {"field": expected}


@pytest.mark.parametrize(
    ("ref", "said"),
    [
        (Ref(Key("artifact", "no")), "needs id of artifact/no, which is not part of this plan"),
        (Ref(DATA, "path"), "artifact/data has no path: it has url"),
        (Ref(Key("deployment", "serve"), "url"), "deployment/serve has no url"),
        (
            Ref(TRAIN, "artifacts.a"),
            'execution/train finished without artifact "a": it has "b"',
        ),
        (Ref(DATA, "artifacts.a"), 'artifact/data finished without artifact "a": it has none'),
    ],
)
def test_a_reference_to_what_is_not_there_says_what_is(ref: Ref, said: str) -> None:
    with pytest.raises(CicdError) as error:
        resolved(Resource(Key("thing", "x"), {"field": [ref]}), DONE)
    assert str(error.value) == said


def test_references_are_found_wherever_they_stand() -> None:
    value = {"a": [Ref(DATA), (Ref(TRAIN, "x"), {"b": Ref(DATA, "url")})], "c": "text"}
    assert list(refs(value)) == [Ref(DATA), Ref(TRAIN, "x"), Ref(DATA, "url")]


def change(
    key: str, action: Action = Action.CREATE, spec: Any = None, *needs: str, **more: Any
) -> Change:
    """A change of a thing; ``needs``: keys that it depends on."""
    wish = None if action is Action.DELETE else Resource(Key(*key.split("/")), spec or {})
    depends = frozenset(Key(*need.split("/")) for need in needs)
    return Change(Key(*key.split("/")), action, "", (), depends, wish, **more)


def test_outputs_are_asked_for_by_what_is_still_to_be_made() -> None:
    changes = [
        change("a/x", spec={"one": Ref(DATA, "url"), "two": Ref(DATA, "path"), "id": Ref(DATA)}),
        change("a/y", spec={"one": [Ref(TRAIN, "artifacts.b")]}),
        change("a/z", Action.DELETE),
    ]
    assert needed_outputs(changes) == {
        DATA: frozenset({"url", "path"}),
        TRAIN: frozenset({"artifacts.b"}),
    }


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (["a", "b.c", "d[0].e", "status"], {"a", "b", "d"}),
        (["status.x"], set()),
        ([], set()),
    ],
)
def test_a_change_is_about_fields_at_the_top(paths: list[str], expected: set[str]) -> None:
    found = change("a/x")
    fields = tuple(FieldChange(path, 1, 2) for path in paths)
    assert changed_fields(Change(found.key, found.action, "", fields)) == expected


THING = Kind(
    "thing", partial=frozenset({"labels"}), write_only=frozenset({"pw"}), computed=frozenset({"at"})
)


@pytest.mark.parametrize(
    ("wanted", "found", "expected"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1}, {"a": 2}, ['a is "2" where "1" was asked for']),
        ({"a": 1}, {}, []),
        ({}, {"a": 1}, []),
        ({"pw": 1, "at": 1}, {"pw": 2, "at": 2}, []),
        ({"labels": {"x": 1}}, {"labels": {"x": 1, "y": 2}}, []),
        ({"labels": {"x": 1, "z": 1}}, {"labels": {"x": 1}}, ["labels"]),
        ({"labels": {"x": 1}}, {"labels": {"x": 2}}, ["labels"]),
        ({"labels": {"x": 1}}, {"labels": "x"}, ["labels"]),
        ({"map": {"x": 1}}, {"map": {"x": 1, "y": 2}}, ["map"]),
        ({"b": 1, "a": 1}, {"b": 2, "a": 2}, ["a is", "b is"]),
    ],
)
def test_what_does_not_read_back_as_asked_is_named(
    wanted: dict[str, Any], found: dict[str, Any], expected: list[str]
) -> None:
    told = [str(item) for item in differences(THING, wanted, found, {*wanted, *found})]
    assert len(told) == len(expected)
    assert all(line.startswith(start) for line, start in zip(told, expected, strict=True))


@pytest.mark.parametrize(
    ("kind", "found", "fields", "expected"),
    [
        (THING, {"a": 1}, {"a"}, True),
        (THING, {"a": 1, "b": 2, "c": 5}, {"a", "b"}, True),
        (THING, {"a": 1, "b": 3}, {"a"}, True),
        (THING, {"a": 1, "b": 3}, {"a", "b"}, False),
        # what a platform does not show may be anything
        (THING, {}, {"a"}, False),
        (THING, {"b": 2, "c": 5}, {"a", "b"}, False),
        (THING, {"a": 1, "pw": 0}, {"a", "pw"}, False),
        (THING, {"a": 1, "pw": 0}, {"a"}, True),
        (replace(THING, is_secret=True), {"a": 1}, {"a"}, False),
    ],
)
def test_a_change_has_been_taken_where_all_of_it_reads_back(
    kind: Kind, found: dict[str, Any], fields: set[str], *, expected: bool
) -> None:
    wanted = {"a": 1, "b": 2, "pw": 0}
    assert has_taken(kind, found, wanted, frozenset(fields)) is expected


def with_test(key: str, action: Action = Action.NO_OP, *needs: str) -> Change:
    """A change of a thing with a test, which is there."""
    kind, name = key.split("/")
    wish = Resource(Key(kind, name), {}, Options(smoke_test=SmokeTest("/")))
    depends = frozenset(Key(*need.split("/")) for need in needs)
    return Change(wish.key, action, "", (), depends, wish, live=a_live(wish, "l1"))


def test_only_what_stays_and_has_a_test_is_checked() -> None:
    assert is_check(with_test("a/x"))
    assert not is_check(with_test("a/x", Action.UPDATE))
    assert not is_check(change("a/x", Action.NO_OP))
    assert not is_check(change("a/x", Action.DELETE))
    lone = with_test("a/x")
    assert not is_check(Change(lone.key, lone.action, "", desired=lone.desired))


def test_a_plan_that_only_tests_does_something() -> None:
    stage = a_stage([artifact()])
    nothing = plan_of([artifact()], [a_live(artifact(), "a1")])
    assert not has_checks(nothing)
    assert has_checks(plan_of(stage.resources))
    fields = {name: getattr(nothing, name) for name in nothing.__dataclass_fields__}
    assert has_checks(Plan(**{**fields, "changes": (with_test("a/x"),)}))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ([change("a/x"), change("a/y", Action.CREATE, None, "a/x")], {0: set(), 1: {0}}),
        ([change("a/x", spec={"r": Ref(Key("a", "y"))}), change("a/y")], {0: {1}, 1: set()}),
        ([change("a/x", Action.CREATE, None, "a/gone")], {0: set()}),
        ([change("a/x", Action.CREATE, None, "a/x")], {0: set()}),
        (
            [
                change("a/x"),
                change("a/y", Action.NO_OP, None, "a/x"),
                change("a/z", Action.RUN, None, "a/y"),
            ],
            {0: set(), 2: {0}},
        ),
        (
            [
                change("a/x"),
                change("a/v", Action.NO_OP, None, "a/w", "a/x"),
                change("a/w", Action.NO_OP, None, "a/v"),
                change("a/z", Action.RUN, None, "a/w"),
            ],
            {0: set(), 3: {0}},
        ),
        (
            [
                change("a/x"),
                with_test("a/y", Action.NO_OP, "a/x"),
                change("a/z", Action.RUN, None, "a/y"),
            ],
            {0: set(), 1: set(), 2: {0, 1}},
        ),
        (
            [change("a/x", Action.DELETE), change("a/y", Action.CREATE, None, "a/x")],
            {1: set()},
        ),
    ],
)
def test_a_change_waits_for_the_nearest_changes_that_it_needs(
    changes: list[Change], expected: dict[int, set[int]]
) -> None:
    assert needs_of(changes) == expected


def test_all_that_waits_for_a_change_is_found_however_far() -> None:
    needs = {0: set[int](), 1: {0}, 2: {1}, 3: {0, 2}, 4: set[int](), 5: {4}}
    assert [dependents(needs, at) for at in (0, 1, 3, 4)] == [{1, 2, 3}, {2, 3}, set(), {5}]


def test_of_two_removals_that_belong_together_the_first_of_the_order_goes_first() -> None:
    gone = [
        change("a/x", Action.DELETE, None, "a/y"),
        change("a/y", Action.DELETE),
        change("a/z", Action.DELETE, None, "a/z", "a/gone"),
    ]
    assert removal_needs(gone, [0, 1, 2]) == {0: set(), 1: {0}, 2: set()}
    assert removal_needs(gone, [1, 0, 2]) == {1: set(), 0: {1}, 2: set()}
    assert removal_needs(gone, [0]) == {0: set()}
    twice = [*gone, change("a/y", Action.DELETE)]
    assert removal_needs(twice, [0, 1, 3]) == {0: set(), 1: {0}, 3: {0}}


def point(name: str, value: float) -> MetricPoint:
    return MetricPoint(name, value)


@pytest.mark.parametrize(
    ("points", "preferred", "expected"),
    [
        ([], {"a"}, None),
        ([point("a", 1), point("b", 2)], set(), point("b", 2)),
        ([point("a", 1), point("b", 2)], {"a"}, point("a", 1)),
        ([point("a", 1), point("a", 3), point("b", 2)], {"a"}, point("a", 3)),
        ([point("a", 1), point("b", 2)], {"c"}, point("b", 2)),
    ],
)
def test_the_last_point_is_of_a_metric_that_a_gate_asks_for(
    points: list[MetricPoint], preferred: set[str], expected: MetricPoint | None
) -> None:
    assert last_point(points, preferred) == expected


@pytest.mark.parametrize(
    ("test", "body", "sort"),
    [
        (SmokeTest("/x"), None, ""),
        (SmokeTest("/x", json={"a": 1}), {"a": 1}, "application/json"),
        (SmokeTest("/x", json="text"), '"text"', "application/json"),
        (SmokeTest("/x", json=0), 0, "application/json"),
        (SmokeTest("/x", json={"a": Hidden("s")}, content_type="c"), {"a": "s"}, "c"),
        (SmokeTest("/x", body="raw"), "raw", ""),
        (SmokeTest("/x", body="raw", json={"a": 1}), "raw", ""),
        (SmokeTest("/x", body=b"", json={"a": 1}), b"", ""),
    ],
)
def test_a_smoke_test_sends_its_body_as_it_is_or_as_json(
    test: SmokeTest, body: Any, sort: str
) -> None:
    request = request_of(test)
    assert (request.path, request.method) == ("/x", test.method)
    assert (request.body, request.content_type) == (body, sort)


@pytest.mark.parametrize(
    ("answer", "line"),
    [
        (Answer(200, ""), "200"),
        (Answer(500, "a\n b"), "500 a\\n b"),
        (Answer(200, "x" * 300), None),
    ],
)
def test_an_answer_is_shown_in_a_line(answer: Answer, line: str | None) -> None:
    told = shown(answer)
    assert told == line or (line is None and len(told) <= 4 + 201)


def test_what_a_smoke_test_expects_is_said() -> None:
    assert expectation(SmokeTest("/")) == "200"
    assert expectation(SmokeTest("/", expect_status=204, expect_contains="")) == '204 with "" in it'


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (Kind("x", named=True, prunable=True), False),
        (Kind("x", prunable=True, identity=("name",)), True),
        (Kind("x", prunable=False, identity=("name",)), False),
        (Kind("x", prunable=False, identity=()), True),
        (Kind("x", named=True, identity=()), False),
    ],
)
def test_only_what_the_platform_refuses_no_second_of_can_be_twice(
    kind: Kind, *, expected: bool
) -> None:
    assert can_be_twice(kind) is expected


def test_marks_tell_whose_it_is_and_none_is_empty() -> None:
    plan = plan_of([artifact()], project="shop", commit="c0ffee")
    marks = marks_of(plan, Resource(TRAIN, {"inputs": "abc", "files": {"a": "1"}}))
    assert marks == {
        "cicd.project": "shop",
        "cicd.stage": "dev",
        "cicd.key": "execution/train",
        "cicd.commit": "c0ffee",
        "cicd.inputs": "abc",
        "cicd.files": '{"a":"1"}',
    }
    bare = plan_of([artifact()], commit="")
    assert marks_of(bare, Resource(TRAIN, {})) == {
        "cicd.stage": "dev",
        "cicd.key": "execution/train",
    }


def job(**fields: Any) -> Job:
    """One that a failure is told of."""
    clock = Clock()
    shared = Shared(plan_of([artifact()]), FakePlatform(clock), Polling(), clock)
    made = change("artifact/data", Action.CREATE, artifact().spec)
    return Job(shared, made, True, **fields)


def words(text: str, told: int) -> list[int]:
    ended = failure(job(live=a_live(artifact(), "a1", facts={"last_log": text})), CicdError("x"))
    assert len(ended.log) == told
    return [len(line) for line in ended.log]


def test_a_failure_is_told_with_its_last_ten_lines_and_none_of_them_is_a_page() -> None:
    assert words("", 0) == []
    assert words("\n".join("abcdefghij"), 10) == [1] * 10
    lines = "\n".join(str(number) for number in range(11))
    assert failure(
        job(live=a_live(artifact(), "a1", facts={"last_log": lines})), CicdError("x")
    ).log == tuple(str(number) for number in range(1, 11))
    assert words(f"{'x' * 300}\n{'x' * 301}", 2) == [300, 300]
    tail = job(live=a_live(artifact(), "a1", facts={"last_log": "other"}))
    tail.tail.extend(["read", "from\x1b its log"])
    assert failure(tail, CicdError("x")).log == ("read", "from\\x1b its log")
    assert failure(job(), CicdError("x")).log == ()


@pytest.mark.parametrize(
    ("error", "result", "text", "code"),
    [
        (CicdError("why"), "failed", "why", CicdError.exit_code),
        (CicdError("why", hint="do it"), "failed", "why (do it)", CicdError.exit_code),
        (TimedOut("late"), "timed_out", "late", TimedOut.exit_code),
        (Denied("no", status=403), "failed", "no", Denied.exit_code),
        (ValueError("s3cret"), "failed", "internal error (ValueError)", CicdError.exit_code),
        (CicdError("x" * 1000), "failed", "x" * 1000, CicdError.exit_code),
        (CicdError("x" * 1001), "failed", "x" * 999 + "…", CicdError.exit_code),
    ],
)
def test_an_error_is_told_in_one_line_with_its_exit_code(
    error: Exception, result: str, text: str, code: int
) -> None:
    ended = failure(job(), error, 1.5)
    assert (ended.result.value, ended.error, ended.exit_code) == (result, text, code)
    assert (ended.id, ended.status, ended.url, ended.seconds) == ("", "", "", 1.5)


def test_an_error_that_tells_of_a_failed_call_has_the_exit_code_of_that_call() -> None:
    told = CicdError("and what became of it")
    told.__cause__ = Denied("no")
    assert exit_code(told) == Denied.exit_code != CicdError.exit_code
    told.__cause__ = ValueError("no")
    assert exit_code(told) == CicdError.exit_code
    own = TimedOut("late")
    own.__cause__ = Denied("no")
    assert exit_code(own) == TimedOut.exit_code


def test_a_small_file_is_not_told_of_and_a_large_one_now_and_then_and_at_its_end() -> None:
    clock, small = Clock(), 16 * 1024 * 1024
    meter, data = Meter(clock), Key("dataset", "data")

    def told(done: int, total: int) -> list[int]:
        meter.hear(data, done, total)
        return [moved.done for moved in meter.tell()]

    assert told(1, small) == told(small, small) == []
    assert told(1, small + 1) == [1]
    assert told(2, small + 1) == []
    clock.sleep(1.9)
    assert told(3, small + 1) == []
    clock.sleep(0.1)
    assert told(3, small + 1) == [3]
    assert told(small + 1, small + 1) == [small + 1]
    assert list(meter.tell()) == []


def test_a_token_may_become_part_of_a_name() -> None:
    made = change("artifact/data", Action.CREATE, artifact().spec)
    token = token_of(plan_of([artifact()]), made, artifact())
    assert len(token) == 32 and set(token) <= set("0123456789abcdef")
    spec = dict(reversed([*artifact().spec.items()]))
    assert token_of(plan_of([artifact()]), made, replace(artifact(), spec=spec)) == token


def test_a_lock_that_is_being_renewed_is_given_back_after_two_seconds(
    mocker: MockerFixture,
) -> None:
    lock = mocker.Mock()
    lease = Lease(lock, mocker.Mock(), Holder("me"), lambda _: False)
    keeper = mocker.patch.object(lease, "_keeper")
    keeper.is_alive.return_value = True
    lease.give_back()
    keeper.join.assert_called_once_with(2.0)
    lock.drop.assert_not_called()
