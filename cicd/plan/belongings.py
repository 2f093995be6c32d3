"""What lives in a resource group, and whether all of it is one stage's. Asked before it is deleted,
as everything in it goes with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from cicd.model import Action, Change, Kind, LiveResource, Stage, State
from cicd.plan.guards import is_protected
from cicd.plan.match import Matcher, family
from cicd.plan.versions import Found

_TENANT_KINDS = frozenset(
    {"repository", "application", "docker_registry_secret", "node_reservation"}
)
_OUTSIDE = _TENANT_KINDS | {"resource_group", "destination"}
_MOST_NAMED = 3


def whole_tenant(live: LiveResource) -> bool:
    """Whether it serves every resource group of the tenant."""
    if live.key.kind == "generic_secret":
        return bool(live.spec.get("scope", "resource_group") != "resource_group")
    return live.key.kind in _TENANT_KINDS


class Belongings:
    """What of the things in a group is the stage's: ``found``, all that its keys have live;
    ``doomed``, what of it is to be deleted."""

    def __init__(
        self,
        stage: Stage,
        found: Found,
        doomed: Found,
        matcher: Matcher,
        kinds: Mapping[str, Kind],
    ) -> None:
        self._stage = stage
        self._found = found
        self._doomed = {_id(live): live for lives in doomed.values() for live in lives}
        self._matcher = matcher
        self._kinds = kinds

    def why_kept(self, group: LiveResource) -> str:
        """Why the group must stay; empty when it may go."""
        if group.owner != self._stage.identity:
            whose = f"it is of stage {group.owner}" if group.owner else "cicd did not make it"
            return f"kept: {whose}"
        if group.status.state is not State.SUCCEEDED:
            return f"kept: it is {group.status.raw}, so nobody can tell what it holds"
        ours = self._ours()
        inside = [live for live in self._matcher.all() if is_inside(live)]
        if held := [live for live in inside if _id(live) not in ours]:
            return f"kept: it holds {_some(held)} of others"
        if held := [live for live in inside if self._is_protected(live)]:
            return f"kept: it holds {_some(held)}, which is protected"
        return ""

    def _ours(self) -> set[tuple[str, str]]:
        """What is to be deleted, and the artifacts and configurations that belong to it.

        Not only by the runs: an earlier destroy may have deleted them and not come to the group.
        """
        doomed = self._doomed.values()
        used = {str(live.spec.get("configuration", "")) for live in doomed}
        configurations = self._with_former("configuration", used)
        made = {
            artifact
            for live in doomed
            for name, artifact in live.outputs.items()
            if name.startswith("artifacts.")
        }
        made |= {artifact for live in configurations for artifact in _inputs_of(live)}
        made |= {live.id for live in self._all("artifact") if self._is_output(live)}
        artifacts = self._with_former("artifact", made)
        return {*self._doomed, *map(_id, configurations), *map(_id, artifacts)}

    def _with_former(self, kind: str, ids: set[str]) -> list[LiveResource]:
        """The things of this kind with these ids, those that the stage declares, and all that are
        another version of one of them."""
        named = {
            live.id for key, lives in self._found.items() if key.kind == kind for live in lives
        }
        wanted = ids | named
        first = [live for live in self._all(kind) if live.id in wanted]
        specs = [wish.spec for wish in self._stage.resources if wish.key.kind == kind]
        specs += [live.spec for live in first]
        families = {family(spec): spec for spec in specs}.values()
        return [
            *first,
            *(live for spec in families for live in self._matcher.relatives(kind, spec)),
        ]

    def _is_output(self, artifact: LiveResource) -> bool:
        """Whether a template that the stage runs makes artifacts of this name."""
        runs = {wish.spec.get("executable_id") for wish in self._stage.resources}
        return any(
            artifact.spec.get("scenario_id") == template.scenario_id
            and artifact.spec.get("name") in template.output_artifacts
            for template in self._stage.templates
            if template.executable_id in runs
        )

    def _all(self, kind: str) -> list[LiveResource]:
        return [live for live in self._matcher.all() if live.key.kind == kind]

    def _is_content(self, live: LiveResource) -> bool:
        return not self._kinds[live.key.kind].identity

    def _is_protected(self, live: LiveResource) -> bool:
        """A protected run makes the whole destroy refused; of content nothing else would tell."""
        if not self._stage.protect or not self._is_content(live):
            return False
        keys = [
            key for key, lives in self._found.items() if _id(live) in {_id(item) for item in lives}
        ]
        return any(
            is_protected(Change(key, Action.DELETE, "", live=live), self._stage)
            for key in keys or [live.key]
        )


def _inputs_of(configuration: LiveResource) -> list[str]:
    bindings = configuration.spec.get("input_artifact_bindings")
    return [str(item) for item in bindings.values()] if isinstance(bindings, Mapping) else []


def is_inside(live: LiveResource) -> bool:
    """Whether it is in a resource group, and goes with it."""
    return live.key.kind not in _OUTSIDE and not whole_tenant(live)


def _id(live: LiveResource) -> tuple[str, str]:
    return live.key.kind, live.id


def _some(held: Iterable[LiveResource]) -> str:
    """``execution train (e1), artifact data (a7) and 4 more``."""
    names = [
        f"{live.key.kind} {live.key.name}" + (f" ({live.id})" if live.id != live.key.name else "")
        for live in held
    ]
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more
