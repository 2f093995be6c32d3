"""Text of others cut to what fits, and how many of something there are."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

LONGEST_TEXT = 500
"""Longest reason, name or warning shown, in characters."""


def longest_run(lines: Iterable[str]) -> int:
    """The most backticks in a row."""
    return max((len(run) for line in lines for run in re.findall("`+", line)), default=0)


def short(text: Any) -> str:
    """The beginning of a text that is too long."""
    text = str(text)
    return text if len(text) <= LONGEST_TEXT else f"{text[: LONGEST_TEXT - 1]}…"


def number(count: int, noun: str) -> str:
    """``1 change``, ``2 changes``."""
    return f"{count} {noun}{'s' * (count != 1)}"
