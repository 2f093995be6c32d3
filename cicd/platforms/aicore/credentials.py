"""Finds the login of AI Core and of the Destination service in a mapping of variables."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cicd.errors import Denied
from cicd.model import Secret

LOCAL = "or use --local, which needs no account"


@dataclass(frozen=True)
class Certificate:
    """An X.509 login: either two file paths or two PEM texts."""

    certificate: str
    key: Secret
    is_path: bool = False


@dataclass(frozen=True)
class Credentials:
    """A complete login. ``auth_url`` ends in /oauth/token; one of the last two is set."""

    base_url: str
    auth_url: str
    client_id: str
    client_secret: Secret | None = None
    certificate: Certificate | None = None
    resource_group: str = ""


def aicore_credentials(environ: Mapping[str, str]) -> Credentials:
    """The login for AI Core: AICORE_* variables, then a service key, then what the SDK knows.

    The variables come first although the SDK asks the service key first: ``--local`` sets them, and
    must never reach a real tenant by a key that happens to be around. Raises Denied, naming what
    is missing.
    """
    values = _variables(environ, "AICORE")
    if not set(values) & {"base_url", "auth_url", "client_id", "client_secret"}:
        values = _service_key(environ) or _known_to_sdk(environ)
    group = environ.get("AICORE_RESOURCE_GROUP") or values.get("resource_group", "")
    _require(values, "AICORE", LOCAL)
    return Credentials(
        base_url=_ending(values["base_url"], "/v2"), resource_group=group, **_login(values)
    )


def destination_credentials(environ: Mapping[str, str]) -> Credentials:
    """The login for the BTP Destination service, from DESTINATION_* variables. Raises Denied."""
    values = _variables(environ, "DESTINATION")
    _require(values, "DESTINATION", "needed because the stage has a destination_name")
    return Credentials(
        base_url=_ending(values["base_url"], "/destination-configuration/v1"), **_login(values)
    )


NAMES = (
    "base_url",
    "auth_url",
    "client_id",
    "client_secret",
    "cert_url",
    "cert_str",
    "key_str",
    "cert_file_path",
    "key_file_path",
)


def _variables(environ: Mapping[str, str], prefix: str) -> dict[str, str]:
    found = {name: environ.get(f"{prefix}_{name.upper()}", "").strip() for name in NAMES}
    # An empty variable is what a missing CI secret looks like: the same as none.
    return {name: value for name, value in found.items() if value}


def _service_key(environ: Mapping[str, str]) -> dict[str, str]:
    text = environ.get("AICORE_SERVICE_KEY", "").strip()
    if not text:
        return {}
    try:
        key = json.loads(text)
        key = key.get("credentials", key)
        found = {
            "base_url": key.get("serviceurls", {}).get("AI_API_URL"),
            "auth_url": key.get("url"),
            "cert_url": key.get("certurl"),
            "client_id": key.get("clientid"),
            "client_secret": key.get("clientsecret"),
            "cert_str": key.get("certificate"),
            "key_str": key.get("key"),
        }
    except (ValueError, AttributeError):
        message = "AICORE_SERVICE_KEY is not the JSON of a service key"
        raise Denied(message, hint="paste the whole key, from { to }") from None
    return {name: value for name, value in found.items() if value}


def _known_to_sdk(environ: Mapping[str, str]) -> dict[str, str]:
    """Profiles in ~/.aicore and VCAP_SERVICES, read by the SDK itself."""
    from ai_core_sdk.credentials import fetch_credentials

    try:
        found: dict[str, Any] = fetch_credentials(
            profile=environ.get("AICORE_PROFILE") or None, validate=False
        )
    except (FileNotFoundError, KeyError) as error:
        raise Denied(str(error.args[0]), hint="see AICORE_PROFILE and AICORE_HOME") from None
    except ValueError:
        return {}
    return {name: str(value) for name, value in found.items() if value}


def _require(values: Mapping[str, str], prefix: str, why: str) -> None:
    missing = [
        f"{prefix}_{name.upper()}" for name in ("base_url", "client_id") if not values.get(name)
    ]
    if not (values.get("auth_url") or values.get("cert_url")):
        missing.append(f"{prefix}_AUTH_URL")
    if not (_secret(values) or _certificate(values)):
        missing.append(f"{prefix}_CLIENT_SECRET")
    if missing:
        names = ", ".join(sorted(missing))
        word = "login is missing" if len(missing) > 3 else "login is incomplete"
        title = "AI Core" if prefix == "AICORE" else "Destination service"
        raise Denied(f"the {title} {word}: {names} not set", hint=f"set them, {why}")
    for name in ("base_url", "auth_url", "cert_url"):
        if name in values and not values[name].startswith(("https://", "http://")):
            variable = f"{prefix}_{name.upper()}"
            raise Denied(f'{variable} is no URL: "{values[name]}"', hint="it begins with https://")


def _login(values: Mapping[str, str]) -> dict[str, Any]:
    secret = _secret(values)
    urls = ("auth_url", "cert_url") if secret else ("cert_url", "auth_url")
    return {
        "auth_url": _ending(next(values[url] for url in urls if url in values), "/oauth/token"),
        "client_id": values["client_id"],
        "client_secret": secret,
        "certificate": None if secret else _certificate(values),
    }


def _secret(values: Mapping[str, str]) -> Secret | None:
    return Secret(values["client_secret"]) if values.get("client_secret") else None


def _certificate(values: Mapping[str, str]) -> Certificate | None:
    if values.get("cert_file_path") and values.get("key_file_path"):
        return Certificate(values["cert_file_path"], Secret(values["key_file_path"]), is_path=True)
    if values.get("cert_str") and values.get("key_str"):
        # In a .env file or a CI secret the line ends of a PEM text are often written as \n.
        certificate, key = (values[name].replace("\\n", "\n") for name in ("cert_str", "key_str"))
        return Certificate(certificate, Secret(key))
    return None


def _ending(url: str, ending: str) -> str:
    url = url.rstrip("/")
    return url if url.endswith(ending) else url + ending
