"""How much of this machine the emulator's runs may take: options of ``cicd emulator start``."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from cicd.automation.bounds import BOUNDS, GIB, MOST_GIB

Function = TypeVar("Function", bound=Callable[..., Any])


class Gib(click.FloatRange):
    """A size above 0 that there can be."""

    name = GIB

    def __init__(self) -> None:
        super().__init__(0, MOST_GIB, min_open=True)

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Also not "nan", which is in no range and out of none."""
        if math.isnan(found := super().convert(value, param, ctx)):
            self.fail(f"{value!r} is not a valid {self.name}.", param, ctx)
        return float(found)


def bounds_options(function: Function) -> Function:
    """The options of all of them."""
    for bound in reversed(BOUNDS):
        option = click.option(
            f"--{bound.name}",
            type=click.IntRange(1) if bound.is_whole else Gib(),
            metavar=bound.unit,
            envvar=bound.variable,
            show_envvar=True,
            help=bound.help,
        )
        function = option(function)
    return function


def as_options(chosen: Mapping[str, float | None]) -> list[str]:
    """For the command line of another process, which has our variables too."""
    return [f"--{name}={value}" for name, value in chosen.items() if value is not None]
