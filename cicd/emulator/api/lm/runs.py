"""What executions and deployments share: creating, listing, stopping, deleting, in bulk too."""

from __future__ import annotations

import json
import sqlite3
import uuid
from collections.abc import Callable
from typing import Any

from cicd.emulator.api import limits
from cicd.emulator.api.selection import Selection
from cicd.emulator.api.web import ApiCall, Operation, Reply
from cicd.emulator.errors import ApiError, invalid, not_found
from cicd.emulator.runs import starting
from cicd.emulator.runs.lifecycle import Kind
from cicd.emulator.state import quotas
from cicd.emulator.state.store import Row

SHOWN = (
    "id, configuration_id, configuration_name, scenario_id, executable_id, status, target_status, "
    "message, created_at, modified_at, submitted_at, started_at, completed_at, last_operation, "
    "running_configuration_id, ttl, schedule_id"
)
"""What a list needs: all but the job, which is large."""
STATUSES = ("PENDING", "RUNNING", "COMPLETED", "DEAD", "STOPPING", "STOPPED", "UNKNOWN")


def insert(call: ApiCall, kind: Kind, *, ttl: str | None = None) -> str:
    """Start a run of the configuration in the body; its id."""
    expires_at = call.world.clock.stamp(limits.ttl_seconds(ttl)) if ttl else None
    configuration = wanted_configuration(call)
    return call.world.starter.start(kind, configuration, ttl=ttl, expires_at=expires_at)


def wanted_configuration(call: ApiCall) -> Row:
    """The configuration that the body names; 400 when the group has none such."""
    configuration_id = limits.required(call.body, "configurationId", limits.ID)
    return call.world.starter.configuration(call.group, configuration_id)


def select(call: ApiCall, kind: Kind) -> Selection:
    """The runs of the group that pass every filter of the query, oldest first."""
    status = call.option("status")
    if status is not None:
        limits.one_of(status, "status", STATUSES)
    found = Selection(call, "runs", SHOWN).equal(
        kind=kind,
        status=status,
        scenario_id=call.identifier("scenarioId"),
        configuration_id=call.identifier("configurationId"),
    )
    if kind == "execution":
        found.equal(schedule_id=call.identifier("executionScheduleId"))
    return found.among("executable_id", call.identifiers("executableIds"))


def find(call: ApiCall, kind: Kind, run_id: str) -> sqlite3.Row:
    """One run; 404 when the group has none such."""
    run = starting.find(call.world.store, kind, call.group, run_id)
    if run is None:
        raise not_found(kind.capitalize(), run_id)
    return run


def bulk(call: ApiCall, kind: Kind) -> Reply:
    """Stop and delete up to a hundred runs; each has its own result."""
    if not quotas.read(call.world.store)["bulkUpdates"]:
        raise invalid("bulk updates are not enabled")
    items = limits.objects(call.body, f"{kind}s", 100)
    ids = [limits.check(item.get("id"), f"{kind}s.id", limits.ID) for item in items]
    if not items or len(set(ids)) != len(ids):
        raise invalid(f"{kind}s must hold 1 to 100 items, each id once")
    wishes: dict[str, tuple[str, Callable[[Kind, str, str], None]]] = {
        "STOPPED": ("modification", call.world.runs.stop),
        "DELETED": ("deletion", call.world.runs.delete),
    }
    for item in items:
        limits.one_of(item.get("targetStatus"), f"{kind}s.targetStatus", tuple(wishes))
    results: list[dict[str, Any]] = []
    for item in items:
        word, action = wishes[item["targetStatus"]]
        try:
            action(kind, call.group, item["id"])
        except ApiError as error:
            results.append({"id": item["id"], "error": refusal(error, f"{kind}s/{item['id']}")})
        else:
            text = f"{kind.capitalize()} {word} scheduled"
            results.append({"id": item["id"], "message": text})
    return Reply({f"{kind}s": results}, 202)


def operations(path: str, kind: Kind, deleted: str) -> tuple[Operation, ...]:
    """What is the same for both kinds; ``deleted`` is the message of a deletion."""

    def count(call: ApiCall) -> Reply:
        return Reply(str(select(call, kind).count()))

    def delete_one(call: ApiCall) -> Reply:
        call.world.runs.delete(kind, call.group, call.path["id"])
        answer = {"id": call.path["id"], "message": deleted, "targetStatus": "DELETED"}
        return Reply(answer, 202)

    return (
        Operation(f"{kind}.bulk", "PATCH", path, lambda call: bulk(call, kind)),
        Operation(f"{kind}.count", "GET", f"{path}/$count", count),
        Operation(f"{kind}.delete", "DELETE", f"{path}/{{id}}", delete_one, names=limits.ID),
    )


def refusal(error: ApiError, target: str) -> dict[str, str]:
    """Why one of many was refused; the Python SDK needs all four."""
    return {
        "code": error.code,
        "message": error.message,
        "requestId": str(uuid.uuid4()),
        "target": f"/v2/lm/{target}",
    }


def show(row: Row) -> dict[str, Any]:
    """What both kinds show. statusMessage and the times only when there are any."""
    optional = {
        "statusMessage": row["message"],
        "submissionTime": row["submitted_at"],
        "startTime": row["started_at"],
        "completionTime": row["completed_at"],
    }
    return {
        "id": row["id"],
        "configurationId": row["configuration_id"],
        "configurationName": row["configuration_name"],
        "scenarioId": row["scenario_id"],
        "executableId": row["executable_id"],
        "status": row["status"],
        "targetStatus": row["target_status"],
        "createdAt": row["created_at"],
        "modifiedAt": row["modified_at"],
        **{key: value for key, value in optional.items() if value},
    }


def show_status(row: Row) -> dict[str, Any]:
    """What ``$select=status`` leaves."""
    keys = ("id", "configurationId", "status", "createdAt", "modifiedAt")
    shown = show(row)
    return {**{key: shown[key] for key in keys}, "statusDetails": json.loads(row["details"])}


def selects_status(call: ApiCall) -> bool:
    """Whether only the status was asked for."""
    selected = call.option("$select")
    if selected is not None:
        limits.one_of(selected, "$select", ("status",))
    return selected is not None
