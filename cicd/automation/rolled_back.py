"""Which services were rolled back, remembered where the stage deploys to: what a later plan
would undo."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from cicd.model import Change, Plan

if TYPE_CHECKING:
    from cicd.platforms.base import Platform

NAME = "rolled-back"
MOST = 12
"""Services that are remembered, the latest: they fit into what a platform keeps."""


def remember_rollback(platform: Platform, change: Change, taken: str) -> None:
    """Remember that a service has gone back to the content ``taken``."""
    from cicd.plan.history import version_field

    field = version_field(change, platform.kinds)
    left = str(change.live.spec.get(field) or "") if change.live else ""
    known = {key: pair for key, pair in rollbacks(platform).items() if key != str(change.key)}
    latest = dict(list({**known, str(change.key): (left, taken)}.items())[-MOST:])
    platform.remember(NAME, json.dumps(latest, separators=(",", ":")))


def rollbacks(platform: Platform) -> dict[str, tuple[str, str]]:
    """Key -> the content that was left, and the one that was gone back to."""
    try:
        found = json.loads(platform.recall(NAME) or "{}")
    except (ValueError, RecursionError):
        return {}
    entries = found.items() if isinstance(found, dict) else ()
    return {
        str(key): (str(pair[0]), str(pair[1]))
        for key, pair in entries
        if isinstance(pair, list) and len(pair) == 2
    }


def tell_rollbacks(platform: Platform, plan: Plan) -> Plan:
    """The plan, which says where it would undo a rollback. Asks only where it may."""
    from cicd.plan.history import takes_back, tell_undone

    may = any(
        platform.kinds[c.key.kind].role == "service" and takes_back(c, platform.kinds)
        for c in plan.changes
    )
    return tell_undone(plan, rollbacks(platform), platform.kinds) if may else plan
