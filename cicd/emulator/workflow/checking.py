"""``check``: everything in a WorkflowTemplate that the emulator cannot do, each with its path."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from cicd.emulator.workflow.conditions import BadCondition, operands
from cicd.emulator.workflow.depends import in_order
from cicd.emulator.workflow.expressions import tags
from cicd.emulator.workflow.program import Program, Template, duration, read
from cicd.emulator.workflow.shape import (
    ANY,
    CONTAINER,
    FLAG,
    NO_EFFECT,
    NUMBER,
    TEXT,
    container_problems,
    differences,
)

NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*")
ARTIFACT_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
KINDS = ("container", "script", "steps", "dag")

ARCHIVE = {"none": ANY, "tar": ANY}
PARAMETERS = [{"name": TEXT, "value": TEXT, "default": TEXT, "description": ANY, "enum": ANY}]
ARGUMENTS = {
    "parameters": [{"name": TEXT, "value": TEXT}],
    "artifacts": [{"name": TEXT, "from": TEXT, "raw": {"data": TEXT}, "optional": FLAG}],
}
VOLUMES = [{"name": TEXT, "emptyDir": ANY}]
WITH_VOLUMES = {**CONTAINER, "volumeMounts": [{"name": TEXT, "mountPath": TEXT}]}
CALL = {
    "name": TEXT,
    "template": TEXT,
    "arguments": ARGUMENTS,
    "when": TEXT,
}
TASK = {**CALL, "dependencies": [TEXT], "depends": TEXT}
TEMPLATE: dict[str, Any] = {
    **NO_EFFECT,
    "name": TEXT,
    "inputs": {
        "parameters": PARAMETERS,
        "artifacts": [
            {
                "name": TEXT,
                "path": TEXT,
                "optional": FLAG,
                "raw": {"data": TEXT},
                "archive": ARCHIVE,
                "mode": ANY,
                "description": ANY,
            }
        ],
    },
    "outputs": {
        "parameters": [
            {
                "name": TEXT,
                "default": TEXT,
                "description": ANY,
                "valueFrom": {"path": TEXT, "parameter": TEXT, "default": TEXT},
            }
        ],
        "artifacts": [
            {
                "name": TEXT,
                "path": TEXT,
                "from": TEXT,
                "globalName": TEXT,
                "optional": FLAG,
                "archive": ARCHIVE,
                "description": ANY,
            }
        ],
    },
    "container": WITH_VOLUMES,
    "script": {**WITH_VOLUMES, "source": TEXT},
    "volumes": VOLUMES,
    "steps": [[CALL]],
    "dag": {"tasks": [TASK], "failFast": FLAG},
    "retryStrategy": {
        "limit": TEXT,
        "retryPolicy": TEXT,
        "backoff": {"duration": TEXT, "factor": TEXT},
        "affinity": ANY,
    },
    "activeDeadlineSeconds": NUMBER,
}
SPEC = {
    **NO_EFFECT,
    "entrypoint": TEXT,
    "arguments": {
        "parameters": PARAMETERS,
        "artifacts": [{"name": TEXT, "path": ANY, "archive": ANY, "description": ANY}],
    },
    "templates": [TEMPLATE],
    "volumes": VOLUMES,
    "activeDeadlineSeconds": NUMBER,
    "parallelism": NUMBER,
    "archiveLogs": ANY,
    "artifactGC": ANY,
    "ttlStrategy": ANY,
    "podDisruptionBudget": ANY,
    "workflowMetadata": ANY,
}
DOCUMENT = {"apiVersion": TEXT, "kind": TEXT, "metadata": ANY, "spec": SPEC, "status": ANY}

WORKFLOW_TAGS = {
    "name",
    "uid",
    "namespace",
    "serviceAccountName",
    "creationTimestamp",
    "mainEntrypoint",
}
POD_TAGS = {"pod.name", "node.name", "retries"}


def check(document: Any) -> list[str]:
    """What is wrong with a WorkflowTemplate or beyond the emulator, one line each with its path.

    An empty list means that it can be run; parameters without a value come out only then.
    """
    if not isinstance(document, Mapping) or not isinstance(document.get("spec"), Mapping):
        return ["spec: is missing or no map"]
    found = list(differences(document, DOCUMENT, ""))
    found = [message.removeprefix(".") for message in found]
    found += _outline(document["spec"])
    return found or _content(document)


def _outline(spec: Mapping[str, Any]) -> list[str]:
    """Names, and one kind per template: what must hold before the program can be read."""
    templates = spec.get("templates")
    if not isinstance(templates, list) or not templates:
        return ["spec.templates: is missing or empty"]
    if not all(isinstance(item, Mapping) for item in templates):
        return []
    found = [] if spec.get("entrypoint") else ["spec.entrypoint: is missing"]
    found += _names(spec.get("arguments"), "spec.arguments")
    seen: set[str] = set()
    for index, item in enumerate(templates):
        path, name = f"spec.templates[{index}]", str(item.get("name") or "")
        if not NAME.fullmatch(name) or name in seen:
            found.append(f"{path}.name: is missing, not a name, or used twice")
        seen.add(name)
        kinds = [kind for kind in KINDS if item.get(kind)]
        if len(kinds) != 1:
            found.append(f"{path}: needs exactly one of {', '.join(KINDS)}")
        for part in ("inputs", "outputs"):
            found += _names(item.get(part), f"{path}.{part}")
        for where, call in _calls(item):
            for key in ("name", "template"):
                if not call.get(key):
                    found.append(f"{path}.{where}.{key}: is missing")
            found += _names(call.get("arguments"), f"{path}.{where}.arguments")
    return found


def _names(holder: Any, path: str) -> Iterator[str]:
    """Entries of ``parameters`` and ``artifacts`` without a usable name."""
    for part in ("parameters", "artifacts"):
        items = holder.get(part) if isinstance(holder, Mapping) else None
        for index, item in enumerate(items if isinstance(items, list) else ()):
            name = str(item.get("name") or "") if isinstance(item, Mapping) else "-"
            if not name:
                yield f"{path}.{part}[{index}].name: is missing"
            elif part == "artifacts" and name != "-" and not ARTIFACT_NAME.fullmatch(name):
                yield f"{path}.{part}[{index}].name: {name!r} is not a name"


def _calls(item: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every step and task of a raw template with its path below the template."""
    steps = item.get("steps")
    for row, group in enumerate(steps if isinstance(steps, list) else ()):
        for column, call in enumerate(group if isinstance(group, list) else ()):
            if isinstance(call, Mapping):
                yield f"steps[{row}][{column}]", call
    dag = item.get("dag")
    tasks = dag.get("tasks") if isinstance(dag, Mapping) else None
    for index, call in enumerate(tasks if isinstance(tasks, list) else ()):
        if isinstance(call, Mapping):
            yield f"dag.tasks[{index}]", call


def _content(document: Mapping[str, Any]) -> list[str]:
    """What can only be judged once the shape is right."""
    spec = document["spec"]
    found: list[str] = []
    for index, item in enumerate(spec["templates"]):
        path = f"spec.templates[{index}]"
        found += _retry_problems(item, path)
        found += _artifact_problems(item, path)
        volumes = [*(spec.get("volumes") or ()), *(item.get("volumes") or ())]
        for kind in ("container", "script"):
            if item.get(kind):
                found += _container_problems(item[kind], volumes, f"{path}.{kind}")
    if found:
        return found
    program = read(document)
    if program.entrypoint not in program.templates:
        found.append(f"spec.entrypoint: template {program.entrypoint!r} does not exist")
    for index, item in enumerate(spec["templates"]):
        path = f"spec.templates[{index}]"
        template = program.templates[item["name"]]
        found += _call_problems(item, template, program, path)
        found += _tag_problems(item, template, program, path)
    return found + _recursion(program)


def _container_problems(
    container: Mapping[str, Any], volumes: Iterable[Mapping[str, Any]], path: str
) -> Iterator[str]:
    yield from container_problems(container, path)
    if not container.get("command"):
        yield f"{path}.command: is missing; SAP AI Core does not use the image's own"
    names = {volume.get("name") for volume in volumes if "emptyDir" in volume}
    for index, mount in enumerate(container.get("volumeMounts") or ()):
        where = f"{path}.volumeMounts[{index}]"
        if mount.get("name") not in names:
            yield f"{where}.name: no emptyDir volume {mount.get('name')!r} is declared"
        place = str(mount.get("mountPath") or "")
        if not place.startswith("/") or not place.strip("/") or ".." in place.split("/"):
            yield f"{where}.mountPath: must be an absolute path of a folder"


def _retry_problems(item: Mapping[str, Any], path: str) -> Iterator[str]:
    strategy = item.get("retryStrategy")
    if strategy is None:
        return
    path += ".retryStrategy"
    if not str(strategy.get("limit", "")).isdigit():
        yield f"{path}.limit: must be a whole number; the emulator does not repeat for ever"
    if strategy.get("retryPolicy", "Always") not in {"Always", "OnFailure", "OnError"}:
        yield f"{path}.retryPolicy: {strategy['retryPolicy']} is not supported by the emulator"
    backoff = strategy.get("backoff") or {}
    for key, reader in (("duration", duration), ("factor", float)):
        if not _is_readable(reader, backoff.get(key) or 0):
            yield f"{path}.backoff.{key}: cannot read {backoff[key]!r}"


def _is_readable(reader: Callable[[Any], float], value: Any) -> bool:
    try:
        reader(value)
    except ValueError:
        return False
    return True


def _artifact_problems(item: Mapping[str, Any], path: str) -> Iterator[str]:
    has_container = bool(item.get("container") or item.get("script"))
    for part in ("inputs", "outputs"):
        for index, artifact in enumerate((item.get(part) or {}).get("artifacts") or ()):
            where = f"{path}.{part}.artifacts[{index}]"
            place = artifact.get("path") or ""
            if has_container and not place.startswith("/"):
                yield f"{where}.path: must be absolute"
            elif place and (place.strip("/") == "" or ".." in place.split("/")):
                yield f"{where}.path: {place} cannot be an artifact"
            if part == "outputs" and not has_container and not artifact.get("from"):
                yield f"{where}.from: is missing"
            if part == "outputs" and has_container and artifact.get("from"):
                yield f"{where}.from: only in steps and dag"
    for index, parameter in enumerate((item.get("outputs") or {}).get("parameters") or ()):
        key = "path" if has_container else "parameter"
        source = parameter.get("valueFrom") or {}
        if not source.get(key) or len(source.keys() & {"path", "parameter"}) > 1:
            yield f"{path}.outputs.parameters[{index}].valueFrom: needs {key}"


def _call_problems(
    item: Mapping[str, Any], template: Template, program: Program, path: str
) -> Iterator[str]:
    names: set[str] = set()
    for where, call in _calls(item):
        if call["template"] not in program.templates:
            yield f"{path}.{where}.template: template {call['template']!r} does not exist"
        if call["name"] in names or not NAME.fullmatch(call["name"]):
            yield f"{path}.{where}.name: {call['name']!r} is used twice or not a name"
        names.add(call["name"])
        if call.get("depends") and call.get("dependencies"):
            yield f"{path}.{where}: has both depends and dependencies"
        if call.get("when"):
            try:
                operands(str(call["when"]))
            except BadCondition as error:
                yield f"{path}.{where}.when: {error}"
    try:
        in_order(template.tasks)
    except BadCondition as error:
        yield f"{path}.dag.tasks: {error}"


def _tag_problems(
    item: Mapping[str, Any], template: Template, program: Program, path: str
) -> Iterator[str]:
    calls = {call["name"]: call["template"] for _, call in _calls(item)}
    prefix = "steps." if template.groups else "tasks."
    # labels and the like are not substituted, so what stands there cannot matter
    relevant = {key: value for key, value in item.items() if key not in NO_EFFECT}
    for tag in dict.fromkeys(tags(relevant)):
        if tag.startswith("="):
            yield f"{path}: {{{{{tag}}}}}: expressions are not supported by the emulator"
        elif tag.startswith(prefix) and calls:
            if not _is_known_call_tag(tag.removeprefix(prefix), calls, program):
                yield f"{path}: {{{{{tag}}}}} names no such step or output"
        elif tag not in _own_tags(template, program):
            yield f"{path}: {{{{{tag}}}}} is not known here"


def _own_tags(template: Template, program: Program) -> set[str]:
    known = {f"workflow.{word}" for word in WORKFLOW_TAGS}
    known |= {f"inputs.parameters.{name}" for name in template.parameters}
    known |= {f"workflow.parameters.{name}" for name in program.parameters}
    if template.container is None:
        return known | {f"inputs.artifacts.{artifact.name}" for artifact in template.artifacts}
    known |= POD_TAGS
    known |= _paths("inputs", template.artifacts) | _paths("outputs", template.output_artifacts)
    return known | {f"outputs.parameters.{item.name}.path" for item in template.output_parameters}


def _paths(part: str, items: Iterable[Any]) -> set[str]:
    return {f"{part}.artifacts.{item.name}.path" for item in items}


def _is_known_call_tag(rest: str, calls: Mapping[str, str], program: Program) -> bool:
    name, _, what = rest.partition(".")
    callee = program.templates.get(calls.get(name, ""))
    if callee is None:
        return False
    known = {"id", "status", "exitCode"} | ({"outputs.result"} if callee.container else set())
    known |= {f"outputs.parameters.{item.name}" for item in callee.output_parameters}
    known |= {f"outputs.artifacts.{item.name}" for item in callee.output_artifacts}
    return what in known


def _recursion(program: Program) -> list[str]:
    """A template that calls itself, however indirectly."""
    called = {
        name: {call.template for group in (*template.groups, template.tasks) for call in group}
        for name, template in program.templates.items()
    }
    for start in called:
        reached, todo = set(), list(called[start])
        while todo:
            name = todo.pop()
            if name not in reached:
                reached.add(name)
                todo.extend(called.get(name, ()))
        if start in reached:
            return [f"spec.templates: {start!r} calls itself: not supported by the emulator"]
    return []
