"""Who works on which stage: a claim holds for a while and is renewed, and each has a number, the
fence, that is higher than that of all claims before it. What a replica writes holds its fence
against the row's, so one that was thought dead and wakes again writes nothing."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import or_, select, update

from cicd.automation.lock import elapsed
from cicd.controller.database import Database
from cicd.controller.tables import ENTRY, STAGE

LEASE_SECONDS, BEAT_SECONDS = 30.0, 10.0


@dataclass(frozen=True)
class Claim:
    """A stage that this replica, ``holder``, works on. ``was_left``: whoever had it before did not
    give it back."""

    stage: int
    fence: int
    holder: str
    was_left: bool = False

    @property
    def run(self) -> str:
        """What a platform's lock knows it by."""
        return f"{self.holder}/{self.stage}/{self.fence}"


class Claims:
    """``holder``: this replica, unlike all others. ``lease``: seconds that a claim holds."""

    def __init__(self, database: Database, holder: str, lease: float = LEASE_SECONDS) -> None:
        self._database = database
        self.holder = holder
        self._lease = round(lease * 1000)
        self._good: dict[Claim, float] = {}
        """Until when each is surely ours, by the clock that never leaps."""

    def take(self, among: Collection[int] | None = None) -> Claim | None:
        """A stage that is due and nobody works on, of those with these numbers; None where there
        is none."""
        row, now = STAGE.c, self._database.now
        free = or_(row.holder.is_(None), row.lease_until < now)
        due = (
            select(row.id, row.holder)
            .where(row.due_at <= now, free, *([] if among is None else [row.id.in_(among)]))
            .order_by(row.due_at, row.id)
            .limit(1)
            .with_for_update(skip_locked=True)  # left out for SQLite, where one writes at a time
        )
        begun = elapsed()
        with self._database.begin() as connection:
            found = connection.execute(due).first()
            if found is None:
                return None
            taken = (
                update(STAGE)
                .where(row.id == found.id)
                .values(holder=self.holder, lease_until=now + self._lease, fence=row.fence + 1)
                .returning(row.fence)
            )
            fence = connection.execute(taken).scalar_one()
        claim = Claim(found.id, fence, self.holder, found.holder is not None)
        self._good[claim] = begun + self._lease / 1000
        return claim

    def renew(self, claim: Claim) -> bool:
        """Hold it for longer; False where it is another's by now."""
        begun = elapsed()
        is_ours = self._write(claim, lease_until=self._database.now + self._lease)
        if is_ours:
            self._good[claim] = begun + self._lease / 1000
        else:
            self._good.pop(claim, None)
        return is_ours

    def problem(self, claim: Claim) -> str:
        """Why nothing may be begun under a claim any more; empty while it is surely ours: whoever
        was frozen for longer than it holds finds out before anything is sent."""
        if elapsed() < self._good.get(claim, 0.0):
            return ""
        return "another replica may have the stage by now"

    def is_over(self, run: str) -> bool:
        """Whether that was a claim (``Claim.run``) on a stage of this database which another one
        has followed; False for what nobody here knows."""
        match = re.fullmatch(r"(.+)/(\d{1,18})/(\d{1,18})", run)
        if not match:
            return False
        begun = (
            select(STAGE.c.fence)
            .join(ENTRY)
            .where(
                STAGE.c.id == int(match[2]),
                ENTRY.c.replica == match[1],
                ENTRY.c.fence == int(match[3]),
            )
        )
        with self._database.begin() as connection:
            fence = connection.scalar(begun.limit(1))
        return fence is not None and fence > int(match[3])

    def give_back(self, claim: Claim, pause: float, **values: Any) -> bool:
        """Write what was found and let it go: it is due again after so many seconds. False where it
        is another's by now, and nothing was written."""
        due = self._database.now + round(pause * 1000)
        self._good.pop(claim, None)
        return self._write(claim, holder=None, lease_until=None, due_at=due, **values)

    def write(self, claim: Claim, **values: Any) -> bool:
        """Write what was found and go on; False as above."""
        return self._write(claim, **values)

    def _write(self, claim: Claim, **values: Any) -> bool:
        row = STAGE.c
        is_ours = (row.id == claim.stage) & (row.fence == claim.fence)
        is_ours &= row.holder == claim.holder  # not given back yet
        with self._database.begin() as connection:
            done = connection.execute(update(STAGE).where(is_ours).values(**values))
        return done.rowcount == 1
