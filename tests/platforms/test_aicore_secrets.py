"""Secrets and the labels that remember them, as the server sees them."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import pytest

from cicd.errors import Denied, LostAnswer
from cicd.model import Action, Key, LiveResource, Resource, Secret
from cicd.plan import make_plan
from cicd.platforms.aicore.secrets import NOT_OURS, NOT_SEEN, reported
from cicd.platforms.base import Platform
from tests.platforms.aicore_world import GROUP, group, stage
from tests.platforms.stub_server import DROP, Reply, Request, StubServer, page, refused

OURS = "ext.ai.sap.com/cicd."
TEAM = "ext.ai.sap.com/team"
RG, SECRETS = "/v2/admin/resourceGroups/rg", "/v2/admin/secrets"
STORES, DOCKER = "/v2/admin/objectStoreSecrets", "/v2/admin/dockerRegistrySecrets"


def generic(scope: str = "resource_group", **spec: Any) -> Resource:
    data = {"api-key": Secret("s3cret"), "hf_token": Secret("t0ken")}
    spec = {"name": "mine", "scope": scope, "data": data, **spec}
    return Resource(Key("generic_secret", "mine"), spec)


STORE = Resource(
    Key("object_store_secret", "default"),
    {
        "name": "default",
        "type": "S3",
        "bucket": "b",
        "endpoint": "https://s3.example.com/",
        "path_prefix": "a/b",
        "use_https": True,
        "verify_ssl": False,
        "data": {"AWS_ACCESS_KEY_ID": Secret("id"), "AWS_SECRET_ACCESS_KEY": Secret("key")},
    },
)
REGISTRY = Resource(
    Key("docker_registry_secret", "hub"),
    {"name": "hub", "data": {".dockerconfigjson": Secret('{"auths": {}}')}},
)


class Labels:
    """The labels of the resource group, as the stub keeps them. A PATCH shows one look later."""

    def __init__(self, stub: StubServer, **labels: str) -> None:
        self.shown = self.kept = dict(labels)
        stub.on("GET", RG, self.get)
        stub.on("PATCH", RG, self.patch)

    def get(self, _: Request) -> Reply:
        shown, self.shown = self.shown, self.kept
        labels = [{"key": key, "value": value} for key, value in shown.items()]
        return Reply(200, {**group("PROVISIONED"), "labels": labels})

    def patch(self, request: Request) -> Reply:
        self.kept = {item["key"]: item["value"] for item in request.json["labels"]}
        return Reply(202)


def actions(live: list[LiveResource], *wishes: Resource) -> dict[str, Action]:
    from cicd.platforms.aicore.kinds import KINDS

    plan = make_plan(stage(), wishes, live, KINDS, created_at="2026-01-01T00:00:00Z")
    return {change.key.kind: change.action for change in plan.changes}


@pytest.mark.parametrize(
    ("scope", "tenant", "rg", "id"),
    [
        ("resource_group", None, "rg", "mine"),
        ("tenant", "true", None, "tenant/mine"),
        ("all_resource_groups", "true", "*", "all_resource_groups/mine"),
    ],
)
def test_generic_secrets_say_their_scope_and_keep_their_keys(
    platform: Platform, stub: StubServer, scope: str, tenant: str | None, rg: str | None, id: str
) -> None:
    stub.on("POST", SECRETS, Reply(200, {"name": "mine", "message": "secret has been created"}))
    stub.on("DELETE", f"{SECRETS}/mine", Reply(200))
    made = platform.create(generic(scope))
    platform.delete(made)
    assert made.id == id
    for request in (*stub.sent("POST"), *stub.sent("DELETE")):
        assert request.headers.get("AI-Tenant-Scope") == tenant
        assert request.headers.get("AI-Resource-Group") == rg
    data = stub.sent("POST")[0].json["data"]
    assert {key: base64.b64decode(value) for key, value in data.items()} == {
        "api-key": b"s3cret",
        "hf_token": b"t0ken",
    }


def test_a_generic_secret_is_compared_by_its_fingerprint(
    platform: Platform, stub: StubServer
) -> None:
    wish = generic(labels={TEAM: "x"})
    stub.on("POST", SECRETS, Reply(200, {"name": "mine"}))
    stub.on("PATCH", f"{SECRETS}/mine", Reply(200, {"name": "mine"}))
    platform.create(wish)
    labels = stub.sent("POST")[0].json["labels"]
    assert [item["key"] for item in labels] == [f"{OURS}fingerprint", TEAM]
    stub.on("GET", SECRETS, page({"name": "mine", "labels": labels}))
    live = platform.read([wish])
    assert (live[0].spec, live[0].owner, live[0].notes) == (wish.spec, "dev", ())
    assert actions(live, wish) == {"generic_secret": Action.NO_OP}
    data = {**wish.spec["data"], "api-key": Secret("new")}
    changed = generic(labels={}, data=data)
    live = platform.read([changed])
    assert actions(live, changed) == {"generic_secret": Action.UPDATE}
    platform.update(live[0], changed)
    sent = {item["key"]: item["value"] for item in stub.sent("PATCH")[0].json["labels"]}
    assert sent[TEAM] == "" and sent[f"{OURS}fingerprint"].startswith("scrypt1;dev;")
    assert "s3cret" not in repr(live) + stub.sent("POST")[0].body


@pytest.mark.parametrize("wish", [STORE, REGISTRY])
def test_what_is_remembered_of_a_secret_has_a_label_of_its_own(
    platform: Platform, stub: StubServer, wish: Resource
) -> None:
    labels = Labels(stub)
    stub.on("POST", STORES, Reply(200, {"message": "ok"}))
    stub.on("POST", DOCKER, Reply(200, {"message": "ok"}))
    platform.create(wish)
    [label] = labels.kept
    name = hashlib.sha256(str(Key(wish.key.kind, wish.spec["name"])).encode()).hexdigest()
    assert label == f"{OURS}{name[:16]}"


def test_a_secret_of_others_counts_as_desired_and_says_so(
    platform: Platform, stub: StubServer
) -> None:
    stub.on("GET", SECRETS, page({"name": "mine"}))
    stub.on("GET", STORES, page({"name": "default-object-store-secret", "metadata": {}}))
    stub.on("GET", RG, Reply(200, group("PROVISIONED")))
    live = platform.read([generic(), STORE])
    assert set(actions(live, generic(), STORE).values()) == {Action.NO_OP}
    assert [item.notes for item in live] == [(NOT_OURS,)] * 2


def test_copies_of_a_secret_for_all_groups_are_not_the_groups(
    platform: Platform, stub: StubServer
) -> None:
    def answer(request: Request) -> Reply:
        if request.headers.get("AI-Resource-Group") == "*":
            return page({"name": "shared"})
        return page({"name": "shared"}, {"name": "own"})

    for path in ("artifacts", "configurations", "executions", "deployments"):
        stub.on("GET", f"/v2/lm/{path}", page())
    stub.on("GET", SECRETS, answer)
    stub.on("GET", STORES, page())
    assert [item.id for item in platform.read([], everything=True)] == ["own"]
    shared = generic("all_resource_groups", name="shared")
    assert [item.id for item in platform.read([shared])] == ["all_resource_groups/shared"]
    found = {item.id for item in platform.browse("generic_secret")}
    assert {"own", "all_resource_groups/shared"} <= found and "shared" not in found


def test_without_a_group_only_the_tenants_secrets_are_there(
    platform: Platform, stub: StubServer
) -> None:
    stub.on("GET", SECRETS, page({"name": "mine"}))
    stub.on("GET", DOCKER, page({"name": "hub"}))
    wishes = [GROUP, generic(), generic("tenant"), STORE, REGISTRY]
    found = {item.id: item.notes for item in platform.read(wishes)}
    assert found == {"tenant/mine": (NOT_OURS,), "hub": (NOT_OURS,)}
    scopes = [r.headers.get("AI-Resource-Group") for r in stub.sent("GET", SECRETS)]
    assert sorted(map(str, scopes)) == ["None", "rg"]


def test_every_list_is_asked_for_once(platform: Platform, stub: StubServer) -> None:
    stub.on("GET", RG, Reply(200, group("PROVISIONED")))
    for path in (SECRETS, STORES, DOCKER):
        stub.on("GET", path, page())
    assert len(platform.read([GROUP, generic(), STORE, REGISTRY])) == 1
    asked = [request.path for request in stub.sent("GET")]
    # deployments too: those that run on and that no stage names are counted in every plan
    assert sorted(asked) == sorted({RG, SECRETS, STORES, DOCKER, "/v2/lm/deployments"})


def test_an_object_store_is_remembered_in_a_label_of_the_group(
    platform: Platform, stub: StubServer
) -> None:
    labels = Labels(stub, **{TEAM: "x", f"{OURS}stage": "dev"})
    stub.on("POST", STORES, Reply(202, {"message": "Secret has been created"}))
    stub.on("POST", DOCKER, Reply(202, {"message": "Secret has been created"}))
    platform.create(STORE)
    platform.create(REGISTRY)
    assert stub.sent("POST", STORES)[0].json == {
        "name": "default",
        "data": {"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "key"},
        "type": "S3",
        "bucket": "b",
        "endpoint": "https://s3.example.com/",
        "pathPrefix": "a/b",
        "usehttps": "1",
        "verifyssl": "0",
    }
    # Both are kept, although the second look still showed the labels from before the first.
    assert len(labels.kept) == 4 and labels.kept[TEAM] == "x"
    assert all(len(key.partition("/")[2]) <= 48 for key in labels.kept)
    metadata = {
        "storage.ai.sap.com/type": "s3",
        "storage.ai.sap.com/path_prefix": "/a/b/",
        "serving.kubeflow.org/s3-endpoint": "s3.example.com",
        "serving.kubeflow.org/s3-usehttps": "1",
    }
    stub.on("GET", STORES, page({"name": "default-object-store-secret", "metadata": metadata}))
    stub.on("GET", DOCKER, page({"name": "hub"}))
    wishes = (GROUP, STORE, REGISTRY)
    live = {item.key.kind: item for item in platform.read(wishes)}
    assert live["object_store_secret"].spec == STORE.spec
    assert live["docker_registry_secret"].spec == REGISTRY.spec
    assert live["resource_group"].spec == {"name": "rg", "labels": {TEAM: "x"}}
    moved = Resource(STORE.key, {**STORE.spec, "bucket": "c"})
    again = {item.key.kind: item for item in platform.read((GROUP, moved, REGISTRY))}
    assert "bucket" not in again["object_store_secret"].spec  # not reported, and not as sent
    stub.on("DELETE", f"{DOCKER}/hub", Reply(202, {"id": "hub"}))
    platform.delete(live["docker_registry_secret"])
    assert len(labels.kept) == 3


def test_a_registry_secret_that_exists_is_patched(platform: Platform, stub: StubServer) -> None:
    labels = Labels(stub)
    stub.on("PATCH", f"{DOCKER}/hub", Reply(202, {"id": "hub"}))
    stub.on("GET", f"{DOCKER}/hub", Reply(200, {"name": "hub"}))
    platform.create(REGISTRY)
    assert not stub.sent("POST") and len(labels.kept) == 1
    stub.on("GET", f"{DOCKER}/hub", refused(404, "none"))
    stub.on("POST", DOCKER, Reply(202, {"message": "Secret exists"}))
    platform.create(REGISTRY)
    kinds = [request.headers["Content-Type"] for request in stub.sent("PATCH", f"{DOCKER}/hub")]
    assert kinds == ["application/merge-patch+json"] * 2


def test_a_lost_create_is_sent_again_as_a_change(platform: Platform, stub: StubServer) -> None:
    labels = Labels(stub)
    there = Reply(200, {"name": "default-object-store-secret"})
    stub.on("GET", f"{STORES}/default", refused(404, "none"), there)
    stub.on("POST", STORES, DROP)
    stub.on("PATCH", f"{STORES}/default", Reply(202, {"id": "default"}))
    platform.create(STORE)
    assert stub.sent("PATCH", f"{STORES}/default")[0].json["type"] == "S3" and labels.kept
    stub.on("GET", f"{STORES}/default", refused(404, "none"))
    with pytest.raises(LostAnswer):
        platform.create(STORE)
    assert platform.find(STORE, frozenset()) is None


def test_without_rights_on_the_group_a_secret_is_sent_all_the_same(
    platform: Platform, stub: StubServer
) -> None:
    stub.on("GET", RG, Reply(403, "RBAC: access denied"))
    stub.on("POST", STORES, Reply(202, {"message": "Secret has been created"}))
    platform.create(STORE)
    stub.on("GET", STORES, page({"name": "default-object-store-secret", "metadata": {}}))
    assert platform.read([STORE])[0].notes == (NOT_SEEN,)
    stub.on("POST", STORES, Reply(403, "RBAC: access denied"))
    with pytest.raises(Denied):
        platform.create(STORE)


def test_secrets_are_masked_in_what_the_server_says(platform: Platform, stub: StubServer) -> None:
    stub.on("POST", SECRETS, lambda request: refused(400, f"cannot use {request.body}"))
    with pytest.raises(Exception, match=r"cannot use .*\*\*\*") as caught:
        platform.create(generic())
    assert base64.b64encode(b"s3cret").decode() not in str(caught.value)


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ({}, {}),
        ({"storage.ai.sap.com/pathPrefix": "x"}, {"path_prefix": "x"}),
        ({"storage.ai.sap.com/path_prefix": "x", "other": 1}, {"path_prefix": "x"}),
        ({"serving.kubeflow.org/s3-verifyssl": "0"}, {"verify_ssl": False}),
        ({"usehttps": True}, {"use_https": True}),
        ({"s3-endpoint": "a", "storage.ai.sap.com/endpoint": "b"}, {"endpoint": "b"}),
    ],
)
def test_metadata_is_read_in_any_spelling(
    metadata: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert reported(metadata, {}) == expected


def test_labels_of_a_group_are_merged(platform: Platform, stub: StubServer) -> None:
    labels = Labels(stub, **{f"{OURS}stage": "tst", "ext.ai.sap.com/other": "1"})
    wish = Resource(GROUP.key, {"name": "rg", "labels": {TEAM: "x"}})
    live = platform.read([wish])[0]
    assert live.owner == "tst" and live.spec["labels"] == {"ext.ai.sap.com/other": "1"}
    assert actions([live], wish) == {"resource_group": Action.UPDATE}
    platform.update(live, wish)
    assert labels.kept == {f"{OURS}stage": "tst", "ext.ai.sap.com/other": "1", TEAM: "x"}
    platform.get(live)  # shows the old ones once more
    assert actions([platform.get(live)], wish) == {"resource_group": Action.NO_OP}
    stub.on("DELETE", RG, Reply(202, {"id": "rg"}))
    platform.delete(live)
