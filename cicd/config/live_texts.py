"""Live texts -> texts of a stage file that tell no secret. Pure.

Nobody knows any more where a live text came from. One that holds the value of a variable of the
environment that is called like a secret names that variable; one that came from the environment
when it was sent, or looks like a key, names a variable that somebody has to set.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from typing import Any

from cicd.config.plain_secrets import check_plain_secrets
from cicd.config.tree import Node, Place
from cicd.model import Secret

_KEY = re.compile(r"[A-Za-z0-9+/_=-]{24,}")
_VARIABLE = re.compile(r"(?<!\$)\$\{env\.([^{}]+)\}")
_SHARE = 0.4
"""How often a key goes from one sort of characters to another, at least; words do so less."""


class Written(str):
    """A live text for which a stage file has another one."""

    def __new__(cls, text: str, written: str) -> Written:
        found = super().__new__(cls, text)
        found.written = written
        return found

    written: str


def literal(value: Any) -> Any:
    """Live text as a stage file writes it: what looks like a variable is none."""
    if isinstance(value, Written):
        return value.written
    return value.replace("${", "$${") if isinstance(value, str) else value


def literals(value: Any) -> Any:
    """The same for a map of texts."""
    if isinstance(value, Mapping):
        return {name: literal(item) for name, item in value.items()}
    return literal(value)


def variable_name(*parts: str) -> str:
    """The name of an environment variable for a secret."""
    name = re.sub(r"[^A-Z0-9]+", "_", "_".join(parts).upper()).strip("_")
    return f"V_{name}" if name[:1].isdigit() else name


class Texts:
    """Live texts as a stage file may have them. ``known``: values of variables of the environment
    that are secrets, by name; ``notes``: variable -> why a text asks for it."""

    def __init__(self, known: Mapping[str, str]) -> None:
        self._known = dict(sorted(known.items(), key=lambda pair: -len(pair[1])))
        self._texts: dict[str, str] = {}
        self.notes: dict[str, str] = {}

    def of(self, value: Any, what: str, name: str) -> Any:
        """The same text, but for how it is written; ``what`` (a field) and its ``name`` say what
        the variable is called that it may need. What is no text stays."""
        text = value.reveal() if isinstance(value, Secret) else value
        if not isinstance(text, str):
            return text
        written = str(literal(text))
        for variable, secret in self._known.items():
            written = written.replace(str(literal(secret)), f"${{env.{variable}}}")
        if written != literal(text):
            return Written(text, written)
        if not isinstance(value, Secret) and not is_like_a_key(text):
            return text
        variable = self._variable(variable_name(what, name), text)
        self.notes[variable] = f'the value of {what} "{name}": it looks like a credential'
        return Written(text, f"${{env.{variable}}}")

    def _variable(self, name: str, text: str) -> str:
        """A name for the variable of a text, another one for each."""
        names = itertools.chain([name], (f"{name}_{number}" for number in itertools.count(2)))
        return next(free for free in names if self._texts.setdefault(free, text) == text)


def is_like_a_key(text: str) -> bool:
    """Whether a text is, or has in it, what nobody but a machine has made up to be kept secret."""
    found = check_plain_secrets(Node(text, Place("", 1, 1), text), is_stage=True)
    return next(found, None) is not None or _is_random(text)


def _is_random(text: str) -> bool:
    """Long, of small and capital letters and digits, and these change all the time."""
    if not _KEY.fullmatch(text):
        return False
    sorts = [char.isdecimal() + 2 * char.islower() + 4 * char.isupper() for char in text]
    changes = sum(one != other for one, other in itertools.pairwise(sorts))
    return {1, 2, 4} <= set(sorts) and changes >= _SHARE * len(text)


def variables_in(content: Any) -> Iterator[str]:
    """The variables of the environment that the texts of a stage file need."""
    if isinstance(content, str):
        yield from _VARIABLE.findall(content)
    elif isinstance(content, Mapping | list):
        for item in content.values() if isinstance(content, Mapping) else content:
            yield from variables_in(item)
