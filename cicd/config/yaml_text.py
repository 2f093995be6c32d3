"""Plain values as YAML text that ``files`` reads back as the same values. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from cicd.config.files import scalar
from cicd.config.tree import Path

_PLAIN = re.compile(r"[A-Za-z0-9_./][A-Za-z0-9_./+@()~-]*( [A-Za-z0-9_./+@()~-]+)*")
_WORDS = {"y", "n", "yes", "no", "on", "off"}
"""Text for us, true or false for an editor that thinks in YAML 1.1."""
_INVISIBLE = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")


class Verbatim(str):
    """A number or a truth in the very spelling that it has in a file."""

    __slots__ = ()


Comments = Mapping[Path, str]


def scalar_text(value: Any) -> str:
    """One leaf; text only without quotes where nobody can take it for anything else."""
    if isinstance(value, Verbatim):
        return str(value)
    if not isinstance(value, str):
        return json.dumps(value)
    if _PLAIN.fullmatch(value) and isinstance(scalar(value), str) and _is_word(value):
        return value
    return _quoted(value)


def _is_word(text: str) -> bool:
    """Whether no reader of YAML takes it for a number, a time or a truth."""
    return text.lower() not in _WORDS and not re.fullmatch(r"(?=.*\d)[\d.:_eExXoO+-]+", text)


def _quoted(text: str) -> str:
    """In double quotes: what JSON writes is YAML, but for characters that YAML does not take."""
    shown = json.dumps(text, ensure_ascii=False)
    return _INVISIBLE.sub(lambda match: f"\\u{ord(match[0]):04x}", shown)


def flow_text(value: Any) -> str:
    """Any value on one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{scalar_text(k)}: {flow_text(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(flow_text, value)) + "]"
    return scalar_text(value)


def block_lines(value: Any, comments: Comments | None = None, path: Path = ()) -> list[str]:
    """A map or list as lines, not indented; ``comments``: path -> what stands above it."""
    known = comments or {}
    lines: list[str] = []
    if isinstance(value, Mapping):
        for name, child in value.items():
            at = (*path, name)
            lines += [*comment_lines(known.get(at, "")), *_entry(name, child, known, at)]
        return lines
    for index, child in enumerate(value):
        at = (*path, index)
        lines += [*comment_lines(known.get(at, "")), *_item(child, known, at)]
    return lines


def _entry(name: str, child: Any, comments: Comments, at: Path) -> list[str]:
    key = scalar_text(str(name))
    if _is_leaf(child):
        return [f"{key}: {flow_text(child)}"]
    return [f"{key}:", *(f"  {line}" for line in block_lines(child, comments, at))]


def _item(child: Any, comments: Comments, at: Path) -> list[str]:
    if _is_leaf(child):
        return [f"- {flow_text(child)}"]
    first, *rest = block_lines(child, comments, at)
    return [f"- {first}", *(f"  {line}" for line in rest)]


def _is_leaf(value: Any) -> bool:
    """What goes on the line of its key: everything but maps and lists with something in them."""
    return not (isinstance(value, Mapping | list | tuple) and value)


def comment_lines(text: str) -> list[str]:
    """Each line as a comment; nothing in it can end the comment."""
    return [f"# {line}".rstrip() for line in _INVISIBLE.sub("?", text).splitlines()]
