"""The project around the working directory, with the environment of this process."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from cicd.cli.options import Common
from cicd.cli.redaction import MASK
from cicd.errors import Usage

if TYPE_CHECKING:
    from cicd.automation.loading import Loader
    from cicd.automation.project import Project
    from cicd.automation.stage import StageSession


def project_here() -> Project:
    """The project that a command is about."""
    from cicd.automation.project import Project

    return Project(Path.cwd(), os.environ, mask=MASK)


def loader_of(common: Common) -> Loader:
    """What reads its stages, as the options say."""
    loader = project_here().loader(common.variables, local=common.local)
    return replace(loader, overrides=common.overrides, selected=common.select)


def in_order(names: Sequence[str | None]) -> dict[str, list[str]]:
    """Several stages, each with those before it that it takes something from. Raises Usage where
    one takes something from another that comes after it."""
    given = [name for name in names if name]
    found = project_here().takes(given) if len(given) > 1 else {}
    for name, others in found.items():
        late = [other for other in others if other in given[given.index(name) + 1 :]]
        if late:
            told = " and ".join(late)
            raise Usage(
                f"{name} takes something from {told}, which comes after it",
                hint=f"name {told} before {name}",
            )
    return found


def open_session(
    argument: str | None,
    common: Common,
    *,
    needs_secrets: bool = True,
    stand_ins: Mapping[str, str] | None = None,
) -> StageSession:
    """The stage of a command line, for a ``with`` block: loads it and logs in."""
    return project_here().stage(
        argument,
        common.variables,
        local=common.local,
        needs_secrets=needs_secrets,
        stand_ins=stand_ins,
        overrides=common.overrides,
        selected=common.select,
    )
