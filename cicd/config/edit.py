"""Changes single values in the text of a stage file; every other character stays. Pure.

YAML and JSON alike: the parser tells where a value stands, and the text is spliced there, in the
style that it finds (block or flow, quotes, line endings). Round trips of YAML libraries reformat.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from yaml.error import YAMLError
from yaml.nodes import MappingNode, ScalarNode, SequenceNode

from cicd.config.dialect import Identity
from cicd.config.tree import Node, Place
from cicd.config.yaml_nodes import compose
from cicd.config.yaml_text import Verbatim, block_lines, flow_text, scalar_text
from cicd.errors import Refused

_JSON_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?|true|false|null")
_NOTHING = {"", "~", "null", "Null", "NULL"}


@dataclass(frozen=True)
class Layout:
    """How files of a platform are laid out. ``order`` of the keys at the top; ``lists``: maps that
    may be lists of ``{key: …, X: …}``, and their X; ``identity`` of an item in a list."""

    order: Sequence[str]
    lists: Mapping[str, str]
    identity: Identity


@dataclass(frozen=True)
class Item:
    """An item of a list, by what identifies it; ``field`` (``key`` or ``name``) holds that."""

    field: str
    name: str


Step = str | Item


def with_value(
    text: str, path: Sequence[Step], value: Any, layout: Layout, *, is_json: bool = False
) -> str:
    """``text`` with ``value`` (a leaf, or plain data for what is not there yet) at ``path``.

    What is missing on the way is added. Raises Refused where it can only be done by hand.
    """
    mark = "\ufeff" if text.startswith("\ufeff") else ""  # libyaml does not count it
    edit = _Edit(text.removeprefix(mark), layout, is_json=is_json)
    return mark + edit.set(list(path), value)


class _Edit:
    def __init__(self, text: str, layout: Layout, *, is_json: bool) -> None:
        self._text = text
        self._layout = layout
        self._lists = layout.lists
        self._is_json = is_json
        self._newline = "\r\n" if "\r\n" in text else "\n"
        self._root = self._compose()
        self._heads: dict[int, Any] = {}

    def _compose(self) -> Any:
        # JSON allows tabs between values and nowhere else; the parser takes blanks only
        text = self._text.replace("\t", " ") if self._is_json else self._text
        try:
            documents = compose(text)
        except YAMLError as error:
            raise Refused(f"the file cannot be edited: {str(error).splitlines()[0]}") from None
        return documents[0] if documents else None

    def set(self, path: list[Step], value: Any) -> str:
        node, field = self._root, ""
        for index, step in enumerate(path):
            child = self._child(node, step, field)
            if child is None:
                return self._insert(node, path[index:], value, field)
            if isinstance(step, str) and isinstance(node, SequenceNode):
                return self._set_entry(child, self._lists[field], value)
            node, field = child, step if isinstance(step, str) else field
        return self._replace(node, value)

    def _set_entry(self, item: Any, content: str, value: Any) -> str:
        """The value in an item ``{key: …, content: …}`` of a list that stands for a map."""
        there = self._child(item, content, "")
        return self._replace(there, value) if there else self._insert(item, [content], value, "")

    def _child(self, node: Any, step: Step, field: str) -> Any:
        """The node one step on, None where there is none. Raises Refused for an alias."""
        found = None
        if isinstance(node, MappingNode) and isinstance(step, str):
            pairs = [(k, v) for k, v in node.value if k.value == step]
            # Of a key that is there twice the last one counts, as for the parser.
            found = pairs[-1] if pairs else None
        elif isinstance(node, SequenceNode):
            names = [self._layout.identity(_as_tree(item)) for item in node.value]
            name = step.name if isinstance(step, Item) else step
            if isinstance(step, str) and field not in self._lists:
                raise self._by_hand(node, f'"{step}" in a list')
            found = (node, node.value[names.index(name)]) if name in names else None
        if found is None:
            return None
        before, child = found
        # The parser gives an alias as the node that it stands for, which lies further up and serves
        # others too.
        if child.start_mark.index < before.start_mark.index:
            raise self._by_hand(before, "an alias stands there")
        self._heads[id(child)] = before
        return child

    def _by_hand(self, node: Any, why: str) -> Refused:
        return Refused(
            f"line {node.start_mark.line + 1} cannot be edited safely: {why}",
            hint="change it by hand",
        )

    def _replace(self, node: Any, value: Any) -> str:
        start, end = self._span(node)
        if not isinstance(node, ScalarNode) or self._text[start : start + 1] in {"&", "!", "*"}:
            raise self._by_hand(node, "it is no plain value")
        # The end mark of a block lies behind the empty lines that follow, which belong to what
        # comes next.
        if node.style in {"|", ">"}:
            end = start + len(self._text[start:end].rstrip())
        shown = self._inline(value)
        if node.style in {"'", '"'} and not self._is_json:
            shown = _in_quotes(str(value), node.style)
        blank = " " if start == end else ""
        return f"{self._text[:start]}{blank}{shown}{self._text[end:]}"

    def _span(self, node: Any) -> tuple[int, int]:
        """From where to where a value is written; one that is left out, right behind its key."""
        start, end = node.start_mark.index, node.end_mark.index
        if start == end and id(node) in self._heads:
            start = end = _behind_key(self._heads[id(node)], self._text)
        return start, end

    def _insert(self, node: Any, steps: list[Step], value: Any, field: str) -> str:
        first, rest = steps[0], steps[1:]
        if isinstance(node, ScalarNode) and not node.style and node.value in _NOTHING:
            return self._fill(node, _nested(steps, value))
        if isinstance(node, MappingNode) and isinstance(first, str):
            return self._add(node, {first: _nested(rest, value)})
        if isinstance(node, SequenceNode):
            item = (
                {"key": first, self._lists[field]: value}
                if isinstance(first, str)
                else _nested(steps, value)[0]
            )
            return self._add(node, [item])
        raise self._by_hand(node, "it is not what was expected there")

    def _fill(self, node: Any, value: Any) -> str:
        """A value in place of nothing at all."""
        start, end = self._span(node)
        blank = "" if self._text[start - 1 : start] in {" ", ""} else " "
        return f"{self._text[:start]}{blank}{self._inline(value)}{self._text[end:]}"

    def _add(self, node: Any, entry: Any) -> str:
        """One more entry of a map, or item of a list, behind the last one."""
        if node.flow_style:
            return self._add_flow(node, entry)
        children = node.value
        last = children[-1]
        if node is self._root and isinstance(entry, Mapping):
            last = _before(children, next(iter(entry)), self._layout.order)
        first = children[0][0] if isinstance(node, MappingNode) else node
        lines = block_lines(entry)
        end = self._line_end(_end(last, self._text))
        gap = [""] if node is self._root and re.search(r"\n\s*\n\w", self._text) else []
        indent = " " * first.start_mark.column
        added = [*gap, *(indent + line for line in lines)]
        return self._text[:end] + "".join(self._newline + a for a in added) + self._text[end:]

    def _line_end(self, index: int) -> int:
        """Where the line ends that holds this character, before its line break."""
        rest = re.compile(r"[^\r\n]*").match(self._text, index)
        return rest.end() if rest else len(self._text)

    def _add_flow(self, node: Any, entry: Any) -> str:
        shown = self._inline(entry)[1:-1]
        if not node.value:
            at = node.start_mark.index + 1
            return self._text[:at] + shown + self._text[at:]
        last = node.value[-1]
        head = last[0] if isinstance(last, tuple) else last
        at = _end(last, self._text)
        line = self._text[: head.start_mark.index].rpartition("\n")[2]
        begins_line = not line.strip()
        # the very indentation of the line, tabs included
        between = self._newline + line if begins_line else " "
        return f"{self._text[:at]},{between}{shown}{self._text[at:]}"

    def _inline(self, value: Any) -> str:
        if self._is_json:
            return json.dumps(_for_json(value), ensure_ascii=False)
        return flow_text(value)


def _as_tree(node: Any) -> Node:
    """As ``files`` reads it, but for places, and with all leaves as text."""
    if isinstance(node, MappingNode):
        entries = {key.value: _as_tree(child) for key, child in node.value}
        return Node(entries, Place(""))
    if isinstance(node, SequenceNode):
        return Node([_as_tree(child) for child in node.value], Place(""))
    return Node(node.value, Place(""), node.value)


def _nested(steps: Sequence[Step], value: Any) -> Any:
    """``value`` with the maps and lists around it that the steps lead through."""
    if not steps:
        return value
    first, inner = steps[0], _nested(steps[1:], value)
    return [{first.field: first.name, **inner}] if isinstance(first, Item) else {first: inner}


def _before(entries: Sequence[Any], key: str, order: Sequence[str]) -> Any:
    """The last of the entries that come before ``key``, else the last of all."""
    rank = {name: number for number, name in enumerate(order)}
    earlier = [e for e in entries if rank.get(e[0].value, -1) < rank.get(key, len(rank))]
    return earlier[-1] if earlier else entries[-1]


def _end(entry: Any, text: str) -> int:
    """Behind the last character of an entry or item; a block's own end mark lies after comments."""
    key, node = entry if isinstance(entry, tuple) else (None, entry)
    begin: int = node.start_mark.index
    end: int = node.end_mark.index
    if key is not None and (begin == end or begin < key.start_mark.index):
        return _behind_key(key, text)  # left out, or an alias
    if isinstance(node, ScalarNode) or node.flow_style:
        return begin + len(text[begin:end].rstrip())
    return _end(node.value[-1], text)


def _behind_key(key: Any, text: str) -> int:
    """Behind the colon of a key, and behind the alias that may follow."""
    colon = re.compile(r"\s*:(\s*\*[^\s,\]}]+)?").match(text, key.end_mark.index)
    end: int = colon.end() if colon else key.end_mark.index
    return end


def _in_quotes(text: str, quote: str) -> str:
    is_simple = text.isprintable() and "\n" not in text
    if quote == "'" and is_simple:
        return "'" + text.replace("'", "''") + "'"
    shown = scalar_text(text)
    return shown if shown.startswith('"') else f'"{shown}"'


def _for_json(value: Any) -> Any:
    """The same data as JSON takes it: numbers keep their digits where JSON has such numbers."""
    if isinstance(value, Mapping):
        return {name: _for_json(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_for_json(item) for item in value]
    if isinstance(value, Verbatim) and _JSON_NUMBER.fullmatch(value):
        plain = json.loads(value)
        return plain if json.dumps(plain) == value else str(value)
    return str(value) if isinstance(value, Verbatim) else value
