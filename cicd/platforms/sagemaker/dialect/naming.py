"""Names of things: they carry the stage and the key, so that one list finds all that is a stage's.

``dev--churn--1a2b3c4d``: stage, key, and a digest of the content. Two hyphens stand between, and
never in a part. Pure.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from typing import Any

BETWEEN = "--"
EMULATOR = "emulator"
"""The account of a stage that goes to the emulator."""
LONGEST_STAGE = 20
LONGEST_KEY = 22
DIGITS = 8
_MARK = 4


def slug(text: str, longest: int) -> str:
    """A text as a part of a name: letters, digits and single hyphens. One that loses something ends
    in a digest of it."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    plain = re.sub(r"[^A-Za-z0-9]+", "-", plain).strip("-")
    if plain == text and len(plain) <= longest:
        return plain
    mark = hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:_MARK]
    return f"{plain[: longest - _MARK - 1].rstrip('-')}-{mark}".strip("-")


def digest(content: Any) -> str:
    """So many digits of the digest of plain data."""
    text = json.dumps(content, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:DIGITS]


class Names:
    """The names of one stage. ``stage``: what they begin with."""

    def __init__(self, stage: str) -> None:
        self.prefix = slug(stage, LONGEST_STAGE) + BETWEEN

    def begin(self, key: str) -> str:
        """With what the names of all versions of a thing begin."""
        return f"{self.prefix}{slug(key, LONGEST_KEY)}{BETWEEN}"

    def of_content(self, key: str, content: Any) -> str:
        """The name of one version: the same content has the same name."""
        return self.begin(key) + digest(content)

    def of_run(self, key: str, inputs: str, token: str) -> str:
        """The name of one run: a second try of it has the same, and is refused."""
        return f"{self.begin(key)}{digest(inputs)}-{digest(token)}"

    def with_inputs(self, key: str, inputs: str) -> str:
        """With what the names of runs begin that take in the same."""
        return f"{self.begin(key)}{digest(inputs)}-"

    def of_service(self, key: str) -> str:
        """The name of a service whose stage file gives it none."""
        return f"{self.prefix}{slug(key, LONGEST_KEY)}"

    def part_of(self, name: str) -> str:
        """The part of a name that stands for the key; empty for one of another stage."""
        if not name.startswith(self.prefix):
            return ""
        return name.removeprefix(self.prefix).partition(BETWEEN)[0]
