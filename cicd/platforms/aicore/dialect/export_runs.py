"""Which configurations, artifacts and inputs stand behind live runs. Pure."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from typing import Any

from cicd.config.formats import slug
from cicd.model import LiveResource, Spec
from cicd.platforms.aicore.dialect.template import Template

_NEEDED = ("name", "kind", "url", "scenario_id")
_MORE = ("labels", "description")


class Configurations:
    """All configurations by id."""

    def __init__(self, found: Iterable[LiveResource]) -> None:
        self._by_id = {item.id: item for item in found}

    def of(self, run: LiveResource) -> LiveResource | None:
        """The configuration of a run or deployment, None where it cannot be seen."""
        return self._by_id.get(str(run.spec.get("configuration", "")))


def unique_key(name: Any, kind: str, taken: set[str]) -> str:
    """A key from a name that no other one has."""
    base = slug(str(name)) or kind
    key, number = base, 1
    while key in taken:
        number += 1
        key = f"{base}-{number}"
    taken.add(key)
    return key


def made_by(run: LiveResource) -> dict[str, str]:
    """Id -> name of the artifacts that a run registered, the name as its template has it first."""
    found: dict[str, str] = {}
    for output, id in run.outputs.items():
        if output.startswith("artifacts."):
            found.setdefault(id, output.removeprefix("artifacts."))
    return found


def chosen_artifacts(
    artifacts: Sequence[LiveResource], runs: Iterable[LiveResource], used: Iterable[Spec]
) -> list[LiveResource]:
    """The artifacts that configurations bind, and the newest of each name that no run has made;
    ``artifacts`` with the oldest first."""
    made = {id for run in runs for id in made_by(run)}
    bound = {str(id) for spec in used for id in spec["input_artifact_bindings"].values()}
    newest = {(a.spec["name"], a.spec["scenario_id"]): a.id for a in artifacts if a.id not in made}
    # what a run has made is bound as its output, or else by its id: another run makes another
    return [a for a in artifacts if a.id not in made and a.id in {*bound, *newest.values()}]


class Inputs:
    """What inputs are bound to. ``declared``: key -> spec of every artifact of the file.

    A plan takes the oldest artifact of equal content. Where that is not the one in use, no
    declaration can mean it, and its id stands in the file.
    """

    def __init__(
        self,
        chosen: Iterable[LiveResource],
        artifacts: Sequence[LiveResource],
        runs: Mapping[str, LiveResource],
        templates: Collection[Template],
    ) -> None:
        self.declared: dict[str, dict[str, Any]] = {}
        self._sources: dict[str, str] = {}
        self._makers: dict[str, tuple[str, str]] = {}
        taken: set[str] = set()
        first = _first_of_each(artifacts)
        for artifact in chosen:
            spec = _declaration(artifact, first)
            if spec is not None:
                key = unique_key(artifact.spec["name"], "artifact", taken)
                self.declared[key] = spec
                self._sources[artifact.id] = key
        declared = {t.executable_id: t.output_artifacts for t in templates}
        for key, run in runs.items():
            known = declared.get(str(run.spec["executable_id"]))
            for output, id in run.outputs.items():
                name = output.removeprefix("artifacts.")
                is_output = output.startswith("artifacts.") and (known is None or name in known)
                if is_output and id not in self._sources:
                    self._sources[id] = f"${{executions.{key}.artifacts.{name}}}"
                    self._makers[id] = (key, run.id)

    def source(self, id: str, user: str) -> str:
        """What a binding says for the artifact ``id``; a run (``user``) never takes its own."""
        if self._makers.get(id, ("", ""))[1] == user:
            return id
        return self._sources.get(id, id)


def _first_of_each(artifacts: Sequence[LiveResource]) -> dict[Hashable, str]:
    """Content -> id of the oldest artifact that has it, for both ways to declare one."""
    first: dict[Hashable, str] = {}
    for artifact in artifacts:
        for fields in (_NEEDED, (*_NEEDED, *_MORE)):
            first.setdefault(_content(artifact.spec, fields), artifact.id)
    return first


def _declaration(artifact: LiveResource, first: Mapping[Hashable, str]) -> dict[str, Any] | None:
    """The fewest fields that mean this very artifact; None where an older equal one is there."""
    spec = artifact.spec
    if first[_content(spec, (*_NEEDED, *_MORE))] != artifact.id:
        return None
    is_first = first[_content(spec, _NEEDED)] == artifact.id
    labels = dict(spec.get("labels") or {})
    more: dict[str, Any] = {"labels": labels} if labels or not is_first else {}
    if spec.get("description") or not is_first:
        more["description"] = spec.get("description") or ""
    return {**{name: spec[name] for name in _NEEDED}, **more}


def _content(spec: Spec, fields: Sequence[str]) -> Hashable:
    values = [spec.get(name) or "" for name in fields]
    return tuple(
        (len(fields), tuple(sorted(v.items())) if isinstance(v, Mapping) else v) for v in values
    )
