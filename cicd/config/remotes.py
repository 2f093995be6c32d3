"""URLs of Git repositories, as text. Pure."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from cicd.config.formats import slug

_SSH = re.compile(r"(?:ssh://)?git@([A-Za-z0-9.-]+)[:/](?:\d+/)?(.+)")


def https_url(url: str) -> str:
    """A Git URL for who has no SSH: one for it becomes the one for HTTPS."""
    match = _SSH.fullmatch(url)
    return f"https://{match[1]}/{match[2]}" if match else url


def absolute_url(url: str, remote: str) -> str:
    """Where a submodule's URL leads: one that is relative is so to the repository's own."""
    if not url.startswith(("./", "../")) or not remote:
        return url
    base, rest = remote.rstrip("/"), url
    while rest.startswith(("./", "../")):
        if rest.startswith("../"):
            cut = max(base.rfind("/"), base.rfind(":"))
            # of git@host:name the host and its colon stay
            base = base[: cut + 1] if base[cut] == ":" else base[:cut]
            rest = rest[3:]
        else:
            rest = rest[2:]
    return f"{base}{rest}" if base.endswith(":") else f"{base}/{rest}"


def repository_name(url: str) -> str:
    """A short name for a Git repository: owner and repository, 51 characters at most."""
    parts = [part for part in urlsplit(url).path.removesuffix(".git").split("/") if part]
    kept = parts[-2:] if urlsplit(url).netloc else parts[-1:]
    return slug("-".join(kept))[:51].strip("-") or "repository"
