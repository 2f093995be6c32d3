"""/v2/lm/executions"""

from __future__ import annotations

import json
from typing import Any

from cicd.emulator import limits
from cicd.emulator.routes import artifacts, runs
from cicd.emulator.store import Row
from cicd.emulator.web import Call, Operation, Reply, listing

PATH = "/v2/lm/executions"


def create(call: Call) -> Reply:
    execution_id = runs.insert(call, "execution")
    return Reply(
        {
            "id": execution_id,
            "message": "Execution scheduled",
            "status": "UNKNOWN",
            "targetStatus": "COMPLETED",
        },
        202,
        {"Location": f"{PATH}/{execution_id}"},
    )


def query(call: Call) -> Reply:
    runs.selects_status(call)
    rows = runs.select(call, "execution")
    outputs = outputs_by_execution(call)
    return listing(call, rows, lambda row: show(row, outputs.get(row["id"], [])))


def count(call: Call) -> Reply:
    return Reply(str(len(runs.select(call, "execution"))))


def get(call: Call) -> Reply:
    row = runs.find(call, "execution", call.path["id"])
    if runs.selects_status(call):
        return Reply(runs.show_status(row))
    rows = call.world.store.rows(
        "SELECT * FROM artifacts WHERE execution_id = ? ORDER BY number", (row["id"],)
    )
    return Reply({**show(row, rows), "statusDetails": json.loads(row["details"])})


def outputs_by_execution(call: Call) -> dict[str, list[Row]]:
    """Output artifacts of all executions of the group."""
    found: dict[str, list[Row]] = {}
    for row in call.world.store.rows(
        "SELECT * FROM artifacts WHERE resource_group = ? AND execution_id IS NOT NULL "
        "ORDER BY number",
        (call.group,),
    ):
        found.setdefault(row["execution_id"], []).append(row)
    return found


def show(row: Row, outputs: list[Row]) -> dict[str, Any]:
    """An execution as the API shows it, with its schedule if one started it."""
    shown = {**runs.show(row), "outputArtifacts": [artifacts.show(output) for output in outputs]}
    if row["schedule_id"]:
        shown["executionScheduleId"] = row["schedule_id"]
    return shown


def patch(call: Call) -> Reply:
    """Stop it: the only target status that can be asked for."""
    limits.one_of(call.body.get("targetStatus"), "targetStatus", ("STOPPED",))
    runs.stop(call, "execution", call.path["id"])
    return Reply({"id": call.path["id"], "message": "Execution modification scheduled"}, 202)


def delete(call: Call) -> Reply:
    runs.delete(call, "execution", call.path["id"])
    answer = {"id": call.path["id"], "message": "Execution deletion scheduled"}
    return Reply({**answer, "targetStatus": "DELETED"}, 202)


def bulk(call: Call) -> Reply:
    return runs.bulk(call, "execution")


OPERATIONS = (
    Operation("POST", PATH, create),
    Operation("GET", PATH, query),
    Operation("PATCH", PATH, bulk),
    Operation("GET", f"{PATH}/$count", count),
    Operation("GET", f"{PATH}/{{id}}", get, names=limits.ID),
    Operation("PATCH", f"{PATH}/{{id}}", patch, names=limits.ID),
    Operation("DELETE", f"{PATH}/{{id}}", delete, names=limits.ID),
)
