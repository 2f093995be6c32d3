"""Sprig's functions of semantic versions: ``semver`` and ``semverCompare``."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cicd.emulator.workflow.expr.operators import BadExpression, text
from cicd.emulator.workflow.expr.time_methods import METHODS

NUMBER = r"(?:0|[1-9]\d*)"
VERSION = re.compile(
    rf"v?({NUMBER})(?:\.({NUMBER}))?(?:\.({NUMBER}))?"
    r"(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?"
)
PLACE = r"(?:\d+|[xX*])"
PART = rf"v?{PLACE}(?:\.{PLACE})?(?:\.{PLACE})?(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?"
CONSTRAINT = re.compile(rf"(=|!=|>=|=>|<=|=<|>|<|~>|~|\^)?\s*({PART})")
RANGE = re.compile(rf"({PART})\s+-\s+({PART})")
Key = tuple[int, int, int]


@dataclass(frozen=True)
class Version:
    """``known``: how many of the three numbers are given."""

    key: Key
    release: str = ""
    build: str = ""
    known: int = 3

    def __str__(self) -> str:
        found = ".".join(map(str, self.key))
        return found + (self.release and f"-{self.release}") + (self.build and f"+{self.build}")


def version_of(value: Any) -> Version:
    """Raises BadExpression."""
    match = VERSION.fullmatch(text(value))
    if not match:
        raise BadExpression(f"{value!r}: Invalid Semantic Version")
    key = (int(match[1]), int(match[2] or 0), int(match[3] or 0))
    return Version(key, match[4] or "", match[5] or "")


def compared(one: Version, other: Version) -> int:
    """Below, at or above 0, as ``one`` is."""
    if one.key != other.key:
        return -1 if one.key < other.key else 1
    if one.release == other.release:
        return 0
    if not one.release or not other.release:
        return 1 if not one.release else -1
    left, right = map(_parts, (one.release, other.release))
    return -1 if left < right else 1


def _parts(release: str) -> list[tuple[int, int, str]]:
    """Numbers come before words, and by their size."""
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in release.split(".")]


def is_within(constraint: Any, value: Any) -> bool:
    """``>=1.2, <2 || ~3.1``: whether a version is."""
    version = version_of(value)
    return any(_all_hold(group, version) for group in text(constraint).split("||"))


def _all_hold(group: str, version: Version) -> bool:
    source = RANGE.sub(r">=\1 <=\2", group.strip())
    position, holds = 0, True
    while position < len(source):
        match = re.compile(rf"[\s,]*{CONSTRAINT.pattern}").match(source, position)
        if not match:
            raise BadExpression(f"improper constraint: {group.strip()}")
        position = match.end()
        holds = _holds(match[1] or "", match[2], version) and holds
    if not position:
        raise BadExpression(f"improper constraint: {group.strip()}")
    return holds


def _holds(sign: str, part: str, version: Version) -> bool:
    border = _border(part)
    if version.release and not border.release:
        return False
    if border.known == 0:
        return sign not in (">", "<", "!=")
    size = compared(version, border)
    top = _next(border, border.known)
    if sign in ("", "=") and border.known == 3:
        return size == 0
    if sign in ("", "=", "~", "~>"):
        return size >= 0 and version.key < _next(border, min(border.known, 2))
    if sign == "!=":
        return size != 0 if border.known == 3 else not border.key <= version.key < top
    if sign == "^":
        place = next((i + 1 for i, n in enumerate(border.key[: border.known]) if n), border.known)
        return size >= 0 and version.key < _next(border, place)
    if sign == ">":
        return size > 0 if border.known == 3 else version.key >= top
    if sign in ("<=", "=<"):
        return size <= 0 if border.known == 3 else version.key < top
    return size < 0 if sign == "<" else size >= 0


def _border(part: str) -> Version:
    numbers, _, rest = part.lstrip("v").partition("+")[0].partition("-")
    digits = re.split(r"\.", numbers)
    known = next((i for i, digit in enumerate(digits) if digit in "xX*"), len(digits))
    key = [int(digit) for digit in digits[:known]] + [0, 0, 0]
    return Version((key[0], key[1], key[2]), rest, known=known)


def _next(version: Version, place: int) -> Key:
    """The first version that differs in that number, counted from 1."""
    key = [*version.key[: place - 1], version.key[place - 1] + 1, 0, 0]
    return key[0], key[1], key[2]


VERSIONS: dict[str, Callable[..., Any]] = {"semver": version_of, "semverCompare": is_within}
METHODS[Version] = {
    "Major": lambda version: version.key[0],
    "Minor": lambda version: version.key[1],
    "Patch": lambda version: version.key[2],
    "Prerelease": lambda version: version.release,
    "Metadata": lambda version: version.build,
    "String": str,
    "Compare": compared,
    "Equal": lambda version, other: compared(version, other) == 0,
    "LessThan": lambda version, other: compared(version, other) < 0,
    "GreaterThan": lambda version, other: compared(version, other) > 0,
}
