"""Model packages in groups: versions of a model with their approval."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cicd.emulator.sagemaker.account import NOTHING, Account, Call
from cicd.emulator.sagemaker.errors import Refused, invalid
from cicd.emulator.sagemaker.listing import listing
from cicd.emulator.sagemaker.nouns import PACKAGE, PACKAGE_GROUP, Noun
from cicd.emulator.sagemaker.storage import DataError
from cicd.emulator.sagemaker.things import Thing

CREATOR: Mapping[str, Any] = {"CreatedBy": {}}
CHANGEABLE = frozenset(
    {
        "ModelApprovalStatus",
        "ApprovalDescription",
        "ModelPackageRegistrationType",
        "SourceUri",
        "ModelCard",
        "ModelLifeCycle",
        "InferenceSpecification",
    }
)


def name_of(noun: Noun, text: str) -> str:
    """The name in an ARN, or the name itself."""
    return text.partition(f":{noun.kind}/")[2] or text


def found(call: Call, noun: Noun, text: str) -> Thing:
    """A group or package by its name or ARN. Refused where there is none."""
    name = name_of(noun, text)
    thing = call.account.things.get(noun.kind, name)
    if thing is None:
        raise invalid(f"{noun.word} {call.arn(noun, name)} does not exist.")
    return thing


def create_group(call: Call) -> Mapping[str, Any]:
    """Make a group without packages."""
    name, now = str(call.body[PACKAGE_GROUP.name]), call.account.now()
    arn = call.arn(PACKAGE_GROUP, name)
    fields = {PACKAGE_GROUP.arn: arn, PACKAGE_GROUP.status: "Completed", "CreationTime": now}
    if not call.account.things.add(PACKAGE_GROUP.kind, name, {**call.body, **fields, **CREATOR}):
        raise invalid(f"Model Package Group already exists: {arn}")
    return {PACKAGE_GROUP.arn: arn}


def describe_group(call: Call) -> Mapping[str, Any]:
    """Everything of a group."""
    return found(call, PACKAGE_GROUP, str(call.body[PACKAGE_GROUP.name]))


def delete_group(call: Call) -> Mapping[str, Any]:
    """Forget a group that has no packages any more."""
    group = describe_group(call)
    name = str(group[PACKAGE_GROUP.name])
    if of_group(call.account, name):
        raise Refused("ConflictException", f"Model Package Group {name} is not empty")
    call.account.things.remove(PACKAGE_GROUP.kind, name)
    return NOTHING


def of_group(account: Account, name: str) -> list[Thing]:
    """The packages of a group, oldest first."""
    packages = account.things.all([PACKAGE.kind], f"{name}/")
    return [one for one in packages if one.get(PACKAGE_GROUP.name) == name]


def create(call: Call) -> Mapping[str, Any]:
    """Register a package: the next version of its group, or one that has a name of its own."""
    body, now = call.body, call.account.now()
    fields: Thing = {"CreationTime": now, "LastModifiedTime": now, PACKAGE.status: "Completed"}
    fields["ModelPackageStatusDetails"] = {"ValidationStatuses": [], "ImageScanStatuses": []}
    if (PACKAGE.name in body) == (PACKAGE_GROUP.name in body):
        raise invalid("You must specify one of ModelPackageName and ModelPackageGroupName.")
    things = call.account.things
    if PACKAGE.name in body:
        name = str(body[PACKAGE.name])
        fields[PACKAGE.arn] = call.arn(PACKAGE, name)
        if not things.add(PACKAGE.kind, name, {**body, **fields, **CREATOR}):
            raise Refused("ConflictException", f"Model Package already exists: {name}")
        return {PACKAGE.arn: fields[PACKAGE.arn]}
    if "Tags" in body:
        raise invalid("Tags are not supported for versioned model packages: tag the group.")
    group = found(call, PACKAGE_GROUP, str(body[PACKAGE_GROUP.name]))
    group_name = str(group[PACKAGE_GROUP.name])
    token = body.get("ClientToken")
    for one in of_group(call.account, group_name) if token else ():
        if one.get("ClientToken") == token:
            return {PACKAGE.arn: one[PACKAGE.arn]}

    def next_version(thing: Thing) -> None:
        thing["_version"] = thing.get("_version", 0) + 1

    counted = things.change(PACKAGE_GROUP.kind, group_name, next_version)
    version = counted["_version"] if counted else 1
    name = f"{group_name}/{version}"
    fields |= {
        PACKAGE.arn: call.arn(PACKAGE, name),
        PACKAGE.name: name,
        PACKAGE_GROUP.name: group_name,
        "ModelPackageVersion": version,
        "ModelApprovalStatus": body.get("ModelApprovalStatus", "PendingManualApproval"),
    }
    things.add(PACKAGE.kind, name, {**body, **fields, **CREATOR})
    return {PACKAGE.arn: fields[PACKAGE.arn]}


def describe(call: Call) -> Mapping[str, Any]:
    """Everything of a package."""
    return found(call, PACKAGE, str(call.body[PACKAGE.name]))


def update(call: Call) -> Mapping[str, Any]:
    """Approve or reject it, or say more about it."""
    package = found(call, PACKAGE, str(call.body[PACKAGE.arn]))
    body, name = call.body, name_of(PACKAGE, str(package[PACKAGE.arn]))

    def change(thing: Thing) -> None:
        thing.update({key: body[key] for key in CHANGEABLE & body.keys()})
        metadata = {
            **thing.get("CustomerMetadataProperties", {}),
            **body.get("CustomerMetadataProperties", {}),
        }
        for key in body.get("CustomerMetadataPropertiesToRemove", []):
            metadata.pop(key, None)
        if metadata or "CustomerMetadataProperties" in thing:
            thing["CustomerMetadataProperties"] = metadata
        thing["LastModifiedTime"] = call.account.now()

    call.account.things.change(PACKAGE.kind, name, change)
    return {PACKAGE.arn: package[PACKAGE.arn]}


def delete(call: Call) -> Mapping[str, Any]:
    """Forget a package."""
    package = describe(call)
    call.account.things.remove(PACKAGE.kind, name_of(PACKAGE, str(package[PACKAGE.arn])))
    return NOTHING


def batch_describe(call: Call) -> Mapping[str, Any]:
    """Several packages at once, and which of them there are not."""
    summaries, errors = {}, {}
    for arn in call.body["ModelPackageArnList"]:
        thing = call.account.things.get(PACKAGE.kind, name_of(PACKAGE, arn))
        if thing is None:
            text = f"ModelPackage {arn} does not exist."
            errors[arn] = {"ErrorCode": "ValidationException", "ErrorResponse": text}
        else:
            summaries[arn] = thing
    return {"ModelPackageSummaries": summaries, "BatchDescribeModelPackageErrorMap": errors}


def _narrowed(call: Call, things: list[Thing]) -> list[Thing]:
    """Of a group, or of the sort that is wanted; and of the approval that is."""
    body = call.body
    group = body.get(PACKAGE_GROUP.name)
    if group is not None:
        name = str(found(call, PACKAGE_GROUP, str(group))[PACKAGE_GROUP.name])
        things = [one for one in things if one.get(PACKAGE_GROUP.name) == name]
    elif (kind := body.get("ModelPackageType", "Unversioned")) != "Both":
        is_versioned = kind == "Versioned"
        things = [one for one in things if ("ModelPackageVersion" in one) == is_versioned]
    approval = body.get("ModelApprovalStatus")
    return [one for one in things if approval in (None, one.get("ModelApprovalStatus"))]


def from_package(account: Account, container: Mapping[str, Any]) -> Mapping[str, Any]:
    """A container of a model, with what the package it names says of it. DataError where there is
    no such package."""
    if "ModelPackageName" not in container:
        return container
    name = name_of(PACKAGE, str(container["ModelPackageName"]))
    package = account.things.get(PACKAGE.kind, name)
    if package is None:
        raise DataError(f"ModelPackage {container['ModelPackageName']} does not exist.")
    first = package.get("InferenceSpecification", {}).get("Containers", [{}])[0]
    source = {}
    if (url := first.get("ModelDataUrl")) and "ModelDataSource" not in first:
        data = {"S3Uri": url, "S3DataType": "S3Object", "CompressionType": "Gzip"}
        source["ModelDataSource"] = {"S3DataSource": data}
    env = {**first.get("Environment", {}), **container.get("Environment", {})}
    return {**first, **source, **container, "Environment": env}


OPERATIONS = {
    "CreateModelPackageGroup": create_group,
    "DescribeModelPackageGroup": describe_group,
    "ListModelPackageGroups": listing(PACKAGE_GROUP),
    "DeleteModelPackageGroup": delete_group,
    "CreateModelPackage": create,
    "DescribeModelPackage": describe,
    "ListModelPackages": listing(PACKAGE, _narrowed),
    "UpdateModelPackage": update,
    "DeleteModelPackage": delete,
    "BatchDescribeModelPackage": batch_describe,
}
