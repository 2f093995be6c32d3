"""Executions and deployments: their life, what it admits, paging, filters, outputs, bulk."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.emulator.emulator_client import (
    Client,
    commit,
    onboard,
    synced,
    template_files,
    wait_for,
)

EXECUTIONS, DEPLOYMENTS = "/v2/lm/executions", "/v2/lm/deployments"


def test_an_execution_completes_and_shows_its_output(ready: Client) -> None:
    execution = ready.execute()
    shown = ready.wait(f"{EXECUTIONS}/{execution}", "COMPLETED")
    assert shown["targetStatus"] == "COMPLETED"
    assert shown["completionTime"] >= shown["startTime"] >= shown["submissionTime"]
    [output] = shown["outputArtifacts"]
    assert output["url"] == f"ai://default/{execution}/model"
    assert (output["name"], output["kind"]) == ("churn-model", "model")
    assert output["description"] == "the model"
    assert output["labels"] == [{"key": "ext.ai.sap.com/from", "value": "test"}]
    assert output["executionId"] == execution
    assert output["scenarioId"] == "churn"
    assert ready.get(f"/v2/lm/artifacts/{output['id']}") == output
    assert ready.world.objects.path("default", output["url"]).read_text() == "weights"


def test_a_failed_execution_is_dead_and_says_why(ready: Client) -> None:
    execution = ready.execute("fail")
    shown = ready.wait(f"{EXECUTIONS}/{execution}", "DEAD")
    assert shown["statusMessage"] == "exit code 1"
    assert shown["statusDetails"] == {"details": [{"container_name": "main", "exit_code": 1}]}
    status = ready.get(f"{EXECUTIONS}/{execution}?$select=status")
    assert set(status) == {
        "id",
        "configurationId",
        "status",
        "createdAt",
        "modifiedAt",
        "statusDetails",
    }


def test_stop_then_delete(ready: Client) -> None:
    execution = ready.execute("hang")
    path = f"{EXECUTIONS}/{execution}"
    ready.wait(path, "RUNNING")
    refused = ready.send("DELETE", path, status=412).json()["error"]
    assert refused["code"] == "01010076"
    assert "RUNNING" in refused["message"]
    ready.send("PATCH", path, {"targetStatus": "STOPPED"}, status=202)
    assert ready.wait(path, "STOPPED")["targetStatus"] == "STOPPED"
    ready.send("PATCH", path, {"targetStatus": "STOPPED"}, status=412)
    ready.send("DELETE", path, status=202)
    wait_for(lambda: ready.send("GET", path).status_code, lambda status: status == 404)
    assert not (ready.world.store.rows("SELECT * FROM logs WHERE run_id = ?", (execution,)))


def test_what_the_run_gets(ready: Client) -> None:
    secret = {"name": "login", "data": {"api_key": "a2V5"}}
    ready.send("POST", "/v2/admin/secrets", secret, status=200)
    stand_ins = {
        "images": {"local/train": {"mounts": {"/app": "/srv"}, "env": {"A": "b"}}},
        "artifacts": {"ai://default/d": "/host/data"},
        "root": "/srv/repository",
        "workdir": "/app/src",
    }
    ready.send("PUT", "/emulator/stand-ins", stand_ins, status=200)
    execution = ready.execute()
    ready.wait(f"{EXECUTIONS}/{execution}", "COMPLETED")
    job = ready.runner.jobs[execution]
    assert job.parameters == {"mode": "complete", "rounds": "3"}
    assert {name: str(path) for name, path in job.inputs.items()} == {"data": "/host/data"}
    assert job.secrets == {
        "login": {"api_key": "key"},
        "default-object-store-secret": ready.world.credentials.s3_login,
    }
    assert job.images["local/train:1"].mounts == {"/app": "/srv"}
    assert job.images["other:2"].files == {"/app/src": "/srv/repository"}
    assert job.environment["AICORE_EXECUTION_ID"] == execution
    assert job.environment["AICORE_TRACKING_ENDPOINT"].startswith(f"{ready.url}/tracking/")
    assert job.template["metadata"]["name"] == "train"


def test_lists_page_filter_and_count(ready: Client) -> None:
    configuration = ready.configuration("train")
    body = {"configurationId": configuration}
    ids = [ready.send("POST", EXECUTIONS, body).json()["id"] for _ in range(5)]
    ready.wait(f"{EXECUTIONS}/{ids[-1]}", "COMPLETED")
    other = ready.execute("fail")
    ready.wait(f"{EXECUTIONS}/{other}", "DEAD")

    def listed(query: str) -> list[str]:
        return [item["id"] for item in ready.get(f"{EXECUTIONS}?{query}")["resources"]]

    assert listed("") == [*ids, other]
    assert listed("$top=2&$skip=3") == ids[3:5]
    assert listed("top=2&skip=3") == ids[3:5]
    assert listed(f"configurationId={configuration}") == ids
    assert listed("status=DEAD") == [other]
    assert listed("executableIds=nothing,serve") == []
    assert listed("executableIds=train") == [*ids, other]
    assert listed("scenarioId=other") == []
    assert ready.get(f"{EXECUTIONS}?$top=2")["count"] == 2
    assert ready.send("GET", f"{EXECUTIONS}/$count?status=COMPLETED", status=200).text == "5"
    elsewhere = {"AI-Resource-Group": "team"}
    ready.send("POST", "/v2/admin/resourceGroups", {"resourceGroupId": "team"}, status=202)
    assert ready.send("GET", EXECUTIONS, headers=elsewhere).json()["count"] == 0
    ready.send("GET", f"{EXECUTIONS}/{other}", headers=elsewhere, status=404)


@pytest.mark.parametrize(
    "query",
    ["$top=-1", "$top=100001", "$top=x", "$skip=-1", "status=LOST", "$select=all", "top=1.5"],
)
def test_a_wrong_query_is_refused(shared: Client, query: str) -> None:
    error = shared.send("GET", f"{EXECUTIONS}?{query}", status=400).json()["error"]
    assert error["requestId"]
    assert error["target"] == EXECUTIONS


def test_a_deployment_serves_and_is_updated_under_the_same_url(ready: Client) -> None:
    deployment = ready.deploy()
    path = f"{DEPLOYMENTS}/{deployment}"
    first = ready.wait(path, "RUNNING")
    assert first["deploymentUrl"] == f"{ready.url}/v2/inference/deployments/{deployment}"
    assert first["latestRunningConfigurationId"] == first["configurationId"]
    assert (first["targetStatus"], first["lastOperation"]) == ("RUNNING", "CREATE")

    slow = ready.configuration("serve", greeting="slow")
    ready.send("PATCH", path, {"configurationId": slow}, status=202)
    pending = ready.get(path)
    assert (pending["status"], pending["lastOperation"]) == ("PENDING", "UPDATE")
    assert pending["configurationId"] == slow
    assert pending["latestRunningConfigurationId"] == first["configurationId"]
    assert pending["deploymentUrl"] == first["deploymentUrl"]

    good = ready.configuration("serve", greeting="servus")
    ready.send("PATCH", path, {"configurationId": good}, status=202)
    after = ready.wait(path, "RUNNING")
    assert after["latestRunningConfigurationId"] == good
    assert ready.get(f"/v2/inference/deployments/{deployment}/v1/x")["revision"] == 3


def test_a_broken_update_can_be_rolled_back(ready: Client) -> None:
    deployment = ready.deploy()
    path = f"{DEPLOYMENTS}/{deployment}"
    good = ready.wait(path, "RUNNING")["configurationId"]
    broken = ready.configuration("serve", greeting="broken")
    ready.send("PATCH", path, {"configurationId": broken}, status=202)
    dead = ready.wait(path, "DEAD")
    assert dead["latestRunningConfigurationId"] == good
    ready.send("PATCH", path, {"configurationId": good}, status=202)
    back = ready.wait(path, "RUNNING")
    assert back["configurationId"] == good
    assert "statusMessage" not in back


def test_what_an_update_may_not_do(ready: Client) -> None:
    deployment = ready.deploy()
    path = f"{DEPLOYMENTS}/{deployment}"
    present = ready.wait(path, "RUNNING")["configurationId"]
    other = ready.configuration("train")
    ready.send("PATCH", path, {"configurationId": present}, status=400)
    ready.send("PATCH", path, {"configurationId": other}, status=400)
    ready.send("PATCH", path, {"configurationId": "gone-gone"}, status=400)
    ready.send("PATCH", path, {"targetStatus": "RUNNING"}, status=400)
    both = {"targetStatus": "STOPPED", "configurationId": other}
    ready.send("PATCH", path, both, status=400)
    ready.send("PATCH", path, {"targetStatus": "STOPPED"}, status=202)
    assert ready.wait(path, "STOPPED")["deploymentUrl"] == ""
    new = ready.configuration("serve", greeting="late")
    ready.send("PATCH", path, {"configurationId": new}, status=412)


@pytest.mark.parametrize("ttl", ["5m", "9M", "x", "10", "1,", 10, "10s"])
def test_a_wrong_ttl_is_refused(shared_ready: Client, ttl: object) -> None:
    body = {"configurationId": shared_ready.configuration("serve"), "ttl": ttl}
    shared_ready.send("POST", DEPLOYMENTS, body, status=400)
    assert shared_ready.get(DEPLOYMENTS)["count"] == 0


def test_executables_are_for_their_kind_only(ready: Client) -> None:
    serving, training = ready.configuration("serve"), ready.configuration("train")
    ready.send("POST", EXECUTIONS, {"configurationId": serving}, status=400)
    ready.send("POST", DEPLOYMENTS, {"configurationId": training}, status=400)
    ready.send("POST", EXECUTIONS, {}, status=400)


def test_bulk_changes_have_one_result_each(ready: Client) -> None:
    hanging, done = ready.execute("hang"), ready.execute()
    ready.wait(f"{EXECUTIONS}/{hanging}", "RUNNING")
    ready.wait(f"{EXECUTIONS}/{done}", "COMPLETED")
    items = [
        {"id": hanging, "targetStatus": "STOPPED"},
        {"id": done, "targetStatus": "STOPPED"},
    ]
    results = ready.send("PATCH", EXECUTIONS, {"executions": items}, status=202).json()
    assert results["executions"][0]["message"] == "Execution modification scheduled"
    assert results["executions"][1]["error"]["code"] == "01010076"
    ready.send("PATCH", EXECUTIONS, {"executions": items[:1] * 2}, status=400)
    ready.send("PATCH", EXECUTIONS, {"executions": []}, status=400)


def test_a_deleted_resource_group_takes_everything_with_it(ready: Client) -> None:
    ready.group = "team-a"
    ready.send("POST", "/v2/admin/resourceGroups", {"resourceGroupId": "team-a"}, status=202)
    execution = ready.execute("hang")
    ready.wait(f"{EXECUTIONS}/{execution}", "RUNNING")
    ready.send("DELETE", "/v2/admin/resourceGroups/team-a", status=202)
    assert ready.send("GET", EXECUTIONS, status=403).text == "RBAC: access denied"
    assert ready.world.store.rows("SELECT * FROM runs") == []
    ready.group = "default"
    ready.send("DELETE", "/v2/admin/resourceGroups/default", status=400)


PULL = "/v2/admin/dockerRegistrySecrets"
PULLING = {
    "execution": (
        "  entrypoint: main\n",
        "  entrypoint: main\n  imagePullSecrets: [{name: NAME}]\n",
    ),
    "deployment": (
        "      predictor:\n",
        "      predictor:\n        imagePullSecrets: [{name: NAME}]\n",
    ),
}
FILES = {"execution": "templates/train.yaml", "deployment": "templates/serve.yaml"}
GIVEN = {
    "execution": "{{workflow.parameters.rounds}}",
    "deployment": "{{inputs.parameters.greeting}}",
}


@pytest.mark.parametrize("kind", PULLING)
@pytest.mark.parametrize("is_given", [False, True], ids=["written", "given"])
def test_what_names_a_pull_secret_that_nobody_made_is_dead_and_says_so(
    client: Client, tmp_path: Path, kind: str, is_given: bool
) -> None:
    """By a parameter too; and once it is there the next one starts."""
    name = {"execution": "often", "deployment": "hello"}[kind] if is_given else "no-such"
    before, after = PULLING[kind]
    text = template_files()[FILES[kind]]
    assert before in text
    changed = text.replace(before, after.replace("NAME", f'"{GIVEN[kind]}"' if is_given else name))
    changed = changed.replace('value: "3"', "value: often")
    commit(tmp_path / "repository", {**template_files(), FILES[kind]: changed})
    onboard(client, tmp_path / "repository")
    synced(client)
    start = {"execution": client.execute, "deployment": client.deploy}[kind]
    path = f"/v2/lm/{kind}s/{start()}"
    shown = client.wait(path, "DEAD")
    says = f'imagePullSecrets[*].name is invalid: there is no docker registry secret "{name}"'
    assert says in shown["statusMessage"]
    [line] = client.get(f"{path}/logs")["data"]["result"]
    assert says in line["msg"]
    body = {"name": name, "data": {".dockerconfigjson": '{"auths": {}}'}}
    client.send("POST", PULL, body, status=202)
    client.wait(f"/v2/lm/{kind}s/{start()}", "COMPLETED", "RUNNING")


def test_a_pull_secret_may_be_stood_in_for(client: Client, tmp_path: Path) -> None:
    before, after = PULLING["execution"]
    text = template_files()[FILES["execution"]].replace(before, after.replace("NAME", "theirs"))
    commit(tmp_path / "repository", {**template_files(), FILES["execution"]: text})
    onboard(client, tmp_path / "repository")
    synced(client)
    client.send("PUT", "/emulator/stand-ins", {"secrets": ["theirs"]}, status=200)
    client.wait(f"{EXECUTIONS}/{client.execute()}", "COMPLETED")
    client.send("PUT", "/emulator/stand-ins", {"secrets": "theirs"}, status=400)


def test_what_a_template_calls_optional_or_gives_itself_need_not_be_bound(
    client: Client, tmp_path: Path
) -> None:
    text = template_files()[FILES["execution"]]
    for before, after in (
        ("      - name: data\n", "      - {name: data, optional: true}\n"),
        ("{name: data, path: /data}", "{name: data, path: /data, optional: true}"),
        (
            "      - name: mode\n",
            "      - {name: mode, valueFrom: {supplied: {}, default: complete}}\n",
        ),
    ):
        assert before in text
        text = text.replace(before, after)
    commit(tmp_path / "repository", {**template_files(), FILES["execution"]: text})
    onboard(client, tmp_path / "repository")
    status = synced(client)
    assert status["syncStatus"] == "Synced", status
    body = {"name": "bare", "scenarioId": "churn", "executableId": "train"}
    made = client.send("POST", "/v2/lm/configurations", body, status=201).json()["id"]
    run = client.send("POST", EXECUTIONS, {"configurationId": made}, status=202).json()["id"]
    client.wait(f"{EXECUTIONS}/{run}", "COMPLETED")
