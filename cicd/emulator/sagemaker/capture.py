"""Data capture: what an endpoint is asked and answers, kept as lines of JSON in S3.

https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-data-capture-endpoint.html
"""

from __future__ import annotations

import base64
import json
import random
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

JSON_TYPES = ("application/json",)
CSV_TYPES = ("text/csv",)
FULL = 100


@dataclass(frozen=True)
class Part:
    """A request or an answer: its content type and body."""

    content_type: str
    body: bytes


def captured(
    config: Mapping[str, Any], endpoint: str, variant: str, asked: Part, answered: Part
) -> tuple[str, bytes] | None:
    """Url and content of the object for one request; None where it is not to be kept.

    ``config``: the DataCaptureConfig of the endpoint.
    """
    share = int(config.get("InitialSamplingPercentage", FULL))
    if not config.get("EnableCapture") or random.random() * FULL >= share:  # noqa: S311
        return None
    modes = {one["CaptureMode"] for one in config["CaptureOptions"]}
    types = config.get("CaptureContentTypeHeader", {})
    data = {}
    if modes & {"Input", "InputAndOutput"}:
        data["endpointInput"] = _part("INPUT", asked, types)
    if modes & {"Output", "InputAndOutput"}:
        data["endpointOutput"] = _part("OUTPUT", answered, types)
    now, identity = datetime.now(UTC), str(uuid.uuid4())
    metadata = {"eventId": identity, "inferenceTime": f"{now:%Y-%m-%dT%H:%M:%SZ}"}
    line = {"captureData": data, "eventMetadata": metadata, "eventVersion": "0"}
    base = f"{str(config['DestinationS3Uri']).rstrip('/')}/{endpoint}/{variant}"
    place = f"{now:%Y/%m/%d/%H/%M-%S}-{now.microsecond // 1000:03d}-{identity}.jsonl"
    return f"{base}/{place}", json.dumps(line).encode() + b"\n"


def _part(mode: str, part: Part, types: Mapping[str, Any]) -> dict[str, str]:
    kind = part.content_type.partition(";")[0].strip()
    encoding = "BASE64"
    if kind in (*JSON_TYPES, *types.get("JsonContentTypes", ())):
        encoding = "JSON"
    elif kind in (*CSV_TYPES, *types.get("CsvContentTypes", ())):
        encoding = "CSV"
    is_plain = encoding != "BASE64"
    text = (
        part.body.decode("utf-8", "replace") if is_plain else base64.b64encode(part.body).decode()
    )
    return {"observedContentType": kind, "mode": mode, "data": text, "encoding": encoding}
