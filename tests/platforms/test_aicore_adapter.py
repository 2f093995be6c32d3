"""The adapter against a server that answers like AI Core: what it sends and what it reads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from cicd.errors import Conflict, Denied, InvalidStage, LostAnswer, NotFound, PlatformError
from cicd.model import Key, LiveResource, Ref, Resource, Secret, Stage, State, Status
from cicd.platforms import registry
from cicd.platforms.base import Answer, Platform
from tests.platforms.stub_server import Reply, StubServer, page, refused, running

GROUP = Resource(Key("resource_group", "rg"), {"name": "rg"})
ARTIFACT = Resource(
    Key("artifact", "data"),
    {"name": "Data", "kind": "dataset", "url": "ai://default/x", "scenario_id": "s"},
)
CONFIGURATION = Resource(
    Key("configuration", "train"),
    {
        "name": "Training",
        "scenario_id": "s",
        "executable_id": "x",
        "parameter_bindings": {"my_param": "1"},
        "input_artifact_bindings": {"in": "a1"},
    },
)
RUN_SPEC = {
    "configuration": "c1",
    "configuration_name": "Training",
    "scenario_id": "s",
    "executable_id": "x",
}
EXECUTION = Resource(Key("execution", "train"), {**RUN_SPEC, "inputs": "abc"})
DEPLOYMENT = Resource(Key("deployment", "serve"), {**RUN_SPEC, "ttl": "24h"})
APPLICATION = Resource(
    Key("application", "app"),
    {
        "name": "app",
        "repository": "https://h/r",
        "path": "templates",
        "revision": "main",
        "commit": "b" * 40,
        "executables": {"x": {"scenario_id": "s", "version": "1"}},
    },
)
DESTINATION = Resource(Key("destination", "D"), {"name": "D", "url": "http://x/d1"})
LIVE_RUN = {"id": "r1", "configurationId": "c1", "executableId": "x", "scenarioId": "s"}


def stage(**changes: Any) -> Stage:
    values: dict[str, Any] = {
        "name": "dev",
        "file": "stages/dev.yaml",
        "root": "/",
        "platform": "aicore",
        "target": {"resource_group": "rg"},
        "branch": None,
        "resources": (DESTINATION,),
    }
    return Stage(**{**values, **changes})


def environ(url: str) -> dict[str, str]:
    names = {"BASE_URL": url, "AUTH_URL": url, "CLIENT_ID": "me", "CLIENT_SECRET": "s3cret"}
    return {f"{p}_{n}": v for p in ("AICORE", "DESTINATION") for n, v in names.items()}


@pytest.fixture
def stub() -> Iterator[StubServer]:
    with running() as (server, url):
        server.url = url
        yield server


@pytest.fixture
def platform(stub: StubServer) -> Iterator[Platform]:
    made = registry.connect(stage(), environ(stub.url))
    yield made
    made.close()


def live(kind: str, id: str = "r1", **spec: Any) -> LiveResource:
    status = Status(State.RUNNING, "RUNNING")
    return LiveResource(Key(kind, id), id, spec, status, {"id": id})


def test_an_unknown_platform_names_those_there_are() -> None:
    with pytest.raises(InvalidStage, match=r'no platform "mars".*aicore'):
        registry.connect(stage(platform="mars"), {})


def test_connecting_asks_for_destinations_only_where_there_are_some(stub: StubServer) -> None:
    known = {k: v for k, v in environ(stub.url).items() if k.startswith("AICORE")}
    registry.connect(stage(resources=()), known).close()
    with pytest.raises(Denied, match="DESTINATION_BASE_URL"):
        registry.connect(stage(), known)
    with pytest.raises(Denied, match="no resource group"):
        registry.connect(stage(resources=(), target={}), known)
    assert stub.requests == []


def test_reading_takes_one_list_per_kind_and_tags_of_the_newest_candidates(
    platform: Platform, stub: StubServer
) -> None:
    bindings = {
        "parameterBindings": [{"key": "my_param", "value": "1"}],
        "inputArtifactBindings": [{"key": "in", "artifactId": "a9"}],
    }
    same = {"name": "Training", "scenarioId": "s", "executableId": "x", **bindings}
    runs = [
        {**LIVE_RUN, "id": f"e{n}", "status": "COMPLETED", "createdAt": f"2026-01-0{n}T00:00:00Z"}
        for n in (1, 2)
    ]
    gone = {**LIVE_RUN, "id": "e3", "targetStatus": "DELETED"}
    stub.on("GET", "/v2/admin/resourceGroups/rg", Reply(200, group("PROVISIONED")))
    stub.on("GET", "/v2/lm/artifacts", page({"id": "a1", "name": "Data"}))
    stub.on("GET", "/v2/lm/configurations", page({"id": "c1", **same}, {"id": "c2", "name": "B"}))
    stub.on("GET", "/v2/lm/executions", page(*runs, gone))
    stub.on("GET", "/v2/lm/deployments", page({**LIVE_RUN, "id": "d1", "status": "RUNNING"}))
    stub.on("GET", "/v2/lm/scenarios/s/executables", page({"id": "x", "versionId": "1"}))
    tags = {"executionId": "e2", "tags": [{"name": "cicd.inputs", "value": "abc"}]}
    stub.on("GET", "/v2/lm/metrics", page(tags))
    wish = Resource(
        CONFIGURATION.key,
        {**CONFIGURATION.spec, "input_artifact_bindings": {"in": Ref(ARTIFACT.key)}},
    )
    found = platform.read([GROUP, ARTIFACT, wish, EXECUTION, DEPLOYMENT])
    by_id = {item.id: item for item in found}
    assert sorted(by_id) == ["a1", "c1", "c2", "d1", "e1", "e2", "rg"]
    assert by_id["e2"].spec["inputs"] == "abc" and "inputs" not in by_id["e1"].spec
    asked = stub.sent("GET", "/v2/lm/metrics")
    assert [request.query["executionIds"] for request in asked] == ["e2"]
    assert all(r.headers["AI-Resource-Group"] == "rg" for r in stub.sent("GET"))


def group(status: str) -> dict[str, str]:
    return {"resourceGroupId": "rg", "status": status, "createdAt": "2026-01-01T00:00:00Z"}


@pytest.mark.parametrize("answer", [refused(404, "none"), Reply(200, group("PROVISIONING"))])
def test_a_group_that_is_not_ready_is_empty_without_asking(
    platform: Platform, stub: StubServer, answer: Reply
) -> None:
    stub.on("GET", "/v2/admin/resourceGroups/rg", answer)
    found = platform.read([GROUP, ARTIFACT, CONFIGURATION, EXECUTION, DEPLOYMENT])
    assert [item.id for item in found] == ([] if answer.status == 404 else ["rg"])
    assert {request.path for request in stub.sent("GET")} == {"/v2/admin/resourceGroups/rg"}


def test_a_login_without_admin_rights_still_works_in_its_group(
    platform: Platform, stub: StubServer
) -> None:
    stub.on("GET", "/v2/admin/resourceGroups/rg", Reply(403, "RBAC: access denied"))
    stub.on("GET", "/v2/lm/artifacts", page())
    assert [item.id for item in platform.read([GROUP, ARTIFACT])] == ["rg"]
    stub.on("GET", "/v2/lm/artifacts", Reply(403, "RBAC: access denied"))
    with pytest.raises(Denied, match='resource group "rg"'):
        platform.read([GROUP, ARTIFACT])


def test_pruning_reads_runs_that_nobody_desires(stub: StubServer) -> None:
    stub.on("GET", "/v2/lm/executions", page({**LIVE_RUN, "id": "e1"}))
    stub.on("GET", "/v2/lm/deployments", page({**LIVE_RUN, "id": "d1"}))
    platform = registry.connect(stage(prune="resource_group", resources=()), environ(stub.url))
    assert sorted(item.id for item in platform.read([])) == ["d1", "e1"]
    platform.close()


def test_more_than_ten_runs_are_tagged_in_portions(platform: Platform, stub: StubServer) -> None:
    spec = CONFIGURATION.spec
    documents = [
        {
            "id": f"c{n}",
            "name": spec["name"],
            "scenarioId": "s",
            "executableId": "x",
            "parameterBindings": [{"key": "my_param", "value": "1"}],
            "inputArtifactBindings": [{"key": "in", "artifactId": "a1"}],
        }
        for n in range(12)
    ]
    stub.on("GET", "/v2/lm/configurations", page(*documents))
    runs = [{**LIVE_RUN, "id": f"e{n}", "configurationId": f"c{n}"} for n in range(12)]
    stub.on("GET", "/v2/lm/executions", page(*runs))
    stub.on("GET", "/v2/lm/scenarios/s/executables", refused(404, "no scenario"))
    stub.on("GET", "/v2/lm/metrics", refused(501, "no metrics here"))
    assert len(platform.read([CONFIGURATION, EXECUTION])) == 24
    sizes = [len(r.query["executionIds"].split(",")) for r in stub.sent("GET", "/v2/lm/metrics")]
    assert sorted(sizes) == [2, 10]


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


def test_a_group_that_exists_is_never_posted(platform: Platform, stub: StubServer) -> None:
    stub.on(
        "GET", "/v2/admin/resourceGroups/rg", refused(404, "none"), Reply(200, group("PROVISIONED"))
    )
    stub.on("POST", "/v2/admin/resourceGroups", Reply(202, {"resourceGroupId": "rg"}))
    assert platform.create(GROUP).status.state is State.PENDING
    assert platform.create(GROUP).status.raw == "PROVISIONED"
    assert [request.json for request in stub.sent("POST")] == [{"resourceGroupId": "rg"}]


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
    stub.on("GET", path, Reply(200, {**LIVE_RUN, "id": "d1", "configurationId": "c0"}))
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


def test_a_request_to_a_deployment_carries_login_and_group(
    platform: Platform, stub: StubServer
) -> None:
    path = "/v2/inference/deployments/d1/v2/predict"
    stub.on("POST", path, Reply(500, "größer"))
    base = live("deployment", "d1")
    at = LiveResource(
        base.key, "d1", {}, base.status, {"url": f"{stub.url}/v2/inference/deployments/d1"}
    )
    assert platform.invoke(at, "post", "/v2/predict", json={"a_b": 1}) == Answer(500, "größer")
    sent = stub.sent("POST")
    assert len(sent) == 1 and sent[0].json == {"a_b": 1}
    assert sent[0].headers["Authorization"] == "Bearer token-1"
    assert sent[0].headers["AI-Resource-Group"] == "rg"
    with pytest.raises(PlatformError, match="has no URL yet"):
        platform.invoke(base, "GET", "/")


def test_an_application_is_refreshed_and_followed_to_its_commit(
    platform: Platform, stub: StubServer
) -> None:
    document = {"applicationName": "app", "repositoryUrl": "https://H/r.git", "path": "templates"}
    done = {"syncStatus": "Synced", "source": {"revision": "b" * 40}, "syncFinishedAt": "2"}
    old = {**done, "source": {"revision": "a" * 40}, "syncFinishedAt": "1"}
    stub.on("GET", "/v2/admin/repositories", page({"name": "r", "url": "https://H/r.git"}))
    other = {**document, "applicationName": "other", "path": "elsewhere"}
    document["revision"] = "dev"
    stub.on("GET", "/v2/admin/applications", page(document, other))
    stub.on("GET", "/v2/admin/applications/app", Reply(200, document))
    stub.on(
        "GET", "/v2/admin/applications/app/status", *(Reply(200, s) for s in (old, old, old, done))
    )
    stub.on("GET", "/v2/lm/scenarios/s/executables", page({"id": "x", "versionId": "1"}))
    stub.on("PATCH", "/v2/admin/applications/app", Reply(200, {"id": "app"}))
    stub.on("POST", "/v2/admin/applications/app/refresh", Reply(202))
    live_ones = {item.id: item for item in platform.read([APPLICATION])}
    assert live_ones["other"].spec["repository"] == "https://h/r"
    found = live_ones["app"]
    assert found.spec["commit"] == "a" * 40 and found.spec["repository"] == "https://h/r"
    asked = platform.update(found, APPLICATION)
    # The registered spelling: AI Core compares the URL letter by letter.
    source = {"repositoryUrl": "https://H/r.git", "path": "templates", "revision": "main"}
    assert stub.sent("PATCH")[0].json == source
    assert platform.get(asked).status.raw == "Progressing"
    assert platform.get(asked).status == Status(State.SUCCEEDED, "Synced")


def test_credentials_of_a_repository_are_sent_but_not_shown(
    platform: Platform, stub: StubServer
) -> None:
    def echo(request: Any) -> Reply:
        return refused(400, f"cannot use {request.body}")

    stub.on("POST", "/v2/admin/repositories", echo)
    spec = {
        "name": "r",
        "url": "https://h/r",
        "username": Secret("bob"),
        "password": Secret("pa55!"),
    }
    with pytest.raises(PlatformError) as caught:
        platform.create(Resource(Key("repository", "r"), spec))
    assert stub.sent("POST")[0].json["password"] == "pa55!"
    assert "pa55!" not in str(caught.value) and "bob" not in str(caught.value)


def test_a_destination_is_completed_created_compared_and_replaced_whole(
    platform: Platform, stub: StubServer
) -> None:
    path = "/destination-configuration/v1/subaccountDestinations"
    wish = platform.complete([DESTINATION])[0]
    assert platform.read([wish]) == []
    stub.on("POST", path, Reply(201))
    stub.on("PUT", path, Reply(200, {"Count": 1}))
    platform.create(wish)
    entry = stub.sent("POST")[0].json
    assert entry == {
        "Name": "D",
        "URL": "http://x/d1",
        "Type": "HTTP",
        "ProxyType": "Internet",
        "Authentication": "OAuth2ClientCredentials",
        "clientId": "me",
        "clientSecret": "s3cret",
        "tokenServiceURL": f"{stub.url}/oauth/token",
        "tokenServiceURLType": "Dedicated",
        "URL.headers.AI-Resource-Group": "rg",
    }
    stub.on("GET", f"{path}/D", Reply(200, {**entry, "URL": "http://old", "Description": "mine"}))
    found = platform.read([wish])[0]
    assert {k for k in wish.spec if found.spec[k] != wish.spec[k]} == {"url"}
    assert "s3cret" not in repr(found)
    platform.update(found, wish)
    assert stub.sent("PUT")[0].json == {**entry, "Description": "mine"}


def test_what_is_not_there_is_not_found(platform: Platform) -> None:
    for kind in ("artifact", "execution", "deployment", "application", "destination"):
        with pytest.raises(NotFound):
            platform.get(live(kind))
