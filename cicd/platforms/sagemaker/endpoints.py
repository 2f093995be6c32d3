"""Endpoints: how traffic moves from one configuration to the next, and what comes back. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cicd.model import Spec
from cicd.platforms.sagemaker.endpoint_configs import weight_of

TRAFFIC = {"all_at_once": "ALL_AT_ONCE", "canary": "CANARY", "linear": "LINEAR"}
MEASURES = {"percent": "CAPACITY_PERCENT", "instances": "INSTANCE_COUNT"}


def spec_of(told: Mapping[str, Any]) -> dict[str, Any]:
    """What a description says, but for ``name``. One that was never up has no variants yet, and
    tells neither weights nor whether it is serverless."""
    found: dict[str, Any] = {"config": told.get("EndpointConfigName", "")}
    if goal := pending_config(told):
        found["pending"] = goal
    if variants := told.get("ProductionVariants"):
        found["weights"] = weights_of(told)
        found["serverless"] = any("CurrentServerlessConfig" in one for one in variants)
    return found


def weights_of(told: Mapping[str, Any]) -> dict[str, float]:
    """The share that each variant which answers has now."""
    return {
        str(one["VariantName"]): weight_of(one.get("CurrentWeight", 1))
        for one in told.get("ProductionVariants") or ()
    }


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
