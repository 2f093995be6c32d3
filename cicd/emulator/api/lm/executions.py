"""/v2/lm/executions"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from cicd.emulator.api import limits
from cicd.emulator.api.lm import artifacts, runs
from cicd.emulator.api.selection import paged
from cicd.emulator.api.web import ApiCall, Operation, Reply
from cicd.emulator.state.store import Row

PATH = "/v2/lm/executions"


def create(call: ApiCall) -> Reply:
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


def query(call: ApiCall) -> Reply:
    runs.selects_status(call)

    def show_all(rows: Sequence[Row]) -> list[dict[str, Any]]:
        outputs = outputs_of(call, [row["id"] for row in rows])
        return [show(row, outputs.get(row["id"], [])) for row in rows]

    return paged(call, runs.select(call, "execution"), show_all)


def get(call: ApiCall) -> Reply:
    row = runs.find(call, "execution", call.path["id"])
    if runs.selects_status(call):
        return Reply(runs.show_status(row))
    outputs = outputs_of(call, [row["id"]]).get(row["id"], [])
    return Reply({**show(row, outputs), "statusDetails": json.loads(row["details"])})


def outputs_of(call: ApiCall, ids: Sequence[str]) -> dict[str, list[Row]]:
    """The output artifacts of these executions, by execution."""
    found: dict[str, list[Row]] = {}
    for row in call.world.store.rows(
        "SELECT * FROM artifacts WHERE execution_id IN (SELECT value FROM json_each(?)) "
        "ORDER BY number",
        (json.dumps(ids),),
    ):
        found.setdefault(row["execution_id"], []).append(row)
    return found


def show(row: Row, outputs: list[Row]) -> dict[str, Any]:
    """An execution as the API shows it, with its schedule if one started it."""
    shown = {**runs.show(row), "outputArtifacts": [artifacts.show(output) for output in outputs]}
    if row["schedule_id"]:
        shown["executionScheduleId"] = row["schedule_id"]
    return shown


def patch(call: ApiCall) -> Reply:
    """Stop it: the only target status that can be asked for."""
    limits.one_of(call.body.get("targetStatus"), "targetStatus", ("STOPPED",))
    call.world.runs.stop("execution", call.group, call.path["id"])
    return Reply({"id": call.path["id"], "message": "Execution modification scheduled"}, 202)


OPERATIONS = (
    Operation("execution.create", "POST", PATH, create),
    Operation("execution.list", "GET", PATH, query),
    # before the ids: $count is none
    *runs.operations(PATH, "execution", "Execution deletion scheduled"),
    Operation("execution.get", "GET", f"{PATH}/{{id}}", get, names=limits.ID),
    Operation("execution.update", "PATCH", f"{PATH}/{{id}}", patch, names=limits.ID),
)
