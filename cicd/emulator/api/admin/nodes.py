"""/v2/admin/resources: reserved nodes by resource plan, and what a node of each has."""

from __future__ import annotations

from typing import Any

from cicd.emulator.api import limits
from cicd.emulator.api.web import ApiCall, Operation, Reply
from cicd.emulator.errors import invalid

PATH = "/v2/admin/resources"
MOST = 10
PLANS: dict[str, tuple[str, int, int, float]] = {
    "starter": ("3Gi", 1, 0, 0.25),
    "basic": ("11Gi", 3, 0, 1.0),
    "basic.8x": ("116Gi", 31, 0, 8.0),
    "train.l": ("55Gi", 7, 1, 12.0),
    "infer.s": ("10Gi", 3, 1, 3.0),
    "infer.m": ("26Gi", 7, 1, 4.0),
    "infer.l": ("58Gi", 15, 1, 6.0),
}
"""Memory, CPUs, GPUs, and billing units per hour (those are made up)."""


def query(call: ApiCall) -> Reply:
    """Every plan with the nodes asked for and the nodes there are."""
    rows = call.world.store.rows("SELECT plan, requested, provisioned FROM reservations")
    found = {row["plan"]: row for row in rows}
    shown: dict[str, Any] = {}
    for plan in PLANS:
        row = found.get(plan)
        counts = (row["requested"], row["provisioned"]) if row else (0, 0)
        shown[plan] = {"requested": counts[0], "provisioned": counts[1]}
    return Reply({"resourcePlans": shown})


def patch(call: ApiCall) -> Reply:
    """Ask for so many nodes of the plans named; the others keep theirs."""
    if "resourcePlans" not in call.body:
        raise invalid("resourcePlans is missing")
    wanted: dict[str, int] = {}
    for item in limits.objects(call.body, "resourcePlans"):
        plan = limits.one_of(item.get("name"), "resourcePlans.name", tuple(PLANS))
        count = item.get("request")
        if isinstance(count, bool) or not isinstance(count, int) or not 0 <= count <= MOST:
            raise invalid(f"resourcePlans: request of {plan} must be from 0 to {MOST}")
        if plan in wanted:
            raise invalid(f"resourcePlans has {plan} twice")
        wanted[plan] = count
    with call.world.store.transaction() as db:
        db.executemany(
            "INSERT INTO reservations VALUES (?, ?, 0) "
            "ON CONFLICT (plan) DO UPDATE SET requested = excluded.requested",
            list(wanted.items()),
        )
    call.world.dispatcher.reserve()
    return Reply({"message": "Reserved resources have been set"})


def instance_types(call: ApiCall) -> Reply:
    """What a node of each plan has."""
    names = ("memory", "cpu", "gpu", "billableUnitsPerHour")
    types = {plan: dict(zip(names, values, strict=True)) for plan, values in PLANS.items()}
    return Reply({"instanceTypes": types})


OPERATIONS = (
    Operation("node.list", "GET", f"{PATH}/nodes", query, "aicore"),
    Operation("node.update", "PATCH", f"{PATH}/nodes", patch, "aicore"),
    Operation("instance_type.list", "GET", f"{PATH}/instanceTypes", instance_types, "aicore"),
)
