"""One apply of a stage at a time: takes the lock, keeps it while it is needed, gives it back.

Taking it is one atomic call. A holder that died is cleared away under a second lock, the gate, by
one taker at a time, who looks again there: between a look and a drop somebody else may have been
quicker. Then all of them try once more, and one gets it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator
from contextlib import suppress

from cicd.errors import Conflict, ConnectionFailed, LostAnswer, PlatformError
from cicd.model import Holder
from cicd.platforms.base import Lock

SECONDS = 120.0
"""How long a lock is good for unless it is renewed."""
RENEWAL = 30.0
"""Seconds between renewals: three may fail before it ends."""
PAUSES = (0.2, 0.5, 1.0, 2.0, 3.0, 0.0)
"""Seconds until the next try where somebody has the lock and nobody is seen to have it: reads may
lag behind writes by some seconds."""
ROUNDS = 5
POLL = (0.5, 10.0)
"""Seconds between two tries while waiting for it: the first and the longest pause."""
CLOSING_SECONDS = 2.0
AWAKE_OR_NOT = getattr(time, "CLOCK_BOOTTIME", getattr(time, "CLOCK_MONOTONIC", None))
"""The clock that goes on while the machine sleeps: Linux has one of its own for that, macOS's does
so anyway, and Windows has neither but ``time.monotonic``, which does."""
NOBODY = Holder(run="", name="somebody who cannot be seen")


def elapsed() -> float:
    """Seconds of a clock that never leaps. It counts the time that the machine sleeps, in which a
    lock ends all the same and somebody else may take it."""
    return time.monotonic() if AWAKE_OR_NOT is None else time.clock_gettime(AWAKE_OR_NOT)


class Lease:
    """The lock of one stage in the eyes of one process. ``is_gone``: whether a holder is known to
    live no more, before its time is up."""

    def __init__(
        self,
        lock: Lock,
        gate: Lock,
        me: Holder,
        is_gone: Callable[[Holder], bool],
        *,
        renewal: float = RENEWAL,
        clock: Callable[[], float] = elapsed,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._lock = lock
        self._gate = gate
        self._me = me
        self._is_gone = is_gone
        self._renewal = renewal
        self._clock = clock
        self._sleep = sleep
        self._may_be_ours = False
        self._good_until = 0.0
        self._lost = ""
        self._ended = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name="cicd-lease", daemon=True)
        self.may_vanish = False
        """Whether what is being done takes the lock away too: nobody is to blame for that."""

    def take(self) -> Holder | None:
        """Try to get it: None when it is ours now, else who has it. Raises PlatformError."""
        blocker: Holder | None = None
        # Once a dead one is cleared away, everybody who waits tries at once and one gets it. The
        # bound is for the unlikely case that each winner dies too.
        for _ in range(ROUNDS):
            blocker = self._try_to_take(self._lock)
            if blocker is None:
                self._keeper.start()
                return None
            if not self._is_dead(blocker):
                return blocker
            self._clear(blocker)
        return blocker

    def waiting(self, seconds: float) -> Generator[Holder, None, Holder | None]:
        """Try until it is ours (None) or that time is over (who has it then); everybody who has to
        be waited for as it turns out."""
        deadline, pause, told = self._clock() + seconds, POLL[0], ""
        while blocker := self.take():
            left = deadline - self._clock()
            if left <= 0:
                return blocker
            if blocker.run != told:
                yield blocker
                told = blocker.run
            self._sleep(min(pause, left))
            pause = min(1.5 * pause, POLL[1])
        return None

    def problem(self) -> str:
        """Why nothing may be begun any more; empty while the lock is safely ours."""
        if self._lost or self.may_vanish or self._clock() < self._good_until:
            return self._lost
        return "the lock of the stage could not be renewed in time"

    def give_back(self) -> None:
        """Stop renewing it and let it go, if it is or may be ours. Raises PlatformError."""
        self._ended.set()
        if self._keeper.is_alive():
            self._keeper.join(CLOSING_SECONDS)
        if not self._may_be_ours:
            return
        # Dropping takes away whatever lock is there. Once ours may have expired it can be
        # another's.
        if self._clock() >= self._good_until:
            found = self._lock.look()
            if found is None or found.run != self._me.run:
                return
        self._lock.drop()
        self._may_be_ours = False

    def _try_to_take(self, lock: Lock) -> Holder | None:
        """None when ``lock`` is ours now, else who has it."""
        problem: PlatformError | None = None
        for pause in PAUSES:
            is_main, begun = lock is self._lock, self._clock()
            # From here on it may be ours without our knowing, when the answer is lost: then it has
            # to be given back in the end.
            self._may_be_ours |= is_main
            try:
                taken = lock.take(self._me, SECONDS)
            except PlatformError as error:
                is_open = _is_open(error)
                # who knows in what words another platform says that there is one
                problem, found = error, lock.look() if is_open or error.status == 400 else None
                if not found and not is_open:
                    self._may_be_ours &= not is_main
                    raise
                if found and found.run != self._me.run:
                    self._may_be_ours &= not is_main
                    return found
                if not found:
                    self._sleep(pause)
                    continue
                taken = found
            # Counted from before the request, because the platform counts from when it got it. So
            # we stop at the latest when it lets the next one in, and never after.
            if is_main:
                self._me, self._good_until = taken, begun + SECONDS
            return None
        if isinstance(problem, Conflict):
            return NOBODY
        assert problem
        raise problem

    def _is_dead(self, holder: Holder) -> bool:
        return holder.has_expired or self._is_gone(holder)

    def _clear(self, dead: Holder) -> None:
        """Drop the lock if it is still a dead holder's. Where another is at it, nothing."""
        # The gate makes look and drop one step: between the two of them nobody else can drop the
        # dead lock and take a new one, which our drop would then take away.
        other = self._try_to_take(self._gate)
        if other:
            # Whoever had the gate died between two requests. No third lock stands behind it: at
            # worst two clear the same dead lock away, which both of them have looked at again.
            if self._is_dead(other):
                self._gate.drop()
            self._sleep(PAUSES[0])
            return
        try:
            found = self._lock.look()
            if found and found.run == dead.run and self._is_dead(found):
                self._lock.drop()
        finally:
            self._gate.drop()

    def _keep(self) -> None:
        while not self._lost and not self._ended.wait(self._renewal):
            # a failure passes, or somebody else has the lock by then and the next look tells
            with suppress(PlatformError):
                self._renew()

    def _renew(self) -> None:
        begun = self._clock()
        found = self._lock.look()
        if found and found.run == self._me.run:
            self._lock.renew(self._me, SECONDS)
            self._good_until = begun + SECONDS
        elif not self.may_vanish:
            self._may_be_ours = False
            taker = f": {found.name} has it now" if found else " by somebody"
            self._lost = f"the lock of the stage was taken away{taker}"


def _is_open(error: PlatformError) -> bool:
    """Whether the lock may be had all the same: an answer that is lost or spoilt, or somebody who
    may have given it back by now."""
    spoilt = isinstance(error, ConnectionFailed) and error.status // 100 == 2
    return isinstance(error, (Conflict, LostAnswer)) or spoilt
