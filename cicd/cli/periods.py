"""Periods of time on the command line: ``90s``, ``30m``, ``1h``, ``2d``."""

from __future__ import annotations

import re

from cicd.errors import Usage

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


def seconds(text: str, option: str = "--since") -> int:
    """``1h`` in seconds. Raises Usage."""
    match = re.fullmatch(r"(\d{1,6})([smhdw])", text)
    if not match:
        raise Usage(f"{option} {text!r} is not a time", hint="write 90s, 30m, 1h or 2d")
    return int(match[1]) * UNITS[match[2]]
