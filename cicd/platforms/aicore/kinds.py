"""The kinds of resource of SAP AI Core, as data."""

from __future__ import annotations

from cicd.model import Kind, State

EXECUTED = ("scenario_id", "executable_id")
RUN_COLUMNS = {
    "configuration": "",
    "configuration_name": "CONFIGURATION",
    "executable_id": "EXECUTABLE",
    "scenario_id": "SCENARIO",
}
STATE_COLUMNS = {"id": "ID", "status": "STATUS", "managed_by": "KEY", "name": "NAME", "age": "AGE"}
VERSION = ("configuration", "configuration")

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        # Deleting a group deletes everything in it, also what other stages and people made there.
        # apply deletes one only where destroy planned it: its own, with nothing else in it.
        Kind(
            "resource_group",
            partial=frozenset({"labels"}),
            wait_for="PROVISIONED",
            named=True,
            contains=True,
        ),
        Kind("node_reservation", named=True, tenant_wide=True, is_implicit=True),
        Kind(
            "repository",
            identity=("url",),
            computed=frozenset({"name"}),
            write_only=frozenset({"username", "password"}),
            wait_for="COMPLETED",
            named=True,
            tenant_wide=True,
            columns={**STATE_COLUMNS, "url": "URL"},
        ),
        Kind(
            "docker_registry_secret",
            is_secret=True,
            named=True,
            tenant_wide=True,
            is_implicit=True,
        ),
        Kind(
            "generic_secret",
            identity=("name", "scope"),
            is_secret=True,
            named=True,
            tenant_wide=("scope", "resource_group"),
            is_implicit=True,
            columns={**STATE_COLUMNS, "scope": "SCOPE"},
        ),
        Kind("object_store_secret", is_secret=True, named=True, is_implicit=True),
        Kind(
            "application",
            partial=frozenset({"executables"}),
            wait_for="Synced",
            named=True,
            tenant_wide=True,
            takes={"repository": "repository"},
            programs="executables",
            columns={
                **STATE_COLUMNS,
                "path": "PATH",
                "revision": "REVISION",
                "repository": "REPOSITORY",
            },
            told=("repository", "path", "revision"),
        ),
        Kind(
            "artifact",
            identity=(),
            updatable=False,
            deletable=False,
            role="content",
            family=("name", "scenario_id"),
            columns={
                "id": "ID",
                "kind": "KIND",
                "name": "NAME",
                "managed_by": "KEY",
                "age": "AGE",
                "scenario_id": "SCENARIO",
                "execution_id": "EXECUTION",
                "url": "URL",
                "description": "",
            },
            told=("scenario_id", "kind"),
        ),
        Kind(
            "configuration",
            identity=(),
            updatable=False,
            deletable=False,
            role="content",
            family=("name", *EXECUTED),
            takes={"input_artifact_bindings": "artifact"},
            columns={**STATE_COLUMNS, "executable_id": "EXECUTABLE", "scenario_id": "SCENARIO"},
        ),
        Kind(
            "execution",
            identity=("configuration",),
            is_run=True,
            updatable=False,
            prunable=True,
            log=True,
            role="run",
            stoppable=True,
            family=("configuration_name", *EXECUTED),
            scope=EXECUTED,
            version=VERSION,
            columns={
                "id": "ID",
                "status": "STATUS",
                "managed_by": "KEY",
                "age": "AGE",
                "duration": "DURATION",
                **RUN_COLUMNS,
            },
        ),
        Kind(
            "schedule",
            prunable=True,
            family=("name", "configuration_name", *EXECUTED),
            scope=EXECUTED,
            version=VERSION,
            columns={**STATE_COLUMNS, **RUN_COLUMNS, "cron": "CRON", "active": ""},
        ),
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
            stoppable=True,
            family=("configuration_name", *EXECUTED),
            scope=EXECUTED,
            version=VERSION,
            columns={
                "id": "ID",
                "status": "STATUS",
                "managed_by": "KEY",
                "age": "AGE",
                **RUN_COLUMNS,
                "url": "URL",
            },
        ),
        Kind(
            "destination",
            role="pointer",
            named=True,
            columns={**STATE_COLUMNS, "url": "URL", "description": ""},
        ),
    )
}
