"""What AI Core has in fields whose texts may be anything, as a stage file may have it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from cicd.config.live_texts import Texts
from cicd.model import Hidden, LiveResource
from cicd.platforms.aicore.dialect.labels import OURS

_FREE = ("parameter_bindings", "labels", "description", "url")
"""Fields whose texts may be anything; others are names, ids and places."""


class Values:
    """The texts of live things as a stage file may have them. ``known``: values of variables of the
    environment that are secrets, by name; ``notes``: variable -> why a text asks for it."""

    def __init__(self, known: Mapping[str, str]) -> None:
        self._texts = Texts(known)
        self.notes = self._texts.notes

    def of(self, live: LiveResource) -> LiveResource:
        """The same thing; its texts are as they were, but for how they are written."""
        kind = live.key.kind
        spec = {field: self._field(kind, field, value) for field, value in live.spec.items()}
        return replace(live, spec=spec)

    def _field(self, kind: str, field: str, value: Any) -> Any:
        if field not in _FREE:
            return value.reveal() if isinstance(value, Hidden) else value
        if not isinstance(value, Mapping):
            return self._texts.of(value, kind, field)
        what = {"parameter_bindings": "parameter", "labels": "label"}.get(field, field)
        return {
            name: text if name.startswith(OURS) else self._texts.of(text, what, name)
            for name, text in value.items()
        }
