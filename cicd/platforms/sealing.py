"""Texts of the environment in what is kept of a job: never in clear, and yet known again.

A record lies in the storage for everybody who may read there. In place of each text it has a slow
digest, salted with where it stands: who has the text knows it again, so that a plan says which of
them changed.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from cicd.model import Hidden

ROUNDS = 10_000
_SEALED = re.compile(r"\*\*\*[0-9a-f]{64}")


def sealed(value: Any, wish: Any, place: str) -> Any:
    """``value`` with a digest for each text that is Hidden at the same place of ``wish``."""
    if isinstance(wish, Hidden):
        return _seal(wish.reveal(), place)
    if isinstance(value, Mapping) and isinstance(wish, Mapping):
        return {
            name: sealed(item, wish.get(name), f"{place}/{name}") for name, item in value.items()
        }
    if _is_list(value) and _is_list(wish) and len(value) == len(wish):
        return [sealed(item, asked, place) for item, asked in zip(value, wish, strict=True)]
    return value


def unsealed(value: Any, wish: Any, place: str) -> Any:
    """The reverse, as far as the texts of ``wish`` are the same."""
    if isinstance(value, str):
        text = wish.reveal() if isinstance(wish, Hidden) else None
        is_same = text and _SEALED.fullmatch(value) and _seal(text, place) == value
        return text if is_same else value
    if isinstance(value, Mapping):
        known = wish if isinstance(wish, Mapping) else {}
        return {n: unsealed(item, known.get(n), f"{place}/{n}") for n, item in value.items()}
    if _is_list(value):
        same = wish if _is_list(wish) and len(wish) == len(value) else [None] * len(value)
        return [unsealed(item, asked, place) for item, asked in zip(value, same, strict=True)]
    return value


def is_sealed(value: Any) -> bool:
    """Whether nobody can tell this text any more."""
    return isinstance(value, str) and bool(_SEALED.fullmatch(value))


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


@cache
def _seal(text: str, place: str) -> str:
    key, salt = (part.encode("utf-8", "surrogatepass") for part in (text, place))
    return "***" + hashlib.pbkdf2_hmac("sha256", key, salt, ROUNDS).hex()
