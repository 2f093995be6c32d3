"""Things with a name of their own, and services that nobody can stop: what is sent, and in which
order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from cicd.apply.events import Answered
from cicd.errors import PlatformError
from cicd.model import Action, LiveResource, Options, Result, SmokeTest, State, Status
from cicd.platforms.base import Answer, Request
from tests.apply.fake_apply_platform import (
    KINDS,
    PENDING,
    RUNNING,
    Clock,
    FakePlatform,
    Fault,
    apply,
    change,
    key_of,
    outcomes,
)

SERVING = Options(wait_for="RUNNING", timeout=60)
DELETING = Status(State.STOPPING, "Deleting")


class Named(FakePlatform):
    """Services are known by their names, cannot be stopped, and go while they run."""

    def __init__(self, **kind: Any) -> None:
        super().__init__(Clock())
        settings = {"named": True, "stoppable": False, **kind}
        self.kinds = {**KINDS, "deployment": replace(KINDS["deployment"], **settings)}

    def stop(self, live: LiveResource) -> None:
        raise AssertionError("nobody may ask for that")

    def delete(self, live: LiveResource) -> None:
        with self._call("delete", str(live.key)):
            thing = self._thing(live.id)
            thing.script, thing.since = [(0, DELETING)], self.clock()
            thing.gone_at = self.clock() + 2


def replaced(platform: Named, options: Options = SERVING) -> tuple[LiveResource, Any]:
    live = platform.add("deployment", "serve", RUNNING, configuration="c1")
    wish: Mapping[str, Any] = {"configuration": "c2"}
    return live, change("deployment/serve", Action.REPLACE, live=live, options=options, **wish)


def test_what_has_a_name_is_gone_before_the_one_that_replaces_it_is_made() -> None:
    platform = Named()
    live, step = replaced(platform)
    ended = outcomes(apply(platform, step))["deployment/serve"]
    assert ended.result is Result.APPLIED and ended.id != live.id
    assert platform.ops() == ["delete deployment/serve", "create deployment/serve"]
    assert platform.alive("deployment") == [ended.id]
    (_, _, deleted), (_, _, made) = [c for c in platform.calls if c[0] in {"delete", "create"}]
    assert made >= deleted + 2, "the name is free only then"


def test_what_has_none_is_made_before_the_old_one_goes() -> None:
    platform = FakePlatform(Clock())
    live = platform.add("deployment", "serve", RUNNING, configuration="c1")
    step = change("deployment/serve", Action.REPLACE, live=live, options=SERVING, configuration="2")
    outcomes(apply(platform, step))
    assert platform.ops() == [
        "create deployment/serve",
        "stop deployment/serve",
        "delete deployment/serve",
    ]


def test_who_does_not_wait_waits_for_the_name_and_not_for_the_service() -> None:
    platform = Named()
    _, step = replaced(platform)
    ended = outcomes(apply(platform, step, wait=False))["deployment/serve"]
    assert (ended.result, ended.word) == (Result.APPLIED, "started")
    assert platform.ops() == ["delete deployment/serve", "create deployment/serve"]


def test_where_no_new_one_can_be_made_the_error_says_that_the_old_one_is_gone() -> None:
    platform = Named()
    live, step = replaced(platform)
    platform.faults["create"] = [Fault(PlatformError("no quota", status=400))]
    ended = outcomes(apply(platform, step))["deployment/serve"]
    assert ended.result is Result.FAILED
    assert ended.error.startswith(f"the one before ({live.id}) is deleted, as both have one name:")
    assert "no quota" in ended.error


def test_where_the_old_one_cannot_be_deleted_no_new_one_is_made() -> None:
    platform = Named()
    _, step = replaced(platform)
    platform.faults["delete"] = [Fault(PlatformError("not allowed", status=403))]
    ended = outcomes(apply(platform, step))["deployment/serve"]
    assert ended.result is Result.FAILED and "is deleted" not in ended.error
    assert platform.ops() == ["delete deployment/serve"]


@pytest.mark.parametrize("status", [RUNNING, PENDING, Status(State.FAILED, "Failed")])
def test_what_cannot_be_stopped_is_deleted_as_it_is(status: Status) -> None:
    platform = Named()
    live = platform.add("deployment", "serve", status)
    step = change("deployment/serve", Action.DELETE, live=live)
    assert outcomes(apply(platform, step))["deployment/serve"].result is Result.APPLIED
    assert platform.ops() == ["delete deployment/serve"]


def test_a_service_that_somebody_deletes_is_not_waited_for() -> None:
    platform = Named()
    platform.scripts["serve"] = [[(0, PENDING), (2, DELETING)]]
    step = change("deployment/serve", options=SERVING, configuration="c1")
    ended = outcomes(apply(platform, step))["deployment/serve"]
    assert ended.result is Result.FAILED and "somebody is deleting it" in ended.error


TESTS = {
    "no path and no body": (SmokeTest(), Request("GET")),
    "text": (
        SmokeTest(method="POST", body="1,2\n", content_type="text/csv"),
        Request("POST", "", "1,2\n", "text/csv"),
    ),
    "bytes": (
        SmokeTest("/invocations", "POST", body=b"\x00\xff"),
        Request("POST", "/invocations", b"\x00\xff"),
    ),
    "json": (
        SmokeTest("/p", "POST", {"x": 1}),
        Request("POST", "/p", {"x": 1}, "application/json"),
    ),
    "a bare json text": (
        SmokeTest("/p", "POST", "x"),
        Request("POST", "/p", '"x"', "application/json"),
    ),
    "a variant": (
        SmokeTest(json={}, method="POST", variant="blue"),
        Request("POST", "", {}, "application/json", {}, "blue"),
    ),
}


@pytest.mark.parametrize(("test", "request_"), TESTS.values(), ids=TESTS)
def test_a_smoke_test_sends_what_its_service_takes(test: SmokeTest, request_: Request) -> None:
    platform = Named()
    platform.answers = [Answer(200, "fine")]
    options = replace(SERVING, smoke_test=test)
    events = apply(platform, change("deployment/serve", options=options, configuration="c1"))
    assert outcomes(events)["deployment/serve"].result is Result.APPLIED
    assert platform.requests == [request_]
    assert [e.request for e in events if isinstance(e, Answered)] == [test.title]


@pytest.mark.parametrize(
    ("request_", "data", "sort"),
    [
        (Request(), None, ""),
        (Request(body="ü"), "ü".encode(), "text/plain; charset=utf-8"),
        (Request(body=b"\x00"), b"\x00", "application/octet-stream"),
        (Request(body=[1]), b"[1]", "application/json"),
        (Request(body=0), b"0", "application/json"),
        (Request(body="1,2", content_type="text/csv"), b"1,2", "text/csv"),
    ],
)
def test_the_body_of_a_request_is_sent_as_it_says(
    request_: Request, data: bytes | None, sort: str
) -> None:
    assert (request_.data, request_.sort) == (data, sort)


def test_a_job_under_way_with_another_spec_is_not_adopted() -> None:
    platform = FakePlatform(Clock())
    platform.kinds = {**KINDS, "execution": replace(KINDS["execution"], inline=True)}
    live = platform.add("execution", "train", RUNNING, configuration="c1", epochs=1)
    step = change("execution/train", Action.RUN, live=live, configuration="c1", epochs=2)
    assert outcomes(apply(platform, step))["execution/train"].id != live.id
    same = change("execution/train", Action.RUN, live=live, configuration="c1", epochs=1)
    assert outcomes(apply(platform, same))["execution/train"].id == live.id


def test_an_output_that_is_missing_is_named_by_its_sort() -> None:
    platform = FakePlatform(Clock())
    done = platform.add("execution", "train", Status(State.SUCCEEDED, "COMPLETED"))
    done = replace(done, outputs={"models.best": "s3://b", "log": "s3://l"})
    from cicd.model import Ref

    for output, told in (
        ("models.last", 'finished without model "last": it has "best"'),
        ("plot", "has no plot: it has log, models.best"),
    ):
        wish = change("configuration/c", model=Ref(key_of("execution/train"), output))
        kept = change("execution/train", Action.NO_OP, live=done)
        assert told in outcomes(apply(platform, kept, wish))["configuration/c"].error
