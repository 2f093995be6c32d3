"""Secrets in the texts of servers, tools and traces, which like to repeat what they got. Pure."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

SHORTEST = 4
"""Characters of a secret that is looked for at all."""
SHORTEST_NAMED = 3
"""The same where a text is likely to repeat it: names of users are that short."""
LONG = 8
"""From so many on a text is found within others."""
LONGEST_WORD = 16
_NO_WORD_BEFORE = (
    r"(?:(?<![\w-])(?<!\w\.)(?<!\d:)|(?<=\\[nrt])|(?<=%[0-9A-Fa-f]{2})|(?<=\\u[0-9a-f]{4}))"
)
"""No part of a word, a number, an id or a time; an escaped character before it is none."""
_NO_WORD_AFTER = r"(?![\w-]|\.\w|:\d)"
_NEVER = re.compile(r"(?!)")
_HEX = re.compile(r"(?<=%)[0-9A-F]{2}|(?<=\\u)[0-9a-f]{4}")
"""Digits of an escaped character in a pattern: some write them large, some small."""

_WORDS = {"password", "passwd", "passphrase", "secret", "token", "apikey", "credential"}
_PAIRS = {("api", "key"), ("access", "key"), ("private", "key"), ("secret", "key")}
_SPECIAL_TOKENS = {(word, "token") for word in ("bos", "cls", "eos", "mask", "pad", "sep", "unk")}
_NEVER_A_SECRET = {"name", "file", "path", "ref", "url", "uri", "id", "limit", "count", "length"}


def hide(text: str, secrets: Iterable[str], *, shortest: int = SHORTEST) -> str:
    """The text with ``***`` for each secret in any of its spellings, but for those that have fewer
    characters than ``shortest``: they are in any text.

    What is no longer than a word, or is one, counts only where it stands by itself: the rest of
    the text stays readable, and no digits vanish from ids and times.
    """
    forms = {form for secret in secrets for form in _spellings(secret) if len(form) >= shortest}
    pattern = _pattern(forms)
    return pattern.sub("***", text) if pattern else text


class Mask:
    """All that must not be seen, told as it becomes known, and the hiding of it in any text."""

    def __init__(self) -> None:
        self._secrets: set[str] = set()
        self._spared: set[str] = set()
        self._names: dict[str, str] = {}
        self._known: re.Pattern[str] | None = None

    def add(self, secrets: Iterable[str]) -> None:
        """Hide these from now on, but for those of the length of a word."""
        self._secrets.update(text for text in secrets if len(text) >= LONG)
        self._known = None

    def spare(self, texts: Iterable[str]) -> None:
        """Hide none of these, whoever adds them: everybody knows them."""
        self._spared.update(texts)
        self._known = None

    def show_as(self, text: str, name: str) -> None:
        """Show a name from now on for a text that tells people nothing."""
        self._names[text] = name

    def clear(self) -> None:
        self._names.clear()
        self._secrets.clear()
        self._spared.clear()
        self._known = None

    def hide(self, text: str) -> str:
        """The text without what must not be seen, and with names for what tells nothing."""
        for found, name in self._names.items():
            text = text.replace(found, name)
        if not self._secrets:
            return text
        if self._known is None:
            hidden = self._secrets - self._spared
            forms = {form for secret in hidden for form in _spellings(secret)}
            self._known = _pattern(form for form in forms if len(form) >= LONG) or _NEVER
        return self._known.sub("***", text)

    def hide_in(self, value: Any) -> Any:
        """The same for every text in plain data, the keys of maps too."""
        if isinstance(value, str):
            return self.hide(value)
        if isinstance(value, Mapping):
            return {self.hide(str(key)): self.hide_in(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.hide_in(item) for item in value]
        return value


def _pattern(forms: Iterable[str]) -> re.Pattern[str] | None:
    """What finds each of them, the longest first."""
    ordered = sorted(forms, key=lambda form: (-len(form), form))
    return re.compile("|".join(map(_found, ordered))) if ordered else None


def _found(form: str) -> str:
    """A pattern for one form: anywhere in a text, or as a whole word where it is like one."""
    is_word = form.isalpha() and len(form) <= LONGEST_WORD and form in (form.lower(), form.upper())
    escaped = _HEX.sub(lambda match: f"(?i:{match[0]})", re.escape(form))
    if len(form) >= LONG and not is_word and not form.isdecimal():
        return escaped
    before = _NO_WORD_BEFORE if form[0].isalnum() or form[0] == "_" else ""
    after = _NO_WORD_AFTER if form[-1].isalnum() or form[-1] == "_" else ""
    return f"{before}{escaped}{after}"


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
    quoted.add(escape(text).replace("&#x27;", "&#39;").replace("&quot;", "&#34;"))  # Go, Java
    encoded = {base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode()}
    return quoted | encoded | {form.rstrip("=") for form in encoded}


def _quoted(text: str) -> Iterator[str]:
    """In JSON and in Python; PHP escapes slashes in JSON, Go what means something in HTML."""
    plain, ascii_only = json.dumps(text, ensure_ascii=False), json.dumps(text)
    every = [plain, ascii_only, repr(text)]
    every += [form.replace("/", "\\/") for form in (plain, ascii_only)]
    every.append(re.sub("[&<>]", lambda match: f"\\u{ord(match[0]):04x}", plain))
    yield from (quoted[1:-1] for quoted in every)


def is_secret_name(name: str) -> bool:
    """Whether something of that name usually is a secret: ``DB_PASSWORD``, ``apiKey``."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    words = [word for word in re.split(r"[^a-z0-9]+", spaced.lower()) if word]
    if not words or words[-1] in _NEVER_A_SECRET or tuple(words[-2:]) in _SPECIAL_TOKENS:
        return False
    return words[-1] in _WORDS or tuple(words[-2:]) in _PAIRS
