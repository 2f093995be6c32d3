"""What commands say of a platform in its own words.

A platform may have a module ``commands`` with ``SHORT`` (kind -> ``Short``, in the order in which
they are listed), ``IMPORTS``, and, where a login can be typed, ``LOGIN`` (variable ->
``Question``). It holds nothing but texts: the list of all commands loads it, and without it all
kinds of the platform.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from cicd.words import plural

NONE: Mapping[str, str] = MappingProxyType({})


class Short(NamedTuple):
    """A command that is called like a kind, short for ``cicd list``. ``summary``: its line among
    all commands; ``about``: its help; ``examples``: what may stand behind its name; ``filters``:
    field -> help of the option for some of its values."""

    summary: str
    about: str
    examples: tuple[str, ...]
    filters: Mapping[str, str] = NONE


class Question(NamedTuple):
    """What a person is asked for, in place of a variable of the environment. ``is_secret``: it is
    not seen while it is typed; ``is_place``: what the environment says is offered."""

    asks: str
    is_secret: bool = False
    is_place: bool = False
    is_optional: bool = False


class Imports(NamedTuple):
    """Options of ``cicd import``, with their help. ``target``: field of the platform's section ->
    for what to import; ``select``: for the part of it; ``flags``: for what else is wanted.
    ``inventory``: kind -> field -> its head, as an inventory shows them; all fields of another."""

    target: Mapping[str, str] = NONE
    select: Mapping[str, str] = NONE
    flags: Mapping[str, str] = NONE
    inventory: Mapping[str, Mapping[str, str]] = MappingProxyType({})


def plain(kind: str) -> Short:
    """Of a kind of which its platform says no more."""
    many = plural(kind).replace("_", " ")
    summary = f"List {many}, also those of no stage file."
    examples = ("dev", "dev --unmanaged -o json")
    return Short(summary, f"List {many}, newest first, also those of no stage file.", examples)
