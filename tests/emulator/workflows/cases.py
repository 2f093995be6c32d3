"""The nouns of the corpus: a Case is one workflow, how its containers answer, what follows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.emulator.runner.runner_journal import shell, workflow
from tests.emulator.workflows.play import Answers

FAIL = {"exit": 1}
ERROR = {"phase": "Error", "message": "no such image"}
SAID = "Error (exit code 1)"


@dataclass(frozen=True)
class Case:
    """``phases``: pods, pauses and what was left out, by node name. ``args``: the command lines in
    the order of their start. ``outputs``: node name -> its parameters. ``groups``: phases of loops,
    steps and dags by node name. None is not looked at."""

    name: str
    document: Mapping[str, Any]
    answers: Answers = field(default_factory=dict)
    phase: str = "Succeeded"
    phases: Mapping[str, str] | None = None
    message: str | None = None
    messages: Mapping[str, str] | None = None
    args: list[str] | None = None
    rounds: list[list[str]] | None = None
    outputs: Mapping[str, Mapping[str, str]] | None = None
    published: list[str] | None = None
    seconds: float | None = None
    groups: Mapping[str, str] | None = None
    inputs: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)


def echo(name: str, *parameters: str, **more: Any) -> dict[str, Any]:
    """A container that is given ``name`` and the values of its parameters as arguments."""
    words = [name, *(f"{{{{inputs.parameters.{item}}}}}" for item in parameters)]
    inputs = dict(more.pop("inputs", {}))
    if parameters:
        inputs["parameters"] = [{"name": item} for item in parameters]
    return shell(name, " ".join(words), inputs=inputs, **more)


def writes(name: str, **more: Any) -> dict[str, Any]:
    """A container with the output parameter ``out`` and the output artifact ``file``."""
    outputs = {
        "parameters": [{"name": "out", "valueFrom": {"path": "/tmp/out"}}],
        "artifacts": [{"name": "file", "path": "/tmp/file"}],
    }
    return echo(name, outputs=outputs, **more)


def call(name: str, template: str = "", **more: Any) -> dict[str, Any]:
    """A step or task, of the template of its own name unless told; ``given`` are parameters."""
    given = more.pop("given", {})
    found: dict[str, Any] = {"name": name, "template": template or name, **more}
    if given:
        parameters = [{"name": key, "value": value} for key, value in given.items()]
        found.setdefault("arguments", {})["parameters"] = parameters
    return found


def steps(*groups: Any, name: str = "main", **more: Any) -> dict[str, Any]:
    """A steps template; a group of one step may be given as the step."""
    listed = [group if isinstance(group, list) else [group] for group in groups]
    return {"name": name, "steps": listed, **more}


def dag(*tasks: Any, name: str = "main", **more: Any) -> dict[str, Any]:
    """A dag template; ``failFast`` and ``target`` are the dag's own."""
    own = {key: more.pop(key) for key in ("failFast", "target") if key in more}
    return {"name": name, "dag": {"tasks": list(tasks), **own}, **more}


def echoes(*names: str) -> list[dict[str, Any]]:
    return [echo(name) for name in names]


def flow(main: Mapping[str, Any], *others: Any, **spec: Any) -> dict[str, Any]:
    """A workflow; lists of templates are taken apart."""
    flat = [item for other in others for item in (other if isinstance(other, list) else [other])]
    return workflow(main, *flat, **spec)
