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
from cicd.automation.former import files_of, former_stage
from cicd.automation.git import find_root
from cicd.automation.loading import Loader
from cicd.automation.result import explain_command
from cicd.automation.rolled_back import tell_rollbacks
from cicd.config import GitFacts
from cicd.config.load import FOLDER
from cicd.errors import InvalidStage, Problem, Refused, Remark
from cicd.masking import Mask, without_secrets
from cicd.model import Key, LiveResource, Plan, Resource, Stage

if TYPE_CHECKING:
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
    runs, by their ids.
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
        environ, endpoint = self.environ, None
        if self.is_local:
            endpoint, environ = local.entered(self.stage, self.root, environ)
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

    def guard(self, plan: Plan, permissions: Permissions | None = None) -> None:
        """Raise Refused when limits, protection or an emptied file stand against the plan."""
        from cicd.plan import Permissions, check_guards

        kinds = self.platform.kinds
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
        return make_destroy_plan(self.stage, desired, live, self.platform.kinds, created_at=now())

    def make_stop_plan(self, patterns: Sequence[str]) -> Plan:
        """What stopping these keys (``execution/train``, ``train``, globs) would do now."""
        from cicd.plan import make_stop_plan

        desired, live = self.read(everything=True, review=False)
        kinds = self.platform.kinds
        return make_stop_plan(self.stage, desired, live, kinds, patterns, created_at=now())

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
        file = Path(self.stage.file)
        is_found = file.parent == Path(FOLDER) and file.stem == self.stage.name
        if not is_found or find_root(self.loader.folder) != self.root:
            return shlex.quote(os.path.relpath(self.root / file, self.loader.folder))
        return shlex.quote(self.stage.name)

    def publish(self) -> None:
        """Make the working tree visible to the emulator; nothing to do on a real platform."""
        if self.is_local:
            local.publish(self.stage, self.root, self.environ)

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
    told = {"target", "changes", "warnings", "problems", "refusal", "treatment"}
    return document | {name: mask.hide_in(document[name]) for name in document.keys() & told}


def now() -> str:
    """This moment in UTC, as every document writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def offline_plan(loader: Loader, argument: str | None, choice: Choice) -> Plan:
    """What applying a stage would do if nothing were there yet. No login, no network."""
    from cicd.plan import make_plan
    from cicd.platforms.registry import kinds_of

    _, stage = loader.load(argument, is_offline=True)
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
        **choice.options(),
    )
