"""What a service has run and could run again, read from the content that is live.

Content outlives the service that runs it, so it is the history: all of the family of what runs now.
The plan that goes back to one of it is made here too.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
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
    Spec,
    Stage,
)
from cicd.plan import graph
from cicd.plan.diff import diff_specs
from cicd.plan.match import family
from cicd.plan.planner import make_plan
from cicd.words import plural, short_id


@dataclass(frozen=True)
class Version:
    """One content of a service; ``fields`` lead from the running one to it."""

    content: LiveResource
    is_running: bool
    fields: tuple[FieldChange, ...] = ()


def read_history(
    service: LiveResource,
    live: Iterable[LiveResource],
    kinds: Mapping[str, Kind],
    wish: Resource | None = None,
) -> list[Version]:
    """All contents of the service's family, newest first: of what it should be, where somebody has
    made it look like another. Empty for a kind that runs no content."""
    version = kinds[service.key.kind].version
    if version is None:
        return []
    field, kind = version[0], kinds[version[1]]
    contents = {item.id: item for item in live if item.key.kind == kind.name}
    running = contents.get(str(service.spec.get(field)))
    wanted = _wanted((wish or service).spec, field, kind, contents) or (
        family(running.spec, kind) if running else ()
    )
    found = [
        item
        for item in contents.values()
        if item is running or (wanted and family(item.spec, kind) == wanted)
    ]
    # a platform may tell whole seconds only: of those of one second what runs is the newest
    ordered = sorted(
        found, key=lambda item: (item.created_at, item is running, item.id), reverse=True
    )
    return [
        Version(item, is_running=item is running, fields=_differences(running, item, kind))
        for item in ordered
    ]


def _wanted(spec: Spec, field: str, kind: Kind, contents: Mapping[str, LiveResource]) -> Hashable:
    """The family of what a service should run, as far as it tells: by the content itself, or by
    fields of its own, of which the name of the content is called after it."""
    own = {name: spec.get(f"{field}_name" if name == "name" else name) for name in kind.family}
    if all(isinstance(value, str) for value in own.values()):
        return family(own, kind)
    asked = contents.get(str(spec.get(field)))
    return family(asked.spec, kind) if asked else ()


def _differences(
    running: LiveResource | None, other: LiveResource, kind: Kind
) -> tuple[FieldChange, ...]:
    """How they differ beside their names; what only the running one has is missing in the other."""
    if running is None or running is other:
        return ()
    names = {*running.spec, *other.spec} - {*kind.family}
    before, after = (
        {name: _or_empty(one.spec.get(name), two.spec.get(name)) for name in names}
        for one, two in ((running, other), (other, running))
    )
    return diff_specs(before, after, kind)


def _or_empty(value: object, other: object) -> object:
    return {} if value is None and isinstance(other, Mapping) else value


def choose_version(
    key: Key, history: Sequence[Version], wanted: str | None, kinds: Mapping[str, Kind]
) -> LiveResource:
    """The content to go back to: the one named by its id or the beginning of it, else the
    newest that is older than the running one.

    Raises CicdError where there is none to go back to, Usage for an id that fits none or several.
    """
    version = kinds[key.kind].version
    if version is None:
        raise Usage(
            f"{key} has no versions: a {key.kind} runs nothing that outlives it",
            hint="revert the change in Git and apply",
        )
    word = version[1].replace("_", " ")
    running = next((number for number, item in enumerate(history) if item.is_running), -1)
    if wanted:
        exact = [item for item in history if item.content.id == wanted]
        found = exact or [item for item in history if item.content.id.startswith(wanted)]
        if len(found) != 1:
            what = f"no {word}" if not found else f"{len(found)} {plural(word)}"
            raise Usage(f"{key} has {what} {wanted}", hint="--list shows what it can go back to")
        if found[0].is_running:
            raise CicdError(f"{key} runs {word} {found[0].content.id} already")
        return found[0].content
    if running + 1 >= len(history):
        raise CicdError(
            f"{key} has no {word} older than the one that it runs",
            hint="--list shows all that it has" if len(history) > 1 else "",
        )
    return history[running + 1].content


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
    """The plan that gives a service another content and changes nothing else.

    ``change``: what applying the stage would do with it. Where it cannot be updated (it has failed)
    a new one is made, and what points to it is pointed to the new one.
    """
    assert change.desired and change.live, "rolling back nothing"
    shown = kinds[change.key.kind].verify
    wish = _going_back(change.desired, change.live, target, version_field(change, kinds), shown)
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


def tell_undone(
    plan: Plan, undone: Mapping[str, tuple[str, str]], kinds: Mapping[str, Kind]
) -> Plan:
    """The plan, with a word at each change that takes a rollback back. ``undone``: key -> the
    content that was left, and the one that was gone back to."""

    def told(change: Change) -> Change:
        left, taken = undone.get(str(change.key), ("", ""))
        if not left or not takes_back(change, kinds, left, taken):
            return change
        text = f"undoes the rollback to {short_id(taken)}: {change.consequence}"
        return dataclasses.replace(change, consequence=text)

    return dataclasses.replace(plan, changes=tuple(map(told, plan.changes)))


def takes_back(change: Change, kinds: Mapping[str, Kind], left: str = "", taken: str = "") -> bool:
    """Whether a change gives a service a content that was there before; with ``left`` and
    ``taken``, that one in place of the other."""
    if not (change.live and change.desired) or change.action is Action.NO_OP:
        return False
    field = version_field(change, kinds)
    now, wanted = (item.spec.get(field) for item in (change.live, change.desired))
    if not (isinstance(now, str) and isinstance(wanted, str)) or now == wanted:
        return False
    return not left or (now, wanted) == (taken, left)


def version_field(change: Change, kinds: Mapping[str, Kind]) -> str:
    """The field that says which content it runs; empty where it runs none."""
    version = kinds[change.key.kind].version if change.key.kind in kinds else None
    return version[0] if version else ""


def _going_back(
    desired: Resource,
    live: LiveResource,
    target: LiveResource,
    field: str,
    shown: Collection[str],
) -> Resource:
    """The service as it is, with the other content; this very one and no twin of it. ``shown``:
    fields that must read back: of those, as far as the content itself says what they are, what it
    says."""
    present = {name: live.spec[name] for name in desired.spec if name in live.spec}
    present |= {
        name: target.spec[name] for name in shown if name in present and name in target.spec
    }
    options: Options = dataclasses.replace(desired.options, existing_id=live.id)
    spec = {**present, field: target.id}
    if f"{field}_name" in present:  # what runs may have been made to look like another
        spec[f"{field}_name"] = target.spec.get("name", "")
    return Resource(desired.key, spec, options, source=desired.source)
