"""The BTP Destination service: /destination-configuration/v1, with its own login."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from cicd.emulator.api import limits
from cicd.emulator.api.web import ApiCall, Operation, Reply
from cicd.emulator.errors import ApiError, invalid, not_found

PATH = "/destination-configuration/v1"
LEVELS = ("subaccountDestinations", "instanceDestinations")
NAMES = re.compile(r"Name\s+in\s*\(([^)]*)\)", re.IGNORECASE)


def level_of(call: ApiCall) -> str:
    """Subaccount or instance; any other path is none of the service's."""
    level = call.path["level"]
    if level not in LEVELS:
        raise not_found("Path", level)
    return level


def entries(call: ApiCall) -> list[dict[str, str]]:
    """One entry or a list of entries; all fields are strings."""
    sent = call.json if isinstance(call.json, list) else [call.body]
    for entry in sent:
        if not isinstance(entry, dict) or not all(isinstance(x, str) for x in entry.values()):
            raise invalid("a destination must be an object with string values")
        limits.required(entry, "Name", limits.DESTINATION)
        limits.required(entry, "Type", limits.Text(maximum=50, minimum=1))
    return sent


def create(call: ApiCall) -> Reply:
    """New destinations, all or none; a name that is taken is a 409."""
    level, new = level_of(call), entries(call)
    with call.world.store.transaction() as db:
        for entry in new:
            added = db.execute(
                "INSERT OR IGNORE INTO destinations VALUES (?, ?, ?)",
                (level, entry["Name"], json.dumps(entry)),
            )
            if not added.rowcount:
                text = f"Destination {entry['Name']} already exists"
                raise ApiError(409, text, code="409")
    return Reply(None, 201)


def put(call: ApiCall) -> Reply:
    """Replace whole entries; one that is missing is made."""
    level, new = level_of(call), entries(call)
    with call.world.store.transaction() as db:
        for entry in new:
            db.execute(
                "INSERT INTO destinations VALUES (?, ?, ?) "
                "ON CONFLICT (level, name) DO UPDATE SET body = excluded.body",
                (level, entry["Name"], json.dumps(entry)),
            )
    return Reply({"Count": len(new)})


def query(call: ApiCall) -> Reply:
    """All entries of a level, in clear, as the service gives them to its client."""
    rows = call.world.store.rows(
        "SELECT body FROM destinations WHERE level = ? ORDER BY name", (level_of(call),)
    )
    found = [json.loads(row["body"]) for row in rows]
    if text := call.option("$filter"):
        match = NAMES.fullmatch(text.strip())
        if not match:
            raise invalid("$filter takes Name in ('…', '…')")
        wanted = set(re.findall(r"'([^']*)'", match[1]))
        found = [entry for entry in found if entry["Name"] in wanted]
    size = call.number("$pageSize", limits.MANY, minimum=1)
    start = (call.number("$page", 1, minimum=1) - 1) * size
    return Reply(found[start : start + size])


def get(call: ApiCall) -> Reply:
    return Reply(find(call, level_of(call)))


def lookup(call: ApiCall) -> Reply:
    """What an application gets for a name: the instance's entry, else the subaccount's."""
    for level in reversed(LEVELS):
        try:
            entry = find(call, level)
        except ApiError:
            continue
        owner = {"SubaccountId": call.world.credentials.tenant_id, "InstanceId": None}
        return Reply({"owner": owner, "destinationConfiguration": entry})
    raise not_found("Destination", call.path["name"])


def find(call: ApiCall, level: str) -> Mapping[str, Any]:
    row = call.world.store.row(
        "SELECT body FROM destinations WHERE level = ? AND name = ?", (level, call.path["name"])
    )
    if row is None:
        raise not_found("Destination", call.path["name"])
    entry: Mapping[str, Any] = json.loads(row["body"])
    return entry


def delete(call: ApiCall) -> Reply:
    level = level_of(call)
    find(call, level)
    count = call.world.store.write(
        "DELETE FROM destinations WHERE level = ? AND name = ?", (level, call.path["name"])
    )
    return Reply({"Count": count})


OPERATIONS = (
    Operation("destination.get", "GET", f"{PATH}/destinations/{{name}}", lookup, "destination"),
    Operation("destination.list", "GET", f"{PATH}/{{level}}", query, "destination"),
    Operation("destination.create", "POST", f"{PATH}/{{level}}", create, "destination"),
    Operation("destination.update", "PUT", f"{PATH}/{{level}}", put, "destination"),
    Operation("destination.get", "GET", f"{PATH}/{{level}}/{{name}}", get, "destination"),
    Operation("destination.delete", "DELETE", f"{PATH}/{{level}}/{{name}}", delete, "destination"),
)
