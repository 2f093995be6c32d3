"""What can only be judged once the shape of a WorkflowTemplate is right."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from cicd.emulator.workflow.check.calls import (
    NAME,
    OUTPUT_SOURCES,
    argument_problems,
    call_problems,
    callee_problems,
    not_given,
)
from cicd.emulator.workflow.check.defaults import PODS, is_pod
from cicd.emulator.workflow.check.inline import placed
from cicd.emulator.workflow.check.names import raw_calls, tag_problems
from cicd.emulator.workflow.check.reading import read
from cicd.emulator.workflow.check.shape import container_problems
from cicd.emulator.workflow.check.upkeep import metric_problems, pod_deletion_problems
from cicd.emulator.workflow.container_sets import set_problems
from cicd.emulator.workflow.program import Program, duration
from cicd.emulator.workflow.retries import POLICIES, WHOLE
from cicd.emulator.workflow.scope import is_key_only

RESERVED = ("init", "main", "wait")
"""Containers that Argo puts into every pod."""
LEAVES = (*PODS, "suspend")
GLOBAL_NAME = re.compile(r"[A-Za-z0-9_-]+")
SOURCES = ("from", "fromExpression", "raw", "http", "s3")


def content_problems(document: Mapping[str, Any]) -> list[str]:
    """One line with its path for everything that cannot be carried out; defaults are merged."""
    spec = document["spec"]
    found: list[str] = list(volume_problems(spec, [], "spec"))
    if found:
        return found
    found += _parallelism_problems(spec, "spec")
    found += pod_deletion_problems(spec)
    found += argument_problems(spec.get("arguments") or {}, "spec.arguments")
    for index, artifact in enumerate((spec.get("arguments") or {}).get("artifacts") or ()):
        found += _remote_problems(artifact, f"spec.arguments.artifacts[{index}]")
    for path, item in placed(spec):
        found += _parallelism_problems(item, path)
        found += volume_problems(item, spec.get("volumeClaimTemplates") or [], path)
        found += _time_problems(item, path)
        found += _artifact_problems(item, path)
        found += _pod_problems(item, spec, path)
        found += metric_problems(item, path)
        found += call_problems(item, path)
        for where, call in raw_calls(item):
            for artifact in (call.get("arguments") or {}).get("artifacts") or ():
                found += _remote_problems(artifact, f"{path}.{where}.arguments.artifacts")
    return found or _program_problems(spec, read(document))


def _program_problems(spec: Mapping[str, Any], program: Program) -> list[str]:
    """What can be said once every template by itself is right."""
    found = [*_entry_problems(spec, program), *_hook_problems(spec, program, "spec")]
    for path, item in placed(spec):
        found += callee_problems(item, program.templates[item["name"]], program, path)
        for where, call in raw_calls(item):
            found += _hook_problems(call, program, f"{path}.{where}")
    return found or list(tag_problems(spec, program))


def _entry_problems(spec: Mapping[str, Any], program: Program) -> Iterator[str]:
    """Whether the templates that the workflow itself calls are there and get what they need."""
    given = {item["name"] for item in (spec.get("arguments") or {}).get("parameters") or ()}
    for key in ("entrypoint", "onExit"):
        callee = program.templates.get(spec.get(key) or "")
        if callee is not None:
            yield from not_given(callee, given, f"spec.{key}")
        elif key == "entrypoint":
            yield f"spec.entrypoint: template {program.entrypoint!r} does not exist"


def _pod_problems(item: Mapping[str, Any], spec: Mapping[str, Any], path: str) -> Iterator[str]:
    """Everything about the containers of a template."""
    claims = [claim["metadata"]["name"] for claim in spec.get("volumeClaimTemplates") or ()]
    volumes = [*(spec.get("volumes") or ()), *(item.get("volumes") or ())]
    names = {*claims, *(volume.get("name") for volume in volumes)}
    for kind in ("container", "script"):
        if item.get(kind):
            yield from _container_problems(item[kind], names, f"{path}.{kind}")
            yield from _place_problems(item, item[kind], path)
    if item.get("containerSet"):
        yield from set_problems(item, f"{path}.containerSet")
        yield from mount_problems(item["containerSet"], names, f"{path}.containerSet")
        for index, container in enumerate(item["containerSet"].get("containers") or ()):
            where = f"{path}.containerSet.containers[{index}]"
            yield from _container_problems(container, names, where)
    seen = set(RESERVED)
    for kind in ("initContainers", "sidecars"):
        for index, container in enumerate(item.get(kind) or ()):
            where = f"{path}.{kind}[{index}]"
            if not NAME.fullmatch(str(container.get("name") or "")):
                yield f"{where}.name: is missing or not a name"
            elif container["name"] in seen:
                yield f"{where}.name: {container['name']!r} is used twice, or Argo's own"
            seen.add(str(container.get("name")))
            yield from _container_problems(container, names, where)
        if item.get(kind) and not is_pod(item):
            yield f"{path}.{kind}: only where a container runs"


def _place_problems(
    item: Mapping[str, Any], container: Mapping[str, Any], path: str
) -> Iterator[str]:
    """Volumes and input artifacts need places of their own."""
    kind = "container" if item.get("container") else "script"
    entries = [
        (f"{path}.{kind}.volumeMounts[{index}].mountPath", entry.get("mountPath"))
        for index, entry in enumerate(container.get("volumeMounts") or ())
    ]
    entries += [
        (f"{path}.inputs.artifacts[{index}].path", entry.get("path"))
        for index, entry in enumerate((item.get("inputs") or {}).get("artifacts") or ())
    ]
    seen: set[str] = set()
    for where, entry in entries:
        place = str(entry or "")
        if place in seen:
            yield f"{where}: {place!r} is the place of two volumes or input artifacts"
        seen.add(place)


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
    is_leaf = is_pod(item)
    for key in ("activeDeadlineSeconds", "timeout"):
        if item.get(key) is None:
            continue
        if not is_leaf and (key == "timeout" or not item.get("suspend")):
            yield f"{path}.{key}: only where a container runs"
        is_number = re.fullmatch(r"[-+]?\d+", str(item[key]).strip()) is not None
        if key == "timeout" and is_number:
            yield f"{path}.timeout: needs a unit: {item[key]}s"
        elif key != "timeout" and not is_number and "{{" not in str(item[key]):
            yield f"{path}.activeDeadlineSeconds: must be a whole number"
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
    if holder.get("parallelism") is not None and any(holder.get(kind) for kind in LEAVES):
        yield f"{path}.parallelism: only in steps and dag"


def _retry_problems(strategy: Mapping[str, Any], path: str) -> Iterator[str]:
    backoff = strategy.get("backoff") or {}
    for key, holder in (("limit", strategy), ("backoff.factor", backoff)):
        number = str(holder.get(key.rpartition(".")[2]) or 0)
        if "{{" not in number and not WHOLE.fullmatch(number):
            yield f"{path}.{key}: must be a whole number"
    if strategy.get("retryPolicy", "Always") not in POLICIES:
        yield f"{path}.retryPolicy: {strategy['retryPolicy']} is not supported by the emulator"
    for key in ("duration", "maxDuration"):
        yield from _unreadable(duration, backoff.get(key) or 0, f"{path}.backoff.{key}")


def _unreadable(reader: Callable[[Any], float], value: Any, path: str) -> Iterator[str]:
    if "{{" in str(value):
        return
    try:
        reader(value)
    except (TypeError, ValueError):
        yield f"{path}: cannot read {value!r}"


def _artifact_problems(item: Mapping[str, Any], path: str) -> Iterator[str]:
    has_container = is_pod(item)
    for part in ("inputs", "outputs"):
        for index, artifact in enumerate((item.get(part) or {}).get("artifacts") or ()):
            where = f"{path}.{part}.artifacts[{index}]"
            place = artifact.get("path") or ""
            if has_container and not place.startswith(("/", "{{")):
                yield f"{where}.path: must be absolute"
            elif place and (place.strip("/") == "" or _climbs_out(place)):
                yield f"{where}.path: {place} cannot be an artifact"
            elif place and not has_container:
                yield f"{where}.path: only where a container runs"
            yield from _remote_problems(artifact, where)
            if part == "outputs" and not is_key_only(artifact.get("s3") or {"key": ""}):
                yield f"{where}.s3: say the key alone: outputs go to the store called default"
            source = artifact.get("from") or artifact.get("fromExpression")
            yield from _global_name_problems(artifact, where)
            if part == "outputs" and not has_container and not source:
                yield f"{where}.from: is missing"
            if part == "outputs" and has_container and source:
                yield f"{where}.from: only in steps and dag"
    git = (item.get("archiveLocation") or {}).get("git")
    if git is not None and not git.get("repo"):
        yield f"{path}.archiveLocation.git.repo: is missing"
    for index, parameter in enumerate((item.get("outputs") or {}).get("parameters") or ()):
        where = f"{path}.outputs.parameters[{index}]"
        yield from _global_name_problems(parameter, where)
        yield from _output_problems(parameter, item, has_container, where)


def _output_problems(
    parameter: Mapping[str, Any], item: Mapping[str, Any], has_container: bool, path: str
) -> Iterator[str]:
    """An output parameter has a value, or one place where it comes from."""
    source = parameter.get("valueFrom")
    if source is None and parameter.get("value") is None:
        yield f"{path}: needs valueFrom or value"
    if source is None:
        return
    if parameter.get("value") is not None:
        yield f"{path}: has both valueFrom and value"
    given = [key for key in OUTPUT_SOURCES if source.get(key)]
    given += ["supplied"] if source.get("supplied") is not None else []
    keys: tuple[str, ...] = ("path",) if has_container else ("parameter", "expression")
    if item.get("suspend") is not None:
        keys = ("supplied", *OUTPUT_SOURCES)
        if source.get("default", parameter.get("default")) is None:
            yield f"{path}.valueFrom.default: is missing; nobody can supply a value on SAP AI Core"
    if len(given) != 1 or given[0] not in keys:
        yield f"{path}.valueFrom: needs one of {', '.join(keys)}"


def _global_name_problems(output: Mapping[str, Any], path: str) -> Iterator[str]:
    name = str(output.get("globalName") or "")
    if name and "{{" not in name and not GLOBAL_NAME.fullmatch(name):
        yield f"{path}.globalName: {name!r} is not a name"


def _climbs_out(place: str) -> bool:
    """Whether ``..`` leads out of the folder that stands before it."""
    before, dots, _ = f"{place}/".partition("/../")
    return bool(before and dots) and not posixpath.normpath(place).startswith(f"{before}/")


def _remote_problems(artifact: Mapping[str, Any], path: str) -> Iterator[str]:
    if sum(artifact.get(key) is not None for key in SOURCES) > 1:
        yield f"{path}: has more than one of {', '.join(SOURCES)}"
    url = (artifact.get("http") or {}).get("url")
    if artifact.get("http") is not None and not str(url or "").startswith(
        ("http://", "https://", "{{")
    ):
        yield f"{path}.http.url: must begin with http:// or https://"
    if artifact.get("s3") is not None and not artifact["s3"].get("key"):
        yield f"{path}.s3.key: is missing"
    elif artifact.get("s3") is not None and not is_key_only(artifact["s3"]):
        if not artifact["s3"].get("bucket"):
            yield f"{path}.s3.bucket: is missing; only with a key alone it is the default store's"
        for key in ("accessKeySecret", "secretKeySecret"):
            reference = artifact["s3"].get(key) or {}
            if not reference.get("name") or not reference.get("key"):
                yield f"{path}.s3.{key}: needs the name and key of a generic secret"
    if _leads_out(artifact.get("subPath")):
        yield f"{path}.subPath: leads out of the artifact"


def _hook_problems(holder: Mapping[str, Any], program: Program, path: str) -> Iterator[str]:
    hooks = {
        f"hooks.{name}": hook["template"] for name, hook in (holder.get("hooks") or {}).items()
    }
    if holder.get("onExit"):
        hooks["onExit"] = holder["onExit"]
    for where, name in hooks.items():
        if name not in program.templates:
            yield f"{path}.{where}: template {name!r} does not exist"
