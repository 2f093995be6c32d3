"""The places where addresses and login of the API are: variables, service key, bindings.

Read only; what is found is told by the name of the place and never by value.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

PREFIX = "TRAINING_JOB_"
SERVICE_KEY = f"{PREFIX}SERVICE_KEY"
BINDINGS = "VCAP_SERVICES"
LABELS = ("training-job", "ml-foundation", "ml-foundation-services")
"""What the service is called among those that are bound."""
NAMES = ("api_url", "token_url", "client_id", "client_secret")
TOKEN_PATH = "/oauth/token"  # noqa: S105 a path
BOM = "\ufeff"
"""What editors on Windows put before the text of a file, and whoever pastes it does not see."""


class Source(msgspec.Struct, frozen=True):
    """One place that was looked at. ``problem``: why nothing could be read from it."""

    name: str
    values: Mapping[str, str] = {}
    problem: str = ""


class Found(msgspec.Struct, frozen=True):
    """What counts, value by value from the first place that has it; ``places``: value -> that."""

    values: Mapping[str, str]
    places: Mapping[str, str]


def found_in(environ: Mapping[str, str]) -> Found:
    """Addresses and login, as far as the environment tells them."""
    values: dict[str, str] = {}
    places: dict[str, str] = {}
    for source in sources(environ):
        for name, value in source.values.items():
            if name not in values:
                values[name], places[name] = value, source.name
    return Found(values, places)


def sources(environ: Mapping[str, str]) -> list[Source]:
    """The places that hold something, or should; the first one counts."""
    found = [_variables(environ), _service_key(environ), _binding(environ)]
    return [source for source in found if source.values or source.problem]


def _text(environ: Mapping[str, str], name: str) -> str:
    return environ.get(name, "").strip().removeprefix(BOM).strip()


def _variables(environ: Mapping[str, str]) -> Source:
    # an empty variable is what a missing CI secret looks like: the same as none
    told = {name: _text(environ, f"{PREFIX}{name.upper()}") for name in NAMES}
    return Source(f"{PREFIX}* variables", {name: text for name, text in told.items() if text})


def _service_key(environ: Mapping[str, str]) -> Source:
    """The key as JSON, or the path of its file."""
    text = _text(environ, SERVICE_KEY)
    if not text:
        return Source(SERVICE_KEY)
    if text[0] not in "{[":
        try:
            text = Path(text).expanduser().read_text(encoding="utf-8-sig")
        except (OSError, ValueError):
            # what it holds is not shown: it may be half a key
            problem = f"{SERVICE_KEY} is neither the JSON of a service key nor a file with one"
            return Source(SERVICE_KEY, problem=problem)
    try:
        return Source(SERVICE_KEY, from_key(json.loads(text)))
    except (ValueError, AttributeError, RecursionError):
        return Source(SERVICE_KEY, problem=f"{SERVICE_KEY} is not the JSON of a service key")


def _binding(environ: Mapping[str, str]) -> Source:
    text = _text(environ, BINDINGS)
    if not text:
        return Source(BINDINGS)
    try:
        for services in json.loads(text).values():
            for service in services:
                if service.get("label") in LABELS:
                    name = f'{BINDINGS}, label "{service["label"]}"'
                    return Source(name, from_key(service))
    except (ValueError, AttributeError, TypeError, RecursionError):
        return Source(BINDINGS, problem=f"{BINDINGS} is not the JSON of bound services")
    return Source(BINDINGS)


def from_key(document: Any) -> dict[str, str]:
    """Addresses and login in a service key, also one that is wrapped. Raises AttributeError."""
    key = document.get("credentials", document)
    urls = key.get("serviceurls") or {}
    base = str(key.get("url") or "").strip().rstrip("/")
    found = {
        "api_url": urls.get("JOB_SUBMISSION_API_URL") or key.get("api_url"),
        "token_url": base if base.endswith(TOKEN_PATH) or not base else base + TOKEN_PATH,
        "client_id": key.get("clientid"),
        "client_secret": key.get("clientsecret"),
    }
    return {name: str(value).strip() for name, value in found.items() if value}
