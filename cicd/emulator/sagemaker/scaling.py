"""Application Auto Scaling of the variants of endpoints: targets and policies are kept, and a count
out of their bounds is brought within; how much is asked scales nothing here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from cicd.emulator.sagemaker.account import NOTHING, Account, Call
from cicd.emulator.sagemaker.errors import Refused, invalid
from cicd.emulator.sagemaker.listing import page
from cicd.emulator.sagemaker.nouns import ACCOUNT, ENDPOINT, partition
from cicd.emulator.sagemaker.things import Thing

TARGET, POLICY = "scalable-target", "scaling-policy"
RESOURCE = re.compile(r"endpoint/([^/]+)/variant/([^/]+)")
DIMENSIONS = {
    "sagemaker:variant:DesiredInstanceCount": "CurrentInstanceCount",
    "sagemaker:variant:DesiredProvisionedConcurrency": "CurrentServerlessConfig",
}
"""What is scaled -> the field of a variant that can be."""
ROLE = "aws-service-role/sagemaker.application-autoscaling.amazonaws.com"
LINKED = "AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"
MOST = 50
"""As many as a page has whose caller wants no other number."""


def register(call: Call) -> Mapping[str, Any]:
    """Keep a target, or other bounds of one."""
    body, account = call.body, call.account
    variant = _variant(call)
    known = account.things.get(TARGET, _name(call)) or {}
    bounds = {
        key: body.get(key, known.get(key))
        for key in ("MinCapacity", "MaxCapacity")
        if key in body or key in known
    }
    if len(bounds) < 2:
        raise invalid("MinCapacity and MaxCapacity are required to register a new scalable target")
    if bounds["MinCapacity"] > bounds["MaxCapacity"]:
        raise invalid("Maximum capacity cannot be less than minimum capacity")
    if not bounds["MinCapacity"]:
        raise invalid("Minimum capacity of a variant must be at least 1")
    arn = f"{_arn(call)}:scalable-target/{_name(call)}"
    role = f"arn:{partition(call.region)}:iam::{ACCOUNT}:role/{ROLE}/{LINKED}"
    fields = {"RoleARN": role, "ScalableTargetARN": arn, "CreationTime": account.now()}
    account.things.add(TARGET, _name(call), {**fields, **body, **bounds})
    account.things.put(TARGET, _name(call), **bounds)
    _bring_within(account, _place(call)[0], variant, bounds)
    return {"ScalableTargetARN": arn}


def _variant(call: Call) -> str:
    """The variant that a request is about. Refused where it is not there or cannot be scaled so."""
    endpoint, name = _place(call)
    thing = call.account.things.get(ENDPOINT.kind, endpoint) or {}
    variants = {one["VariantName"]: one for one in thing.get("ProductionVariants") or []}
    if name not in variants:
        raise invalid(f"SageMaker endpoint {endpoint} has no variant {name} that is in service")
    if DIMENSIONS[call.body["ScalableDimension"]] not in variants[name]:
        raise invalid(f"Variant {name} has nothing to scale of {call.body['ScalableDimension']}")
    return name


def _bring_within(account: Account, endpoint: str, variant: str, bounds: Mapping[str, int]) -> None:
    def change(thing: Thing) -> None:
        for one in thing["ProductionVariants"]:
            if one["VariantName"] == variant and "CurrentInstanceCount" in one:
                count = min(bounds["MaxCapacity"], one["CurrentInstanceCount"])
                count = max(bounds["MinCapacity"], count)
                one.update({"CurrentInstanceCount": count, "DesiredInstanceCount": count})

    account.things.change(ENDPOINT.kind, endpoint, change)


def put_policy(call: Call) -> Mapping[str, Any]:
    """Keep how a target is scaled."""
    if call.account.things.get(TARGET, _name(call)) is None:
        raise _missing(call, "No scalable target registered for")
    arn = f"{_arn(call)}:scalingPolicy:{_name(call)}:policyName/{call.body['PolicyName']}"
    alarms = [
        {
            "AlarmName": f"TargetTracking-{call.body['ResourceId']}-Alarm{one}",
            "AlarmARN": f"{arn}:{one}",
        }
        for one in ("High", "Low")
    ]
    fields = {"PolicyARN": arn, "CreationTime": call.account.now(), "Alarms": alarms}
    name = f"{_name(call)}/{call.body['PolicyName']}"
    kept = {"PolicyType": "StepScaling", **call.body}
    if not call.account.things.add(POLICY, name, {**fields, **kept}):
        call.account.things.put(POLICY, name, **kept)
    return {"PolicyARN": arn, "Alarms": alarms}


def describe_targets(call: Call) -> Mapping[str, Any]:
    """A page of the targets."""
    wanted = call.body.get("ResourceIds")
    return _described(call, TARGET, "ScalableTargets", wanted)


def describe_policies(call: Call) -> Mapping[str, Any]:
    """A page of the policies."""
    one = call.body.get("ResourceId")
    names = call.body.get("PolicyNames")
    found = _described(call, POLICY, "ScalingPolicies", [one] if one else None)
    if names:
        kept = [policy for policy in found["ScalingPolicies"] if policy["PolicyName"] in names]
        return {**found, "ScalingPolicies": kept}
    return found


def _described(call: Call, kind: str, field: str, wanted: list[str] | None) -> dict[str, Any]:
    dimension, namespace = call.body.get("ScalableDimension"), call.body["ServiceNamespace"]
    things = [
        thing
        for thing in call.account.things.all([kind])
        if wanted is None or thing["ResourceId"] in wanted
        if dimension in (None, thing["ScalableDimension"])
        and thing["ServiceNamespace"] == namespace
    ]

    def by(thing: Thing) -> tuple[str, str]:
        return thing["ResourceId"], str(thing.get("PolicyARN", thing["ScalableDimension"]))

    shown, more = page(sorted(things, key=by), by, {"MaxResults": MOST, **call.body})
    return {field: list(shown), **more}


def deregister(call: Call) -> Mapping[str, Any]:
    """Forget a target and its policies."""
    if not call.account.things.remove(TARGET, _name(call)):
        raise _missing(call, "No scalable target found for")
    _forget_policies(call.account, _name(call))
    return NOTHING


def delete_policy(call: Call) -> Mapping[str, Any]:
    """Forget a policy."""
    name = f"{_name(call)}/{call.body['PolicyName']}"
    if not call.account.things.remove(POLICY, name):
        raise _missing(call, "No scaling policy found for")
    return NOTHING


def check_update(account: Account, endpoint: Thing, types: Mapping[str, Any]) -> None:
    """Refuse to take what is scaled away, or to another type of instances. ``types``: variant ->
    its type from now on."""
    name = str(endpoint[ENDPOINT.name])
    before = endpoint.get("_types", {})
    scaled = [
        _split(one)[1]
        for one in account.things.all([TARGET], f"endpoint/{name}/")
        if _split(one)[0] == name
    ]
    refused = [one for one in scaled if types.get(one) != before.get(one, types.get(one))]
    if refused:
        raise invalid(
            f'The variant(s) "{refused}" must be deregistered as scalable targets with AWS '
            "Application Auto Scaling before they can be removed or have their instance type "
            "updated."
        )


def forget(account: Account, endpoint: str) -> None:
    """What an endpoint that is gone leaves behind."""
    for target in account.things.all([TARGET], f"endpoint/{endpoint}/"):
        if _split(target)[0] == endpoint:
            name = f"{target['ResourceId']}/{target['ScalableDimension']}"
            account.things.remove(TARGET, name)
            _forget_policies(account, name)


def _forget_policies(account: Account, target: str) -> None:
    for policy in account.things.all([POLICY], f"{target}/"):
        account.things.remove(POLICY, f"{target}/{policy['PolicyName']}")


def _split(target: Mapping[str, Any]) -> tuple[str, str]:
    found = RESOURCE.fullmatch(target["ResourceId"])
    assert found
    return found[1], found[2]


def _place(call: Call) -> tuple[str, str]:
    """Endpoint and variant. Refused for what is neither."""
    found = RESOURCE.fullmatch(call.body["ResourceId"])
    is_ours = call.body["ServiceNamespace"] == "sagemaker"
    if not is_ours or not found or call.body["ScalableDimension"] not in DIMENSIONS:
        raise invalid("Unsupported service namespace, resource type or scalable dimension")
    return found[1], found[2]


def _name(call: Call) -> str:
    _place(call)
    return f"{call.body['ResourceId']}/{call.body['ScalableDimension']}"


def _arn(call: Call) -> str:
    region = call.region
    return f"arn:{partition(region)}:application-autoscaling:{region}:{ACCOUNT}"


def _missing(call: Call, what: str) -> Refused:
    body = call.body
    text = f"{what} service namespace: {body['ServiceNamespace']}, resource ID: "
    text += f"{body['ResourceId']}, scalable dimension: {body['ScalableDimension']}"
    return Refused("ObjectNotFoundException", text)


OPERATIONS = {
    "RegisterScalableTarget": register,
    "DescribeScalableTargets": describe_targets,
    "DeregisterScalableTarget": deregister,
    "PutScalingPolicy": put_policy,
    "DescribeScalingPolicies": describe_policies,
    "DeleteScalingPolicy": delete_policy,
}
