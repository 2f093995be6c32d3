"""The plan that takes a stage down: deletes, what depends on others first, the rest kept."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from cicd.model import Action, Change, Key, Kind, LiveResource, Plan, Resource, Stage
from cicd.plan import graph
from cicd.plan.belongings import Belongings, taken_in
from cicd.plan.match import Matcher
from cicd.plan.planner import assemble, check_kinds
from cicd.plan.prune import texts_taken
from cicd.plan.versions import Found, find_all


def make_destroy_plan(
    stage: Stage,
    desired: Sequence[Resource],
    live: Iterable[LiveResource],
    kinds: Mapping[str, Kind],
    *,
    created_at: str,
) -> Plan:
    """Deletes of everything that the stage has live, dependents first; of what is prunable also
    its former versions. What cannot be deleted is kept, as no_op.

    A container is deleted last, with all that is in it, when this stage made it and nothing of
    anybody else is there; else it is kept and the reason says what holds it. ``live`` must be
    everything that lives in the place. ``kinds`` come in dependency order. Raises CicdError for a
    cycle.
    """
    check_kinds(desired, kinds)
    edges = graph.dependencies(desired)
    matcher = Matcher(desired, live, kinds)
    found = find_all(desired, edges, matcher, kinds, stage.identity)
    reasons: dict[Key, str] = {}
    for key in graph.in_order(graph.dependents(edges)):
        # users come before what they use: one that stays holds it, also where it is ours
        going = {other: lives for other, lives in found.items() if not reasons.get(other)}
        reasons[key] = _why_kept(key, going, matcher, kinds)
    deleted = {key: found[key] for key, reason in reasons.items() if not reason}
    reasons |= _container_reasons(stage, found, deleted, matcher, kinds)
    deleted = {key: lives for key, lives in deleted.items() if not reasons[key]}
    kept = [
        Change(
            resource.key,
            Action.NO_OP,
            reasons[resource.key],
            desired=resource,
            live=next(iter(found[resource.key]), None),
        )
        for resource in desired
        if reasons[resource.key]
    ]
    deletes = _deletes(desired, edges, deleted, kinds)
    container = next((_words(kind.name) for kind in kinds.values() if kind.contains), "stage")
    warnings = [
        f"{change.key} serves every {container} of the tenant and would be deleted"
        for change in deletes
        if change.live and kinds[change.key.kind].serves_all(change.live.spec)
    ]
    warnings += _about_containers(reasons, deleted, matcher, kinds)
    plan = assemble(stage, [*kept, *deletes], kinds, created_at, warnings)
    return dataclasses.replace(plan, is_destroy=True)


def _why_kept(key: Key, found: Found, matcher: Matcher, kinds: Mapping[str, Kind]) -> str:
    """The reason for leaving a thing alone; empty when it is to be deleted."""
    if not found[key]:
        return "does not exist"
    if not kinds[key.kind].deletable:
        is_content = not kinds[key.kind].identity
        return "kept: it cannot be deleted" if is_content else "kept: cicd never deletes this kind"
    if user := _staying_user(key, found, matcher, kinds):
        return f"kept: {user.key.kind} {user.key.name} uses it too"
    return ""


def _staying_user(
    key: Key, found: Found, matcher: Matcher, kinds: Mapping[str, Kind]
) -> LiveResource | None:
    """What takes this in, by its id or by what it is known by, and is not deleted with it."""
    kind = kinds[key.kind]
    names = {text for live in found[key] for text in _names(live, kind)}
    for live in matcher.all():
        user = kinds[live.key.kind]
        if user.is_run and not user.deletable and live.status.has_ended:
            continue  # it stays for good, and needs nothing any more
        taken = set(taken_in(live, user))
        if not kind.identity and live.key.kind != kind.name:
            taken |= {(kind.name, text) for text in texts_taken(live.spec)}
        if any((kind.name, name) in taken for name in names):
            is_ours = any(
                live.id == mine.id
                for other, lives in found.items()
                if other.kind == user.name
                for mine in lives
            )
            if not user.deletable or not is_ours:
                return live
    return None


def _names(live: LiveResource, kind: Kind) -> list[str]:
    known = [live.spec.get(name) for name in kind.identity]
    return [live.id, *(text for text in known if isinstance(text, str))]


def _container_reasons(
    stage: Stage, found: Found, deleted: Found, matcher: Matcher, kinds: Mapping[str, Kind]
) -> dict[Key, str]:
    """Why a container is kept, or else what goes with it; nothing where there is none."""
    containers = [key for key in deleted if kinds[key.kind].contains]
    belongings = Belongings(stage, found, deleted, matcher, kinds)
    reasons = {key: belongings.why_kept(deleted[key][0]) for key in containers}
    if containers and not any(reasons.values()):
        content = [key for key, lives in found.items() if lives and not kinds[key.kind].identity]
        reasons |= dict.fromkeys(content, f"goes with the {_words(containers[0].kind)}")
    return reasons


def _about_containers(
    reasons: Mapping[Key, str], deleted: Found, matcher: Matcher, kinds: Mapping[str, Kind]
) -> list[str]:
    """What a person should know before saying yes: why a container stays, or what goes with it."""
    lines = [
        f"{key} is {reason}"
        for key, reason in reasons.items()
        if kinds[key.kind].contains and reason.startswith("kept: ")
    ]
    counts = Counter(live.key.kind for live in matcher.all() if not kinds[live.key.kind].identity)
    content = " and ".join(
        f"{count} {kind}{'s' * (count > 1)}" for kind, count in sorted(counts.items())
    )
    containers = [key for key in deleted if kinds[key.kind].contains]
    return lines + [f"{content} would go with {key}" for key in containers if content]


def _words(kind: str) -> str:
    return kind.replace("_", " ")


def _deletes(
    desired: Sequence[Resource], edges: graph.Edges, deleted: Found, kinds: Mapping[str, Kind]
) -> list[Change]:
    """The deletes, each with what was desired: its timeout bounds the wait."""
    by_key = {resource.key: resource for resource in desired}
    needed_by = graph.dependents(edges)
    rank = {name: index for index, name in enumerate(kinds)}
    changes: list[Change] = []
    keys: dict[Key, list[Key]] = {}
    for key in graph.in_order(needed_by, lambda key: (kinds[key.kind].contains, -rank[key.kind])):
        if key not in deleted:
            continue
        users = _deleted_users(key, needed_by, deleted) | _hidden_users(key, keys, kinds)
        first = frozenset(change_key for user in users for change_key in keys[user])
        keys[key] = [key, *(Key(key.kind, live.id) for live in deleted[key][1:])]
        changes += [
            Change(change_key, Action.DELETE, "destroy", (), first, by_key[key], live)
            for change_key, live in zip(keys[key], deleted[key], strict=True)
        ]
    return changes


def _hidden_users(key: Key, before: Iterable[Key], kinds: Mapping[str, Kind]) -> set[Key]:
    """What must be gone first though no Ref says so: runs use secrets and such by their names, and
    a container goes only when everything else has."""
    if kinds[key.kind].contains:
        return set(before)
    if kinds[key.kind].is_implicit:
        return {other for other in before if kinds[other.kind].prunable}
    return set()


def _deleted_users(key: Key, needed_by: graph.Edges, deleted: Found) -> set[Key]:
    """The nearest things to be deleted that need ``key``, also through things that are kept."""
    found: set[Key] = set()
    seen: set[Key] = set()
    waiting = list(needed_by[key])
    while waiting:
        user = waiting.pop()
        if user in seen:
            continue
        seen.add(user)
        if user in deleted:
            found.add(user)
        else:
            waiting.extend(needed_by[user])
    return found
