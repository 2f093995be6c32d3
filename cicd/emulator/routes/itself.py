"""What the emulator says of itself: health, stand-ins for images and artifacts, capabilities."""

from __future__ import annotations

import json
import os
from importlib.metadata import PackageNotFoundError, version

from cicd.emulator import limits, standins
from cicd.emulator.web import Call, Operation, Reply


def health(call: Call) -> Reply:
    """Version and process id; needs no token."""
    return Reply({"status": "UP", "version": own_version(), "pid": os.getpid()})


def own_version() -> str:
    """The installed version of cicd."""
    try:
        return version("aicore-cicd")
    except PackageNotFoundError:
        return "0"


def read_stand_ins(call: Call) -> Reply:
    """How images and artifacts are stood in for in the resource group."""
    return Reply(call.world.stand_ins(group_of(call)))


def write_stand_ins(call: Call) -> Reply:
    """Replace them. The group need not exist yet: apply --local sends this first."""
    group = group_of(call)
    body = standins.check(call.body)
    call.world.store.write(
        "INSERT INTO stand_ins VALUES (?, ?) "
        "ON CONFLICT (resource_group) DO UPDATE SET body = excluded.body",
        (group, json.dumps(body)),
    )
    return Reply(body)


def group_of(call: Call) -> str:
    return limits.check(call.group, "AI-Resource-Group", limits.RESOURCE_GROUP)


def meta(call: Call) -> Reply:
    """Capabilities and limits."""
    return Reply(
        {
            "runtimeIdentifier": "aicore",
            "runtimeApiVersion": "2.42.0",
            "description": "SAP AI Core emulator of cicd",
            "aiApi": {
                "version": "2.42.0",
                "capabilities": {
                    "multitenant": True,
                    "shareable": True,
                    "staticDeployments": False,
                    "userDeployments": True,
                    "userExecutions": True,
                    "timeToLiveDeployments": True,
                    "executionSchedules": False,
                    "logs": {"executions": True, "deployments": True},
                    "bulkUpdates": {"executions": True, "deployments": True},
                },
                "limits": {
                    "executions": {"maxRunningCount": -1},
                    "deployments": {"maxRunningCount": -1},
                    "timeToLiveDeployments": {"minimum": "10m", "maximum": "-1"},
                },
            },
            "extensions": {
                "resourceGroups": {"version": "1.0.0"},
                "metrics": {"version": "1.0.0", "capabilities": {"extendedResults": False}},
            },
        }
    )


OPERATIONS = (
    Operation("GET", "/emulator/health", health, "none"),
    Operation("GET", "/emulator/stand-ins", read_stand_ins, "aicore"),
    Operation("PUT", "/emulator/stand-ins", write_stand_ins, "aicore"),
    Operation("GET", "/v2/lm/meta", meta, "aicore"),
)
