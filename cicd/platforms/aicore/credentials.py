"""The login of AI Core and of the Destination service, put together from where it is found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from cicd.errors import Denied
from cicd.model import Secret
from cicd.platforms.aicore.certificate import Certificate
from cicd.platforms.aicore.sources import NAMES, Source, sources

LOCAL = "or use --local, which needs no account"
NEEDED = "needed because the stage has a destination_name"
TITLES = {"AICORE": "AI Core", "DESTINATION": "Destination service"}
URLS = ("base_url", "auth_url", "cert_url")
PAIRS = (("cert_file_path", "key_file_path"), ("cert_str", "key_str"))
PROOF = frozenset({"client_secret", *(name for pair in PAIRS for name in pair)})
"""What shows that the client is who it says; taken from one place only."""
BELOW = frozenset({"lm", "admin", "inference", "subaccountDestinations", "destinations"})
"""Where the paths of the operations begin, which are no part of a base URL."""


@dataclass(frozen=True)
class Credentials:
    """A complete login. ``auth_url`` ends in /oauth/token; ``source``: where its proof was found.
    One of client secret and certificate is set."""

    base_url: str
    auth_url: str
    client_id: str
    client_secret: Secret | None = None
    certificate: Certificate | None = None
    resource_group: str = ""
    source: str = ""


@dataclass(frozen=True)
class Merged:
    """Value by value from the first place that has it. ``taken``: name -> that place."""

    values: Mapping[str, str]
    taken: Mapping[str, Source]

    @property
    def places(self) -> list[str]:
        """The places that the login comes from, in their order of precedence."""
        return list(dict.fromkeys(p.name for name, p in self.taken.items() if name in NAMES))


def aicore_credentials(environ: Mapping[str, str]) -> Credentials:
    """The login for AI Core: AICORE_* variables, a service key, the SDK's file, VCAP_SERVICES.

    Raises Denied, naming what is missing and where the rest was found.
    """
    return _complete(sources(environ, "AICORE"), "AICORE", "/v2", f"set them, {LOCAL}")


def destination_credentials(environ: Mapping[str, str]) -> Credentials:
    """The login for the BTP Destination service: DESTINATION_* variables, DESTINATION_SERVICE_KEY
    or VCAP_SERVICES. Raises Denied."""
    found = sources(environ, "DESTINATION")
    return _complete(found, "DESTINATION", "/destination-configuration/v1", f"set them, {NEEDED}")


def merge(places: Sequence[Source]) -> Merged:
    """What counts. A later place fills only gaps, and its proof counts only when no earlier one
    has any: a secret never stands against a certificate that was set on purpose."""
    values: dict[str, str] = {}
    taken: dict[str, Source] = {}
    for place in places:
        has_proof = bool(PROOF & values.keys())
        for name, value in place.values.items():
            if name not in values and not (has_proof and name in PROOF):
                values[name], taken[name] = value, place
    return Merged(values, taken)


def _complete(places: Sequence[Source], prefix: str, ending: str, hint: str) -> Credentials:
    merged = merge(places)
    values = merged.values
    missing = _missing(values, prefix)
    if missing:
        raise _denied(places, merged, missing, prefix, hint)
    for name in URLS:
        if name in values and (problem := _problem(values[name])):
            text, cure = problem
            place = _other(merged.taken[name].name, prefix)
            raise Denied(f"{prefix}_{name.upper()} {text}{place}", hint=cure)
    secret = values.get("client_secret")
    urls = ("auth_url", "cert_url") if secret else ("cert_url", "auth_url")
    proof = next(name for name in ("client_secret", *_flat(PAIRS)) if name in values)
    source = merged.taken[proof].name
    return Credentials(
        base_url=_ending(_above(values["base_url"]), ending),
        auth_url=_ending(next(values[url] for url in urls if url in values), "/oauth/token"),
        client_id=values["client_id"],
        client_secret=Secret(secret) if secret else None,
        certificate=None if secret else _certificate(values, source),
        resource_group=values.get("resource_group", ""),
        source=source,
    )


def _problem(url: str) -> tuple[str, str] | None:
    """What is wrong with an address that paths are put behind, and what to do; None: nothing. A
    query is not shown: it may hold a token."""
    parts = urlsplit(url)
    if parts.scheme not in {"https", "http"} or "://" not in url:
        return f'is no URL: "{url}"', "it begins with https://"
    for mark, name in (("?", "query"), ("#", "fragment")):
        if mark in url:
            return f"has a {name}", f"leave out everything from the {mark} on"
    return None


def _missing(values: Mapping[str, str], prefix: str) -> list[str]:
    """The variables that would have to be set for a login."""
    missing = [name for name in ("base_url", "client_id") if name not in values]
    if not {"auth_url", "cert_url"} & values.keys():
        missing.append("auth_url")
    if "client_secret" not in values and not any(set(pair) <= values.keys() for pair in PAIRS):
        half = [name for pair in PAIRS if set(pair) & values.keys() for name in pair]
        missing += [name for name in half if name not in values] or ["client_secret"]
    return sorted(f"{prefix}_{name.upper()}" for name in missing)


def _denied(
    places: Sequence[Source], merged: Merged, missing: list[str], prefix: str, hint: str
) -> Denied:
    broken = next((place for place in places if place.problem), None)
    if broken:
        return Denied(broken.problem, hint=broken.cure)
    word = "login is missing" if len(missing) > 3 else "login is incomplete"
    rest = [name for name in merged.places if not name.startswith(f"{prefix}_*")]
    found = f"; the rest is from {' and '.join(rest)}" if rest else ""
    return Denied(f"the {TITLES[prefix]} {word}: {', '.join(missing)} not set{found}", hint=hint)


def _certificate(values: Mapping[str, str], source: str) -> Certificate:
    files, texts = ([values.get(name, "") for name in pair] for pair in PAIRS)
    if all(files):
        return Certificate(files[0], Secret(files[1]), is_path=True, source=source)
    # In a .env file or a CI secret the line ends of a PEM text are often written as \n.
    certificate, key = (text.replace("\\n", "\n") for text in texts)
    return Certificate(certificate, Secret(key), source=source)


def _flat(pairs: tuple[tuple[str, str], ...]) -> list[str]:
    return [name for pair in pairs for name in pair]


def _other(place: str, prefix: str) -> str:
    return "" if place.startswith(f"{prefix}_*") else f", in {place}"


def _ending(url: str, ending: str) -> str:
    """The address with this end, however much of it was given already: ``…/oauth`` counts."""
    scheme, slashes, rest = url.partition("://")
    scheme = scheme.lower()
    host, *parts = rest.split("/")
    parts = [part for part in parts if part]
    wanted = ending.strip("/").split("/")
    given = next(n for n in range(len(wanted), -1, -1) if parts[len(parts) - n :] == wanted[:n])
    return scheme + slashes + "/".join([host, *parts[: len(parts) - given], *wanted])


def _above(url: str) -> str:
    """A base URL without the path of an operation that was copied with it: ``…/v2/lm``."""
    parts = url.split("/")
    below = next((n for n, part in enumerate(parts) if n > 2 and part in BELOW), len(parts))
    return "/".join(parts[:below])
