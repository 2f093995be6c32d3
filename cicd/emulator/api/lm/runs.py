"""What executions and deployments share: creating, listing, stopping, deleting, in bulk too."""

from __future__ import annotations

import json
import secrets
import sqlite3
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from cicd.emulator import timestamps
from cicd.emulator.api import limits
from cicd.emulator.api.lm import configurations
from cicd.emulator.api.selection import Selection
from cicd.emulator.api.web import Call, Operation, Reply
from cicd.emulator.errors import ApiError, invalid, not_found
from cicd.emulator.runs import lifecycle
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


def insert(
    call: Call, kind: Kind, *, ttl: str | None = None, schedule_id: str | None = None
) -> str:
    """Store a new run of the configuration in the body and hand it over; its id.

    Template, stand-ins and bindings are kept as they are now: later changes do not reach this run.
    """
    configuration = wanted_configuration(call)
    job = make_job(call, kind, configuration)
    run_id = kind[0] + secrets.token_hex(8)[:15]
    now = timestamps.now()
    with call.world.store.transaction() as db:
        if kind == "deployment":
            quotas.admit(call.world.store, "deployments")
        db.execute(
            "INSERT INTO runs (id, kind, resource_group, configuration_id, configuration_name, "
            "scenario_id, executable_id, status, target_status, created_at, modified_at, token, "
            "job, ttl, expires_at, schedule_id) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, 'UNKNOWN', ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                run_id,
                kind,
                call.group,
                configuration["id"],
                configuration["name"],
                configuration["scenario_id"],
                configuration["executable_id"],
                "COMPLETED" if kind == "execution" else "RUNNING",
                now,
                now,
                secrets.token_urlsafe(24),
                json.dumps(job),
                ttl,
                call.world.clock.stamp(limits.ttl_seconds(ttl)) if ttl else None,
                schedule_id,
            ),
        )
        db.execute("INSERT INTO revisions VALUES (?, 1, ?)", (run_id, configuration["id"]))
    call.world.dispatcher.start(run_id)
    return run_id


def wanted_configuration(call: Call) -> sqlite3.Row:
    """The configuration that the body names; 400 when the group has none such."""
    configuration_id = limits.required(call.body, "configurationId", limits.ID)
    found = configurations.find(call, configuration_id)
    if found is None:
        raise invalid(f"Configuration {configuration_id} not found")
    return found


def make_job(call: Call, kind: Kind, configuration: Row) -> dict[str, Any]:
    """Everything a run needs but secrets, from the executable and stand-ins as they are now."""
    parameters, inputs = (
        json.loads(configuration["parameters"]),
        json.loads(configuration["inputs"]),
    )
    executable = configurations.check_complete(
        call, configuration["scenario_id"], configuration["executable_id"], parameters, inputs
    )
    if (executable["kind"] == "serving") != (kind == "deployment"):
        raise invalid(f"executable {executable['id']} is not for {kind}s")
    summary = json.loads(executable["summary"])
    defaults = {
        item["name"]: item["default"] for item in summary["parameters"] if "default" in item
    }
    stand_ins = call.world.stand_ins(call.group)
    declared = {item["name"] for item in summary["inputArtifacts"]}
    return {
        "template": json.loads(executable["document"]),
        "parameters": {**defaults, **parameters},
        "inputs": {
            name: checked_url(call, artifact_id, stand_ins["artifacts"])
            for name, artifact_id in inputs.items()
            if name in declared
        },
        "stand_ins": stand_ins,
    }


def checked_url(call: Call, artifact_id: str, artifacts: Mapping[str, str]) -> str:
    """The url of an artifact, if something here can be at it; 400 otherwise."""
    row = call.world.store.row("SELECT url FROM artifacts WHERE id = ?", (artifact_id,))
    url = str(row["url"]) if row else ""
    if url in artifacts:
        return url
    try:
        call.world.objects.path(call.group, url)
    except ValueError as error:
        raise invalid(
            f"artifact {artifact_id}: {error}; the emulator stores ai:// urls, others need an "
            "entry in local.artifacts of the stage file"
        ) from None
    return url


def select(call: Call, kind: Kind) -> Selection:
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


def find(call: Call, kind: Kind, run_id: str) -> sqlite3.Row:
    """One run; 404 when the group has none such."""
    run = call.world.run(kind, call.group, run_id)
    if run is None:
        raise not_found(kind.capitalize(), run_id)
    return run


def stop(call: Call, kind: Kind, run_id: str) -> None:
    """Ask a run to stop; 412 when its status does not admit that."""
    change(call, kind, run_id, "stop", "status = 'STOPPING', target_status = 'STOPPED'")
    call.world.dispatcher.stop(run_id)


def delete(call: Call, kind: Kind, run_id: str) -> None:
    """Ask for a run to be forgotten; 412 when its status does not admit that."""
    change(call, kind, run_id, "delete", "target_status = 'DELETED', last_operation = 'DELETE'")
    call.world.dispatcher.delete(run_id)


def change(call: Call, kind: Kind, run_id: str, wish: lifecycle.Wish, assignment: str) -> None:
    """Write a wish down if the status admits it at this very moment."""
    with call.world.store.transaction() as db:
        sql = "SELECT status FROM runs WHERE id = ? AND kind = ? AND resource_group = ?"
        row = db.execute(sql, (run_id, kind, call.group)).fetchone()
        if row is None:
            raise not_found(kind.capitalize(), run_id)
        lifecycle.admit(kind, run_id, row["status"], wish)
        db.execute(
            f"UPDATE runs SET {assignment}, modified_at = ? WHERE id = ?",  # noqa: S608
            (timestamps.now(), run_id),
        )


def bulk(call: Call, kind: Kind) -> Reply:
    """Stop and delete up to a hundred runs; each has its own result."""
    if not quotas.read(call.world.store)["bulkUpdates"]:
        raise invalid("bulk updates are not enabled")
    items = limits.objects(call.body, f"{kind}s", 100)
    ids = [limits.check(item.get("id"), f"{kind}s.id", limits.ID) for item in items]
    if not items or len(set(ids)) != len(ids):
        raise invalid(f"{kind}s must hold 1 to 100 items, each id once")
    wishes: dict[str, tuple[str, Callable[[Call, Kind, str], None]]] = {
        "STOPPED": ("modification", stop),
        "DELETED": ("deletion", delete),
    }
    for item in items:
        limits.one_of(item.get("targetStatus"), f"{kind}s.targetStatus", tuple(wishes))
    results: list[dict[str, Any]] = []
    for item in items:
        word, action = wishes[item["targetStatus"]]
        try:
            action(call, kind, item["id"])
        except ApiError as error:
            results.append({"id": item["id"], "error": refusal(error, f"{kind}s/{item['id']}")})
        else:
            text = f"{kind.capitalize()} {word} scheduled"
            results.append({"id": item["id"], "message": text})
    return Reply({f"{kind}s": results}, 202)


def operations(path: str, kind: Kind, deleted: str) -> tuple[Operation, ...]:
    """What is the same for both kinds; ``deleted`` is the message of a deletion."""

    def count(call: Call) -> Reply:
        return Reply(str(select(call, kind).count()))

    def delete_one(call: Call) -> Reply:
        delete(call, kind, call.path["id"])
        answer = {"id": call.path["id"], "message": deleted, "targetStatus": "DELETED"}
        return Reply(answer, 202)

    return (
        Operation("PATCH", path, lambda call: bulk(call, kind)),
        Operation("GET", f"{path}/$count", count),
        Operation("DELETE", f"{path}/{{id}}", delete_one, names=limits.ID),
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


def selects_status(call: Call) -> bool:
    """Whether only the status was asked for."""
    selected = call.option("$select")
    if selected is not None:
        limits.one_of(selected, "$select", ("status",))
    return selected is not None
