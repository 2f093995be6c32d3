"""Training jobs: what is sent, and what comes back, in the words of a stage file. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from cicd.model import Spec
from cicd.platforms.sagemaker.dialect.wording import said, text_of

PROGRAM = "sagemaker_program"
SOURCE = "sagemaker_submit_directory"
OWN = "sagemaker_"
"""With what hyperparameters begin that are for the toolkit in AWS's images."""
MODES = ("File", "Pipe", "FastFile")
DISK = {
    "id": "FileSystemId",
    "type": "FileSystemType",
    "directory": "DirectoryPath",
    "access": "FileSystemAccessMode",
}
"""Of a channel whose data is on a file system: fields of ours and of AWS's."""


def request(spec: Spec, source: str) -> dict[str, Any]:
    """The input of CreateTrainingJob but for name and tags. ``source``: where the packed source is;
    empty for none."""
    algorithm: dict[str, Any] = {"TrainingInputMode": spec.get("input_mode") or MODES[0]}
    algorithm["TrainingImage" if spec.get("image") else "AlgorithmName"] = (
        spec.get("image") or spec["algorithm"]
    )
    if metrics := spec.get("metrics"):
        algorithm["MetricDefinitions"] = [
            {"Name": name, "Regex": pattern} for name, pattern in metrics.items()
        ]
    instance = spec["instance"]
    stopping = {"MaxRuntimeInSeconds": spec["max_runtime"]}
    if spec.get("spot"):
        stopping["MaxWaitTimeInSeconds"] = spec.get("max_wait") or spec["max_runtime"]
    found: dict[str, Any] = {
        "RoleArn": spec["role"],
        "AlgorithmSpecification": algorithm,
        "HyperParameters": encoded(spec, source),
        "InputDataConfig": [channel(name, told) for name, told in spec.get("channels", {}).items()],
        "OutputDataConfig": {"S3OutputPath": spec["output"]},
        "ResourceConfig": {
            "InstanceType": instance["type"],
            "InstanceCount": instance["count"],
            "VolumeSizeInGB": instance["volume_gb"],
        },
        "StoppingCondition": stopping,
        "Environment": dict(spec.get("environment", {})),
        "VpcConfig": network(spec),
        "EnableNetworkIsolation": spec.get("network_isolation") or None,
        "EnableManagedSpotTraining": spec.get("spot") or None,
    }
    if saved := spec.get("checkpoints"):
        found["CheckpointConfig"] = {"S3Uri": saved}
    return {name: value for name, value in found.items() if value not in (None, {}, [])}


def spec_of(told: Mapping[str, Any]) -> dict[str, Any]:
    """What a description says, but for ``name``."""
    algorithm, resources = told["AlgorithmSpecification"], told.get("ResourceConfig", {})
    stopping, hyperparameters = told.get("StoppingCondition", {}), told.get("HyperParameters", {})
    return {
        "image": algorithm.get("TrainingImage"),
        "algorithm": algorithm.get("AlgorithmName"),
        "input_mode": algorithm.get("TrainingInputMode", MODES[0]),
        "metrics": {one["Name"]: one["Regex"] for one in algorithm.get("MetricDefinitions") or ()},
        "role": told.get("RoleArn", ""),
        **decoded(hyperparameters),
        "channels": {
            one["ChannelName"]: channel_of(one) for one in told.get("InputDataConfig") or ()
        },
        "output": told.get("OutputDataConfig", {}).get("S3OutputPath", ""),
        "instance": {
            "type": resources.get("InstanceType", ""),
            "count": resources.get("InstanceCount", 1),
            "volume_gb": resources.get("VolumeSizeInGB", 0),
        },
        "max_runtime": stopping.get("MaxRuntimeInSeconds"),
        "max_wait": stopping.get("MaxWaitTimeInSeconds"),
        "spot": bool(told.get("EnableManagedSpotTraining")),
        "environment": dict(told.get("Environment") or {}),
        "network_isolation": bool(told.get("EnableNetworkIsolation")),
        "vpc": vpc_of(told),
        "checkpoints": told.get("CheckpointConfig", {}).get("S3Uri"),
    }


def outputs_of(told: Mapping[str, Any]) -> dict[str, str]:
    """What it has made, and where that is."""
    made = str((told.get("ModelArtifacts") or {}).get("S3ModelArtifacts") or "")
    return {"model": made} if made else {}


def encoded(spec: Spec, source: str) -> dict[str, str]:
    """Hyperparameters as programs read them: for a script each is JSON, as the toolkit wants it;
    an image of one's own gets texts."""
    own = spec.get("hyperparameters", {})
    if not spec.get("entry_point"):
        return {name: text_of(value) for name, value in own.items()}
    told = {**own, PROGRAM: spec["entry_point"], SOURCE: source}
    return {name: json.dumps(value, ensure_ascii=False) for name, value in told.items()}


def decoded(told: Mapping[str, str]) -> dict[str, Any]:
    """The script, its source, and hyperparameters as they were before they were sent."""
    if PROGRAM not in told:
        return {"hyperparameters": dict(told)}
    values = {name: _value(text) for name, text in told.items()}
    return {
        "entry_point": values[PROGRAM],
        "source": digest_in(str(values.get(SOURCE, ""))),
        "hyperparameters": {
            name: value for name, value in values.items() if not name.startswith(OWN)
        },
    }


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def digest_in(url: str) -> str:
    """The digest in the address of a packed source; of one that somebody else has put anywhere, the
    address."""
    return url.rpartition("/")[2].removesuffix(".tar.gz") if is_packed(url) else url


def is_packed(url: str) -> bool:
    """Whether an address is that of a source that was packed here."""
    return "/cicd/source/" in url


def channel(name: str, told: Mapping[str, Any]) -> dict[str, Any]:
    """One channel as it is sent."""
    source = {"S3DataType": told.get("data_type", "S3Prefix"), "S3Uri": told["url"]}
    source["S3DataDistributionType"] = told.get("distribution", "FullyReplicated")
    found: dict[str, Any] = {"ChannelName": name, "DataSource": {"S3DataSource": source}}
    more = {
        "ContentType": told.get("content_type"),
        "CompressionType": told.get("compression"),
        "RecordWrapperType": told.get("record_wrapper"),
        "InputMode": told.get("mode"),
    }
    return found | {name: value for name, value in more.items() if value}


def channel_of(told: Mapping[str, Any]) -> dict[str, Any]:
    """A channel in the words of a stage file, without what goes without saying."""
    data = told.get("DataSource", {})
    source = data.get("S3DataSource") or {}
    if disk := data.get("FileSystemDataSource"):
        return {"file_system": {name: str(disk.get(field, "")) for name, field in DISK.items()}}
    found = {
        "url": source.get("S3Uri", ""),
        "data_type": source.get("S3DataType"),
        "distribution": source.get("S3DataDistributionType"),
        "content_type": told.get("ContentType"),
        "compression": told.get("CompressionType"),
        "record_wrapper": told.get("RecordWrapperType"),
        "mode": told.get("InputMode"),
    }
    return said(found)


def network(spec: Spec) -> dict[str, Any]:
    """The network of a job or model as it is sent; empty for AWS's own."""
    vpc = spec.get("vpc")
    if not vpc:
        return {}
    return {"Subnets": list(vpc["subnets"]), "SecurityGroupIds": list(vpc["security_groups"])}


def vpc_of(told: Mapping[str, Any]) -> dict[str, Any]:
    """The network as a stage file says it. Its parts are sets: they come in the order of names."""
    vpc = told.get("VpcConfig") or {}
    if not vpc:
        return {}
    return {
        "subnets": sorted(vpc.get("Subnets", ())),
        "security_groups": sorted(vpc.get("SecurityGroupIds", ())),
    }
