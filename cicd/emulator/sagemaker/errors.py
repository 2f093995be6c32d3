"""What is refused, in the words that AWS has for it."""

from __future__ import annotations

from typing import Any


class Refused(Exception):
    """Answered as an error of the API; ``code`` is AWS's, ``more`` are further fields of it."""

    def __init__(self, code: str, message: str, status: int = 400, **more: Any) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.more = more


def invalid(message: str) -> Refused:
    """AWS has one word for all that is wrong with a request, or with what it is about."""
    return Refused("ValidationException", message)


def violations(code: str, problems: list[str]) -> Refused:
    """For values that are not what the API says of them, with the word of a service for that."""
    count = len(problems)
    words = "error" if count == 1 else "errors"
    return Refused(code, f"{count} validation {words} detected: {'; '.join(problems)}")
