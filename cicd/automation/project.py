"""A project for programs: a folder with stages, whoever looks at it and from wherever."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from cicd.automation.choice import ALL, Choice, texts
from cicd.automation.git import every_stage, read_facts, stage_of_branch
from cicd.automation.loading import Loader
from cicd.config import GitFacts
from cicd.config.overrides import Override
from cicd.errors import InvalidStage, Problem, Usage
from cicd.masking import Mask, is_secret_name, secrets_of
from cicd.model import Plan

if TYPE_CHECKING:
    from cicd.automation.importing import Imported
    from cicd.automation.promotion import Edit
    from cicd.automation.stage import StageSession


Name = str | os.PathLike[str]
"""Which stage: its name, or its file."""


def text_of(name: Name | None) -> str | None:
    """What was given for a stage as a command line has it."""
    return None if name is None else os.fspath(name)


class Project:
    """The stages of a repository, or of one project in it.

    ``path``: a folder of it; the project is the nearest one around with ``stages``. ``environ``:
    every variable that may be read, for ``${env.…}``, logins, Git and what a CI system tells; none
    but these is. ``mask``: what must not be shown; every stage has its own without it. Nothing is
    sent and nothing is started before it is needed. Raises Usage for a path that is not there.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        environ: Mapping[str, str] | None = None,
        *,
        mask: Mask | None = None,
    ) -> None:
        self.folder = Path(path).resolve()
        if not self.folder.exists():
            raise Usage(f"no such folder: {self.folder}")
        self.environ: Mapping[str, str] = environ if environ is not None else {}
        self._mask = mask
        self.root = self.loader().root_of()

    @property
    def facts(self) -> GitFacts:
        """What is checked out. Raises Refused where the files of the run must not be read."""
        return read_facts(self.root, self.environ)

    @property
    def stages(self) -> list[str]:
        """The stage files of the project, or of all projects below, by their names from it."""
        return every_stage(self.root, self.environ)

    def stages_of(self, branch: str) -> list[str]:
        """Of those, all that a push to ``branch`` may mean: that name it or none, and that cannot
        be read now."""
        from cicd.config.load import branches_of

        files = self.stages
        elsewhere = set()
        for root in {self.loader().root_of(file) for file in files}:
            below = root.relative_to(self.root).as_posix()
            for file, wanted in branches_of(root)[0].items():
                if wanted not in {None, branch}:
                    elsewhere.add(file if below == "." else f"{below}/{file}")
        return [file for file in files if file not in elsewhere]

    def loader(self, variables: Mapping[str, str] | None = None, *, local: bool = False) -> Loader:
        """What reads stages of this project."""
        mask = self._mask
        given = dict(variables or {})
        untyped: Mapping[str, object] = given
        for name, value in untyped.items():
            if not isinstance(value, str):
                what = f"variable {name} is {type(value).__name__}"
                raise Usage(f"{what}: variables are texts", hint="as after --var")
        if mask is None:
            mask = Mask()
            mask.add(secrets_of(self.environ).values())
            mask.add(value for name, value in given.items() if is_secret_name(name))
        return Loader(self.folder, self.environ, mask, given, local)

    def check(
        self, stage: Name | None = None, variables: Mapping[str, str] | None = None
    ) -> list[Problem]:
        """All that is wrong or doubtful with a stage file and the templates it uses, sorted by
        place; without a name of the stage whose branch is checked out. No network, no login.
        ``variables`` override those of the file. Raises Usage where no stage goes without saying.
        """
        from cicd.config import check_stage

        loader = self.loader(variables)
        given = text_of(stage)
        root = loader.root_of(given)
        facts = read_facts(root, self.environ)
        name = given or stage_of_branch(root, facts, self.environ)
        try:
            file = loader.find_argument(name)
        except InvalidStage as error:
            return list(error.problems)
        return check_stage(file, loader.surroundings(root, facts))

    def stage(
        self,
        name: Name | None = None,
        variables: Mapping[str, str] | None = None,
        *,
        local: bool = False,
        needs_secrets: bool = True,
        stand_ins: Mapping[str, str] | None = None,
        overrides: Sequence[Override] = (),
        selected: Sequence[str] = (),
    ) -> StageSession:
        """A stage: by its name, its file, or without either the one whose branch is checked out.

        Used in a ``with`` block it is loaded and logged in there. ``variables`` override those of
        the stage file. ``local``: the embedded emulator instead of an account, started if needed.
        ``needs_secrets``: off for whoever only looks at, stops or deletes what is there.
        ``stand_ins``: what variables of the environment that are not set count as. ``overrides``:
        fields of a run that are said otherwise, of the ``selected`` one where there are several.
        """
        from cicd.automation.stage import StageSession

        loader = self.loader(variables, local=local)
        loader = replace(loader, overrides=tuple(overrides), selected=tuple(selected))
        return StageSession(loader, text_of(name), needs_secrets=needs_secrets, stand_ins=stand_ins)

    def offline_plan(
        self,
        stage: Name | None = None,
        variables: Mapping[str, str] | None = None,
        choice: Choice = ALL,
        *,
        local: bool = False,
    ) -> Plan:
        """What applying a stage would do if nothing were there yet. No login, no network. Raises
        InvalidStage."""
        from cicd.automation.offline import offline_plan

        return offline_plan(self.loader(variables, local=local), text_of(stage), choice)

    def takes(self, names: Sequence[Name]) -> dict[str, list[str]]:
        """Of several stages: name -> those of the others that it takes something from. Nothing of
        one whose file cannot be read."""
        from cicd.config.load import find_stage
        from cicd.config.other_stages import file_beside, taken_from

        loader = self.loader()
        files: dict[str, Path] = {}
        needs: dict[str, set[Path]] = {}
        for name in [os.fspath(name) for name in names]:
            root = loader.root_of(name)
            around = loader.surroundings(root, GitFacts())
            try:
                files[name] = find_stage(loader.find_argument(name), root)
            except InvalidStage:  # whoever loads it tells that
                continue
            others = taken_from(files[name], around)
            needs[name] = {file_beside(files[name], other) for other in others}
        return {
            name: [other for other, file in files.items() if file in found]
            for name, found in needs.items()
        }

    def promote(self, source: Name, target: Name, select: Sequence[str] = ()) -> Edit:
        """What the stage ``source`` has tried out as an edit of the file of ``target``, checked and
        not made: ``Edit.diff`` shows it, ``Edit.write`` makes it. ``select``: only these (globs).
        Raises InvalidStage for what would not load then, Refused for what cannot be edited exactly.
        """
        from cicd.automation.promotion import promote

        return promote(self.loader(), os.fspath(source), os.fspath(target), texts(select))

    def propose(self, source: Name, target: Name, select: Sequence[str] = ()) -> tuple[Edit, str]:
        """The same on the newest commit of the target's branch, pushed as a pull request; its URL,
        empty where nothing changes. Raises Usage, Denied or Refused before anything is pushed."""
        from cicd.automation.promotion import propose

        return propose(self.loader(), os.fspath(source), os.fspath(target), texts(select))

    def import_stage(
        self,
        name: str,
        target: Mapping[str, str],
        *,
        out: str | os.PathLike[str] | None = None,
        select: Sequence[str] = (),
        wants: Sequence[str] = (),
        platform: str = "",
        force: bool = False,
        local: bool = False,
        variables: Mapping[str, str] | None = None,
    ) -> Imported:
        """Write the stage file ``out`` (``stages/NAME.yaml``) of what is live at ``target``,
        in the words of the ``platform``; see ``importing.import_stage``."""
        from cicd.automation.importing import import_stage

        loader = self.loader(variables, local=local)
        file = Path(out) if out is not None else None
        return import_stage(
            loader,
            name,
            target,
            out=file,
            select=texts(select),
            wants=texts(wants),
            platform=platform,
            force=force,
        )
