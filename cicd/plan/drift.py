"""What somebody has changed by hand so far that a thing no longer looks like itself. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from cicd.model import Action, FieldChange, Kind, LiveResource, Resource
from cicd.plan.decide import Decision
from cicd.plan.diff import live_value


def strayed(live: LiveResource, resource: Resource, kind: Kind) -> tuple[FieldChange, ...]:
    """The fields in which something is neither as its key wants it nor as it was applied last (else
    the stage file has changed), as people name them: ``configuration: handmade -> churn-serving``.
    Empty for what is known by its content alone, for runs, and for what was pinned."""
    if kind.is_run or resource.options.existing_id or live.known_as != str(resource.key):
        return ()
    names = [name for name in kind.identity if name not in kind.succession]
    found = []
    for name in dict.fromkeys([*names, *live.applied]):
        before, after = live_value(live.spec, name, kind), resource.spec.get(name)
        is_applied = before == live.applied.get(name)
        if before != after and not is_applied:
            found.append(FieldChange(name.removesuffix("_name"), before, after))
    return tuple(found)


def explain(found: Sequence[FieldChange]) -> str:
    """``changed by hand: configuration handmade → churn-serving``."""
    told = ", ".join(f"{field.path} {field.before} → {field.after}" for field in found)
    return f"changed by hand: {told}"


def put_back(decision: Decision, found: Sequence[FieldChange], kind: Kind) -> Decision:
    """The decision with what somebody has changed by hand as its reason, and names in place of the
    ids that they stand for."""
    hidden = {field.path for field in found}
    hidden |= {f"{path}_name" for path in hidden}
    fields = (*found, *(field for field in decision.fields if field.path not in hidden))
    reason, consequence = explain(found), decision.consequence
    if decision.action is Action.REPLACE:
        reason = f"{reason}; {decision.reason}"
    elif decision.action is Action.UPDATE:
        stays = "; the same URL goes on answering" if kind.role == "service" else ""
        consequence = f"is put back ({reason}){stays}"
    return replace(decision, reason=reason, consequence=consequence, fields=fields)
