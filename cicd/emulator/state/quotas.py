"""What the tenant may have, counted and refused, and how it is set for tests of refusals."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from cicd.emulator.errors import ApiError, invalid
from cicd.emulator.state.store import Store


class Quota(NamedTuple):
    """How many of something a tenant may have, and where those that there are are counted."""

    most: int
    counted: str


QUOTAS: Mapping[str, Quota] = {
    "resourceGroups": Quota(50, "resource_groups"),
    "repositories": Quota(50, "repositories"),
    "applications": Quota(50, "applications"),
    "dockerRegistrySecrets": Quota(50, "secrets WHERE kind = 'docker'"),
    "workflowTemplates": Quota(50, "executables WHERE kind = 'workflow'"),
    "servingTemplates": Quota(50, "executables WHERE kind = 'serving'"),
    "tenantSecrets": Quota(50, "secrets WHERE kind = 'generic' AND scope = 'tenant'"),
    "tenantWideSecrets": Quota(5, "secrets WHERE kind = 'generic' AND scope = '*'"),
    "deployments": Quota(
        1000, "runs WHERE kind = 'deployment' AND status NOT IN ('STOPPED', 'DEAD', 'COMPLETED')"
    ),
}
DEFAULT: Mapping[str, Any] = {
    **{noun: quota.most for noun, quota in QUOTAS.items()},
    "bulkUpdates": True,
    "resourceGroupStatus": {},
}
"""Beside the quotas: whether PATCH takes many runs at once, and name prefix -> the status that
resource groups get in place of PROVISIONED."""
GROUP_STATUSES = ("PROVISIONED", "PROVISIONING", "ERROR")
SETTING = "quotas"


def read(store: Store) -> dict[str, Any]:
    """What is set, with the default for everything that is not."""
    row = store.row("SELECT value FROM settings WHERE key = ?", (SETTING,))
    return {**DEFAULT, **(json.loads(row["value"]) if row else {})}


def write(store: Store, body: Mapping[str, Any]) -> None:
    """Replace what is set by a checked body."""
    store.write("INSERT OR REPLACE INTO settings VALUES (?, ?)", (SETTING, json.dumps(body)))


def check(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """A sent body; 400 for what cannot be set."""
    if unknown := set(body) - set(DEFAULT):
        raise invalid(f"unknown field {sorted(unknown)[0]!r}")
    for noun in QUOTAS.keys() & body.keys():
        if isinstance(body[noun], bool) or not isinstance(body[noun], int) or body[noun] < 0:
            raise invalid(f"{noun} must be a whole number from 0")
    if not isinstance(body.get("bulkUpdates", True), bool):
        raise invalid("bulkUpdates must be true or false")
    statuses = body.get("resourceGroupStatus", {})
    if not isinstance(statuses, dict) or not set(statuses.values()) <= set(GROUP_STATUSES):
        wanted = ", ".join(GROUP_STATUSES)
        raise invalid(f"resourceGroupStatus must map name prefixes to one of {wanted}")
    return body


def usage(store: Store, noun: str) -> int:
    """How many of them there are, as of the last commit."""
    row = store.row(f"SELECT COUNT(*) FROM {QUOTAS[noun].counted}")  # noqa: S608 - all ours
    return int(row[0]) if row else 0


def admit(store: Store, noun: str) -> None:
    """Raise the 400 when one more would be too many. Call it in the transaction that adds it."""
    maximum = read(store)[noun]
    if usage(store, noun) >= maximum:
        text = f"Quota exceeded: at most {maximum} {noun} are allowed for this tenant"
        raise ApiError(400, text, code="01010429")


def group_status(store: Store, group: str) -> str:
    """What a resource group's provisioning ends in; the longest prefix of its name decides."""
    statuses: dict[str, str] = read(store)["resourceGroupStatus"]
    fitting = [prefix for prefix in statuses if group.startswith(prefix)]
    return statuses[max(fitting, key=len)] if fitting else "PROVISIONED"
