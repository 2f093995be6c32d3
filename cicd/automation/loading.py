"""Finds a stage and reads its file: from a folder and an environment that are handed in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from cicd.automation import local
from cicd.automation.environment import Environment
from cicd.automation.git import check_project, find_root, read_facts, stage_of_branch
from cicd.config import GitFacts, Surroundings, load_stage
from cicd.config.files import is_file
from cicd.config.load import find_stage, is_path, variables_of
from cicd.config.overrides import Override
from cicd.config.surroundings import StandIns
from cicd.masking import Mask
from cicd.model import Stage
from cicd.platforms.registry import DIALECTS


@dataclass(frozen=True)
class Loader:
    """Where stages are read from and with what.

    ``folder``: where the names of files begin. ``environ``: all variables there are. ``mask``
    learns what must not be shown. ``variables`` override those of the stage file. ``is_local``: for
    the emulator. ``overrides``: fields of a run that are said otherwise in what is loaded, of the
    ``selected`` one where there are several.
    """

    folder: Path
    environ: Mapping[str, str] = field(repr=False)
    mask: Mask = field(repr=False)
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    is_local: bool = False
    overrides: tuple[Override, ...] = ()
    selected: tuple[str, ...] = ()

    def environment(self, stand_ins: Mapping[str, str] | None = None) -> Environment:
        """The variables as stage files read them; ``stand_ins``: what unset ones count as."""
        return Environment(self.environ, self.mask, stand_ins)

    def root_of(self, argument: str | None = None) -> Path:
        """The project that a stage belongs to."""
        return find_root(self.folder, argument)

    def surroundings(
        self,
        root: Path,
        git: GitFacts,
        stand_ins: Mapping[str, str] | None = None,
        *,
        is_offline: bool = False,
    ) -> Surroundings:
        """What a stage of the project at ``root`` is read in (see ``load``)."""
        counts_as: StandIns = "local" if self.is_local else "offline" if is_offline else ""
        return Surroundings(
            root=root,
            env=self.environment(stand_ins),
            variables=self.variables,
            git=git,
            dialects=DIALECTS,
            application=local.override(root) if self.is_local else None,
            stand_ins=counts_as,
            places=self.environ,
        )

    def find_argument(self, argument: str) -> str:
        """A stage as ``cicd.config`` finds it from anywhere: a file by its whole path. Raises
        InvalidStage for one that is not there."""
        if not is_path(argument):
            return argument
        return str(find_stage(argument, self.root_of(argument), self.folder))

    def load(
        self,
        argument: str | None,
        *,
        is_offline: bool = False,
        needs_secrets: bool = True,
        stand_ins: Mapping[str, str] | None = None,
    ) -> tuple[Path, Stage]:
        """The project and the stage of that name, or the one whose branch is checked out.

        ``is_offline``: it will not be applied, so no credential and no place is needed.
        ``needs_secrets``: off for who only looks at, stops or deletes what is there: no value is
        sent. ``stand_ins``: what variables that are not set count as. Raises InvalidStage, and
        Usage where no stage goes without saying.
        """
        root = self.root_of(argument)
        facts = read_facts(root, self.environ)
        if argument and not any(is_file(path / argument) for path in (root, self.folder)):
            check_project(root, self.environ)
        name = argument or stage_of_branch(root, facts, self.environ)
        # These stand in each plan, and variables of a CI run have the same values.
        self.mask.spare((name, facts.branch, facts.commit))
        around = replace(
            self.surroundings(root, facts, stand_ins, is_offline=is_offline),
            overrides=self.overrides,
            selected=self.selected,
        )
        needs_secrets = needs_secrets and not is_offline
        stage = load_stage(self.find_argument(name), around, needs_credentials=needs_secrets)
        self.mask.spare([stage.name])
        if stage.notify:
            from cicd.notify.channels import SHORTEST, secrets_of

            self.mask.add(secrets_of(stage.notify), shortest=SHORTEST)
        if self.is_local:
            stage = local.with_snapshot(stage, root, self.environ, self.mask)
        return root, stage

    def of_other(self, file: Path, root: Path) -> Loader:
        """The same for another stage of the project, with those of the variables that are of it, or
        of one that it has to do with."""
        around = self.surroundings(root, GitFacts())
        given = variables_of(file, around)
        return replace(self, variables=given, overrides=(), selected=())

    def without_variables(self) -> Loader:
        """The same for a stage that may not have the variables of this one."""
        return replace(self, variables={})
