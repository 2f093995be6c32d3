"""Who has a lock, as platforms write it down that keep locks in documents of ours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from cicd.model.stages import Holder

_NAMES = frozenset(field.name for field in fields(Holder)) - {"has_expired"}
UNREADABLE = Holder(run="", name="nobody who can be read", has_expired=True)
"""Whoever wrote a document that is none."""


def told(holder: Holder) -> dict[str, str]:
    """What is written of a holder; whether that has expired is for the reader's clock."""
    return {name: text for name, text in asdict(holder).items() if name in _NAMES}


def texts(document: Mapping[str, Any]) -> dict[str, str]:
    """The fields of a holder that a document has, whatever else it has."""
    return {"run": "", **{name: str(value) for name, value in document.items() if name in _NAMES}}
