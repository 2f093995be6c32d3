"""From ``notify`` of a stage file to who is told of what."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from cicd.config.draft import Draft
from cicd.config.schema import Notice as NoticeFile
from cicd.model import Notice

_VARIABLE = re.compile(r"\$\{\s*env\.([^{}]+?)\s*\}")
UNKNOWN = "a variable of it"
"""What is missing where it was reached through another one."""


def notices_of(draft: Draft[Any, Any]) -> tuple[Notice, ...]:
    """All of a draft, in the order of the file."""
    found = []
    for index, written in enumerate(draft.file.notify):
        node = draft.tree.get("notify", index, "to")
        missing = _missing(written, node.text if node else "", draft.env or {})
        found.append(Notice(frozenset(written.on), written.to, written.secret, missing))
    return tuple(found)


def _missing(written: NoticeFile, text: str, env: Mapping[str, str]) -> tuple[str, ...]:
    """The variables that keep an address from being known."""
    if written.to.reveal():
        return ()
    return tuple(name for name in _VARIABLE.findall(text) if not env.get(name)) or (UNKNOWN,)
