"""The refusal of one instance too many, where a fault rule wants it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cicd.emulator.sagemaker.account import Account
from cicd.emulator.sagemaker.errors import Refused
from cicd.emulator.sagemaker.nouns import ENDPOINT_CONFIG

USED_FOR = {
    "CreateTrainingJob": "training job usage",
    "CreateTransformJob": "transform job usage",
    "CreateProcessingJob": "processing job usage",
    "CreateEndpoint": "endpoint usage",
}


def exceeded(account: Account, operation: str, body: Mapping[str, Any]) -> Refused:
    """As AWS says that the account has too many of what a request asks for."""
    limit, unit = f"{operation.removeprefix('Create')}s", "Utilization"
    if operation in USED_FOR:
        source = body
        if operation == "CreateEndpoint":
            name = str(body[ENDPOINT_CONFIG.name])
            source = account.things.get(ENDPOINT_CONFIG.kind, name) or {}
        instance = next(_instances(source), "ml.m5.large")
        limit, unit = f"{instance} for {USED_FOR[operation]}", "Instances"
    text = (
        f"The account-level service limit '{limit}' is 0 {unit}, with current utilization of 0 "
        f"{unit} and a request delta of 1 {unit}. Please use AWS Service Quotas to request an "
        "increase for this quota. If AWS Service Quotas is not available, contact AWS support to "
        "request an increase for this quota."
    )
    return Refused("ResourceLimitExceeded", text)


def _instances(value: Any) -> Iterator[str]:
    """Every type of instance in a request."""
    if isinstance(value, dict):
        if isinstance(value.get("InstanceType"), str):
            yield value["InstanceType"]
        value = list(value.values())
    for item in value if isinstance(value, list) else ():
        yield from _instances(item)
