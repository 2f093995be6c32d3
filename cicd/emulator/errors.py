"""What can go wrong: EmulatorError for whoever starts it, the others become HTTP answers."""

from __future__ import annotations

from typing import Any


class EmulatorError(Exception):
    """The emulator cannot start or go on; one line for the user, ``hint`` says what to do."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(f"{message} ({hint})" if hint else message)
        self.message = message
        self.hint = hint


class ApiError(Exception):
    """Answered in AI Core's error envelope. ``code`` is AI Core's, not the HTTP status."""

    def __init__(self, status: int, message: str, *, code: str = "", details: Any = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code or str(status)
        self.details = details


class GatewayError(Exception):
    """Answered as plain text, as the gateway in front of AI Core does (401 and 403)."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


def invalid(message: str) -> ApiError:
    """The 400 for a request that is wrong in itself."""
    return ApiError(400, message, code="01010400")


def not_found(what: str, name: str) -> ApiError:
    """The 404 for ``what`` (``Execution``) called ``name``."""
    return ApiError(404, f"{what} with id '{name}' not found", code="01010404")


def denied() -> GatewayError:
    """The 403 for a missing header, a wrong resource group or a wrong path."""
    return GatewayError(403, "RBAC: access denied")
