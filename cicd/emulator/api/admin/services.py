"""/v2/admin/services, and setting them: on AI Core they come from custom resources in Git."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from cicd.emulator.api import limits
from cicd.emulator.api.limits import Text
from cicd.emulator.api.web import ApiCall, Operation, Reply, listing
from cicd.emulator.errors import invalid, not_found

PATH = "/v2/admin/services"
ITSELF = "/emulator/services"
SETTING = "services"
NAME = Text(r"^[a-zA-Z0-9\-_]+$", 32, 1)
STATUSES = ("PROVISIONED", "ERROR", "PROVISIONING", "DEPROVISIONING")
SHORT = ("name", "description", "url", "status", "statusMessage")
LONG: Mapping[str, type] = {
    "brokerSecret": dict,
    "capabilities": dict,
    "serviceCatalog": list,
    "sharedResourceGroupStatus": dict,
}
"""What only a single service shows besides."""


def query(call: ApiCall) -> Reply:
    """The services, in short."""
    return listing(
        call, read(call), lambda found: {key: found[key] for key in SHORT if key in found}
    )


def get(call: ApiCall) -> Reply:
    """One service with everything that was set."""
    name = call.path["name"]
    for found in read(call):
        if found["name"] == name:
            return Reply(found)
    raise not_found("Service", name)


def read(call: ApiCall) -> list[dict[str, Any]]:
    """What is set; none to begin with."""
    row = call.world.store.row("SELECT value FROM settings WHERE key = ?", (SETTING,))
    found: list[dict[str, Any]] = json.loads(row["value"]) if row else []
    return found


def write(call: ApiCall) -> Reply:
    """Replace them by a list; 400 for what is none."""
    services = [check(item) for item in limits.objects({"services": call.json}, "services")]
    call.world.store.write(
        "INSERT OR REPLACE INTO settings VALUES (?, ?)", (SETTING, json.dumps(services))
    )
    return Reply(services)


def check(item: Mapping[str, Any]) -> dict[str, Any]:
    """One service as it is kept; it is PROVISIONED unless it says otherwise."""
    if unknown := set(item) - {*SHORT, *LONG}:
        raise invalid(f"services: unknown field {sorted(unknown)[0]!r}")
    for field in ("description", "url", "statusMessage"):
        limits.optional(item, field, Text())
    for field, kind in LONG.items():
        if not isinstance(item.get(field, kind()), kind):
            raise invalid(f"services: {field} must be {'a list' if kind is list else 'an object'}")
    name = limits.required(item, "name", NAME)
    status = limits.one_of(item.get("status", STATUSES[0]), "services: status", STATUSES)
    kept = {key: value for key, value in item.items() if value is not None}
    return {**kept, "name": name, "status": status}


OPERATIONS = (
    Operation("service.list", "GET", PATH, query, "aicore"),
    Operation("service.get", "GET", f"{PATH}/{{name}}", get, "aicore", names=NAME),
    Operation("service.list", "GET", ITSELF, lambda call: Reply(read(call)), "aicore"),
    Operation("service.update", "PUT", ITSELF, write, "aicore"),
)
