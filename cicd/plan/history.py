"""What a deployment has run and could run again, read from the configurations that are live.

Configurations are never deleted, so they are the history: those of the deployment's name, scenario
and executable. The plan that goes back to one of them is made here too.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from cicd.errors import CicdError, Usage
from cicd.model import (
    Action,
    Change,
    FieldChange,
    Key,
    Kind,
    LiveResource,
    Options,
    Plan,
    Resource,
    Stage,
)
from cicd.plan import graph
from cicd.plan.diff import diff_specs
from cicd.plan.planner import make_plan


@dataclass(frozen=True)
class Version:
    """One configuration of a deployment; ``fields`` lead from the running one to it."""

    configuration: LiveResource
    is_running: bool
    fields: tuple[FieldChange, ...] = ()


def read_history(
    deployment: LiveResource,
    live: Iterable[LiveResource],
    kinds: Mapping[str, Kind],
    wish: Resource | None = None,
) -> list[Version]:
    """All configurations of the deployment's family, newest first: of what it should be, where
    somebody has made it look like another."""
    spec, running_id = (wish or deployment).spec, deployment.spec.get("configuration")
    wanted = (spec.get("configuration_name"), spec.get("scenario_id"), spec.get("executable_id"))
    found = {
        item.id: item
        for item in live
        if item.key.kind == "configuration"
        if item.id == running_id
        or wanted == tuple(item.spec.get(name) for name in ("name", "scenario_id", "executable_id"))
    }
    running = found.get(str(running_id))
    ordered = sorted(found.values(), key=lambda item: (item.created_at, item.id), reverse=True)
    return [
        Version(
            item,
            is_running=item is running,
            fields=_differences(running, item, kinds["configuration"]),
        )
        for item in ordered
    ]


def _differences(
    running: LiveResource | None, other: LiveResource, kind: Kind
) -> tuple[FieldChange, ...]:
    """How parameters and inputs differ; what only the running one has is missing in the other."""
    if running is None or running is other:
        return ()
    names = ("parameter_bindings", "input_artifact_bindings")
    before = {name: running.spec.get(name) or {} for name in names}
    return diff_specs(before, {name: other.spec.get(name) or {} for name in names}, kind)


def choose_version(key: Key, history: Sequence[Version], wanted: str | None) -> LiveResource:
    """The configuration to go back to: the one named by its id or the beginning of it, else the
    newest that is older than the running one.

    Raises CicdError where there is none to go back to, Usage for an id that fits none or several.
    """
    running = next((number for number, item in enumerate(history) if item.is_running), -1)
    if wanted:
        exact = [item for item in history if item.configuration.id == wanted]
        found = exact or [item for item in history if item.configuration.id.startswith(wanted)]
        if len(found) != 1:
            what = "no configuration" if not found else f"{len(found)} configurations"
            raise Usage(f"{key} has {what} {wanted}", hint="--list shows what it can go back to")
        if found[0].is_running:
            raise CicdError(f"{key} runs configuration {found[0].configuration.id} already")
        return found[0].configuration
    if running + 1 >= len(history):
        raise CicdError(
            f"{key} has no configuration older than the one that it runs",
            hint="--list shows all that it has" if len(history) > 1 else "",
        )
    return history[running + 1].configuration


def make_rollback_plan(
    stage: Stage,
    desired: Sequence[Resource],
    live: Sequence[LiveResource],
    kinds: Mapping[str, Kind],
    change: Change,
    target: LiveResource,
    *,
    created_at: str,
) -> Plan:
    """The plan that gives a deployment another configuration and changes nothing else.

    ``change``: what applying the stage would do with it. Where it cannot be updated (it is DEAD) a
    new one is made, and what points to it (a destination) is pointed to the new one.
    """
    assert change.desired and change.live, "rolling back nothing"
    wish = _going_back(change.desired, change.live, target)
    points_here = [
        dataclasses.replace(resource, depends_on=frozenset({wish.key}))
        for resource in desired
        if {ref.key for ref in graph.refs_in(resource.spec)} == {wish.key}
    ]
    alone = dataclasses.replace(stage, prune="none")
    plan = make_plan(alone, [wish], live, kinds, created_at=created_at)
    if plan.changes[0].action is Action.REPLACE:
        plan = make_plan(alone, [wish, *points_here], live, kinds, created_at=created_at)
    told = tuple(
        dataclasses.replace(item, reason=f"roll back to {target.id}; {item.reason}")
        if item.key == wish.key
        else item
        for item in plan.changes
    )
    return dataclasses.replace(plan, changes=told)


def tell_undone(plan: Plan, undone: Mapping[str, tuple[str, str]]) -> Plan:
    """The plan, with a word at each change that takes a rollback back. ``undone``: key -> the
    configuration that was left, and the one that was gone back to."""

    def told(change: Change) -> Change:
        left, taken = undone.get(str(change.key), ("", ""))
        if not left or not takes_back(change, left, taken):
            return change
        text = f"undoes the rollback to {taken[:8]}: {change.consequence}"
        return dataclasses.replace(change, consequence=text)

    return dataclasses.replace(plan, changes=tuple(map(told, plan.changes)))


def takes_back(change: Change, left: str = "", taken: str = "") -> bool:
    """Whether a change gives a deployment a configuration that was there before; with ``left`` and
    ``taken``, that one in place of the other."""
    if not (change.live and change.desired) or change.action is Action.NO_OP:
        return False
    now, wanted = (item.spec.get("configuration") for item in (change.live, change.desired))
    if not (isinstance(now, str) and isinstance(wanted, str)) or now == wanted:
        return False
    return not left or (now, wanted) == (taken, left)


def _going_back(desired: Resource, live: LiveResource, target: LiveResource) -> Resource:
    """The deployment as it is, with the other configuration; this very one and no twin of it."""
    present = {name: live.spec[name] for name in desired.spec if name in live.spec}
    options: Options = dataclasses.replace(desired.options, existing_id=live.id)
    spec = {**present, "configuration": target.id}
    if "configuration_name" in present:  # what runs may have been made to look like another
        spec["configuration_name"] = target.spec.get("name", "")
    return Resource(desired.key, spec, options, source=desired.source)
