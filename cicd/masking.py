"""Secrets in the texts of servers, tools and traces, which like to repeat what they got. Pure."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus


def hide(text: str, secrets: Iterable[str], *, shortest: int = 3) -> str:
    """The text with ``***`` for each secret in any of its spellings, but for those that have fewer
    characters than ``shortest``: they are in any text."""
    forms = {form for secret in secrets for form in _spellings(secret) if len(form) >= shortest}
    for form in sorted(forms, key=len, reverse=True):
        text = text.replace(form, "***")
    return text


def parts(secret: str) -> Iterator[str]:
    """What may be repeated of a secret by itself: its lines, and where it is JSON the texts in it
    and their lines."""
    yield from secret.splitlines()
    try:
        waiting = [json.loads(secret)]
    except (ValueError, RecursionError):
        return
    while waiting:
        part = waiting.pop()
        if isinstance(part, str):
            yield part
            yield from part.splitlines()
        waiting += part.values() if isinstance(part, dict) else []
        waiting += part if isinstance(part, list) else []


def _spellings(text: str) -> set[str]:
    """A text as it stands in others: in JSON, Python, URLs, HTML and base64."""
    from html import escape  # takes 2 ms, and only what fails needs it

    quoted = {text, " ".join(text.split()), escape(text)}
    for _ in range(2):  # JSON in JSON, and either in what Python prints
        quoted |= {form for known in quoted for form in _quoted(known)}
    raw = text.encode(errors="replace")  # a variable may be no text
    quoted |= {quote(raw), quote(raw, safe=""), quote_plus(raw)}
    return quoted | {base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode()}


def _quoted(text: str) -> Iterator[str]:
    every = (json.dumps(text), json.dumps(text, ensure_ascii=False), repr(text))
    yield from (quoted[1:-1] for quoted in every)
