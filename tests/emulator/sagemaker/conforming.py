"""Every answer of a client is held against the shape that botocore's own model says it has."""

from __future__ import annotations

import datetime
from typing import Any

TYPES: dict[str, Any] = {
    "string": str,
    "integer": int,
    "long": int,
    "float": (int, float),
    "double": (int, float),
    "boolean": bool,
    "timestamp": datetime.datetime,
    "structure": dict,
    "list": list,
    "map": dict,
}


COMMON = {
    "AccessDeniedException",
    "ExpiredTokenException",
    "InternalFailure",
    "InvalidSignatureException",
    "MissingAuthenticationTokenException",
    "RequestEntityTooLarge",
    "SerializationException",
    "ServiceUnavailable",
    "ThrottlingException",
    "UnknownOperationException",
    "UnrecognizedClientException",
    "ValidationException",
}
"""What AWS may answer to every operation, and names in the model of none."""
OF_STS = {"AccessDenied", "InvalidClientTokenId", "SignatureDoesNotMatch", "ValidationError"}


def watch(client: Any) -> Any:
    """The same client, each of whose answers is checked."""

    def check(model: Any, parsed: Any, **more: Any) -> None:
        if error := parsed.get("Error"):
            known = {_code(shape) for shape in model.error_shapes} | COMMON
            service = model.service_model.service_name
            known |= OF_STS if service == "sts" else set()
            known -= {"ValidationException"} if service == "logs" else set()
            assert error["Code"] in known, f"{model.name}: {error['Code']} is none of its errors"
        elif model.output_shape is not None:
            content = {key: value for key, value in parsed.items() if key != "ResponseMetadata"}
            assert not (found := problems(model.output_shape, content, model.name)), found

    client.meta.events.register("after-call.*", check)
    return client


def _code(shape: Any) -> str:
    """What an error is called in an answer."""
    return str(shape.metadata.get("error", {}).get("code", shape.name))


def problems(shape: Any, value: Any, path: str) -> list[str]:
    """What does not fit: types, what is missing, unknown words of an enumeration, lengths."""
    kind = shape.type_name
    if kind == "blob":
        return []
    if not isinstance(value, TYPES[kind]) or (kind != "boolean" and isinstance(value, bool)):
        return [f"{path}: {value!r} is no {kind}"]
    found = []
    if shape.metadata.get("enum") and value not in shape.metadata["enum"]:
        found.append(f"{path}: {value!r} is none of its words")
    if kind == "string" and len(value) > shape.metadata.get("max", 10**9):
        found.append(f"{path}: {len(value)} characters")
    if kind == "structure":
        found += [f"{path}: {name} is missing" for name in {*shape.required_members} - value.keys()]
        found += [f"{path}: {name} is unknown" for name in value.keys() - shape.members.keys()]
        for name in value.keys() & shape.members.keys():
            found += problems(shape.members[name], value[name], f"{path}.{name}")
    elif kind == "list":
        for number, item in enumerate(value):
            found += problems(shape.member, item, f"{path}[{number}]")
    elif kind == "map":
        for key, item in value.items():
            found += problems(shape.value, item, f"{path}[{key}]")
    return found
