"""What must not be shown is taken out of a text."""

from __future__ import annotations

import re
from collections.abc import Mapping

from cicd import masking

MASK = masking.Mask()
"""What of the environment and the command line this command must not show: what is called like a
secret, and what it has read."""
HARMLESS = frozenset(
    ("PATH", "HOME", "PWD", "OLDPWD", "SHELL", "USER", "LOGNAME", "LANG", "TERM", "TMPDIR")
) | {"VIRTUAL_ENV", "PYTHONPATH"}
"""Variables that a bug report may show: without paths and names a trace tells little."""
SHORTEST_SECRET = 6
_SECRET_NAME = re.compile(r"(?i)passw|passphrase|secret|token|credential|(^|_)(key|pin|pw|auth)$")
_LOGIN = re.compile(r"\b(?:Bearer|Basic) [\w.~+/=-]+|(?<![\w-])eyJ[\w-]+\.[\w-]+(?:\.[\w-]*)?")
"""What a token looks like: it comes from an answer, so no variable has it."""


def secrets_of(environ: Mapping[str, str]) -> dict[str, str]:
    """Variables that are called like a secret and hold what no text has by chance."""
    known = {name: environ[name].strip() for name in environ if masking.is_secret_name(name)}
    return {
        name: value
        for name, value in known.items()
        if len(value) >= masking.LONG and not masking.is_like_a_word(value)
    }


def without_logins(text: str) -> str:
    """The text, and no login in the web addresses in it, no password in any other."""
    text = re.sub(r"\b(https?://)[^/\s]*@", r"\1", text)
    return re.sub(r"(://[^/\s:@]*):[^/\s]*@", r"\1@", text)


def without_secrets(text: str, environ: Mapping[str, str]) -> str:
    """A line of somebody else's, which is for everybody to read: without logins and the values of
    variables whose names say that they are secrets."""
    values = [environ[name] for name in environ if masking.is_secret_name(name)]
    secret = {part for value in values for part in (value, *masking.parts(value)) if part.strip()}
    return _LOGIN.sub("***", without_logins(masking.hide(text, secret)))


def hide_secrets(text: str, environ: Mapping[str, str]) -> str:
    """``text`` without logins and the values of variables, but for those that are never secret.
    What is in a service key is hidden piece by piece."""
    values = {
        part
        for name in environ.keys() - HARMLESS
        for part in (environ[name], *masking.parts(environ[name]))
        if part.strip()
        # a short one is a word like any other, unless its name says what it is
        if len(part) >= SHORTEST_SECRET or _SECRET_NAME.search(name)
    }
    hidden = masking.hide(text, values, shortest=masking.SHORTEST_NAMED)
    return _LOGIN.sub("***", without_logins(hidden))
