"""The last applies of a stage, written down where it deploys to.

Things of a platform tell when they were made and of which commit, and nothing of who did it, for
how long, and who agreed. That is kept for stages that ask for somebody's approval or tell people.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from cicd.automation.holder import make_holder
from cicd.automation.result import Result
from cicd.automation.session import Session
from cicd.errors import PlatformError
from cicd.model import Action, Applied, Made, Stage
from cicd.model import Result as Ending

NAME = "history"
SOURCE = "ledger"
LONGEST = 1900
"""Characters that any platform keeps."""
MOST_KEYS = 6
MOST_SECONDS = 1e9
_ACTIONS = {Action.CREATE: "new", Action.RUN: "run"}


def is_kept(stage: Stage) -> bool:
    """Whether the applies of a stage are written down."""
    return bool(stage.notify or stage.lifecycle)


def write_down(session: Session, result: Result, began: str, seconds: float) -> None:
    """Keep what an apply has come to, where it has changed or tried something."""
    plan = result.plan
    if not is_kept(session.stage) or plan is None or not plan.has_changes:
        return
    holder = make_holder("apply", session.environ)
    approval = result.lifecycle.approval if result.lifecycle else None
    kinds = session.platform.kinds
    changed = [one for one in result.outcomes if one.action is not Action.NO_OP]
    # content is seen by what runs it
    shown = [one for one in changed if kinds[one.key.kind].role != "content"] or changed
    keys = [
        [str(one.key), _ACTIONS.get(one.action, one.action.value), one.result.value]
        for one in shown
    ]
    entry = {
        "at": began,
        "s": round(seconds),
        "c": plan.commit[:40],
        "by": session.hide(holder.name)[:60],
        "r": _word(result),
        "k": keys[:MOST_KEYS],
        "a": session.hide(approval.by)[:60] if approval and approval.is_given else "",
        "l": session.hide(holder.link)[:150],
    }
    _keep(session, [entry, *_entries(session)])


def applies(session: Session) -> list[Applied]:
    """What was written down, the newest first."""
    return [found for entry in _entries(session) if (found := _applied(entry))]


def _keep(session: Session, entries: list[Any]) -> None:
    def text() -> str:
        return json.dumps(entries, separators=(",", ":"), ensure_ascii=True)

    while len(entries) > 1 and len(text()) > LONGEST:
        entries.pop()
    try:
        session.platform.remember(NAME, text())
    except PlatformError:
        return


def _entries(session: Session) -> list[Any]:
    try:
        found = json.loads(session.platform.recall(NAME) or "[]")
    except (PlatformError, ValueError, RecursionError):
        return []
    return found if isinstance(found, list) else []


def _applied(entry: Any) -> Applied | None:
    """One apply; None of what nobody can read: anybody with access may write there."""
    try:
        at, commit, took = str(entry["at"]), str(entry["c"]), float(entry["s"])
        datetime.fromisoformat(at).astimezone(UTC)
        if not 0 <= took <= MOST_SECONDS:  # nor what is no number
            return None
        return Applied(
            at=at,
            commit=commit,
            by=str(entry["by"]),
            approved_by=str(entry["a"]),
            result=str(entry["r"]),
            seconds=took,
            link=str(entry["l"]),
            made=tuple(_made(entry["k"], at, commit)),
            sources=(SOURCE,),
        )
    except (KeyError, TypeError, ValueError, IndexError, OverflowError):
        return None


def _made(keys: Iterable[Any], at: str, commit: str) -> Iterable[Made]:
    for key, what, result in keys:
        is_bad = str(result) in {Ending.FAILED, Ending.TIMED_OUT}
        yield Made(str(key), str(what), status=str(result), at=at, commit=commit, is_bad=is_bad)


def _word(result: Result) -> str:
    if result.is_cancelled:
        return "interrupted"
    endings = {one.result for one in result.outcomes}
    if Ending.FAILED in endings or Ending.TIMED_OUT in endings:
        return "failed"
    return "held" if Ending.HELD in endings else "applied"
