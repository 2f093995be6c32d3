"""Groups, repositories, applications and destinations, as the server sees them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from cicd.errors import Conflict, PlatformError
from cicd.model import Key, Resource, Secret, State, Status
from cicd.platforms.base import Platform
from tests.platforms.aicore_world import (
    APPLICATION,
    ARTIFACT,
    DESTINATION,
    GROUP,
    group,
    live,
)
from tests.platforms.stub_server import Reply, StubServer, page, refused


def test_a_group_that_exists_is_never_posted(platform: Platform, stub: StubServer) -> None:
    stub.on(
        "GET", "/v2/admin/resourceGroups/rg", refused(404, "none"), Reply(200, group("PROVISIONED"))
    )
    stub.on("POST", "/v2/admin/resourceGroups", Reply(202, {"resourceGroupId": "rg"}))
    assert platform.create(GROUP).status.state is State.PENDING
    assert platform.create(GROUP).status.raw == "PROVISIONED"
    labels = [{"key": "ext.ai.sap.com/cicd.stage", "value": "dev"}]
    assert [request.json for request in stub.sent("POST")] == [
        {"resourceGroupId": "rg", "labels": labels}
    ]


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
    waits = "waits for commit bbbbbbbbbbbb, it is at aaaaaaaaaaaa"
    assert asked.status == Status(State.PENDING, "Progressing", waits)
    # The registered spelling: AI Core compares the URL letter by letter.
    source = {"repositoryUrl": "https://H/r.git", "path": "templates", "revision": "main"}
    assert stub.sent("PATCH")[0].json == source
    assert platform.get(asked).status == asked.status
    assert platform.get(asked).status == Status(State.SUCCEEDED, "Synced")


@pytest.mark.parametrize(
    ("changed", "is_sent"),
    [
        ({}, False),
        ({"path": "other"}, True),
        ({"revision": "dev"}, True),
        ({"repository": "https://h/other"}, True),
        ({"path": None, "revision": None}, False),
        ({"commit": "a" * 40}, False),
    ],
)
def test_an_application_is_changed_only_where_it_points_elsewhere(
    platform: Platform, stub: StubServer, changed: dict[str, Any], *, is_sent: bool
) -> None:
    repositories = [{"name": url[-1], "url": url} for url in ("https://h/r", "https://h/other")]
    stub.on("GET", "/v2/admin/repositories", page(*repositories))
    stub.on("PATCH", "/v2/admin/applications/app", Reply(200, {"id": "app"}))
    stub.on("POST", "/v2/admin/applications/app/refresh", Reply(202))
    there = live("application", "app", **{**APPLICATION.spec, "revision": "main"})
    wanted = Resource(APPLICATION.key, {**APPLICATION.spec, **changed})
    platform.update(there, wanted)
    expected = {
        "repositoryUrl": changed.get("repository", "https://h/r"),
        "path": changed.get("path") or "templates",
        "revision": changed.get("revision") or "main",
    }
    assert [request.json for request in stub.sent("PATCH")] == ([expected] if is_sent else [])
    assert len(stub.sent("POST", "/v2/admin/applications/app/refresh")) == 1


def test_a_pinned_application_syncs_its_commit_and_no_branch(
    platform: Platform, stub: StubServer
) -> None:
    stub.on("GET", "/v2/admin/repositories", page({"name": "r", "url": "https://h/r"}))
    stub.on("PATCH", "/v2/admin/applications/app", Reply(200, {"id": "app"}))
    stub.on("POST", "/v2/admin/applications", Reply(200, {"id": "app"}))
    stub.on("POST", "/v2/admin/applications/app/refresh", Reply(202))
    wanted = Resource(APPLICATION.key, {**APPLICATION.spec, "revision": "main", "pinned": True})
    platform.create(wanted)
    before = {**wanted.spec, "commit": "a" * 40}
    platform.update(live("application", "app", **before), wanted)
    platform.update(live("application", "app", **{**wanted.spec, "pinned": False}), wanted)
    posted = stub.sent("POST", "/v2/admin/applications")[0].json
    revisions = [request.json["revision"] for request in stub.sent("PATCH")]
    assert (posted["revision"], revisions) == ("b" * 40, ["b" * 40] * 2)


def test_a_new_application_says_what_it_waits_for(platform: Platform, stub: StubServer) -> None:
    stub.on("POST", "/v2/admin/applications", Reply(200, {"id": "app"}))
    status = platform.create(APPLICATION).status
    assert (status.state, status.raw) == (State.PENDING, "Progressing")
    assert status.message == "waits for the first sync, of commit bbbbbbbbbbbb"


def test_an_application_whose_name_is_taken_is_a_conflict(
    platform: Platform, stub: StubServer
) -> None:
    stub.on("POST", "/v2/admin/applications", refused(400, "Application app already exists"))
    with pytest.raises(Conflict):
        platform.create(APPLICATION)


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
        "cicd.owner": "dev: D",
    }
    stub.on("GET", f"{path}/D", Reply(200, {**entry, "URL": "http://old", "Description": "mine"}))
    found = platform.read([wish])[0]
    assert {k for k in wish.spec if found.spec[k] != wish.spec[k]} == {"url"}
    assert "s3cret" not in repr(found)
    platform.update(found, wish)
    assert stub.sent("PUT")[0].json == {**entry, "Description": "mine"}


def test_an_application_names_a_repository_as_it_was_just_registered(
    platform: Platform, stub: StubServer
) -> None:
    stub.on("POST", "/v2/admin/repositories", Reply(200, {"message": "ok"}))
    stub.on("POST", "/v2/admin/applications", Reply(200, {"id": "app"}))
    for name, url in (("other", "https://H/other.git"), ("r", "https://H/r.git")):
        platform.create(Resource(Key("repository", name), {"name": name, "url": url}))
    platform.create(APPLICATION)
    assert stub.sent("POST")[-1].json["repositoryUrl"] == "https://H/r.git"


def test_an_application_is_looked_at_whole_whatever_else_is_wanted(
    platform: Platform, stub: StubServer
) -> None:
    document = {"repositoryUrl": "https://h/r.git", "path": "templates", "revision": "main"}
    stub.otherwise = page()
    stub.on("GET", "/v2/admin/resourceGroups/rg", Reply(200, group("PROVISIONED")))
    stub.on("GET", "/v2/admin/applications", page({"applicationName": "app"}))
    stub.on("GET", "/v2/admin/applications/app", Reply(200, document))
    repository = Resource(Key("repository", "r"), {"name": "r", "url": "https://h/r"})
    for wishes in ([APPLICATION], [repository, APPLICATION], [APPLICATION, ARTIFACT]):
        (found,) = [one for one in platform.read(wishes) if one.key.kind == "application"]
        assert (found.spec["path"], found.spec["revision"]) == ("templates", "main")


def test_labels_that_are_refused_are_refused_to_all_who_set_them_together(
    platform: Platform, stub: StubServer
) -> None:
    def set_label(name: str) -> None:
        labels = {f"ext.ai.sap.com/{name}": "x"}
        platform.update(
            live("resource_group", "rg"), Resource(GROUP.key, {**GROUP.spec, "labels": labels})
        )

    stub.on("GET", "/v2/admin/resourceGroups/rg", Reply(200, group("PROVISIONED")))
    stub.on("PATCH", "/v2/admin/resourceGroups/rg", refused(400, "too many labels"))
    with ThreadPoolExecutor(3) as pool:
        ends = [pool.submit(set_label, name) for name in "abc"]
        errors = [end.exception() for end in ends]
    assert ["too many labels" in str(error) for error in errors] == [True] * 3
