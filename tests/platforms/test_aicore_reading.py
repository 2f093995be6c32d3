"""What the adapter asks a server that answers like AI Core, and what it reads from it."""

from __future__ import annotations

import pytest

from cicd.errors import Denied, InvalidStage
from cicd.model import Key, Ref, Resource
from cicd.platforms import registry
from cicd.platforms.base import Platform
from tests.platforms.aicore_world import (
    APPLICATION,
    ARTIFACT,
    CONFIGURATION,
    DEPLOYMENT,
    EXECUTION,
    GROUP,
    LIVE_RUN,
    environ,
    group,
    stage,
)
from tests.platforms.stub_server import Reply, StubServer, page, refused


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
    data = {"id": "a1", **ARTIFACT.spec, "scenarioId": "s"}
    stub.on("GET", "/v2/lm/artifacts", page(data))
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


@pytest.mark.parametrize("answer", [refused(404, "none"), Reply(200, group("PROVISIONING"))])
@pytest.mark.parametrize("refusal", [Reply(403, "RBAC: access denied"), refused(404, "no group")])
def test_a_group_that_is_not_ready_is_empty(
    platform: Platform, stub: StubServer, answer: Reply, refusal: Reply
) -> None:
    stub.otherwise = refusal
    stub.on("GET", "/v2/admin/resourceGroups/rg", answer)
    found = platform.read([GROUP, ARTIFACT, CONFIGURATION, EXECUTION, DEPLOYMENT])
    assert [item.id for item in found] == ([] if answer.status == 404 else ["rg"])


REPOSITORY = Resource(Key("repository", "r"), {"name": "r", "url": "https://h/r"})


@pytest.mark.parametrize(
    ("state", "commit", "url"),
    [
        ("Synced", "b" * 40, "https://h/r"),
        ("OutOfSync", "b" * 40, "https://h/r"),
        ("Synced", "c" * 40, "https://h/r"),
        ("Synced", "b" * 40, "https://h/another"),
    ],
)
def test_a_repository_that_was_synced_from_is_not_asked_for(
    platform: Platform, stub: StubServer, state: str, commit: str, url: str
) -> None:
    source = {"repoURL": url, "path": "templates", "revision": commit}
    status = {"syncStatus": state, "source": source, "syncFinishedAt": "2026-01-01T00:00:00Z"}
    place = {"repositoryUrl": url, "path": "templates", "revision": "main"}
    stub.on("GET", "/v2/admin/applications", page({"applicationName": "app", **place}))
    stub.on("GET", "/v2/admin/applications/app/status", Reply(200, status))
    stub.on("GET", "/v2/lm/scenarios/s/executables", page({"id": "x", "versionId": "1"}))
    listed = {"name": "theirs", "url": "https://h/R.git", "status": "COMPLETED"}
    stub.on("GET", "/v2/admin/repositories", page(listed))
    live = {item.key.kind: item for item in platform.read([REPOSITORY, APPLICATION])}
    found = live["repository"]
    assert (found.spec["url"], found.status.raw) == ("https://h/r", "COMPLETED")
    is_synced = (state, commit, url) == ("Synced", "b" * 40, "https://h/r")
    assert (found.id == "r") == is_synced
    assert len(stub.sent("GET", "/v2/admin/repositories")) == (0 if is_synced else 1)
    # who is about to take things away has to know them all
    stub.otherwise = page()
    stub.on("GET", "/v2/admin/resourceGroups/rg", Reply(200, group("PROVISIONED")))
    everything = platform.read([REPOSITORY, APPLICATION], everything=True)
    assert "theirs" in {item.id for item in everything}


@pytest.mark.parametrize("refusal", [Reply(403, "RBAC: access denied"), refused(404, "no group")])
def test_a_group_that_is_made_while_it_is_read_is_there(
    platform: Platform, stub: StubServer, refusal: Reply
) -> None:
    there = {"id": "a1", **ARTIFACT.spec, "scenarioId": "s"}
    stub.on("GET", "/v2/lm/artifacts", refusal, page(there))
    stub.on("GET", "/v2/admin/resourceGroups/rg", Reply(200, group("PROVISIONED")))
    assert [item.id for item in platform.read([GROUP, ARTIFACT])] == ["rg", "a1"]
    assert len(stub.sent("GET", "/v2/lm/artifacts")) == 2


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
    run = {**LIVE_RUN, "configurationName": "Training"}
    stub.on("GET", "/v2/lm/executions", page({**run, "id": "e1"}))
    stub.on("GET", "/v2/lm/deployments", page({**run, "id": "d1"}))
    platform = registry.connect(stage(prune="resource_group", resources=()), environ(stub.url))
    stub.on("GET", "/v2/lm/artifacts", page())
    stub.on("GET", "/v2/lm/configurations", page())
    stub.on("GET", "/v2/admin/objectStoreSecrets", Reply(403, "RBAC: access denied"))
    found = platform.read([], everything=True)
    assert sorted(item.id for item in found) == ["d1", "e1"]
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
