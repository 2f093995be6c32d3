"""Endpoints: how traffic moves from one configuration to the next, and what comes back. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cicd.model import Spec

TRAFFIC = {"all_at_once": "ALL_AT_ONCE", "canary": "CANARY", "linear": "LINEAR"}
MEASURES = {"percent": "CAPACITY_PERCENT", "instances": "INSTANCE_COUNT"}


def spec_of(told: Mapping[str, Any]) -> dict[str, Any]:
    """What a description says, but for ``name``."""
    return {"config": told.get("EndpointConfigName", "")}


def pending_config(told: Mapping[str, Any]) -> str:
    """The configuration that an update which is under way goes to; empty for none."""
    return str((told.get("PendingDeploymentSummary") or {}).get("EndpointConfigName", ""))


def deployment(told: Spec | None) -> dict[str, Any]:
    """How an update moves traffic, as it is sent; empty for AWS's own way."""
    if not told:
        return {}
    found: dict[str, Any] = {}
    wait = told.get("wait", 0)
    bounds = {"MaximumExecutionTimeoutInSeconds": told.get("timeout")}
    bounds = {name: value for name, value in bounds.items() if value}
    if rolling := told.get("rolling"):
        found["RollingUpdatePolicy"] = {
            "MaximumBatchSize": size(rolling),
            "WaitIntervalInSeconds": wait,
            **bounds,
        }
    else:
        kind = told.get("traffic", "all_at_once")
        routing: dict[str, Any] = {"Type": TRAFFIC[kind], "WaitIntervalInSeconds": wait}
        if kind != "all_at_once":
            field = "CanarySize" if kind == "canary" else "LinearStepSize"
            routing[field] = size(told["step"])
        found["BlueGreenUpdatePolicy"] = {
            "TrafficRoutingConfiguration": routing,
            "TerminationWaitInSeconds": told.get("termination_wait", 0),
            **bounds,
        }
    if alarms := told.get("alarms"):
        alarms = [{"AlarmName": name} for name in alarms]
        found["AutoRollbackConfiguration"] = {"Alarms": alarms}
    return found


def size(told: Mapping[str, Any]) -> dict[str, Any]:
    """A part of the instances: ``{percent: 10}`` or ``{instances: 1}``."""
    (measure, value), *_ = [(name, value) for name, value in told.items() if value]
    return {"Type": MEASURES[measure], "Value": value}
