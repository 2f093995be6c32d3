"""One stage with its platform: found, loaded, logged in, planned."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from cicd.automation import local
from cicd.automation.choice import ALL, Choice
from cicd.automation.former import files_of, former_stage, stage_path
from cicd.automation.git import find_root
from cicd.automation.loading import Loader
from cicd.automation.result import explain_command
from cicd.automation.rolled_back import tell_rollbacks
from cicd.config import GitFacts
from cicd.config.load import FOLDER
from cicd.config.other_stages import file_beside, stages_beside, taken_from
from cicd.errors import InvalidStage, Problem, Refused, Remark
from cicd.masking import Mask, without_secrets
from cicd.model import Key, LiveResource, Plan, Resource, Stage

if TYPE_CHECKING:
    from cicd.automation.taken import Taken
    from cicd.plan import Permissions
    from cicd.platforms.base import Platform


@dataclass(frozen=True)
class End:
    """How something failed: the platform's words, and the last lines of its log."""

    message: str
    log: tuple[str, ...] = ()


class Session:
    """One stage with its platform. As a context manager it loads the stage and logs in, and gives
    the connections back at the end.

    While it is open ``root`` is the folder of the project, ``stage`` what its file says,
    ``platform`` where it deploys to; ``live``: all that was there when it was last read;
    ``problems``: what the platform had against the stage then; ``ends``: what was learnt of failed
    runs, by their ids. ``taken``: what it took from other stages then. ``ahead``: stage files ->
    the plans of those that the same command applies before it.
    """

    root: Path
    stage: Stage
    platform: Platform

    def __init__(
        self,
        loader: Loader,
        argument: str | None,
        *,
        needs_secrets: bool = True,
        stand_ins: Mapping[str, str] | None = None,
    ) -> None:
        self.loader = loader
        self.live: Sequence[LiveResource] = ()
        self.problems: Sequence[Problem] = ()
        self.ends: dict[str, End] = {}
        self.ahead: Mapping[Path, Plan] = {}
        self.taken: Taken | None = None
        self._needed: dict[str, list[str]] = {}
        self._argument = argument
        self._needs_secrets = needs_secrets
        self._stand_ins = stand_ins
        self._is_open = False

    @property
    def environ(self) -> Mapping[str, str]:
        """The variables that were handed in."""
        return self.loader.environ

    @property
    def mask(self) -> Mask:
        """What must not be shown of this stage."""
        return self.loader.mask

    @property
    def is_local(self) -> bool:
        """Whether it is for the emulator."""
        return self.loader.is_local

    def __enter__(self) -> Self:
        """Raises InvalidStage for a stage file that is wrong, Denied without a login."""
        from cicd.platforms.registry import connect

        self.root, self.stage = self.loader.load(
            self._argument, needs_secrets=self._needs_secrets, stand_ins=self._stand_ins
        )
        self._asked = self.stage.resources
        environ, endpoint = self.environ, None
        if self.is_local:
            endpoint, environ = local.entered(self.stage, self.root, environ)
        self._endpoint = endpoint
        self.platform = connect(self.stage, environ)
        self._is_open = True
        if endpoint:
            try:
                local.speak_of(endpoint, self.stage)
                local.tell_stand_ins(endpoint, self.stage, self.root)
            # ``__exit__`` is not called for what fails in ``__enter__``.
            except BaseException:
                self.close()
                raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give connections back."""
        if self._is_open:
            self._is_open = False
            self.platform.close()

    @contextmanager
    def opened(self) -> Iterator[Self]:
        """Open for the block: as it is, or else for the block alone."""
        if self._is_open:
            yield self
            return
        with self:
            yield self

    def read(
        self, *, everything: bool = False, review: bool = True
    ) -> tuple[Sequence[Resource], Sequence[LiveResource]]:
        """Desired and live, ready to be compared. Raises InvalidStage for what the platform itself
        says is wrong; not with ``review`` off, as what stops, goes back or goes away need not be
        right."""
        self.take(is_strict=review)
        desired = self.platform.complete(self.stage.resources)
        # Whatever may be deleted has to be seen, and that is more than what the file names.
        everything = everything or self.stage.prune != "none"
        self.live = self.platform.read(desired, everything=everything)
        if review:
            self.problems, self.live = self.platform.review(desired, self.live)
        errors = [problem for problem in self.problems if problem.severity == "error"]
        if errors:
            raise InvalidStage(errors)
        return desired, self.live

    @property
    def file(self) -> Path:
        """Where its file is."""
        return stage_path(self.stage, self.root)

    def take(self, *, is_strict: bool = False) -> None:
        """Look up what the stage takes from others, so that its resources are with what is known of
        that. ``is_strict``: raises what stands against looking."""
        if not self.stage.others:
            return
        from cicd.automation.taken import look_up

        files = {name: file_beside(self.file, name) for name in self.stage.others}
        ahead = {name: self.ahead[file] for name, file in files.items() if file in self.ahead}
        ask = self._plan_beside
        self.taken = look_up(self._asked, ask, ahead, is_strict=is_strict)
        resources = self.taken.put_into(self._asked)
        digests = self.taken.digests(self.stage.name)
        self.stage = replace(self.stage, resources=resources, taken=digests)

    def _plan_beside(self, name: str) -> Plan:
        """What applying another stage of the project would do now, but for runs that every apply
        starts again: what they have made last counts."""
        from cicd.plan import make_plan
        from cicd.plan.given import as_it_ran

        file = file_beside(self.file, name)
        loader = self.loader.of_other(file, self.root)
        with Session(loader, str(file), needs_secrets=False, stand_ins=self._stand_ins) as other:
            desired, live = other.read(review=False)
            kinds = other.platform.kinds
            plan = make_plan(other.stage, as_it_ran(desired), live, kinds, created_at=now())
            self._needed[name] = other.needed(plan)
            return plan

    def needed(self, plan: Plan) -> list[str]:
        """The stages that have to be applied before a plan of this one can be, in their order."""
        lacking = self.taken.lacking(plan) if self.taken else []
        names = (name for ref in lacking for name in (*self._needed.get(ref.stage, ()), ref.stage))
        return list(dict.fromkeys(names))

    def guard(self, plan: Plan, permissions: Permissions | None = None) -> None:
        """Raise Refused when limits, protection or an emptied file stand against the plan."""
        from cicd.plan import Permissions, check_guards

        kinds = self.platform.kinds
        if self.taken:
            self.taken.check(plan, self._cure)
        check_guards(plan, self.stage, kinds, self.live, permissions or Permissions())

    def guarded(self, plan: Plan) -> tuple[Plan, Refused | None]:
        """The plan with what stands against it written into it, and as an error to raise."""
        try:
            self.guard(plan)
        except Refused as refusal:
            return replace(plan, refusal=str(refusal)), refusal
        return plan, None

    def make_plan(self, choice: Choice = ALL, *, review: bool = True) -> Plan:
        """What applying this stage would do now."""
        from cicd.plan import make_plan

        desired, live = self.read(review=review)
        former, remark = former_stage(
            self.stage,
            self.loader.surroundings(self.root, GitFacts(), self._stand_ins),
            live,
            self.environ,
            is_local=self.is_local,
        )
        plan = make_plan(
            self.stage,
            desired,
            live,
            self.platform.kinds,
            created_at=now(),
            remarks=[
                *self.stage.remarks,
                *map(Remark.of, self.problems),
                *filter(None, [remark]),
            ],
            former=former,
            **choice.options(),
        )
        return tell_rollbacks(self.platform, plan)

    def make_destroy_plan(self) -> Plan:
        """What destroying this stage would do now."""
        from cicd.plan import make_destroy_plan

        desired, live = self.read(everything=True, review=False)
        kinds = self.platform.kinds
        plan = make_destroy_plan(self.stage, desired, live, kinds, created_at=now())
        return replace(plan, warnings=(*plan.warnings, *self._tell_takers()))

    def _tell_takers(self) -> Iterator[str]:
        """The stages that what goes is taken by."""
        around = self.loader.surroundings(self.root, GitFacts())
        for name in stages_beside(self.file):
            if self.file.stem in taken_from(file_beside(self.file, name), around):
                yield f"{name} takes something from this stage: where it is there, destroy it first"

    def make_stop_plan(self, patterns: Sequence[str]) -> Plan:
        """What stopping these keys (``execution/train``, ``train``, globs) would do now."""
        from cicd.plan import make_stop_plan

        desired, live = self.read(everything=True, review=False)
        kinds = self.platform.kinds
        return make_stop_plan(self.stage, desired, live, kinds, patterns, created_at=now())

    def _cure(self, plan: Plan) -> str:
        """The command line that applies this stage after those that have to be before a plan."""
        others = self.needed(plan)
        before = [os.path.relpath(file_beside(self.file, other), self.root) for other in others]
        words = [self._word_of(file, other) for file, other in zip(before, others, strict=True)]
        return f"cicd apply {' '.join([*words, self._stage_word])}{self._local_option}"

    def explain_command(self, key: Key) -> str:
        """The command line that tells more of one thing of this stage."""
        return explain_command(key, self.stage_argument)

    def command(self, name: str, *keys: Key) -> str:
        """Another command line about this stage, its words in the order of the help."""
        words = ["cicd", name, self._stage_word, *map(str, keys)]
        return " ".join(words) + self._local_option

    @property
    def _local_option(self) -> str:
        return " --local" if self.is_local else ""

    @property
    def stage_argument(self) -> str:
        """How another command line finds this stage where this one did, with all options."""
        return self._stage_word + self._local_option

    @property
    def _stage_word(self) -> str:
        return self._word_of(self.stage.file, self.stage.name)

    def _word_of(self, file: str, name: str) -> str:
        """How a command line names the stage of a file of this project."""
        path = Path(file)
        is_found = path.parent == Path(FOLDER) and path.stem == name
        if not is_found or find_root(self.loader.folder) != self.root:
            return shlex.quote(os.path.relpath(self.root / path, self.loader.folder))
        return shlex.quote(name)

    def publish(self) -> None:
        """Make the working tree visible to the emulator; nothing to do on a real platform."""
        if self.is_local:
            local.publish(self.stage, self.root, self.environ)
            if self._endpoint and self.taken:  # by now it is known where that lies
                local.tell_stand_ins(self._endpoint, self.stage, self.root)

    def remember(self) -> None:
        """Keep what is applied for later plans; on a real platform Git does."""
        if self.is_local:
            folders = files_of(self.stage, self.root)
            local.remember(self.root, self.stage.name, folders, self.environ)

    def hide(self, text: str) -> str:
        """The text of a server or a program without what must not be shown."""
        return without_secrets(self.mask.hide(text), self.environ)


def document_of(plan: Plan, mask: Mask) -> dict[str, Any]:
    """The plan as plain data for everybody, without what has become known as secret."""
    from cicd.plan.document import to_document

    document = to_document(plan)
    told = {"target", "changes", "warnings", "problems", "refusal", "treatment", "lifecycle"}
    return document | {name: mask.hide_in(document[name]) for name in document.keys() & told}


def now() -> str:
    """This moment in UTC, as every document writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
