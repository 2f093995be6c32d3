"""One container to run: a template with every ``{{…}}`` replaced and every input found."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from cicd.emulator.jobs import Node
from cicd.emulator.workflow.container_sets import retries_of
from cicd.emulator.workflow.expr.expressions import Unresolved, calculate, resolve, substitute
from cicd.emulator.workflow.expr.formatting import printed
from cicd.emulator.workflow.program import Artifact, OutputParameter, Template, duration
from cicd.emulator.workflow.scope import Content


@dataclass(frozen=True)
class Input:
    """One input artifact: its place in the container, and what it is."""

    name: str
    path: str
    content: Content
    is_archived: bool = True
    is_optional: bool = False
    mode: int | None = None


@dataclass(frozen=True)
class Work:
    """Run this container, after ``init`` and beside ``sidecars``.

    ``deadline`` in seconds, ``deadline_name``: the field that sets it. ``volumes``: name -> what it
    is. ``fields``: what fieldRef can ask for.
    """

    node: Node
    container: Mapping[str, Any]
    source: str | None
    inputs: tuple[Input, ...]
    output_parameters: tuple[OutputParameter, ...]
    output_artifacts: tuple[Artifact, ...]
    fields: Mapping[str, str]
    init: tuple[Mapping[str, Any], ...] = ()
    sidecars: tuple[Mapping[str, Any], ...] = ()
    volumes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    deadline: float | None = None
    deadline_name: str = ""
    keeps_result: bool = False
    members: tuple[Mapping[str, Any], ...] = ()
    """The containers of a set, ``container`` among them; each is tried ``tries`` times, ``pause``
    seconds apart."""
    tries: int = 1
    pause: float = 0.0


def node_id(run: str, name: str, template: str) -> str:
    """The id of a node, and so its pod name: the run's own for a run of one container."""
    if name == run:
        return run
    return f"{run}-{template}-{hashlib.sha256(name.encode()).hexdigest()[:10]}"


def collect(
    parameters: Sequence[OutputParameter],
    artifacts: Sequence[Artifact],
    texts: Mapping[str, str],
    paths: Mapping[str, str],
) -> dict[str, Any]:
    """A node's outputs from the values of its parameters and the paths of its artifacts, those
    with a globalName once more under that."""
    shared = {
        "parameters": {
            item.global_name: texts[item.name]
            for item in parameters
            if item.global_name and item.name in texts
        },
        "artifacts": {
            item.global_name: {"path": paths[item.name], "archived": item.is_archived}
            for item in artifacts
            if item.global_name and item.name in paths
        },
    }
    found: dict[str, Any] = {"parameters": dict(texts), "artifacts": dict(paths)}
    return found | ({"globals": shared} if any(shared.values()) else {})


def make_work(
    node: Node,
    template: Template,
    artifacts: Mapping[str, Content],
    scope: Mapping[str, str],
    *,
    keeps_result: bool = False,
) -> Work:
    """All that is needed to run the container of ``template``. Raises Unresolved."""
    assert template.container is not None
    scope = {**scope, "pod.name": node.id}
    # only a step takes an artifact by that name; Argo leaves it as it is
    scope |= {
        tag: f"{{{{{tag}}}}}" for tag in (f"inputs.artifacts.{a.name}" for a in template.artifacts)
    }
    inputs = _inputs(template, artifacts, scope)
    parameters, outputs = named_outputs(template, scope, has_paths=True)
    scope |= _paths(template, parameters, outputs, scope)
    container = {key: text for key, text in template.container.items() if key != "source"}
    deadline, name = _deadline(template, scope)
    group = template.container_set
    members = group.containers if group else ()
    tries, pause = retries_of(group, scope) if group else (1, 0.0)
    return Work(
        node=node,
        container=resolve(container, scope),
        source=substitute(template.source or "", scope, "source") or None,
        inputs=inputs,
        output_parameters=parameters,
        output_artifacts=outputs,
        fields=_fields(node, template, scope),
        init=tuple(resolve(item, scope) for item in template.init),
        sidecars=tuple(resolve(item, scope) for item in template.sidecars),
        volumes=resolve(template.volumes, scope),
        deadline=deadline,
        deadline_name=name,
        keeps_result=keeps_result,
        members=tuple(resolve(item, scope) for item in members),
        tries=tries,
        pause=pause,
    )


def _inputs(
    template: Template, artifacts: Mapping[str, Content], scope: Mapping[str, str]
) -> tuple[Input, ...]:
    """The input artifacts that are there, each at its place in the container."""
    return tuple(
        Input(
            artifact.name,
            _path(artifact.path, scope),
            artifacts[artifact.name],
            artifact.is_archived,
            artifact.is_optional,
            artifact.mode,
        )
        for artifact in template.artifacts
        if artifact.name in artifacts
    )


def _paths(
    template: Template,
    parameters: Sequence[OutputParameter],
    outputs: Sequence[Artifact],
    scope: Mapping[str, str],
) -> dict[str, str]:
    """What a container may be told of places. An optional artifact that is not there has its path
    all the same."""
    found = {
        f"inputs.artifacts.{item.name}.path": _path(item.path, scope) for item in template.artifacts
    }
    found |= {f"outputs.artifacts.{item.name}.path": item.path for item in outputs}
    return found | {f"outputs.parameters.{item.name}.path": item.path for item in parameters}


def named_outputs(
    template: Template, scope: Mapping[str, str], *, has_paths: bool
) -> tuple[tuple[OutputParameter, ...], tuple[Artifact, ...]]:
    """What comes out, with paths and global names filled in."""

    def path(text: str) -> str:
        return _path(text, scope) if has_paths and text else ""

    parameters = tuple(
        replace(
            item,
            path=path(item.path),
            # of a container: a value that is known before it runs, like {{pod.name}}
            source=substitute(item.source, scope) if has_paths else item.source,
            global_name=substitute(item.global_name, scope),
        )
        for item in template.output_parameters
    )
    artifacts = tuple(
        replace(
            item,
            path=path(item.path),
            global_name=substitute(item.global_name, scope),
            remote=resolve(item.remote, scope) if item.remote else None,
        )
        for item in template.output_artifacts
    )
    return parameters, artifacts


def valued(item: OutputParameter, scope: Mapping[str, str]) -> str:
    """The value of an output parameter of steps or a dag. Raises Unresolved."""
    if item.is_fixed:
        raise Unresolved(f"{item.name}: output parameters must have a valueFrom specified")
    if not item.expression:
        return substitute(item.source, scope)
    expression = substitute(item.expression, scope)
    try:
        return printed(calculate(expression, scope))
    except ValueError as error:
        raise Unresolved(f"{expression}: {error}") from None


def _deadline(template: Template, scope: Mapping[str, str]) -> tuple[float | None, str]:
    """The closest of all deadlines and the field it comes from."""
    found = []
    for name, text in template.deadlines.items():
        try:
            found.append((duration(substitute(text, scope)), name))
        except ValueError as error:
            raise Unresolved(f"{name}: {error}") from None
    return min(found) if found else (None, "")


def _path(text: str, scope: Mapping[str, str]) -> str:
    path = substitute(text, scope)
    if not path.startswith("/") or not path.strip("/") or ".." in path.split("/"):
        raise Unresolved(f"{path!r} is no absolute path of a file or folder in the container")
    return path.rstrip("/")


def _filled(texts: Mapping[str, str], scope: Mapping[str, str]) -> dict[str, str]:
    """Labels or annotations; a tag that means nothing stays as it is."""
    found = dict(texts)
    for key, text in texts.items():
        with suppress(Unresolved):
            found[key] = substitute(text, scope)
    return found


def _fields(node: Node, template: Template, scope: Mapping[str, str]) -> dict[str, str]:
    own = _filled(template.labels, scope), _filled(template.annotations, scope)
    labels = {"workflows.argoproj.io/workflow": scope["workflow.name"], **own[0]}
    annotations = {"workflows.argoproj.io/node-name": node.name, **own[1]}
    found = {f"metadata.labels['{key}']": text for key, text in labels.items()}
    found |= {f"metadata.annotations['{key}']": text for key, text in annotations.items()}
    return found | {
        "metadata.name": node.id,
        "metadata.namespace": scope["workflow.namespace"],
        "metadata.uid": str(uuid.uuid5(uuid.NAMESPACE_URL, node.id)),
        "spec.nodeName": "localhost",
        "spec.serviceAccountName": scope["workflow.serviceAccountName"],
        "status.hostIP": "127.0.0.1",
        "status.podIP": "127.0.0.1",
    }
