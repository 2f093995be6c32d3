"""What the front door is called, where it is, and what fault rules call its operations."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from starlette.types import Scope

NAME = "sagemaker"
PREFIX = f"/{NAME}"
"""Below which path AWS answers."""
OPERATIONS = frozenset(
    [
        "AddTags",
        "BatchDescribeModelPackage",
        "CreateEndpoint",
        "CreateEndpointConfig",
        "CreateModel",
        "CreateModelPackage",
        "CreateModelPackageGroup",
        "CreateProcessingJob",
        "CreateTrainingJob",
        "CreateTransformJob",
        "DeleteEndpoint",
        "DeleteEndpointConfig",
        "DeleteModel",
        "DeleteModelPackage",
        "DeleteModelPackageGroup",
        "DeleteProcessingJob",
        "DeleteTags",
        "DeleteTrainingJob",
        "DescribeEndpoint",
        "DescribeEndpointConfig",
        "DescribeModel",
        "DescribeModelPackage",
        "DescribeModelPackageGroup",
        "DescribeProcessingJob",
        "DescribeTrainingJob",
        "DescribeTransformJob",
        "ListEndpointConfigs",
        "ListEndpoints",
        "ListModelPackageGroups",
        "ListModelPackages",
        "ListModels",
        "ListProcessingJobs",
        "ListTags",
        "ListTrainingJobs",
        "ListTransformJobs",
        "Search",
        "StopProcessingJob",
        "StopTrainingJob",
        "StopTransformJob",
        "UpdateEndpoint",
        "UpdateEndpointWeightsAndCapacities",
        "UpdateModelPackage",
        "UpdateTrainingJob",
    ]
)
LOGS = frozenset(["DescribeLogGroups", "DescribeLogStreams", "FilterLogEvents", "GetLogEvents"])
SCALING = frozenset(
    [
        "DeleteScalingPolicy",
        "DeregisterScalableTarget",
        "DescribeScalableTargets",
        "DescribeScalingPolicies",
        "PutScalingPolicy",
        "RegisterScalableTarget",
    ]
)
S3 = frozenset({"s3.delete", "s3.get", "s3.head", "s3.post", "s3.put"})
INVOCATION = re.compile(rf"{PREFIX}/endpoints/([^/]+)/([a-z-]+)")
RUNTIME = {
    "invocations": "InvokeEndpoint",
    "async-invocations": "InvokeEndpointAsync",
    "invocations-response-stream": "InvokeEndpointWithResponseStream",
}
"""Last part of a path -> the operation of the runtime."""
ALL = OPERATIONS | LOGS | SCALING | {*RUNTIME.values()} | S3
ERRORS = {
    400: "ValidationException",
    403: "AccessDeniedException",
    429: "ThrottlingException",
    503: "ServiceUnavailable",
}
OBJECTS = {
    400: "RequestTimeout",
    403: "AccessDenied",
    404: "NoSuchKey",
    429: "SlowDown",
    503: "SlowDown",
}
"""The same of S3."""
SIGNED_FOR = re.compile(rb"Credential=[^/]+/\d+/[\w-]*/(\w+)/")


def named(scope: Scope) -> str:
    """The operation that a request asks for; empty for one that is not here."""
    headers = dict(scope["headers"])
    name = headers.get(b"x-amz-target", b"").decode("latin-1").partition(".")[2]
    if found := INVOCATION.fullmatch(scope["path"]):
        name = RUNTIME.get(found[2], "")
    service = SIGNED_FOR.search(headers.get(b"authorization", b""))
    if service and service[1] == b"s3":
        name = f"s3.{scope['method'].lower()}"
    return name if name in ALL else ""


def error(status: int, message: str, code: str, operation: str) -> Any:
    """The body of an error; a quota is refused by who knows of what."""
    if code == "quota":
        return None
    if operation.startswith(f"{NAME}.s3."):
        word = code or OBJECTS.get(status, "InternalError")
        text = f"<Code>{escape(word)}</Code><Message>{escape(message)}</Message>"
        return f'<?xml version="1.0" encoding="UTF-8"?><Error>{text}</Error>'
    word = code or ERRORS.get(status, "InternalFailure")
    return {"__type": word, "message": message}
