"""From ``sync`` of a stage file to what a controller may do with it."""

from __future__ import annotations

from cicd.config.formats import seconds
from cicd.config.sync_schema import Sync as SyncPart
from cicd.model import Retry, Sync, Window


def sync_of(part: SyncPart | None) -> Sync | None:
    """What it asks for, of a part without errors."""
    if part is None:
        return None
    windows = (Window(one.kind, one.cron, seconds(one.length), one.zone) for one in part.windows)
    again = part.retry
    return Sync(
        auto=part.auto,
        heal=part.heal,
        every=seconds(part.every) if part.every else None,
        windows=tuple(windows),
        suspended=bool(part.suspend),
        why=part.suspend if isinstance(part.suspend, str) else "",
        retry=Retry(again.limit, seconds(again.first), again.factor, seconds(again.most)),
    )
