"""Paths that are not in AI Core's OpenAPI document.

What the Python SDK has methods for is answered; what AI Core's help describes and the emulator
does not have is a 501.
"""

from __future__ import annotations

from cicd.emulator.api.web import ApiCall, Operation, Reply
from cicd.emulator.errors import ApiError

CERTIFICATES = "/v2/admin/mtlsCertificateSecrets"


def health(call: ApiCall) -> Reply:
    """Ready, as whoever answers is."""
    return Reply({"status": "READY", "message": "the emulator is ready"})


def lacking(call: ApiCall) -> Reply:
    """Not emulated, and said so."""
    raise ApiError(501, "the emulator does not have this part of SAP AI Core", code="501")


OPERATIONS = (
    Operation("healthz.get", "GET", "/v2/lm/healthz", health, "aicore"),
    *(
        Operation(f"mtls_certificate_secret.{verb}", method, path, lacking, "aicore")
        for verb, method, path in (
            ("list", "GET", CERTIFICATES),
            ("create", "POST", CERTIFICATES),
            ("get", "GET", f"{CERTIFICATES}/{{name}}"),
            ("update", "PATCH", f"{CERTIFICATES}/{{name}}"),
            ("delete", "DELETE", f"{CERTIFICATES}/{{name}}"),
        )
    ),
    Operation("model.get", "GET", "/v2/admin/quota/model", lacking, "aicore"),
    Operation("request.list", "GET", "/v2/admin/quota/requests", lacking, "aicore"),
)
