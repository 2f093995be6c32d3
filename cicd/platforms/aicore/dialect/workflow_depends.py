"""``depends`` of a task: which tasks it names, and whether it can be read.

Source: Argo Workflows 3.5, workflow/common/ancestry.go (how names are found) and
docs/enhanced-depends-logic.md.
"""

from __future__ import annotations

import re

_TOKEN = re.compile(
    r"(?P<task>[a-zA-Z0-9][-a-zA-Z0-9]*)(?:\.(?P<word>[A-Z][a-zA-Z]+))?|(?P<operator>&&|\|\||[!()])"
)
_TAG = "{{"


def tasks_of(depends: str) -> list[tuple[str, str]]:
    """(task, word of its result or none) for all that it names."""
    found = _TOKEN.finditer(depends)
    return [(match["task"], match["word"] or "") for match in found if match["task"]]


def slip_in(depends: str) -> str:
    """What keeps it from being read, empty where nothing does."""
    if _TAG in depends:
        return "cannot have placeholders"
    if left := _TOKEN.sub(" ", depends).strip():
        return f'cannot have "{left[0]}": it knows names of tasks, &&, ||, ! and parentheses'
    open_count, wants_task = 0, True
    for match in _TOKEN.finditer(depends):
        operator = match["operator"] or ""
        if wants_task is not (operator in ("", "!", "(")):
            return f'cannot have "{match[0]}" there: {_missing(wants_task)}'
        open_count += {"(": 1, ")": -1}.get(operator, 0)
        if open_count < 0:
            return "closes a parenthesis that is not open"
        wants_task = operator not in ("", ")")
    if wants_task:
        return f"ends too early: {_missing(wants_task)}"
    return "has a parenthesis that is not closed" if open_count else ""


def _missing(wants_task: bool) -> str:
    return "a task is missing before it" if wants_task else "&& or || is missing before it"
