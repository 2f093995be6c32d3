"""What is live, section by section, as the text of a stage file. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cicd.config.dialect import Around, Export
from cicd.config.fields import Part, misfit
from cicd.config.live_texts import variables_in
from cicd.config.tree import Path
from cicd.config.yaml_text import block_lines, comment_lines


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
        about: str = "",
    ) -> None:
        """One more item of a list, where a stage file can say it; if not, a note says why.
        ``comments`` are by its fields, ``about`` stands above all of it."""
        found = misfit(model, item)
        if found:
            where, why = found
            self.notes.append(f"{what}: {where} cannot be written in a stage file: {why}")
            return
        self.content = self.content or []
        self.content.append(item)
        if about:
            self.comments[self.name, len(self.content) - 1] = about
        for name, text in (comments or {}).items():
            self.comments[self.name, len(self.content) - 1, name] = text


def exported(
    sections: Sequence[Section],
    around: Around,
    place: str,
    asked: Mapping[str, str],
    counts: Mapping[str, int],
) -> Export:
    """The stage file of these sections, empty ones left out. ``place``: where it all lives, as
    people say it, empty where a section says so; ``asked``: variable of the environment -> why a
    text asks for it; ``counts``: as of ``Export``."""
    content = {section.name: section.content for section in sections if section.content}
    needed = tuple(dict.fromkeys(variables_in(content)))
    notes = [note for section in sections for note in section.notes]
    notes += [note for name, note in asked.items() if name in needed]
    comments = {path: text for section in sections for path, text in section.comments.items()}
    head = [f"# yaml-language-server: $schema={around.schema_path}"] if around.schema_path else []
    head += comment_lines(_head_of(place, needed, notes))
    text = "\n".join([*head, *block_lines(content, comments), ""])
    return Export(text, tuple(notes), needed, counts)


def _head_of(place: str, variables: Sequence[str], notes: Sequence[str]) -> str:
    """What to know before using the file."""
    lines = [f"Imported from {place}."] if place else []
    if variables:
        names = ", ".join(variables)
        lines.append(f"Values that cannot be read back; set these variables: {names}")
    if notes:
        lines += ["Not in this file:", *(f"- {note}" for note in notes)]
    return "\n".join(lines)
