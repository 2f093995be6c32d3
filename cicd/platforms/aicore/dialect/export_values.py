"""Live texts -> texts of a stage file that tell no secret. Pure.

Nobody knows any more where a live text came from. One that holds the value of a variable of the
environment that is called like a secret names that variable; one that came from the environment
when it was sent, or looks like a key, names a variable that somebody has to set.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from cicd.config.plain_secrets import check_plain_secrets
from cicd.config.tree import Node, Place
from cicd.model import Hidden, LiveResource, Secret
from cicd.platforms.aicore.dialect.export_secrets import Written, literal, variable_name
from cicd.platforms.aicore.dialect.labels import OURS

_FREE = ("parameter_bindings", "labels", "description", "url")
"""Fields whose texts may be anything; others are names, ids and places."""
_KEY = re.compile(r"[A-Za-z0-9+/_=-]{24,}")
_VARIABLE = re.compile(r"(?<!\$)\$\{env\.([^{}]+)\}")
_SHARE = 0.4
"""How often a key goes from one sort of characters to another, at least; words do so less."""


class Values:
    """The texts of live things as a stage file may have them. ``known``: values of variables of the
    environment that are secrets, by name; ``notes``: variable -> why a text asks for it."""

    def __init__(self, known: Mapping[str, str]) -> None:
        self._known = dict(sorted(known.items(), key=lambda pair: -len(pair[1])))
        self._texts: dict[str, str] = {}
        self.notes: dict[str, str] = {}

    def of(self, live: LiveResource) -> LiveResource:
        """The same thing; its texts are as they were, but for how they are written."""
        kind = live.key.kind
        spec = {field: self._field(kind, field, value) for field, value in live.spec.items()}
        return replace(live, spec=spec)

    def _field(self, kind: str, field: str, value: Any) -> Any:
        if field not in _FREE:
            return value.reveal() if isinstance(value, Hidden) else value
        if not isinstance(value, Mapping):
            return self._text(value, kind, field)
        what = {"parameter_bindings": "parameter", "labels": "label"}.get(field, field)
        return {
            name: text if name.startswith(OURS) else self._text(text, what, name)
            for name, text in value.items()
        }

    def _text(self, value: Any, what: str, name: str) -> Any:
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
