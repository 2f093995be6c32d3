"""The nouns of a workflow: what a checked WorkflowTemplate says, as frozen data."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cicd.emulator.workflow.expressions import as_text


@dataclass(frozen=True)
class Artifact:
    """An input or output artifact of a template.

    ``source`` is the ``from`` expression, ``raw`` its text in the template itself. ``is_archived``:
    published as a .tgz (outputs), unpacked when it is a tar file (inputs).
    """

    name: str
    path: str = ""
    source: str = ""
    raw: str | None = None
    global_name: str = ""
    is_optional: bool = False
    is_archived: bool = True


@dataclass(frozen=True)
class OutputParameter:
    """``path`` for a file that the container writes, ``source`` for an expression."""

    name: str
    path: str = ""
    source: str = ""
    default: str | None = None


@dataclass(frozen=True)
class Call:
    """One step or task: which template with which arguments, and under which conditions."""

    name: str
    template: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    artifacts: tuple[Artifact, ...] = ()
    when: str = ""
    depends: str = ""


@dataclass(frozen=True)
class Retry:
    """``wait`` seconds before the first repetition, times ``factor`` before each further one."""

    limit: int
    policy: str = "OnFailure"
    wait: float = 0.0
    factor: float = 1.0


@dataclass(frozen=True)
class Template:
    """One template; exactly one of ``container``, ``groups`` and ``tasks`` is filled."""

    name: str
    parameters: Mapping[str, str | None]
    artifacts: tuple[Artifact, ...]
    output_parameters: tuple[OutputParameter, ...]
    output_artifacts: tuple[Artifact, ...]
    container: Mapping[str, Any] | None = None
    source: str | None = None
    groups: tuple[tuple[Call, ...], ...] = ()
    tasks: tuple[Call, ...] = ()
    is_fail_fast: bool = True
    retry: Retry | None = None
    deadline: float | None = None
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Program:
    """A whole WorkflowTemplate. Deadlines in seconds."""

    entrypoint: str
    templates: Mapping[str, Template]
    parameters: Mapping[str, str | None]
    deadline: float | None = None
    parallelism: int | None = None
    uses_results: bool = True
    """False when no ``outputs.result`` occurs, so that nobody has to keep it."""


def read(document: Mapping[str, Any]) -> Program:
    """The program of a WorkflowTemplate in which ``check`` found nothing."""
    spec = document["spec"]
    return Program(
        entrypoint=spec["entrypoint"],
        templates={item["name"]: _template(item) for item in spec["templates"]},
        parameters=_parameters(spec.get("arguments")),
        deadline=_seconds(spec.get("activeDeadlineSeconds")),
        parallelism=spec.get("parallelism"),
        uses_results="outputs.result" in json.dumps(spec, default=str),
    )


def _template(item: Mapping[str, Any]) -> Template:
    outputs = item.get("outputs") or {}
    dag = item.get("dag") or {}
    container = item.get("container") or item.get("script")
    return Template(
        name=item["name"],
        parameters=_parameters(item.get("inputs")),
        artifacts=_artifacts(item.get("inputs")),
        output_parameters=tuple(_output(entry) for entry in outputs.get("parameters") or ()),
        output_artifacts=_artifacts(outputs),
        container=container,
        source=as_text(item["script"].get("source", "")) if item.get("script") else None,
        groups=tuple(tuple(map(_call, group)) for group in item.get("steps") or ()),
        tasks=tuple(map(_call, dag.get("tasks") or ())),
        # Argo has no fail-fast where ``depends`` says what may follow a failure
        is_fail_fast=dag.get("failFast") is not False
        and not any("depends" in task for task in dag.get("tasks") or ()),
        retry=_retry(item.get("retryStrategy")),
        deadline=_seconds(item.get("activeDeadlineSeconds")),
        labels=(item.get("metadata") or {}).get("labels") or {},
    )


def _parameters(holder: Mapping[str, Any] | None) -> dict[str, str | None]:
    return {item["name"]: _value(item) for item in (holder or {}).get("parameters") or ()}


def _value(item: Mapping[str, Any]) -> str | None:
    for key in ("value", "default"):
        if item.get(key) is not None:
            return as_text(item[key])
    return None


def _artifacts(holder: Mapping[str, Any] | None) -> tuple[Artifact, ...]:
    return tuple(map(_artifact, (holder or {}).get("artifacts") or ()))


def _artifact(item: Mapping[str, Any]) -> Artifact:
    raw = item.get("raw")
    return Artifact(
        name=item["name"],
        path=item.get("path") or "",
        source=item.get("from") or "",
        raw=None if raw is None else as_text(raw.get("data") or ""),
        global_name=item.get("globalName") or "",
        is_optional=bool(item.get("optional")),
        is_archived="none" not in (item.get("archive") or {}),
    )


def _output(item: Mapping[str, Any]) -> OutputParameter:
    source = item.get("valueFrom") or {}
    default = source.get("default", item.get("default"))
    return OutputParameter(
        name=item["name"],
        path=source.get("path") or "",
        source=source.get("parameter") or "",
        default=None if default is None else as_text(default),
    )


def _call(item: Mapping[str, Any]) -> Call:
    arguments = item.get("arguments") or {}
    return Call(
        name=item["name"],
        template=item["template"],
        parameters={key: value or "" for key, value in _parameters(arguments).items()},
        artifacts=_artifacts(arguments),
        when=as_text(item.get("when") or ""),
        depends=item.get("depends") or " && ".join(item.get("dependencies") or ()),
    )


def _retry(item: Mapping[str, Any] | None) -> Retry | None:
    if item is None:
        return None
    backoff = item.get("backoff") or {}
    return Retry(
        limit=int(item["limit"]),
        policy=item.get("retryPolicy") or "OnFailure",
        wait=duration(backoff.get("duration") or 0),
        factor=float(backoff.get("factor") or 1),
    )


def _seconds(value: Any) -> float | None:
    return None if value is None else float(value)


def duration(value: str | int) -> float:
    """``90``, ``"90"``, ``"90s"``, ``"2m"``, ``"1h"`` in seconds. Raises ValueError."""
    text = str(value).strip()
    factor = {"s": 1, "m": 60, "h": 3600}.get(text[-1:], 0)
    return float(text[:-1]) * factor if factor else float(text)
