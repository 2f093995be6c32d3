"""One change of a stage at a time: takes the lock for an operation and says who has it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from cicd.automation.events import Noted, Waiting
from cicd.automation.holder import Presence, is_gone, make_holder
from cicd.automation.session import Session
from cicd.errors import (
    Conflict,
    ConnectionFailed,
    Denied,
    LostAnswer,
    PlatformError,
    Refused,
    Throttled,
)
from cicd.model import Action, Holder, Plan

if TYPE_CHECKING:
    from cicd.apply.lease import Lease
    from cicd.platforms.base import Lock

UNABLE = frozenset({400, 403, 404, 405, 422, 501})
"""HTTP statuses of a platform that makes no lock for us: no group yet, no right, no room."""
PASSING = (Conflict, ConnectionFailed, LostAnswer, Throttled)
"""What says nothing of that, with whatever status it comes: the next try may be another's."""


def is_unable(error: PlatformError) -> bool:
    """Pure: whether no lock can be had at all. A login that fails is none of it, whereas one that
    lacks the right is: those alone come with 403."""
    if isinstance(error, PASSING) or (isinstance(error, Denied) and error.status != 403):
        return False
    return error.status in UNABLE


def stage_lock(session: Session) -> Lock | None:
    """The lock of a stage."""
    return session.platform.lock(session.stage.identity)


def has_place(session: Session) -> bool:
    """Whether what the lock would be kept in was there when the stage was last read; where nothing
    contains it, it is."""
    kinds = session.platform.kinds
    containers = {kind.name for kind in kinds.values() if kind.contains}
    return not containers or any(live.key.kind in containers for live in session.live)


def holder_of(session: Session) -> Holder | None:
    """Who has the lock of a stage; None for nobody, also where there is nothing to lock yet."""
    lock = stage_lock(session)
    try:
        return lock.look() if lock else None
    except PlatformError as error:
        if not is_unable(error):
            raise
        # The platform's refusal may only mean that the place of the lock is not there yet. That is
        # nothing to fail at; any other reason is.
        session.read(everything=True, review=False)
        if has_place(session):
            raise
        return None


def elapsed() -> float:
    """Seconds of the clock that locks go by: it never leaps, and counts the time asleep."""
    from cicd.apply.lease import elapsed

    return elapsed()


def open_lease(
    session: Session,
    command: str,
    sleep: Callable[[float], None],
    presence: Presence | None = None,
) -> Lease | None:
    """The lock of the stage as this process sees it; None where the platform has none."""
    from cicd.apply.lease import Lease

    lock = stage_lock(session)
    gate = session.platform.lock(f"{session.stage.identity}/gate")
    if not lock or not gate:
        return None
    me = make_holder(f"cicd {command} {session.stage.name}", session.environ)
    if presence is None:
        return Lease(lock, gate, me, is_gone, sleep=sleep)
    me = replace(me, run=presence.run, name=presence.name)
    knows = presence.is_gone
    return Lease(lock, gate, me, lambda other: is_gone(other) or knows(other), sleep=sleep)


class StageLock:
    """The lock of a stage during one operation. ``is_held``: whether we have it. ``timeout``: how
    many seconds to wait for somebody else who has it. ``stands``: what else says why nothing may be
    begun any more."""

    def __init__(
        self,
        session: Session,
        lease: Lease | None,
        timeout: float,
        stands: Callable[[], str] = lambda: "",
    ) -> None:
        self._session = session
        self._lease = lease
        self._timeout = timeout
        self._stands = stands
        self._unable = ""
        self._halted = ""
        self.is_held = False

    def take(self) -> Iterator[Waiting]:
        """Get it, or remember why there cannot be one; tells who is waited for. Raises Refused."""
        if not self._lease:
            return
        try:
            waiting = self._lease.waiting(self._timeout)
            while True:
                try:
                    yield Waiting(next(waiting), self._timeout)
                except StopIteration as end:
                    holder = end.value
                    break
        except PlatformError as error:
            if not is_unable(error):
                raise
            self._unable = str(error)
            return
        if holder:
            raise refusal(self._session, holder)
        self.is_held = True

    def warn(self) -> Iterator[Noted]:
        """Say that it goes on without, unless that is because there is nothing to lock yet."""
        if self._unable and not self.is_held and has_place(self._session):
            yield Noted(
                "the stage cannot be locked, so nothing keeps another apply away: " + self._unable
            )
            self._unable = ""

    def expect(self, plan: Plan) -> None:
        """Prepare for what the plan does to the lock itself: it goes with what contains it."""
        if self._lease:
            kinds = self._session.platform.kinds
            self._lease.may_vanish = any(
                kinds[change.key.kind].contains and change.action is Action.DELETE
                for change in plan.changes
            )

    def halt(self, reason: str) -> None:
        """Let nothing more be begun."""
        self._halted = reason

    def problem(self) -> str:
        """Why nothing may be begun any more; empty while all is well."""
        return self._halted or self._stands() or self.lost()

    def lost(self) -> str:
        """How the lock got lost; empty while it is ours, or never was."""
        problem = self._lease.problem() if self._lease and self.is_held else ""
        if not problem:
            return ""
        from cicd.words import printable

        return printable(problem)

    def give_back(self) -> str:
        """Let go of it, if it is or may be ours; what went wrong with that, empty for nothing."""
        try:
            if self._lease:
                self._lease.give_back()
        except PlatformError as error:
            if not is_unable(error):
                return f"the lock could not be given back, it expires: {error}"
        return ""


def refusal(session: Session, holder: Holder) -> Refused:
    """The error for a stage that somebody else has locked."""
    from cicd.render.lock import render_holder

    return Refused(
        f"{session.stage.name} is locked by {render_holder(holder)}",
        hint=f"wait with --lock-timeout 10m; {session.command('unlock')} if it is dead",
    )


def take_away(session: Session, holder: Holder) -> None:
    """Drop the lock if it is still that of ``holder``. Raises Refused where it is another's."""
    from cicd.render.lock import render_holder

    lock = stage_lock(session)
    now = lock.look() if lock else None
    if now and now.run != holder.run:
        told = f"{session.stage.name} has another lock now, by {render_holder(now)}"
        raise Refused(told, hint="look again")
    if lock:
        lock.drop()
