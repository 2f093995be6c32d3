"""What can only be judged once the shape of a WorkflowTemplate is right."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from cicd.emulator.workflow.check.artifacts import (
    argument_artifacts,
    artifact_problems,
    remote_problems,
)
from cicd.emulator.workflow.check.calls import (
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
from cicd.emulator.workflow.check.tables import Item, Rule, broken, each, is_unreadable
from cicd.emulator.workflow.check.upkeep import metric_problems, pod_deletion_problems
from cicd.emulator.workflow.check.volumes import (
    UNNAMED,
    is_no_name,
    mount_problems,
    volume_problems,
)
from cicd.emulator.workflow.container_sets import set_problems
from cicd.emulator.workflow.program import Program
from cicd.emulator.workflow.retries import POLICIES, WHOLE

RESERVED = ("init", "main", "wait")
"""Containers that Argo puts into every pod."""
LEAVES = (*PODS, "suspend")
NUMBER = re.compile(r"[-+]?\d+")
CONTAINERS_ONLY = "only where a container runs"


def is_number(value: Any) -> bool:
    """Whether it is a whole number, or a text that is one."""
    return NUMBER.fullmatch(str(value).strip()) is not None


def is_no_deadline(item: Item, _: object) -> bool:
    """Whether a deadline in seconds is none, and no tag that may become one."""
    value = item.get("activeDeadlineSeconds")
    return value is not None and not is_number(value) and "{{" not in str(value)


def is_no_count(value: Any) -> bool:
    """Whether something is no whole number, and no tag that may become one."""
    return "{{" not in str(value or 0) and not WHOLE.fullmatch(str(value or 0))


def suspend_of(item: Item) -> Item:
    """What a template says of a pause; nothing where it is none."""
    return item.get("suspend") or {}


def backoff_of(strategy: Item) -> Item:
    """How the pauses between repetitions grow."""
    return strategy.get("backoff") or {}


PARALLELISM = (
    Rule(
        "parallelism",
        lambda x, _: x.get("parallelism") is not None and x["parallelism"] < 1,
        "must be at least 1",
    ),
    Rule(
        "parallelism",
        lambda x, _: x.get("parallelism") is not None and any(x.get(kind) for kind in LEAVES),
        "only in steps and dag",
    ),
)
TIMES = (
    Rule(
        "activeDeadlineSeconds",
        lambda x, _: (
            x.get("activeDeadlineSeconds") is not None and not is_pod(x) and not x.get("suspend")
        ),
        CONTAINERS_ONLY,
    ),
    Rule("activeDeadlineSeconds", is_no_deadline, "must be a whole number"),
    Rule(
        "activeDeadlineSeconds",
        lambda x, _: is_unreadable(x.get("activeDeadlineSeconds")),
        "cannot read {activeDeadlineSeconds!r}",
    ),
    Rule(
        "timeout",
        lambda x, _: x.get("timeout") is not None and not is_pod(x),
        CONTAINERS_ONLY,
    ),
    Rule("timeout", lambda x, _: is_number(x.get("timeout")), "needs a unit: {timeout}s"),
    Rule("timeout", lambda x, _: is_unreadable(x.get("timeout")), "cannot read {timeout!r}"),
    Rule(
        "suspend.duration",
        lambda x, _: x.get("suspend") is not None and not suspend_of(x).get("duration"),
        "is missing; nobody can resume it on SAP AI Core",
    ),
    Rule(
        "suspend.duration",
        lambda x, _: is_unreadable(suspend_of(x).get("duration") or 0),
        lambda x, _: f"cannot read {suspend_of(x)['duration']!r}",
    ),
)
RETRY = (
    Rule("limit", lambda x, _: is_no_count(x.get("limit")), "must be a whole number"),
    Rule(
        "backoff.factor",
        lambda x, _: is_no_count(backoff_of(x).get("factor")),
        "must be a whole number",
    ),
    Rule(
        "retryPolicy",
        lambda x, _: x.get("retryPolicy", "Always") not in POLICIES,
        "{retryPolicy} is not supported by the emulator",
    ),
    *(
        Rule(
            f"backoff.{key}",
            lambda x, _, key=key: is_unreadable(backoff_of(x).get(key) or 0),  # type: ignore[misc]
            lambda x, _, key=key: f"cannot read {backoff_of(x)[key]!r}",  # type: ignore[misc]
        )
        for key in ("duration", "maxDuration")
    ),
)
CONTAINER = (
    Rule(
        "command",
        lambda x, _: not x.get("command"),
        "is missing; SAP AI Core does not use the image's own",
    ),
)
BESIDE = (
    Rule("name", is_no_name, UNNAMED),
    Rule(
        "name",
        lambda x, seen: not is_no_name(x, seen) and x["name"] in seen,
        "{name!r} is used twice, or Argo's own",
    ),
)
"""Of the containers beside the main one."""


def content_problems(document: Mapping[str, Any]) -> list[str]:
    """One line with its path for everything that cannot be carried out; defaults are merged."""
    spec = document["spec"]
    found: list[str] = list(volume_problems(spec, [], "spec"))
    if found:
        return found
    found += broken(PARALLELISM, spec, "spec")
    found += pod_deletion_problems(spec)
    found += argument_problems(spec.get("arguments") or {}, "spec.arguments")
    for index, artifact in enumerate(argument_artifacts(spec)):
        found += remote_problems(artifact, f"spec.arguments.artifacts[{index}]")
    for path, item in placed(spec):
        found += template_problems(item, spec, path)
    return found or _program_problems(spec, read(document))


def template_problems(item: Item, spec: Item, path: str) -> Iterator[str]:
    """What is wrong with one template by itself."""
    yield from broken(PARALLELISM, item, path)
    yield from volume_problems(item, spec.get("volumeClaimTemplates") or [], path)
    yield from broken(TIMES, item, path)
    if item.get("retryStrategy") is not None:
        yield from broken(RETRY, item["retryStrategy"], f"{path}.retryStrategy")
    yield from artifact_problems(item, path)
    yield from _pod_problems(item, spec, path)
    yield from metric_problems(item, path)
    yield from call_problems(item, path)
    for where, call in raw_calls(item):
        for artifact in argument_artifacts(call):
            yield from remote_problems(artifact, f"{path}.{where}.arguments.artifacts")


def _pod_problems(item: Item, spec: Item, path: str) -> Iterator[str]:
    """Everything about the containers of a template."""
    claims = [claim["metadata"]["name"] for claim in spec.get("volumeClaimTemplates") or ()]
    volumes = [*(spec.get("volumes") or ()), *(item.get("volumes") or ())]
    names = {*claims, *(volume.get("name") for volume in volumes)}
    for kind in ("container", "script"):
        if item.get(kind):
            yield from _container_problems(item[kind], names, f"{path}.{kind}")
            yield from _place_problems(item, item[kind], path)
    if item.get("containerSet"):
        where = f"{path}.containerSet"
        yield from set_problems(item, where)
        yield from mount_problems(item["containerSet"], names, where)
        for one, container in each(item["containerSet"], "containers", where):
            yield from _container_problems(container, names, one)
    seen = set(RESERVED)
    for kind in ("initContainers", "sidecars"):
        for where, container in each(item, kind, path):
            yield from broken(BESIDE, container, where, seen)
            seen.add(str(container.get("name")))
            yield from _container_problems(container, names, where)
        if item.get(kind) and not is_pod(item):
            yield f"{path}.{kind}: {CONTAINERS_ONLY}"


def _container_problems(container: Item, volumes: set[Any], path: str) -> Iterator[str]:
    yield from container_problems(container, path)
    yield from broken(CONTAINER, container, path)
    yield from mount_problems(container, volumes, path)


def _place_problems(item: Item, container: Item, path: str) -> Iterator[str]:
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


def _program_problems(spec: Item, program: Program) -> list[str]:
    """What can be said once every template by itself is right."""
    found = [*_entry_problems(spec, program), *_hook_problems(spec, program, "spec")]
    for path, item in placed(spec):
        found += callee_problems(item, program.templates[item["name"]], program, path)
        for where, call in raw_calls(item):
            found += _hook_problems(call, program, f"{path}.{where}")
    return found or list(tag_problems(spec, program))


def _entry_problems(spec: Item, program: Program) -> Iterator[str]:
    """Whether the templates that the workflow itself calls are there and get what they need."""
    given = {item["name"] for item in (spec.get("arguments") or {}).get("parameters") or ()}
    for key in ("entrypoint", "onExit"):
        callee = program.templates.get(spec.get(key) or "")
        if callee is not None:
            yield from not_given(callee, given, f"spec.{key}")
        elif key == "entrypoint":
            yield f"spec.entrypoint: template {program.entrypoint!r} does not exist"


def _hook_problems(holder: Item, program: Program, path: str) -> Iterator[str]:
    hooks = {
        f"hooks.{name}": hook["template"] for name, hook in (holder.get("hooks") or {}).items()
    }
    if holder.get("onExit"):
        hooks["onExit"] = holder["onExit"]
    for where, name in hooks.items():
        if name not in program.templates:
            yield f"{path}.{where}: template {name!r} does not exist"
