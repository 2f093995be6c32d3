"""What a checked draft asks for: resources in the vocabulary that platforms and planner share."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from cicd.config.build import inputs_of, options_of
from cicd.config.dialect import Built
from cicd.config.formats import seconds, slug
from cicd.config.remotes import repository_name
from cicd.config.variables import GitFacts
from cicd.model import (
    Hidden,
    Key,
    Options,
    Ref,
    Resource,
)
from cicd.platforms.aicore.dialect.draft import (
    PLATFORM_SCENARIOS,
    Draft,
    Run,
    input_source,
    is_held,
    schedule_name,
)
from cicd.platforms.aicore.dialect.flows.schema import FlowSettings
from cicd.platforms.aicore.dialect.groundwork import group_of, supplies_of
from cicd.platforms.aicore.dialect.repository import is_synced, sent_path
from cicd.platforms.aicore.dialect.schema import Artifact, Execution, Schedule
from cicd.platforms.aicore.dialect.secrets import with_uses
from cicd.platforms.aicore.dialect.template import Template

_FLOW_FIELDS = {"file", "template", "python"}
"""What the emulator must know of a flow to stand in for its image."""
_SYNC_SECONDS = 600.0


def build(draft: Draft) -> Built:
    """What a draft without errors asks for."""
    file = draft.file
    group = group_of(draft)
    supplies = supplies_of(draft, frozenset({group.key}))
    synced = _git_resources(draft, frozenset({group.key}))
    before = frozenset({group.key, *(r.key for r in synced)})
    supplied = before | {resource.key for resource in supplies}
    resources = [group, *supplies, *synced]
    for index, artifact in enumerate(file.artifacts):
        resources.append(_artifact(draft, index, artifact, before))
    for run in draft.runs:
        # what the platform brings along needs no template: a broken sync must not hold it up
        unneeded = frozenset(r.key for r in synced) if _is_platforms(draft, run) else frozenset()
        configuration = _configuration(draft, run, before - unneeded)
        resources += [
            configuration,
            *_run_resources(draft, run, configuration, supplied - unneeded),
        ]
    for index, schedule in enumerate(file.schedules):
        resources.append(_schedule(draft, index, schedule, before))
    return Built(
        target=_target(draft),
        resources=with_uses(draft, resources),
        scope=(draft.resource_group,),
        local={
            "flows": [_for_emulator(flow) for flow in file.flows],
            "pull_secrets": sorted(_pull_secrets(draft)),
        },
        programs=tuple(template.program for template in draft.catalogue.templates),
    )


def _for_emulator(flow: FlowSettings) -> dict[str, Any]:
    return {name: getattr(flow, name) for name in sorted(_FLOW_FIELDS)}


def _pull_secrets(draft: Draft) -> set[str]:
    """The secrets that templates pull images with: nobody pulls any for the emulator."""
    named = (key for template in draft.catalogue.templates for key in template.secrets)
    return {key.name for key in named if key.kind == "docker_registry_secret"}


def _is_platforms(draft: Draft, run: Run) -> bool:
    """Whether its executable is one of those that AI Core has without any template."""
    is_theirs = run.configuration.scenario_id in PLATFORM_SCENARIOS
    template = draft.catalogue.find(run.configuration.executable_id)
    return is_theirs and (template is None or template.scenario_id != run.configuration.scenario_id)


def _target(draft: Draft) -> dict[str, str]:
    url = draft.file.aicore.launchpad_url
    return {"resource_group": draft.resource_group, **({"launchpad_url": url} if url else {})}


def _git_resources(draft: Draft, before: frozenset[Key]) -> list[Resource]:
    """The application that syncs the templates, and the repository it syncs from.

    With an override templates always need one, as nothing else brings them to the emulator.
    """
    file, override = draft.file.git, draft.override
    if file is None and not (override and draft.catalogue.templates):
        return []
    url = override.repository if override else file.repository if file else None
    resources = []
    if url:
        shown = url if override else draft.hidden(url, "git", "repository")
        spec: dict[str, Any] = {"name": repository_name(url), "url": shown}
        if override is None and file and file.username and file.password:
            spec |= {"username": file.username, "password": file.password}
        source = str(draft.place("git", "repository"))
        key = Key("repository", spec["name"])
        resources.append(Resource(key, spec, depends_on=before, source=source))
    needed = before | {resource.key for resource in resources}
    spec = _application_spec(draft, url)
    key = Key("application", spec["name"])
    source = str(draft.place("git", "application"))
    return [*resources, Resource(key, spec, Options(timeout=_SYNC_SECONDS), needed, source)]


def _application_spec(draft: Draft, url: str | None) -> dict[str, Any]:
    file, git, override = draft.file.git, draft.git, draft.override
    revision = _revision(draft)
    path = file.path if file else "templates"
    commit = _commit_of(revision, git) if is_synced(git, url, path) else ""
    if override:
        revision, commit = override.revision, override.commit
    else:
        path = sent_path(git, url, path)
    name = file.application if file else f"cicd-{slug(draft.name)}"[:54].strip("-")
    spec: dict[str, Any] = {"name": name}
    if url:
        spec["repository"] = url if override else draft.hidden(url, "git", "repository")
    shown = draft.hidden(path, "git", "path") if file else path
    spec |= {"path": shown, "revision": revision}
    if commit:
        spec["commit"] = commit
    if commit and is_held(draft):
        spec["pinned"] = True  # a branch would bring by itself what nobody has let through
    spec["executables"] = {
        template.executable_id: _interface(template) for template in draft.catalogue.templates
    }
    return spec


def _revision(draft: Draft) -> str | Hidden:
    """The branch, tag or commit that AI Core syncs."""
    file = draft.file
    if file.git and file.git.revision:
        named = draft.hidden(file.git.revision, "git", "revision")
    else:
        named = draft.hidden(file.branch, "branch")
    return named or draft.git.branch or "HEAD"


def _interface(template: Template) -> dict[str, Any]:
    """What the platform will show of a template once it is synced."""
    return {
        "version": template.version,
        "kind": template.kind,
        "scenario_id": template.scenario_id,
        "parameters": dict(template.parameters),
        "inputs": sorted(template.input_artifacts),
        "outputs": sorted(template.output_artifacts),
    }


def _commit_of(revision: str | Hidden, git: GitFacts) -> str:
    """The commit that a revision should be at: the one at hand where that is checked out, or nobody
    knows the branch; of a tag the one that it is at here; empty for any other branch."""
    if not git.branch or revision in {git.branch, git.commit, "HEAD"}:
        return git.commit
    return git.tags.get(str(revision).removeprefix("refs/tags/"), "")


def _artifact(draft: Draft, index: int, item: Artifact, before: frozenset[Key]) -> Resource:
    path = ("artifacts", index)
    spec: dict[str, Any] = {
        "name": item.name,
        "kind": item.kind,
        "url": draft.hidden(item.url, *path, "url"),
        "scenario_id": item.scenario_id,
    }
    for name, value in (("labels", item.labels), ("description", item.description)):
        if value is not None:
            spec[name] = draft.hidden(value, *path, name)
    source = str(draft.place(*path))
    return Resource(Key("artifact", item.key), spec, depends_on=before, source=source)


def _run_resources(
    draft: Draft, run: Run, configuration: Resource, supplied: frozenset[Key]
) -> list[Resource]:
    """The run or deployment, and the destination that points to it. ``supplied``: what both need,
    secrets and nodes too, as nothing may start without them."""
    item = run.item
    spec = _started(run, configuration.key)
    source = str(draft.place(*run.path))
    if isinstance(item, Execution):
        # the template decides what a configuration does
        template = draft.template_of(run)
        sources = {template.file: template.digest} if template else {}
        # With a salt of its own nobody can tell that two runs take in the same hidden value.
        salt = f"{draft.name} {run.key}"
        spec |= inputs_of(draft, salt, configuration.spec, item.watch, sources)
        options = replace(options_of(draft, run.path, item), wait_for=item.wait_for_status)
        return [Resource(run.key, spec, options, supplied, source)]
    if item.ttl:
        spec["ttl"] = draft.hidden(item.ttl, *run.path, "ttl")
    options = replace(
        options_of(draft, run.path, item),
        wait_for=item.wait_for_status,
        existing_id=item.existing_deployment_id,
        drain=float(seconds(item.drain)),
    )
    deployment = Resource(run.key, spec, options, supplied, source)
    if not item.destination_name:
        return [deployment]
    destination = Resource(
        Key("destination", item.destination_name),
        {"name": item.destination_name, "url": Ref(run.key, "url")},
        depends_on=frozenset({Key("resource_group", draft.resource_group), run.key}),
        source=str(draft.place(*run.path, "destination_name")),
    )
    return [deployment, destination]


def _started(run: Run, configuration: Key) -> dict[str, Any]:
    """What everything says that starts a configuration, be it now or on Sundays."""
    return {
        "configuration": Ref(configuration),
        "configuration_name": run.configuration.name,
        "scenario_id": run.configuration.scenario_id,
        "executable_id": run.configuration.executable_id,
    }


def _schedule(draft: Draft, index: int, item: Schedule, before: frozenset[Key]) -> Resource:
    """Comes after its execution: what fails when it is tried is not repeated every week."""
    run = draft.runs_by_key[Key("execution", item.execution)]
    spec: dict[str, Any] = {
        "name": item.name,
        **_started(run, _configuration_key(draft, run)),
        "cron": draft.hidden(item.cron, "schedules", index, "cron"),
        "active": item.active,
    }
    for name, text in (("start", item.start), ("end", item.end)):
        if text:
            spec[name] = draft.hidden(text, "schedules", index, name)
    key = Key("schedule", schedule_name(item))
    source = str(draft.place("schedules", index))
    return Resource(key, spec, depends_on=before | {run.key}, source=source)


def _configuration_key(draft: Draft, run: Run) -> Key:
    other = Key("deployment" if run.kind == "execution" else "execution", run.name)
    is_shared = other in draft.runs_by_key
    return Key("configuration", f"{run.name}.{run.kind}" if is_shared else run.name)


def _configuration(draft: Draft, run: Run, before: frozenset[Key]) -> Resource:
    file, path = run.configuration, (*run.path, "configuration")
    inputs = {
        key: input_source(value, draft.artifact_keys)
        for key, value in file.input_artifact_bindings.items()
    }
    spec = {
        "name": file.name,
        "scenario_id": file.scenario_id,
        "executable_id": file.executable_id,
        "parameter_bindings": draft.hidden(file.parameter_bindings, *path, "parameter_bindings"),
        "input_artifact_bindings": inputs,
    }
    source = str(draft.place(*path))
    return Resource(_configuration_key(draft, run), spec, depends_on=before, source=source)
