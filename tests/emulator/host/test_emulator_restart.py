"""A restart loses nothing and goes on with what was running."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from tests.emulator.emulator_client import Client, onboard, running, synced, wait_for

PATHS = (
    "/v2/admin/resourceGroups",
    "/v2/admin/repositories",
    "/v2/admin/applications",
    "/v2/admin/secrets",
    "/v2/lm/scenarios",
    "/v2/lm/scenarios/churn/executables",
    "/v2/lm/artifacts",
    "/v2/lm/configurations",
    "/emulator/stand-ins",
)


def everything(client: Client) -> dict[str, Any]:
    return {path: client.get(path) for path in PATHS}


def test_a_restart_keeps_everything(tmp_path: Path, repository: Path) -> None:
    with running(tmp_path / "data") as client:
        onboard(client, repository)
        synced(client)
        client.send("POST", "/v2/admin/resourceGroups", {"resourceGroupId": "team"}, status=202)
        client.wait("/v2/admin/resourceGroups/team", "PROVISIONED")
        secret = {"name": "s", "data": {"k": base64.b64encode(b"v").decode()}}
        client.send("POST", "/v2/admin/secrets", secret, status=200)
        client.send("PUT", "/emulator/stand-ins", {"root": "/x", "workdir": "/app"}, status=200)
        done, hanging = client.execute(), client.execute("hang")
        client.wait(f"/v2/lm/executions/{done}", "COMPLETED")
        client.wait(f"/v2/lm/executions/{hanging}", "RUNNING")
        deployment, stopped = client.deploy(), client.deploy()
        url = client.wait(f"/v2/lm/deployments/{deployment}", "RUNNING")["deploymentUrl"]
        path = f"/v2/lm/deployments/{stopped}"
        client.wait(path, "RUNNING")
        client.send("PATCH", path, {"targetStatus": "STOPPED"}, status=202)
        client.wait(path, "STOPPED")
        metric = {"executionId": done, "metrics": [{"name": "a", "value": 1}]}
        client.send("PATCH", "/v2/lm/metrics", metric, status=204)
        before = everything(client)
        executions = client.get("/v2/lm/executions")
        logs = client.get(f"/v2/lm/executions/{done}/logs")
        token, job = client.token(), client.runner.jobs[hanging]

    with running(tmp_path / "data") as client:
        assert client.url in url
        assert everything(client) == before
        assert client.get("/v2/lm/executions") == executions
        assert client.get(f"/v2/lm/executions/{done}/logs") == logs
        assert client.get(f"/v2/lm/metrics?executionIds={done}")["count"] == 1
        headers = {"Authorization": f"Bearer {token}"}
        client.send("GET", "/v2/lm/artifacts", headers=headers, status=200)
        shown = client.wait(f"/v2/lm/deployments/{deployment}", "RUNNING")
        assert shown["deploymentUrl"] == url
        # just what had not ended goes on, with the same job as before
        assert sorted(client.runner.started) == sorted([hanging, f"{deployment}/1"])
        assert client.runner.jobs[hanging] == job
        assert client.get(f"/v2/lm/deployments/{stopped}")["status"] == "STOPPED"


def test_wishes_that_were_not_yet_carried_out(tmp_path: Path, repository: Path) -> None:
    with running(tmp_path / "data") as client:
        onboard(client, repository)
        synced(client)
        new, stopping, deleted = (client.execute("hang") for _ in range(3))
        for execution in (new, stopping, deleted):
            client.wait(f"/v2/lm/executions/{execution}", "RUNNING")
        # as if the emulator had been killed right after it wrote the wish down
        write = client.world.store.write
        slow = client.deploy("slow")
        client.wait(f"/v2/lm/deployments/{slow}", "PENDING")
        write("UPDATE runs SET status = 'RUNNING' WHERE id = ?", (slow,))
        write("UPDATE runs SET status = 'UNKNOWN' WHERE id = ?", (new,))
        write("UPDATE runs SET status = 'STOPPING' WHERE id = ?", (stopping,))
        write("UPDATE runs SET target_status = 'DELETED' WHERE id = ?", (deleted,))
        write("INSERT INTO resource_groups VALUES ('half', 'PROVISIONING', '{}', 'x')")
        (tmp_path / "data" / "runs" / "e0000").mkdir()

    with running(tmp_path / "data") as client:
        # what has yet to be started again is not called running
        assert client.get(f"/v2/lm/deployments/{slow}")["status"] == "PENDING"
        client.wait(f"/v2/lm/executions/{new}", "RUNNING")
        client.wait(f"/v2/lm/executions/{stopping}", "STOPPED")
        path = f"/v2/lm/executions/{deleted}"
        wait_for(lambda: client.send("GET", path).status_code, lambda status: status == 404)
        client.wait("/v2/admin/resourceGroups/half", "PROVISIONED")
        assert sorted(client.runner.started) == sorted([new, f"{slow}/1"])
        runs = tmp_path / "data" / "runs"
        wait_for(lambda: {x.name for x in runs.iterdir()}, lambda x: x == {new, stopping, slow})


def test_an_execution_runs_the_template_it_was_made_with(tmp_path: Path, repository: Path) -> None:
    with running(tmp_path / "data") as client:
        onboard(client, repository)
        synced(client)
        execution = client.execute("hang")
        client.wait(f"/v2/lm/executions/{execution}", "RUNNING")
        template = client.runner.jobs[execution].template
        client.send("DELETE", "/v2/admin/applications/app", status=200)
    with running(tmp_path / "data") as client:
        client.wait(f"/v2/lm/executions/{execution}", "RUNNING")
        wait_for(lambda: client.runner.jobs.get(execution), bool)
        assert client.runner.jobs[execution].template == template
