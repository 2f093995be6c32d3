"""How much of this machine the emulator's runs may take: options of ``cicd emulator start``, and
variables for whoever starts one by ``--local``."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from cicd.errors import Usage

PREFIX = "CICD_EMULATOR_"
Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True)
class Bound:
    """One of them: its name, what it may be, and what it means."""

    name: str
    type: click.types.ParamType[Any]
    unit: str
    help: str

    @property
    def variable(self) -> str:
        return PREFIX + self.name.upper()


class Gib(click.FloatRange):
    """A size above 0 that there can be."""

    name = "number of GiB"

    def __init__(self) -> None:
        super().__init__(0, 2**20, min_open=True)

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Also not "nan", which is in no range and out of none."""
        if math.isnan(found := super().convert(value, param, ctx)):
            self.fail(f"{value!r} is not a valid {self.name}.", param, ctx)
        return float(found)


BOUNDS = (
    Bound(
        "parallel",
        click.IntRange(1),
        "N",
        "Containers of runs at once, the rest waits as PENDING; so many servers start at once, "
        "eight times as many may be up. Kept until reset. [default: 2 per core]",
    ),
    Bound(
        "memory",
        Gib(),
        "GIB",
        "Of each container. Kept until reset. [default: that of its resource plan, else 4]",
    ),
    Bound(
        "disk",
        Gib(),
        "GIB",
        "That each container may write. Kept until reset. [default: 20]",
    ),
)


def bounds_options(function: Function) -> Function:
    """The options of all of them."""
    for bound in reversed(BOUNDS):
        option = click.option(
            f"--{bound.name}",
            type=bound.type,
            metavar=bound.unit,
            envvar=bound.variable,
            show_envvar=True,
            help=bound.help,
        )
        function = option(function)
    return function


def choose_bounds(control: Any, data: Path, chosen: Mapping[str, float | None]) -> None:
    """Put into force what is not None, for the emulator of this folder, running or not."""
    if any(value is not None for value in chosen.values()):
        control.choose_bounds(data, control.Chosen(**chosen))


def as_options(chosen: Mapping[str, float | None]) -> list[str]:
    """For the command line of another process, which has our variables too."""
    return [f"--{name}={value}" for name, value in chosen.items() if value is not None]


def told_by(environ: Mapping[str, str]) -> dict[str, float | None]:
    """What the variables say. Raises Usage."""
    found: dict[str, float | None] = {}
    for bound in BOUNDS:
        text = environ.get(bound.variable, "").strip()
        try:
            found[bound.name] = bound.type.convert(text, None, None) if text else None
        except click.BadParameter as error:
            raise Usage(f"{bound.variable}: {error.message}") from error
    return found
