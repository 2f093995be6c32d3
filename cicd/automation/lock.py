"""One change of a stage at a time: takes the lock around a command and says who has it."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from cicd.automation.holder import is_gone, make_holder
from cicd.automation.session import Session
from cicd.cli import periods
from cicd.cli.console import INTERRUPTED, EventLog, leave_at_once
from cicd.errors import PlatformError, Refused
from cicd.model import Action, Holder, Plan

if TYPE_CHECKING:
    from cicd.apply.lease import Lease
    from cicd.platforms.base import Lock

UNABLE = frozenset({400, 403, 404, 405, 422, 501})
"""HTTP statuses of a platform that makes no lock for us: no group yet, no right, no room."""


def _seconds(ctx: click.Context, param: click.Parameter, text: str) -> int:
    return periods.seconds(text, "--lock-timeout")


def lock_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--lock-timeout``; the command gets it as ``lock_timeout``, in seconds."""
    return click.option(
        "--lock-timeout",
        default="0s",
        show_default=True,
        metavar="TIME",
        callback=_seconds,
        help="How long to wait for another apply of this stage: 90s, 10m, 1h.",
    )(command)


def stage_lock(session: Session) -> Lock | None:
    """The lock of a stage."""
    return session.platform.lock(session.stage.identity)


@contextmanager
def locked(session: Session, command: str, timeout: float) -> Iterator[StageLock]:
    """Hold the stage's lock, as far as there can be one yet; gives it back, also when interrupted
    or terminated. Raises Refused when somebody else has it for longer than ``timeout`` seconds."""
    log = EventLog(session.common)
    lease = open_lease(session, command)
    with terminable():
        try:
            lock = StageLock(session, lease, timeout, log)
            lock.take()
            yield lock
            if lost := lock.lost():
                log.write(f"warning: somebody else may have changed the stage too: {lost}")
        finally:
            try:
                if lease:
                    lease.give_back()
            except PlatformError as error:
                if error.status not in UNABLE:
                    log.write(f"warning: the lock could not be given back, it expires: {error}")


def open_lease(session: Session, command: str) -> Lease | None:
    """The lock of the stage as this process sees it; None where the platform has none."""
    from cicd.apply.lease import Lease

    lock = stage_lock(session)
    gate = session.platform.lock(f"{session.stage.identity}/gate")
    if not lock or not gate:
        return None
    me = make_holder(f"cicd {command} {session.stage.name}", os.environ)
    return Lease(lock, gate, me, is_gone)


class StageLock:
    """The lock of a stage during one command. ``is_held``: whether we have it."""

    def __init__(
        self, session: Session, lease: Lease | None, timeout: float, log: EventLog
    ) -> None:
        self._session = session
        self._lease = lease
        self._timeout = timeout
        self._log = log
        self._unable = ""
        self._halted = ""
        self.is_held = False

    def take(self) -> None:
        """Get it, or remember why there cannot be one. Raises Refused."""
        if not self._lease:
            return
        try:
            holder = self._lease.wait(self._timeout, self._say)
        except PlatformError as error:
            if error.status not in UNABLE:
                raise
            self._unable = str(error)
            return
        if holder:
            raise refusal(self._session, holder)
        self.is_held = True

    def warn(self) -> None:
        """Say that it goes on without, unless that is because there is nothing to lock yet."""
        if self._unable and not self.is_held and self._has_place():
            self._log.write(
                "warning: the stage cannot be locked, so nothing keeps another apply away: "
                + self._unable
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

    def _has_place(self) -> bool:
        """Whether what the lock would be kept in is there; where nothing contains it, it is."""
        kinds = self._session.platform.kinds
        containers = {kind.name for kind in kinds.values() if kind.contains}
        return not containers or any(live.key.kind in containers for live in self._session.live)

    def halt(self, reason: str) -> None:
        """Let nothing more be begun."""
        self._halted = reason

    def problem(self) -> str:
        """Why nothing may be begun any more; empty while all is well."""
        return self._halted or self.lost()

    def lost(self) -> str:
        """How the lock got lost; empty while it is ours, or never was."""
        problem = self._lease.problem() if self._lease and self.is_held else ""
        if not problem:
            return ""
        from cicd.render.printable import printable

        return printable(problem)

    def _say(self, holder: Holder) -> None:
        from cicd.render.lock import render_holder

        self._log.write(f"waiting up to {self._timeout:g} s for the lock: {render_holder(holder)}")


def refusal(session: Session, holder: Holder) -> Refused:
    """The error for a stage that somebody else has locked."""
    from cicd.render.lock import render_holder

    return Refused(
        f"{session.stage.name} is locked by {render_holder(holder)}",
        hint=f"wait with --lock-timeout 10m; {session.command('unlock')} if it is dead",
    )


@contextmanager
def terminable() -> Iterator[None]:
    """SIGTERM ends the block as Ctrl-C does, so that what is held is given back. The next of either
    ends the process, also when the block is over and a thread still waits for an answer."""
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def interrupt(*_: object) -> None:
        for number in before:
            signal.signal(number, lambda *_: leave_at_once(INTERRUPTED))
        raise KeyboardInterrupt

    for number in before:
        signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            if signal.getsignal(number) is interrupt:
                signal.signal(number, handler)
