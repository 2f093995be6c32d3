"""Desired and live in, Plan out: what apply will do, in which order, and why."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial

from cicd.errors import CicdError, Usage
from cicd.model import (
    Action,
    Change,
    FieldChange,
    Key,
    Kind,
    LiveResource,
    Plan,
    Ref,
    Resource,
    Stage,
)
from cicd.plan import drift, graph
from cicd.plan.bound import bind
from cicd.plan.causes import content_causes, file_causes, with_makers
from cicd.plan.consequence import tell
from cicd.plan.decide import (
    Decision,
    decide_content,
    decide_refresh,
    decide_run,
    decide_state,
    has_secrets,
)
from cicd.plan.diff import inline_changes, undeclared
from cicd.plan.document import fingerprint
from cicd.plan.match import Matcher
from cicd.plan.prune import left_behind, left_over, plan_prune
from cicd.plan.selection import check_patterns, choose, explain_choice, is_chosen, matches
from cicd.plan.templates import describe
from cicd.plan.treatment import of_resource, of_stage

_KEEPS_ITS_ID = frozenset({Action.NO_OP, Action.UPDATE})


def make_plan(
    stage: Stage,
    desired: Sequence[Resource],
    live: Iterable[LiveResource],
    kinds: Mapping[str, Kind],
    *,
    created_at: str,
    rerun: Collection[str] = (),
    replace: Collection[str] = (),
    select: Collection[str] = (),
    exclude: Collection[str] = (),
    refresh_secrets: bool = False,
    is_offline: bool = False,
    remarks: Iterable[str] = (),
    former: Stage | None = None,
) -> Plan:
    """The plan that makes ``live`` as ``desired``; ``kinds`` come in dependency order.

    ``rerun``, ``replace``, ``select`` and ``exclude`` are globs on keys (``kind/*``);
    selecting pulls in what the selected ones need. ``refresh_secrets``: every secret that is there
    is sent again, as nobody can read what it holds. ``is_offline``: nobody has looked at what is
    live; there is none, and the plan says so. ``remarks`` become warnings as they are. ``former``:
    the stage as its file was when it was last applied, None where nobody knows. Raises CicdError
    for what cannot be planned (a pinned id that is not there, a cycle) and Usage for a glob that
    fits nothing.
    """
    check_kinds(desired, kinds)
    edges = graph.dependencies(desired)
    matcher = Matcher(desired, live, kinds)
    _check_wishes(stage, edges, matcher, kinds, rerun, replace, select, exclude)
    held = _urls_held(desired, matcher)

    def is_ours(key: Key, live: LiveResource) -> bool:
        return live.owner == stage.identity or live.outputs.get("url") in held.get(key, ())

    draft = _Draft(matcher, kinds, rerun, replace, is_ours, refresh_secrets=refresh_secrets)
    chosen = choose(edges, select, exclude, graph.pointers(desired))
    by_key = {resource.key: resource for resource in desired}
    # In dependency order, as each answers the Refs of those after it: only with the ids in it can a
    # resource be compared with what is live.
    keys = graph.in_order(edges)
    for key in keys:
        draft.add(by_key[key], edges[key], selected=key in chosen)
    deletes = [
        change
        for change in plan_prune(stage, draft.changes, matcher, kinds)
        if is_chosen(change.key, select, exclude)
    ]
    warnings = [*remarks, *draft.warnings(stage.identity), *explain_choice(keys, chosen, select)]
    if is_offline:
        warnings.append("planned offline, against nothing: what is live was not looked at")
    options = {"select": select, "exclude": exclude, "rerun": rerun, "replace": replace}
    changes = [_with_former(change, stage, former, kinds) for change in draft.changes.values()]
    plan = assemble(stage, [*changes, *deletes], kinds, created_at, warnings)
    bound = bind(stage, options, is_offline=is_offline, refresh_secrets=refresh_secrets)
    treatment = of_stage(former, stage) if former else ()
    hints = left_over(stage, draft.changes, deletes, matcher, kinds)
    hints += left_behind(stage, desired, former, deletes, kinds) if former else []
    return dataclasses.replace(plan, bound=bound, treatment=treatment, hints=tuple(hints))


def _with_former(
    change: Change, stage: Stage, former: Stage | None, kinds: Mapping[str, Kind]
) -> Change:
    """The change with what the platform cannot tell: how apply treated it so far, and what its
    templates were."""
    if change.desired is None:
        return change
    options = {resource.key: resource.options for resource in former.resources} if former else {}
    treatment: tuple[FieldChange, ...] = ()
    if change.is_new or change.key in options:
        before = None if change.is_new else options[change.key]
        treatment = of_resource(before, change.desired.options)
    is_synced = change.action is not Action.NO_OP
    return dataclasses.replace(
        change,
        treatment=treatment,
        templates=describe(change, stage, former, kinds) if is_synced else (),
    )


def assemble(
    stage: Stage,
    changes: Iterable[Change],
    kinds: Mapping[str, Kind],
    created_at: str,
    warnings: Iterable[str],
) -> Plan:
    """A Plan of changes that are already in order, each with what comes of it."""
    ordered = tell(tuple(changes), kinds)
    return Plan(
        stage=stage.name,
        platform=stage.platform,
        target=stage.target,
        commit=stage.commit,
        created_at=created_at,
        changes=ordered,
        fingerprint=fingerprint(stage, ordered),
        warnings=tuple(warnings),
        project=stage.project,
    )


def check_kinds(desired: Iterable[Resource], kinds: Mapping[str, Kind]) -> None:
    """Raises CicdError for a resource of a kind that the platform does not have."""
    for resource in desired:
        if resource.key.kind not in kinds:
            raise CicdError(f"{resource.key}: this platform has no {resource.key.kind}")


def _check_wishes(
    stage: Stage,
    edges: graph.Edges,
    matcher: Matcher,
    kinds: Mapping[str, Kind],
    rerun: Collection[str],
    replace: Collection[str],
    select: Collection[str],
    exclude: Collection[str],
) -> None:
    """Raises Usage for a wish on the command line that nothing fits."""
    runs = [key for key in edges if kinds[key.kind].is_run]
    states = [
        key
        for key in edges
        if kinds[key.kind].identity and not (kinds[key.kind].is_run or kinds[key.kind].contains)
    ]
    check_patterns("--rerun", rerun, runs, stage.name)
    check_patterns("--replace", replace, states, stage.name)
    known = list(edges)
    if stage.prune != "none" and (select or exclude):
        for live in matcher.all():
            known += [live.key, Key(live.key.kind, live.id)]
    check_patterns("--select", select, known, stage.name)
    check_patterns("--exclude", exclude, known, stage.name)


def _urls_held(desired: Sequence[Resource], matcher: Matcher) -> dict[Key, set[str]]:
    """Key -> the urls that live things hold which are to point at it."""
    held: dict[Key, set[str]] = {}
    for resource in desired:
        for name, value in resource.spec.items():
            if isinstance(value, Ref) and value.output == "url" and not value.stage:
                found = [*matcher.known(resource), *matcher.candidates(resource)]
                urls = (str(live.spec.get(name) or "") for live in found)
                held.setdefault(value.key, set()).update(url for url in urls if url)
    return held


class _Draft:
    """The plan while it grows, resource by resource, in dependency order."""

    def __init__(
        self,
        matcher: Matcher,
        kinds: Mapping[str, Kind],
        rerun: Collection[str],
        replace: Collection[str],
        is_ours: Callable[[Key, LiveResource], bool],
        *,
        refresh_secrets: bool,
    ) -> None:
        self.changes: dict[Key, Change] = {}
        self._matcher = matcher
        self._kinds = kinds
        self._rerun = rerun
        self._replace = replace
        self._is_ours = is_ours
        self._refresh_secrets = refresh_secrets
        self._known: dict[Key, LiveResource] = {}  # counterparts that keep their id: answer Refs
        self._makers: dict[str, Key] = {}  # what a run has made that answers Refs -> that run
        self._notes: list[str] = []

    def add(self, resource: Resource, needs: frozenset[Key], *, selected: bool) -> None:
        """Plan one resource; all that it needs has been added before.

        One that is not selected stays as it is: no change, but its id can be referred to.
        """
        if needs:
            spec = graph.resolve(resource.spec, self._answer)
            resource = dataclasses.replace(resource, spec=spec)
        live = self._matcher.take(resource)
        if not selected:
            if live:
                self._known[resource.key] = live
            return
        self._check_answered(resource)
        if live is None:
            # Only now that nothing is its own counterpart: what was renamed is one that is
            # replaced, and not a new thing beside an old one.
            live = self._matcher.predecessor(resource, partial(self._is_ours, resource.key))
        kind = self._kinds[resource.key.kind]
        is_sent_again = self._refresh_secrets and has_secrets(resource, kind)
        causes = with_makers(self._causes(resource, live, kind), self._makers)
        decision = self._decide(resource, live, kind, causes)
        if live and (found := drift.strayed(live, resource, kind)):
            decision = drift.put_back(decision, found, kind)
        if decision.live and decision.action in _KEEPS_ITS_ID:
            self._known[resource.key] = decision.live
        if live and not is_sent_again:  # what is unknown of a secret is known once it is sent
            notes = [*live.notes, *undeclared(live.spec, resource.spec, kind)]
            self._notes += [f"{resource.key}: {note}" for note in notes]
        self.changes[resource.key] = Change(
            key=resource.key,
            action=decision.action,
            reason=decision.reason,
            fields=with_makers(decision.fields, self._makers),
            depends_on=frozenset(need for need in needs if need in self.changes),
            desired=resource,
            live=decision.live,
            consequence=decision.consequence,
            causes=causes if decision.action is not Action.NO_OP else (),
            is_new=live is None and not decision.fields and not self._former_run(resource, kind),
            before=self._newest(resource, live),
        )

    def warnings(self, stage_name: str) -> list[str]:
        """Remarks of the platform, what is another stage's, Refs that nothing will ever answer."""
        shared = [
            f"{key}: {change.id} is of stage {change.live.owner}, used as it is"
            for key, change in self.changes.items()
            if change.action is Action.NO_OP and change.live
            if change.live.owner not in {"", stage_name}
        ]
        dead_ends = [
            f"{key} needs {ref.output} of {ref.key}, which {self.changes[ref.key].id} does not have"
            for key, change in self.changes.items()
            if change.desired
            for ref in graph.refs_in(change.desired.spec)
            if self.changes[ref.key].action is Action.NO_OP
        ]
        return list(dict.fromkeys([*self._notes, *shared, *dead_ends]))

    def _answer(self, ref: Ref) -> str | None:
        live = self._known.get(ref.key)
        if live is None:
            return None
        if ref.output == "id":
            return live.id
        made = live.outputs.get(ref.output) or None
        if made and self._kinds[ref.key.kind].is_run:
            # So that the plan can say by which run it was made, and not only an id.
            self._makers[made] = ref.key
        return made

    def _decide(
        self,
        resource: Resource,
        live: LiveResource | None,
        kind: Kind,
        causes: Sequence[FieldChange],
    ) -> Decision:
        if not kind.identity:
            former = None if live else self._matcher.former(resource)
            return decide_content(resource, live, former, kind)
        if kind.is_run:
            rerun = matches(resource.key, self._rerun)
            has_former = self._former_run(resource, kind) is not None
            return decide_run(
                resource, live, kind, rerun=rerun, causes=causes, has_former=has_former
            )
        replace = matches(resource.key, self._replace)
        if live and self._refresh_secrets and has_secrets(resource, kind) and not replace:
            return decide_refresh(resource, live, kind)
        return decide_state(resource, live, kind, replace=replace)

    def _causes(
        self, resource: Resource, live: LiveResource | None, kind: Kind
    ) -> tuple[FieldChange, ...]:
        """What differs behind a thing from what it, or of a run its former one, has."""
        former = live or self._former_run(resource, kind)
        own = inline_changes(former.spec, resource.spec, kind) if former else ()
        content = content_causes(resource, former, self.changes, self._kinds, self._matcher.get)
        is_same = live is not None and not own
        return own + content + file_causes(resource, former, is_same_content=is_same)

    def _newest(self, resource: Resource, live: LiveResource | None) -> str:
        """The id of what was made last of it: the next one is another."""
        there = [
            *([live] if live else []),
            *self._matcher.relatives(resource.key.kind, resource.spec),
        ]
        newest = max(there, key=lambda item: (item.created_at, item.id), default=None)
        return newest.id if newest else ""

    def _former_run(self, resource: Resource, kind: Kind) -> LiveResource | None:
        """The run of the family whose result is in use, else the newest."""
        found = self._matcher.former_versions(resource) if kind.is_run else []
        return next(iter(found), None)

    def _check_answered(self, resource: Resource) -> None:
        """Raises Usage for a Ref to something that is left out and is not there yet."""
        for ref in graph.refs_in(resource.spec):
            if ref.key not in self.changes:
                raise Usage(
                    f"{resource.key} needs {ref.output} of {ref.key}, "
                    "which is excluded and does not have it yet",
                    hint=f"do not exclude {ref.key}, or exclude {resource.key} too",
                )
