"""Which APIs the emulator also offers: a flag of ``cicd emulator start`` for each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from cicd.emulator.host.doors import FRONT_DOORS

Function = TypeVar("Function", bound=Callable[..., Any])


def doors_options(function: Function) -> Function:
    """The flags of all of them; those that are set are the names in ``doors``."""
    for door in reversed(FRONT_DOORS):
        option = click.option(
            f"--{door.name.replace('_', '-')}",
            "doors",
            flag_value=door.name,
            multiple=True,
            help=f"Also offer {door.about}: `cicd emulator env` then prints its variables too. "
            f"Kept until reset.",
        )
        function = option(function)
    return function
