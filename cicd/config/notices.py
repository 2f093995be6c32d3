"""Checks of ``notify``: whether anybody can be told at an address, as far as that shows offline."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from typing import Any

from cicd.config.draft import Draft
from cicd.config.plain_secrets import HERE, host_of
from cicd.errors import Problem

WEBHOOK = ("webhook+https", "webhook+http")
"""Schemes that we send to ourselves; all others are Apprise's."""


def check_notices(draft: Draft[Any, Any]) -> Iterator[Problem]:
    """Addresses that lead nowhere; none of the messages quotes one. What comes from the environment
    only warns: it never keeps a stage from being applied."""
    needs_apprise = None
    for index, notice in enumerate(draft.file.notify):
        node = draft.tree.get("notify", index, "to")
        is_written = node is not None and node.text == "***"
        address = notice.to.reveal()
        place = draft.place("notify", index, "to")
        if problem := _problem(address):
            yield place.problem(problem, "bad-notify", "error" if is_written else "warning")
        scheme = _scheme(address or (node.text if node else ""))
        if scheme not in WEBHOOK:
            needs_apprise = needs_apprise or place
            if notice.secret is not None and scheme:
                message = "only what goes to webhook+https:// is signed: take the secret out"
                yield draft.place("notify", index, "secret").problem(message, "bad-notify")
    if needs_apprise and importlib.util.find_spec("apprise") is None:
        message = "nobody is told from here: install cicd with its extra notify, for Apprise"
        yield needs_apprise.problem(message, "notify-not-installed", "warning")


def _scheme(address: str) -> str:
    scheme, mark, _ = address.partition("://")
    return scheme.lower() if mark and "$" not in scheme else ""


def _problem(address: str) -> str:
    """What is wrong with an address, empty for nothing."""
    if not address:
        return ""
    scheme = _scheme(address)
    if not scheme:
        return "this is no address: write SCHEME://…, as Apprise has them, or webhook+https://HOST/PATH"
    host = host_of(address)
    if scheme in WEBHOOK and not host:
        return "the address names no host: write webhook+https://HOST/PATH"
    if scheme == "webhook+http" and host not in HERE:
        return "the address would send in plain text over a network: write webhook+https://"
    return ""
