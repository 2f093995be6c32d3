"""Which configurations of deployments failed their test, remembered where the stage deploys to."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence

from cicd.automation.redaction import without_secrets
from cicd.automation.session import Session
from cicd.model import Action, Change, Outcome, Plan, Ref, Result

NAME = "failed"
MOST = 12
"""Configurations that are remembered, the latest."""
LONGEST = 100
"""Characters of a reason: together they fit into what a platform keeps."""
TRIED = frozenset({Result.FAILED, Result.TIMED_OUT})
CHANGED = frozenset({Action.UPDATE, Action.REPLACE})


def failed_tests(session: Session) -> dict[str, str]:
    """Id of a configuration -> why it did not pass, as far as that is remembered."""
    try:
        found = json.loads(session.platform.recall(NAME) or "{}")
    except (ValueError, RecursionError):
        return {}
    return {str(id): str(why) for id, why in found.items()} if isinstance(found, dict) else {}


def remember_tests(session: Session, plan: Plan, outcomes: Sequence[Outcome]) -> None:
    """Remember which configurations failed now, and forget those that have passed since. Asks and
    writes only where a deployment failed or was changed."""
    tried = dict(_tried(plan, outcomes))
    if not tried:
        return
    known = failed_tests(session)
    after = {id: why for id, why in known.items() if id not in tried}
    after |= {id: why for id, why in tried.items() if why}
    if after != known:
        latest = dict(list(after.items())[-MOST:])
        session.platform.remember(NAME, json.dumps(latest, separators=(",", ":")))


def _tried(plan: Plan, outcomes: Sequence[Outcome]) -> list[tuple[str, str]]:
    """Configuration and why it failed, empty where it passed."""
    ended = {outcome.key: outcome for outcome in outcomes}
    ids = {str(outcome.key): outcome.id for outcome in outcomes}
    found = []
    for change in plan.changes:
        outcome = ended.get(change.key)
        configuration = _configuration(change, ids)
        if change.key.kind != "deployment" or outcome is None or not configuration:
            continue
        if outcome.result in TRIED and outcome.id:
            why = without_secrets(outcome.error, os.environ)[:LONGEST]
            found.append((configuration, why or "failed"))
        elif outcome.result is Result.APPLIED and change.action in CHANGED:
            found.append((configuration, ""))
    return found


def _configuration(change: Change, ids: Mapping[str, str]) -> str:
    """The id of the configuration that a deployment was given, also one that was made just now."""
    wish = change.desired.spec.get("configuration") if change.desired else None
    return ids.get(str(wish.key), "") if isinstance(wish, Ref) else str(wish or "")
