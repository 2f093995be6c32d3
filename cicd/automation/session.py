"""What every command does first: find the stage, load it, log in, plan."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cicd.automation import local
from cicd.automation.environment import Environment
from cicd.automation.former import files_of, former_stage
from cicd.automation.git import check_project, find_root, read_facts, stage_of_branch
from cicd.automation.redaction import MASK
from cicd.automation.rolled_back import tell_rollbacks
from cicd.cli.options import Common
from cicd.config import load_stage
from cicd.config.files import is_file
from cicd.config.load import FOLDER
from cicd.errors import InvalidStage, Problem, Refused
from cicd.model import Key, LiveResource, Plan, Resource, Stage
from cicd.platforms.registry import DIALECTS
from cicd.platforms.registry import stand_ins as stand_ins_of

if TYPE_CHECKING:
    from cicd.plan import Permissions
    from cicd.platforms.base import Platform


@dataclass(frozen=True)
class End:
    """How something failed: the platform's words, and the last lines of its log."""

    message: str
    log: tuple[str, ...] = ()


@dataclass
class Session:
    """One stage with its platform. ``live``: all that was there when it was last read; ``ends``:
    what was learnt of failed runs, by their ids."""

    root: Path
    stage: Stage
    platform: Platform
    common: Common
    environ: Mapping[str, str] = field(default_factory=dict)
    live: Sequence[LiveResource] = ()
    problems: Sequence[Problem] = ()
    ends: dict[str, End] = field(default_factory=dict)

    def read(
        self, *, everything: bool = False, review: bool = True
    ) -> tuple[Sequence[Resource], Sequence[LiveResource]]:
        """Desired and live, ready to be compared. Raises InvalidStage for what the platform itself
        says is wrong; not with ``review`` off, as what stops, goes back or goes away need not be
        right."""
        desired = self.platform.complete(self.stage.resources)
        everything = everything or self.stage.prune != "none"
        self.live = self.platform.read(desired, everything=everything)
        if review:
            self.problems, self.live = self.platform.review(desired, self.live)
        errors = [problem for problem in self.problems if problem.severity == "error"]
        if errors:
            raise InvalidStage(errors)
        return desired, self.live

    def check(self, plan: Plan, permissions: Permissions | None = None) -> None:
        """Raise Refused when limits, protection or an emptied file stand against the plan."""
        from cicd.plan import Permissions, check_guards

        kinds = self.platform.kinds
        check_guards(plan, self.stage, kinds, self.live, permissions or Permissions())

    def checked(self, plan: Plan) -> tuple[Plan, Refused | None]:
        """The plan with what stands against it written into it, and as an error to raise."""
        try:
            self.check(plan)
        except Refused as refusal:
            return replace(plan, refusal=str(refusal)), refusal
        return plan, None

    def plan(self, *, review: bool = True) -> Plan:
        """What applying this stage would do now."""
        from cicd.plan import make_plan

        desired, live = self.read(review=review)
        former, remark = former_stage(
            self.stage,
            self.root,
            live,
            self.common.variables,
            self.environ,
            is_local=self.common.local,
        )
        plan = make_plan(
            self.stage,
            desired,
            live,
            self.platform.kinds,
            created_at=now(),
            remarks=[
                *self.stage.remarks,
                *(f"{problem.place}: {problem.message}" for problem in self.problems),
                *filter(None, [remark]),
            ],
            former=former,
            **chosen(self.common),
        )
        return tell_rollbacks(self.platform, plan)

    def destroy_plan(self) -> Plan:
        """What destroying this stage would do now."""
        from cicd.plan import make_destroy_plan

        desired, live = self.read(everything=True, review=False)
        return make_destroy_plan(self.stage, desired, live, self.platform.kinds, created_at=now())

    def stop_plan(self, patterns: Sequence[str]) -> Plan:
        """What stopping these keys (``execution/train``, ``train``, globs) would do now."""
        from cicd.plan import make_stop_plan

        desired, live = self.read(everything=True, review=False)
        kinds = self.platform.kinds
        return make_stop_plan(self.stage, desired, live, kinds, patterns, created_at=now())

    def explain_command(self, key: Key) -> str:
        """The command line that tells more of one thing of this stage."""
        return f"cicd explain {key} {self._stage_word}{self._local_option}"

    def command(self, name: str, *keys: Key) -> str:
        """Another command line about this stage, its words in the order of the help."""
        words = ["cicd", name, self._stage_word, *map(str, keys)]
        return " ".join(words) + self._local_option

    @property
    def _local_option(self) -> str:
        return " --local" if self.common.local else ""

    @property
    def stage_argument(self) -> str:
        """How another command line finds this stage where this one did, with all options."""
        return self._stage_word + self._local_option

    @property
    def _stage_word(self) -> str:
        file = Path(self.stage.file)
        is_found = file.parent == Path(FOLDER) and file.stem == self.stage.name
        if not is_found or find_root(Path.cwd()) != self.root:
            return shlex.quote(os.path.relpath(self.root / file))
        return shlex.quote(self.stage.name)

    def publish(self) -> None:
        """Make the working tree visible to the emulator; nothing to do on a real platform."""
        if self.common.local:
            local.publish(self.stage, self.root)

    def remember(self) -> None:
        """Keep what is applied for later plans; on a real platform Git does."""
        if self.common.local:
            local.remember(self.root, self.stage.name, files_of(self.stage, self.root))


def document_of(plan: Plan) -> dict[str, Any]:
    """The plan as plain data for everybody, without what has become known as secret."""
    from cicd.plan.document import to_document

    document = to_document(plan)
    told = ("target", "changes", "warnings", "refusal", "treatment")
    return document | {name: MASK.hide_in(document[name]) for name in told}


def now() -> str:
    """This moment in UTC, as every document writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def offline_plan(argument: str | None, common: Common) -> Plan:
    """What applying a stage would do if nothing were there yet. No login, no network."""
    from cicd.plan import make_plan
    from cicd.platforms.registry import kinds_of

    _, stage = load(argument, common, is_offline=True)
    # a pinned id names something live, and nothing is
    desired = [
        replace(resource, options=replace(resource.options, existing_id=None))
        for resource in stage.resources
    ]
    return make_plan(
        stage,
        desired,
        (),
        kinds_of(stage),
        created_at=now(),
        is_offline=True,
        remarks=stage.remarks,
        **chosen(common),
    )


def chosen(common: Common) -> dict[str, Any]:
    """The options that decide what a plan is about, by name."""
    from cicd.plan.bound import FLAGS, OPTIONS

    return {name: getattr(common, name) for name in (*OPTIONS, *FLAGS)}


def load(
    argument: str | None,
    common: Common,
    *,
    is_offline: bool = False,
    needs_secrets: bool = True,
    stand_ins: Mapping[str, str] | None = None,
) -> tuple[Path, Stage]:
    """The stage named on the command line, or the one whose branch is checked out.

    ``is_offline``: it will not be applied, so no credential and no resource group is needed.
    ``needs_secrets``: off for who only looks at, stops or deletes what is there: no value is sent.
    ``stand_ins``: what variables that are not set count as.
    """
    root = find_root(Path.cwd(), argument)
    facts = read_facts(root, os.environ)
    if argument and not is_file(root / argument) and not is_file(Path(argument)):
        check_project(root)
    name = argument or stage_of_branch(root, facts, os.environ)
    MASK.spare((name, facts.branch, facts.commit))
    known = dict(stand_ins or {})
    application = None
    if common.local:
        application = local.override(root)
        known = {**stand_ins_of(is_local=True), **known}
    elif is_offline:
        known = {**stand_ins_of(), **known}
    stage = load_stage(
        name,
        root=root,
        env=Environment(known),
        variables=common.variables,
        git=facts,
        dialects=DIALECTS,
        application=application,
        needs_credentials=needs_secrets and not is_offline,
    )
    MASK.spare([stage.name])
    return root, local.with_snapshot(stage, root) if common.local else stage


@contextmanager
def open_session(
    argument: str | None,
    common: Common,
    *,
    needs_secrets: bool = True,
    stand_ins: Mapping[str, str] | None = None,
) -> Iterator[Session]:
    """Load the stage and connect; gives connections back at the end."""
    from cicd.platforms.registry import connect

    root, stage = load(argument, common, needs_secrets=needs_secrets, stand_ins=stand_ins)
    environ: Mapping[str, str] = os.environ
    if common.local:
        endpoint = local.start(root)
        environ = local.environment(endpoint, stage, environ)
    platform = connect(stage, environ)
    try:
        if common.local:
            group = environ["AICORE_RESOURCE_GROUP"]
            local.tell_stand_ins(endpoint, group, local.stand_ins(stage, root))
        yield Session(root, stage, platform, common, Environment(stand_ins))
    finally:
        platform.close()
