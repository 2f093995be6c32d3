"""Login, gateway, limits, groups, artifacts, configurations, secrets, logs, metrics."""

from __future__ import annotations

import base64
from typing import Any

import pytest
import requests

from cicd.emulator import timestamps
from cicd.emulator.api.lm import dataset
from cicd.emulator.jobs import Line
from tests.emulator.emulator_client import Client, wait_for

ARTIFACTS, CONFIGURATIONS = "/v2/lm/artifacts", "/v2/lm/configurations"
GROUPS = "/v2/admin/resourceGroups"


def login(client: Client, **form: str) -> requests.Response:
    known = client.world.credentials
    sent = {
        "grant_type": "client_credentials",
        "client_id": known.client_id,
        "client_secret": known.client_secret,
        **form,
    }
    return client.session.post(f"{client.url}/oauth/token", data=sent, timeout=10)


def test_the_token_endpoint_takes_form_and_basic(shared: Client) -> None:
    known = shared.world.credentials
    answer = login(shared).json()
    assert answer["token_type"] == "bearer"
    assert answer["expires_in"] == 43199
    basic = shared.session.post(
        f"{shared.url}/oauth/token",
        data={"grant_type": "client_credentials"},
        auth=(known.client_id, known.client_secret),
        timeout=10,
    ).json()
    for token in (answer["access_token"], basic["access_token"]):
        assert token.count(".") == 2
        shared.send(
            "GET", "/v2/lm/scenarios", headers={"Authorization": f"Bearer {token}"}, status=200
        )


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"client_secret": "wrong"}, 401),
        ({"client_id": "wrong"}, 401),
        ({"client_secret": ""}, 401),
        ({"grant_type": "password"}, 400),
    ],
)
def test_a_wrong_login_gets_no_token(shared: Client, form: dict[str, str], status: int) -> None:
    answer = login(shared, **form)
    assert answer.status_code == status
    assert "access_token" not in answer.text
    assert shared.world.credentials.client_secret not in answer.text


def test_the_gateway_refuses_in_plain_text(shared: Client) -> None:
    known = shared.world.credentials
    expired = known.issue("aicore", issuer=shared.url, lifetime=-1)
    foreign = known.issue("destination", issuer=shared.url)
    forged = shared.token()[:-4] + "AAAA"
    form = "Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections"
    cases: list[tuple[dict[str, str | None], int, str]] = [
        ({"Authorization": None}, 403, "RBAC: access denied"),
        ({"Authorization": f"Bearer {expired}"}, 401, "Jwt is expired"),
        ({"Authorization": f"Bearer {forged}"}, 401, "Jwt verification fails"),
        ({"Authorization": "Bearer nonsense"}, 401, form),
        ({"Authorization": f"Bearer {foreign}"}, 403, "RBAC: access denied"),
        ({"AI-Resource-Group": None}, 403, "RBAC: access denied"),
        ({"AI-Resource-Group": "unknown"}, 403, "RBAC: access denied"),
    ]
    for headers, status, text in cases:
        answer = shared.send("GET", ARTIFACTS, headers=headers)
        assert (answer.status_code, answer.text) == (status, text)
        assert answer.headers["content-type"].startswith("text/plain")
    assert shared.send("GET", "/v2/lm/nothing").text == "RBAC: access denied"
    assert shared.session.get(f"{shared.url}/emulator/health", timeout=5).json()["pid"] > 0


def test_resource_groups(client: Client) -> None:
    labels = [{"key": "ext.ai.sap.com/team", "value": "a"}]
    body = {"resourceGroupId": "team-a", "labels": labels}
    answer = client.send("POST", GROUPS, body, status=202).json()
    assert answer["resourceGroupId"] == "team-a"
    shown = client.wait(f"{GROUPS}/team-a", "PROVISIONED")
    assert shown["labels"] == labels
    assert [x["resourceGroupId"] for x in client.get(GROUPS)["resources"]] == ["default", "team-a"]
    found = client.get(f"{GROUPS}?labelSelector=ext.ai.sap.com/team=a")
    assert [x["resourceGroupId"] for x in found["resources"]] == ["team-a"]
    client.send("PATCH", f"{GROUPS}/team-a", {"labels": []}, status=202)
    assert client.get(f"{GROUPS}/team-a")["labels"] == []
    assert client.get(f"{GROUPS}?$top=1&$count=true")["count"] == 2
    client.send("DELETE", f"{GROUPS}/team-a", status=202)
    client.send("GET", f"{GROUPS}/team-a", status=404)


ARTIFACT = {"name": "a", "kind": "dataset", "url": "ai://default/x", "scenarioId": "churn"}
CONFIGURATION = {"name": "c", "scenarioId": "churn", "executableId": "serve"}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (GROUPS, {"resourceGroupId": "ab"}),
        (GROUPS, {"resourceGroupId": "-abc"}),
        (GROUPS, {"resourceGroupId": "x" * 254}),
        (GROUPS, {}),
        (GROUPS, {"resourceGroupId": "abc", "labels": [{"key": "team", "value": "a"}]}),
        (ARTIFACTS, {**ARTIFACT, "name": "x" * 257}),
        (ARTIFACTS, {**ARTIFACT, "name": "a`b"}),
        (ARTIFACTS, {**ARTIFACT, "name": None}),
        (ARTIFACTS, {**ARTIFACT, "kind": "thing"}),
        (ARTIFACTS, {**ARTIFACT, "url": "no-url"}),
        (ARTIFACTS, {**ARTIFACT, "url": "ai://" + "x" * 1024}),
        (ARTIFACTS, {**ARTIFACT, "description": "x" * 5001}),
        (ARTIFACTS, {**ARTIFACT, "scenarioId": "abc"}),
        (ARTIFACTS, {**ARTIFACT, "labels": [{"key": "team", "value": "a"}]}),
        (ARTIFACTS, {**ARTIFACT, "labels": "x"}),
        (CONFIGURATIONS, {**CONFIGURATION, "name": "x" * 257}),
        (CONFIGURATIONS, {**CONFIGURATION, "parameterBindings": [{"key": "k", "value": 1}]}),
        (CONFIGURATIONS, {**CONFIGURATION, "parameterBindings": [{"key": "k"}]}),
        (
            CONFIGURATIONS,
            {**CONFIGURATION, "parameterBindings": [{"key": "k", "value": "x" * 5001}]},
        ),
        (
            CONFIGURATIONS,
            {**CONFIGURATION, "parameterBindings": [{"key": "k", "value": ""}] * 2},
        ),
        (
            CONFIGURATIONS,
            {
                **CONFIGURATION,
                "parameterBindings": [{"key": f"k{n}", "value": ""} for n in range(1001)],
            },
        ),
        ("/v2/admin/repositories", {"url": "https://example.com/x", "username": "a"}),
        ("/v2/admin/repositories", {"url": "ssh://x/y", "username": "", "password": ""}),
        ("/v2/admin/repositories", {"url": "../x", "username": "", "password": ""}),
        ("/v2/admin/repositories", {"url": "/x", "username": "a\nb", "password": ""}),
        (
            "/v2/admin/repositories",
            {"url": "https://a:b@example.com/x", "username": "", "password": ""},
        ),
        ("/v2/admin/secrets", {"name": "Upper", "data": {}}),
        ("/v2/admin/secrets", {"name": "a", "data": {"k": "not base64!"}}),
    ],
)
def test_limits_are_enforced(shared_ready: Client, path: str, body: dict[str, Any]) -> None:
    error = shared_ready.send("POST", path, body, status=400).json()["error"]
    assert error["message"]


@pytest.mark.parametrize("sent", [b"", b"{", b"[]", b"null", b"\xff", b"[" * 100_000])
def test_a_body_that_is_no_object_is_refused(shared: Client, sent: bytes) -> None:
    assert "JSON" in shared.send("POST", GROUPS, data=sent, status=400).json()["error"]["message"]


def test_a_huge_body_is_refused(client: Client) -> None:
    client.send("POST", GROUPS, data=b" " * (9 * 1024 * 1024), status=413)
    assert client.get(GROUPS)["count"] == 1


def test_artifacts_are_searched_and_paged(client: Client) -> None:
    label = {"key": "ext.ai.sap.com/v", "value": "1,5"}
    entries: dict[str, dict[str, Any]] = {
        "Small": {"description": "Maß"},
        "big": {"kind": "model"},
        "Bigger": {"labels": [label]},
    }
    for name, extra in entries.items():
        body = {**ARTIFACT, "name": name, **extra}
        answer = client.send("POST", ARTIFACTS, body, status=201)
        assert answer.json()["message"] == "Artifact acknowledged"
        assert answer.headers["location"].endswith(answer.json()["id"])

    def names(query: str) -> list[str]:
        return [item["name"] for item in client.get(f"{ARTIFACTS}?{query}")["resources"]]

    assert names("") == ["Small", "big", "Bigger"]
    assert names("$search=ig") == ["big", "Bigger"]
    assert names("$search=Big") == ["Bigger"]
    assert names("$search=BIG&searchCaseInsensitive=true") == ["big", "Bigger"]
    assert names("$search=MASS&searchCaseInsensitive=true") == ["Small"]
    assert names("kind=model") == ["big"]
    assert names("name=Small") == ["Small"]
    assert names("artifactLabelSelector=ext.ai.sap.com/v=1{comma}5") == ["Bigger"]
    assert names("artifactLabelSelector=ext.ai.sap.com/v!=1{comma}5") == ["Small", "big"]
    assert names("executionId=e123") == []
    assert client.send("GET", f"{ARTIFACTS}/$count?kind=model", status=200).text == "1"
    client.send("GET", f"{ARTIFACTS}?$search=a~b", status=400)
    client.send("GET", f"{ARTIFACTS}?artifactLabelSelector=x=1", status=400)
    client.send("GET", f"{ARTIFACTS}/unknown", status=404)


def test_configurations_must_be_complete(ready: Client) -> None:
    def refused(body: dict[str, Any]) -> str:
        answer = ready.send("POST", CONFIGURATIONS, body, status=400)
        return str(answer.json()["error"]["message"])

    assert (
        refused({**CONFIGURATION, "executableId": "nope"})
        == "executable nope for scenario churn not found"
    )
    body = {**CONFIGURATION, "executableId": "train"}
    message = "missing input parameter mode, missing input artifact data of executable train"
    assert refused(body) == message
    bound = {
        **body,
        "parameterBindings": [{"key": "mode", "value": "x"}],
        "inputArtifactBindings": [{"key": "data", "artifactId": "gone"}],
    }
    assert "artifact gone not found" in refused(bound)
    assert ready.get(CONFIGURATIONS)["count"] == 0
    made = ready.configuration("serve", greeting="hi")
    shown = ready.get(f"{CONFIGURATIONS}/{made}")
    assert shown["parameterBindings"] == [{"key": "greeting", "value": "hi"}]
    assert ready.get(f"{CONFIGURATIONS}?$search=serv&executableIds=serve")["count"] == 1
    assert ready.send("GET", f"{CONFIGURATIONS}/$count").text == "1"


def test_secrets_are_stored_by_scope_and_never_shown(client: Client) -> None:
    value = base64.b64encode("pässwort".encode()).decode()
    body = {"name": "login", "data": {"my_key": value}}
    path = "/v2/admin/secrets"
    client.send("POST", path, body, status=200)
    client.send("POST", path, body, status=400)
    tenant = {"AI-Tenant-Scope": "true"}
    client.send("POST", path, body, headers=tenant, status=200)
    everywhere = {**tenant, "AI-Resource-Group": "*"}
    client.send("POST", path, {**body, "name": "all"}, headers=everywhere, status=200)
    listed = client.send("GET", path, status=200)
    assert [item["name"] for item in listed.json()["resources"]] == ["login"]
    assert value not in listed.text
    client.send("PATCH", f"{path}/login", {"data": {"other": "YQ=="}}, status=200)
    client.send("DELETE", f"{path}/login", status=200)
    client.send("GET", f"{path}/login", status=404)
    client.send("GET", f"{path}/login", headers=tenant, status=200)

    store = {"name": "default", "type": "S3", "bucket": "b", "pathPrefix": "p", "data": {"A": "B"}}
    client.send("POST", "/v2/admin/objectStoreSecrets", store, status=202)
    shown = client.get("/v2/admin/objectStoreSecrets/default")
    assert shown["name"] == "default-object-store-secret"
    assert shown["metadata"]["storage.ai.sap.com/pathPrefix"] == "p"
    docker = {"name": "registry", "data": {".dockerconfigjson": '{"auths": {}}'}}
    client.send("POST", "/v2/admin/dockerRegistrySecrets", docker, status=202)
    again = client.send("POST", "/v2/admin/dockerRegistrySecrets", docker, status=202)
    assert again.json()["message"] == "Secret exists"
    client.send("DELETE", "/v2/admin/dockerRegistrySecrets/registry", status=202)


def test_logs_page_by_window_without_losing_a_nanosecond(ready: Client) -> None:
    execution = ready.execute("hang")
    path = f"/v2/lm/executions/{execution}/logs"
    ready.wait(f"/v2/lm/executions/{execution}", "RUNNING")
    start = timestamps.now_ns() - 10 * timestamps.SECOND
    lines = [Line(start + number, f"zeile {number} ü") for number in range(6000)]
    ready.world.journal.log(execution, lines)
    ready.world.journal.log(execution, [Line(start - 7200 * timestamps.SECOND, "long ago")])

    def texts(**query: str) -> list[str]:
        answer = ready.session.get(
            ready.url + path,
            params=query,
            headers={"Authorization": f"Bearer {ready.token()}", "AI-Resource-Group": "default"},
            timeout=10,
        )
        assert answer.status_code == 200, answer.text
        return [item["msg"] for item in answer.json()["data"]["result"]]

    assert len(texts()) == 1000
    assert len(texts(**{"$top": "5000"})) == 5000
    assert texts(top="2") == ["zeile 0 ü", "zeile 1 ü"]
    window = {
        "start": timestamps.format_ns(start + 10),
        "end": timestamps.format_ns(start + 12),
    }
    assert texts(**window) == [f"zeile {number} ü" for number in (10, 11, 12)]
    assert texts(**window, **{"$order": "desc"})[0] == "zeile 12 ü"
    assert texts(start="1990-01-01T00:00:00Z", top="1") == ["long ago"]
    [item] = ready.get(f"{path}?$top=1")["data"]["result"]
    assert item["timestamp"] == timestamps.format_ns(start)
    assert item["pod"] == execution
    assert item["container"] == "main"
    for wrong in ("start=yesterday", "$top=0", "$top=5001", "$order=up"):
        ready.send("GET", f"{path}?{wrong}", status=400)
    ready.send("GET", "/v2/lm/executions/e000/logs", status=404)


def test_metrics_from_outside_and_from_the_run(ready: Client) -> None:
    execution = ready.execute("hang")
    ready.wait(f"/v2/lm/executions/{execution}", "RUNNING")
    own = ready.runner.jobs[execution].environment["AICORE_TRACKING_ENDPOINT"]
    metric = {
        "name": "accuracy",
        "value": 0.5,
        "step": 1,
        "timestamp": "2026-01-01T00:00:00.000001Z",
        "labels": [{"name": "metrics.ai.sap.com/Artifact.name", "value": "churn-model"}],
    }
    answer = ready.session.patch(
        f"{own}/api/v1/metrics",
        json={"executionId": execution, "metrics": [metric]},
        headers={"Authorization": ""},
        timeout=10,
    )
    assert answer.status_code == 204, answer.text
    body = {
        "executionId": execution,
        "metrics": [{**metric, "value": 0.7}, {"name": "loss", "value": 1}],
        "tags": [{"name": "cicd.stage", "value": "dev"}],
        "customInfo": [{"name": "matrix", "value": "[1]"}],
    }
    ready.send("PATCH", "/v2/lm/metrics", body, status=204)
    body["tags"] = [{"name": "cicd.stage", "value": "tst"}]
    ready.send("PATCH", "/v2/lm/metrics", {**body, "metrics": []}, status=204)
    [shown] = ready.get(f"/v2/lm/metrics?executionIds={execution}")["resources"]
    accuracy, loss = shown["metrics"]
    assert accuracy == {**metric, "value": 0.7}
    assert (loss["name"], loss["value"], loss["labels"]) == ("loss", 1, [])
    assert shown["tags"] == [{"name": "cicd.stage", "value": "tst"}]
    only = ready.get(f"/v2/lm/metrics?executionIds={execution}&$select=tags")["resources"][0]
    assert "metrics" not in only
    assert ready.get(f"/v2/lm/metrics?$filter=executionId eq '{execution}'")["count"] == 1
    query = f"/v2/lm/metrics?executionIds={execution}&tagFilters="
    assert ready.get(f"{query}cicd.stage=tst")["count"] == 1
    assert ready.get(f"{query}cicd.stage!=tst")["count"] == 0
    assert ready.get(f"{query}cicd.stage,other")["count"] == 0
    ready.send("GET", "/v2/lm/metrics", status=400)
    ready.send("DELETE", f"/v2/lm/metrics?executionId={execution}", status=200)
    ready.send("DELETE", f"/v2/lm/metrics?executionId={execution}", status=404)
    other = ready.session.patch(
        f"{own}/api/v1/metrics", json={"executionId": "e999", "metrics": [metric]}, timeout=10
    )
    assert other.status_code == 400


@pytest.mark.parametrize(
    ("part", "status"),
    [
        ({"metrics": [{"name": "a", "value": "1"}]}, 400),
        ({"metrics": [{"name": "a", "value": True}]}, 400),
        ({"metrics": [{"value": 1}]}, 400),
        ({"metrics": [{"name": "a", "value": 1, "step": -1}]}, 400),
        ({"metrics": [{"name": "a", "value": 1, "timestamp": "now"}]}, 400),
        ({"metrics": [{"name": "a", "value": 1}] * 1001}, 413),
        ({"tags": [{"name": "a", "value": "x" * 257}]}, 400),
        ({"tags": [{"name": f"a{n}", "value": "x"} for n in range(101)]}, 413),
    ],
)
def test_wrong_metrics_are_refused(shared_ready: Client, part: dict[str, Any], status: int) -> None:
    execution = shared_ready.execute()
    body = {"executionId": execution, **part}
    shared_ready.send("PATCH", "/v2/lm/metrics", body, status=status)
    assert shared_ready.get(f"/v2/lm/metrics?executionIds={execution}")["count"] == 0


def test_meta_and_stand_ins(client: Client) -> None:
    meta = client.get("/v2/lm/meta")
    assert meta["aiApi"]["capabilities"]["logs"]["executions"] is True
    assert meta["extensions"]["dataset"]["limits"]["maxUploadFileSize"] == dataset.MOST_BYTES
    path = "/emulator/stand-ins"
    nothing: dict[str, Any] = {}
    empty: dict[str, Any] = {
        "images": nothing,
        "artifacts": nothing,
        "built": nothing,
        "secrets": [],
        "root": None,
        "workdir": None,
    }
    assert client.get(path) == empty
    client.group = "not-there-yet"
    client.send("PUT", path, {"artifacts": {"ai://default/x": "/data"}}, status=200)
    assert client.get(path)["artifacts"] == {"ai://default/x": "/data"}
    wrong_ones: tuple[dict[str, Any], ...] = (
        {"artifacts": {"ai://default/x": "relative"}},
        {"images": {"a": {"mounts": {"app": "/x"}}}},
        {"images": {"a": {"mount": {}}}},
        {"images": {"a": {"command": "sh"}}},
        {"image": {}},
        {"root": "x"},
    )
    for wrong in wrong_ones:
        client.send("PUT", path, wrong, status=400)
    client.send("PUT", path, {}, headers={"Authorization": None}, status=403)


def test_many_clients_at_once_lose_nothing(client: Client) -> None:
    from concurrent.futures import ThreadPoolExecutor

    def post(number: int) -> int:
        with requests.Session() as session:
            session.trust_env = False
            mine = Client(client.url, client.world, client.runner, session)
            body = {**ARTIFACT, "name": f"a{number}"}
            return mine.send("POST", ARTIFACTS, body).status_code

    with ThreadPoolExecutor(20) as pool:
        assert set(pool.map(post, range(100))) == {201}
    found = wait_for(lambda: client.get(ARTIFACTS), lambda shown: shown["count"] == 100)
    assert len({item["name"] for item in found["resources"]}) == 100
