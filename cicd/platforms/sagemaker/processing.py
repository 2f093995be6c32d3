"""Processing jobs: what is sent, and what comes back, in the words of a stage file. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cicd.model import Spec
from cicd.platforms.sagemaker.dialect.wording import CODE
from cicd.platforms.sagemaker.training import digest_in, network, vpc_of

INPUT = "/opt/ml/processing/input"
OUTPUT = "/opt/ml/processing/output"


UNPACK = f'cd "$(mktemp -d)" && tar -xzf {INPUT}/{CODE}/*.tar.gz && exec "$0" "$@"'
"""What unpacks a script and runs it; by what, and its arguments, comes after."""
SHELL = ("/bin/sh", "-c", UNPACK)


def request(spec: Spec, source: str = "") -> dict[str, Any]:
    """The input of CreateProcessingJob but for name and tags. ``source``: where the packed source
    is; empty for none."""
    instance = spec["instance"]
    cluster = {
        "InstanceType": instance["type"],
        "InstanceCount": instance["count"],
        "VolumeSizeInGB": instance["volume_gb"],
    }
    program = {
        "ImageUri": spec["image"],
        "ContainerEntrypoint": [*SHELL, *spec["command"], spec["entry_point"]]
        if source
        else spec.get("command"),
        "ContainerArguments": spec.get("arguments"),
    }
    isolation = {
        "EnableNetworkIsolation": spec.get("network_isolation") or None,
        "VpcConfig": network(spec),
    }
    found = {
        "RoleArn": spec["role"],
        "ProcessingResources": {"ClusterConfig": cluster},
        "AppSpecification": _said(program),
        "ProcessingInputs": [
            _input(*one)
            for one in {**spec.get("channels", {}), **({CODE: source} if source else {})}.items()
        ],
        "ProcessingOutputConfig": {
            "Outputs": [_output(*one) for one in spec.get("outputs", {}).items()]
        }
        if spec.get("outputs")
        else {},
        "StoppingCondition": {"MaxRuntimeInSeconds": spec["max_runtime"]},
        "Environment": dict(spec.get("environment", {})),
        "NetworkConfig": _said(isolation),
    }
    return _said(found)


def _input(name: str, url: str) -> dict[str, Any]:
    place = {
        "S3Uri": url,
        "LocalPath": f"{INPUT}/{name}",
        "S3DataType": "S3Prefix",
        "S3InputMode": "File",
    }
    return {"InputName": name, "S3Input": place}


def _output(name: str, url: str) -> dict[str, Any]:
    place = {"S3Uri": url, "LocalPath": f"{OUTPUT}/{name}", "S3UploadMode": "EndOfJob"}
    return {"OutputName": name, "S3Output": place}


def spec_of(told: Mapping[str, Any]) -> dict[str, Any]:
    """What a description says, but for ``name``."""
    cluster = told.get("ProcessingResources", {}).get("ClusterConfig", {})
    program, isolation = told.get("AppSpecification", {}), told.get("NetworkConfig") or {}
    channels = {
        str(one["InputName"]): str((one.get("S3Input") or {}).get("S3Uri", ""))
        for one in told.get("ProcessingInputs") or ()
    }
    command = [*map(str, program.get("ContainerEntrypoint") or ())]
    script = {}
    if tuple(command[: len(SHELL)]) == SHELL and CODE in channels:
        *command, entry_point = command[len(SHELL) :]
        script = {"entry_point": entry_point, "source": digest_in(channels.pop(CODE))}
    return {
        "image": program.get("ImageUri", ""),
        "command": command,
        **script,
        "arguments": list(program.get("ContainerArguments") or ()),
        "role": told.get("RoleArn", ""),
        "channels": channels,
        "outputs": _urls(told),
        "instance": {
            "type": cluster.get("InstanceType", ""),
            "count": cluster.get("InstanceCount", 1),
            "volume_gb": cluster.get("VolumeSizeInGB", 0),
        },
        "max_runtime": told.get("StoppingCondition", {}).get("MaxRuntimeInSeconds"),
        "environment": dict(told.get("Environment") or {}),
        "network_isolation": bool(isolation.get("EnableNetworkIsolation")),
        "vpc": vpc_of(isolation),
    }


def _urls(told: Mapping[str, Any]) -> dict[str, str]:
    outputs = (told.get("ProcessingOutputConfig") or {}).get("Outputs") or ()
    return {
        str(one["OutputName"]): str((one.get("S3Output") or {}).get("S3Uri", "")) for one in outputs
    }


def outputs_of(told: Mapping[str, Any]) -> dict[str, str]:
    """What it has made, and where that is."""
    return {f"outputs.{name}": url for name, url in _urls(told).items()}


def _said(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value not in (None, {}, [])}
