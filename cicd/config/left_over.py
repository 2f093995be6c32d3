"""Placeholders of examples that nobody has replaced: ``<YOUR_BUCKET>``, ``CHANGEME``.

Only a warning: a text may mean what it says.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from cicd.config.tree import Node, Path
from cicd.errors import Problem

_LEFT = re.compile(
    r"<\s*(?i:your|my|enter|insert|replace|change|fill)\b[^<>\n]{0,60}>"
    r"|<\s*(?i:your|my|enter|insert|replace|change|fill)[_-][^<>\n]{0,60}>"
    r"|<[A-Z][A-Z0-9]*(?:[ _-][A-Z0-9]+)+>"
    r"|//(?:[\w.-]+/)?your[_-](?:org|organization|company|name|user|username|account)/[\w./-]*"
    r"|\b(?:YOUR|REPLACE|INSERT)[_-][A-Z0-9][A-Z0-9_-]*\b|\bCHANGE[_-]?ME\b"
)


def check_left_over(node: Node, skip: Callable[[Path], bool], path: Path = ()) -> Iterator[Problem]:
    """A problem for each text below a node with a placeholder; ``skip``: what to leave."""
    if skip(path):
        return
    if isinstance(node.value, dict):
        for key, child in node.value.items():
            yield from check_left_over(child, skip, (*path, key))
    elif isinstance(node.value, list):
        for index, child in enumerate(node.value):
            yield from check_left_over(child, skip, (*path, index))
    elif isinstance(node.value, str) and (found := _LEFT.search(node.value)):
        message = f'"{found[0]}" was to be replaced by something of yours'
        yield node.place.problem(message, "placeholder-left", "warning")
