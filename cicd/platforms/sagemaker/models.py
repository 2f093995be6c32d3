"""Models: what is sent, and what comes back, in the words of a stage file. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cicd.model import Spec
from cicd.platforms.sagemaker.training import digest_in, is_packed, network, vpc_of

PROGRAM = "SAGEMAKER_PROGRAM"
SOURCE = "SAGEMAKER_SUBMIT_DIRECTORY"
SERIAL = "Serial"
CONTAINER = ("image", "package", "data", "environment", "entry_point", "source", "hostname", "mode")
"""The fields of one container."""


def request(spec: Spec, sources: Mapping[str, str]) -> dict[str, Any]:
    """The input of CreateModel but for name and tags. ``sources``: digest of a packed source ->
    where it is."""
    found: dict[str, Any] = {
        "ExecutionRoleArn": spec["role"],
        "VpcConfig": network(spec),
        "EnableNetworkIsolation": spec.get("network_isolation") or None,
    }
    if several := spec.get("containers"):
        found["Containers"] = [container(one, sources) for one in several]
        mode = spec.get("execution")
        found["InferenceExecutionConfig"] = {"Mode": mode} if mode else None
    else:
        found["PrimaryContainer"] = container(spec, sources)
    return {name: value for name, value in found.items() if value not in (None, {})}


def container(told: Mapping[str, Any], sources: Mapping[str, str]) -> dict[str, Any]:
    """One container as it is sent."""
    environment = dict(told.get("environment") or {})
    if told.get("entry_point"):
        environment[PROGRAM] = told["entry_point"]
    if told.get("source"):
        environment[SOURCE] = sources[told["source"]]
    found = {
        "Image": told.get("image"),
        "ModelPackageName": told.get("package"),
        "ModelDataUrl": told.get("data"),
        "Environment": environment,
        "ContainerHostname": told.get("hostname"),
        "Mode": told.get("mode"),
    }
    return {name: value for name, value in found.items() if value}


def spec_of(told: Mapping[str, Any]) -> dict[str, Any]:
    """What a description says, but for ``name``: every field, also those that say nothing."""
    several = told.get("Containers") or []
    first = told.get("PrimaryContainer") or {}
    asked = (told.get("InferenceExecutionConfig") or {}).get("Mode", SERIAL)
    if len(several) == 1 and not first:
        first, several = several[0], []
    return {
        "role": told.get("ExecutionRoleArn", ""),
        **container_of(first),
        "containers": [container_of(one) for one in several],
        "execution": asked if several else "",
        "network_isolation": bool(told.get("EnableNetworkIsolation")),
        "vpc": vpc_of(told),
    }


def container_of(told: Mapping[str, Any]) -> dict[str, Any]:
    """One container as a stage file says it, every field."""
    environment = dict(told.get("Environment") or {})
    mode = told.get("Mode", "")
    source, program = "", ""
    if is_packed(environment.get(SOURCE, "")):  # else it is somebody else's, and where that says
        source, program = digest_in(environment.pop(SOURCE)), environment.pop(PROGRAM, "")
    return {
        "image": told.get("Image", ""),
        "package": told.get("ModelPackageName", ""),
        "data": told.get("ModelDataUrl") or _data_in(told),
        "entry_point": program,
        "source": source,
        "environment": environment,
        "hostname": told.get("ContainerHostname", ""),
        "mode": "" if mode == "SingleModel" else mode,
    }


def _data_in(told: Mapping[str, Any]) -> str:
    source = (told.get("ModelDataSource") or {}).get("S3DataSource") or {}
    return str(source.get("S3Uri", ""))
