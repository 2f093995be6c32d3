"""Secrets in the texts of servers, tools and traces, which like to repeat what they got. Pure."""

from __future__ import annotations

import base64
import itertools
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, lru_cache
from typing import Any

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
_LOGIN = re.compile(r"\b(?:Bearer|Basic) [\w.~+/=-]+|(?<![\w-])eyJ[\w-]+\.[\w-]+(?:\.[\w-]*)?")
"""What a token looks like: it comes from an answer, so no variable has it."""
HARMLESS = frozenset(
    ("PATH", "HOME", "PWD", "OLDPWD", "SHELL", "USER", "LOGNAME", "LANG", "TERM", "TMPDIR")
) | {"VIRTUAL_ENV", "PYTHONPATH"}
"""Variables that a bug report may show: without paths and names a trace tells little."""
SHORTEST_SECRET = 6
_SECRET_NAME = re.compile(r"(?i)passw|passphrase|secret|token|credential|(^|_)(key|pin|pw|auth)$")

_WORDS = {"password", "passwd", "passphrase", "secret", "token", "apikey", "credential"}
_PAIRS = {("api", "key"), ("access", "key"), ("private", "key"), ("secret", "key")}
_SPECIAL_TOKENS = {(word, "token") for word in ("bos", "cls", "eos", "mask", "pad", "sep", "unk")}
_REFERENCE = "secret key ref"
"""What Kubernetes calls the place of a secret, whatever the variable is called that gets it."""
_NEVER_A_SECRET = {"name", "file", "path", "ref", "url", "uri", "id", "limit", "count", "length"}


def hide(text: str, secrets: Iterable[str], *, shortest: int = SHORTEST) -> str:
    """The text with ``***`` for each secret in any of its spellings, but for those that have fewer
    characters than ``shortest``: they are in any text.

    What is no longer than a word, or is one, counts only where it stands by itself: the rest of
    the text stays readable, and no digits vanish from ids and times.
    """
    known = frozenset(text for text in map(str.strip, secrets) if len(text) >= shortest)
    pattern = _pattern(known)
    return pattern.sub("***", text) if pattern else text


class Mask:
    """All that must not be seen, told as it becomes known, and the hiding of it in any text."""

    def __init__(self) -> None:
        self._secrets: set[str] = set()
        self._spared: set[str] = set()
        self._names: dict[str, str] = {}
        self._known: re.Pattern[str] | None = None

    def add(self, secrets: Iterable[str], *, shortest: int = LONG) -> None:
        """Hide these from now on, but for those that are shorter than that."""
        known = map(str.strip, secrets)  # many end with a line break that nobody repeats
        # Shorter ones stand in any text by chance, and a log in which each "dev" is hidden helps
        # nobody.
        self._secrets.update(text for text in known if len(text) >= shortest)
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
        hidden = self._secrets - self._spared
        if self._known is None:
            self._known = _pattern(frozenset(hidden)) or _NEVER
        return _hide_torn(self._known.sub("***", text), hidden)

    def hide_in(self, value: Any) -> Any:
        """The same for every text in plain data, the keys of maps too."""
        if isinstance(value, str):
            return self.hide(value)
        if isinstance(value, Mapping):
            return {self.hide(str(key)): self.hide_in(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.hide_in(item) for item in value]
        return value


def _hide_torn(text: str, secrets: Iterable[str]) -> str:
    """The text without what is left of a secret where somebody has cut it: before and after ``…``,
    from the length on that is looked for in others."""
    if "…" not in text:
        return text
    pieces = text.split("…")
    for form in {form for secret in secrets for form in _plain_spellings(secret)}:
        for at, (before, after) in enumerate(itertools.pairwise(pieces)):
            if form[:LONG] in before:
                pieces[at] = before[: len(before) - _overlap(before, form)]
                pieces[at] += "***" if pieces[at] != before else ""
            if form[-LONG:] in after:
                rest = after[_overlap(form, after) :]
                pieces[at + 1] = f"***{rest}" if rest != after else after
    return "…".join(pieces)


def _overlap(before: str, after: str) -> int:
    """With how many characters one text ends and the other begins, 0 for fewer than count."""
    most = range(min(len(before), len(after)), LONG - 1, -1)
    return next((length for length in most if before.endswith(after[:length])), 0)


@lru_cache(maxsize=16)  # the same few are looked for in every answer
def _pattern(secrets: frozenset[str]) -> re.Pattern[str] | None:
    """What finds each of them, the longest first."""
    forms = {form: pattern for secret in secrets for form, pattern in _spellings(secret)}
    ordered = sorted(forms, key=lambda form: (-len(form), form))
    found = [_found(form, forms[form]) for form in ordered]
    return re.compile("|".join(found)) if found else None


def _found(form: str, pattern: str) -> str:
    """A pattern for one form: anywhere in a text, or as a whole word where it is like one."""
    if len(form) >= LONG and not is_like_a_word(form):
        return pattern
    before = _NO_WORD_BEFORE if form[0].isalnum() or form[0] == "_" else ""
    after = _NO_WORD_AFTER if form[-1].isalnum() or form[-1] == "_" else ""
    return f"{before}{pattern}{after}"


def is_like_a_word(text: str) -> bool:
    """Whether any text may have it by chance: a word, or a number."""
    is_word = text.isalpha() and len(text) <= LONGEST_WORD and text in (text.lower(), text.upper())
    return is_word or text.isdecimal()


def parts(secret: str) -> Iterator[str]:
    """What may be repeated of a secret by itself: its lines, and where it is JSON the texts in it
    and their lines."""
    yield from secret.splitlines()
    try:
        waiting = [json.loads(secret.removeprefix("\ufeff"))]
    except (ValueError, RecursionError):
        return
    while waiting:
        part = waiting.pop()
        if isinstance(part, str):
            yield part
            yield from part.splitlines()
        waiting += part.values() if isinstance(part, dict) else []
        waiting += part if isinstance(part, list) else []


def _spellings(text: str) -> Iterator[tuple[str, str]]:
    """(form, pattern for it) of a text as it stands in others: escaped, in hexadecimal digits, and
    in base64, also as a part of what is in base64."""
    yield text, "".join(map(_spelled, re.findall(r"\s+|.", text, re.DOTALL)))
    raw = text.encode(errors="surrogatepass")  # a variable may be no text
    whole = base64.b64encode(raw).decode()
    forms = {whole, whole.rstrip("=")}
    if len(raw) >= LONG:
        forms |= {raw.hex(), raw.hex().upper()}
        # Base64 takes three bytes at a time, so within a longer text a secret has one of three
        # spellings, by where it begins.
        for shift in range(3):
            code = base64.b64encode(bytes(shift) + raw).decode()
            forms.add(code[(shift * 8 + 5) // 6 : (shift + len(raw)) * 8 // 6])
    for form in forms:
        yield form, re.escape(form).replace(r"\+", "[+-]").replace("/", "[/_]")


def _plain_spellings(text: str) -> set[str]:
    """A text as we write it ourselves, before a part of it is cut."""
    quoted = json.dumps(text, ensure_ascii=False)[1:-1]
    return {text, quoted, " ".join(text.split())}


@cache
def _spelled(char: str) -> str:
    """A pattern for one character, or for one run of blanks, as it is and as JSON, Python, URLs and
    HTML of any maker escape it, also twice."""
    if char.isspace():
        return rf"(?:\s|\\{{1,7}}[bfnrtv]|(?i:{_escaped('[01][0-9a-f]|20|85|a0')})|\+)+"
    if char.isascii() and char.isalnum():
        return char
    from html.entities import codepoint2name  # takes 2 ms, and most secrets need none

    raw, wide = (char.encode(code, "surrogatepass") for code in ("utf-8", "utf-16-be"))
    code = ord(char)
    entity = {"'": "apos"}.get(char, codepoint2name.get(code, f"#{code}"))
    forms = [
        rf"\\{{0,7}}{re.escape(char)}",
        "".join(f"%(?:25){{0,2}}{byte:02x}" for byte in raw),
        "".join(rf"\\{{1,7}}x{byte:02x}" for byte in raw),
        "".join(rf"\\{{1,7}}u{wide[at : at + 2].hex()}" for at in range(0, len(wide), 2)),
        rf"\\{{1,7}}(?:x{code:02x}|U{code:08x})",
        f"&(?:amp;){{0,2}}(?:{entity}|#0{{0,4}}{code}|#x0{{0,4}}{code:x});",
        # each way is there once: of two that are the same a text cut short would try all mixtures
        *([] if char.isascii() else [re.escape(raw.decode("latin-1"))]),
        *([r"\?"] if "\ud800" <= char <= "\udfff" else []),
    ]
    return f"(?:{forms[0]}|(?i:{'|'.join(forms[1:])}))"


def _escaped(digits: str) -> str:
    """A pattern for an escaped character that has these two digits."""
    return rf"%(?:25){{0,2}}(?:{digits})|\\{{1,7}}(?:x|u00)(?:{digits})|&#x?0{{0,4}}\d\w?;"


@lru_cache(maxsize=4096)
def may_be_secret(name: str) -> bool:
    """Whether a variable of that name may hold a secret: what is written as one word counts too,
    such as ``SYSTEM_ACCESSTOKEN``."""
    return _SECRET_NAME.search(name) is not None


def is_secret_name(name: str) -> bool:
    """Whether something of that name usually is a secret: ``DB_PASSWORD``, ``apiKey``."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    words = [word for word in re.split(r"[^a-z0-9]+", spaced.lower()) if word]
    if not words or words[-1] in _NEVER_A_SECRET or tuple(words[-2:]) in _SPECIAL_TOKENS:
        return False
    if _REFERENCE in " ".join(words):
        return False
    return words[-1] in _WORDS or tuple(words[-2:]) in _PAIRS


def secrets_of(environ: Mapping[str, str]) -> dict[str, str]:
    """Variables that are called like a secret and hold what no text has by chance."""
    known = {name: environ[name].strip() for name in environ if is_secret_name(name)}
    return {
        name: value
        for name, value in known.items()
        if len(value) >= LONG and not is_like_a_word(value)
    }


def without_logins(text: str) -> str:
    """The text, and no login in the web addresses in it, no password in any other."""
    text = re.sub(r"\b(https?://)[^/\s]*@", r"\1", text)
    return re.sub(r"(://[^/\s:@]*):[^/\s]*@", r"\1@", text)


def without_secrets(text: str, environ: Mapping[str, str]) -> str:
    """A line of somebody else's, which is for everybody to read: without logins and the values of
    variables whose names say that they are secrets."""
    values = [environ[name] for name in environ if is_secret_name(name)]
    secret = {part for value in values for part in (value, *parts(value)) if part.strip()}
    return _LOGIN.sub("***", without_logins(hide(text, secret)))


def hide_secrets(text: str, environ: Mapping[str, str]) -> str:
    """``text`` without logins and the values of variables, but for those that are never secret.
    What is in a service key is hidden piece by piece."""
    values = {
        part
        for name in environ.keys() - HARMLESS
        for part in (environ[name], *parts(environ[name]))
        if part.strip()
        # a short one is a word like any other, unless its name says what it is
        if len(part) >= SHORTEST_SECRET or may_be_secret(name)
    }
    hidden = hide(text, values, shortest=SHORTEST_NAMED)
    return _LOGIN.sub("***", without_logins(hidden))
