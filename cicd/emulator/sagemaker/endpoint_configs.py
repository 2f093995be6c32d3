"""Endpoint configurations: which models serve, on what, and with which share of the requests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from cicd.emulator.sagemaker.account import NOTHING, Call, describe
from cicd.emulator.sagemaker.errors import invalid
from cicd.emulator.sagemaker.listing import listing
from cicd.emulator.sagemaker.nouns import ENDPOINT_CONFIG, MODEL

VOLUME = 30
"""Gigabytes of a variant whose maker wants no other number; a guess."""


def create(call: Call) -> Mapping[str, Any]:
    """Keep a configuration whose models are there."""
    production = call.body["ProductionVariants"]
    shadows = call.body.get("ShadowProductionVariants", [])
    if shadows and (len(production) > 1 or len(shadows) > 1):
        raise invalid("One shadow variant is supported, beside one production variant.")
    counted = Counter(variant["VariantName"] for variant in [*production, *shadows])
    if twice := [name for name, count in counted.items() if count > 1]:
        raise invalid(f"Duplicate variant name {twice[0]}: names must be unique.")
    for variant in [*production, *shadows]:
        _check(call, variant)
    if not sum(variant.get("InitialVariantWeight", 1) for variant in production):
        raise invalid("At least one production variant must have a weight above 0.")
    kept = {"ProductionVariants": [*map(_completed, production)]}
    if shadows:
        kept["ShadowProductionVariants"] = [*map(_completed, shadows)]
    return call.add(ENDPOINT_CONFIG, **{"EnableNetworkIsolation": False, **call.body, **kept})


def _check(call: Call, variant: Mapping[str, Any]) -> None:
    """Refuse a variant that cannot be served."""
    name = variant["VariantName"]
    if "ModelName" not in variant:
        raise invalid(
            f"Variant {name}: ModelName must be given: this emulator has no inference components."
        )
    call.find(MODEL, variant["ModelName"])
    serverless, instance = variant.get("ServerlessConfig"), variant.get("InstanceType")
    if bool(serverless) == bool(instance):
        raise invalid(f"Variant {name}: give either InstanceType or ServerlessConfig.")
    if instance and "InitialInstanceCount" not in variant:
        raise invalid(f"Variant {name}: InitialInstanceCount must be given with InstanceType.")
    if not serverless:
        return
    if "InitialInstanceCount" in variant:
        raise invalid(f"Variant {name}: InitialInstanceCount is not for serverless variants.")
    if serverless["MemorySizeInMB"] % 1024:
        raise invalid(f"Variant {name}: MemorySizeInMB must be a multiple of 1024.")
    if serverless.get("ProvisionedConcurrency", 0) > serverless["MaxConcurrency"]:
        raise invalid(f"Variant {name}: ProvisionedConcurrency is above MaxConcurrency.")
    if "DataCaptureConfig" in call.body:
        raise invalid("DataCaptureConfig is not supported for serverless variants.")


def _completed(variant: Mapping[str, Any]) -> dict[str, Any]:
    """A variant with what AWS adds to it."""
    added: dict[str, Any] = {"InitialVariantWeight": 1.0}
    if "InstanceType" in variant:
        added["VolumeSizeInGB"] = VOLUME
    return {**added, **variant}


def delete(call: Call) -> Mapping[str, Any]:
    """Forget a configuration, also one that an endpoint has: nothing refuses that."""
    call.find(ENDPOINT_CONFIG)
    call.account.things.remove(ENDPOINT_CONFIG.kind, str(call.body[ENDPOINT_CONFIG.name]))
    return NOTHING


OPERATIONS = {
    "CreateEndpointConfig": create,
    "DescribeEndpointConfig": describe(ENDPOINT_CONFIG),
    "ListEndpointConfigs": listing(ENDPOINT_CONFIG),
    "DeleteEndpointConfig": delete,
}
