"""Whether login, rights, quotas and clock of an account are in place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from cicd.automation import local
from cicd.automation.git import git, read_facts, stage_of_branch
from cicd.automation.loading import Loader
from cicd.config.surroundings import StandIns
from cicd.errors import CicdError, Denied, InvalidStage, Usage
from cicd.model import Stage

if TYPE_CHECKING:
    from cicd.platforms.base import Finding


def diagnose(loader: Loader, argument: str | None = None) -> tuple[Stage, list[Finding]]:
    """The stage that is looked at, and all that was found about its account. Changes nothing."""
    root = loader.root_of(argument)
    stage = find_subject(loader, argument, root)
    environ = loader.environ
    if loader.is_local:
        _, environ = local.entered(stage, root, environ)
    found = list(examine(stage, environ))
    found = local.needed(found) if loader.is_local else found
    return stage, [*found, *examine_approval(stage, root, loader)]


def find_subject(loader: Loader, argument: str | None, root: Path) -> Stage:
    """The stage to look at; where none is named and none belongs to the branch, just its account.

    Missing credentials are what this is for, so they are no error yet.
    """
    from cicd.config import load_stage
    from cicd.platforms.registry import DIALECTS, account

    facts = read_facts(root, loader.environ)
    try:
        name = argument or stage_of_branch(root, facts, loader.environ)
    except Usage:
        return account(str(root), loader.environ)
    around = replace(loader.surroundings(root, facts), application=None)
    file = loader.find_argument(name)

    def load(stand_ins: StandIns) -> Stage:
        return load_stage(file, replace(around, stand_ins=stand_ins), needs_credentials=False)

    if loader.is_local:
        return load("local")
    try:
        return load("account")
    except InvalidStage:  # most likely nothing says where it goes, which is a finding
        subject = load("local")
        if not DIALECTS[subject.platform].EMULATED:  # that would be this machine
            raise
        return subject


def examine(stage: Stage, environ: Mapping[str, str]) -> Iterator[Finding]:
    """All that the platform finds, or why there is no way to ask it."""
    from cicd.platforms.base import Finding
    from cicd.platforms.registry import connect

    refusal: Denied | None = None
    try:
        platform = connect(stage, environ)
    except Denied as error:
        refusal = error
        try:  # what points to services may have a login of its own
            platform = connect(replace(stage, resources=()), environ)
        except Denied:
            yield from explain(refusal, stage, environ)
            return
    try:
        found = []
        for finding in platform.diagnose():
            found.append(finding)
            yield finding
    finally:
        platform.close()
    if refusal and not any(finding.text == refusal.message for finding in found):
        yield Finding(pointers_of(stage)[0], "error", refusal.message, refusal.hint)


def examine_approval(stage: Stage, root: Path, loader: Loader) -> Iterator[Finding]:
    """Whether the approval that a stage waits for can be asked for and given."""
    from cicd.platforms.base import Finding

    settings = stage.lifecycle.approval if stage.lifecycle else None
    if settings is None:
        return
    from cicd.lifecycle.approvals import Checked, Surroundings
    from cicd.lifecycle.registry import connect

    ask_git = partial(asked_git, root, loader.environ)
    around = Surroundings(root, loader.environ, ask_git, loader.is_local, hide=loader.mask.hide)
    try:
        approvals = connect(settings, around)
        for one in approvals.check() if isinstance(approvals, Checked) else ():
            yield Finding("approval", one.state, one.text, one.cure)
    except CicdError as error:
        yield Finding("approval", "error", error.message, error.hint)


def asked_git(root: Path, environ: Mapping[str, str], *words: str) -> str | None:
    """What Git says in a project's folder; None where it fails."""
    try:
        return git(*words, cwd=root, environ=environ)
    except CicdError:
        return None


def pointers_of(stage: Stage) -> list[str]:
    """What a login is called that a stage needs beside that of its platform."""
    from cicd.platforms.registry import kinds_of

    pointers = [kind.name for kind in kinds_of(stage).values() if kind.role == "pointer"]
    return pointers or ["login"]


def explain(refusal: Denied, stage: Stage, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Where credentials were looked for, with the refusal as an error among them."""
    from cicd.platforms import registry
    from cicd.platforms.base import Finding

    found = list(registry.explain(stage, environ))
    yield from found
    if not any(finding.state == "error" for finding in found):
        yield Finding("credentials", "error", refusal.message, refusal.hint)
