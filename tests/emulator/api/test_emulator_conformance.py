"""A tour through all operations of AI Core's OpenAPI document: every code, every schema."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.emulator.api import api_document
from tests.emulator.api.api_tour import Tour, documented, is_reachable
from tests.emulator.emulator_client import (
    commit,
    onboard,
    running,
    synced,
    template_files,
    wait_for,
)


@pytest.fixture(scope="module")
def tour(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tour]:
    document = api_document.operations()
    folder = tmp_path_factory.mktemp("conformance")
    commit(folder / "repository", template_files())
    with running(folder / "data") as client:
        onboard(client, folder / "repository")
        assert synced(client)["syncStatus"] == "Synced"
        yield Tour(client, document)


def test_every_code_of_every_operation(tour: Tour, tmp_path: Path) -> None:
    visit_groups(tour)
    visit_git(tour, tmp_path)
    visit_secrets(tour)
    visit_scenarios(tour)
    artifact = visit_artifacts(tour)
    configuration = visit_configurations(tour, artifact)
    visit_executions(tour, configuration)
    visit_deployments(tour)
    visit_schedules(tour, configuration)
    visit_metrics(tour, configuration)
    visit_files(tour)
    visit_tenant(tour)

    assert not tour.wrong, "\n".join(tour.wrong)
    assert len(tour.document) == 89
    missing = [
        f"{name}: {status}"
        for name, operation in tour.document.items()
        for status in sorted(documented(operation) - tour.seen.get(name, set()))
        if is_reachable(name, status)
    ]
    assert not missing, "\n".join(missing)


def test_every_operation_is_behind_the_gateway(tour: Tour) -> None:
    """Each answers 403 without a token and 401 with a bad one, before it looks at anything."""
    for name in tour.document:
        method, template = name.split()
        names = dict.fromkeys(re.findall(r"{(\w+)}", template), "some")
        for authorization, status in ((None, 403), ("Bearer a.b.c", 401)):
            headers = {"Authorization": authorization}
            tour.ask(method, template, names, status, headers=headers)
    assert not tour.wrong, "\n".join(tour.wrong)


def visit_groups(tour: Tour) -> None:
    all_groups, one = "/admin/resourceGroups", "/admin/resourceGroups/{resourceGroupId}"
    labels = [{"key": "ext.ai.sap.com/team", "value": "a"}]
    tour.send("POST", all_groups, 202, {"resourceGroupId": "team-a", "labels": labels})
    tour.send("POST", all_groups, 400, {"resourceGroupId": "-"})
    wait_for(
        lambda: tour.finds(one, resourceGroupId="team-a"),
        lambda shown: shown["status"] == "PROVISIONED",
    )
    selected = tour.send("GET", all_groups, 200, query="?labelSelector=ext.ai.sap.com/team=a")
    assert selected.json()["count"] == 1
    counted = tour.send("GET", all_groups, 200, query="?$top=1&$count=true")
    assert (counted.json()["count"], len(counted.json()["resources"])) == (2, 1)
    query = "?labelSelector=ext.ai.sap.com/team=a"
    page = tour.send("GET", all_groups, 200, query=query, headers={"Prefer": "maxpagesize=1"})
    following = page.links["next"]["url"].partition(all_groups)[2]
    rest = tour.send("GET", all_groups, 200, query=following)
    assert page.json()["resources"] + rest.json()["resources"] == selected.json()["resources"]
    assert "next" not in rest.links
    tour.send("GET", all_groups, 400, query="?labelSelector=team")
    tour.send("GET", all_groups, 410, query="?continueToken=old")
    tour.send("PATCH", one, 202, {"labels": []}, resourceGroupId="team-a")
    tour.lacks(one, "team-b", "GET", "PATCH", "DELETE", body={})
    tour.send("DELETE", one, 202, resourceGroupId="team-a")


def visit_git(tour: Tour, folder: Path) -> None:
    every, one = "/admin/repositories", "/admin/repositories/{repositoryName}"
    commit(folder / "other", template_files("2.0"))
    login = {"username": "", "password": ""}
    body = {"name": "other", "url": str(folder / "other"), **login}
    tour.send("POST", every, 200, body)
    tour.send("POST", every, 409, body)
    tour.send("POST", every, 400, {"name": "other"})
    assert tour.send("GET", every, 200, query="?$top=1&$skip=1&$count=true").json()["count"] == 2
    tour.send("GET", every, 400, query="?$top=x")
    tour.finds(one, repositoryName="other")
    tour.send("PATCH", one, 200, login, repositoryName="other")
    tour.lacks(one, "nothing", "GET", "PATCH", "DELETE", body=login)

    every_app, app = "/admin/applications", "/admin/applications/{applicationName}"
    place = {"repositoryUrl": body["url"], "path": "templates", "revision": "main"}
    named = {"repositoryName": "other", "path": "none", "revision": "main"}
    tour.send("POST", every_app, 200, {"applicationName": "app2", **place})
    tour.send("POST", every_app, 200, {"applicationName": "app3", **named})
    tour.send("POST", every_app, 400, {"applicationName": "app2", **place, **named})
    assert tour.finds(every_app)["count"] == 3
    tour.send("GET", every_app, 400, query="?$count=maybe")
    tour.finds(app, applicationName="app2")
    tour.send("PATCH", app, 200, place, applicationName="app2")
    tour.send("POST", f"{app}/refresh", 202, applicationName="app2")
    for name in ("app", "app2", "app3"):
        wait_for(
            lambda name=name: tour.finds(f"{app}/status", applicationName=name),  # type: ignore[misc]
            lambda shown: shown["reconciledAt"] != "Unknown",
        )
    tour.lacks(app, "nothing", "GET", "PATCH", "DELETE", body=place)
    tour.lacks(f"{app}/status", "nothing", "GET")
    tour.lacks(f"{app}/refresh", "nothing", "POST")
    for name in ("app2", "app3"):
        tour.send("DELETE", app, 200, applicationName=name)
    tour.send("DELETE", one, 200, repositoryName="other")
    # what app2 declared as well is app's alone again
    wait_for(
        lambda: tour.finds("/lm/scenarios/{scenarioId}/executables", scenarioId="churn"),
        lambda shown: {item["versionId"] for item in shown["resources"]} == {"1.0"},
    )


def visit_secrets(tour: Tour) -> None:
    every, one = "/admin/objectStoreSecrets", "/admin/objectStoreSecrets/{objectStoreName}"
    body: dict[str, Any] = {
        "name": "store",
        "type": "S3",
        "bucket": "b",
        "endpoint": "s3.example",
        "region": "eu",
        "pathPrefix": "p",
        "verifyssl": "1",
        "usehttps": "1",
        "data": {"AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s"},
    }
    visit_secret(tour, every, one, "objectStoreName", body, 202)
    body = {"name": "docker", "data": {".dockerconfigjson": json.dumps({"auths": {}})}}
    every, one = "/admin/dockerRegistrySecrets", "/admin/dockerRegistrySecrets/{dockerRegistryName}"
    visit_secret(tour, every, one, "dockerRegistryName", body, 202)
    body = {"name": "some-secret", "data": {"key": base64.b64encode(b"value").decode()}}
    visit_secret(tour, "/admin/secrets", "/admin/secrets/{secretName}", "secretName", body, 200)
    for group in ("*", None):
        headers = {"AI-Tenant-Scope": "true", "AI-Resource-Group": group}
        tour.send("POST", "/admin/secrets", 200, body, headers=headers)
        tour.send("GET", "/admin/secrets", 200, headers=headers)
        tour.send("GET", "/admin/resourceQuota/secrets", 200, headers=headers)


def visit_secret(
    tour: Tour, every: str, one: str, parameter: str, body: dict[str, Any], status: int
) -> None:
    """All that there is to do with one family of secrets."""
    name = {parameter: body["name"]}
    tour.send("POST", every, status, body)
    tour.send("POST", every, 400, {"name": body["name"]})
    assert tour.finds(every)["count"] >= 1
    tour.send("GET", every, 200, query="?$top=0&$skip=1&$count=true")
    tour.send("GET", every, 400, query="?$skip=-1")
    tour.ask("GET", one, name, 200)
    tour.ask("PATCH", one, name, status, body)
    tour.ask("PATCH", one, name, 400, {"data": 5})
    tour.lacks(one, "nothing", "GET", "PATCH", "DELETE", body=body)
    tour.ask("DELETE", one, name, status)


def visit_scenarios(tour: Tour) -> None:
    every, one = "/lm/scenarios", "/lm/scenarios/{scenarioId}"
    found = {item["id"]: item for item in tour.finds(every)["resources"]}
    assert {"churn", "foundation-models", "orchestration"} <= set(found)
    tour.finds(one, scenarioId="churn")
    tour.lacks(one, "nothing", "GET")
    for scenario, count in (("churn", 2), ("nothing", 0)):
        assert tour.finds(f"{one}/executables", scenarioId=scenario)["count"] == count
    tour.send("GET", f"{one}/executables", 200, query="?versionId=7", scenarioId="churn")
    executable = f"{one}/executables/{{executableId}}"
    for name in ("train", "serve"):
        tour.finds(executable, scenarioId="churn", executableId=name)
    tour.finds(executable, scenarioId="foundation-models", executableId="azure-openai")
    tour.send("GET", executable, 404, scenarioId="churn", executableId="nothing")
    tour.send("GET", executable, 400, scenarioId="churn", executableId="&?")
    for query, count in (("", 1), ("?labelSelector=ext.ai.sap.com/a=b", 0)):
        versions = tour.send("GET", f"{one}/versions", 200, query=query, scenarioId="churn")
        assert versions.json()["count"] == count
    tour.send("GET", f"{one}/versions", 400, query="?labelSelector=x", scenarioId="churn")
    tour.finds(f"{one}/models", scenarioId="foundation-models")
    for rest in ("executables", "models"):
        tour.send("GET", f"{one}/{rest}", 400, scenarioId="&?")


def visit_artifacts(tour: Tour) -> str:
    every, one = "/lm/artifacts", "/lm/artifacts/{artifactId}"
    body = {
        "name": 'some "data"',
        "kind": "dataset",
        "url": "ai://default/d",
        "scenarioId": "churn",
        "description": "Größe",
        "labels": [{"key": "ext.ai.sap.com/v", "value": "1,5"}],
    }
    made = tour.send("POST", every, 201, body)
    assert made.headers["Location"] == made.headers["Content-Location"]
    artifact = str(made.json()["id"])
    tour.send("POST", every, 400, {**body, "kind": "thing"})
    for query in (
        "?scenarioId=churn&kind=dataset&name=some+%22data%22",
        "?$search=OME&searchCaseInsensitive=true&$top=1&$skip=0",
        "?artifactLabelSelector=ext.ai.sap.com/v=1{comma}5,ext.ai.sap.com/w!=2",
    ):
        assert tour.send("GET", every, 200, query=query).json()["count"] == 1, query
        tour.send("GET", f"{every}/$count", 200, query=query)
    [expanded] = tour.send("GET", every, 200, query="?$expand=scenario").json()["resources"]
    assert expanded["scenario"]["name"] == "Churn"
    shown = tour.send("GET", one, 200, query="?$expand=scenario", artifactId=artifact).json()
    assert shown == expanded
    visit_lists(tour, every, "$top=100001", "$expand=all", "scenarioId=%26", "$search=~", "kind=a")
    tour.lacks(one, "nothing", "GET")
    return artifact


def visit_lists(tour: Tour, every: str, *queries: str) -> None:
    """Refused queries of a list, and one for its count."""
    for query in queries:
        tour.send("GET", every, 400, query=f"?{query}")
    tour.send("GET", f"{every}/$count", 200)
    tour.send("GET", f"{every}/$count", 400, query=f"?{queries[2]}")


def visit_configurations(tour: Tour, artifact: str) -> str:
    """The id of a configuration whose executions run until they are stopped."""
    every, one = "/lm/configurations", "/lm/configurations/{configurationId}"
    body = {
        "name": "hang",
        "scenarioId": "churn",
        "executableId": "train",
        "parameterBindings": [{"key": "mode", "value": "hang"}],
        "inputArtifactBindings": [{"key": "data", "artifactId": artifact}],
    }
    configuration = str(tour.send("POST", every, 201, body).json()["id"])
    tour.send("POST", every, 400, {**body, "parameterBindings": []})
    query = "?executableIds=train,serve&$search=hang&$expand=scenario"
    [shown] = tour.send("GET", every, 200, query=query).json()["resources"]
    assert shown["scenario"]["id"] == "churn"
    tour.finds(one, configurationId=configuration)
    visit_lists(tour, every, "$top=-1", "$expand=all", "executableIds=a,%26")
    tour.lacks(one, "nothing", "GET")
    return configuration


def visit_executions(tour: Tour, configuration: str) -> None:
    every, one = "/lm/executions", "/lm/executions/{executionId}"

    def start(configuration: str) -> str:
        made = tour.send("POST", every, 202, {"configurationId": configuration})
        return str(made.json()["id"])

    def reaches(execution: str, status: str) -> None:
        wait_for(
            lambda: tour.finds(one, executionId=execution), lambda run: run["status"] == status
        )

    tour.send("POST", every, 400, {"configurationId": "nothing"})
    first, second = start(configuration), start(configuration)
    ended = {mode: start(tour.client.configuration("train", mode=mode)) for mode in MODES}
    for mode, status in MODES.items():
        reaches(ended[mode], status)
    for run in (first, second):
        reaches(run, "RUNNING")
    query = f"?executableIds=train&configurationId={configuration}&scenarioId=churn&status=RUNNING"
    assert tour.send("GET", every, 200, query=query).json()["count"] == 2
    tour.send("GET", every, 200, query="?$select=status&executionScheduleId=nothing")
    visit_lists(tour, every, "$top=a", "$select=id", "status=LOST")
    tour.send("GET", one, 200, query="?$select=status", executionId=ended["fail"])
    visit_logs(tour, f"{one}/logs", "executionId", ended["complete"])
    tour.send("DELETE", one, 412, executionId=first)
    tour.send("PATCH", one, 400, {"targetStatus": "DELETED"}, executionId=first)
    tour.send("PATCH", one, 202, {"targetStatus": "STOPPED"}, executionId=first)
    reaches(first, "STOPPED")
    tour.send("PATCH", one, 412, {"targetStatus": "STOPPED"}, executionId=first)
    tour.send("DELETE", one, 202, executionId=first)
    tour.lacks(one, "nothing", "GET", "PATCH", "DELETE", body={"targetStatus": "STOPPED"})
    wishes = {second: "STOPPED", ended["fail"]: "DELETED", "nothing": "DELETED"}
    visit_bulk(tour, every, "executions", wishes)


MODES = {"complete": "COMPLETED", "fail": "DEAD"}


def visit_logs(tour: Tour, template: str, parameter: str, run: str) -> None:
    query = "?start=1990-01-01T00:00:00Z&end=2999-01-01T00:00:00%2B01:00&$top=1&$order=desc"
    lines = tour.ask("GET", template, {parameter: run}, 200, query=query).json()
    assert len(lines["data"]["result"]) <= 1
    for wrong in ("start=today", "$top=5001", "$order=up"):
        tour.ask("GET", template, {parameter: run}, 400, query=f"?{wrong}")
    tour.lacks(template, "nothing", "GET")


def visit_bulk(tour: Tour, every: str, word: str, wishes: dict[str, str]) -> None:
    """Stops and deletes at once; the last of the wishes cannot be granted."""
    items = [{"id": run, "targetStatus": wish} for run, wish in wishes.items()]
    headers: dict[str, str | None] = {"Content-Type": "application/merge-patch+json"}
    data = json.dumps({word: items}).encode()
    results = tour.send("PATCH", every, 202, data=data, headers=headers).json()[word]
    assert [("error" in result) for result in results] == [False, False, True]
    tour.send("PATCH", every, 400, {word: [items[0], items[0]]})


def visit_deployments(tour: Tour) -> None:
    every, one = "/lm/deployments", "/lm/deployments/{deploymentId}"

    def start(greeting: str, **more: Any) -> str:
        configuration = tour.client.configuration("serve", greeting=greeting)
        body = {"configurationId": configuration, **more}
        return str(tour.send("POST", every, 202, body).json()["id"])

    def reaches(deployment: str, status: str) -> None:
        wait_for(
            lambda: tour.finds(one, deploymentId=deployment), lambda run: run["status"] == status
        )

    tour.send("POST", every, 400, {"configurationId": "nothing"})
    first, second, broken = start("hello", ttl="24h"), start("hi"), start("broken")
    pending = start("slow")
    tour.finds(one, deploymentId=pending)
    for run, status in ((first, "RUNNING"), (second, "RUNNING"), (broken, "DEAD")):
        reaches(run, status)
    query = "?executableIds=serve&scenarioId=churn&status=RUNNING&$top=5"
    assert tour.send("GET", every, 200, query=query).json()["count"] == 2
    tour.send("GET", every, 200, query="?$select=status")
    visit_lists(tour, every, "$skip=-1", "$select=id", "status=LOST")
    tour.send("GET", one, 200, query="?$select=status", deploymentId=first)
    visit_logs(tour, f"{one}/logs", "deploymentId", first)
    other = tour.client.configuration("serve", greeting="servus")
    tour.send("PATCH", one, 202, {"configurationId": other}, deploymentId=first)
    tour.send("PATCH", one, 202, {}, deploymentId=first)
    reaches(first, "RUNNING")
    tour.send("DELETE", one, 412, deploymentId=first)
    tour.send("PATCH", one, 400, {"targetStatus": "RUNNING"}, deploymentId=first)
    tour.send("PATCH", one, 202, {"targetStatus": "STOPPED"}, deploymentId=first)
    reaches(first, "STOPPED")
    tour.send("PATCH", one, 412, {"targetStatus": "STOPPED"}, deploymentId=first)
    tour.send("DELETE", one, 202, deploymentId=first)
    tour.lacks(one, "nothing", "GET", "PATCH", "DELETE", body={"targetStatus": "STOPPED"})
    wishes = {second: "STOPPED", broken: "DELETED", "nothing": "STOPPED"}
    visit_bulk(tour, every, "deployments", wishes)


def visit_schedules(tour: Tour, configuration: str) -> None:
    every, one = "/lm/executionSchedules", "/lm/executionSchedules/{executionScheduleId}"
    body = {"name": "weekly", "cron": "0 0 * * 0", "configurationId": configuration}
    times = {"start": "0800-01-01T00:00:00Z", "end": "2999-01-01T00:00:00+01:00"}
    schedule = str(tour.send("POST", every, 202, {**body, **times}).json()["id"])
    tour.send("POST", every, 400, {**body, "cron": "never"})
    query = f"?configurationId={configuration}&status=ACTIVE&$top=1"
    assert tour.send("GET", every, 200, query=query).json()["count"] == 1
    visit_lists(tour, every, "$top=a", "$skip=a", "status=PAUSED")
    tour.finds(one, executionScheduleId=schedule)
    tour.send("PATCH", one, 202, {"status": "INACTIVE"}, executionScheduleId=schedule)
    tour.lacks(one, "nothing", "GET", "PATCH", "DELETE", body={"status": "INACTIVE"})
    tour.send("DELETE", one, 202, executionScheduleId=schedule)


def visit_metrics(tour: Tour, configuration: str) -> None:
    path = "/lm/metrics"
    execution = tour.client.execute()
    named = [{"name": "n", "value": "v"}]
    metric = {"name": "loss", "value": 0.25, "step": 1, "labels": named}
    body = {"executionId": execution, "metrics": [metric], "tags": named, "customInfo": named}
    tour.send("PATCH", path, 204, body)
    for number in (10**400, True, "1"):
        tour.send("PATCH", path, 400, {**body, "metrics": [{**metric, "value": number}]})
    for step in (2**63, -1, 0.5):
        tour.send("PATCH", path, 400, {**body, "metrics": [{**metric, "step": step}]})
    tour.send("PATCH", path, 400, {**body, "executionId": "nothing"})
    tour.send("PATCH", path, 413, {**body, "tags": named * 101})
    for query in (
        f"executionIds={execution},nothing&$select=metrics,tags&tagFilters=n=v&$top=10000",
        f"$filter=executionId in ('{execution}')&$select=*",
    ):
        assert tour.send("GET", path, 200, query=f"?{query}").json()["count"] == 1
    tour.send("GET", path, 400)
    tour.send("GET", path, 400, query=f"?executionIds={execution}&$top=10001")
    tour.send("DELETE", path, 200, query=f"?executionId={execution}")
    tour.send("DELETE", path, 404, query=f"?executionId={execution}")
    tour.send("DELETE", path, 404)


def visit_files(tour: Tour) -> None:
    path = "/lm/dataset/files/{path}"
    data = b"a,b\n1,2\n"
    tour.send("PUT", path, 201, data=data, path="default/data.csv")
    tour.send("PUT", path, 409, data=data, path="default/data.csv")
    tour.send("PUT", path, 201, data=data, query="?overwrite=true", path="default/data.csv")
    tour.send("PUT", path, 400, data=data, path="default/../data.csv")
    tour.send("PUT", path, 400, data=data, path=f"default/{'a' * 300}.csv")
    # the length alone is enough to refuse it, so that nothing has to be sent
    answer = tour.send("PUT", path, 413, data=b" " * (100 * 1024 * 1024 + 1), path="default/b.csv")
    assert answer.headers["Connection"] == "close"
    assert tour.send("GET", path, 200, path="default/data.csv").content == data
    tour.send("DELETE", path, 204, path="default/data.csv")
    for method in ("GET", "DELETE"):
        tour.send(method, path, 404, path="default/data.csv")
        tour.send(method, path, 400, path="default/data.txt")


def visit_tenant(tour: Tour) -> None:
    tour.finds("/lm/meta")
    tour.finds("/admin/tenantInfo")
    kpis = "/analytics/kpis"
    tour.finds(kpis)
    tour.send("GET", kpis, 200, query="?$select=Scenario,Executable,Deployments")
    tour.send("GET", kpis, 400, query="?$select=Costs")
    nodes = "/admin/resources/nodes"
    tour.send("PATCH", nodes, 200, {"resourcePlans": [{"name": "infer.s", "request": 1}]})
    tour.send("PATCH", nodes, 400, {"resourcePlans": [{"name": "infer.s", "request": -1}]})
    tour.finds(nodes)
    tour.finds("/admin/resources/instanceTypes")
    service = {"name": "svc", "url": "https://svc.example", "capabilities": {"logs": {}}}
    tour.client.send("PUT", "/emulator/services", [service], status=200)
    [short] = tour.finds("/admin/services")["resources"]
    assert short == {"name": "svc", "url": service["url"], "status": "PROVISIONED"}
    long = tour.finds("/admin/services/{ServiceName}", ServiceName="svc")
    assert long["capabilities"] == service["capabilities"]
    tour.send("GET", "/admin/services", 400, query="?$top=a")
    tour.lacks("/admin/services/{ServiceName}", "nothing", "GET")
    for noun in (
        "resourceGroups",
        "executables",
        "applications",
        "repositories",
        "secrets",
        "dockerRegistrySecrets",
        "deployments",
    ):
        quota = f"/admin/resourceQuota/{noun}"
        assert "usage" in tour.finds(quota)
        tour.send("GET", quota, 200, query="?quotaOnly=true")
        tour.send("GET", quota, 400, query="?quotaOnly=perhaps")


def test_a_wrong_answer_would_be_seen(tour: Tour) -> None:
    answer = tour.client.send("GET", "/v2/lm/meta", status=200)
    case = tour.document["GET /lm/artifacts"].Case()
    assert "count" in "".join(api_document.problems(case, answer))
    answer.status_code = 404
    assert "Undocumented status code" in "".join(api_document.problems(case, answer))
