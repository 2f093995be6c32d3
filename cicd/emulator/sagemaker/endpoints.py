"""Endpoints: made, moved to another configuration, weighted anew, deleted."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping
from functools import partial
from typing import Any

from cicd.emulator.sagemaker import fleets, scaling
from cicd.emulator.sagemaker.account import NOTHING, Account, Call, describe
from cicd.emulator.sagemaker.errors import invalid
from cicd.emulator.sagemaker.jobs import LONGEST_REASON
from cicd.emulator.sagemaker.listing import listing
from cicd.emulator.sagemaker.models import containers_of
from cicd.emulator.sagemaker.nouns import ENDPOINT, ENDPOINT_CONFIG, MODEL
from cicd.emulator.sagemaker.storage import DataError
from cicd.emulator.sagemaker.things import Thing
from cicd.emulator.sagemaker.workers import Closing

STATUS = ENDPOINT.status
DELETABLE = frozenset({"InService", "Failed", "OutOfService", "UpdateRollbackFailed"})
UPDATABLE = frozenset({"InService", "UpdateRollbackFailed"})
DESIRED = {"DesiredWeight": "CurrentWeight", "DesiredInstanceCount": "CurrentInstanceCount"}
"""What is wanted of a variant -> how it is."""


def create(call: Call) -> Mapping[str, Any]:
    """Begin an endpoint; it answers once every container does."""
    config = call.find(ENDPOINT_CONFIG, call.body[ENDPOINT_CONFIG.name])
    started = {STATUS: "Creating", "_goal": config, "_revision": 1, "_fleet": []}
    answer = call.add(ENDPOINT, **started)
    _start(call.account, str(call.body[ENDPOINT.name]))
    return answer


def update(call: Call) -> Mapping[str, Any]:
    """Begin to move to another configuration; requests are answered all the while."""
    config = call.find(ENDPOINT_CONFIG, call.body[ENDPOINT_CONFIG.name])
    account, name, now = call.account, str(call.body[ENDPOINT.name]), call.account.now()
    # AWS looks at the present one too: without it an endpoint cannot be updated any more
    call.find(ENDPOINT_CONFIG, call.find(ENDPOINT)[ENDPOINT_CONFIG.name])

    def change(endpoint: Thing) -> None:
        admit(endpoint, UPDATABLE)
        check_kind(endpoint, config)
        scaling.check_update(account, endpoint, types_of(config))
        kept = kept_properties(call.body, endpoint)
        is_same = call.body.get("RetainDeploymentConfig")
        before = endpoint.get("LastDeploymentConfig") if is_same else None
        endpoint.update(
            {
                STATUS: "Updating",
                "LastModifiedTime": now,
                "_goal": config,
                "_goes_back": why_back(call.effects),
                "_kept": kept,
                "_revision": endpoint["_revision"] + 1,
                "_deployment": call.body.get("DeploymentConfig") or before,
                "PendingDeploymentSummary": pending(config, now),
            }
        )

    if account.things.change(ENDPOINT.kind, name, change) is None:
        raise call.missing(ENDPOINT, name)
    _start(account, name)
    return {ENDPOINT.arn: call.arn(ENDPOINT, name)}


def why_back(effects: Mapping[str, Any]) -> str | None:
    """Why an update is to go back, for which AWS may have no word; None where it is not to."""
    return str(effects.get("reason", "")) if effects.get("rollback") else None


def types_of(config: Mapping[str, Any]) -> dict[str, Any]:
    """Variant -> the type of its instances; None for what is serverless."""
    return {one["VariantName"]: one.get("InstanceType") for one in config["ProductionVariants"]}


def check_kind(endpoint: Thing, config: Mapping[str, Any]) -> None:
    """Refuse to make a serverless endpoint of one with instances; the other way is open."""
    has_instances = any("CurrentInstanceCount" in one for one in endpoint["ProductionVariants"])
    if has_instances and any("ServerlessConfig" in one for one in config["ProductionVariants"]):
        text = "An instance-based endpoint cannot be updated to a serverless one: endpoint"
        raise invalid(f'{text} "{endpoint[ENDPOINT.arn]}".')


def pending(config: Mapping[str, Any], now: float) -> dict[str, Any]:
    """How an endpoint shows where it is going."""
    status = {"VariantStatus": [{"Status": "Creating", "StartTime": now}]}
    return {
        ENDPOINT_CONFIG.name: config[ENDPOINT_CONFIG.name],
        "StartTime": now,
        "ProductionVariants": [
            {**_counts(variant), **status} for variant in config["ProductionVariants"]
        ],
    }


def kept_properties(body: Mapping[str, Any], endpoint: Thing) -> dict[str, dict[str, Any]]:
    """Variant -> the weight and count that it keeps through an update."""
    if not body.get("RetainAllVariantProperties"):
        return {}
    left_out = body.get("ExcludeRetainedVariantProperties", [])
    gone = {one["VariantPropertyType"] for one in left_out}
    fields = {desired: current for desired, current in DESIRED.items() if desired not in gone}
    return {
        variant["VariantName"]: {
            word: variant[current]
            for desired, current in fields.items()
            if current in variant
            for word in (desired, current)
        }
        for variant in endpoint.get("ProductionVariants", [])
    }


def update_weights(call: Call) -> Mapping[str, Any]:
    """Begin to share requests otherwise, or to have other numbers of instances."""
    account, name = call.account, str(call.body[ENDPOINT.name])
    wanted = {one["VariantName"]: one for one in call.body["DesiredWeightsAndCapacities"]}

    def change(endpoint: Thing) -> None:
        admit(endpoint, UPDATABLE)
        known = {variant["VariantName"] for variant in endpoint["ProductionVariants"]}
        if unknown := sorted(wanted.keys() - known):
            text = f"Variant {unknown[0]} could not be found for endpoint"
            raise invalid(f'{text} "{endpoint[ENDPOINT.arn]}".')
        for variant in endpoint["ProductionVariants"]:
            new = wanted.get(variant["VariantName"], {})
            variant.update({key: new[key] for key in DESIRED if key in new})
        endpoint.update({STATUS: "Updating", "LastModifiedTime": account.now()})

    if account.things.change(ENDPOINT.kind, name, change) is None:
        raise call.missing(ENDPOINT, name)
    _start(account, name)
    return {ENDPOINT.arn: call.arn(ENDPOINT, name)}


def delete(call: Call) -> Mapping[str, Any]:
    """Begin to end an endpoint; it is gone once its servers are."""
    account, name = call.account, str(call.body[ENDPOINT.name])

    def change(endpoint: Thing) -> None:
        admit(endpoint, DELETABLE)
        endpoint.update({STATUS: "Deleting", "LastModifiedTime": account.now()})

    if account.things.change(ENDPOINT.kind, name, change) is None:
        raise call.missing(ENDPOINT, name)
    _start(account, name)
    return NOTHING


def admit(endpoint: Thing, statuses: frozenset[str]) -> None:
    """Refuse what the status of an endpoint does not allow."""
    if endpoint[STATUS] in statuses:
        return
    word = "failed" if endpoint[STATUS] in ("Failed", "OutOfService") else "in-progress"
    raise invalid(f'Cannot update {word} endpoint "{endpoint[ENDPOINT.arn]}".')


def _start(account: Account, name: str) -> None:
    account.workers.start(f"endpoint {name}", partial(live, account, name))


def live(account: Account, name: str) -> None:
    """Finish what an endpoint has begun, also after a restart."""
    endpoint = account.things.get(ENDPOINT.kind, name)
    status = endpoint[STATUS] if endpoint else ""
    if endpoint is None:
        return
    if status == "Deleting":
        remove(account, name, endpoint)
    elif status in ("Creating", "Updating") and "_goal" in endpoint:
        deploy(account, name, endpoint)
    elif status == "Updating":
        settle_weights(account, name)


def deploy(account: Account, name: str, endpoint: Thing) -> None:
    """Bring up the fleet for the configuration that is the goal, and let it answer."""
    config = endpoint["_goal"]
    if endpoint.get("_goes_back") is not None:
        go_back(account, name, endpoint["_goes_back"])
        return
    fleet: list[fleets.Server] = endpoint.get("_next", [])
    try:
        if not fleet:
            fleet = fleets.bring_up(account, endpoint, config)
            account.things.put(ENDPOINT.kind, name, _next=fleet)
        fleets.wait_until_up(account, fleet)
    except Closing:
        raise
    except DataError as error:
        fleets.stop(account, fleet)
        go_back(account, name, str(error))
        return
    except Exception as error:
        fleets.stop(account, fleet)
        go_back(account, name, f"Request to service failed: {type(error).__name__}: {error}")
        raise
    promote(account, name, config, fleet)


def promote(
    account: Account, name: str, config: Mapping[str, Any], fleet: list[fleets.Server]
) -> None:
    """From now on the new fleet answers."""
    now, before, place = account.now(), list[fleets.Server](), fleets.folder_of(account, name)
    variants = [summary(account, variant, now) for variant in config["ProductionVariants"]]
    shadows = [summary(account, one, now) for one in config.get("ShadowProductionVariants", [])]

    def change(endpoint: Thing) -> None:
        nonlocal place
        before.extend(endpoint["_fleet"])
        place /= str(endpoint.get("_served", "none"))
        kept = endpoint.pop("_kept", {})
        for variant in variants:
            variant.update(kept.get(variant["VariantName"], {}))
        _forget_goal(endpoint)
        endpoint.update(
            {
                STATUS: "InService",
                ENDPOINT_CONFIG.name: config[ENDPOINT_CONFIG.name],
                "ProductionVariants": variants,
                "ShadowProductionVariants": shadows or None,
                "AsyncInferenceConfig": config.get("AsyncInferenceConfig"),
                "DataCaptureConfig": capture(config),
                "LastDeploymentConfig": endpoint.pop("_deployment", None),
                "LastModifiedTime": now,
                "_fleet": fleet,
                "_capture": config.get("DataCaptureConfig"),
                "_served": endpoint["_revision"],
                "_types": types_of(config),
            }
        )

    account.things.change(ENDPOINT.kind, name, change)
    fleets.retire(account, before, place)


def capture(config: Mapping[str, Any]) -> dict[str, Any] | None:
    """How an endpoint shows the data capture of its configuration."""
    found = config.get("DataCaptureConfig")
    if not found:
        return None
    is_on = bool(found.get("EnableCapture"))
    return {
        "EnableCapture": is_on,
        "CaptureStatus": "Started" if is_on else "Stopped",
        "CurrentSamplingPercentage": found["InitialSamplingPercentage"],
        "DestinationS3Uri": found["DestinationS3Uri"],
        "KmsKeyId": found.get("KmsKeyId", ""),
    }


def go_back(account: Account, name: str, reason: str) -> None:
    """A new endpoint has failed; one that answers goes on as it did, and that is all one sees."""

    def change(endpoint: Thing) -> None:
        status = "InService" if endpoint["_fleet"] else "Failed"
        _forget_goal(endpoint)
        endpoint.update({STATUS: status, "LastModifiedTime": account.now()})
        endpoint.pop("FailureReason", None)
        if reason:
            endpoint["FailureReason"] = reason[:LONGEST_REASON]

    account.things.change(ENDPOINT.kind, name, change)


def _forget_goal(endpoint: Thing) -> None:
    for field in ("_goal", "_next", "_kept", "PendingDeploymentSummary"):
        endpoint.pop(field, None)


def settle_weights(account: Account, name: str) -> None:
    """What was desired is so."""

    def change(endpoint: Thing) -> None:
        for variant in endpoint["ProductionVariants"]:
            variant.update(
                {now: variant[desired] for desired, now in DESIRED.items() if desired in variant}
            )
        endpoint.update({STATUS: "InService", "LastModifiedTime": account.now()})

    account.things.change(ENDPOINT.kind, name, change)


def remove(account: Account, name: str, endpoint: Thing) -> None:
    """End its servers and forget it."""
    fleet = [*endpoint["_fleet"], *endpoint.get("_next", [])]
    fleets.stop(account, fleet)
    fleets.wait_until_gone(account, fleets.runs_of(fleet))
    account.things.remove(ENDPOINT.kind, name)
    scaling.forget(account, name)
    shutil.rmtree(fleets.folder_of(account, name), ignore_errors=True)


def summary(account: Account, variant: Mapping[str, Any], now: float) -> dict[str, Any]:
    """How an endpoint shows one of its variants."""
    model = account.things.get(MODEL.kind, variant["ModelName"])
    images = [one["Image"] for one in containers_of(model) if "Image" in one] if model else []
    return {**_counts(variant), "DeployedImages": [_resolved(image, now) for image in images]}


def _resolved(image: str, now: float) -> dict[str, Any]:
    digest = hashlib.sha256(image.encode()).hexdigest()
    name = image.partition("@")[0].rpartition(":")[0] or image
    resolved = f"{name}@sha256:{digest}"
    return {"SpecifiedImage": image, "ResolvedImage": resolved, "ResolutionTime": now}


def _counts(variant: Mapping[str, Any]) -> dict[str, Any]:
    weight = float(variant["InitialVariantWeight"])
    found = {"VariantName": variant["VariantName"], "CurrentWeight": weight}
    found["DesiredWeight"] = weight
    if serverless := variant.get("ServerlessConfig"):
        return {**found, "CurrentServerlessConfig": serverless}
    count = variant["InitialInstanceCount"]
    return {**found, "CurrentInstanceCount": count, "DesiredInstanceCount": count}


def resume(account: Account) -> None:
    """Go on with what an emulator before this one has left."""
    for endpoint in account.things.all([ENDPOINT.kind]):
        if endpoint[STATUS] in ("Creating", "Updating", "Deleting"):
            _start(account, str(endpoint[ENDPOINT.name]))


OPERATIONS = {
    "CreateEndpoint": create,
    "DescribeEndpoint": describe(ENDPOINT),
    "ListEndpoints": listing(ENDPOINT),
    "UpdateEndpoint": update,
    "UpdateEndpointWeightsAndCapacities": update_weights,
    "DeleteEndpoint": delete,
}
