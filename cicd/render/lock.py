"""Who has the lock of a stage, in one line for people."""

from __future__ import annotations

from cicd.model import Holder
from cicd.words import printable


def render_holder(holder: Holder) -> str:
    """``ada@laptop (cicd apply dev) since 2026-01-31T12:00:00Z, until …: https://ci/run/1``.

    Whoever made the lock wrote all of it, so nothing in it may move the cursor.
    """
    command = f" ({holder.command})" if holder.command else ""
    since = f" since {holder.since}" if holder.since else ""
    link = f": {holder.link}" if holder.link else ""
    return printable(f"{holder.name or 'somebody'}{command}{since}{_end(holder)}{link}")


def _end(holder: Holder) -> str:
    if not holder.until:
        return ""
    return f", expired {holder.until}" if holder.has_expired else f", until {holder.until}"
