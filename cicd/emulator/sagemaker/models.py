"""Models: containers that can serve. Made once, never changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cicd.emulator.sagemaker.account import NOTHING, Call, describe
from cicd.emulator.sagemaker.errors import invalid
from cicd.emulator.sagemaker.listing import listing
from cicd.emulator.sagemaker.nouns import MODEL


def create(call: Call) -> Mapping[str, Any]:
    """Keep a model; whether its data is there is looked at when it is to serve."""
    body = call.body
    if ("PrimaryContainer" in body) == ("Containers" in body):
        raise invalid("You must specify exactly one of PrimaryContainer and Containers.")
    containers = containers_of(body)
    for number, container in enumerate(containers, start=1):
        if not container.get("Image") and not container.get("ModelPackageName"):
            raise invalid(f"Container {number}: Image or ModelPackageName must be given.")
    if "ExecutionRoleArn" not in body and not all(c.get("ModelPackageName") for c in containers):
        raise invalid("ExecutionRoleArn must be given for a model with an image.")
    names = [c["ContainerHostname"] for c in containers if c.get("ContainerHostname")]
    if len(names) != len(set(names)):
        raise invalid("ContainerHostname must be unique within the containers of a model.")
    kept: dict[str, Any] = {}
    if "Containers" in body:
        kept["Containers"] = [*map(_completed, containers)]
    if "PrimaryContainer" in body:
        kept["PrimaryContainer"] = _completed(body["PrimaryContainer"])
    return call.add(MODEL, **{"EnableNetworkIsolation": False, **body, **kept})


def _completed(container: Mapping[str, Any]) -> dict[str, Any]:
    """A container with what AWS adds to it."""
    source = {}
    if (url := container.get("ModelDataUrl")) and "ModelDataSource" not in container:
        data = {"S3Uri": url, "S3DataType": "S3Object", "CompressionType": "Gzip"}
        source["ModelDataSource"] = {"S3DataSource": data}
    return {"Mode": "SingleModel", "Environment": {}, **container, **source}


def containers_of(model: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The containers of a model, the first to be asked first."""
    return [model["PrimaryContainer"]] if "PrimaryContainer" in model else model["Containers"]


def delete(call: Call) -> Mapping[str, Any]:
    """Forget a model, also while it serves: an endpoint goes on with what it has."""
    call.find(MODEL)
    call.account.things.remove(MODEL.kind, str(call.body[MODEL.name]))
    return NOTHING


OPERATIONS = {
    "CreateModel": create,
    "DescribeModel": describe(MODEL),
    "ListModels": listing(MODEL),
    "DeleteModel": delete,
}
