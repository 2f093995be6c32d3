"""What is to happen with one resource, given its live counterpart, and the reason in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cicd.model import (
    Action,
    FieldChange,
    Gate,
    Kind,
    LiveResource,
    Resource,
    Secret,
    State,
    same_inputs,
)
from cicd.plan.causes import FILE, UNKNOWN, UNNAMED, telling
from cicd.plan.consequence import because, runs, shown, with_values
from cicd.plan.diff import diff_specs, inline_changes
from cicd.words import some

_IN_FLIGHT = frozenset({State.PENDING, State.RUNNING, State.UNKNOWN})
_WORKING = frozenset({State.RUNNING, State.SUCCEEDED})
_CODE = "code or template"


@dataclass(frozen=True)
class Decision:
    """``live`` is what apply has to deal with: None for a run that starts beside another."""

    action: Action
    reason: str
    fields: tuple[FieldChange, ...] = ()
    live: LiveResource | None = None
    consequence: str = ""
    """In a sentence, where that follows from this alone."""


def decide_content(
    resource: Resource, live: LiveResource | None, former: LiveResource | None, kind: Kind
) -> Decision:
    """For things that never change: the equal one is used, else a new one is made.

    The new one shows its difference from ``former``, the one that it stands in for.
    """
    if live:
        return Decision(Action.NO_OP, f"equal {kind.name} {live.id} exists", live=live)
    fields = diff_specs(former.spec, resource.spec, kind) if former else ()
    return Decision(Action.CREATE, changed(fields) if fields else "new", fields)


def decide_state(
    resource: Resource, live: LiveResource | None, kind: Kind, *, replace: bool
) -> Decision:
    """For things that are there and stay: created, updated in place, or replaced by a new one."""
    if live is None:
        return Decision(Action.CREATE, "new")
    fields = diff_specs(live.spec, resource.spec, kind)
    wanted = resource.options.wait_for or kind.wait_for or ""
    is_ready = _is_ready(live, wanted, kind)
    if not fields and is_ready and not replace:
        return Decision(Action.NO_OP, "unchanged", live=live)
    why = "--replace" if replace else _why_replace(fields, live, kind)
    if why:
        return Decision(Action.REPLACE, why, fields, live)
    if fields:
        return Decision(Action.UPDATE, changed(fields), fields, live)
    # Nothing differs, but an earlier apply did not wait until it was up, or gave up. Now it is
    # waited for, so it is no NO_OP.
    status = FieldChange("status", live.status.raw, wanted or State.RUNNING.value)
    return Decision(
        Action.UPDATE, f"still {live.status.raw}: wait for {status.after}", (status,), live
    )


def has_secrets(resource: Resource, kind: Kind) -> bool:
    """Whether it holds values that cannot be read back, such as a repository's password."""
    return kind.is_secret or not kind.write_only.isdisjoint(resource.spec)


def decide_refresh(resource: Resource, live: LiveResource, kind: Kind) -> Decision:
    """For a secret that is sent again whatever it holds: every value of it, and what differs."""
    differing = {field.path: field for field in diff_specs(live.spec, resource.spec, kind)}
    for name, value in resource.spec.items():
        before = live.spec.get(name)
        for path, old, new in _secrets(name, before, value):
            differing.setdefault(path, FieldChange(path, old, new))
    fields = tuple(differing[path] for path in sorted(differing))
    return Decision(Action.UPDATE, "--refresh-secrets", fields, live)


def _secrets(path: str, before: Any, after: Any) -> Iterator[tuple[str, Any, Secret]]:
    """(path, before, after) of every secret value inside a field."""
    if isinstance(after, Secret):
        yield path, before, after
    elif isinstance(after, Mapping):
        known = before if isinstance(before, Mapping) else {}
        for name, item in after.items():
            yield from _secrets(f"{path}.{name}", known.get(name), item)


def _is_ready(live: LiveResource, wanted: str, kind: Kind) -> bool:
    """Without a wanted status, only something that went wrong or is going away is not ready; what
    can be changed in any status (a paused schedule, a secret) has none that is worth waiting for.
    """
    if live.status.raw == wanted or live.status.state in _WORKING:
        return True
    if wanted:
        return False
    return live.status.state in _IN_FLIGHT or kind.updatable_in == frozenset(State)


def _why_replace(fields: Sequence[FieldChange], live: LiveResource, kind: Kind) -> str:
    for field in fields:
        if field.reason:
            return f"{field.path} changed: {field.reason}"
    # Last, as what cannot be changed at all is the better reason to tell.
    if live.status.state not in kind.updatable_in:
        return f"{live.id} is {live.status.raw}"
    if fields and not kind.updatable:
        return f"{changed(fields)}: cannot be changed in place"
    return ""


def decide_run(
    resource: Resource,
    live: LiveResource | None,
    kind: Kind,
    *,
    rerun: bool,
    causes: Sequence[FieldChange] = (),
    has_former: bool = False,
) -> Decision:
    """For things that start and end: started, followed where in flight, or left as they are.

    ``live`` is the newest run of the same identity; ``causes`` are all differences from the newest
    run of its family, if it ``has_former`` ones: parameters, inputs, files. ``rerun`` is the user's
    own wish.
    """
    again = f"{runs(resource.key)} again{because(telling(causes))}"
    if live is None:
        is_changed = has_former and _names(causes)
        why = f"inputs changed: {_names(causes)}" if is_changed else "first run"
        given = causes or shown(resource.spec, kind)
        first = f"{runs(resource.key)} for the first time{with_values(given)}"
        told = again if has_former else first
        if rerun:
            why = f"--rerun; {why}" if is_changed else "--rerun"
        return Decision(Action.RUN, why, consequence=told)
    code = _changed_code(resource, live, kind, causes)
    if live.status.state in _IN_FLIGHT:
        return _decide_in_flight(resource, live, kind, code, causes, rerun=rerun, again=again)
    why, told = _why_again(resource, live, code, causes)
    if rerun:
        why, told = f"--rerun; {why}" if code else "--rerun", ", as --rerun asks"
    if why:
        return Decision(Action.RUN, why, code, live, f"{again}{told}")
    return Decision(Action.NO_OP, "unchanged", live=live)


def _decide_in_flight(
    resource: Resource,
    live: LiveResource,
    kind: Kind,
    code: tuple[FieldChange, ...],
    causes: Sequence[FieldChange],
    *,
    rerun: bool,
    again: str,
) -> Decision:
    now = f"{live.id} is still {live.status.raw}"
    beside = f"{again}, beside {live.id}, which is still {live.status.raw}"
    if rerun:
        return Decision(Action.RUN, f"--rerun, {now}", code, consequence=beside)
    # The one under way works with what was before, so its result is not the wanted one. It goes on
    # beside the new one, as nobody has asked to stop it.
    if code and resource.options.rerun != "never":
        why = code[0].reason.removesuffix(" changed") or _names(causes)
        return Decision(Action.RUN, f"inputs changed: {why}, {now}", code, consequence=beside)
    if (resource.options.wait_for or kind.wait_for) in (None, live.status.raw):
        return Decision(Action.NO_OP, f"{live.id} is {live.status.raw}", live=live)
    told = f"goes on: {live.id} is still {live.status.raw} and is followed to its end"
    return Decision(Action.RUN, f"still {live.status.raw}: follow it", (), live, told)


def _changed_code(
    resource: Resource, live: LiveResource, kind: Kind, causes: Sequence[FieldChange]
) -> tuple[FieldChange, ...]:
    own = inline_changes(live.spec, resource.spec, kind)
    if own or same_inputs(live.spec, resource.spec):
        return own
    before, after = live.spec.get("inputs"), resource.spec.get("inputs")
    files = [cause for cause in causes if cause.reason == FILE]
    return (FieldChange("inputs", before, after, changed(files or [FieldChange(_CODE, 0, 1)])),)


def _why_again(
    resource: Resource,
    live: LiveResource,
    code: Sequence[FieldChange],
    causes: Sequence[FieldChange],
) -> tuple[str, str]:
    """Why a run that has ended is repeated, as a reason and to follow "runs again (causes)"; empty
    when it is not. All that led to it, not only the first."""
    if resource.options.rerun == "never":
        return "", ""
    reasons, told = [], ""
    if live.status.state is not State.SUCCEEDED:
        reasons.append(f"last run {live.id} is {live.status.raw}")
        told = f": the last run {live.id} is {live.status.raw}"
    elif resource.options.rerun == "always":
        reasons.append("rerun always")
        told = ", as at every apply (rerun: always)"
    if code:
        reasons.append(f"inputs changed: {_names(causes) or _CODE}")
    if reasons:
        return "; ".join(reasons), told
    # The run may have used the template from before that sync, and nothing else would show it. Only
    # where nothing better explains a new run.
    if live.spec.get("completed_after_sync") is False:
        why = f"templates were synced after the last run {live.id}"
        return why, f": {why}"
    misses = [miss for gate in resource.options.require if (miss := _missed(gate, live))]
    why = f"last run missed {'; '.join(misses)}" if misses else ""
    return why, f": the {why}" if why else ""


def _missed(gate: Gate, live: LiveResource) -> str:
    """How a run's metric misses its bounds; a NaN is within none."""
    value = live.metrics.get(gate.metric)
    shown = "not recorded" if value is None else f"{value}"
    if gate.minimum is not None and not (value is not None and value >= gate.minimum):
        return f"{gate.metric} >= {gate.minimum} ({shown})"
    if gate.maximum is not None and not (value is not None and value <= gate.maximum):
        return f"{gate.metric} <= {gate.maximum} ({shown})"
    return ""


def changed(fields: Sequence[FieldChange]) -> str:
    """The reason of a difference: ``url, revision changed``."""
    return f"{_paths(fields)} changed"


def _paths(fields: Sequence[FieldChange]) -> str:
    """Up to three paths, then how many more."""
    return some([field.path for field in fields], 3)


def _names(causes: Sequence[FieldChange]) -> str:
    """The same of causes, some of which nobody can name."""
    named = [c for c in telling(causes) if c.reason not in {UNNAMED, UNKNOWN}]
    unnamed = _CODE if any(cause.reason == UNNAMED for cause in causes) else ""
    return ", ".join(filter(None, [_paths(named), unnamed]))
