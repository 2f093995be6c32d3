"""AI Core's OpenAPI document, and what an answer has against it.

The document is not part of the project: tests that need it skip where it is not at
``../shared/spec/AI_CORE_API.yaml``, nor where the variable AI_CORE_API_DOCUMENT says.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import requests
    import schemathesis

    Operation = schemathesis.APIOperation[Any, Any, Any, Any]
    Case = schemathesis.Case[Operation]

METHODS = ("get", "put", "post", "patch", "delete")
BESIDE = Path(__file__).parents[4] / "shared" / "spec" / "AI_CORE_API.yaml"


@dataclass(frozen=True)
class Deviation:
    """An answer that the document does not have and the real service gives all the same."""

    reason: str
    statuses: frozenset[int]
    operations: str = ".*"
    """Pattern of ``GET /lm/artifacts``."""
    text: str = ""
    """Pattern of the whole answer."""

    def explains(self, operation: str, response: requests.Response) -> bool:
        return (
            response.status_code in self.statuses
            and re.fullmatch(self.operations, operation) is not None
            and re.fullmatch(self.text or ".*", response.text, re.DOTALL) is not None
        )


DEVIATIONS = (
    Deviation(
        "the gateway in front of the service answers 401 and 403 itself, in plain text",
        frozenset({401, 403}),
        text=r"Jwt .*|RBAC: access denied",
    ),
    Deviation(
        "a server gives up on a request line and headers of more than 64 KiB in plain text",
        frozenset({400}),
        text=r"Invalid HTTP request received\.",
    ),
    Deviation(
        "too large a body is a 413 everywhere; the document has it for metrics and files only",
        frozenset({413}),
        operations="(POST|PATCH) .*",
    ),
    Deviation(
        "the text of the parameter continueToken announces a 410 that is not among the codes",
        frozenset({410}),
        operations="GET /admin/resourceGroups",
    ),
    Deviation(
        "ids in answers must have 4 to 64 characters, but the names that they repeat here may "
        "have 1 to 253",
        frozenset({200, 202}),
        operations=r"(POST|PATCH|DELETE) /admin/.*",
        text=r'\{"id":"([^"]{1,3}|[^"]{65,})",.*',
    ),
)


@cache
def operations() -> dict[str, Operation]:
    """All operations by ``GET /lm/artifacts``."""
    document = schema()
    found = [document[path][key] for path in document for key in document[path] if key in METHODS]
    return {name_of(operation): operation for operation in found}


@cache
def schema() -> schemathesis.BaseSchema:
    """The document; skips the test where there is none, or nothing to read it with."""
    place = Path(os.environ.get("AI_CORE_API_DOCUMENT") or BESIDE)
    if not place.is_file():
        pytest.skip("AI Core's OpenAPI document is not here")
    openapi = pytest.importorskip("schemathesis").openapi
    read: schemathesis.BaseSchema = openapi.from_path(place)
    return read


def name_of(operation: Operation) -> str:
    return f"{operation.method.upper()} {operation.path}"


def problems(case: Case, response: Any) -> Iterator[str]:
    """What the answer to a request violates of the document, and no known deviation explains."""
    operation = name_of(case.operation)
    for check in checks():
        try:
            case.validate_response(response, checks=[check])
        except BaseExceptionGroup as found:
            if not any(known.explains(operation, response) for known in DEVIATIONS):
                for failure in found.exceptions:
                    yield f"{operation}: {response.status_code}: {failure}\n{response.text[:500]}"


def checks() -> list[Callable[..., Any]]:
    """Status, content type, headers and body as documented, and never a 5xx."""
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi import checks

    return [
        not_a_server_error,
        checks.status_code_conformance,
        checks.content_type_conformance,
        checks.response_headers_conformance,
        checks.response_schema_conformance,
    ]
