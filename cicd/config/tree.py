"""A parsed file as a tree in which every key and value knows its place; no I/O here."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Literal

import msgspec

from cicd.errors import Problem
from cicd.values import Hidden

_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
MAX_MESSAGE = 2000
"""Characters of a message: what it quotes from a file may be the whole file."""

Path = tuple[str | int, ...]
"""Way from the root of a tree: map keys and list indexes."""


class Paths:
    """Paths that fit one of some patterns: ``*`` is any one step, ``**`` at the end any number of
    further ones: ``secrets.*.data.**``."""

    def __init__(self, *patterns: str) -> None:
        self._patterns: dict[str, list[list[str]]] = {}
        for pattern in patterns:
            first, *rest = pattern.split(".")
            self._patterns.setdefault(first, []).append(rest)

    def __contains__(self, path: Path) -> bool:
        if not path or (path[0] not in self._patterns and "*" not in self._patterns):
            return False  # most paths, and this is asked of each of them
        found = (*self._patterns.get(str(path[0]), ()), *self._patterns.get("*", ()))
        return any(_fits(path[1:], pattern) for pattern in found)


def _fits(path: Path, pattern: list[str]) -> bool:
    if pattern[-1:] == ["**"]:
        pattern = pattern[:-1]
        path = path[: len(pattern)]
    return len(path) == len(pattern) and all(
        word in ("*", step) for word, step in zip(pattern, path, strict=True)
    )


class Place(msgspec.Struct, frozen=True, order=True):
    """Where something is written; line and column count from 1, 0 means the file as a whole."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file

    def problem(
        self, message: str, rule: str, severity: Literal["error", "warning"] = "error"
    ) -> Problem:
        """A finding at this place; ``rule`` is one of ``rulebook``. What the message quotes from
        the file cannot begin a line of its own or reach the terminal's controls."""
        cut = message if len(message) <= MAX_MESSAGE else f"{message[:MAX_MESSAGE]}…"
        return Problem(self.file, self.line, self.column, quoted(cut), rule, severity)


def quoted(text: str) -> str:
    """A text as messages quote it: on one line, without controls."""
    return _CONTROLS.sub(lambda match: ascii(match[0])[1:-1], text)


class Node(msgspec.Struct, frozen=True):
    """A value with its place. ``value`` is a dict or list of Nodes, or a leaf.

    Leaves are str, int, float, bool, None, and Ref or Secret once variables are replaced. ``text``
    is the leaf as written in the file: numbers keep their digits (``1.10``), and messages quote it
    instead of what an environment variable holds. ``key_place`` is set for values of a map,
    ``block`` for a block of text (``|``): where its first character is. ``lost`` are the keys that
    were taken out of a map because what they led to does not fit. ``is_hidden``: its value, or
    a part of it, came from the environment, and nobody may see it.
    """

    value: Any
    place: Place
    text: str = ""
    key_place: Place | None = None
    block: Place | None = None
    lost: frozenset[str] = frozenset()
    is_hidden: bool = False

    def but(self, **changes: Any) -> Node:
        """The same with other fields."""
        return msgspec.structs.replace(self, **changes)

    @property
    def is_leaf(self) -> bool:
        return not isinstance(self.value, dict | list)

    def get(self, *path: str | int) -> Node | None:
        """The node at that path, None when there is none."""
        node: Node | None = self
        for step in path:
            node = _child(node, step) if node else None
        return node

    def place_of(self, *path: str | int, key: bool = False) -> Place:
        """Where that path is written (``key``: its key), or else its closest parent."""
        node = self
        for step in path:
            child = _child(node, step)
            if child is None:
                return node.place
            node = child
        return (node.key_place if key else None) or node.place

    def place_at(self, line: int, column: int) -> Place:
        """Where that line and column of a block of text are; else where the text starts."""
        if self.block is None:
            return self.place
        return Place(self.block.file, self.block.line + line - 1, self.block.column + column - 1)

    def place_of_offset(self, offset: int) -> Place:
        """Where the character with that index of a block of text is."""
        before = self.value[:offset]
        return self.place_at(before.count("\n") + 1, offset - before.rfind("\n"))


Leaf = tuple[Path, Node]
"""A leaf with its path."""


def _child(node: Node, step: str | int) -> Node | None:
    if isinstance(node.value, dict):
        return node.value.get(step)
    if isinstance(node.value, list) and isinstance(step, int) and step < len(node.value):
        child: Node = node.value[step]
        return child
    return None


def plain(node: Node, leaf: Callable[[Node], Any] = lambda node: node.value) -> Any:
    """The tree as ordinary dicts and lists; ``leaf`` says what becomes of the leaves."""
    if isinstance(node.value, dict):
        return {key: plain(child, leaf) for key, child in node.value.items()}
    if isinstance(node.value, list):
        return [plain(child, leaf) for child in node.value]
    return leaf(node)


def hidden(value: Any, node: Node | None) -> Any:
    """``value``, made from what a node holds, with every text of the environment Hidden."""
    if isinstance(value, str):
        return Hidden(value) if node is not None and node.is_hidden else value
    if isinstance(value, Mapping):
        return {key: hidden(item, node.get(key) if node else None) for key, item in value.items()}
    if isinstance(value, list):
        return [hidden(item, node.get(at) if node else None) for at, item in enumerate(value)]
    return value


def hidden_texts(node: Node) -> dict[Place, tuple[str, str]]:
    """Where texts of the environment ended up: (value, as the file has it) by place."""
    return {n.place: (str(n.value), n.text) for _, n in leaves(node) if n.is_hidden}


def as_node(value: Any, at: Node) -> Node:
    """A plain value as if it stood where ``at`` does."""
    if isinstance(value, dict):
        children = {
            str(name): as_node(item, at).but(key_place=at.place) for name, item in value.items()
        }
        return at.but(value=children, text="", block=None)
    if isinstance(value, list):
        return at.but(value=[as_node(item, at) for item in value], text="", block=None)
    text = value if isinstance(value, str) else json.dumps(value)
    return at.but(value=value, text=text, block=None)


def with_leaves(node: Node, changed: Mapping[Path, Node]) -> Node:
    """The same tree with these leaves at their paths; all that none of them is in is shared."""
    if not changed:
        return node
    if () in changed:
        return changed[()]
    below: dict[str | int, dict[Path, Node]] = {}
    for path, leaf in changed.items():
        below.setdefault(path[0], {})[path[1:]] = leaf
    children = node.value.copy()  # a dict or a list
    for step, inner in below.items():
        children[step] = with_leaves(children[step], inner)
    return node.but(value=children)


def without(node: Node, paths: Collection[Path], at: Path = ()) -> Node:
    """The same tree with nothing at these paths; maps remember which keys they have lost."""
    if isinstance(node.value, list):
        items = [(*at, i) for i in range(len(node.value))]
        pairs = zip(items, node.value, strict=True)
        return node.but(value=[without(n, paths, p) for p, n in pairs if p not in paths])
    if not isinstance(node.value, dict):
        return node
    lost = {key for key in node.value if (*at, key) in paths}
    kept = {k: without(n, paths, (*at, k)) for k, n in node.value.items() if k not in lost}
    return node.but(value=kept, lost=node.lost | lost)


def leaves(node: Node) -> list[Leaf]:
    """Every leaf with its path, in the order of the file."""
    found: list[Leaf] = []
    _collect(node, (), found)
    return found


def _collect(node: Node, path: Path, found: list[Leaf]) -> None:
    value = node.value
    if isinstance(value, dict):
        for key, child in value.items():
            _collect(child, (*path, key), found)
    elif isinstance(value, list):
        for index, child in enumerate(value):
            _collect(child, (*path, index), found)
    else:
        found.append((path, node))


def is_whole(node: Node) -> bool:
    """Whether nothing was taken out of it."""
    children: Iterable[Node] = ()
    if isinstance(node.value, dict | list):
        children = node.value.values() if isinstance(node.value, dict) else node.value
    return not node.lost and all(is_whole(child) for child in children)


def merge(base: Node, over: Node, identity: Callable[[Node], str | None]) -> Node:
    """``over`` on top of ``base``: maps merge, lists whose items all have an identity merge by it,
    everything else is replaced. Places follow the winner. An empty list adds nothing to items that
    have an identity."""
    if isinstance(base.value, dict) and isinstance(over.value, dict):
        merged = dict(base.value)
        for key, child in over.value.items():
            merged[key] = merge(merged[key], child, identity) if key in merged else child
        return over.but(value=merged)
    if isinstance(base.value, list) and isinstance(over.value, list):
        return over.but(value=_merge_lists(base.value, over.value, identity))
    return over


def _merge_lists(
    base: list[Node], over: list[Node], identity: Callable[[Node], str | None]
) -> list[Node]:
    names = [identity(item) for item in base]
    # Without an identity nobody can say which item is meant, so the list of the upper file stands
    # for all.
    if None in names or any(identity(item) is None for item in over):
        return over
    merged = list(base)
    for item in over:
        name = identity(item)
        if name in names:
            at = names.index(name)
            merged[at] = merge(merged[at], item, identity)
            names[at] = None  # a second item of that name is appended, so that it is reported
        else:
            merged.append(item)
    return merged


def is_like(word: str, known: Iterable[str]) -> bool:
    """Whether a known word may be a slip of this one: close, and slips spare the first letter."""
    near = [name for name in known if name[:1] == word[:1]]
    return bool(difflib.get_close_matches(word, near, n=1, cutoff=0.65))


def closest(word: str, known: Iterable[str]) -> str:
    """The known word that was most likely meant, empty where none is near."""
    by_lower = {name.lower(): name for name in known}
    close = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[close[0]] if close else ""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`` (did you mean "x"?)`` for the closest known word, or nothing."""
    meant = closest(word, known)
    return f' (did you mean "{meant}"?)' if meant else ""
