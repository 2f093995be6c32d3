"""Whether an approval is of what is to be deployed now, and what changed since where it is not.
Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from cicd.lifecycle.approvals import Request
from cicd.model import Approval, ApprovalState

DIGITS = 10
"""How many digits of a part's digest are kept: enough to see that it changed."""
SHOWN = 12
"""How many digits of a fingerprint people are shown."""


def judged(approval: Approval, request: Request) -> tuple[Approval, tuple[str, ...]]:
    """The approval as it counts for this request, and what changed since it was given."""
    if approval.state in {ApprovalState.NONE, ApprovalState.PENDING}:
        return approval, ()
    moved = (
        *moved_parts(approval.parts, request.parts),
        *moved_runs(approval.made, request.made),
    )
    is_other = approval.fingerprint not in {"", request.fingerprint}
    if is_other or moved_runs(approval.made, request.made):
        approval = replace(approval, state=ApprovalState.STALE)
    return approval, moved if approval.state is ApprovalState.STALE else ()


def shortened(parts: Mapping[str, str]) -> dict[str, str]:
    """Parts as they are kept with an approval."""
    return {name: digest[:DIGITS] for name, digest in sorted(parts.items())}


def moved_parts(before: Mapping[str, str], now: Mapping[str, str]) -> tuple[str, ...]:
    """What changed between two reviews, by key and field; nothing where nobody kept the first."""
    if not before:
        return ()
    found = []
    for name in sorted(before.keys() | now.keys()):
        was, is_now = before.get(name, "")[:DIGITS], now.get(name, "")[:DIGITS]
        if was != is_now:
            key, _, path = name.partition(" ")
            word = "changed" if was and is_now else "is new" if is_now else "is gone"
            found.append(f"{key}: {path} {word}" if path else f"{key} {word}")
    return tuple(found)


def moved_runs(before: Mapping[str, str], now: Mapping[str, str]) -> tuple[str, ...]:
    """Runs that ran again since: what they made is another model, which nobody has approved. A run
    that has not come to its end yet is none of them."""
    return tuple(
        f"{key} was {before[key]}, is now {now[key]}"
        for key in sorted(before.keys() & now.keys())
        if before[key] != now[key]
    )
