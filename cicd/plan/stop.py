"""The plan that stops runs and services and deletes nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from cicd.errors import Usage
from cicd.model import Action, Change, FieldChange, Key, Kind, LiveResource, Plan, Resource, Stage
from cicd.plan import graph
from cicd.plan.match import Matcher
from cicd.plan.planner import assemble, check_kinds
from cicd.plan.selection import check_patterns, matches
from cicd.plan.versions import find_all
from cicd.words import plural


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
    able = [key for key in edges if kinds[key.kind].stoppable]
    _check_kind_of(patterns, edges, able, kinds)
    patterns = [_in_full(pattern, able) for pattern in patterns]
    check_patterns("KEY", patterns, able, stage.name)
    found = find_all(desired, edges, Matcher(desired, live, kinds), kinds)
    chosen = [key for key in able if matches(key, patterns)]
    changes = [change for key in chosen for change in _stops(key, found[key], stage.identity)]
    return assemble(stage, changes, kinds, created_at, _warnings(changes, kinds))


def _check_kind_of(
    patterns: Collection[str],
    edges: graph.Edges,
    able: Collection[Key],
    kinds: Mapping[str, Kind],
) -> None:
    """Raises Usage for what nobody can stop: it does not run, or its platform only deletes it."""
    for pattern in patterns:
        meant = [key for key in edges if pattern == key.name or matches(key, [pattern])]
        if not meant or any(key in able for key in meant):
            continue
        running = [key for key in meant if kinds[key.kind].runs]
        if not running and pattern != str(meant[0]):
            continue  # nothing that can be stopped has such a name, which is told like any other
        if running:
            told = f"{running[0]} cannot be stopped, only deleted"
            hint = "take it out of the stage file and apply with prune, or cicd destroy"
        else:
            told, hint = f"{meant[0]} is nothing that runs", _what_stops(kinds)
        raise Usage(told, hint=hint)


def _what_stops(kinds: Mapping[str, Kind]) -> str:
    """What this platform can stop, in words."""
    able = [kind for kind in kinds.values() if kind.stoppable]
    words = ["runs" if kind.is_run else plural(kind.name).replace("_", " ") for kind in able]
    told = " and ".join(dict.fromkeys(words))
    return f"{told} can be stopped" if told else "nothing of this platform can be stopped"


def _in_full(pattern: str, able: Collection[Key]) -> str:
    """``run/train`` for ``train``, as far as that is one key. Raises Usage for two."""
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
