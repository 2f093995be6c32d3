"""Text of others made harmless for whoever reads our output: terminals and CI systems.

A runner reads what its steps print and takes some of it for commands: GitHub a line that begins
with ``::``, and ``##[…]`` anywhere in one; Azure ``##vso[…]`` and ``##[…]`` anywhere; TeamCity
``##teamcity[…]``; GitLab and Jenkins escape sequences with carriage returns. Commands of our own
are of the type Command, which takes no text as it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cicd.words import printable

NARROW = "\u200b"
"""A space of no width: what it parts reads as before."""
_COLOUR = re.compile("(\x1b\\[(?:[0-2]|3[0-7])m)")
"""What paints text, as far as we paint: no other escape sequence is ours."""
_KEPT = re.compile(f"([\t{NARROW}])")
"""Characters that do no harm though they are not printable."""
_COMMAND = re.compile(r"#(?=#[A-Za-z]*\[)")
_AT_START = re.compile(f"^((?:\\s|{NARROW}|{_COLOUR.pattern})*):(?=:)")


def neutral(text: str, *, has_colour: bool = False) -> str:
    """The text, line by line, with nothing in it that moves a cursor or commands a CI system.

    ``has_colour``: our own colours stay.
    """
    return "\n".join(_neutral_line(line, has_colour) for line in text.split("\n"))


def _neutral_line(line: str, has_colour: bool) -> str:
    if not line.isprintable():
        parts = _COLOUR.split(line) if has_colour else [line]
        line = "".join(
            part if has_colour and _COLOUR.fullmatch(part) else _without_controls(part)
            for part in parts
        )
    if "##" in line:
        line = _COMMAND.sub("# ", line)
    return _AT_START.sub(rf"\1:{NARROW}", line) if "::" in line else line


def _without_controls(text: str) -> str:
    return "".join(part if _KEPT.fullmatch(part) else printable(part) for part in _KEPT.split(text))


def neutral_json(value: Any, *, indent: int | None = None, is_ascii: bool = False) -> str:
    """JSON of plain data with the same in it: what might be a command or a control is escaped. A
    Secret shows as such. ``is_ascii``: so is what is not ASCII."""
    text = json.dumps(value, indent=indent, ensure_ascii=is_ascii, default=_shown)
    text = _COMMAND.sub(r"\\u0023", text)  # it can only stand in a string
    return text if text.isprintable() else "\n".join(map(_escaped_json, text.split("\n")))


def _shown(leaf: Any) -> str:
    from cicd.values import Secret  # most commands print no JSON

    if isinstance(leaf, Secret):
        return str(leaf)
    raise TypeError(f"{type(leaf).__name__} is no JSON")


def _escaped_json(line: str) -> str:
    if line.isprintable():
        return line
    return "".join(char if char.isprintable() else json.dumps(char)[1:-1] for char in line)


@dataclass(frozen=True)
class Command:
    """A command to GitHub's runner: ``::error file=…::message``. Prints as one line."""

    name: str
    data: str = ""
    properties: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        pairs = ",".join(f"{key}={_property(value)}" for key, value in self.properties.items())
        return f"::{self.name}{' ' if pairs else ''}{pairs}::{_data(self.data)}"


def _data(text: str) -> str:
    lines = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return neutral(lines)


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
