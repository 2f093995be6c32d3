"""/v2/lm/executionSchedules"""

from __future__ import annotations

import sqlite3
import uuid
from typing import Any

from cicd.emulator import timestamps
from cicd.emulator.api import limits
from cicd.emulator.api.lm import runs
from cicd.emulator.api.web import ApiCall, Operation, Reply, listing
from cicd.emulator.errors import invalid, not_found
from cicd.emulator.runs import scheduling
from cicd.emulator.state.store import Row

PATH = "/v2/lm/executionSchedules"
STATUSES = ("ACTIVE", "INACTIVE")
NAME = limits.Text(maximum=256)
CRON = limits.Text(maximum=256)


def create(call: ApiCall) -> Reply:
    """A new active schedule; it starts now unless told otherwise."""
    name = limits.required(call.body, "name", NAME)
    cron = scheduling.check_cron(limits.required(call.body, "cron", CRON))
    configuration_id = wanted_configuration(call)
    now = call.world.clock.stamp()
    start, end = time_of(call, "start") or now, time_of(call, "end")
    check_times(call, start, end, "ACTIVE")
    schedule_id = str(uuid.uuid4())
    call.world.store.write(
        "INSERT INTO schedules (id, resource_group, name, configuration_id, cron, starts_at, "
        "ends_at, status, created_at, modified_at) VALUES (?, ?, ?, ?, ?, ?, ?, 'ACTIVE', ?, ?)",
        (schedule_id, call.group, name, configuration_id, cron, start, end, now, now),
    )
    answer = {"id": schedule_id, "message": "Execution Schedule created"}
    return Reply(answer, 202, {"Location": f"{PATH}/{schedule_id}"})


def wanted_configuration(call: ApiCall) -> str:
    """The id of a configuration that an execution could be started of now; 400 for others."""
    configuration = runs.wanted_configuration(call)
    call.world.starter.wanted("execution", configuration)
    return str(configuration["id"])


def time_of(call: ApiCall, field: str) -> str | None:
    """A time of the body in whole seconds of UTC; 400 when it is none."""
    text = limits.optional(call.body, field, limits.Text(maximum=64))
    if text is None:
        return None
    try:
        return timestamps.in_seconds(timestamps.parse_ns(text))
    except ValueError:
        raise invalid(f"{field} {text!r} is not an RFC 3339 date and time") from None


def check_times(call: ApiCall, start: str, end: str | None, status: str) -> None:
    """The end comes after the start, and for an active schedule lies ahead; else 400."""
    if end is not None and end <= start:
        raise invalid(f"end {end} is not after start {start}")
    if status == "ACTIVE" and scheduling.has_ended(end, call.world.clock.now()):
        raise invalid(f"end {end} lies in the past")


def query(call: ApiCall) -> Reply:
    return listing(call, select(call), show)


def count(call: ApiCall) -> Reply:
    return Reply(str(len(select(call))))


def get(call: ApiCall) -> Reply:
    return Reply(show(find(call)))


def select(call: ApiCall) -> list[Row]:
    """The schedules of the group that pass every filter of the query, oldest first."""
    configuration_id, status = call.identifier("configurationId"), call.option("status")
    if status is not None:
        limits.one_of(status, "status", STATUSES)
    rows = call.world.store.rows(
        "SELECT * FROM schedules WHERE resource_group = ? ORDER BY number", (call.group,)
    )
    return [
        row
        for row in rows
        if configuration_id in (None, row["configuration_id"]) and status in (None, row["status"])
    ]


def find(call: ApiCall) -> sqlite3.Row:
    """The schedule of the path; 404 when the group has none such."""
    row = call.world.store.row(
        "SELECT * FROM schedules WHERE id = ? AND resource_group = ?",
        (call.path["id"], call.group),
    )
    if row is None:
        raise not_found("Execution Schedule", call.path["id"])
    return row


def patch(call: ApiCall) -> Reply:
    """Change, pause or resume it; its name stays."""
    if "name" in call.body:
        raise invalid("the name of an execution schedule cannot be changed")
    with call.world.store.transaction() as db:
        row, body = find(call), call.body
        cron = limits.optional(body, "cron", CRON)
        status = limits.one_of(body.get("status") or row["status"], "status", STATUSES)
        configuration_id = row["configuration_id"]
        if body.get("configurationId") is not None:
            configuration_id = wanted_configuration(call)
        start = time_of(call, "start") or row["starts_at"]
        end = time_of(call, "end") or row["ends_at"]
        # what is over is not resumed; an active one may be given an end that has come
        check_times(call, start, end, body.get("status") or "INACTIVE")
        if scheduling.has_ended(end, call.world.clock.now()):
            status = "INACTIVE"
        values = (
            scheduling.check_cron(cron) if cron is not None else row["cron"],
            configuration_id,
            start,
            end,
            status,
            call.world.clock.stamp(),
            row["id"],
        )
        db.execute(
            "UPDATE schedules SET cron = ?, configuration_id = ?, starts_at = ?, ends_at = ?, "
            "status = ?, modified_at = ? WHERE id = ?",
            values,
        )
    return Reply({"id": row["id"], "message": "Execution Schedule modified"}, 202)


def delete(call: ApiCall) -> Reply:
    """Forget it, active or not; its executions stay."""
    row = find(call)
    call.world.store.write("DELETE FROM schedules WHERE id = ?", (row["id"],))
    return Reply({"id": row["id"], "message": "Execution Schedule deleted"}, 202)


def show(row: Row) -> dict[str, Any]:
    """A schedule as the API shows it."""
    shown = {
        "id": row["id"],
        "name": row["name"],
        "configurationId": row["configuration_id"],
        "cron": row["cron"],
        "start": row["starts_at"],
        "end": row["ends_at"],
        "status": row["status"],
        "createdAt": row["created_at"],
        "modifiedAt": row["modified_at"],
    }
    return {key: value for key, value in shown.items() if value is not None}


OPERATIONS = (
    Operation("schedule.create", "POST", PATH, create),
    Operation("schedule.list", "GET", PATH, query),
    Operation("schedule.count", "GET", f"{PATH}/$count", count),
    Operation("schedule.get", "GET", f"{PATH}/{{id}}", get, names=limits.ID),
    Operation("schedule.update", "PATCH", f"{PATH}/{{id}}", patch, names=limits.ID),
    Operation("schedule.delete", "DELETE", f"{PATH}/{{id}}", delete, names=limits.ID),
)
