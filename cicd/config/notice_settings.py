"""From ``notify`` of a stage file to who is told of what."""

from __future__ import annotations

import re
from typing import Any

from cicd.config.draft import Draft
from cicd.model import Notice

_VARIABLE = re.compile(r"\$\{\s*env\.([^{}]+?)\s*\}")
UNKNOWN = "a variable of it"
"""What is missing where it was reached through another one."""


def notices_of(draft: Draft[Any, Any]) -> tuple[Notice, ...]:
    """All of a draft, in the order of the file."""
    found = []
    for index, written in enumerate(draft.file.notify):
        missing = [
            name
            for field, value in (("to", written.to), ("secret", written.secret))
            if value is not None and not value.reveal()
            for name in _unset(draft, "notify", index, field)
        ]
        known = frozenset(written.on), written.to, written.secret
        found.append(Notice(*known, tuple(dict.fromkeys(missing))))
    return tuple(found)


def _unset(draft: Draft[Any, Any], *path: str | int) -> list[str]:
    """The variables that keep a text from being known."""
    node = draft.tree.get(*path)
    names = _VARIABLE.findall(node.text if node else "")
    return [name for name in names if not draft.variable(name)] or [UNKNOWN]
