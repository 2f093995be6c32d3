"""Batch transforms: what is sent, and what comes back, in the words of a stage file. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cicd.model import Spec


def request(spec: Spec) -> dict[str, Any]:
    """The input of CreateTransformJob but for name and tags."""
    data = {"S3DataType": "S3Prefix", "S3Uri": spec["input"]}
    source = {
        "DataSource": {"S3DataSource": data},
        "ContentType": spec.get("content_type"),
        "CompressionType": spec.get("compression"),
        "SplitType": spec.get("split"),
    }
    output = {
        "S3OutputPath": spec["output"],
        "Accept": spec.get("accept"),
        "AssembleWith": spec.get("assemble"),
    }
    found = {
        "ModelName": spec["model"],
        "TransformInput": _said(source),
        "TransformOutput": _said(output),
        "TransformResources": {
            "InstanceType": spec["instance"]["type"],
            "InstanceCount": spec["instance"]["count"],
        },
        "BatchStrategy": spec.get("strategy"),
        "MaxPayloadInMB": spec.get("max_payload_mb"),
        "MaxConcurrentTransforms": spec.get("max_concurrent"),
        "Environment": dict(spec.get("environment", {})),
    }
    return _said(found)


def spec_of(told: Mapping[str, Any]) -> dict[str, Any]:
    """What a description says, but for ``name``."""
    source, output = told.get("TransformInput", {}), told.get("TransformOutput", {})
    resources = told.get("TransformResources", {})
    return {
        "model": told.get("ModelName", ""),
        "input": source.get("DataSource", {}).get("S3DataSource", {}).get("S3Uri", ""),
        "content_type": source.get("ContentType"),
        "compression": source.get("CompressionType"),
        "split": source.get("SplitType"),
        "output": output.get("S3OutputPath", ""),
        "accept": output.get("Accept"),
        "assemble": output.get("AssembleWith"),
        "instance": {
            "type": resources.get("InstanceType", ""),
            "count": resources.get("InstanceCount", 1),
        },
        "strategy": told.get("BatchStrategy"),
        "max_payload_mb": told.get("MaxPayloadInMB"),
        "max_concurrent": told.get("MaxConcurrentTransforms"),
        "environment": dict(told.get("Environment") or {}),
    }


def outputs_of(told: Mapping[str, Any]) -> dict[str, str]:
    """What it has made, and where that is."""
    return {"output": str(told["TransformOutput"]["S3OutputPath"])}


def _said(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value not in (None, {})}
