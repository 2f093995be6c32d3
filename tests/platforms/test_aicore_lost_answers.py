"""A write whose answer says nothing certain is looked up before anything is sent again."""

from __future__ import annotations

from typing import Any

import pytest

from cicd.errors import LostAnswer, PlatformError
from cicd.http import REFUSALS
from cicd.model import Action, Key, LiveResource, Stage, State, Status
from cicd.platforms.base import Platform
from tests.benchmarks.test_request_budget import COMMIT, resources, synced
from tests.platforms.aicore_world import EXECUTION
from tests.platforms.spoilt_aicore import Spoilt, actions, applied, results
from tests.platforms.stub_server import DROP, Reply, StubServer, page, refused
from tests.platforms.test_aicore_schedules import schedule

PAGE = "<html><h1>a gateway</h1></html>"
OWN = {"error": {"code": "c1", "message": "no"}}
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
POSTS = ("artifacts", "configurations", "executions", "deployments", "subaccountDestinations")
LOST: dict[str, tuple[int, Any]] = {
    "520": (520, PAGE),
    "524": (524, PAGE),
    "599": (599, None),
    "408": (408, OWN),
    "499": (499, PAGE),
    "500 of the API": (500, OWN),
    "504": (504, PAGE),
    "a page that says yes": (200, PAGE),
    "a login page": (403, PAGE),
    "a page for 404": (404, PAGE),
    "a page for 429": (429, PAGE),
    "a redirect": (302, None),
    "a foreign 400": (400, {"reason": "bad gateway"}),
    "no object": (201, ["made"]),
    "an id that is none": (201, {"id": 7}),
    "no id": (201, {"id": None, "message": [1]}),
}


def world_where(path: str, answer: tuple[int, Any], *, is_done: bool) -> Spoilt:
    """The first POST to a path is answered so, after it was done or without."""
    left = [answer]

    def first(method: str, asked: str) -> bool:
        return bool(left) and method == "POST" and asked.endswith(f"/{path}")

    def after(method: str, asked: str, status: int, content: Any) -> tuple[int, Any]:
        return left.pop() if first(method, asked) else (status, content)

    def before(method: str, asked: str) -> tuple[int, Any] | None:
        return left.pop() if first(method, asked) else None

    lists = synced().lists
    return Spoilt(lists=lists, after=after) if is_done else Spoilt(lists=lists, before=before)


@pytest.mark.parametrize("answer", LOST)
@pytest.mark.parametrize("path", POSTS)
def test_what_was_done_is_found_and_never_sent_again(path: str, answer: str) -> None:
    world = world_where(path, LOST[answer], is_done=True)
    (plan, events), (again, _) = applied(world, STAGE, times=2)
    assert results(events).keys() <= {"applied", "unchanged"}, events
    assert world.sizes() == {
        "artifacts": 1,
        "configurations": 2,
        "executions": 1,
        "deployments": 1,
        "destinations": 1,
    }
    assert Action.CREATE in actions(plan)
    # what is found is adopted with all that it has to be known by
    (tags,) = (tagged["tags"] for tagged in world.tags.values())
    assert {tag["name"] for tag in tags} == {
        f"cicd.{n}" for n in ("stage", "key", "commit", "inputs")
    }
    assert actions(again) == {Action.NO_OP}


@pytest.mark.parametrize("answer", LOST)
def test_what_was_not_done_is_sent_once_more_after_looking(answer: str) -> None:
    world = world_where("executions", LOST[answer], is_done=False)
    ((_, events),) = applied(world, STAGE)
    assert results(events).keys() <= {"applied", "unchanged"}, events
    assert world.sizes()["executions"] == 1
    assert world.writes.count("POST /v2/lm/executions") == 2


BODIES: dict[str, Reply] = {
    "the API's own": refused(200, "no"),
    "of a proxy": Reply(body=PAGE, headers={"Content-Type": "text/html"}),
    "foreign JSON": Reply(body={"reason": "none"}),
    "a list": Reply(body=["error"]),
    "empty": Reply(),
    "words": Reply(body="stream timeout"),
}


@pytest.mark.parametrize("body", BODIES)
def test_only_a_refusal_in_the_words_of_the_api_is_one(
    platform: Platform, stub: StubServer, body: str
) -> None:
    """Every status from 300 to 599."""
    for status in range(300, 600):
        stub.requests.clear()
        reply = Reply(status, BODIES[body].body, BODIES[body].headers)
        if status == 429:
            reply = Reply(status, reply.body, {**reply.headers, "Retry-After": "3600"})
        stub.on("POST", "/v2/lm/executions", reply)
        is_refusal = body == "the API's own" and status in REFUSALS
        with pytest.raises(PlatformError) as caught:
            platform.create(EXECUTION)
        assert isinstance(caught.value, LostAnswer) is not is_refusal, (status, caught.value)
        # a token that was surely refused is renewed once
        assert len(stub.sent("POST")) == (2 if is_refusal and status == 401 else 1), status


@pytest.mark.parametrize(
    "text", ["Jwt is expired", "RBAC: access denied", "Jwt issuer is not known"]
)
def test_the_gateway_refuses_in_plain_words(
    platform: Platform, stub: StubServer, text: str
) -> None:
    status = 403 if text.startswith("RBAC") else 401
    stub.on("POST", "/v2/lm/executions", Reply(status, text))
    with pytest.raises(PlatformError) as caught:
        platform.create(EXECUTION)
    assert not isinstance(caught.value, LostAnswer)


def test_a_token_page_of_a_proxy_sends_nothing_twice(platform: Platform, stub: StubServer) -> None:
    """It renews a token at a 401; that of a proxy may come after the deed."""
    stub.on("POST", "/v2/lm/executions", Reply(401, PAGE, {"Content-Type": "text/html"}))
    with pytest.raises(LostAnswer):
        platform.create(EXECUTION)
    assert len(stub.sent("POST")) == 1


@pytest.mark.parametrize("status", [402, 418, 430, 451, 470, 498, 507])
@pytest.mark.parametrize("body", [PAGE, OWN], ids=["page", "JSON"])
def test_a_delete_is_repeated_after_what_no_api_says(
    platform: Platform, stub: StubServer, status: int, body: Any
) -> None:
    """Not deleted, what was replaced would stay: no later plan names it."""
    path = "/v2/lm/executionSchedules/s1"
    stub.on("DELETE", path, Reply(status, body), Reply(202, {"id": "s1"}))
    platform.delete(LiveResource(Key("schedule", "s"), "s1", {}, Status(State.SUCCEEDED, "")))
    assert len(stub.sent("DELETE", path)) == 2


@pytest.mark.parametrize("status", [408, 425, 499, 520, 524, 599])
def test_a_read_is_repeated_whatever_went_wrong_on_the_way(
    platform: Platform, stub: StubServer, status: int
) -> None:
    stub.on("GET", "/v2/lm/artifacts", Reply(status, PAGE), page())
    assert platform.browse("artifact") == []


def test_a_schedule_that_could_not_be_paused_is_not_made_again(
    platform: Platform, stub: StubServer
) -> None:
    stub.on("POST", "/v2/lm/executionSchedules", Reply(202, {"id": "s1"}))
    for trouble in (DROP, Reply(520, PAGE), Reply(429, {**OWN}, {"Retry-After": "900"})):
        stub.on("PATCH", "/v2/lm/executionSchedules/s1", trouble)
        with pytest.raises(PlatformError, match="was created") as caught:
            platform.create(schedule(active=False))
        assert type(caught.value) is PlatformError
