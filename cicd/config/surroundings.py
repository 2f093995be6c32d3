"""What a stage file is read in: the project around it, the environment, Git, the platforms."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

from cicd.config.dialect import Dialect, Dialects
from cicd.config.overrides import Override
from cicd.config.variables import GitFacts, GitOverride

StandIns = Literal["", "offline", "local", "account"]


@dataclass(frozen=True)
class Surroundings:
    """All that decides, beside its own text, what a stage file says.

    ``root``: the project. ``env``: the environment. ``variables``: those of ``--var``, over those
    of the file. ``application``: the Git that is synced in place of the stage's own, None for that.
    ``stand_ins``: what variables that say where stages go count as where they are not set: where
    nothing is sent anywhere (``offline``), in the emulator (``local``), as there for a stage that
    all the same goes where it says (``account``), or nothing at all.
    ``places``: the environment that those variables are read from, None for ``env``, which may note
    what is read of it as something to hide. ``overrides``: fields of a run that are said otherwise
    this once; ``selected``: globs of the keys that are chosen.
    """

    root: Path
    env: Mapping[str, str]
    variables: Mapping[str, str]
    git: GitFacts
    dialects: Dialects
    application: GitOverride | None = None
    stand_ins: StandIns = ""
    places: Mapping[str, str] | None = None
    overrides: tuple[Override, ...] = ()
    selected: tuple[str, ...] = ()

    def env_of(self, dialect: Dialect) -> Mapping[str, str]:
        """The environment as stage files of this dialect read it."""
        there = self.env if self.places is None else self.places
        places = {name: there[name] for name in dialect.ENVIRONMENT if name in there}
        if self.stand_ins:
            is_local = self.stand_ins != "offline"
            for name, found in dialect.ENVIRONMENT.items():
                if name not in self.env:
                    places.setdefault(name, found.local if is_local else found.offline)
        # one after the other: what is read of ``env`` may be noted there
        return ChainMap(places, cast("MutableMapping[str, str]", self.env)) if places else self.env
