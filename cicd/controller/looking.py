"""One commit of a stage against what is live: what it would change, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from cicd.automation.project import Project
from cicd.automation.stage import StageSession
from cicd.controller.mirror import Mirror
from cicd.errors import CicdError, InvalidStage, PlatformError
from cicd.masking import without_secrets
from cicd.model import Action, Approval, ApprovalState, Plan, Sync

ApprovalWord = Literal["none", "needed", "given", "rejected", "expired"]
_APPROVALS: dict[ApprovalState, ApprovalWord] = {
    ApprovalState.NONE: "none",  # the apply asks for it
    ApprovalState.PENDING: "needed",
    ApprovalState.APPROVED: "given",
    ApprovalState.REJECTED: "rejected",
    ApprovalState.STALE: "expired",
}
OTHER_JOBS = ("GITHUB_ACTIONS", "GITLAB_CI", "TF_BUILD", "JENKINS_URL")
"""Variables of a CI job around the controller: what is deployed is not what that is about."""


@dataclass(frozen=True)
class View:
    """``plan``: None where there is none, for the ``problem`` of the stage file or as the platform
    is ``unreachable``. ``sync``: None where the file is wrong. ``refusal``: what stands against the
    plan."""

    plan: Plan | None = None
    sync: Sync | None = None
    name: str = ""
    platform: str = ""
    problem: str = ""
    unreachable: str = ""
    refusal: str = ""
    approval: ApprovalWord = "none"

    @property
    def wanted(self) -> int:
        """How many changes it would make."""
        changes = self.plan.changes if self.plan else ()
        return sum(change.action is not Action.NO_OP for change in changes)

    @property
    def corrections(self) -> tuple[str, ...]:
        """The fields that differ from what was applied, of all but runs: what has run is not run
        again to put something back."""
        found = []
        for change in self.plan.changes if self.plan else ():
            if change.action not in {Action.NO_OP, Action.RUN}:
                fields = [field.path for field in change.fields] or [change.action.value]
                found += [f"{change.key} {field}" for field in fields]
        return tuple(found)

    @property
    def runs(self) -> tuple[str, ...]:
        """The runs that it would start."""
        changes = self.plan.changes if self.plan else ()
        return tuple(str(change.key) for change in changes if change.action is Action.RUN)


class Looker:
    """Looks at stages of one mirror, with these variables."""

    def __init__(self, mirror: Mirror, branch: str, environ: Mapping[str, str]) -> None:
        self.mirror = mirror
        self.branch = branch
        kept = {name: value for name, value in environ.items() if name not in OTHER_JOBS}
        self.environ = {**kept, "CICD_BRANCH": branch}

    @contextmanager
    def session(self, commit: str, path: str) -> Iterator[StageSession]:
        """A stage as a commit has it, not opened yet."""
        with self.mirror.tree(commit) as root:
            yield self._project(root).stage(path)

    def paths(self, commit: str) -> list[str]:
        """The stage files of a commit that its branch may mean."""
        with self.mirror.tree(commit) as root:
            return self._project(root).stages_of(self.branch)

    def look(self, commit: str, path: str) -> View:
        """What applying the stage as a commit has it would change now; changes nothing."""
        try:
            with self.session(commit, path) as session:
                return self._view(session)
        except CicdError as error:
            return View(problem=self._told(error))

    def _view(self, session: StageSession) -> View:
        try:
            with session:
                stage = session.stage
                if stage.branch not in {None, self.branch}:
                    place = f"{stage.file}: the stage belongs to the branch {stage.branch}"
                    return View(problem=session.hide(place), name=stage.name)
                known = View(sync=stage.sync or Sync(), name=stage.name, platform=stage.platform)
                try:
                    plan = session.plan()
                except PlatformError as error:
                    return replace(known, unreachable=session.hide(str(error)))
                word = _approval(plan.lifecycle.approval if plan.lifecycle else None)
                return replace(known, plan=plan, refusal=session.hide(plan.refusal), approval=word)
        except InvalidStage as error:
            first = error.problems[0] if error.problems else error
            return View(problem=session.mask.hide(str(first)))
        except PlatformError as error:
            return View(unreachable=session.mask.hide(str(error)))

    def _project(self, root: Path) -> Project:
        return Project(root, self.environ)

    def _told(self, error: CicdError) -> str:
        return without_secrets(str(error), self.environ)


def _approval(approval: Approval | None) -> ApprovalWord:
    return _APPROVALS[approval.state] if approval else "none"
