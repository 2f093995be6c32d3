"""One section of a stage file while it is written. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cicd.config.fields import Part, misfit
from cicd.config.tree import Path


@dataclass
class Section:
    """What a section says; ``notes``: what is not in it, and why; ``comments``: path in the file ->
    what is told there."""

    name: str
    content: Any = None
    notes: list[str] = field(default_factory=list)
    comments: dict[Path, str] = field(default_factory=dict)

    def add(
        self,
        what: str,
        item: dict[str, Any],
        model: type[Part],
        comments: Mapping[str, str] | None = None,
    ) -> None:
        """One more item of a list, where a stage file can say it; if not, a note says why.
        ``comments`` are by its fields."""
        found = misfit(model, item)
        if found:
            where, why = found
            self.notes.append(f"{what}: {where} cannot be written in a stage file: {why}")
            return
        self.content = self.content or []
        self.content.append(item)
        for name, text in (comments or {}).items():
            self.comments[self.name, len(self.content) - 1, name] = text
