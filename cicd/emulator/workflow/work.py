"""One container to run: a template with every ``{{…}}`` replaced and every input found."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cicd.emulator.jobs import Node
from cicd.emulator.workflow.expressions import Unresolved, resolve, substitute
from cicd.emulator.workflow.program import Artifact, OutputParameter, Template


@dataclass(frozen=True)
class Run:
    """What is known of a run from outside. ``started`` is RFC 3339, ``inputs`` name -> path."""

    name: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    inputs: Mapping[str, str] = field(default_factory=dict)
    started: str = ""


@dataclass(frozen=True)
class Given:
    """The arguments of one call. An artifact is a path, or raw text (``is_raw``)."""

    parameters: Mapping[str, str] = field(default_factory=dict)
    artifacts: Mapping[str, tuple[str, bool]] = field(default_factory=dict)


@dataclass(frozen=True)
class Input:
    """One input artifact: its place in the container, and a path on the host or its raw text."""

    name: str
    path: str
    source: str = ""
    raw: str | None = None
    is_archived: bool = True


@dataclass(frozen=True)
class Work:
    """Run this container. ``delay`` and ``deadline`` in seconds."""

    node: Node
    container: Mapping[str, Any]
    source: str | None
    inputs: tuple[Input, ...]
    output_parameters: tuple[OutputParameter, ...]
    output_artifacts: tuple[Artifact, ...]
    fields: Mapping[str, str]
    """What fieldRef can ask for."""
    deadline: float | None = None
    delay: float = 0.0
    keeps_result: bool = False


def node_id(run: str, name: str, template: str) -> str:
    """The id of a node, and so its pod name: the run's own for a run of one container."""
    if name == run:
        return run
    return f"{run}-{template}-{hashlib.sha256(name.encode()).hexdigest()[:10]}"


def workflow_scope(run: Run, entrypoint: str) -> dict[str, str]:
    """What ``{{workflow.…}}`` is in every template."""
    scope = {
        "workflow.name": run.name,
        "workflow.uid": str(uuid.uuid5(uuid.NAMESPACE_URL, run.name)),
        "workflow.namespace": "default",
        "workflow.serviceAccountName": "default",
        "workflow.creationTimestamp": run.started,
        "workflow.mainEntrypoint": entrypoint,
    }
    return scope | {f"workflow.parameters.{key}": text for key, text in run.parameters.items()}


def input_scope(template: Template, given: Given) -> dict[str, str]:
    """What ``{{inputs.parameters.…}}`` is in this call. Raises Unresolved for a missing one."""
    scope = {}
    for name, default in template.parameters.items():
        text = given.parameters.get(name, default)
        if text is None:
            raise Unresolved(f"inputs.parameters.{name} of template {template.name} is not given")
        scope[f"inputs.parameters.{name}"] = text
    return scope


def find_inputs(template: Template, given: Given, run: Run) -> dict[str, tuple[str, bool]]:
    """Artifact name -> (path or raw text, is it raw). Raises Unresolved for a missing one.

    An artifact that the caller does not pass is the run's own of that name, as on SAP AI Core.
    """
    found = {}
    for artifact in template.artifacts:
        if artifact.name in given.artifacts:
            found[artifact.name] = given.artifacts[artifact.name]
        elif artifact.raw is not None:
            found[artifact.name] = (artifact.raw, True)
        elif artifact.name in run.inputs:
            found[artifact.name] = (run.inputs[artifact.name], False)
        elif not artifact.is_optional:
            raise Unresolved(
                f"input artifact {artifact.name} of template {template.name} is not bound"
            )
    return found


def make_work(
    node: Node,
    template: Template,
    artifacts: Mapping[str, tuple[str, bool]],
    scope: Mapping[str, str],
    *,
    delay: float = 0.0,
    keeps_result: bool = False,
) -> Work:
    """All that is needed to run the container of ``template``. Raises Unresolved."""
    assert template.container is not None
    scope = {**scope, "pod.name": node.id, "node.name": node.name}
    inputs = tuple(
        _input(artifact, _path(artifact.path, scope), *artifacts[artifact.name])
        for artifact in template.artifacts
        if artifact.name in artifacts
    )
    parameters, outputs = _outputs(template, scope)
    scope |= {f"inputs.artifacts.{item.name}.path": item.path for item in inputs}
    scope |= {f"outputs.artifacts.{item.name}.path": item.path for item in outputs}
    scope |= {f"outputs.parameters.{item.name}.path": item.path for item in parameters}
    container = {key: text for key, text in template.container.items() if key != "source"}
    return Work(
        node=node,
        container=resolve(container, scope),
        source=None if template.source is None else substitute(template.source, scope),
        inputs=inputs,
        output_parameters=parameters,
        output_artifacts=outputs,
        fields=_fields(node, template, scope),
        deadline=template.deadline,
        delay=delay,
        keeps_result=keeps_result,
    )


def _outputs(
    template: Template, scope: Mapping[str, str]
) -> tuple[tuple[OutputParameter, ...], tuple[Artifact, ...]]:
    """What to collect afterwards, with the paths filled in."""
    parameters = tuple(
        OutputParameter(item.name, _path(item.path, scope), "", item.default)
        for item in template.output_parameters
    )
    artifacts = tuple(
        Artifact(item.name, _path(item.path, scope), is_optional=item.is_optional)
        for item in template.output_artifacts
    )
    return parameters, artifacts


def _input(artifact: Artifact, path: str, value: str, is_raw: bool) -> Input:
    return Input(
        name=artifact.name,
        path=path,
        source="" if is_raw else value,
        raw=value if is_raw else None,
        is_archived=artifact.is_archived,
    )


def _path(text: str, scope: Mapping[str, str]) -> str:
    path = substitute(text, scope)
    if not path.startswith("/") or not path.strip("/") or ".." in path.split("/"):
        raise Unresolved(f"{path!r} is no absolute path of a file or folder in the container")
    return path.rstrip("/")


def _fields(node: Node, template: Template, scope: Mapping[str, str]) -> dict[str, str]:
    labels = {
        f"metadata.labels['{key}']": str(value)
        for key, value in {
            "workflows.argoproj.io/workflow": scope["workflow.name"],
            **template.labels,
        }.items()
    }
    return labels | {
        "metadata.name": node.id,
        "metadata.namespace": scope["workflow.namespace"],
        "metadata.uid": str(uuid.uuid5(uuid.NAMESPACE_URL, node.id)),
        "spec.nodeName": "localhost",
        "spec.serviceAccountName": scope["workflow.serviceAccountName"],
        "status.hostIP": "127.0.0.1",
        "status.podIP": "127.0.0.1",
    }
