"""Metrics of runs that only write logs: numbers found by patterns, or in a JSON file. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from cicd.model import MetricPoint


def points(lines: Iterable[tuple[int, str]], patterns: Mapping[str, str]) -> list[MetricPoint]:
    """Every value that the patterns find in lines with their times, in their order. The value is
    what the first group finds that is a number."""
    compiled = {name: re.compile(pattern) for name, pattern in patterns.items()}
    steps = dict.fromkeys(compiled, 0)
    found = []
    for time, text in lines:
        for name, pattern in compiled.items():
            for match in pattern.finditer(text):
                values = [value for group in match.groups() if (value := number(group)) is not None]
                if values:
                    found.append(MetricPoint(name, values[0], steps[name], time))
                    steps[name] += 1
    return found


def number(text: Any) -> float | None:
    """A number, None for what is none."""
    if isinstance(text, bool):
        return None
    try:
        return float(text)
    except (TypeError, ValueError, OverflowError):  # the last: an integer of many digits
        return None


def in_file(document: Any) -> dict[str, float]:
    """The numbers of a JSON document by their dotted names."""
    return dict(_numbers(document, ""))


def _numbers(value: Any, path: str) -> Iterator[tuple[str, float]]:
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _numbers(item, f"{path}.{name}" if path else str(name))
    elif isinstance(value, int | float) and path and (found := number(value)) is not None:
        yield path, found
