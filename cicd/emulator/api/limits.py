"""What AI Core accepts: patterns, lengths and counts of its OpenAPI document, each said once."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cicd.emulator.errors import invalid
from cicd.emulator.git import templates


@dataclass(frozen=True)
class Text:
    """A string field: its pattern (searched, so anchored where it says so) and lengths."""

    pattern: str = ""
    maximum: int = 1_000_000
    minimum: int = 0


ID = Text(rf"^{templates.ID}$")
NAME = Text(r"""^[\w\s.!?,;:\[\](){}<>"'=+*/\\^&%@~$#|-]*$""", 256)
DESCRIPTION = Text(maximum=5000)
ARTIFACT_URL = Text(r"([a-z0-9-]+):\/\/.+", 1024)
LABEL_KEY = Text(r"^ext\.ai\.sap\.com\/[\w\.-]+$", 256)
# the document nests two repetitions here, which means the same and may take re for ever
GROUP_LABEL_KEY = Text(r"^ext.ai.sap.com/[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$", 63)
LABEL_VALUE = Text(maximum=5000)
BINDING_KEY = Text(maximum=256, minimum=1)
BINDING_VALUE = Text(maximum=5000)
RESOURCE_GROUP = Text(r"^[a-zA-Z0-9][a-zA-Z0-9.-]{1,251}[a-zA-Z0-9]$", 253, 3)
STAND_INS = Text(r"^[a-zA-Z0-9][a-zA-Z0-9._-]{1,251}[a-zA-Z0-9]$", 253, 3)
REPOSITORY = Text(r"^[a-z0-9\-]+$", 51, 1)
APPLICATION = Text(r"^[a-z0-9\-]+$", 54, 3)
GENERIC_SECRET = Text(r"^[a-z0-9\-\.]+$", 252, 1)
DNS = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
OBJECT_STORE = Text(rf"^{DNS}(\.{DNS})*$", 233)
DOCKER_REGISTRY = Text(r"^[a-z0-9](?:_?[a-z0-9\.\-]+)*[a-z0-9]$", 63)
DESTINATION = Text(r"^[\w-]+$", 200, 1)
TTL = Text(r"^[0-9]+[mMhHdD]$")
METRIC_NAME = Text(r"[\w-]{1,64}", 256)
GENERIC_NAME = Text(maximum=256, minimum=1)
MANY = 1000
SECONDS = {"m": 60, "h": 3600, "d": 86400}


def check(value: Any, field: str, rule: Text) -> str:
    """``value`` if it is a string as ``rule`` wants it, else a 400 that names the field."""
    if not isinstance(value, str):
        raise invalid(f"{field} must be a string")
    if not rule.minimum <= len(value) <= rule.maximum:
        raise invalid(f"{field} must have {rule.minimum} to {rule.maximum} characters")
    # unlike re, the API's patterns do not let $ match before a last newline
    # and their \w and \d are those of ASCII
    if rule.pattern and (
        not re.search(rule.pattern, value, re.ASCII)
        or (rule.pattern.endswith("$") and value.endswith("\n"))
    ):
        raise invalid(f"{field} {value[:80]!r} does not match {rule.pattern}")
    return value


def required(body: Mapping[str, Any], field: str, rule: Text) -> str:
    """A mandatory string field of a body."""
    if body.get(field) is None:
        raise invalid(f"{field} is missing")
    return check(body[field], field, rule)


def optional(body: Mapping[str, Any], field: str, rule: Text) -> str | None:
    """A string field that may be absent or null."""
    return None if body.get(field) is None else check(body[field], field, rule)


def objects(body: Mapping[str, Any], field: str, maximum: int = MANY) -> list[Mapping[str, Any]]:
    """A list of JSON objects; an absent or null one is empty."""
    found = body.get(field)
    if found is None:
        return []
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise invalid(f"{field} must be a list of objects")
    if len(found) > maximum:
        raise invalid(f"{field} has {len(found)} items, at most {maximum} are allowed")
    return found


def pairs(
    body: Mapping[str, Any], field: str, second: str, key: Text, value: Text
) -> dict[str, str]:
    """A list of ``{"key": …, second: …}`` as a dict; a key twice is a 400."""
    found: dict[str, str] = {}
    for number, item in enumerate(objects(body, field)):
        name = check(item.get("key"), f"{field}[{number}].key", key)
        if name in found:
            raise invalid(f"{field} has the key {name!r} twice")
        found[name] = check(item.get(second), f"{field}[{number}].{second}", value)
    return found


def labels(body: Mapping[str, Any], key: Text = LABEL_KEY) -> dict[str, str]:
    """The ``labels`` of a body as a dict."""
    return pairs(body, "labels", "value", key, LABEL_VALUE)


def as_pairs(values: Mapping[str, str], second: str = "value") -> list[dict[str, str]]:
    """The reverse of pairs()."""
    return [{"key": key, second: value} for key, value in values.items()]


def one_of(value: Any, field: str, allowed: Sequence[str]) -> str:
    """``value`` if it is one of ``allowed``."""
    if value not in allowed:
        raise invalid(f"{field} must be one of {', '.join(allowed)}")
    return str(value)


def ttl_seconds(ttl: str) -> int:
    """``24H`` -> seconds; less than ten minutes is a 400."""
    check(ttl, "ttl", TTL)
    seconds = int(ttl[:-1]) * SECONDS[ttl[-1].lower()]
    if seconds < 600:
        raise invalid(f"ttl {ttl} is too short, the minimum is 10m")
    return seconds
