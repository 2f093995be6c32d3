"""Where a stage goes: what its file says in the section of its platform, else the environment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cicd.config.dialect import StandIn
from cicd.config.draft import Draft
from cicd.errors import Problem


def target_of(draft: Draft[Any, Any], environment: Mapping[str, StandIn]) -> dict[str, str]:
    """Field of the platform's section -> text, of those that a variable can stand in for; empty
    where neither says anything. ``environment``: that of the dialect."""
    section = getattr(draft.file, draft.file.platform, None)
    return {
        found.field: str(getattr(section, found.field, None) or draft.variable(name))
        for name, found in environment.items()
        if found.field
    }


def check_target(draft: Draft[Any, Any], environment: Mapping[str, StandIn]) -> Iterator[Problem]:
    """Nobody knows where it goes; arguments as of ``target_of``."""
    name, target = draft.file.platform, target_of(draft, environment)
    for variable, found in environment.items():
        if found.field and not target[found.field] and not draft.has_lost(name, found.field):
            message = f"no {found.field.replace('_', ' ')}: set {name}.{found.field} or {variable}"
            yield draft.place(name).problem(message, "missing-target")
