"""The places where a login can be: variables, service key, the SDK's files, bindings.

Read only, and from a mapping of variables: what is found is told by name and never by value.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PureWindowsPath
from typing import Any

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
"""What a login may consist of; AICORE_* and DESTINATION_* variables in lower case."""
KEY_FIELDS = {
    "auth_url": "url",
    "cert_url": "certurl",
    "client_id": "clientid",
    "client_secret": "clientsecret",
    "cert_str": "certificate",
    "key_str": "key",
}
"""Our name -> the field of a service key."""


@dataclass(frozen=True)
class Source:
    """One place that was looked at. ``problem``: why nothing could be read from it."""

    name: str
    values: Mapping[str, str] = field(default_factory=dict, repr=False)
    problem: str = ""

    @property
    def cure(self) -> str:
        """What to do about its problem."""
        if self.name.endswith("SERVICE_KEY"):
            return "paste the whole key, from { to }"
        is_bound = self.name.startswith("VCAP_SERVICES")
        return "unset it, or bind the service again" if is_bound else "see AICORE_PROFILE"

    @property
    def has_login(self) -> bool:
        return any(name in self.values for name in NAMES)


def sources(environ: Mapping[str, str], prefix: str) -> list[Source]:
    """The places that hold something for ``prefix`` (AICORE, DESTINATION); the first one counts.

    The variables come first although the SDK asks the service key first: ``--local`` sets them, and
    must never reach a real tenant by a key that happens to be around.
    """
    places = [_variables(environ, prefix), _service_key(environ, prefix)]
    if prefix == "AICORE":
        places.append(_config_file(environ))
    places.append(_binding(environ, prefix))
    return [place for place in places if place.values or place.problem]


BOM = "\ufeff"
"""What editors on Windows put before the text of a file, and whoever pastes it does not see."""


def _text(environ: Mapping[str, str], name: str) -> str:
    return environ.get(name, "").strip().removeprefix(BOM).strip()


def _variables(environ: Mapping[str, str], prefix: str) -> Source:
    names = (*NAMES, "resource_group")
    found = {name: _text(environ, f"{prefix}_{name.upper()}") for name in names}
    # An empty variable is what a missing CI secret looks like: the same as none.
    return Source(f"{prefix}_* variables", {name: value for name, value in found.items() if value})


def _service_key(environ: Mapping[str, str], prefix: str) -> Source:
    """The key as JSON, or the path of its file, which is what many set first."""
    variable = f"{prefix}_SERVICE_KEY"
    text = _text(environ, variable)
    if not text:
        return Source(variable)
    if text[0] not in "{[":
        try:
            text = Path(text).expanduser().read_text(encoding="utf-8-sig")
        except (OSError, ValueError):
            # What it holds is not shown: it may be half a key.
            problem = f"{variable} is neither the JSON of a service key nor a file with one"
            return Source(variable, problem=problem)
    try:
        return Source(variable, from_key(json.loads(text)))
    except (ValueError, AttributeError):
        return Source(variable, problem=f"{variable} is not the JSON of a service key")


MAX_PATH = 500
"""Characters of a path; a service key is longer, also as base64."""


def is_path(text: str) -> bool:
    """Whether it may be a path. A key that was pasted in place of one is never to be shown."""
    if len(text) >= MAX_PATH or any(mark in text for mark in ("\n", '"', "{", "-----")):
        return False
    return "\\n" not in text or bool(PureWindowsPath(text).drive)


def _config_file(environ: Mapping[str, str]) -> Source:
    """The SDK's ``config.json``, that of AICORE_PROFILE, or the file that AICORE_CONFIG names."""
    default = Path(environ["HOME"], ".aicore") if environ.get("HOME") else Path.home() / ".aicore"
    home = Path(environ.get("AICORE_HOME") or default).expanduser()
    profile, direct = environ.get("AICORE_PROFILE", ""), environ.get("AICORE_CONFIG", "")
    if not is_path(direct):
        return Source("AICORE_CONFIG", problem="AICORE_CONFIG is no path of a file")
    is_default = profile in {"", "default"}
    file = home / ("config.json" if is_default else f"config_{profile}.json")
    file = Path(direct).expanduser() if direct else file
    try:
        document = json.loads(file.read_text(encoding="utf-8-sig"))
        keys = document if "clientid" not in document else {}
        found = from_key(document) if "clientid" in document else {}
        for name in (*NAMES, "resource_group"):
            if keys.get(f"AICORE_{name.upper()}"):
                found[name] = str(keys[f"AICORE_{name.upper()}"]).strip()
        return Source(str(file), found)
    except FileNotFoundError:
        if is_default and not direct:
            return Source(str(file))
        named = "AICORE_CONFIG" if direct else f'AICORE_PROFILE "{profile}"'
        return Source(str(file), problem=f"there is no file {file}, which {named} names")
    except OSError as error:
        return Source(str(file), problem=f"cannot read {file}: {error.strerror}")
    except (ValueError, AttributeError, TypeError):
        return Source(str(file), problem=f"{file} is not the JSON of a login")


def _binding(environ: Mapping[str, str], prefix: str) -> Source:
    """The first service with the label ``aicore`` or ``destination`` among the bound ones."""
    label, text = prefix.lower(), _text(environ, "VCAP_SERVICES")
    if not text:
        return Source("VCAP_SERVICES")
    try:
        for services in json.loads(text).values():
            for service in services:
                if service.get("label") == label:
                    return Source(f'VCAP_SERVICES, label "{label}"', from_key(service))
    except (ValueError, AttributeError, TypeError):
        return Source("VCAP_SERVICES", problem="VCAP_SERVICES is not the JSON of bound services")
    return Source("VCAP_SERVICES")


def from_key(document: Any) -> dict[str, str]:
    """The login in a service key, also one wrapped in ``credentials``. Raises AttributeError."""
    key = document.get("credentials", document)
    found = {ours: key.get(theirs) for ours, theirs in KEY_FIELDS.items()}
    urls = key.get("serviceurls") or {}
    found["base_url"] = key.get("uri") or urls.get("AI_API_URL")
    return {name: str(value).strip() for name, value in found.items() if value}
