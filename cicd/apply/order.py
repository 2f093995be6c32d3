"""Pure: which change waits for which, on the way up and on the way down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cicd.apply.resolve import refs
from cicd.model import Action, Change, Key, Plan

Needs = Mapping[int, set[int]]
"""Position in the plan -> positions that have to be done before."""


def has_checks(plan: Plan) -> bool:
    """Whether applying this plan does anything at all: changes something, or tests something."""
    return plan.has_changes or any(map(is_check, plan.changes))


def is_check(change: Change) -> bool:
    """Whether it stays and has a test, or made what is wanted here: whether it ever passed that
    test, and whether that ever came, is remembered nowhere."""
    if change.action is not Action.NO_OP or change.live is None or change.desired is None:
        return False
    return change.desired.options.smoke_test is not None or bool(change.desired.options.fetch)


def needs_of(changes: Sequence[Change]) -> Needs:
    """What every change that brings something up waits for, as far as the plan changes it too.

    Unchanged things pass on what they need: a run waits for the sync of its templates also when
    the content between the two stays. One with a test is waited for too, and itself waits
    for nothing: whatever comes of the changes before it, it is there.
    """
    rising = {
        change.key: position
        for position, change in enumerate(changes)
        if change.action is not Action.DELETE
    }
    direct = {
        position: {rising[key] for key in _keys_needed(changes[position]) & rising.keys()}
        for position in rising.values()
    }
    kept = {n for n in direct if changes[n].action is Action.NO_OP}
    checks = {n for n in kept if is_check(changes[n])}
    needs = {n: _through(kept, checks, direct, n) - {n} for n in direct.keys() - kept}
    return {**needs, **{n: set() for n in checks}}


def _through(kept: set[int], checks: set[int], direct: Needs, position: int) -> set[int]:
    """The nearest needs that change something, and the checks on the way to them."""
    found: set[int] = set()
    seen: set[int] = set()
    waiting = set(direct[position])
    while waiting:
        seen |= waiting
        found |= waiting - (kept - checks)
        waiting = {far for near in waiting & kept for far in direct[near]} - seen
    return found


def _keys_needed(change: Change) -> set[Key]:
    return set(change.depends_on) | {
        ref.key for ref in refs(change.desired.spec if change.desired else {})
    }


def dependents(needs: Needs, position: int) -> set[int]:
    """Everything that waits for this change, directly or not."""
    found: set[int] = set()
    reached = {position}
    while reached:
        reached = {n for n, needed in needs.items() if needed & reached} - found
        found |= reached
    return found


def removal_needs(changes: Sequence[Change], order: Sequence[int]) -> Needs:
    """What every removal waits for: of two that belong together, the one first in ``order``.

    ``order`` has dependents first, so the direction in which the plan notes it does not matter.
    """
    place = {position: number for number, position in enumerate(order)}
    by_key: dict[Key, list[int]] = {}
    for position in order:
        by_key.setdefault(changes[position].key, []).append(position)
    needs: dict[int, set[int]] = {position: set() for position in order}
    for position in order:
        for key in changes[position].depends_on:
            for other in by_key.get(key, ()):
                first, second = sorted((position, other), key=place.__getitem__)
                if first != second:
                    needs[second].add(first)
    return needs
