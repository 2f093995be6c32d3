"""/v2/admin/resourceGroups"""

from __future__ import annotations

import json
import re
from functools import partial
from typing import Any
from urllib.parse import urlencode

from cicd.emulator import timestamps
from cicd.emulator.api import limits
from cicd.emulator.api.web import UNBOUNDED, ApiCall, Operation, Reply, label_test, listing
from cicd.emulator.errors import ApiError, not_found
from cicd.emulator.state import quotas
from cicd.emulator.state.store import Row

PATH = "/v2/admin/resourceGroups"
TERM = re.compile("([^ =,!]+)(!?=)([^ =,!]+)")
MESSAGES = {
    "PROVISIONED": "All onboarding steps are completed.",
    "ERROR": "Onboarding failed. Delete the resource group and create it again.",
}


def create(call: ApiCall) -> Reply:
    """A new group; an existing one gets the new labels, as on AI Core."""
    group = limits.required(call.body, "resourceGroupId", limits.RESOURCE_GROUP)
    labels = limits.labels(call.body, limits.GROUP_LABEL_KEY)
    with call.world.store.transaction() as db:
        if not call.world.has_group(group):
            quotas.admit(call.world.store, "resourceGroups")
        db.execute(
            "INSERT INTO resource_groups VALUES (?, 'PROVISIONING', ?, ?) "
            "ON CONFLICT (id) DO UPDATE SET labels = excluded.labels",
            (group, json.dumps(labels), timestamps.now()),
        )
    call.world.dispatcher.provision(group)
    tenant = call.world.credentials.tenant_id
    return Reply({"resourceGroupId": group, "tenantId": tenant, "zoneId": tenant}, 202)


def query(call: ApiCall) -> Reply:
    """All groups, oldest first; in pages where the Prefer header asks for them."""
    rows = call.world.store.rows(
        "SELECT rowid, * FROM resource_groups WHERE rowid > ? ORDER BY rowid", (seen(call),)
    )
    fits = label_test(call, "labelSelector", term=TERM)
    size = re.search(r"\bmaxpagesize=(\d{1,9})\b", call.headers.get("prefer", ""))
    page = rows[: int(size[1]) or 1] if size else rows
    found = [row for row in page if fits(json.loads(row["labels"]))]
    reply = listing(call, found, partial(show, call), most=UNBOUNDED)
    if len(page) == len(rows):
        return reply
    kept = {"labelSelector": call.query["labelSelector"]} if "labelSelector" in call.query else {}
    rest = urlencode({"continueToken": page[-1]["rowid"], **kept}, doseq=True)
    following = f"{call.base_url}{PATH}?{rest}"
    return Reply(reply.body, reply.status, {"Link": f'<{following}>; rel="next"'})


def seen(call: ApiCall) -> int:
    """The last group of the pages before; 410 for a token that was never given out."""
    token = call.option("continueToken") or "0"
    if not re.fullmatch("[0-9]{1,9}", token):
        raise ApiError(410, "ResourceExpired: start again without continueToken", code="01010410")
    return int(token)


def get(call: ApiCall) -> Reply:
    return Reply(show(call, find(call)))


def patch(call: ApiCall) -> Reply:
    """New labels in place of the old ones."""
    group = find(call)["id"]
    labels = limits.labels(call.body, limits.GROUP_LABEL_KEY)
    call.world.store.write(
        "UPDATE resource_groups SET labels = ? WHERE id = ?", (json.dumps(labels), group)
    )
    return Reply(None, 202, {"Location": f"{PATH}/{group}"})


def delete(call: ApiCall) -> Reply:
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
        for table in ("runs", "schedules", "artifacts", "configurations"):
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


def find(call: ApiCall) -> Row:
    group = call.path["id"]
    row = call.world.store.row("SELECT * FROM resource_groups WHERE id = ?", (group,))
    if row is None:
        raise not_found("Resource group", group)
    return row


def show(call: ApiCall, row: Row) -> dict[str, Any]:
    tenant = call.world.credentials.tenant_id
    return {
        "resourceGroupId": row["id"],
        "tenantId": tenant,
        "zoneId": tenant,
        "status": row["status"],
        "statusMessage": MESSAGES.get(row["status"], ""),
        "labels": limits.as_pairs(json.loads(row["labels"])),
        "servicePlan": "extended",
        "createdAt": row["created_at"],
    }


OPERATIONS = (
    Operation("resource_group.create", "POST", PATH, create, "aicore"),
    Operation("resource_group.list", "GET", PATH, query, "aicore"),
    Operation(
        "resource_group.get", "GET", f"{PATH}/{{id}}", get, "aicore", names=limits.RESOURCE_GROUP
    ),
    Operation(
        "resource_group.update",
        "PATCH",
        f"{PATH}/{{id}}",
        patch,
        "aicore",
        names=limits.RESOURCE_GROUP,
    ),
    Operation(
        "resource_group.delete",
        "DELETE",
        f"{PATH}/{{id}}",
        delete,
        "aicore",
        names=limits.RESOURCE_GROUP,
    ),
)
