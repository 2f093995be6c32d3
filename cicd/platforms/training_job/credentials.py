"""Where the API is and the login for it, complete or refused with what is missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from cicd.errors import Denied
from cicd.model import Secret
from cicd.platforms.training_job.dialect.login_sources import NAMES, PREFIX, found_in, sources


@dataclass(frozen=True)
class Credentials:
    """A complete login. ``source``: where its secret was found."""

    api_url: str
    token_url: str
    client_id: str
    client_secret: Secret
    source: str


def credentials(settings: Mapping[str, Any], environ: Mapping[str, str]) -> Credentials:
    """What the stage file says (``settings``), and the environment where it says nothing. Raises
    Denied, naming what is missing or wrong."""
    found = found_in(environ)
    told = {name: _text(settings.get(name)) or found.values.get(name, "") for name in NAMES}
    if missing := [name for name in NAMES if not told[name]]:
        problem = next((source.problem for source in sources(environ) if source.problem), "")
        named = ", ".join(f"{PREFIX}{name.upper()}" for name in missing)
        word = "login is missing" if len(missing) > 2 else "login is incomplete"
        said = f"; {problem}" if problem else ""
        raise Denied(
            f"the training-job {word}: {named} not set{said}",
            hint="set them, or use --local, which needs no account",
        )
    for name in ("api_url", "token_url"):
        parts = urlsplit(told[name])
        if parts.scheme not in {"https", "http"} or not parts.netloc:
            where = found.places.get(name, "") if not settings.get(name) else "the stage file"
            text = f"{PREFIX}{name.upper()} is no URL (from {where})"
            raise Denied(text, hint="it begins with https://")
    is_own = bool(_text(settings.get("client_secret")))
    source = "training_job.client_secret" if is_own else found.places["client_secret"]
    if source.startswith(PREFIX):
        source = f"{PREFIX}CLIENT_ID and {PREFIX}CLIENT_SECRET"
    secret = Secret(told["client_secret"])
    return Credentials(
        told["api_url"].rstrip("/"), told["token_url"], told["client_id"], secret, source
    )


def _text(value: Any) -> str:
    return (value.reveal() if isinstance(value, Secret) else str(value or "")).strip()
