"""A stage for programs: plan it, apply it, look at it, go back; what the commands do."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from cicd.automation.choice import ALL, Choice, texts
from cicd.automation.events import Event, Notified
from cicd.automation.holder import Presence
from cicd.automation.operation import Approve, Operation, Settings, Work
from cicd.automation.result import Result
from cicd.automation.saved import Saved, to_bytes
from cicd.automation.session import Session
from cicd.errors import CicdError, Refused, Usage
from cicd.lifecycle.approvals import Verdict
from cicd.model import Approval, Holder, Key, LogEntry, MetricPoint, Plan, Track
from cicd.render.comparison import Comparison

if TYPE_CHECKING:
    from cicd.automation.past import Source

OnEvent = Callable[[Event], object]
Saveable = Saved | bytes | bytearray | memoryview | Plan


class StageSession(Session):
    """One stage of a project; ``Project.stage`` makes it.

    As a context manager it loads the stage file and logs in: raises InvalidStage with every problem
    of the file, Denied without a login. Each method opens it for itself where it is not open. One
    session is for one thread; several sessions at once, also of one stage, are fine. Keys and globs
    are texts or a ``Key``, and where several are taken, one by itself is fine. Every method
    that asks the platform raises PlatformError (Denied, ConnectionFailed, …) where that fails.
    """

    def plan(
        self,
        *,
        select: Collection[str | Key] = (),
        exclude: Collection[str | Key] = (),
        rerun: Collection[str | Key] = (),
        replace: Collection[str | Key] = (),
        refresh_secrets: bool = False,
    ) -> Plan:
        """What applying the stage would change now; changes nothing anywhere.

        ``select``: only these keys (globs) and what they depend on; ``exclude``: not these.
        ``rerun``: run again, changed or not; ``replace``: renew. ``refresh_secrets``: send every
        secret again. The Plan has its ``summary`` (how many changes of each action), ``warnings``,
        ``hints``, and in ``refusal`` what stands against it, empty for nothing. Raises InvalidStage
        for what the platform itself says is wrong, Usage for a key that fits nothing.
        """
        choice = Choice.of(
            select=select,
            exclude=exclude,
            rerun=rerun,
            replace=replace,
            refresh_secrets=refresh_secrets,
        )
        return self.reviewed_plan(choice)[0]

    def reviewed_plan(self, choice: Choice) -> tuple[Plan, Refused | None]:
        """The same for a choice, and what stands against it as the error that apply would raise."""
        from cicd.automation.claims import tell_unclaimed
        from cicd.automation.ends import tell_ends
        from cicd.automation.lifecycle import with_lifecycle

        with self.opened():
            plan = with_lifecycle(self, self.make_plan(choice))
            warnings = (*plan.warnings, *tell_ends(self, plan))
            hints = (*plan.hints, *tell_unclaimed(self, plan))
            return self.guarded(replace(plan, warnings=warnings, hints=hints))

    def drift(
        self, on_event: Callable[[Notified], object] | None = None, choice: Choice = ALL
    ) -> tuple[Plan, Refused | None]:
        """The plan of the whole stage, or of a ``choice``, as a look for what somebody has changed:
        those whom the stage names are told, also that nobody could look. ``on_event`` hears of
        that."""
        from cicd.automation.notices import tell_difference

        with self.opened():
            came: Plan | CicdError
            refusal: Refused | None = None
            try:
                came, refusal = self.reviewed_plan(choice)
            except CicdError as error:
                came = error
            for event in tell_difference(self, came):
                if on_event:
                    on_event(event)
        if isinstance(came, CicdError):
            raise came
        return came, refusal

    def save(self, plan: Plan) -> bytes:
        """The plan as bytes for a file or a store: bound to stage file, variables, commit and what
        is live, without any secret. ``cicd plan --out`` writes the same."""
        return to_bytes(plan, self.mask)

    def apply(
        self,
        saved: Saveable | None = None,
        *,
        approve: Approve | None = None,
        on_event: OnEvent | None = None,
        select: Collection[str | Key] = (),
        exclude: Collection[str | Key] = (),
        rerun: Collection[str | Key] = (),
        replace: Collection[str | Key] = (),
        refresh_secrets: bool = False,
        wait: bool = True,
        over_limits: bool = False,
        other_stages: bool = False,
        lock_timeout: float = 0,
        workers: int = 10,
    ) -> Result:
        """Make the stage so, or just what ``saved`` says: a Plan, or what ``save`` gave.

        ``approve`` is asked with the plan before anything is changed; without it whoever calls has
        agreed. ``on_event`` is given every event (``cicd.automation.events``) as it comes, in this
        thread. ``select`` to ``refresh_secrets`` as for ``plan``; a saved plan brings its own.
        Without ``wait`` no run and no service is waited for. ``over_limits``: delete more than the
        limits allow; ``other_stages``: also change what another stage has made. ``lock_timeout``:
        seconds to wait for another apply of the stage. ``workers``: calls at once.

        The Result tells what became of each key; ``raise_for_failure`` raises what went wrong, also
        where it was refused: no consent, limits, protection, a lock, a saved plan that no longer
        fits. Raises what ``plan`` raises, and InvalidStage for bytes that are no plan.
        """
        return self.applying(
            saved,
            approve=approve,
            select=select,
            exclude=exclude,
            rerun=rerun,
            replace=replace,
            refresh_secrets=refresh_secrets,
            wait=wait,
            over_limits=over_limits,
            other_stages=other_stages,
            lock_timeout=lock_timeout,
            workers=workers,
        ).run(on_event)

    def applying(
        self,
        saved: Saveable | None = None,
        *,
        approve: Approve | None = None,
        select: Collection[str | Key] = (),
        exclude: Collection[str | Key] = (),
        rerun: Collection[str | Key] = (),
        replace: Collection[str | Key] = (),
        refresh_secrets: bool = False,
        wait: bool = True,
        over_limits: bool = False,
        other_stages: bool = False,
        lock_timeout: float = 0,
        workers: int = 10,
        measures: bool = False,
        presence: Presence | None = None,
    ) -> Operation:
        """The same as an iterator of events, which works while it is read. ``measures``: also tell
        what runs record while they go on. ``presence``: who does it, where that is not just this
        process. ``Operation.cancel`` ends it from any thread."""
        from cicd.automation.applying import apply
        from cicd.automation.notices import tell_apply
        from cicd.plan import Permissions

        choice = Choice.of(
            select=select,
            exclude=exclude,
            rerun=rerun,
            replace=replace,
            refresh_secrets=refresh_secrets,
        )
        agreed = self._saved(saved)
        if agreed and choice != ALL:
            raise Usage("a saved plan brings its own choice", hint="choose when you plan")
        permissions = Permissions(over_limits, other_stages)

        def work(operation: Operation) -> Work:
            return apply(operation, agreed, choice, wait=wait, permissions=permissions)

        settings = Settings(approve, lock_timeout, workers, measures, presence)
        return Operation(self, settings, work, tell_apply)

    def approve(
        self, *, reject: bool = False, reason: str = "", agree: Approve | None = None
    ) -> tuple[Plan, Approval | None]:
        """Approve what the stage waits with, or ``reject`` it, by the means that its file names:
        the plan of it, and the approval; None where nothing waits. ``agree`` is asked with the
        plan. Raises Usage for a stage that asks for no approval, Refused where it is given
        elsewhere, or by others."""
        from cicd.automation.approving import approve

        with self.opened():
            verdict: Verdict = "rejected" if reject else "approved"
            return approve(self, verdict, reason, agree or (lambda plan: True))

    def destroy(
        self,
        *,
        approve: Approve,
        on_event: OnEvent | None = None,
        other_stages: bool = False,
        lock_timeout: float = 0,
    ) -> Result:
        """Take down what the stage has put up. ``approve`` has to say yes to the plan of deletes;
        limits do not hold then, and what is protected is never deleted. Else as ``apply``."""
        operation = self.destroying(
            approve=approve, other_stages=other_stages, lock_timeout=lock_timeout
        )
        return operation.run(on_event)

    def destroying(
        self,
        *,
        approve: Approve | None,
        other_stages: bool = False,
        lock_timeout: float = 0,
        measures: bool = False,
    ) -> Operation:
        """The same as an iterator of events."""
        from cicd.automation.applying import destroy
        from cicd.plan import Permissions

        def work(operation: Operation) -> Work:
            return destroy(operation, permissions=Permissions(other_stages=other_stages))

        return Operation(self, Settings(approve, lock_timeout, measures=measures), work)

    def stop(
        self,
        *keys: str | Key,
        approve: Approve | None = None,
        on_event: OnEvent | None = None,
        wait: bool = True,
    ) -> Result:
        """Stop runs and services: ``execution/train``, ``train`` or globs. What has ended already
        is fine, and nothing is deleted. Raises Usage for a key that fits nothing."""
        return self.stopping(*keys, approve=approve, wait=wait).run(on_event)

    def stopping(
        self, *keys: str | Key, approve: Approve | None = None, wait: bool = True
    ) -> Operation:
        """The same as an iterator of events."""
        from cicd.automation.applying import stop

        return Operation(self, Settings(approve), lambda it: stop(it, texts(keys), wait=wait))

    def rollback(
        self,
        key: str | Key,
        *,
        to: str | None = None,
        approve: Approve | None = None,
        on_event: OnEvent | None = None,
        lock_timeout: float = 0,
    ) -> Result:
        """Give the service ``key`` the content ``to`` (its id, or its start), else the one
        that it had before. The stage file stays as it is: ``remarks`` of the Result say what the
        next apply makes of that. Raises Usage where there is no such service or content, CicdError
        where it is not deployed or has nothing to go back to."""
        operation = self.rolling_back(key, to=to, approve=approve, lock_timeout=lock_timeout)
        return operation.run(on_event)

    def rolling_back(
        self,
        key: str | Key,
        *,
        to: str | None = None,
        approve: Approve | None = None,
        lock_timeout: float = 0,
        measures: bool = False,
    ) -> Operation:
        """The same as an iterator of events."""
        from cicd.automation.rollback import go_back

        settings = Settings(approve, lock_timeout, measures=measures)
        return Operation(self, settings, lambda it: go_back(it, str(key), to))

    def versions(self, key: str | Key) -> list[dict[str, Any]]:
        """What the service ``key`` can go back to as plain data, newest first."""
        from cicd.automation.rollback import list_versions

        with self.opened():
            return list_versions(self, str(key))

    def history(self, *, limit: int = 20, sources: Sequence[Source] = ()) -> dict[str, Any]:
        """What was applied before as plain data, newest first, at most so many: the document that
        ``cicd history --output json`` writes. ``sources``: others who remember something."""
        from cicd.automation.past import document_of_past, read_past

        with self.opened():
            return document_of_past(self, read_past(self, limit, sources))

    def status(self) -> list[dict[str, Any]]:
        """What of the stage is there now: a row of plain data for each thing that can be up or
        down, as ``cicd status --output json`` writes it."""
        from cicd.automation.status import look

        with self.opened():
            return look(self)

    def logs(
        self,
        *keys: str | Key,
        follow: bool = False,
        since: str | None = None,
        runs: Sequence[str] = (),
    ) -> Iterator[tuple[Key, LogEntry]]:
        """The log lines of each key (``execution/train``, ``train~1`` for the run before, a glob,
        or the id of any run), without secrets, as they come.

        ``follow``: go on until every run has ended. ``since``: only of the last ``30m``, ``1h``,
        ``2d``. ``runs``: of these ids. Raises Usage for what is not there.
        """
        from cicd.automation.followed import chosen, read_lines
        from cicd.automation.runs import Runs

        if not keys and not runs:
            raise Usage("logs of what?", hint="say a key, a glob or an id")
        with self.opened():
            found = chosen(Runs(self), texts(keys), texts(runs))
            for key, entry in read_lines(self, found, since=since, follow=follow):
                yield key, replace(entry, text=self.mask.hide(entry.text))

    def metrics(self, key: str | Key) -> Track:
        """What a run has recorded: values with their history, tags and more. ``key``: as for
        ``logs``, one run."""
        from cicd.automation.metrics import read_track

        with self.opened():
            return read_track(self, str(key))

    def following_metrics(self, key: str | Key) -> Iterator[MetricPoint]:
        """Every value that a run records, as it comes, until it has ended."""
        from cicd.automation.metrics import find_run, new_points

        with self.opened():
            yield from new_points(self, find_run(self, str(key)).live)

    def compare(
        self, *keys: str | Key, last: int | None = None, metrics: Sequence[str] = ()
    ) -> Comparison:
        """Runs side by side: what differs in parameters and inputs, and metrics with the best of
        each. ``keys`` as for ``logs``; ``last``: so many runs of each, default 5 of a single key.
        ``metrics``: only these (globs)."""
        from cicd.automation.comparison import compare_keys

        with self.opened():
            return compare_keys(self, texts(keys), last, texts(metrics))

    def list(
        self,
        kind: str,
        *,
        key: str | None = None,
        name: str | None = None,
        statuses: Collection[str] = (),
        since: str | None = None,
        is_unmanaged: bool = False,
        limit: int = 50,
    ) -> list[dict[str, Any]]:
        """Everything of one kind as plain data, newest first, also what no stage names: that is
        ``unmanaged``. ``key`` and ``name`` are globs, ``statuses`` words of the platform or ours,
        ``since`` is ``7d``. Raises Usage for a kind that the platform does not have."""
        from cicd.automation.listing import Wanted, kind_named, list_kind

        wanted = Wanted(
            key=key,
            name=name,
            statuses=texts(statuses),
            since=since,
            is_unmanaged=is_unmanaged,
        )
        with self.opened():
            found = list_kind(self, kind_named(kind, self.platform.kinds), wanted, limit)
        return [dict(row) for row in found.rows]

    def explain(self, key: str | Key) -> dict[str, Any]:
        """Why something is as it is, as plain data: findings, the end of its log, what to look at
        next. ``key``: any key of the stage, or as for ``logs``."""
        from cicd.automation.explanation import examine

        with self.opened():
            return examine(self, str(key))

    def holder(self) -> Holder | None:
        """Who has the lock of the stage now; None for nobody."""
        from cicd.automation.lock import holder_of

        with self.opened():
            return holder_of(self)

    def unlock(self, holder: Holder) -> None:
        """Take the lock away from ``holder``, who was seen to have it. Raises Refused where
        somebody else has it by now."""
        from cicd.automation.lock import take_away

        with self.opened():
            take_away(self, holder)

    def _saved(self, saved: Saveable | None) -> Saved | None:
        if isinstance(saved, bytes | bytearray | memoryview):
            return Saved.read(bytes(saved))
        return Saved.of(saved, self.mask) if isinstance(saved, Plan) else saved
