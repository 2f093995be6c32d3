"""Paths that are not in AI Core's OpenAPI document.

What the Python SDK has methods for is answered; what AI Core's help describes and the emulator
does not have is a 501.
"""

from __future__ import annotations

from cicd.emulator.api.web import Call, Operation, Reply
from cicd.emulator.errors import ApiError

CERTIFICATES = "/v2/admin/mtlsCertificateSecrets"
QUOTAS = ("/v2/admin/quota/model", "/v2/admin/quota/requests")


def health(call: Call) -> Reply:
    """Ready, as whoever answers is."""
    return Reply({"status": "READY", "message": "the emulator is ready"})


def lacking(call: Call) -> Reply:
    """Not emulated, and said so."""
    raise ApiError(501, "the emulator does not have this part of SAP AI Core", code="501")


OPERATIONS = (
    Operation("GET", "/v2/lm/healthz", health, "aicore"),
    *(Operation(method, CERTIFICATES, lacking, "aicore") for method in ("GET", "POST")),
    *(
        Operation(method, f"{CERTIFICATES}/{{name}}", lacking, "aicore")
        for method in ("GET", "PATCH", "DELETE")
    ),
    *(Operation("GET", path, lacking, "aicore") for path in QUOTAS),
)
