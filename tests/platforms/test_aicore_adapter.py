"""Runs and content, as a server that answers like AI Core sees them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import requests
from pytest_mock import MockerFixture

from cicd.errors import Conflict, Denied, LostAnswer, NotFound, PlatformError
from cicd.model import LiveResource, Resource, State
from cicd.platforms import registry
from cicd.platforms.aicore.adapter import AICore
from cicd.platforms.aicore.credentials import Credentials
from cicd.platforms.base import Answer, Platform, Request
from tests.platforms.aicore_world import (
    ARTIFACT,
    CONFIGURATION,
    DEPLOYMENT,
    DESTINATION,
    EXECUTION,
    LIVE_RUN,
    connected,
    environ,
    live,
    stage,
)
from tests.platforms.stub_server import Reply, StubServer, page, refused
from tests.platforms.stub_server import Request as Seen


def test_creates_send_the_apis_names_and_the_users_keys(
    platform: Platform, stub: StubServer
) -> None:
    for path in ("artifacts", "configurations", "executions", "deployments"):
        stub.on("POST", f"/v2/lm/{path}", Reply(202, {"id": f"new-{path}", "status": "NOVEL"}))
    labelled = Resource(ARTIFACT.key, {**ARTIFACT.spec, "labels": {"ext.ai.sap.com/a_b": "1"}})
    made = [platform.create(wish) for wish in (labelled, CONFIGURATION, EXECUTION, DEPLOYMENT)]
    assert [item.id for item in made] == [
        "new-artifacts",
        "new-configurations",
        "new-executions",
        "new-deployments",
    ]
    assert made[2].status.state is State.UNKNOWN
    assert [request.json for request in stub.sent("POST")] == [
        {
            "name": "Data",
            "kind": "dataset",
            "url": "ai://default/x",
            "scenarioId": "s",
            "labels": [{"key": "ext.ai.sap.com/a_b", "value": "1"}],
        },
        {
            "name": "Training",
            "scenarioId": "s",
            "executableId": "x",
            "parameterBindings": [{"key": "my_param", "value": "1"}],
            "inputArtifactBindings": [{"key": "in", "artifactId": "a1"}],
        },
        {"configurationId": "c1"},
        {"configurationId": "c1", "ttl": "24h"},
    ]


@pytest.mark.parametrize("answer", [Reply(202, {}), Reply(202), refused(500, "oops")])
def test_a_create_that_does_not_say_its_id_is_a_lost_answer(
    platform: Platform, stub: StubServer, answer: Reply
) -> None:
    stub.on("POST", "/v2/lm/executions", answer)
    with pytest.raises(LostAnswer):
        platform.create(EXECUTION)


def test_lost_runs_are_found_among_those_not_known(platform: Platform, stub: StubServer) -> None:
    other = {**LIVE_RUN, "id": "e9", "configurationId": "c2", "createdAt": "2026-02-01T00:00:00Z"}
    runs = [{**LIVE_RUN, "id": f"e{n}", "createdAt": f"2026-01-0{n}T00:00:00Z"} for n in (1, 2, 3)]
    stub.on("GET", "/v2/lm/executions", page(*runs, other))
    found = platform.find(EXECUTION, frozenset({"e3"}))
    assert found and found.id == "e2"
    assert platform.find(EXECUTION, frozenset({"e1", "e2", "e3"})) is None
    assert stub.requests[-1].query["configurationId"] == "c1"


def test_lost_content_is_found_by_content(platform: Platform, stub: StubServer) -> None:
    document = {"name": "Data", "kind": "dataset", "scenarioId": "s"}
    stub.on(
        "GET",
        "/v2/lm/artifacts",
        page(
            {**document, "id": "a1", "url": "ai://other"},
            {**document, "id": "a2", "url": "ai://default/x"},
        ),
    )
    found = platform.find(ARTIFACT, frozenset())
    assert found and found.id == "a2"


def test_an_update_swaps_the_configuration_and_may_be_sent_twice(
    platform: Platform, stub: StubServer
) -> None:
    path = "/v2/lm/deployments/d1"
    stub.on("PATCH", path, Reply(202, {"id": "d1"}), refused(400, "already in use"))
    stub.on("GET", path, Reply(200, {**LIVE_RUN, "id": "d1", "status": "PENDING"}))
    for _ in range(2):
        status = platform.update(live("deployment", "d1"), DEPLOYMENT).status
        assert status.state is State.PENDING
    assert stub.sent("PATCH")[0].json == {"configurationId": "c1"}


def test_an_update_that_is_refused_stays_refused(platform: Platform, stub: StubServer) -> None:
    path = "/v2/lm/deployments/d1"
    stub.on("PATCH", path, refused(400, "the current status UNKNOWN", "01010076"))
    found = {**LIVE_RUN, "id": "d1", "status": "RUNNING", "configurationId": "c0"}
    stub.on("GET", path, Reply(200, found))
    with pytest.raises(Conflict):
        platform.update(live("deployment", "d1"), DEPLOYMENT)


def test_running_just_after_an_update_is_not_believed(platform: Platform, stub: StubServer) -> None:
    path = "/v2/lm/deployments/d1"
    old = {**LIVE_RUN, "id": "d1", "status": "RUNNING", "configurationId": "c0"}
    stub.on("PATCH", path, Reply(202, {"id": "d1"}))
    stub.on("GET", path, Reply(200, old), Reply(200, {**old, "configurationId": "c1"}))
    asked = platform.update(live("deployment", "d1"), DEPLOYMENT)
    assert platform.get(asked).status.state is State.PENDING
    assert platform.get(asked).status.state is State.RUNNING


def test_only_what_ran_before_an_update_is_taken_for_old(
    platform: Platform, stub: StubServer
) -> None:
    path = "/v2/lm/deployments/d1"
    shown = [
        Reply(200, {**LIVE_RUN, "id": "d1", "status": "RUNNING", "configurationId": used})
        for used in ("c0", "c3", "c1", "c1", "c0")
    ]
    stub.on("PATCH", path, Reply(202, {"id": "d1"}))
    stub.on("GET", path, *shown)
    before = live("deployment", "d1", configuration="c0")
    asked = platform.update(before, DEPLOYMENT)
    seen = [platform.get(asked) for _ in range(3)]
    assert [item.status.raw for item in seen] == ["PENDING", "RUNNING", "RUNNING"]
    assert [item.spec["configuration"] for item in seen] == ["c0", "c3", "c1"]
    back = Resource(DEPLOYMENT.key, {**DEPLOYMENT.spec, "configuration": "c0"})
    platform.update(asked, back)
    assert [platform.get(asked).status.raw for _ in range(2)] == ["PENDING", "RUNNING"]


@pytest.mark.parametrize("status", ["STOPPED", "STOPPING", "DEAD", "COMPLETED"])
def test_stopping_what_has_stopped_is_fine(
    platform: Platform, stub: StubServer, status: str
) -> None:
    path = "/v2/lm/executions/e1"
    stub.on("PATCH", path, refused(412, f"status {status}"))
    stub.on("GET", path, Reply(200, {**LIVE_RUN, "id": "e1", "status": status}))
    platform.stop(live("execution", "e1"))
    assert stub.sent("PATCH")[0].json == {"targetStatus": "STOPPED"}


def test_stopping_what_cannot_be_stopped_is_a_conflict(
    platform: Platform, stub: StubServer
) -> None:
    path = "/v2/lm/executions/e1"
    stub.on("PATCH", path, refused(412, "status UNKNOWN"))
    stub.on("GET", path, Reply(200, {**LIVE_RUN, "id": "e1", "status": "UNKNOWN"}))
    with pytest.raises(Conflict):
        platform.stop(live("execution", "e1"))
    with pytest.raises(PlatformError, match="nothing that can be stopped"):
        platform.stop(live("artifact", "a1"))


def test_deleting_what_is_gone_is_fine(platform: Platform, stub: StubServer) -> None:
    for kind in ("execution", "deployment", "application", "destination"):
        platform.delete(live(kind))
    assert len(stub.sent("DELETE")) == 4
    stub.on("DELETE", "/v2/lm/executions/r1", refused(412, "RUNNING"))
    stub.on("GET", "/v2/lm/executions/r1", Reply(200, {**LIVE_RUN, "status": "RUNNING"}))
    with pytest.raises(Conflict):
        platform.delete(live("execution"))
    with pytest.raises(PlatformError, match="never be deleted"):
        platform.delete(live("artifact"))


def test_tags_go_to_the_metrics_api_as_they_are(platform: Platform, stub: StubServer) -> None:
    stub.on("PATCH", "/v2/lm/metrics", Reply(204))
    platform.tag(live("execution", "e1"), {"cicd.stage": "dev", "cicd.a_b": "x"})
    platform.tag(live("deployment", "d1"), {"cicd.stage": "dev"})
    assert [request.json for request in stub.sent("PATCH")] == [
        {
            "executionId": "e1",
            "tags": [{"name": "cicd.a_b", "value": "x"}, {"name": "cicd.stage", "value": "dev"}],
        }
    ]


@pytest.mark.parametrize(
    "answer", [refused(404, "no run"), refused(400, "not yet"), Reply(200, {})]
)
def test_logs_before_the_start_are_an_empty_page(
    platform: Platform, stub: StubServer, answer: Reply
) -> None:
    stub.on("GET", "/v2/lm/executions/e1/logs", answer)
    logs = platform.logs(live("execution", "e1"))
    assert (logs.entries, logs.cursor, logs.is_last) == ((), "", True)
    with pytest.raises(PlatformError, match="has no log"):
        platform.logs(live("artifact", "a1"))


def test_logs_always_say_where_they_begin(platform: Platform, stub: StubServer) -> None:
    item = {"timestamp": "2026-01-01T00:00:00.000000001Z", "msg": "hi"}
    stub.on("GET", "/v2/lm/executions/e1/logs", Reply(200, {"data": {"result": [item]}}))
    first = platform.logs(live("execution", "e1"), since=10**18)
    assert [entry.text for entry in first.entries] == ["hi"]
    assert platform.logs(live("execution", "e1"), first.cursor).entries == ()
    begins = [request.query["start"] for request in stub.sent("GET")]
    assert begins[0] == "2001-09-09T01:46:40.000000000Z" and begins[1] > begins[0]
    assert {request.query["$order"] for request in stub.sent("GET")} == {"asc"}


@pytest.mark.parametrize(
    ("created", "begin"),
    [
        ("2026-01-01T00:05:00Z", "2026-01-01T00:04:00.000000000Z"),
        ("", "1990-01-01T00:00:00.000000000Z"),
    ],
)
def test_logs_begin_a_minute_before_the_run_as_clocks_differ(
    platform: Platform, stub: StubServer, created: str, begin: str
) -> None:
    stub.on("GET", "/v2/lm/executions/e1/logs", Reply(200, {"data": {"result": []}}))
    run = replace(live("execution", "e1"), created_at=created)
    platform.logs(run)
    platform.tail(run, 3)
    first, last = (request.query for request in stub.sent("GET"))
    assert first["start"] == last["start"] == begin
    assert (first["$order"], last["$order"], last["$top"]) == ("asc", "desc", "15")


def test_a_request_to_a_deployment_carries_login_and_group(
    platform: Platform, stub: StubServer
) -> None:
    path = "/v2/inference/deployments/d1/v2/predict"
    stub.on("POST", path, Reply(500, "größer"))
    base = live("deployment", "d1")
    at = LiveResource(
        base.key, "d1", {}, base.status, {"url": f"{stub.url}/v2/inference/deployments/d1"}
    )
    assert platform.invoke(at, Request("post", "/v2/predict", {"a_b": 1})) == Answer(500, "größer")
    sent = stub.sent("POST")
    assert len(sent) == 1 and sent[0].json == {"a_b": 1}
    assert sent[0].headers["Authorization"] == "Bearer token-1"
    assert sent[0].headers["AI-Resource-Group"] == "rg"
    with pytest.raises(PlatformError, match="has no URL yet"):
        platform.invoke(base, Request("GET", "/"))


@pytest.mark.parametrize(
    ("request_", "expected", "body"),
    [
        (Request(body={"ä": 1}), "application/json", '{"ä": 1}'),
        (Request(body="a,b", content_type="text/csv"), "text/csv", "a,b"),
        (Request(body="x", headers={"Content-Type": "mine"}, content_type="text/csv"), "mine", "x"),
        (Request(method="get"), None, ""),
    ],
)
def test_a_request_to_a_deployment_says_what_its_body_is(
    platform: Platform, stub: StubServer, request_: Request, expected: str | None, body: str
) -> None:
    stub.on(request_.method.upper(), "/d1/", Reply(200, "ok"))
    at = replace(live("deployment", "d1"), outputs={"url": f"{stub.url}/d1/"})
    assert platform.invoke(at, request_) == Answer(200, "ok")
    [sent] = stub.sent(request_.method.upper())
    assert sent.headers.get("Content-Type") == expected
    assert json.loads(sent.body) == json.loads(body) if "{" in body else sent.body == body


def test_a_request_to_a_deployment_is_sent_once_and_may_name_another_group(
    platform: Platform, stub: StubServer
) -> None:
    stub.on("GET", "/d1/v1", Reply(503, "no"), Reply(200, "late"))
    at = replace(live("deployment", "d1"), outputs={"url": f"{stub.url}/d1"})
    request = Request("GET", "v1", headers={"AI-Resource-Group": "other"})
    assert platform.invoke(at, request) == Answer(503, "no")
    assert stub.sent("GET")[0].headers["AI-Resource-Group"] == "other"


@pytest.mark.parametrize(
    ("said", "text"), [("text/plain", "Ã¼"), ("text/plain; charset=latin-1", "Ã\x83Â¼")]
)
def test_an_answer_of_a_deployment_is_utf8_unless_it_says_otherwise(
    platform: Platform, stub: StubServer, said: str, text: str
) -> None:
    stub.on("GET", "/d1/", Reply(200, "Ã¼", {"Content-Type": said}))
    at = replace(live("deployment", "d1"), outputs={"url": f"{stub.url}/d1"})
    assert platform.invoke(at, Request("GET")).text == text


def test_a_platform_that_is_closed_has_closed_its_connections(
    stub: StubServer, mocker: MockerFixture
) -> None:
    closed = mocker.spy(requests.Session, "close")
    stub.otherwise = page()
    with connected(stub) as platform:
        assert closed.call_count == 0
        assert platform.browse("execution") == []
    assert closed.call_count == 1


def test_the_group_is_that_of_the_stage_then_that_of_the_environment(stub: StubServer) -> None:
    variables = {**environ(stub.url), "AICORE_RESOURCE_GROUP": "mine"}
    stub.otherwise = page()
    for target, expected in (({"resource_group": "rg"}, "rg"), ({}, "mine")):
        platform = registry.connect(stage(target=target), variables)
        platform.browse("execution")
        platform.close()
        assert stub.sent("GET")[-1].headers["AI-Resource-Group"] == expected
    with pytest.raises(Denied, match="no resource group is named"):
        registry.connect(stage(target={}), environ(stub.url))


def test_what_cannot_be_fetched_says_where_it_is(platform: Platform, tmp_path: Path) -> None:
    run = replace(live("execution"), outputs={"artifacts.model": "a1"})
    with pytest.raises(PlatformError, match=r"model of execution/r1 is in the object store"):
        platform.fetch(run, "artifacts.model", tmp_path)
    with pytest.raises(NotFound, match=r"execution/r1 has no artifacts\.other"):
        platform.fetch(run, "artifacts.other", tmp_path)


def test_only_an_execution_has_metrics_and_is_tracked(platform: Platform, stub: StubServer) -> None:
    metrics = [{"name": "accuracy", "value": 0.5}]
    stub.on("GET", "/v2/lm/metrics", page({"executionId": "e1", "metrics": metrics}))
    assert platform.metrics(live("execution", "e1")) == {"accuracy": 0.5}
    assert platform.metrics(live("deployment", "e1")) == {}
    runs = [live("execution", "e1"), live("execution", "e1"), live("deployment", "d1")]
    assert list(platform.track(runs)) == ["e1"]
    assert [request.query["executionIds"] for request in stub.sent("GET")] == ["e1", "e1"]


def test_no_more_runs_are_tracked_at_once_than_a_request_may_name(
    platform: Platform, stub: StubServer
) -> None:
    def told(request: Seen) -> Reply:
        return page(*({"executionId": id} for id in request.query["executionIds"].split(",")))

    stub.on("GET", "/v2/lm/metrics", told)
    found = platform.track([live("execution", f"e{n}") for n in range(21)])
    assert sorted(found) == sorted(f"e{n}" for n in range(21))
    sizes = [len(request.query["executionIds"].split(",")) for request in stub.sent("GET")]
    assert sizes == [10, 10, 1]


def test_a_kind_of_another_platform_is_refused_by_name(platform: Platform) -> None:
    with pytest.raises(PlatformError, match='this platform has no "model"'):
        platform.get(live("model"))
    assert platform.tail(live("artifact"), 3) == ()


def test_a_login_by_certificate_cannot_be_given_to_a_destination() -> None:
    known = Credentials("https://a/v2", "https://a/oauth/token", "me", None)
    platform = AICore(known, "rg")
    with pytest.raises(Denied, match="destination/D needs a client secret"):
        platform.complete([DESTINATION])
    assert platform.complete([ARTIFACT]) == [ARTIFACT]


def test_what_is_not_there_is_not_found(platform: Platform) -> None:
    for kind in ("artifact", "execution", "deployment", "application", "destination"):
        with pytest.raises(NotFound):
            platform.get(live(kind))
