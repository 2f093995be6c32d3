"""Cross-checks: what one part of a stage file says of another part, or of the templates."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

import msgspec

from cicd.config.rules import check_cycles, check_unique
from cicd.config.tree import Path, Place, did_you_mean
from cicd.errors import Problem
from cicd.platforms.aicore.dialect.draft import (
    PLATFORM_SCENARIOS,
    Draft,
    Run,
    input_source,
    references,
)
from cicd.platforms.aicore.dialect.template import Template
from cicd.platforms.aicore.dialect.workflow_when import fits, told
from cicd.values import Key, Ref


def check_references(draft: Draft) -> list[Problem]:
    """All problems between the parts of one stage file, and with its templates."""
    problems = [
        *check_unique(draft, _keys(draft)),
        *_check_same(draft),
        *_check_destinations(draft),
    ]
    for run in draft.runs:
        problems += _check_run_references(draft, run)
        problems += _check_executable(draft, run)
        problems += _check_inputs(draft, run)
        if template := draft.meant_template_of(run):
            problems += _check_bound(draft, run, template)
            problems += _check_choices(draft, run, template)
            problems += _check_conditions(draft, run, template)
    return problems + list(check_cycles(_needs(draft)))


def _keys(draft: Draft) -> Iterator[tuple[Key, Path]]:
    for index, name in enumerate(draft.artifact_names):
        yield Key("artifact", name), ("artifacts", index)
    yield from ((run.key, run.path) for run in draft.runs)


def _check_same(draft: Draft) -> Iterator[Problem]:
    """Things that AI Core could not tell apart."""
    alike: dict[tuple[object, ...], list[tuple[Key, tuple[str | int, ...], str]]] = {}
    for index, artifact in enumerate(draft.file.artifacts):
        same = ("artifact", repr(msgspec.structs.replace(artifact, key="")))
        key = Key("artifact", artifact.key)
        alike.setdefault(same, []).append((key, ("artifacts", index), "remove one"))
    for run in draft.runs:
        c = run.configuration
        content: list[object] = [run.kind, c.name, c.scenario_id, c.executable_id]
        if run.kind == "execution":
            # A deployment is found by the names alone, as its bindings change when it is updated; a
            # run is another one with other bindings.
            content.append(frozenset(c.parameter_bindings.items()))
            content.append(frozenset(c.input_artifact_bindings.items()))
        advice = "give its configuration another name"
        alike.setdefault(tuple(content), []).append((run.key, run.path, advice))
    for things in alike.values():
        whole = [thing for thing in things if len(things) > 1 and draft.is_whole(*thing[1])]
        for key, path, advice in whole[1:]:
            if key != whole[0][0]:
                message = f"{key} cannot be told apart from {whole[0][0]}: {advice}"
                yield draft.place(*path).problem(message, "duplicate-content")


def _check_destinations(draft: Draft) -> Iterator[Problem]:
    seen: dict[str, Run] = {}
    for run in draft.runs:
        name = getattr(run.item, "destination_name", None)
        if name in seen:
            message = f'{run.key}: the destination "{name}" already belongs to {seen[name].key}'
            message += ": choose another"
            place = draft.place(*run.path, "destination_name")
            yield place.problem(message, "duplicate-name")
        elif name:
            seen[name] = run


def _check_run_references(draft: Draft, run: Run) -> Iterator[Problem]:
    """``${executions.…}`` and ``${deployments.…}`` must lead to something that will be there."""
    runs = draft.runs_by_key
    for field, name, ref in references(run):
        path = (*run.path, "configuration", field, name)
        other = runs.get(ref.key)
        if other is None:
            if draft.is_named(ref.key):
                continue
            known = [key.name for key in draft.named if key.kind == ref.key.kind]
            hint = did_you_mean(ref.key.name, known)
            message = f"{run.key} refers to {ref.key}, which is not defined{hint}"
            yield draft.place(*path).problem(message, "unknown-reference")
        elif other.item.wait_for_status not in ("COMPLETED", "RUNNING") or (
            ref.key.kind == "execution" and other.item.wait_for_status != "COMPLETED"
        ):
            message = f"{run.key} needs the result of {ref.key}, which is not waited for"
            message += ": set its wait_for_status"
            yield draft.place(*path).problem(message, "unknown-reference")
        elif ref.key.kind == "execution" and (template := draft.meant_template_of(other)):
            output = ref.output.removeprefix("artifacts.")
            if lack := _not_put_out(output, template):
                message = f'{run.key} uses the artifact "{output}", which {lack}'
                place = draft.place(*path)
                yield place.problem(message, "unknown-reference", _severity(draft))


def _not_put_out(output: str, template: Template) -> str:
    if output in template.output_artifacts:
        return ""
    hint = did_you_mean(output, template.output_artifacts)
    return f"executable {template.executable_id} does not put out{hint}"


def lacks(draft: Draft, ref: Ref) -> str:
    """Why a run will not have what another stage asks of it; empty where it may."""
    run, (sort, _, output) = draft.runs_by_key.get(ref.key), ref.output.partition(".")
    template = draft.meant_template_of(run) if run and sort == "artifacts" else None
    lack = _not_put_out(output, template) if template else ""
    return f'has no artifact "{output}", which {lack}' if lack else ""


def _check_executable(draft: Draft, run: Run) -> Iterator[Problem]:
    scenario, executable = run.configuration.scenario_id, run.configuration.executable_id
    template = draft.catalogue.find(executable)
    path = (*run.path, "configuration")
    if scenario in PLATFORM_SCENARIOS and (template is None or template.scenario_id != scenario):
        return  # plan looks at the live ones
    if template is None:
        if draft.catalogue.is_complete:
            hint = did_you_mean(executable, draft.catalogue.executables) or _platform_hint(scenario)
            message = f'{run.key}: no template declares the executable "{executable}"{hint}'
            place = draft.place(*path, "executable_id")
            yield place.problem(message, "unknown-executable", _severity(draft))
        # Without all templates at hand it may be there, so only what looks like a slip is told.
        elif hint := did_you_mean(scenario, PLATFORM_SCENARIOS):
            message = f'{run.key}: AI Core brings no scenario "{scenario}" along{hint}'
            place = draft.place(*path, "scenario_id")
            yield place.problem(message, "unknown-executable", "warning")
    elif template.scenario_id not in {scenario, ""}:
        hint = did_you_mean(scenario, [template.scenario_id])
        message = f'{run.key}: executable {executable} belongs to scenario "{template.scenario_id}"'
        message += f', not to "{scenario}"{hint}'
        place = draft.place(*path, "scenario_id")
        yield place.problem(message, "wrong-scenario", _severity(draft))
    elif (template.kind == "serving") != (run.kind == "deployment"):
        wanted = "deployment" if template.kind == "serving" else "execution"
        message = f"{run.key}: executable {executable} is made for a {wanted} ({template.file})"
        place = draft.place(*path, "executable_id")
        yield place.problem(message, "wrong-executable-kind", _severity(draft))


def _platform_hint(scenario: str) -> str:
    """For who mistyped a scenario that needs no template."""
    hint = did_you_mean(scenario, PLATFORM_SCENARIOS)
    return f', and the scenario is "{scenario}"{hint}' if hint else ""


def _check_inputs(draft: Draft, run: Run) -> Iterator[Problem]:
    for name, value in run.configuration.input_artifact_bindings.items():
        if input_source(value, draft.artifact_keys) is not None:
            continue
        if not (isinstance(value, str) and draft.is_named(Key("artifact", value))):
            known = [key.name for key in draft.named if key.kind == "artifact"]
            hint = did_you_mean(str(value), known)
            message = f'{run.key} binds "{name}" to "{value}", which is neither an artifact of '
            message += f"this stage nor an id{hint}"
            place = draft.place(*run.path, "configuration", "input_artifact_bindings", name)
            yield place.problem(message, "unknown-reference")


def _check_bound(draft: Draft, run: Run, template: Template) -> Iterator[Problem]:
    """Parameters and inputs: bound but not declared, and needed but not bound."""
    c = run.configuration
    required = {name for name, default in template.parameters.items() if default is None}
    sides: list[tuple[str, str, Iterable[str], Iterable[str], Iterable[str]]] = [
        ("parameter", "parameter_bindings", c.parameter_bindings, template.parameters, required),
        (
            "input",
            "input_artifact_bindings",
            c.input_artifact_bindings,
            template.input_artifacts,
            template.input_artifacts - template.optional_inputs,
        ),
    ]
    executable = f"which executable {template.executable_id}"
    for word, field, bound, declared, needed in sides:
        path = (*run.path, "configuration", field)
        for name in bound:
            if name not in declared:
                hint = did_you_mean(name, declared)
                message = f'{run.key} binds {word} "{name}", {executable} does not declare{hint}'
                place = draft.place(*path, name, key=True)
                yield place.problem(message, f"unknown-{word}", _severity(draft))
        missing = sorted(set(needed) - set(bound))
        for name in [name for name in missing if not draft.has_lost(*path, name)]:
            message = f'{run.key} does not bind {word} "{name}", {executable} needs: bind it'
            place = draft.place(*path, key=True)
            yield place.problem(message, f"missing-{word}", _severity(draft))


def _check_choices(draft: Draft, run: Run, template: Template) -> Iterator[Problem]:
    """Argo takes no value but those that a parameter lists."""
    for name, value in run.configuration.parameter_bindings.items():
        choices = template.choices.get(name)
        if choices and isinstance(value, str) and value not in choices:
            shown = ", ".join(choices)
            message = (
                f'{run.key} binds parameter "{name}" to "{value}", which must be one of {shown}'
            )
            place = draft.place(*run.path, "configuration", "parameter_bindings", name)
            yield place.problem(message + did_you_mean(value, choices), "wrong-choice")


def _check_conditions(draft: Draft, run: Run, template: Template) -> Iterator[Problem]:
    """A value that a ``when`` of the template would have to have in quotes."""
    for name, value in run.configuration.parameter_bindings.items():
        for when, tag in template.conditions.get(name, ()):
            if isinstance(value, str) and not fits(value, when, tag):
                place = draft.place(*run.path, "configuration", "parameter_bindings", name)
                message = f'parameter "{name}": {told(when, tag, value)} in {template.file}'
                yield place.problem(message, "unquoted-condition", "warning")
                break


def _severity(draft: Draft) -> Literal["error", "warning"]:
    """Templates that this stage does not sync itself may differ from those on AI Core."""
    return "error" if draft.catalogue.is_ours else "warning"


def _needs(draft: Draft) -> dict[Key, dict[Key, Place]]:
    """What each run refers to, and where."""
    needs: dict[Key, dict[Key, Place]] = {run.key: {} for run in draft.runs}
    for run in draft.runs:
        for field, name, ref in references(run):
            if ref.key in needs:
                place = draft.place(*run.path, "configuration", field, name)
                needs[run.key][ref.key] = place
    return needs
