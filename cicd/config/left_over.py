"""Placeholders of examples that nobody has replaced: ``<YOUR_BUCKET>``, ``CHANGEME``.

Only a warning: a text may mean what it says.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from cicd.config.tree import Leaf, Node, Path, leaves
from cicd.errors import Problem

_LEFT = re.compile(
    r"<\s*(?i:your|my|enter|insert|replace|change|fill)\b[^<>\n]{0,60}>"
    r"|<\s*(?i:your|my|enter|insert|replace|change|fill)[_-][^<>\n]{0,60}>"
    r"|<[A-Z][A-Z0-9]*(?:[ _-][A-Z0-9]+)+>"
    r"|//(?:[\w.-]+/)?your[_-](?:org|organization|company|name|user|username|account)/[\w./-]*"
    r"|\b(?:YOUR|REPLACE|INSERT)[_-][A-Z0-9][A-Z0-9_-]*\b|\bCHANGE[_-]?ME\b"
)


_MAYBE = re.compile("<|//|YOUR|REPLACE|INSERT|CHANGE")
"""How each of them begins: looking for this takes a fifth of the time, and finds it seldom."""


def check_left_over(
    tree: Node, *, texts: Iterable[Leaf] | None = None, skip: Callable[[Path], bool]
) -> Iterator[Problem]:
    """A problem for each text of a tree with a placeholder. ``texts``: its leaves, from who has
    them already; ``skip``: what to leave."""
    for path, node in leaves(tree) if texts is None else texts:
        text = node.value
        if not (isinstance(text, str) and _MAYBE.search(text)) or skip(path):
            continue
        if found := _LEFT.search(text):
            message = f'"{found[0]}" was to be replaced by something of yours'
            yield node.place.problem(message, "placeholder-left", "warning")
