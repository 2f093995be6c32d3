"""/v2/lm/artifacts"""

from __future__ import annotations

import json
import uuid
from typing import Any

from cicd.emulator import timestamps
from cicd.emulator.api import limits
from cicd.emulator.api.lm.scenarios import expansion
from cicd.emulator.api.selection import Selection, paged
from cicd.emulator.api.web import ApiCall, Operation, Reply
from cicd.emulator.errors import not_found
from cicd.emulator.state.store import Row

PATH = "/v2/lm/artifacts"
KINDS = ("model", "dataset", "resultset", "other")


def create(call: ApiCall) -> Reply:
    """Register an artifact; whether anything is at its url is nobody's business yet."""
    body = call.body
    artifact_id = str(uuid.uuid4())
    url = limits.required(body, "url", limits.ARTIFACT_URL)
    values = (
        artifact_id,
        call.group,
        limits.required(body, "name", limits.NAME),
        limits.one_of(body.get("kind"), "kind", KINDS),
        url,
        limits.required(body, "scenarioId", limits.ID),
        limits.optional(body, "description", limits.DESCRIPTION),
        json.dumps(limits.labels(body)),
        timestamps.now(),
    )
    call.world.store.write(
        "INSERT INTO artifacts (id, resource_group, name, kind, url, scenario_id, description, "
        "labels, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        values,
    )
    where = f"{PATH}/{artifact_id}"
    answer = {"id": artifact_id, "message": "Artifact acknowledged", "url": url}
    return Reply(answer, 201, {"Location": where, "Content-Location": where})


def query(call: ApiCall) -> Reply:
    expand = expansion(call)
    return paged(call, select(call), lambda rows: [expand(show(row)) for row in rows])


def count(call: ApiCall) -> Reply:
    return Reply(str(select(call).count()))


def get(call: ApiCall) -> Reply:
    expand = expansion(call)
    row = call.world.store.row(
        "SELECT * FROM artifacts WHERE id = ? AND resource_group = ?",
        (call.path["id"], call.group),
    )
    if row is None:
        raise not_found("Artifact", call.path["id"])
    return Reply(expand(show(row)))


def select(call: ApiCall) -> Selection:
    """The artifacts of the group that pass every filter of the query, oldest first."""
    kind = call.option("kind")
    if kind is not None:
        limits.one_of(kind, "kind", KINDS)
    name = call.option("name")
    found = Selection(call, "artifacts").equal(
        name=None if name is None else limits.check(name, "name", limits.NAME),
        kind=kind,
        scenario_id=call.identifier("scenarioId"),
        execution_id=call.identifier("executionId"),
    )
    found.search(call, "name", "description")
    return found.labels(call, "artifactLabelSelector", most=10)


def show(row: Row) -> dict[str, Any]:
    """An artifact as the API shows it."""
    shown = {
        "id": row["id"],
        "name": row["name"],
        "kind": row["kind"],
        "url": row["url"],
        "scenarioId": row["scenario_id"],
        "description": row["description"],
        "labels": limits.as_pairs(json.loads(row["labels"])),
        "executionId": row["execution_id"],
        "configurationId": row["configuration_id"],
        "createdAt": row["created_at"],
        "modifiedAt": row["created_at"],
    }
    return {key: value for key, value in shown.items() if value is not None}


OPERATIONS = (
    Operation("artifact.create", "POST", PATH, create),
    Operation("artifact.list", "GET", PATH, query),
    Operation("artifact.count", "GET", f"{PATH}/$count", count),
    Operation("artifact.get", "GET", f"{PATH}/{{id}}", get, names=limits.ID),
)
