"""Where a login comes from and what stands behind it unused: places and names, never a value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cicd.errors import Denied
from cicd.platforms.aicore.credentials import Merged, aicore_credentials, merge
from cicd.platforms.aicore.sources import NAMES, Source, sources
from cicd.platforms.base import Finding

CHECK = "credentials"
TITLES = {
    "base_url": "base URL",
    "auth_url": "auth URL",
    "client_id": "client id",
    "client_secret": "client secret",
    "cert_url": "certificate URL",
    "cert_str": "certificate",
    "key_str": "key",
    "cert_file_path": "certificate file",
    "key_file_path": "key file",
}


def target(environ: Mapping[str, str]) -> dict[str, str]:
    """Where a login goes by itself."""
    return {"resource_group": environ["AICORE_RESOURCE_GROUP"]}


def explain(environ: Mapping[str, str]) -> list[Finding]:
    """What is known of the AI Core login without sending anything."""
    places = sources(environ, "AICORE")
    merged = merge(places)
    found = [Finding(CHECK, "ok", f"{_what(merged, place)}: {place}") for place in merged.places]
    if len(merged.places) > 1:
        text = f"the login is put together from {' and '.join(merged.places)}"
        found.append(Finding(CHECK, "warning", text, "keep all of it in one place"))
    if "client_secret" in merged.values and {"cert_str", "cert_file_path"} & merged.values.keys():
        text = "a client secret and a certificate are both set: the secret is used"
        found.append(Finding(CHECK, "warning", text, "unset the one that is not meant"))
    found += [_unused(place, merged) for place in places if place.name not in merged.places]
    group = merged.taken.get("resource_group")
    if group:
        found.append(Finding(CHECK, "ok", f"resource group: {group.name}"))
    try:
        aicore_credentials(environ)
    except Denied as error:
        found.append(Finding(CHECK, "error", error.message, error.hint))
    return [finding for finding in found if finding.text]


def _what(merged: Merged, place: str) -> str:
    names = [name for name in NAMES if name in merged.taken and merged.taken[name].name == place]
    return ", ".join(TITLES[name] for name in names)


def _unused(place: Source, merged: Merged) -> Finding:
    """A place behind the one that counts. It matters where it names another client: programs that
    use the SDK take the service key before the variables."""
    if place.problem:
        return Finding(CHECK, "warning", place.problem, place.cure)
    if not place.has_login:
        return Finding(CHECK, "ok", "")
    text = f"{place.name}: not used, {_first(merged.places)} come first"
    differs = any(
        place.values.get(name) not in (None, merged.values.get(name)) for name in ("client_id",)
    )
    if differs and place.name.endswith("SERVICE_KEY"):
        cure = "unset the one that is not meant: the SAP SDK would take the service key"
        return Finding(CHECK, "warning", f"{text}, and it is of another client", cure)
    return Finding(CHECK, "skipped", text)


def _first(places: Sequence[str]) -> str:
    return places[0] if places else "others"
