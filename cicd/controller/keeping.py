"""One look at one stage: facts, the decision, and what is done about it."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from cicd.controller.acting import Acted, Actor
from cicd.controller.claims import Claim, Claims
from cicd.controller.deciding import Decision, Facts, StageState, Step, decide
from cicd.controller.looking import Looker, View
from cicd.controller.recording import Records
from cicd.controller.retries import PROBE, is_looping, pause
from cicd.controller.windows import is_open, opens_at
from cicd.model import Sync

Row = Mapping[str, Any]
NOTHING = View()


@dataclass(frozen=True)
class Told:
    """What has become of a stage, for whoever watches the controller."""

    stage: str
    state: str
    reason: str
    did: str = ""


@dataclass(frozen=True)
class Seen:
    """The newest commit and the one that was applied last against what is live."""

    facts: Facts
    head: View
    applied: View


class Keeper:
    """Keeps stages of one branch. ``every``: seconds between two looks where the stage file says
    nothing. ``clock``: seconds since 1970."""

    def __init__(
        self,
        looker: Looker,
        claims: Claims,
        records: Records,
        actor: Actor,
        every: float,
        clock: Callable[[], float],
    ) -> None:
        self._looker = looker
        self._claims = claims
        self._records = records
        self._actor = actor
        self._every = every
        self._clock = clock

    def keep(self, claim: Claim, head: str, no_repository: str) -> Told | None:
        """Look at a stage, do what is to be done, and give it back; None where another replica has
        it by now. ``head``: the newest commit. Raises Lost."""
        if claim.was_left:
            self._records.interrupt(claim)
        row = self._records.row(claim)
        seen = self._see(claim, row, head, no_repository)
        decision = decide(seen.facts)
        values = self._found(row, seen, decision)
        if decision.step not in {Step.UPGRADE, Step.HEAL}:
            return self._give_back(claim, row, values, self._pause(row, seen, decision))
        goes_on = _as(row, StageState.PROGRESSING, decision.reason, self._now)
        self._claims.write(claim, **values | goes_on)
        is_heal = decision.step is Step.HEAL
        commit = row["applied"] if is_heal else head
        view = seen.applied if is_heal else seen.head
        with self._looker.session(commit, row["path"]) as session:
            acted = self._actor.act(claim, session, decision.step, view, commit, row["applied"])
        values |= self._after(row, seen, decision, acted, commit)
        # looked at again at once: how it is now is seen, not assumed
        pause = self._pause(row, seen, decision) if acted.ending == "held" else 0.0
        return self._give_back(claim, row, values, pause, f"{decision.step} {acted.ending}")

    @property
    def _now(self) -> int:
        return round(self._clock() * 1000)

    def _see(self, claim: Claim, row: Row, head: str, no_repository: str) -> Seen:
        path, applied = row["path"], row["applied"]
        newest = self._looker.look(head, path) if head else NOTHING
        last = newest
        if applied != head:
            is_here = bool(applied) and self._looker.mirror.has(applied)
            last = self._looker.look(applied, path) if is_here else NOTHING
        sync, now = newest.sync or last.sync or Sync(), self._clock()
        moment = datetime.fromtimestamp(now, UTC)
        opens = opens_at(sync.windows, moment) if sync.windows else moment
        fields = last.corrections
        facts = Facts(
            sync=sync,
            head=head,
            applied=applied,
            tried=row["tried"],
            held=row["held"],
            problem=newest.problem,
            unreachable=newest.unreachable or last.unreachable,
            no_repository=no_repository,
            wanted=newest.wanted,
            drift=len(fields),
            refusal=newest.refusal,
            approval=newest.approval,
            is_open=is_open(sync.windows, moment),
            opens_in=(opens - moment).total_seconds() if opens else None,
            tries=row["tries"],
            next_try=row["next_try"] / 1000,
            error=row["error"],
            now=now,
            is_looping=bool(fields) and is_looping(self._records.healed(claim, now), fields, now),
        )
        return Seen(facts, newest, last)

    def _found(self, row: Row, seen: Seen, decision: Decision) -> dict[str, Any]:
        facts, view = seen.facts, seen.head if seen.head.name else seen.applied
        known = {"name": view.name, "platform": view.platform} if view.name else {}
        values = {
            **known,
            **_as(row, decision.state, decision.reason, self._now),
            "head": facts.head or row["head"],
            "wanted": facts.wanted,
            "drift": facts.drift,
        }
        if decision.state is StageState.UNKNOWN and facts.unreachable:
            return {**values, "tries": row["tries"] + 1}
        if row["state"] == StageState.UNKNOWN:
            values["tries"] = 0
        # a newer commit that changes nothing is the one that is applied, or healing would go on
        # with an older one
        is_news = facts.head and facts.head != facts.applied and not facts.wanted
        if is_news and seen.head.plan and not seen.head.refusal:
            self._looker.mirror.keep(str(row["id"]), facts.head)
            values["applied"] = facts.head
        return values

    def _after(
        self, row: Row, seen: Seen, decision: Decision, acted: Acted, commit: str
    ) -> dict[str, Any]:
        if acted.ending == "done":
            self._looker.mirror.keep(str(row["id"]), commit)
            return {"applied": commit, "tries": 0, "next_try": 0, "error": "", "tried": ""}
        if acted.ending == "held":
            return _as(row, StageState.WAITING, acted.error, self._now)
        if acted.ending == "interrupted":
            return {}
        tries, retry = row["tries"] + 1, seen.facts.sync.retry
        is_upgrade = decision.step is Step.UPGRADE
        if is_upgrade and (acted.ending == "failed" or tries > retry.limit):
            return {"tried": commit, "tries": 0, "next_try": 0, "error": acted.error}
        later = self._now + round(pause(retry, tries, random.random()) * 1000)  # noqa: S311
        return {"tries": tries, "next_try": later, "error": acted.error}

    def _pause(self, row: Row, seen: Seen, decision: Decision) -> float:
        chance = random.random()  # noqa: S311 - no secret is made of it
        if decision.step is Step.PROBE:
            return pause(PROBE, row["tries"] + 1, chance)
        every = seen.facts.sync.every or self._every
        waits = seen.facts.next_try - seen.facts.now if row["tries"] else 0.0
        bounds = [wait for wait in (waits, seen.facts.opens_in or 0.0) if wait > 0]
        return min([pause(replace(PROBE, first=every, most=every), 1, chance), *bounds])

    def _give_back(
        self, claim: Claim, row: Row, values: dict[str, Any], pause: float, did: str = ""
    ) -> Told | None:
        if not self._claims.give_back(claim, pause, **values):
            return None
        name = values.get("name") or row["name"] or row["path"]
        return Told(name, values["state"], values["reason"], did)


def _as(row: Row, state: StageState, reason: str, now: int) -> dict[str, Any]:
    """State and reason; since when it is so."""
    since = row["since"] if row["state"] == state and row["since"] else now
    return {"state": state.value, "reason": reason, "since": since}
