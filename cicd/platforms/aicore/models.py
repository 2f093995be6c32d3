"""The language models of a tenant against what a stage wants of them.

Scenarios that AI Core brings along have no template to check against: their executables and models
are asked for, and only when a stage names one of these scenarios. Everything below ``Advisor`` is
pure.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Literal

from cicd.errors import PlatformError, Problem
from cicd.model import LiveResource, Resource
from cicd.platforms.aicore.convert import Document
from cicd.platforms.aicore.owners import SAME_RUN
from cicd.platforms.aicore.rest import Http
from cicd.platforms.aicore.transport import CONNECTIONS
from cicd.threads import together

SCENARIOS = frozenset({"foundation-models", "orchestration", "document-grounding"})
"""What AI Core provides itself; the stage file's rules know the same names."""
NOT_OFFERED = frozenset({403, 404, 501})

Documents = Mapping[str, Sequence[Document]]
"""Scenario -> its executables, or its models; none where the tenant does not tell."""


@dataclass(frozen=True)
class Catalogue:
    """What the tenant offers, as far as it was asked for."""

    executables: Documents = field(default_factory=dict)
    models: Documents = field(default_factory=dict)


class Advisor:
    """Looks at the tenant's catalogue once, as far as a stage needs it, and remembers it."""

    def __init__(self, http: Http, today: Callable[[], date] = date.today) -> None:
        self._http = http
        self._today = today
        self._told: dict[tuple[str, str], Sequence[Document] | None] = {}

    def look(self, desired: Iterable[Resource]) -> None:
        """Ask for what is not known yet of the scenarios that ``desired`` names."""
        wishes = wishes_in(desired)
        wanted = {(str(wish.spec["scenario_id"]), "executables") for wish in wishes}
        wanted |= {(str(w.spec["scenario_id"]), "models") for w in wishes if model_of(w.spec)[0]}
        missing = sorted(wanted - self._told.keys())
        if missing:
            with together(CONNECTIONS) as pool:
                self._told |= zip(missing, pool.map(self._list, missing), strict=True)

    def review(
        self, desired: Sequence[Resource], live: Sequence[LiveResource]
    ) -> tuple[list[Problem], list[LiveResource]]:
        """What the tenant has against the models in ``desired``, and ``live`` with, at each
        deployment, its model and its end. A retired model is no error where it still runs."""
        self.look(desired)
        wishes = wishes_in(desired)
        if not wishes:
            return [], list(live)
        catalogue = self._catalogue()
        running = served(wishes, (item for item in live if item.key.kind == "deployment"))
        found = problems(wishes, catalogue, self._today(), running)
        silent = sorted({scenario for (scenario, _), told in self._told.items() if told is None})
        said = {_exactly(*model_of(wish.spec), wish.spec, catalogue) for wish in wishes}
        return (
            [*found, *([_silence(wishes[0], silent)] if silent else [])],
            self._remark(live, catalogue, said),
        )

    def _catalogue(self) -> Catalogue:
        told = {name: documents for name, documents in self._told.items() if documents is not None}
        executables, models = (
            {scenario: told[scenario, noun] for scenario, other in told if other == noun}
            for noun in ("executables", "models")
        )
        return Catalogue(executables, models)

    def _remark(
        self, lives: Iterable[LiveResource], catalogue: Catalogue, said: Collection[Any]
    ) -> list[LiveResource]:
        if not catalogue.models:
            return list(lives)
        bound = {live.id: live.spec for live in lives if live.key.kind == "configuration"}
        return [
            self._remarked(
                live, bound.get(str(live.spec.get("configuration")), {}), catalogue, said
            )
            if live.key.kind == "deployment"
            else live
            for live in lives
        ]

    def _remarked(
        self,
        live: LiveResource,
        configuration: Mapping[str, Any],
        catalogue: Catalogue,
        said: Collection[Any],
    ) -> LiveResource:
        name, _, version = live.facts.get("model", "").partition(" ")
        name, wanted = (name, version) if name else model_of(configuration)
        model = find(name, live.spec, catalogue)
        if model is None:
            return live
        end = note_of(model, wanted, self._today())
        title = f"{name} {wanted}".strip() + (f" ({end})" if end else "")
        facts = {**live.facts, "model": title}
        if not end:
            return replace(live, facts=facts)
        # What review() has said of the stage file need not be said again of what runs.
        is_known = _exactly(name, wanted, live.spec, catalogue) in said
        notes = () if is_known else (f"its model {name} {end}",)
        return replace(live, facts=facts, notes=(*live.notes, *notes))

    def _list(self, wanted: tuple[str, str]) -> Sequence[Document] | None:
        """None where the tenant does not tell. The catalogue is the same in every group, and the
        stage's own may not be there yet."""
        scenario, noun = wanted
        path = f"/lm/scenarios/{scenario}/{noun}"
        # 403 is the answer for a group that is not there yet. The group "default" exists in each
        # tenant and cannot be deleted.
        for headers in ({}, {"AI-Resource-Group": "default"}):
            try:
                return self._http.pages(path, headers=headers, is_paged=False)
            except PlatformError as error:
                if error.status not in NOT_OFFERED:
                    raise
                if error.status != 403:
                    break
        return None


def wishes_in(desired: Iterable[Resource]) -> list[Resource]:
    """The configurations of scenarios that the platform itself provides."""
    return [
        wish
        for wish in desired
        if wish.key.kind == "configuration" and wish.spec["scenario_id"] in SCENARIOS
    ]


def served(wishes: Sequence[Resource], deployments: Iterable[LiveResource]) -> frozenset[str]:
    """Names of the wished configurations that a deployment runs with already."""
    running = {
        tuple(live.spec.get(name) for name in SAME_RUN)
        for live in deployments
        if not live.status.has_ended
    }
    return frozenset(
        wish.key.name
        for wish in wishes
        if (wish.spec["name"], wish.spec["scenario_id"], wish.spec["executable_id"]) in running
    )


def problems(
    wishes: Iterable[Resource],
    catalogue: Catalogue,
    today: date,
    running: Collection[str] = (),
) -> list[Problem]:
    """All that the catalogue has against the wishes; ``running``: names of those that run now."""
    return [
        problem
        for wish in wishes
        for problem in _problems_of(wish, catalogue, today, is_running=wish.key.name in running)
    ]


def _problems_of(
    wish: Resource, catalogue: Catalogue, today: date, *, is_running: bool
) -> Iterator[Problem]:
    spec = wish.spec
    offered = catalogue.executables.get(spec["scenario_id"])
    if offered is not None:
        known = {str(item.get("id")): item for item in offered}
        if spec["executable_id"] not in known:
            what = f'scenario "{spec["scenario_id"]}" has no executable "{spec["executable_id"]}"'
            yield _problem(wish, what + _choice(spec["executable_id"], known), "unknown-executable")
            return
        yield from _parameter_problems(wish, known[spec["executable_id"]])
    if spec["scenario_id"] in catalogue.models and model_of(spec)[0]:
        yield from _model_problems(wish, catalogue, today, is_running=is_running)


def _parameter_problems(wish: Resource, executable: Document) -> Iterator[Problem]:
    parameters = executable.get("parameters")
    if not isinstance(parameters, list):
        return  # not told
    known = [str(item.get("name")) for item in parameters]
    for name in wish.spec.get("parameter_bindings") or {}:
        if name not in known:
            what = f'executable "{wish.spec["executable_id"]}" has no parameter "{name}"'
            yield _problem(wish, what + _choice(name, known), "unknown-parameter")


def _model_problems(
    wish: Resource, catalogue: Catalogue, today: date, *, is_running: bool
) -> Iterator[Problem]:
    name, wanted = model_of(wish.spec)
    model = find(name, wish.spec, catalogue)
    if model is None:
        known = [
            str(m.get("model"))
            for m in catalogue.models[wish.spec["scenario_id"]]
            if is_for(m, wish.spec)
        ]
        what = f'executable "{wish.spec["executable_id"]}" has no model "{name}"'
        yield _problem(wish, what + _choice(name, known), "unknown-model")
        return
    version = version_of(model, wanted)
    if version is None:
        if not is_latest(wanted):
            known = [str(v.get("name")) for v in model.get("versions") or ()]
            what = f'model "{name}" has no version "{wanted}"'
            yield _problem(wish, what + _choice(wanted, known), "unknown-model")
        return
    end = ending(version, today)
    if end:
        is_over = end.startswith("was retired") and not is_running
        rule = "retiring-model" if version.get("retirementDate") else "deprecated-model"
        what = f'model "{name}" version "{version.get("name")}" {end}'
        yield _problem(wish, what, rule, "error" if is_over else "warning")


def model_of(spec: Mapping[str, Any]) -> tuple[str, str]:
    """Name and version of the model that a configuration binds; empty where it binds none."""
    bindings = spec.get("parameter_bindings") or {}
    values = [bindings.get(name) for name in ("modelName", "modelVersion")]
    name, version = (value if isinstance(value, str) else "" for value in values)
    return name, version


def find(name: str, spec: Mapping[str, Any], catalogue: Catalogue) -> Document | None:
    """The model of that name for the scenario and executable of ``spec``."""
    models = catalogue.models.get(str(spec.get("scenario_id")), ())
    return next((m for m in models if m.get("model") == name and is_for(m, spec)), None)


def is_for(model: Document, spec: Mapping[str, Any]) -> bool:
    """Whether the executable of ``spec`` runs this model."""
    pairs = [
        (item.get("scenarioId"), item.get("executableId"))
        for item in model.get("allowedScenarios") or ()
    ]
    own = model.get("executableId") == spec.get("executable_id")
    return own or (spec.get("scenario_id"), spec.get("executable_id")) in pairs


def is_latest(version: str) -> bool:
    """Whether a version leaves the choice to the platform."""
    return version.strip().lower() in {"", "latest"}


def version_of(model: Document, wanted: str) -> Document | None:
    """The version that ``wanted`` means; none or ``latest`` is the one marked so."""
    versions = [v for v in model.get("versions") or () if isinstance(v, Mapping)]
    if is_latest(wanted):
        return next((v for v in versions if v.get("isLatest")), None)
    return next((v for v in versions if v.get("name") == wanted), None)


def _exactly(
    name: str, wanted: str, spec: Mapping[str, Any], catalogue: Catalogue
) -> tuple[str, str]:
    """Model and version by the names that the catalogue has for them."""
    version = version_of(find(name, spec, catalogue) or {}, wanted)
    return name, str((version or {}).get("name", wanted))


def note_of(model: Document, wanted: str, today: date) -> str:
    """What is to be said of a deployed model: ``retires on 2026-12-01: use X``; empty if all is
    well."""
    version = version_of(model, wanted)
    return ending(version, today) if version else ""


def ending(version: Document, today: date) -> str:
    """How a model version ends, and what to use then; empty when nothing is known of an end."""
    told = str(version.get("retirementDate") or "")
    if not told and not version.get("deprecated"):
        return ""
    names = [str(name) for name in version.get("suggestedReplacements") or ()]
    use = f": use {' or '.join(names)}" if names else ""
    if not told:
        return f"is deprecated{use}"
    try:
        is_over = date.fromisoformat(told[:10]) <= today
    except ValueError:
        is_over = False
    return f"{'was retired' if is_over else 'retires'} on {told[:10]}{use}"


def _silence(wish: Resource, scenarios: Iterable[str]) -> Problem:
    names = ", ".join(scenarios)
    what = f"the tenant does not tell what {names} offers: its models are not checked"
    return _problem(wish, what, "unknown-model", "warning")


def _choice(word: str, known: Iterable[str]) -> str:
    """`` (did you mean "x"?); known: …``; what config says of templates is said here of tenants."""
    names = sorted(set(known))
    if not names:
        return ", it has none"
    by_lower = {name.lower(): name for name in names}
    close = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    hint = f' (did you mean "{by_lower[close[0]]}"?)' if close else ""
    return f"{hint}; known: {', '.join(names)}"


def _problem(
    wish: Resource, what: str, rule: str, severity: Literal["error", "warning"] = "error"
) -> Problem:
    file, line, column = (wish.source or "::").rsplit(":", 2)
    place = (int(line), int(column)) if line.isdigit() and column.isdigit() else (0, 0)
    return Problem(file or "stage file", *place, f"{wish.key}: {what}", rule, severity)
