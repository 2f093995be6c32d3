"""/v2/admin/resourceGroups"""

from __future__ import annotations

import json
import re
from functools import partial
from typing import Any

from cicd.emulator import limits, timestamps
from cicd.emulator.errors import ApiError, invalid, not_found
from cicd.emulator.store import Row
from cicd.emulator.web import Call, Operation, Reply, listing

PATH = "/v2/admin/resourceGroups"


def create(call: Call) -> Reply:
    """A new group; an existing one gets the new labels, as on AI Core."""
    group = limits.required(call.body, "resourceGroupId", limits.RESOURCE_GROUP)
    labels = limits.labels(call.body, limits.GROUP_LABEL_KEY)
    call.world.store.write(
        "INSERT INTO resource_groups VALUES (?, 'PROVISIONING', ?, ?) "
        "ON CONFLICT (id) DO UPDATE SET labels = excluded.labels",
        (group, json.dumps(labels), timestamps.now()),
    )
    call.world.dispatcher.provision(group)
    tenant = call.world.credentials.tenant_id
    return Reply({"resourceGroupId": group, "tenantId": tenant, "zoneId": tenant}, 202)


def query(call: Call) -> Reply:
    """All groups, oldest first."""
    rows = call.world.store.rows("SELECT * FROM resource_groups ORDER BY created_at, rowid")
    terms = [parse_term(term) for term in call.options("labelSelector")]
    found = [row for row in rows if fits(json.loads(row["labels"]), terms)]
    return listing(call, found, partial(show, call))


def parse_term(term: str) -> tuple[str, bool, str]:
    """``key=value`` or ``key!=value`` as (key, whether equal, value)."""
    match = re.fullmatch(r"([^ =,!]+)(!?=)([^ =,!]+)", term)
    if not match:
        raise invalid(f"labelSelector {term!r} is not key=value or key!=value")
    return match[1], match[2] == "=", match[3]


def fits(labels: dict[str, str], terms: list[tuple[str, bool, str]]) -> bool:
    return all((labels.get(key) == value) is wanted for key, wanted, value in terms)


def get(call: Call) -> Reply:
    return Reply(show(call, find(call)))


def patch(call: Call) -> Reply:
    """New labels in place of the old ones."""
    group = find(call)["id"]
    labels = limits.labels(call.body, limits.GROUP_LABEL_KEY)
    call.world.store.write(
        "UPDATE resource_groups SET labels = ? WHERE id = ?", (json.dumps(labels), group)
    )
    return Reply(None, 202)


def delete(call: Call) -> Reply:
    """The group with everything in it; what runs there is stopped."""
    group = find(call)["id"]
    if group == "default":
        raise ApiError(400, "Resource group default cannot be deleted", code="01010400")
    with call.world.store.transaction() as db:
        sql = "SELECT kind, id FROM runs WHERE resource_group = ?"
        runs = [(row["kind"], row["id"]) for row in db.execute(sql, (group,))]
        for table, column in BELONGINGS:
            db.execute(
                f"DELETE FROM {table} WHERE {column} IN "  # noqa: S608 - names are ours
                "(SELECT id FROM runs WHERE resource_group = ?)",
                (group,),
            )
        for table in ("runs", "artifacts", "configurations"):
            db.execute(f"DELETE FROM {table} WHERE resource_group = ?", (group,))  # noqa: S608
        db.execute("DELETE FROM secrets WHERE scope = ?", (f"group:{group}",))
        db.execute("DELETE FROM resource_groups WHERE id = ?", (group,))
    call.world.dispatcher.forget_group(group, runs)
    return Reply({"id": group, "message": "Resource Group deletion scheduled"}, 202)


BELONGINGS = (
    ("revisions", "deployment_id"),
    ("nodes", "run_id"),
    ("logs", "run_id"),
    ("tracked", "execution_id"),
    ("metrics", "execution_id"),
    ("remarks", "execution_id"),
)


def find(call: Call) -> Row:
    group = call.path["id"]
    row = call.world.store.row("SELECT * FROM resource_groups WHERE id = ?", (group,))
    if row is None:
        raise not_found("Resource group", group)
    return row


def show(call: Call, row: Row) -> dict[str, Any]:
    tenant = call.world.credentials.tenant_id
    return {
        "resourceGroupId": row["id"],
        "tenantId": tenant,
        "zoneId": tenant,
        "status": row["status"],
        "statusMessage": "All onboarding steps are completed."
        if row["status"] == "PROVISIONED"
        else "",
        "labels": limits.as_pairs(json.loads(row["labels"])),
        "servicePlan": "extended",
        "createdAt": row["created_at"],
    }


OPERATIONS = (
    Operation("POST", PATH, create, "aicore"),
    Operation("GET", PATH, query, "aicore"),
    Operation("GET", f"{PATH}/{{id}}", get, "aicore"),
    Operation("PATCH", f"{PATH}/{{id}}", patch, "aicore"),
    Operation("DELETE", f"{PATH}/{{id}}", delete, "aicore"),
)
