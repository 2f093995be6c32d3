"""What a create says beside its content: whose it is, and a token by which a platform knows a
second try of it."""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from typing import Any

from cicd.model import Change, Plan, Resource, Secret

ROUNDS = 20_000
"""Of the hash of a secret: the token must not tell it to who tries some values."""
DIGITS = 32
"""Hexadecimal digits of a token: it may become part of a name."""


def marks_of(plan: Plan, desired: Resource) -> dict[str, str]:
    """Whose it is and what it was made for, as tags; none of them is empty."""
    files = desired.spec.get("files")
    marks = {
        "cicd.project": plan.project,
        "cicd.stage": plan.stage,
        "cicd.key": str(desired.key),
        "cicd.commit": plan.commit,
        "cicd.inputs": str(desired.spec.get("inputs", "")),
        "cicd.files": json.dumps(files, separators=(",", ":")) if files else "",
    }
    return {name: value for name, value in marks.items() if value}


def token_of(plan: Plan, change: Change, desired: Resource) -> str:
    """The same for every try of one change, also by another process and for another commit, and
    another one for the next: as soon as what this one made is there, that comes before it.

    It tells the place, the stage, the key, all content, and what was there when it was planned.
    """

    def plain(leaf: Any) -> str:
        return (
            _slow_digest(leaf.reveal(), plan.identity) if isinstance(leaf, Secret) else repr(leaf)
        )

    told = [
        plan.platform,
        dict(plan.target),
        plan.identity,
        str(desired.key),
        desired.spec,
        change.before,
    ]
    text = json.dumps(told, sort_keys=True, default=plain)
    return hashlib.sha256(text.encode()).hexdigest()[:DIGITS]


@lru_cache(maxsize=256)
def _slow_digest(value: str, salt: str) -> str:
    """Kept, because hundreds of things of one stage often share one secret, and each digest takes
    milliseconds of a processor."""
    text = value.encode(errors="surrogatepass")
    return hashlib.pbkdf2_hmac("sha256", text, salt.encode(), ROUNDS).hex()
