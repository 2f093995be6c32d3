"""How much of this machine the emulator's runs may take, as the environment says it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cicd.errors import Usage

PREFIX = "CICD_EMULATOR_"
GIB = "number of GiB"
MOST_GIB = 2**20


@dataclass(frozen=True)
class Bound:
    """One of them: its name, whether it counts in whole numbers or is a size in GiB, its unit and
    what it means."""

    name: str
    is_whole: bool
    unit: str
    help: str

    @property
    def variable(self) -> str:
        return PREFIX + self.name.upper()

    def read(self, text: str) -> float:
        """What a text says. Raises ValueError with what is wrong with it."""
        return _whole(text) if self.is_whole else _size(text)


BOUNDS = (
    Bound(
        "parallel",
        True,
        "N",
        "Containers of runs at once, the rest waits as PENDING; so many servers start at once, "
        "eight times as many may be up. Kept until reset. [default: 2 per core]",
    ),
    Bound(
        "memory",
        False,
        "GIB",
        "Of each container. Kept until reset. [default: that of its resource plan, else 4]",
    ),
    Bound(
        "disk",
        False,
        "GIB",
        "That each container may write. Kept until reset. [default: 20]",
    ),
)


def _whole(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a valid integer range.") from None
    if number < 1:
        raise ValueError(f"{number} is not in the range x>=1.")
    return number


def _size(text: str) -> float:
    """A size above 0 that there can be: "nan" is in no range and out of none."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if math.isnan(number):
        raise ValueError(f"{text!r} is not a valid {GIB}.")
    if not 0 < number <= MOST_GIB:
        raise ValueError(f"{number} is not in the range 0<x<={MOST_GIB}.")
    return number


def choose_bounds(control: Any, data: Path, chosen: Mapping[str, float | None]) -> None:
    """Put into force what is not None, for the emulator of this folder, running or not."""
    if any(value is not None for value in chosen.values()):
        control.choose_bounds(data, control.Chosen(**chosen))


def told_by(environ: Mapping[str, str]) -> dict[str, float | None]:
    """What the variables say. Raises Usage."""
    found: dict[str, float | None] = {}
    for bound in BOUNDS:
        text = environ.get(bound.variable, "").strip()
        try:
            found[bound.name] = bound.read(text) if text else None
        except ValueError as error:
            raise Usage(f"{bound.variable}: {error}") from error
    return found
