"""Digests that are slow so that nobody finds a secret by trying, made cheap where none is sought.

Every command makes some of them, and for tests it was the largest part of many.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cicd.apply import marks
from cicd.config import digests
from cicd.plan import document
from cicd.platforms.aicore import fingerprint


def make_cheap(set: Callable[[Any, str, Any], object] = setattr) -> None:
    """Choose the lowest costs there are. ``set``: such as mocker's, which takes it back again."""
    set(document, "_HASH_ROUNDS", 1)
    set(document, "_FINAL_ROUNDS", 1)
    set(marks, "ROUNDS", 1)
    set(digests, "_ROUNDS", 1)
    set(fingerprint, "_COST", 2)
