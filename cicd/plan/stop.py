"""The plan that stops runs and deployments and deletes nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from cicd.errors import Usage
from cicd.model import Action, Change, FieldChange, Key, Kind, LiveResource, Plan, Resource, Stage
from cicd.plan import graph
from cicd.plan.match import Matcher
from cicd.plan.planner import assemble, check_kinds
from cicd.plan.selection import check_patterns, matches
from cicd.plan.versions import find_all


def make_stop_plan(
    stage: Stage,
    desired: Sequence[Resource],
    live: Iterable[LiveResource],
    kinds: Mapping[str, Kind],
    patterns: Collection[str],
    *,
    created_at: str,
) -> Plan:
    """An update of the status for all that is under way of the keys that ``patterns`` fit.

    What has ended already is a no_op that says so; what another stage runs under the same names is
    left alone. Raises Usage for a glob that fits nothing that can be stopped.
    """
    check_kinds(desired, kinds)
    edges = graph.dependencies(desired)
    able = [key for key in edges if kinds[key.kind].is_run or kinds[key.kind].log]
    _check_kind_of(patterns, edges, able)
    patterns = [_in_full(pattern, able) for pattern in patterns]
    check_patterns("KEY", patterns, able, stage.name)
    found = find_all(desired, edges, Matcher(desired, live, kinds), kinds)
    chosen = [key for key in able if matches(key, patterns)]
    changes = [change for key in chosen for change in _stops(key, found[key], stage.identity)]
    return assemble(stage, changes, kinds, created_at, _warnings(changes, kinds))


def _check_kind_of(patterns: Collection[str], edges: graph.Edges, able: Collection[Key]) -> None:
    """Raises Usage for the key of something that nobody can stop, like a schedule."""
    for key in edges:
        if str(key) in patterns and key not in able:
            raise Usage(f"{key} is nothing that runs", hint="runs and deployments can be stopped")


def _in_full(pattern: str, able: Collection[Key]) -> str:
    """``execution/train`` for ``train``, as far as that is one key. Raises Usage for two."""
    named = [str(key) for key in able if key.name == pattern]
    if len(named) > 1:
        raise Usage(f"{pattern} is more than one", hint=f"say {' or '.join(named)}")
    return named[0] if named else pattern


def _stops(key: Key, found: Sequence[LiveResource], stage: str) -> Iterator[Change]:
    """The changes for one key; the second one under way and all after it go by their ids."""
    under_way = [live for live in found if not live.status.has_ended and live.owner in {"", stage}]
    for number, live in enumerate(under_way):
        name = Key(key.kind, live.id) if number else key
        status = FieldChange("status", live.status.raw, "STOPPED")
        yield Change(name, Action.UPDATE, f"stop {live.id}", (status,), live=live)
    if not under_way:
        last = next((live for live in found if live.owner in {"", stage}), None)
        reason = f"{last.id} is {last.status.raw} already" if last else "nothing of it is there"
        yield Change(key, Action.NO_OP, reason, live=last)


def _warnings(changes: Iterable[Change], kinds: Mapping[str, Kind]) -> list[str]:
    """What the next apply makes of it, as nothing that was stopped goes on."""
    return [
        f"{change.key} cannot be resumed: the next apply "
        + ("runs it again" if kinds[change.key.kind].is_run else "makes a new one, with a new URL")
        for change in changes
        if change.action is Action.UPDATE
    ]
