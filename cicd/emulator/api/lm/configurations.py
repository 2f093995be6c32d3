"""/v2/lm/configurations, and whether one is complete for its executable."""

from __future__ import annotations

import json
import sqlite3
import uuid
from typing import Any

from cicd.emulator import timestamps
from cicd.emulator.api import limits
from cicd.emulator.api.lm.scenarios import expansion
from cicd.emulator.api.selection import Selection, paged
from cicd.emulator.api.web import ApiCall, Operation, Reply
from cicd.emulator.errors import not_found
from cicd.emulator.state.store import Row

PATH = "/v2/lm/configurations"


def create(call: ApiCall) -> Reply:
    """A new configuration, checked against its executable as it is now."""
    body = call.body
    name = limits.required(body, "name", limits.NAME)
    scenario_id = limits.required(body, "scenarioId", limits.ID)
    executable_id = limits.required(body, "executableId", limits.ID)
    parameters = limits.pairs(
        body, "parameterBindings", "value", limits.BINDING_KEY, limits.BINDING_VALUE
    )
    inputs = limits.pairs(
        body, "inputArtifactBindings", "artifactId", limits.BINDING_KEY, limits.ID
    )
    call.world.starter.check_complete(call.group, scenario_id, executable_id, parameters, inputs)
    configuration_id = str(uuid.uuid4())
    call.world.store.write(
        "INSERT INTO configurations (id, resource_group, name, scenario_id, executable_id, "
        "parameters, inputs, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            configuration_id,
            call.group,
            name,
            scenario_id,
            executable_id,
            json.dumps(parameters),
            json.dumps(inputs),
            timestamps.now(),
        ),
    )
    answer = {"id": configuration_id, "message": "Configuration created"}
    return Reply(answer, 201, {"Location": f"{PATH}/{configuration_id}"})


def query(call: ApiCall) -> Reply:
    expand = expansion(call)
    return paged(call, select(call), lambda rows: [expand(show(row)) for row in rows])


def count(call: ApiCall) -> Reply:
    return Reply(str(select(call).count()))


def get(call: ApiCall) -> Reply:
    expand = expansion(call)
    row = find(call, call.path["id"])
    if row is None:
        raise not_found("Configuration", call.path["id"])
    return Reply(expand(show(row)))


def find(call: ApiCall, configuration_id: str) -> sqlite3.Row | None:
    """A configuration of the resource group."""
    return call.world.store.row(
        "SELECT * FROM configurations WHERE id = ? AND resource_group = ?",
        (configuration_id, call.group),
    )


def select(call: ApiCall) -> Selection:
    """The configurations of the group that pass every filter of the query, oldest first."""
    found = Selection(call, "configurations").equal(scenario_id=call.identifier("scenarioId"))
    found.among("executable_id", call.identifiers("executableIds"))
    return found.search(call, "name")


def show(row: Row) -> dict[str, Any]:
    """A configuration as the API shows it."""
    return {
        "id": row["id"],
        "name": row["name"],
        "scenarioId": row["scenario_id"],
        "executableId": row["executable_id"],
        "parameterBindings": limits.as_pairs(json.loads(row["parameters"])),
        "inputArtifactBindings": limits.as_pairs(json.loads(row["inputs"]), "artifactId"),
        "createdAt": row["created_at"],
    }


OPERATIONS = (
    Operation("configuration.create", "POST", PATH, create),
    Operation("configuration.list", "GET", PATH, query),
    Operation("configuration.count", "GET", f"{PATH}/$count", count),
    Operation("configuration.get", "GET", f"{PATH}/{{id}}", get, names=limits.ID),
)
