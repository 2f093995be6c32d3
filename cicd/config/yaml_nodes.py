"""YAML text to nodes with places, by libyaml (PyYAML): plain text keeps no type but its spelling.

What a text without quotes means is said in ``files``, by YAML 1.2; PyYAML's own answer is 1.1.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from yaml._yaml import CParser

TAG = "tag:yaml.org,2002:"
PLAIN = TAG + "null"
"""The tag of text without quotes or a tag of its own, whatever it means."""


def compose(text: str) -> list[Any]:
    """The nodes of all documents in a text. Raises what PyYAML raises."""
    parser = _Parser(text)
    try:
        with _no_collection():
            return list(_documents(parser))
    finally:
        parser.dispose()


def _documents(parser: _Parser) -> Iterator[Any]:
    while parser.check_node():
        yield parser.get_node()


def scan(text: str) -> Iterator[Any]:
    """The tokens of a text. Raises what PyYAML raises."""
    parser = _Parser(text)
    while parser.check_token():
        yield parser.get_token()


@contextmanager
def _no_collection() -> Iterator[None]:
    """All that is made meanwhile stays: looking for garbage in it would be a sixth of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


class _Parser(CParser):
    """Gives every node a tag by how it is written, never by what it may mean."""

    def resolve(self, kind: type[Any], value: Any, implicit: Any) -> str:
        name = kind.__name__
        if name != "ScalarNode":
            return TAG + ("map" if name == "MappingNode" else "seq")
        is_plain, _ = implicit
        if not is_plain:
            return TAG + "str"
        return TAG + "merge" if value == "<<" else PLAIN

    def descend_resolver(self, parent: Any, index: Any) -> None:
        """No tag depends on where a node stands."""

    def ascend_resolver(self) -> None:
        """As above."""
