"""Quotas, nodes, tenant, services, KPIs, dataset files, and secrets and groups in their corners."""

from __future__ import annotations

import base64
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from cicd.emulator.api import limits
from cicd.emulator.errors import ApiError
from cicd.emulator.runs.preparing import secrets_of
from cicd.emulator.state.migrations import MIGRATIONS
from cicd.emulator.state.store import Store
from tests.emulator.emulator_client import Client, wait_for

QUOTA, SET = "/v2/admin/resourceQuota", "/emulator/quotas"
GROUPS, SECRETS = "/v2/admin/resourceGroups", "/v2/admin/secrets"
NODES, FILES = "/v2/admin/resources/nodes", "/v2/lm/dataset/files"
TENANT = {"AI-Tenant-Scope": "true"}
EVERYWHERE = {**TENANT, "AI-Resource-Group": "*"}


@pytest.fixture
def calm(shared_ready: Client) -> Iterator[Client]:
    """The shared emulator; what was set for it is taken back."""
    yield shared_ready
    shared_ready.send("PUT", SET, {}, status=200)


def secret(name: str, value: str = "v", **extra: Any) -> dict[str, Any]:
    return {"name": name, "data": {"k": base64.b64encode(value.encode()).decode()}, **extra}


def wanted(client: Client, group: str, status: str) -> dict[str, Any]:
    """A new resource group once it has a status."""
    client.send("POST", GROUPS, {"resourceGroupId": group}, status=202)
    shown: dict[str, Any] = client.wait(f"{GROUPS}/{group}", status)
    return shown


@pytest.mark.parametrize(
    ("noun", "maximum", "path", "body", "headers"),
    [
        ("resourceGroups", 1, GROUPS, {"resourceGroupId": "one-more"}, {}),
        (
            "repositories",
            1,
            "/v2/admin/repositories",
            {"url": "https://example.com/more", "username": "", "password": ""},
            {},
        ),
        (
            "applications",
            1,
            "/v2/admin/applications",
            {"repositoryUrl": "https://example.com/x", "path": "more", "revision": "main"},
            {},
        ),
        (
            "dockerRegistrySecrets",
            0,
            "/v2/admin/dockerRegistrySecrets",
            {"name": "more", "data": {".dockerconfigjson": "{}"}},
            {},
        ),
        ("tenantSecrets", 0, SECRETS, secret("more"), TENANT),
        ("tenantWideSecrets", 0, SECRETS, secret("more"), EVERYWHERE),
    ],
)
def test_one_more_than_the_quota_is_refused(
    calm: Client, noun: str, maximum: int, path: str, body: Any, headers: dict[str, str | None]
) -> None:
    calm.send("PUT", SET, {noun: maximum}, status=200)
    error = calm.send("POST", path, body, headers=headers, status=400).json()["error"]
    assert error["code"] == "01010429"
    assert error["message"] == (
        f"Quota exceeded: at most {maximum} {noun} are allowed for this tenant"
    )


def test_the_deployment_quota_counts_what_holds_resources(calm: Client) -> None:
    calm.send("PUT", SET, {"deployments": 1}, status=200)
    path = "/v2/lm/deployments"
    first = calm.deploy()
    calm.wait(f"{path}/{first}", "RUNNING")
    body = {"configurationId": calm.configuration("serve", greeting="hi")}
    assert calm.send("POST", path, body, status=400).json()["error"]["code"] == "01010429"
    plan = {
        "resourcePlanType": "local",
        "deploymentQuota": {"maxCount": 1, "maxReplicaPerDeployment": 10},
    }
    item = {"id": first, "resourcePlanType": "local", "configuredMaxReplicas": 1}
    usage = {"count": 1, "items": [item]}
    assert calm.get(f"{QUOTA}/deployments") == {"usage": usage, "quotas": [plan]}
    assert calm.get(f"{QUOTA}/deployments?quotaOnly=true") == {"quotas": [plan]}
    calm.send("PATCH", f"{path}/{first}", {"targetStatus": "STOPPED"}, status=202)
    calm.wait(f"{path}/{first}", "STOPPED")
    assert calm.get(f"{QUOTA}/deployments")["usage"]["count"] == 0
    # what exists may be changed, executions need no quota
    calm.send("PUT", SET, {"deployments": 0}, status=200)
    calm.wait(f"/v2/lm/executions/{calm.execute()}", "COMPLETED")


def test_quotas_are_shown_with_usage(calm: Client) -> None:
    for noun in ("resourceGroups", "repositories", "applications"):
        shown = calm.get(f"{QUOTA}/{noun}")
        assert shown["quota"] == {"maxCount": 50}
        assert shown["usage"]["count"] >= 1
    assert calm.get(f"{QUOTA}/dockerRegistrySecrets?quotaOnly=true") == {"quota": {"maxCount": 50}}
    assert calm.get(f"{QUOTA}/executables") == {
        "usage": {"servingTemplateCount": 1, "workflowTemplateCount": 1},
        "quota": {"servingTemplateMaxCount": 50, "workflowTemplateMaxCount": 50},
    }
    wide = calm.send("GET", f"{QUOTA}/secrets", headers=EVERYWHERE, status=200).json()
    assert wide["quota"] == {"maxCount": 5}
    own = calm.send("GET", f"{QUOTA}/secrets", headers=TENANT, status=200).json()
    assert own["quota"] == {"maxCount": 50}


@pytest.mark.parametrize(
    "body",
    [
        {"deployment": 1},
        {"deployments": -1},
        {"deployments": True},
        {"bulkUpdates": "no"},
        {"resourceGroupStatus": {"a": "GONE"}},
        {"resourceGroupStatus": ["a"]},
    ],
)
def test_what_cannot_be_set_is_refused(shared_ready: Client, body: dict[str, Any]) -> None:
    shared_ready.send("PUT", SET, body, status=400)


def test_groups_can_be_made_to_fail_or_to_wait(calm: Client) -> None:
    statuses = {"bad": "ERROR", "slow": "PROVISIONING", "slow-not": "PROVISIONED"}
    calm.send("PUT", SET, {"resourceGroupStatus": statuses}, status=200)
    failed = wanted(calm, "bad-group", "ERROR")
    assert "Delete" in failed["statusMessage"]
    wanted(calm, "slow-not-this", "PROVISIONED")
    assert wanted(calm, "slow-group", "PROVISIONING")["statusMessage"] == ""
    calm.send("PUT", SET, {}, status=200)
    calm.wait(f"{GROUPS}/slow-group", "PROVISIONED")
    for group in ("bad-group", "slow-group", "slow-not-this"):
        calm.send("DELETE", f"{GROUPS}/{group}", status=202)


def test_groups_are_listed_in_pages_on_request(calm: Client) -> None:
    for group in ("page-a", "page-b"):
        wanted(calm, group, "PROVISIONED")
    names: list[str] = []
    path = GROUPS
    while path:
        answer = calm.send("GET", path, headers={"Prefer": "maxpagesize=2"}, status=200)
        names += [item["resourceGroupId"] for item in answer.json()["resources"]]
        path = answer.links.get("next", {}).get("url", "").removeprefix(calm.url)
    assert names == [item["resourceGroupId"] for item in calm.get(GROUPS)["resources"]]
    assert names[-2:] == ["page-a", "page-b"]
    calm.send("GET", f"{GROUPS}?continueToken=old", status=410)
    for group in ("page-a", "page-b"):
        calm.send("DELETE", f"{GROUPS}/{group}", status=202)


def test_labels_of_a_group_are_replaced_as_a_whole(calm: Client) -> None:
    wanted(calm, "labelled", "PROVISIONED")
    for labels in ({"ext.ai.sap.com/a": "1", "ext.ai.sap.com/b": "2"}, {"ext.ai.sap.com/c": "3"}):
        body = {"labels": limits.as_pairs(labels)}
        answer = calm.send("PATCH", f"{GROUPS}/labelled", body, status=202)
        assert answer.text == ""
        assert calm.get(f"{GROUPS}/labelled")["labels"] == body["labels"]
    calm.send("DELETE", f"{GROUPS}/labelled", status=202)


def test_a_bad_label_key_is_refused_in_no_time() -> None:
    # with the nested repetitions of the OpenAPI document this would not end
    with pytest.raises(ApiError):
        limits.check("ext.ai.sap.com/" + "a" * 47 + "!", "key", limits.GROUP_LABEL_KEY)


def test_bulk_updates_can_be_switched_off(calm: Client) -> None:
    done, running = calm.execute(), calm.execute("hang")
    calm.wait(f"/v2/lm/executions/{done}", "COMPLETED")
    calm.wait(f"/v2/lm/executions/{running}", "RUNNING")
    body = {
        "executions": [
            {"id": running, "targetStatus": "STOPPED"},
            {"id": done, "targetStatus": "DELETED"},
            {"id": "e000", "targetStatus": "DELETED"},
        ]
    }
    calm.send("PUT", SET, {"bulkUpdates": False}, status=200)
    off = calm.get("/v2/lm/meta")["aiApi"]["capabilities"]["bulkUpdates"]
    assert off == {"executions": False, "deployments": False}
    answer = calm.send("PATCH", "/v2/lm/executions", body, status=400)
    assert "not enabled" in answer.json()["error"]["message"]
    calm.send("PUT", SET, {}, status=200)
    on = calm.get("/v2/lm/meta")["aiApi"]["capabilities"]
    assert on["bulkUpdates"] == {"executions": True, "deployments": True}
    assert on["executionSchedules"] is True
    items = calm.send("PATCH", "/v2/lm/executions", body, status=202).json()["executions"]
    assert items[0] == {"id": running, "message": "Execution modification scheduled"}
    assert items[1] == {"id": done, "message": "Execution deletion scheduled"}
    assert items[2]["error"]["code"] == "01010404"
    for wrong in ([], body["executions"][:1] * 2, [{"id": done, "targetStatus": "RUNNING"}]):
        calm.send("PATCH", "/v2/lm/executions", {"executions": wrong}, status=400)
    many = [{"id": f"e{number:04}", "targetStatus": "STOPPED"} for number in range(101)]
    calm.send("PATCH", "/v2/lm/executions", {"executions": many}, status=400)


def test_nodes_are_reserved_by_plan(calm: Client) -> None:
    def plans() -> Any:
        return calm.get(NODES)["resourcePlans"]

    assert plans()["starter"] == {"requested": 0, "provisioned": 0}
    assert set(plans()) == set(calm.get("/v2/admin/resources/instanceTypes")["instanceTypes"])
    body = {
        "resourcePlans": [{"name": "starter", "request": 2}, {"name": "infer.s", "request": 10}]
    }
    assert calm.send("PATCH", NODES, body, status=200).json()["message"]
    assert plans()["starter"]["requested"] == 2
    wait_for(plans, lambda shown: shown["infer.s"] == {"requested": 10, "provisioned": 10})
    calm.send("PATCH", NODES, {"resourcePlans": [{"name": "starter", "request": 0}]}, status=200)
    wait_for(plans, lambda shown: shown["starter"] == {"requested": 0, "provisioned": 0})
    assert plans()["infer.s"]["requested"] == 10
    for wrong in (
        {},
        {"resourcePlans": [{"name": "huge", "request": 1}]},
        {"resourcePlans": [{"name": "starter", "request": 11}]},
        {"resourcePlans": [{"name": "starter", "request": -1}]},
        {"resourcePlans": [{"name": "starter"}]},
        {"resourcePlans": [{"name": "starter", "request": 1}] * 2},
    ):
        calm.send("PATCH", NODES, wrong, status=400)


def test_data_of_the_version_before_is_taken_over(tmp_path: Path) -> None:
    (_, first), *_ = MIGRATIONS
    with closing(sqlite3.connect(tmp_path / "emulator.db")) as old:
        old.executescript(f"{first} PRAGMA user_version = 1;")
        old.execute(
            "INSERT INTO secrets VALUES ('generic', '*', 's', '{\"k\": \"YQ==\"}', '{}', '')"
        )
        old.commit()
    store = Store(tmp_path)
    try:
        assert secrets_of(store, "default") == {"s": {"k": "a"}}
        assert store.rows("SELECT schedule_id FROM runs") == []
    finally:
        store.close()


def test_tenant_and_services(calm: Client) -> None:
    assert calm.get("/v2/admin/tenantInfo") == {
        "tenantId": calm.world.credentials.tenant_id,
        "servicePlan": "extended",
        "status": "PROVISIONED",
    }
    assert calm.get("/v2/admin/services") == {"count": 0, "resources": []}
    calm.send("GET", "/v2/admin/services/mine", status=404)
    calm.send("GET", f"/v2/admin/services/{'x' * 33}", status=400)


def test_kpis_count_by_the_columns_asked_for(calm: Client) -> None:
    wanted(calm, "counted", "PROVISIONED")
    calm.group = "counted"
    try:
        calm.wait(f"/v2/lm/executions/{calm.execute()}", "COMPLETED")
        calm.deploy()
    finally:
        calm.group = "default"

    def rows(query: str) -> list[list[Any]]:
        table = calm.get(f"/v2/analytics/kpis{query}")
        return [row for row in table["rows"] if row[0] == "counted"]

    header = ["ResourceGroup", "Executions", "Artifacts", "Deployments"]
    assert calm.get("/v2/analytics/kpis")["header"] == header
    # the data that went in, the model that came out
    assert rows("") == [["counted", 1, 2, 1]]
    assert rows("?$select=ResourceGroup,Executable,Deployments,Artifacts") == [
        ["counted", "", 0, 1],
        ["counted", "serve", 1, 0],
        ["counted", "train", 0, 1],
    ]
    assert len(calm.get("/v2/analytics/kpis?$select=Executions")["rows"]) == 1
    calm.send("GET", "/v2/analytics/kpis?$select=Costs", status=400)
    calm.send("GET", "/v2/analytics/kpis?$select=Scenario,Scenario", status=400)
    calm.send("DELETE", f"{GROUPS}/counted", status=202)


def test_dataset_files_go_into_the_object_store(calm: Client) -> None:
    path = f"{FILES}/default/churn/train.csv"
    # more than other requests may have
    content = b"a,b\n1,2\n" * 1_200_000
    answer = calm.send("PUT", path, data=content, status=201)
    url = "ai://default/churn/train.csv"
    assert answer.json() == {"message": "File creation acknowledged", "url": url}
    assert answer.headers["location"] == url
    assert calm.world.objects.path("default", url).read_bytes() == content
    calm.send("PUT", path, data=b"a\n", status=409)
    calm.send("PUT", f"{path}?overwrite=true", data=b"a\n", status=201)
    got = calm.send("GET", path, status=200)
    assert got.content == b"a\n"
    assert got.headers["content-type"] == "application/octet-stream"
    assert got.headers["x-content-type-options"] == "nosniff"
    assert got.headers["content-disposition"] == "attachment"
    for wrong in (
        "default/train.json",
        "default",
        "default/",
        "default/a%20b.csv",
        "default/../../x.csv",
        "default/%2e%2e/%2e%2e/x.csv",
        "default/churn/train.csv/below.csv",
        f"default/{'x' * 1024}.csv",
    ):
        assert calm.send("PUT", f"{FILES}/{wrong}", data=b"a\n").status_code in {400, 403}, wrong
    calm.send("PUT", f"{FILES}/default/binary.csv", data=b"\x00\x01", status=400)
    calm.send("DELETE", path, status=204)
    calm.send("GET", path, status=404)
    calm.send("DELETE", path, status=404)


def test_labels_and_data_of_a_generic_secret_change_apart(calm: Client) -> None:
    labels = limits.as_pairs({"ext.ai.sap.com/a": "1", "ext.ai.sap.com/b": "2"})
    calm.send("POST", SECRETS, secret("apart", labels=labels), status=200)

    def shown() -> dict[str, str]:
        found = calm.get(f"{SECRETS}/apart")["labels"]
        return {label["key"]: label["value"] for label in found}

    def value() -> str:
        return secrets_of(calm.world.store, "default")["apart"]["k"]

    change = limits.as_pairs({"ext.ai.sap.com/a": "", "ext.ai.sap.com/c": "3"})
    calm.send("PATCH", f"{SECRETS}/apart", {"labels": change}, status=200)
    assert shown() == {"ext.ai.sap.com/b": "2", "ext.ai.sap.com/c": "3"}
    assert value() == "v"
    calm.send("PATCH", f"{SECRETS}/apart", {"data": secret("apart", "new")["data"]}, status=200)
    assert (len(shown()), value()) == (2, "new")
    for wrong in ({}, {"data": "x"}, {"labels": [{"key": "team", "value": "a"}]}):
        calm.send("PATCH", f"{SECRETS}/apart", wrong, status=400)
    calm.send("DELETE", f"{SECRETS}/apart", status=200)


def test_a_tenant_wide_secret_reaches_every_group(calm: Client) -> None:
    def seen(group: str) -> str:
        return secrets_of(calm.world.store, group)["wide"]["k"]

    def arrived() -> dict[str, bool]:
        answer = calm.send("GET", f"{SECRETS}/wide", headers=EVERYWHERE, status=200)
        status: dict[str, bool] = answer.json()["resourceGroupSecretsSyncStatus"]
        return status

    def write(method: str, value: str, headers: dict[str, str | None]) -> None:
        path = SECRETS if method == "POST" else f"{SECRETS}/wide"
        calm.send(method, path, secret("wide", value), headers=headers, status=200)

    write("POST", "all", {**EVERYWHERE})
    wanted(calm, "newcomer", "PROVISIONED")
    assert (seen("default"), seen("newcomer")) == ("all", "all")
    assert arrived() == {"default": True, "newcomer": True}
    write("POST", "own", {"AI-Resource-Group": "newcomer"})
    assert (seen("default"), seen("newcomer")) == ("all", "own")
    assert arrived() == {"default": True, "newcomer": False}
    [listed] = calm.send("GET", SECRETS, headers=EVERYWHERE, status=200).json()["resources"]
    assert listed["resourceGroupSecretsSyncStatus"] == arrived()
    # replicated anew, it takes the place of the group's own
    write("PATCH", "all again", {**EVERYWHERE})
    assert seen("newcomer") == "all again"
    assert arrived() == {"default": True, "newcomer": True}
    calm.send("DELETE", f"{SECRETS}/wide", headers=EVERYWHERE, status=200)
    calm.send("DELETE", f"{GROUPS}/newcomer", status=202)
    assert "wide" not in secrets_of(calm.world.store, "default")
