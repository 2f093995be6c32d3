"""The desired resources that adapter tests share, and a platform connected to the stub server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from cicd.model import Key, LiveResource, Resource, Stage, State, Status
from cicd.platforms import registry
from cicd.platforms.base import Platform
from tests.platforms.stub_server import StubServer

GROUP = Resource(Key("resource_group", "rg"), {"name": "rg"})
ARTIFACT = Resource(
    Key("artifact", "data"),
    {"name": "Data", "kind": "dataset", "url": "ai://default/x", "scenario_id": "s"},
)
CONFIGURATION = Resource(
    Key("configuration", "train"),
    {
        "name": "Training",
        "scenario_id": "s",
        "executable_id": "x",
        "parameter_bindings": {"my_param": "1"},
        "input_artifact_bindings": {"in": "a1"},
    },
)
RUN_SPEC = {
    "configuration": "c1",
    "configuration_name": "Training",
    "scenario_id": "s",
    "executable_id": "x",
}
EXECUTION = Resource(Key("execution", "train"), {**RUN_SPEC, "inputs": "abc"})
DEPLOYMENT = Resource(Key("deployment", "serve"), {**RUN_SPEC, "ttl": "24h"})
APPLICATION = Resource(
    Key("application", "app"),
    {
        "name": "app",
        "repository": "https://h/r",
        "path": "templates",
        "revision": "main",
        "commit": "b" * 40,
        "executables": {"x": {"scenario_id": "s", "version": "1"}},
    },
)
DESTINATION = Resource(Key("destination", "D"), {"name": "D", "url": "http://x/d1"})
LIVE_RUN = {"id": "r1", "configurationId": "c1", "executableId": "x", "scenarioId": "s"}


def stage(**changes: Any) -> Stage:
    values: dict[str, Any] = {
        "name": "dev",
        "file": "stages/dev.yaml",
        "root": "/",
        "platform": "aicore",
        "target": {"resource_group": "rg"},
        "branch": None,
        "resources": (DESTINATION,),
    }
    return Stage(**{**values, **changes})


def environ(url: str) -> dict[str, str]:
    names = {"BASE_URL": url, "AUTH_URL": url, "CLIENT_ID": "me", "CLIENT_SECRET": "s3cret"}
    return {f"{p}_{n}": v for p in ("AICORE", "DESTINATION") for n, v in names.items()}


def live(kind: str, id: str = "r1", **spec: Any) -> LiveResource:
    status = Status(State.RUNNING, "RUNNING")
    return LiveResource(Key(kind, id), id, spec, status, {"id": id})


def group(status: str) -> dict[str, str]:
    return {"resourceGroupId": "rg", "status": status, "createdAt": "2026-01-01T00:00:00Z"}


@contextmanager
def connected(stub: StubServer) -> Iterator[Platform]:
    """A platform that talks to the stub."""
    platform = registry.connect(stage(), environ(stub.url))
    try:
        yield platform
    finally:
        platform.close()
