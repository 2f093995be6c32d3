"""Which contents of services failed their test, remembered where the stage deploys to."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from cicd.automation.session import Session
from cicd.model import Action, Change, Outcome, Plan, Ref, Result

NAME = "failed"
MOST = 12
"""Contents that are remembered, the latest."""
LONGEST = 100
"""Characters of a reason: together they fit into what a platform keeps."""
TRIED = frozenset({Result.FAILED, Result.TIMED_OUT})
CHANGED = frozenset({Action.UPDATE, Action.REPLACE})


def failed_tests(session: Session) -> dict[str, str]:
    """Id of a content -> why it did not pass, as far as that is remembered."""
    try:
        found = json.loads(session.platform.recall(NAME) or "{}")
    except (ValueError, RecursionError):
        return {}
    return {str(id): str(why) for id, why in found.items()} if isinstance(found, dict) else {}


def remember_tests(session: Session, plan: Plan, outcomes: Sequence[Outcome]) -> None:
    """Remember which contents failed now, and forget those that have passed since. Asks and
    writes only where a service failed or was changed."""
    tried = dict(_tried(session, plan, outcomes))
    if not tried:
        return
    known = failed_tests(session)
    after = {id: why for id, why in known.items() if id not in tried}
    after |= {id: why for id, why in tried.items() if why}
    if after != known:
        # A platform keeps a short text at most, and what failed long ago is no longer what anybody
        # goes back to.
        latest = dict(list(after.items())[-MOST:])
        session.platform.remember(NAME, json.dumps(latest, separators=(",", ":")))


def _tried(session: Session, plan: Plan, outcomes: Sequence[Outcome]) -> list[tuple[str, str]]:
    """Content of a service and why it failed, empty where it passed."""
    from cicd.plan.history import version_field

    kinds = session.platform.kinds
    ended = {outcome.key: outcome for outcome in outcomes}
    ids = {str(outcome.key): outcome.id for outcome in outcomes}
    found = []
    for change in plan.changes:
        outcome = ended.get(change.key)
        content = _content(change, version_field(change, kinds), ids)
        if outcome is None or not content or not kinds[change.key.kind].is_service:
            continue
        if outcome.result in TRIED and outcome.id:
            why = session.hide(outcome.error)[:LONGEST]
            found.append((content, why or "failed"))
        elif outcome.result is Result.APPLIED and change.action in CHANGED:
            found.append((content, ""))
    return found


def _content(change: Change, field: str, ids: Mapping[str, str]) -> str:
    """The id of the content that a service was given, also one that was made just now."""
    wish = change.desired.spec.get(field) if change.desired else None
    return ids.get(str(wish.key), "") if isinstance(wish, Ref) else str(wish or "")
