"""/v2/admin/resourceQuota, and setting the quotas of the emulator."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from cicd.emulator.api.web import ApiCall, Operation, Reply
from cicd.emulator.state import quotas

PATH = "/v2/admin/resourceQuota"
ITSELF = "/emulator/quotas"
COMMON = ("resourceGroups", "repositories", "applications", "dockerRegistrySecrets")
REPLICAS = 10


def common(call: ApiCall, noun: str) -> Reply:
    """Count and maximum of one noun."""
    return answer(
        call,
        {"quota": {"maxCount": quotas.read(call.world.store)[noun]}},
        lambda: {"count": quotas.usage(call.world.store, noun)},
    )


def secrets(call: ApiCall) -> Reply:
    """Of the secrets that are replicated to all groups, or of the tenant's own."""
    is_wide = call.headers.get("ai-resource-group") == "*"
    return common(call, "tenantWideSecrets" if is_wide else "tenantSecrets")


def executables(call: ApiCall) -> Reply:
    """Both sorts of templates."""
    store = call.world.store
    most = quotas.read(store)
    maxima = {f"{kind}TemplateMaxCount": most[f"{kind}Templates"] for kind in KINDS}
    return answer(
        call,
        {"quota": maxima},
        lambda: {f"{kind}TemplateCount": quotas.usage(store, f"{kind}Templates") for kind in KINDS},
    )


KINDS = ("serving", "workflow")


def deployments(call: ApiCall) -> Reply:
    """By resource plan; there is one plan here: this machine."""
    maximum = quotas.read(call.world.store)["deployments"]
    quota = {"maxCount": maximum, "maxReplicaPerDeployment": REPLICAS}
    plan = {"resourcePlanType": "local", "deploymentQuota": quota}
    return answer(call, {"quotas": [plan]}, lambda: deployed(call))


def deployed(call: ApiCall) -> dict[str, Any]:
    """The deployments of all groups that hold resources."""
    rows = call.world.store.rows(
        "SELECT id FROM runs WHERE kind = 'deployment' "
        "AND status NOT IN ('STOPPED', 'DEAD', 'COMPLETED') ORDER BY number"
    )
    items = [
        {"id": row["id"], "resourcePlanType": "local", "configuredMaxReplicas": 1} for row in rows
    ]
    return {"count": len(items), "items": items}


def answer(call: ApiCall, quota: dict[str, Any], usage: Callable[[], dict[str, Any]]) -> Reply:
    """The quota, with its usage unless only the quota is asked for."""
    return Reply(quota if call.flag("quotaOnly") else {"usage": usage(), **quota})


def read_own(call: ApiCall) -> Reply:
    """What is set, defaults included."""
    return Reply(quotas.read(call.world.store))


def write_own(call: ApiCall) -> Reply:
    """Replace what is set; groups that still wait are provisioned anew."""
    quotas.write(call.world.store, quotas.check(call.body))
    sql = "SELECT id FROM resource_groups WHERE status = 'PROVISIONING'"
    for row in call.world.store.rows(sql):
        call.world.dispatcher.provision(row["id"])
    return read_own(call)


OPERATIONS = (
    *(
        Operation("quota.list", "GET", f"{PATH}/{noun}", partial(common, noun=noun), "aicore")
        for noun in COMMON
    ),
    Operation("quota.list", "GET", f"{PATH}/secrets", secrets, "aicore"),
    Operation("quota.list", "GET", f"{PATH}/executables", executables, "aicore"),
    Operation("quota.list", "GET", f"{PATH}/deployments", deployments, "aicore"),
    Operation("quota.list", "GET", ITSELF, read_own, "aicore"),
    Operation("quota.update", "PUT", ITSELF, write_own, "aicore"),
)
