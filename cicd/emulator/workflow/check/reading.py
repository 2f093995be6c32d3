"""From a WorkflowTemplate in which ``check`` found nothing to its Program."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from cicd.emulator.workflow.check.defaults import with_defaults
from cicd.emulator.workflow.check.inline import PLACE
from cicd.emulator.workflow.container_sets import main_of, read_set
from cicd.emulator.workflow.expr.expressions import as_text
from cicd.emulator.workflow.program import (
    Artifact,
    Hook,
    Loop,
    OutputParameter,
    Program,
    Retry,
    Template,
    TemplateCall,
)

DECLARED = ("default", "globalName", "enum", "description")
REMOTES = ("http", "s3")


def read(document: Mapping[str, Any]) -> Program:
    """The program of a WorkflowTemplate in which ``check`` found nothing."""
    spec = with_defaults(document["spec"])
    metadata = _map(document.get("metadata"))
    extra = _map(spec.get("workflowMetadata"))
    deadline = spec.get("activeDeadlineSeconds")
    return Program(
        entrypoint=spec["entrypoint"],
        templates={item["name"]: _template(item, spec) for item in spec["templates"]},
        parameters=_parameters(spec.get("arguments")),
        declared=_declared(spec.get("arguments")),
        artifacts=_artifacts(spec.get("arguments")),
        deadline=None if deadline is None else float(deadline),
        parallelism=spec.get("parallelism"),
        # its own exit hook runs whatever the expression says (operate)
        hooks=tuple(
            replace(hook, expression="") if hook.name == "exit" else hook for hook in _hooks(spec)
        ),
        labels=_texts(metadata.get("labels")) | _texts(extra.get("labels")),
        annotations=_texts(metadata.get("annotations")) | _texts(extra.get("annotations")),
        labels_from={
            str(key): str(_map(source).get("expression") or "")
            for key, source in _map(extra.get("labelsFrom")).items()
        },
        priority="" if spec.get("priority") is None else str(spec["priority"]),
    )


def _template(item: Mapping[str, Any], spec: Mapping[str, Any]) -> Template:
    outputs = item.get("outputs") or {}
    dag = item.get("dag") or {}
    metadata, pod = _map(item.get("metadata")), _map(spec.get("podMetadata"))
    text = json.dumps(item, default=str)
    tasks = tuple(_call(task, text) for task in dag.get("tasks") or ())
    suspend = item.get("suspend")
    container_set = read_set(item)
    return Template(
        name=item["name"],
        parameters=_parameters(item.get("inputs")),
        declared=_declared(item.get("inputs")),
        artifacts=_artifacts(item.get("inputs")),
        output_parameters=tuple(_output(entry) for entry in outputs.get("parameters") or ()),
        output_artifacts=_artifacts(outputs),
        container=main_of(container_set)
        if container_set
        else item.get("container") or item.get("script"),
        source=as_text(item["script"].get("source", "")) if item.get("script") else None,
        container_set=container_set,
        groups=tuple(
            tuple(_call(step, text) for step in group) for group in item.get("steps") or ()
        ),
        tasks=tasks,
        target=as_text(dag.get("target") or ""),
        suspend=None if suspend is None else str(suspend.get("duration") or ""),
        is_inline=PLACE in item,
        is_fail_fast=dag.get("failFast") is not False,
        stops_early=bool(item.get("failFast")),
        parallelism=item.get("parallelism"),
        retry=_retry(item.get("retryStrategy")),
        deadlines={
            key: str(item[key])
            for key in ("activeDeadlineSeconds", "timeout")
            if item.get(key) is not None
        },
        labels=_texts(pod.get("labels")) | _texts(metadata.get("labels")),
        annotations=_texts(pod.get("annotations")) | _texts(metadata.get("annotations")),
        init=tuple(item.get("initContainers") or ()),
        sidecars=tuple(item.get("sidecars") or ()),
        volumes=_volumes(item, spec),
    )


def _volumes(item: Mapping[str, Any], spec: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Name -> what it is; a claim template is a volume of its own name."""
    claims = [claim["metadata"]["name"] for claim in spec.get("volumeClaimTemplates") or ()]
    found: dict[str, Mapping[str, Any]] = {
        name: {"persistentVolumeClaim": {"claimName": name}} for name in claims
    }
    for volume in (*(spec.get("volumes") or ()), *(item.get("volumes") or ())):
        found[volume["name"]] = volume
    return found


def _parameters(holder: Mapping[str, Any] | None) -> dict[str, str | None]:
    return {item["name"]: _value(item) for item in (holder or {}).get("parameters") or ()}


def _declared(holder: Mapping[str, Any] | None) -> dict[str, dict[str, Any]]:
    """What else is said of parameters, as Go's JSON has it."""
    return {
        item["name"]: {
            key: [as_text(value) for value in said] if isinstance(said, list) else as_text(said)
            for key in DECLARED
            if (said := item.get(key)) is not None
        }
        for item in (holder or {}).get("parameters") or ()
    }


def _value(item: Mapping[str, Any]) -> str | None:
    source = item.get("valueFrom") or {}
    for value in (item.get("value"), item.get("default"), source.get("default")):
        if value is not None:
            return as_text(value)
    return None


def _artifacts(holder: Mapping[str, Any] | None) -> tuple[Artifact, ...]:
    return tuple(map(_artifact, (holder or {}).get("artifacts") or ()))


def _artifact(item: Mapping[str, Any]) -> Artifact:
    raw = item.get("raw")
    remote = {key: item[key] for key in REMOTES if item.get(key)}
    return Artifact(
        name=item["name"],
        path=item.get("path") or "",
        source=item.get("from") or "",
        expression=item.get("fromExpression") or "",
        raw=None if raw is None else as_text(raw.get("data") or ""),
        remote=remote or None,
        sub_path=as_text(item.get("subPath") or ""),
        global_name=item.get("globalName") or "",
        is_optional=bool(item.get("optional")),
        is_archived="none" not in (item.get("archive") or {}),
        mode=item.get("mode"),
    )


def _output(item: Mapping[str, Any]) -> OutputParameter:
    source = item.get("valueFrom") or {}
    default = source.get("default", item.get("default"))
    value = item.get("value")
    text = source.get("parameter") or ("" if value is None else as_text(value))
    return OutputParameter(
        name=item["name"],
        path=source.get("path") or "",
        source=text,
        expression=source.get("expression") or "",
        is_fixed=value is not None,
        default=None if default is None else as_text(default),
        global_name=item.get("globalName") or "",
    )


def _call(item: Mapping[str, Any], around: str = "") -> TemplateCall:
    """A step or task; ``around``: the template that it stands in, as JSON."""
    parameters, artifacts = _arguments(item.get("arguments"))
    continues = item.get("continueOn") or {}
    phases = {"Failed": continues.get("failed"), "Error": continues.get("error")}
    return TemplateCall(
        name=item["name"],
        template=item["template"],
        parameters=parameters,
        artifacts=artifacts,
        when=as_text(item.get("when") or ""),
        depends=item.get("depends") or " && ".join(item.get("dependencies") or ()),
        has_depends=bool(item.get("depends")),
        loop=_loop(item),
        continues_on=frozenset(phase for phase, is_on in phases.items() if is_on),
        hooks=_hooks(item),
        keeps_result=_is_asked_for_result(item["name"], around),
    )


def _is_asked_for_result(name: str, text: str) -> bool:
    """Whether ``steps.NAME.outputs.result`` occurs (hasOutputResultRef in operator.go)."""
    quoted = re.escape(str(name))
    pattern = rf"""(?:steps|tasks)(?:\.{quoted}|\[(?:'|\\"){quoted}(?:'|\\")\])\.outputs\.result"""
    return re.search(pattern, text) is not None


def _arguments(
    arguments: Mapping[str, Any] | None,
) -> tuple[dict[str, str], tuple[Artifact, ...]]:
    found = _parameters(arguments)
    return {key: value or "" for key, value in found.items()}, _artifacts(arguments)


def _loop(item: Mapping[str, Any]) -> Loop | None:
    if item.get("withItems") is not None:
        return Loop(items=tuple(item["withItems"]))
    if item.get("withParam") is not None:
        return Loop(param=as_text(item["withParam"]))
    if item.get("withSequence") is not None:
        given = item["withSequence"].items()
        return Loop(sequence={key: as_text(value) for key, value in given if value is not None})
    return None


def _hooks(item: Mapping[str, Any]) -> tuple[Hook, ...]:
    found = []
    if item.get("onExit"):
        found.append(Hook("exit", item["onExit"]))
    for name, hook in (item.get("hooks") or {}).items():
        if name == "exit" and found:
            continue  # onExit goes before it (GetExitHook)
        parameters, artifacts = _arguments(hook.get("arguments"))
        expression = str(hook.get("expression") or "")
        found.append(Hook(name, hook["template"], expression, parameters, artifacts))
    return tuple(found)


def _retry(item: Mapping[str, Any] | None) -> Retry | None:
    if item is None:
        return None
    backoff = item.get("backoff") or {}

    def text(value: Any) -> str:
        return "" if value is None else str(value)

    return Retry(
        limit=text(item.get("limit")),
        policy=item.get("retryPolicy") or "",
        wait=text(backoff.get("duration")),
        factor=text(backoff.get("factor")),
        longest=text(backoff.get("maxDuration")),
        expression=text(item.get("expression")),
        has_backoff=item.get("backoff") is not None,
    )


def _texts(values: Any) -> dict[str, str]:
    return {str(key): as_text(value) for key, value in _map(values).items()}


def _map(value: Any) -> Mapping[str, Any]:
    """Metadata may be anything here: it is the cluster's, and only looked at."""
    return value if isinstance(value, Mapping) else {}
