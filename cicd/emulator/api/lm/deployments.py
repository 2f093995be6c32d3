"""/v2/lm/deployments"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from cicd.emulator.api import limits
from cicd.emulator.api.lm import runs
from cicd.emulator.api.selection import paged
from cicd.emulator.api.web import ApiCall, Operation, Reply
from cicd.emulator.errors import invalid, not_found
from cicd.emulator.git import templates
from cicd.emulator.jobs import Replicas
from cicd.emulator.runs import lifecycle
from cicd.emulator.runs.revisions import new_revision
from cicd.emulator.state.store import Row

PATH = "/v2/lm/deployments"
DOWN = Replicas(minimum=1, maximum=2, running=0)
"""What is shown where nothing runs: KServe's defaults."""


def create(call: ApiCall) -> Reply:
    ttl = call.body.get("ttl")
    if ttl is not None:
        limits.ttl_seconds(ttl)
    deployment_id = runs.insert(call, "deployment", ttl=ttl)
    return Reply(
        {
            "id": deployment_id,
            "message": "Deployment scheduled.",
            "deploymentUrl": "",
            "status": "UNKNOWN",
            "ttl": ttl,
        },
        202,
        {"Location": f"{PATH}/{deployment_id}"},
    )


def query(call: ApiCall) -> Reply:
    runs.selects_status(call)
    found = runs.select(call, "deployment")
    return paged(call, found, lambda rows: [show(call, row) for row in rows])


def get(call: ApiCall) -> Reply:
    row = runs.find(call, "deployment", call.path["id"])
    if runs.selects_status(call):
        return Reply(runs.show_status(row))
    return Reply({**show(call, row), "statusDetails": json.loads(row["details"])})


def show(call: ApiCall, row: Row) -> dict[str, Any]:
    """A deployment as the API shows it. Its url appears when it first serves, and stays."""
    serving = row["running_configuration_id"]
    has_url = row["started_at"] and row["status"] != "STOPPED"
    return {
        **runs.show(row),
        "deploymentUrl": f"{call.base_url}/v2/inference/deployments/{row['id']}" if has_url else "",
        "lastOperation": row["last_operation"],
        **({"latestRunningConfigurationId": serving} if serving else {}),
        "ttl": row["ttl"],
        "details": details(call, row),
    }


def details(call: ApiCall, row: Row) -> dict[str, Any]:
    """What a deployment runs on: replicas of its own, or a model of the platform's, named as the
    configuration names it (so ``latest`` stays ``latest``)."""
    if row["scenario_id"] in templates.PLATFORM_SCENARIOS:
        bound = call.world.serving_parameters(row)
        is_model = "modelName" in bound
        model = {"name": bound.get("modelName"), "version": bound.get("modelVersion")}
        scaling, resources = {}, {"model": model} if is_model else {}
    else:
        found = call.world.runner.replicas(row["id"]) or DOWN
        replicas = {
            "minReplicas": found.minimum,
            "maxReplicas": found.maximum,
            "runningReplicas": found.running,
        }
        scaling, resources = {"predictor": replicas}, {"predictor": {"resourcePlan": "local"}}
    return {"scaling": twice(scaling), "resources": twice(resources)}


def twice(found: Mapping[str, Any]) -> dict[str, Any]:
    """Backend details under both names that the real API gives them."""
    return {"backendDetails": found, "backend_details": found}


def patch(call: ApiCall) -> Reply:
    """Stop it, or give it another configuration under the same url."""
    target, configuration_id = call.body.get("targetStatus"), call.body.get("configurationId")
    if target is not None and configuration_id is not None:
        raise invalid("either targetStatus or configurationId, not both")
    if target is not None:
        limits.one_of(target, "targetStatus", ("STOPPED",))
        call.world.runs.stop("deployment", call.group, call.path["id"])
    elif configuration_id is not None:
        configure(call)
    else:
        runs.find(call, "deployment", call.path["id"])
    return Reply({"id": call.path["id"], "message": "Deployment modification scheduled"}, 202)


def configure(call: ApiCall) -> None:
    """Bring up another configuration of the same executable; the present one serves meanwhile."""
    deployment_id = call.path["id"]
    configuration = runs.wanted_configuration(call)
    # Worked out before the transaction, which must be short: all other requests that write wait for
    # it.
    job = call.world.starter.wanted("deployment", configuration).job
    with call.world.store.transaction() as db:
        sql = "SELECT * FROM runs WHERE id = ? AND kind = 'deployment' AND resource_group = ?"
        run = db.execute(sql, (deployment_id, call.group)).fetchone()
        if run is None:
            raise not_found("Deployment", deployment_id)
        # In the transaction that writes: the status may change between any two statements.
        lifecycle.admit("deployment", deployment_id, run["status"], "configure")
        if run["configuration_id"] == configuration["id"]:
            raise invalid(f"Deployment {deployment_id} already has this configuration")
        for column, word in (("scenario_id", "scenario"), ("executable_id", "executable")):
            if run[column] != configuration[column]:
                raise invalid(f"the new configuration must have the same {word}: {run[column]}")
        new_revision(db, run, configuration["id"], configuration["name"], job)
    # After the transaction: the other thread must find the new revision in the store.
    call.world.dispatcher.start(deployment_id)


OPERATIONS = (
    Operation("deployment.create", "POST", PATH, create),
    Operation("deployment.list", "GET", PATH, query),
    # before the ids: $count is none
    *runs.operations(PATH, "deployment", "Deletion scheduled"),
    Operation("deployment.get", "GET", f"{PATH}/{{id}}", get, names=limits.ID),
    Operation("deployment.update", "PATCH", f"{PATH}/{{id}}", patch, names=limits.ID),
)
