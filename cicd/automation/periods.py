"""Periods of time as people say them: ``90s``, ``30m``, ``1h``, ``2d``."""

from __future__ import annotations

import re

from cicd.config import formats
from cicd.errors import Usage


def seconds(text: str, option: str = "--since") -> int:
    """``1h`` in seconds. Raises Usage, which calls it ``option``."""
    if not re.fullmatch(r"\d{1,6}[smhdw]", text):
        raise Usage(f"{option} {text!r} is not a time", hint="write 90s, 30m, 1h or 2d")
    return formats.seconds(text)
