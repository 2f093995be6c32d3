"""Where in a file stands what a problem is about: ``spec.templates[0].name: …`` -> its line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from yaml import CSafeLoader, YAMLError, compose_all
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

PATH = re.compile(r"(?:metadata|spec)[^:\s]*")
STEP = re.compile(r"\[(\d+)\]|([^.\[\]]+)")
TAG = re.compile(r"\{\{.*?(?:\}\}|(?= has no end))")


def documents(text: str) -> list[Node]:
    """The documents of a file that are not empty, as nodes that know their lines."""
    loader: Any = CSafeLoader
    try:
        found = list(compose_all(text, Loader=loader))
    except YAMLError:
        return []
    return [
        node
        for node in found
        if node is not None and not (isinstance(node, ScalarNode) and not node.value)
    ]


def line_of(problem: str, document: Node, text: str) -> int:
    """The line, from 1; of a tag that the problem names its own, if it stands there."""
    path = PATH.match(problem)
    way = [(document.start_mark.line, document), *_way(path[0] if path else "", document)]
    line, node = way[-1]
    if tag := TAG.search(problem):
        lines = text.splitlines()[line : node.end_mark.line + 1]
        sought = tag[0].replace(" ", "")
        found = (index for index, words in enumerate(lines) if sought in words.replace(" ", ""))
        line += next(found, 0)
    return line + 1


def _way(path: str, node: Node) -> Iterator[tuple[int, Node]]:
    """The lines of the keys and items on the way, as far as they are there, with their values."""
    for match in STEP.finditer(path):
        index, key = match[1], match[2]
        if index and isinstance(node, SequenceNode) and int(index) < len(node.value):
            node = node.value[int(index)]
            yield node.start_mark.line, node
        elif key and isinstance(node, MappingNode):
            pairs = [(name, value) for name, value in node.value if name.value == key]
            if not pairs:
                return
            name, node = pairs[-1]
            yield name.start_mark.line, node
        else:
            return
