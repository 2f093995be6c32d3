"""What lives in a resource group -> a stage file that asks for just that. Pure.

::

    live ─► choice (which runs count) ─► artifacts, inputs ─► sections ─► text with comments
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any

from cicd.config.dialect import Around, Export
from cicd.config.exported import Section, exported
from cicd.config.live_texts import literal, literals
from cicd.model import LiveResource, Spec
from cicd.platforms.aicore.dialect import schema
from cicd.platforms.aicore.dialect.export_choice import choose
from cicd.platforms.aicore.dialect.export_git import export_git
from cicd.platforms.aicore.dialect.export_runs import (
    Configurations,
    Inputs,
    chosen_artifacts,
    unique_key,
)
from cicd.platforms.aicore.dialect.export_secrets import export_secrets, users_labels
from cicd.platforms.aicore.dialect.export_values import Values
from cicd.platforms.aicore.dialect.template import Template
from cicd.words import count

Live = Mapping[str, Sequence[LiveResource]]
"""What is live by kind, the oldest first."""
LISTS = ("artifacts", "executions", "schedules", "deployments")


def export_stage(
    live: Iterable[LiveResource], around: Around, templates: Sequence[Template] = ()
) -> Export:
    """The stage file for all of ``live`` that is alive and can be expressed; ``templates``: those
    of the project."""
    values = Values(around.secrets)
    by_kind = wanted(live, around.select, values)
    sections = all_sections(by_kind, around, templates)
    lists = {section.name: section.content for section in sections if section.content}
    counts = {name: len(lists.get(name, ())) for name in LISTS}
    counts["secrets"] = sum(map(len, lists.get("secrets", {}).values()))
    place = f"the resource group {around.target['resource_group']}"
    return exported(sections, around, place, values.notes, counts)


def wanted(live: Iterable[LiveResource], select: Collection[str], values: Values) -> Live:
    """What belongs to the scenarios that are asked for, or to none, with its texts as a stage file
    may have them."""
    found: dict[str, list[LiveResource]] = {}
    for item in sorted(live, key=lambda item: (item.created_at, item.id)):
        scenario = item.spec.get("scenario_id")
        is_asked = any(fnmatchcase(str(scenario), glob) for glob in select)
        if not select or not scenario or is_asked:
            found.setdefault(item.key.kind, []).append(values.of(item))
    return found


def all_sections(live: Live, around: Around, templates: Sequence[Template]) -> list[Section]:
    """All sections in the order of the schema; some are empty."""
    configurations = Configurations(live.get("configuration", ()))
    chosen = choose(live, configurations)
    runs = [*chosen.executions.values(), *chosen.deployments]
    used = [found for run in runs if (found := configurations.of(run))]
    artifacts = live.get("artifact", ())
    declared = chosen_artifacts(artifacts, live.get("execution", ()), [c.spec for c in used])
    inputs = Inputs(declared, artifacts, chosen.executions, templates)

    def bound(run: LiveResource) -> dict[str, Any]:
        found = configurations.of(run)
        assert found, "only runs with a configuration are chosen"
        return configuration(found.spec, run.id, inputs)

    secrets = export_secrets(live)
    executions = export_executions(chosen.executions, bound, around.never)
    written = {item["key"] for item in executions.content or ()}
    started = {key: run for key, run in chosen.executions.items() if key in written}
    return [
        Section("stage", "" if around.is_named_by_file else around.stage, [*chosen.notes]),
        Section("aicore", target(live, around.target["resource_group"])),
        export_git(live.get("application", ()), used, around, templates),
        Section("secrets", secrets.sections, secrets.notes),
        export_artifacts(inputs.declared),
        executions,
        export_schedules(live.get("schedule", ()), started),
        export_deployments(chosen.deployments, bound, live.get("destination", ())),
    ]


def target(live: Live, group: str) -> dict[str, Any]:
    """The resource group, with the labels that people gave it."""
    groups = [found for found in live.get("resource_group", ()) if found.id == group]
    labels = users_labels(groups[0].spec) if groups else {}
    return {"resource_group": group, **({"labels": labels} if labels else {})}


def export_artifacts(declared: Mapping[str, Spec]) -> Section:
    """Those that configurations bind and no run has made; ``declared`` is by key."""
    section = Section("artifacts")
    for key, spec in declared.items():
        item = {"key": key, **{name: literals(value) for name, value in spec.items()}}
        section.add(f"artifact {spec['name']}", item, schema.Artifact)
    return section


def export_executions(
    chosen: Mapping[str, LiveResource],
    bound: Callable[[LiveResource], dict[str, Any]],
    never: Mapping[str, str],
) -> Section:
    """The runs by key. ``never``: key -> why it must not run again."""
    section = Section("executions")
    for key, live in chosen.items():
        why = never.get(key)
        rerun = "never" if why else "on_change"
        item = {"key": key, "configuration": bound(live), "rerun": rerun}
        comments = {"rerun": why} if why else {}
        section.add(f"execution {live.id}", item, schema.Execution, comments)
    return section


def export_schedules(
    schedules: Sequence[LiveResource], started: Mapping[str, LiveResource]
) -> Section:
    """One of each name, if possible one that is active; ``started``: the runs of the file."""
    section = Section("schedules")
    keys = {str(run.spec["configuration"]): key for key, run in started.items()}
    by_name = {str(one.spec["name"]): one for one in schedules if not one.spec["active"]}
    by_name |= {str(one.spec["name"]): one for one in schedules if one.spec["active"]}
    if others := len(schedules) - len(by_name):
        section.notes.append(f"{count(others, 'schedule')} with a name that another one has")
    for name, live in by_name.items():
        spec = live.spec
        key = keys.get(str(spec.get("configuration")))
        if key is None:
            section.notes.append(
                f"schedule {name}: no execution of its configuration could be imported"
            )
            continue
        item = {"name": literal(name), "execution": key, "cron": spec["cron"]}
        item |= {field: _utc(spec[field]) for field in ("start", "end") if spec.get(field)}
        item["active"] = bool(spec["active"])
        section.add(f"schedule {name}", item, schema.Schedule)
    return section


def export_deployments(
    chosen: Sequence[LiveResource],
    bound: Callable[[LiveResource], dict[str, Any]],
    destinations: Sequence[LiveResource],
) -> Section:
    """The deployments, each with the destination that points at it."""
    section, taken = Section("deployments"), set[str]()
    for live in chosen:
        key = unique_key(live.spec["configuration_name"], "deployment", taken)
        item: dict[str, Any] = {"key": key, "configuration": bound(live)}
        if live.spec.get("ttl"):
            item["ttl"] = str(live.spec["ttl"])
        url = live.outputs.get("url")
        names = [each.id for each in destinations if url and each.spec.get("url") == url]
        if names:
            item["destination_name"] = names[0]
        section.add(f"deployment {live.id}", item, schema.Deployment)
    return section


def configuration(spec: Spec, user: str, inputs: Inputs) -> dict[str, Any]:
    """The configuration of the run ``user``."""
    item = {
        "name": literal(spec["name"]),
        "scenario_id": spec["scenario_id"],
        "executable_id": spec["executable_id"],
    }
    if bindings := spec.get("parameter_bindings"):
        item["parameter_bindings"] = literals(bindings)
    if bindings := spec.get("input_artifact_bindings"):
        item["input_artifact_bindings"] = {
            name: inputs.source(str(id), user) for name, id in bindings.items()
        }
    return item


def _utc(text: Any) -> str:
    """A time as a stage file has it: in UTC, without fractions of a second."""
    whole = re.sub(r"\.\d+", "", str(text))
    try:
        time = datetime.fromisoformat(whole)
    except ValueError:
        return whole
    time = time if time.tzinfo else time.replace(tzinfo=UTC)
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
