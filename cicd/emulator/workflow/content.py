"""What can only be judged once the shape of a WorkflowTemplate is right."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from cicd.emulator.workflow.conditions import BadCondition
from cicd.emulator.workflow.depends import in_order
from cicd.emulator.workflow.names import own_names, raw_calls, tag_problems, unknown
from cicd.emulator.workflow.program import Program, Template, duration
from cicd.emulator.workflow.reading import read
from cicd.emulator.workflow.retries import POLICIES
from cicd.emulator.workflow.shape import container_problems

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,127}")
LOOPS = ("withItems", "withParam", "withSequence")
SOURCES = ("from", "fromExpression", "raw", "http", "s3")


def content_problems(document: Mapping[str, Any]) -> list[str]:
    """One line with its path for everything that cannot be carried out; defaults are merged."""
    spec = document["spec"]
    found: list[str] = list(volume_problems(spec, [], "spec"))
    if found:
        return found
    found += _parallelism_problems(spec, "spec")
    for index, item in enumerate(spec["templates"]):
        path = f"spec.templates[{index}]"
        found += _parallelism_problems(item, path)
        found += volume_problems(item, spec.get("volumeClaimTemplates") or [], path)
        found += _time_problems(item, path)
        found += _artifact_problems(item, path)
        found += _pod_problems(item, spec, path)
        found += _shape_of_calls(item, path)
    if found:
        return found
    try:
        program = read(document)
    except BadCondition as error:
        return [f"spec.templates: dag.target: {error}"]
    if program.entrypoint not in program.templates:
        found.append(f"spec.entrypoint: template {program.entrypoint!r} does not exist")
    found += _hook_problems(spec, program, "spec")
    for index, item in enumerate(spec["templates"]):
        path = f"spec.templates[{index}]"
        template = program.templates[item["name"]]
        found += _call_problems(item, template, program, path)
        found += tag_problems(item, template, program, path)
    return found


def _pod_problems(item: Mapping[str, Any], spec: Mapping[str, Any], path: str) -> Iterator[str]:
    """Everything about the containers of a template."""
    claims = [claim["metadata"]["name"] for claim in spec.get("volumeClaimTemplates") or ()]
    volumes = [*(spec.get("volumes") or ()), *(item.get("volumes") or ())]
    names = {*claims, *(volume.get("name") for volume in volumes)}
    for kind in ("container", "script"):
        if item.get(kind):
            yield from _container_problems(item[kind], names, f"{path}.{kind}")
    for kind in ("initContainers", "sidecars"):
        for index, container in enumerate(item.get(kind) or ()):
            where = f"{path}.{kind}[{index}]"
            if not NAME.fullmatch(str(container.get("name") or "")):
                yield f"{where}.name: is missing or not a name"
            yield from _container_problems(container, names, where)
        if item.get(kind) and not (item.get("container") or item.get("script")):
            yield f"{path}.{kind}: only beside a container or script"


def _container_problems(
    container: Mapping[str, Any], volumes: set[Any], path: str
) -> Iterator[str]:
    yield from container_problems(container, path)
    if not container.get("command"):
        yield f"{path}.command: is missing; SAP AI Core does not use the image's own"
    yield from mount_problems(container, volumes, path)


def mount_problems(container: Mapping[str, Any], volumes: set[Any], path: str) -> Iterator[str]:
    """What is wrong with the ``volumeMounts`` of a container; ``volumes``: names of those there."""
    for index, mount in enumerate(container.get("volumeMounts") or ()):
        where = f"{path}.volumeMounts[{index}]"
        if mount.get("name") not in volumes:
            yield f"{where}.name: no volume {mount.get('name')!r} is declared"
        place = str(mount.get("mountPath") or "")
        if not place.startswith("/") or not place.strip("/") or ".." in place.split("/"):
            yield f"{where}.mountPath: must be an absolute path of a folder"
        if _leads_out(mount.get("subPath")):
            yield f"{where}.subPath: leads out of the volume"


def volume_problems(
    holder: Mapping[str, Any], claims: list[Mapping[str, Any]], path: str
) -> Iterator[str]:
    """What is wrong with the ``volumes`` of a holder, and with its claims."""
    claims = claims or holder.get("volumeClaimTemplates") or []
    for index, claim in enumerate(holder.get("volumeClaimTemplates") or ()):
        if not NAME.fullmatch(str((claim.get("metadata") or {}).get("name") or "")):
            yield f"{path}.volumeClaimTemplates[{index}].metadata.name: is missing or not a name"
    names = {(claim.get("metadata") or {}).get("name") for claim in claims}
    for index, volume in enumerate(holder.get("volumes") or ()):
        where = f"{path}.volumes[{index}]"
        if not NAME.fullmatch(str(volume.get("name") or "")):
            yield f"{where}.name: is missing or not a name"
        kinds = [kind for kind in volume if kind != "name"]
        if len(kinds) != 1:
            yield f"{where}: needs one of emptyDir, secret, persistentVolumeClaim"
        claim_name = (volume.get("persistentVolumeClaim") or {}).get("claimName")
        if "persistentVolumeClaim" in volume and claim_name not in names:
            yield f"{where}.persistentVolumeClaim: {claim_name!r} is no volumeClaimTemplate"
        secret = volume.get("secret")
        if "secret" in volume and not (secret or {}).get("secretName"):
            yield f"{where}.secret.secretName: is missing"
        for entry in (secret or {}).get("items") or ():
            if not entry.get("key") or _leads_out(entry.get("path") or "/"):
                yield f"{where}.secret.items: need a key and a path inside of the volume"


def _leads_out(path: Any) -> bool:
    return str(path or "").startswith("/") or ".." in str(path or "").split("/")


def _time_problems(item: Mapping[str, Any], path: str) -> Iterator[str]:
    """Deadlines, suspend, and repetitions."""
    is_leaf = bool(item.get("container") or item.get("script"))
    for key in ("activeDeadlineSeconds", "timeout"):
        if item.get(key) is None:
            continue
        if not is_leaf:
            yield f"{path}.{key}: only where a container runs"
        yield from _unreadable(duration, item[key], f"{path}.{key}")
    suspend = item.get("suspend")
    if suspend is not None:
        if not suspend.get("duration"):
            yield f"{path}.suspend.duration: is missing; nobody can resume it on SAP AI Core"
        yield from _unreadable(duration, suspend.get("duration") or 0, f"{path}.suspend.duration")
    if item.get("retryStrategy") is not None:
        yield from _retry_problems(item["retryStrategy"], f"{path}.retryStrategy")


def _parallelism_problems(holder: Mapping[str, Any], path: str) -> Iterator[str]:
    if holder.get("parallelism") is not None and holder["parallelism"] < 1:
        yield f"{path}.parallelism: must be at least 1"


def _retry_problems(strategy: Mapping[str, Any], path: str) -> Iterator[str]:
    backoff = strategy.get("backoff") or {}
    limit = strategy.get("limit")
    if limit is None and not backoff.get("maxDuration") and not strategy.get("expression"):
        yield f"{path}.limit: must be a whole number; the emulator does not repeat for ever"
    elif limit is not None and not str(limit).isdigit() and "{{" not in str(limit):
        yield f"{path}.limit: must be a whole number"
    if strategy.get("retryPolicy", "Always") not in POLICIES:
        yield f"{path}.retryPolicy: {strategy['retryPolicy']} is not supported by the emulator"
    for key, reader in (("duration", duration), ("factor", float), ("maxDuration", duration)):
        yield from _unreadable(reader, backoff.get(key) or 0, f"{path}.backoff.{key}")


def _unreadable(reader: Callable[[Any], float], value: Any, path: str) -> Iterator[str]:
    if "{{" in str(value):
        return
    try:
        reader(value)
    except (TypeError, ValueError):
        yield f"{path}: cannot read {value!r}"


def _artifact_problems(item: Mapping[str, Any], path: str) -> Iterator[str]:
    has_container = bool(item.get("container") or item.get("script"))
    for part in ("inputs", "outputs"):
        for index, artifact in enumerate((item.get(part) or {}).get("artifacts") or ()):
            where = f"{path}.{part}.artifacts[{index}]"
            place = artifact.get("path") or ""
            if has_container and not place.startswith(("/", "{{")):
                yield f"{where}.path: must be absolute"
            elif place and (place.strip("/") == "" or ".." in place.split("/")):
                yield f"{where}.path: {place} cannot be an artifact"
            yield from _remote_problems(artifact, where)
            source = artifact.get("from") or artifact.get("fromExpression")
            if part == "outputs" and not has_container and not source:
                yield f"{where}.from: is missing"
            if part == "outputs" and has_container and source:
                yield f"{where}.from: only in steps and dag"
    for index, parameter in enumerate((item.get("outputs") or {}).get("parameters") or ()):
        where = f"{path}.outputs.parameters[{index}].valueFrom"
        yield from _output_problems(parameter, item, has_container, where)


def _output_problems(
    parameter: Mapping[str, Any], item: Mapping[str, Any], has_container: bool, path: str
) -> Iterator[str]:
    source = parameter.get("valueFrom") or {}
    if item.get("suspend") is not None:
        if source.get("default", parameter.get("default")) is None:
            yield f"{path}.default: is missing; nobody can supply a value on SAP AI Core"
        return
    keys = {"path"} if has_container else {"parameter", "expression"}
    given = source.keys() & {"path", "parameter", "expression", "supplied"}
    if parameter.get("value") is not None and not given:
        return
    if len(given) != 1 or not given <= keys:
        yield f"{path}: needs {' or '.join(sorted(keys, reverse=True))}"


def _remote_problems(artifact: Mapping[str, Any], path: str) -> Iterator[str]:
    if sum(artifact.get(key) is not None for key in SOURCES) > 1:
        yield f"{path}: has more than one of {', '.join(SOURCES)}"
    url = (artifact.get("http") or {}).get("url")
    if artifact.get("http") is not None and not str(url or "").startswith(
        ("http://", "https://", "{{")
    ):
        yield f"{path}.http.url: must begin with http:// or https://"
    if artifact.get("s3") is not None:
        for key in ("bucket", "key"):
            if not artifact["s3"].get(key):
                yield f"{path}.s3.{key}: is missing; bind an input artifact for the default store"
        for key in ("accessKeySecret", "secretKeySecret"):
            reference = artifact["s3"].get(key) or {}
            if not reference.get("name") or not reference.get("key"):
                yield f"{path}.s3.{key}: needs the name and key of a generic secret"
    if _leads_out(artifact.get("subPath")):
        yield f"{path}.subPath: leads out of the artifact"


def _shape_of_calls(item: Mapping[str, Any], path: str) -> Iterator[str]:
    """What each step or task says about itself."""
    for where, call in raw_calls(item):
        if sum(call.get(key) is not None for key in LOOPS) > 1:
            yield f"{path}.{where}: has more than one of {', '.join(LOOPS)}"
        sequence = call.get("withSequence")
        if sequence is not None and ("count" in sequence) is ("end" in sequence):
            yield f"{path}.{where}.withSequence: needs one of count and end"
        if call.get("depends") and call.get("dependencies"):
            yield f"{path}.{where}: has both depends and dependencies"
        if call.get("depends") and call.get("continueOn"):
            yield f"{path}.{where}: continueOn does not go with depends; use name.Failed there"
        for artifact in (call.get("arguments") or {}).get("artifacts") or ():
            yield from _remote_problems(artifact, f"{path}.{where}.arguments.artifacts")


def _call_problems(
    item: Mapping[str, Any], template: Template, program: Program, path: str
) -> Iterator[str]:
    names: set[str] = set()
    for where, call in raw_calls(item):
        if call["template"] not in program.templates:
            yield f"{path}.{where}.template: template {call['template']!r} does not exist"
        if call["name"] in names or not NAME.fullmatch(call["name"]):
            yield f"{path}.{where}.name: {call['name']!r} is used twice or not a name"
        names.add(call["name"])
        yield from _hook_problems(call, program, f"{path}.{where}")
    targets = str((item.get("dag") or {}).get("target") or "").split()
    if missing := [name for name in targets if name not in names]:
        yield f"{path}.dag.target: task {missing[0]!r} does not exist"
    try:
        in_order(template.tasks)
    except BadCondition as error:
        yield f"{path}.dag.tasks: {error}"


def _hook_problems(holder: Mapping[str, Any], program: Program, path: str) -> Iterator[str]:
    hooks = {
        f"hooks.{name}": hook["template"] for name, hook in (holder.get("hooks") or {}).items()
    }
    if holder.get("onExit"):
        hooks["onExit"] = holder["onExit"]
    for where, name in hooks.items():
        if name not in program.templates:
            yield f"{path}.{where}: template {name!r} does not exist"
    if path == "spec":
        entry = program.templates.get(program.entrypoint)
        known = own_names(entry, program) if entry else set()
        yield from unknown(holder.get("hooks"), known, {}, "", program, "spec.hooks")
