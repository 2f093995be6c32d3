"""Endpoint configurations: what is sent, and what comes back, in the words of a stage file. Pure.

The models of variants stand beside them (``models``), so that planning knows what takes in what;
and so do the shares of those that answer (``weights``), which an endpoint may have otherwise by
now: a configuration is the same with others.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cicd.model import Spec

SHADOW = "shadow"


def request(spec: Spec) -> dict[str, Any]:
    """The input of CreateEndpointConfig but for name and tags."""
    weights = spec["weights"]
    told = {
        name: variant(name, one, str(spec["models"][name]), weights.get(name, one.get("weight")))
        for name, one in spec["variants"].items()
    }
    shadows = {name for name, one in spec["variants"].items() if one.get(SHADOW)}
    found: dict[str, Any] = {
        "ProductionVariants": [one for name, one in told.items() if name not in shadows],
        "ShadowProductionVariants": [one for name, one in told.items() if name in shadows],
        "DataCaptureConfig": capture(spec.get("data_capture") or {}),
        "AsyncInferenceConfig": asynchronous(spec.get("async") or {}),
        "KmsKeyId": spec.get("kms_key"),
    }
    return {name: value for name, value in found.items() if value not in (None, {}, [], "")}


def variant(name: str, told: Mapping[str, Any], model: str, weight: float) -> dict[str, Any]:
    """One variant as it is sent."""
    found: dict[str, Any] = {
        "VariantName": name,
        "ModelName": model,
        "InitialVariantWeight": weight,
    }
    if serverless := told.get("serverless"):
        found["ServerlessConfig"] = {
            "MemorySizeInMB": serverless["memory_mb"],
            "MaxConcurrency": serverless["max_concurrency"],
        }
        if provisioned := serverless.get("provisioned"):
            found["ServerlessConfig"]["ProvisionedConcurrency"] = provisioned
    else:
        found["InstanceType"] = told["instance"]["type"]
        found["InitialInstanceCount"] = told["instance"]["count"]
    if seconds := told.get("startup_timeout"):
        found["ContainerStartupHealthCheckTimeoutInSeconds"] = seconds
    return found


def spec_of(told: Mapping[str, Any]) -> dict[str, Any]:
    """What a description says, but for ``name``: every field, also those that say nothing."""
    production = told.get("ProductionVariants") or []
    shadows = told.get("ShadowProductionVariants") or []
    variants = {str(one["VariantName"]): variant_of(one) for one in production}
    variants |= {str(one["VariantName"]): variant_of(one, is_shadow=True) for one in shadows}
    return {
        "models": {
            str(one["VariantName"]): str(one.get("ModelName", ""))
            for one in [*production, *shadows]
        },
        "variants": variants,
        "weights": {
            str(one["VariantName"]): weight_of(one.get("InitialVariantWeight", 1))
            for one in production
        },
        "data_capture": capture_of(told.get("DataCaptureConfig") or {}),
        "async": asynchronous_of(told.get("AsyncInferenceConfig") or {}),
        "kms_key": told.get("KmsKeyId", ""),
    }


def variant_of(told: Mapping[str, Any], *, is_shadow: bool = False) -> dict[str, Any]:
    """One variant as a stage file says it, without its model; of one that answers also without its
    weight."""
    found: dict[str, Any] = {}
    if is_shadow:
        found = {SHADOW: True, "weight": weight_of(told.get("InitialVariantWeight", 1))}
    if serverless := told.get("ServerlessConfig"):
        found["serverless"] = {
            "memory_mb": serverless["MemorySizeInMB"],
            "max_concurrency": serverless["MaxConcurrency"],
        }
        if provisioned := serverless.get("ProvisionedConcurrency"):
            found["serverless"]["provisioned"] = provisioned
    elif "InstanceType" in told:
        count = told.get("InitialInstanceCount", 1)
        found["instance"] = {"type": told["InstanceType"], "count": count}
    if seconds := told.get("ContainerStartupHealthCheckTimeoutInSeconds"):
        found["startup_timeout"] = seconds
    return found


def weight_of(told: Any) -> float:
    """A weight: AWS has numbers of seven digits, and tells more."""
    return float(f"{float(told):.6g}")


def capture(told: Mapping[str, Any]) -> dict[str, Any]:
    """What is kept of requests and answers, as it is sent."""
    if not told:
        return {}
    modes = [mode.capitalize() for mode in told["of"]]
    return {
        "EnableCapture": True,
        "InitialSamplingPercentage": told["percent"],
        "DestinationS3Uri": told["url"],
        "CaptureOptions": [{"CaptureMode": mode} for mode in modes],
    }


def capture_of(told: Mapping[str, Any]) -> dict[str, Any]:
    """The same as a stage file says it."""
    if not told.get("EnableCapture"):
        return {}
    modes = [str(one["CaptureMode"]).lower() for one in told.get("CaptureOptions", ())]
    return {
        "url": told.get("DestinationS3Uri", ""),
        "percent": told.get("InitialSamplingPercentage"),
        "of": modes,
    }


def asynchronous(told: Mapping[str, Any]) -> dict[str, Any]:
    """Where answers go that nobody waits for, as it is sent."""
    if not told:
        return {}
    topics = {"SuccessTopic": told.get("success_topic"), "ErrorTopic": told.get("error_topic")}
    output: dict[str, Any] = {
        "S3OutputPath": told["url"],
        "S3FailurePath": told.get("failure_url"),
        "NotificationConfig": {name: topic for name, topic in topics.items() if topic},
    }
    found: dict[str, Any] = {
        "OutputConfig": {name: value for name, value in output.items() if value}
    }
    if most := told.get("max_concurrent"):
        found["ClientConfig"] = {"MaxConcurrentInvocationsPerInstance": most}
    return found


def asynchronous_of(told: Mapping[str, Any]) -> dict[str, Any]:
    """The same as a stage file says it."""
    output = told.get("OutputConfig") or {}
    topics = output.get("NotificationConfig") or {}
    found = {
        "url": output.get("S3OutputPath"),
        "failure_url": output.get("S3FailurePath"),
        "success_topic": topics.get("SuccessTopic"),
        "error_topic": topics.get("ErrorTopic"),
        "max_concurrent": (told.get("ClientConfig") or {}).get(
            "MaxConcurrentInvocationsPerInstance"
        ),
    }
    return {name: value for name, value in found.items() if value}
