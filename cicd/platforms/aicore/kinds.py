"""The kinds of resource of SAP AI Core, as data (DESIGN.md section 5)."""

from __future__ import annotations

from cicd.model import Kind, State

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        # Deleting a group deletes everything in it, also what other stages and people made there.
        # apply deletes one only where destroy planned it: its own, with nothing else in it.
        Kind("resource_group", partial=frozenset({"labels"}), wait_for="PROVISIONED"),
        Kind("node_reservation"),
        Kind(
            "repository",
            identity=("url",),
            computed=frozenset({"name"}),
            write_only=frozenset({"username", "password"}),
            wait_for="COMPLETED",
        ),
        Kind("docker_registry_secret", is_secret=True),
        Kind("generic_secret", identity=("name", "scope"), is_secret=True),
        Kind("object_store_secret", is_secret=True),
        Kind("application", partial=frozenset({"executables"}), wait_for="Synced"),
        Kind("artifact", identity=(), updatable=False, deletable=False, role="content"),
        Kind("configuration", identity=(), updatable=False, deletable=False, role="content"),
        Kind(
            "execution",
            identity=("configuration",),
            is_run=True,
            updatable=False,
            prunable=True,
            log=True,
            role="run",
        ),
        Kind("schedule", prunable=True),
        Kind(
            "deployment",
            identity=("configuration_name", "scenario_id", "executable_id"),
            succession=("scenario_id", "executable_id"),
            immutable={
                "executable_id": "a deployment stays with its executable",
                "scenario_id": "a deployment stays with its scenario",
                "ttl": "a deployment's ttl is fixed when it is created",
            },
            updatable_in=frozenset({State.RUNNING, State.PENDING, State.UNKNOWN}),
            prunable=True,
            verify=("configuration",),
            log=True,
            role="service",
        ),
        Kind("destination", role="pointer"),
    )
}
