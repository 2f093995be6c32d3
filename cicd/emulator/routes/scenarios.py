"""/v2/lm/scenarios: scenarios, executables and versions, all read from synced templates."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from cicd.emulator import templates
from cicd.emulator.errors import not_found
from cicd.emulator.store import Row
from cicd.emulator.web import Call, Operation, Reply

PATH = "/v2/lm/scenarios"


def query(call: Call) -> Reply:
    rows = call.world.store.rows("SELECT * FROM executables ORDER BY created_at, id")
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row["scenario_id"], []).append(row)
    return everything([show_scenario(group) for group in groups.values()])


def get(call: Call) -> Reply:
    return Reply(show_scenario(executables(call)))


def query_executables(call: Call) -> Reply:
    version = call.option("versionId")
    rows = [row for row in executables(call) if version in (None, row["version_id"])]
    return everything([show_executable(row) for row in rows])


def get_executable(call: Call) -> Reply:
    row = call.world.executable(call.path["scenario"], call.path["id"])
    if row is None:
        raise not_found("Executable", call.path["id"])
    return Reply(show_executable(row))


def query_versions(call: Call) -> Reply:
    """The versions that the scenario's executables are in."""
    rows = executables(call)
    versions = dict.fromkeys(row["version_id"] for row in rows)
    shown = []
    for version in versions:
        mine = [row for row in rows if row["version_id"] == version]
        shown.append({"id": version, "scenarioId": call.path["scenario"], **times(mine)})
    return everything(shown)


def query_models(call: Call) -> Reply:
    """Models exist in the scenarios that the platform itself provides; there are none here."""
    return everything([])


def executables(call: Call) -> list[Row]:
    """The executables of the scenario in the path; 404 when it has none, so does not exist."""
    scenario = call.path["scenario"]
    rows = call.world.store.rows(
        "SELECT * FROM executables WHERE scenario_id = ? ORDER BY created_at, id", (scenario,)
    )
    if not rows:
        raise not_found("Scenario", scenario)
    return rows


def show_scenario(rows: list[Row]) -> dict[str, Any]:
    """A scenario, described by the first of its executables."""
    metadata = json.loads(rows[0]["document"])["metadata"]
    annotations = metadata["annotations"]
    description = annotations.get(templates.SCENARIO_DESCRIPTION)
    return {
        "id": rows[0]["scenario_id"],
        "name": annotations[templates.SCENARIO_NAME],
        **({"description": description} if description else {}),
        "labels": [],
        **times(rows),
    }


def show_executable(row: Row) -> dict[str, Any]:
    return {
        **json.loads(row["summary"]),
        "createdAt": row["created_at"],
        "modifiedAt": row["modified_at"],
    }


def times(rows: list[Row]) -> dict[str, str]:
    return {
        "createdAt": min(row["created_at"] for row in rows),
        "modifiedAt": max(row["modified_at"] for row in rows),
    }


def everything(items: Iterable[Any]) -> Reply:
    """These lists have no pages."""
    found = list(items)
    return Reply({"count": len(found), "resources": found})


OPERATIONS = (
    Operation("GET", PATH, query),
    Operation("GET", f"{PATH}/{{scenario}}", get),
    Operation("GET", f"{PATH}/{{scenario}}/executables", query_executables),
    Operation("GET", f"{PATH}/{{scenario}}/executables/{{id}}", get_executable),
    Operation("GET", f"{PATH}/{{scenario}}/versions", query_versions),
    Operation("GET", f"{PATH}/{{scenario}}/models", query_models),
)
