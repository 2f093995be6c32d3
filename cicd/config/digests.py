"""Digests of plain data and of single values. Pure."""

from __future__ import annotations

import json
from typing import Any

_ROUNDS = 10_000


def digest(content: Any) -> str:
    """sha256 of plain data; the order of keys does not count."""
    import hashlib  # it loads OpenSSL, and a check digests nothing

    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def slow_digest(value: str, salt: str) -> str:
    """Slow and salted on purpose: digests get around, and values like ``prd`` are soon guessed."""
    import hashlib

    # an environment variable may hold bytes that are no text
    key, salt_bytes = (text.encode("utf-8", "surrogatepass") for text in (value, salt))
    return hashlib.pbkdf2_hmac("sha256", key, salt_bytes, _ROUNDS).hex()
