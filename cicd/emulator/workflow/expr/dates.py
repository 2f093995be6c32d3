"""Dates that govaluate takes for numbers: which quoted texts are one, and of how many seconds."""

from __future__ import annotations

from cicd.emulator.workflow.expr.layouts import RFC3339, parsed
from cicd.emulator.workflow.expr.times import SECOND, BadTime

LAYOUTS = (
    "Mon Jan _2 15:04:05 2006",
    "Mon Jan _2 15:04:05 MST 2006",
    "Mon Jan 02 15:04:05 -0700 2006",
    "3:04PM",
    RFC3339,
    "2006-01-02",
    "2006-01-02 15:04",
    "2006-01-02 15:04:05",
    "2006-01-02 15:04:05-07:00",
    "2006-01-02T15Z0700",
    "2006-01-02T15:04Z0700",
    "2006-01-02T15:04:05Z0700",
)
"""Of govaluate's parsing.go."""


def seconds_of(text: str) -> float | None:
    """Seconds since 1970 of a date, in UTC if it names no zone; None for any other text."""
    for layout in LAYOUTS:
        try:
            return float(parsed(layout, text).nanoseconds // SECOND)
        except BadTime:
            continue
    return None
