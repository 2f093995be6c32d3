"""Tables of what must not be so of one map of a template, and the function that reads them.

As shape.py says which fields there may be, a table says which values: a row has where, when that
is wrong, and the sentence. Rows come in the order in which their sentences are told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from cicd.emulator.workflow.program import duration

Item = Mapping[str, Any]


class Rule(NamedTuple):
    """``at`` is a path below the map, empty for itself. ``is_broken`` and ``says`` get the map and
    what has to be known of the template around it; a text names fields of the map in braces."""

    at: str
    is_broken: Callable[[Item, Any], object]
    says: str | Callable[[Item, Any], str]


class _Fields(dict[str, Any]):
    def __missing__(self, key: str) -> None:
        return None


def broken(rules: Sequence[Rule], item: Item, path: str, around: Any = None) -> Iterator[str]:
    """One line with its path for each row that is broken."""
    for rule in rules:
        if rule.is_broken(item, around):
            says = rule.says
            text = says.format_map(_Fields(item)) if isinstance(says, str) else says(item, around)
            yield f"{path}.{rule.at}: {text}" if rule.at else f"{path}: {text}"


def each(holder: Item | None, key: str, path: str) -> Iterator[tuple[str, Item]]:
    """The maps of a list, each with its path; none where the list is missing."""
    for index, item in enumerate((holder or {}).get(key) or ()):
        yield f"{path}.{key}[{index}]", item


def is_unreadable(value: Any) -> bool:
    """Whether something that is said is no duration, and no tag that may become one."""
    if value is None or "{{" in str(value):
        return False
    try:
        duration(value)
    except (TypeError, ValueError):
        return True
    return False


def leads_out(path: Any) -> bool:
    """Whether a path below a folder is none."""
    return str(path or "").startswith("/") or ".." in str(path or "").split("/")
