"""The nouns of a workflow: what a checked WorkflowTemplate says, as frozen data."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Artifact:
    """An input or output artifact of a template, or the argument for one.

    ``source``: the ``from`` tag; ``expression``: what decides instead. ``raw``: its text in the
    template itself. ``remote``: where else it is fetched from, ``{"http": …}`` or ``{"s3": …}``.
    ``is_archived``: published as a .tgz (outputs), unpacked when it is a tar file (inputs).
    """

    name: str
    path: str = ""
    source: str = ""
    expression: str = ""
    raw: str | None = None
    remote: Mapping[str, Any] | None = None
    sub_path: str = ""
    global_name: str = ""
    is_optional: bool = False
    is_archived: bool = True
    mode: int | None = None


@dataclass(frozen=True)
class OutputParameter:
    """``path`` for a file that the container writes, ``source`` for a text with tags; ``is_fixed``:
    that is its value, and it comes from nowhere."""

    name: str
    path: str = ""
    source: str = ""
    expression: str = ""
    default: str | None = None
    global_name: str = ""
    is_fixed: bool = False


@dataclass(frozen=True)
class Loop:
    """What a step is repeated for; exactly one of them is given."""

    items: tuple[Any, ...] | None = None
    param: str = ""
    sequence: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Hook:
    """A template that runs when ``expression`` holds; the hook ``exit`` once all has ended."""

    name: str
    template: str
    expression: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    artifacts: tuple[Artifact, ...] = ()

    @property
    def has_arguments(self) -> bool:
        return bool(self.parameters or self.artifacts)


@dataclass(frozen=True)
class TemplateCall:
    """One step or task: which template with which arguments, and under which conditions.

    ``continues_on``: the phases of a failure that does not count as one. ``keeps_result``:
    something asks for what it prints.
    """

    name: str
    template: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    artifacts: tuple[Artifact, ...] = ()
    when: str = ""
    depends: str = ""
    has_depends: bool = False
    loop: Loop | None = None
    continues_on: frozenset[str] = frozenset()
    hooks: tuple[Hook, ...] = ()
    keeps_result: bool = False


@dataclass(frozen=True)
class Retry:
    """When a failed template is tried again; texts, because they may have tags in them.

    ``wait`` before the first repetition, times ``factor`` before each further one; none after
    ``longest`` since the first attempt began. An empty ``limit`` is none.
    """

    limit: str = ""
    policy: str = ""
    wait: str = ""
    factor: str = ""
    longest: str = ""
    expression: str = ""
    has_backoff: bool = False


@dataclass(frozen=True)
class ContainerSet:
    """Containers of one pod; ``dependencies`` of each: those that have to succeed before it.
    ``tries`` of each, in all, ``pause`` between them; texts, because they may have tags in them."""

    containers: tuple[Mapping[str, Any], ...]
    tries: str = ""
    pause: str = ""


@dataclass(frozen=True)
class Template:
    """One template; exactly one of ``container``, ``groups``, ``tasks``, ``suspend`` is filled.

    ``target``: the tasks that are wanted, all where it is empty; may have tags. ``deadlines``:
    field name -> text of seconds or duration. ``stops_early``: no new child once one has failed.
    """

    name: str
    parameters: Mapping[str, str | None]
    artifacts: tuple[Artifact, ...]
    output_parameters: tuple[OutputParameter, ...]
    output_artifacts: tuple[Artifact, ...]
    declared: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Parameter -> what else is said of it: default, enum, description."""
    container: Mapping[str, Any] | None = None
    source: str | None = None
    container_set: ContainerSet | None = None
    """If there is one, ``container`` is its main one."""
    groups: tuple[tuple[TemplateCall, ...], ...] = ()
    tasks: tuple[TemplateCall, ...] = ()
    target: str = ""
    suspend: str | None = None
    is_inline: bool = False
    """It stands where it is called, and knows all that is known there."""
    is_fail_fast: bool = True
    stops_early: bool = False
    parallelism: int | None = None
    retry: Retry | None = None
    deadlines: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    init: tuple[Mapping[str, Any], ...] = ()
    sidecars: tuple[Mapping[str, Any], ...] = ()
    volumes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def type(self) -> str:
        """Argo's word for the node that a call of it becomes."""
        if self.container is not None:
            return "Pod"
        if self.suspend is not None:
            return "Suspend"
        return "DAG" if self.tasks else "Steps"


@dataclass(frozen=True)
class Program:
    """A whole WorkflowTemplate. Deadlines in seconds."""

    entrypoint: str
    templates: Mapping[str, Template]
    parameters: Mapping[str, str | None]
    deadline: float | None = None
    parallelism: int | None = None
    hooks: tuple[Hook, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    labels_from: Mapping[str, str] = field(default_factory=dict)
    """Label -> the expression that gives it its value."""
    priority: str = ""
    artifacts: tuple[Artifact, ...] = ()
    """Those of the workflow's arguments."""
    declared: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


def duration(value: str | int | float) -> float:
    """``90``, ``"90"``, ``"90s"``, ``"2m"``, ``"1h30m"`` in seconds. Raises ValueError."""
    text = str(value).strip()
    if re.fullmatch(r"\d+", text):
        return float(text)
    if not re.fullmatch(r"(?:\d*\.?\d+(?:ns|us|µs|ms|s|m|h))+", text):
        raise ValueError(f"{text!r} is no duration such as 30, 90s or 1h30m")
    parts = re.findall(r"(\d*\.?\d+)(ns|us|µs|ms|s|m|h)", text)
    return float(sum(float(number) * UNITS[unit] for number, unit in parts))
