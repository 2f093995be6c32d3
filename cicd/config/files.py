"""Reads a YAML or JSON file into a tree with places. Anything unusual is refused with its place.

YAML is 1.2 (``on`` and ``no`` are text), one document per stage file, bounded in size, depth and
in what its aliases expand to.
"""

from __future__ import annotations

import math
import re
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from yaml.error import MarkedYAMLError, YAMLError
from yaml.nodes import MappingNode, ScalarNode, SequenceNode

from cicd.config.json_source import json_tree
from cicd.config.tree import Node, Place, leaves
from cicd.config.yaml_nodes import TAG, compose
from cicd.config.yaml_problem import syntax_problem
from cicd.errors import InvalidStage, Problem

SUFFIXES = (".yaml", ".yml", ".json")
MAX_BYTES = 10_000_000
MAX_DEPTH = 50
MAX_VALUES = 50_000

_NO_YAML = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
"""What no YAML may hold, in or out of quotes: https://yaml.org/spec/1.2.2/ 5.1."""
_SCALAR_TAGS = {TAG + name for name in ("str", "int", "float", "bool", "null", "timestamp")}
_WORDS = {"": None, "~": None, "null": None, "Null": None, "NULL": None} | {
    word: value
    for value, words in ((True, "true True TRUE"), (False, "false False FALSE"))
    for word in words.split()
}
_BEGIN_NUMBERS = frozenset("-+.0123456789")
_INT = re.compile(r"[-+]?[0-9]{1,300}")
_OTHER_BASE = re.compile(r"0x[0-9a-fA-F]{1,200}|0o[0-7]{1,200}")
_NOT_TEXT = re.compile("[\0\ud800-\udfff]")
_PLACEHOLDER = re.compile(r"\{\{[^{}\"]*\}\}[^\s,\]}\"#]*")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")


def is_file(path: Path) -> bool:
    """Whether there is such a file; a name that is too long for one is no file."""
    try:
        return path.is_file()
    except OSError:
        return False


def is_folder(path: Path) -> bool:
    """The same for a folder."""
    try:
        return path.is_dir()
    except OSError:
        return False


def label(path: Path, root: Path) -> str:
    """How messages name a file: relative to the root with forward slashes where it lies inside."""
    try:
        return path.resolve().relative_to(root.resolve()).as_posix()
    except ValueError:
        return path.as_posix()


def read_tree(path: Path, name: str, text: str | None = None) -> Node:
    """The one document in a file, called ``name`` in messages; ``text``: read this in place of what
    the file holds. Raises InvalidStage."""
    trees = read_trees(path, name, text)
    if len(trees) > 1:
        raise InvalidStage(
            [trees[1].place.problem("a second document starts here: keep one", "yaml")]
        )
    if not trees or trees[0].value is None:
        raise InvalidStage(
            [Problem(name, 0, 0, "the file is empty: fill or delete it", "empty-file")]
        )
    return trees[0]


def read_trees(path: Path, name: str, text: str | None = None) -> tuple[Node, ...]:
    """All documents in a file, none for an empty one. Raises InvalidStage."""
    text = _read_text(path, name) if text is None else text
    if path.suffix.lower() != ".json":
        trees = yaml_trees(text, name)
    else:
        trees = (json_tree(text, name, MAX_DEPTH),) if text.strip() else ()
    if "\\" in text:  # only escapes can smuggle them in
        for tree in trees:
            _check_text(tree)
    return trees


def _check_text(tree: Node) -> None:
    for _, node in leaves(tree):
        if isinstance(node.value, str) and _NOT_TEXT.search(node.value):
            message = "NUL or half a surrogate pair is not text: remove the escape"
            raise InvalidStage([node.place.problem(message, "encoding")])


def _read_text(path: Path, name: str) -> str:
    try:
        with path.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        problem = Problem(name, 0, 0, f"cannot be read: {reason}", "unreadable-file")
        raise InvalidStage([problem]) from None
    if len(raw) > MAX_BYTES:
        message = f"larger than {MAX_BYTES:,} bytes: split it"
        raise InvalidStage([Problem(name, 0, 0, message, "too-complex")])
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        column = error.start - raw.rfind(b"\n", 0, error.start)
        message = "not UTF-8 text: save the file as UTF-8"
        raise InvalidStage([Problem(name, line, column, message, "encoding")]) from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


@lru_cache(maxsize=256)
def yaml_trees(text: str, name: str) -> tuple[Node, ...]:
    """All YAML documents in a text. Raises InvalidStage.

    Remembered: all stages of a repository read the same base and templates, and parsing them is
    most of the work. Trees are never changed in place.
    """
    wrong = _NO_YAML.search(text)
    if wrong:
        line = text.count("\n", 0, wrong.start()) + 1
        message = f"character #x{ord(wrong[0]):04x} is not allowed in YAML"
        raise InvalidStage([Problem(name, line, 0, f"{message}: remove it", "encoding")])
    try:
        documents = compose(text)
    except MarkedYAMLError as error:
        raise InvalidStage([syntax_problem(error, text, name)]) from None
    except (YAMLError, ValueError) as error:
        message = f"not valid YAML: {' '.join(str(error).split())}"
        raise InvalidStage([Problem(name, 0, 0, message, "syntax")]) from None
    return tuple(_Builder(name, text).tree(document) for document in documents)


class _Builder:
    """Turns composed YAML nodes into a tree; aliases are expanded, within a budget."""

    def __init__(self, name: str, text: str) -> None:
        self._name = name
        self._text = text
        self._values = 0
        # a long file may hold more, but never much more than is written in it
        self._most = max(MAX_VALUES, len(text) // 4)
        self._problems: list[Problem] = []

    def tree(self, document: Any) -> Node:
        node = self._node(document, None, 0)
        if self._problems:
            raise InvalidStage(self._problems)
        return node

    def _place(self, node: Any) -> Place:
        return Place(self._name, node.start_mark.line + 1, node.start_mark.column + 1)

    @cached_property
    def _lines(self) -> list[str]:
        return self._text.split("\n")

    def _block(self, node: ScalarNode) -> Place | None:
        """Where the text of a block starts: at the indentation of its first line with text."""
        first = node.start_mark.line + 1
        lines = self._lines[first : node.end_mark.line]
        indents = [len(line) - len(line.lstrip(" ")) for line in lines if line.strip()]
        return Place(self._name, first + 1, indents[0] + 1) if indents else None

    def _node(self, node: Any, key_place: Place | None, depth: int) -> Node:
        place = self._place(node)
        self._values += 1
        if self._values > self._most:
            message = f"expands to more than {self._most:,} values: use fewer aliases"
            raise InvalidStage([place.problem(message, "too-complex")])
        if depth > MAX_DEPTH:
            message = f"nested deeper than {MAX_DEPTH} levels: flatten it"
            raise InvalidStage([place.problem(message, "too-complex")])
        if isinstance(node, ScalarNode):
            block = self._block(node) if node.style == "|" else None
            return Node(self._scalar(node), place, node.value, key_place, block)
        if node.tag not in {TAG + "map", TAG + "seq"}:
            self._problems.append(_unsupported_tag(place, node.tag))
        if isinstance(node, SequenceNode):
            items = [self._node(child, None, depth + 1) for child in node.value]
            return Node(items, place, key_place=key_place)
        return Node(self._entries(node, depth), place, key_place=key_place)

    def _entries(self, node: MappingNode, depth: int) -> dict[str, Node]:
        entries: dict[str, Node] = {}
        merged: dict[str, Node] = {}
        for key, child in node.value:
            place = self._place(key)
            if not isinstance(key, ScalarNode):
                self._problems.append(place.problem(self._no_key(key), "yaml"))
            elif key.tag == TAG + "merge":
                merged = self._merged(child, depth) | merged
            elif key.value in entries:
                first = entries[key.value].key_place
                line = first.line if first else 0
                message = f'the key "{key.value}" is already set in line {line}: keep one'
                self._problems.append(place.problem(message, "duplicate-key"))
            else:
                entries[key.value] = self._node(child, place, depth + 1)
        return merged | entries

    def _no_key(self, key: Any) -> str:
        """What is wrong with a key that is no text, mostly a placeholder that YAML takes for a map
        in a map."""
        start, end = key.start_mark, key.end_mark
        line = self._lines[start.line]
        found = _PLACEHOLDER.match(line, max(0, start.column - 1))
        if found and start.line == end.line:
            return f'put quotes around text that begins with {{{{: "{found[0].strip()}"'
        return "a key must be plain text"

    def _merged(self, node: Any, depth: int) -> dict[str, Node]:
        sources = node.value if isinstance(node, SequenceNode) else [node]
        merged: dict[str, Node] = {}
        for source in sources:
            if isinstance(source, MappingNode):
                merged = self._node(source, None, depth + 1).value | merged
            else:
                self._problems.append(self._place(source).problem("<< needs a map", "yaml"))
        return merged

    def _scalar(self, node: ScalarNode) -> Any:
        if node.tag not in _SCALAR_TAGS:
            place = self._place(node)
            self._problems.append(_unsupported_tag(place, node.tag))
        if node.style or node.tag == TAG + "str":
            return node.value
        return scalar(node.value)


def _unsupported_tag(place: Place, tag: str | None) -> Problem:
    shown = tag if tag is None or len(tag) <= 60 else f"{tag[:60]}…"
    return place.problem(f"the tag {shown} is not supported: leave it out", "yaml")


def scalar(text: str) -> str | int | float | bool | None:
    """The value of unquoted text in YAML 1.2; what has no finite value stays text."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _BEGIN_NUMBERS:
        return text
    if _INT.fullmatch(text):
        return int(text)
    if _OTHER_BASE.fullmatch(text):
        return int(text, 0)
    if _FLOAT.fullmatch(text) and math.isfinite(float(text)):
        return float(text)
    return text
