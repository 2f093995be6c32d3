"""What ``{{…}}`` and ``from`` can name at one place of a run."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from cicd.emulator.jobs import Node
from cicd.emulator.workflow.expr.expressions import Unresolved, calculate, resolve, substitute
from cicd.emulator.workflow.expr.formatting import escaped, printed
from cicd.emulator.workflow.program import Artifact, Program, Template

ENDED = ("Succeeded", "Failed", "Error", "Skipped", "Omitted")
FAILED = ("Failed", "Error")
LABEL = re.compile(r"(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
"""What Kubernetes takes as the value of one."""
PARAMETER = ("name", "default", "value", "globalName", "enum", "description")
"""The fields of a parameter, in the order of Go's."""
TIME_LETTERS = "BbmAadHIMSYypZz"
"""``{{workflow.creationTimestamp.Y}}`` and so on, as strftime knows them; Argo has an L as well."""


@dataclass(frozen=True)
class Content:
    """What an artifact is: a file or folder of this machine, a text, or a place elsewhere."""

    path: str = ""
    raw: str | None = None
    remote: Mapping[str, Any] | None = None
    sub_path: str = ""


@dataclass(frozen=True)
class Run:
    """What is known of a run from outside. ``started`` is RFC 3339, ``inputs`` name -> path."""

    name: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    inputs: Mapping[str, str] = field(default_factory=dict)
    started: str = ""
    contents: Mapping[str, Content] = field(default_factory=dict)
    """Artifacts among the workflow's arguments that bring their content along."""


@dataclass(frozen=True)
class Given:
    """The arguments of one call; ``texts``: what the called template knows of the call.
    ``keeps_result``: what it prints is asked for."""

    parameters: Mapping[str, str] = field(default_factory=dict)
    artifacts: Mapping[str, Content] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    keeps_result: bool = False


@dataclass(frozen=True)
class Scope:
    """Name -> text, and name -> artifact, as they are written between the braces."""

    texts: dict[str, str]
    artifacts: dict[str, Content] = field(default_factory=dict)

    def add(self, prefix: str, node: Node) -> None:
        """Make an ended step known to what comes after it."""
        if node.phase in ENDED:
            self.texts.update(node_texts(prefix, node))
            self.add_outputs(prefix, node)

    def add_outputs(self, prefix: str, node: Node) -> None:
        """The same of its outputs alone; no more is known of a loop of steps (executeSteps)."""
        self.texts.update(output_texts(prefix, node))
        for name, path in (node.outputs.get("artifacts") or {}).items():
            self.artifacts[f"{prefix}.outputs.artifacts.{name}"] = Content(path)

    def with_texts(self, texts: Mapping[str, str]) -> Scope:
        """A scope of its own that knows these as well."""
        return Scope({**self.texts, **texts}, dict(self.artifacts))

    def find(self, artifact: Artifact) -> Content | None:
        """What ``from``, ``raw``, ``http`` … of an argument stand for; None when an optional one
        is not there. Raises Unresolved."""
        sub_path = substitute(artifact.sub_path, self.texts)
        literal = own_content(artifact, self.texts)
        if literal:
            return literal
        name = artifact.source.strip().removeprefix("{{").removesuffix("}}").strip()
        expression = substitute(artifact.expression, self.texts) or name.removeprefix("=").strip()
        if artifact.expression or name.startswith("="):
            found = self.chosen(artifact, expression)
        else:
            found = self.artifacts.get(name)
        if found is None and not artifact.is_optional:
            what = artifact.expression or artifact.source
            cure = "optional: true beside from lets the step go without it"
            raise Unresolved(f"artifact {artifact.name}: {what} is not there ({cure})")
        if found is None or not sub_path:
            return found
        inner = f"{found.sub_path}/{sub_path}" if found.sub_path else sub_path
        return Content(found.path, found.raw, found.remote, inner)

    def chosen(self, artifact: Artifact, expression: str) -> Content | None:
        """What a ``fromExpression`` decides for."""
        try:
            value = calculate(expression, {**self.texts, **self.artifacts})
        except Unresolved:
            if artifact.is_optional:
                return None
            raise
        if not isinstance(value, Content):
            raise Unresolved(f"artifact {artifact.name}: {expression} is no artifact")
        return value


def node_texts(prefix: str, node: Node) -> dict[str, str]:
    """What ``{{steps.NAME.…}}`` can be of one node, but its outputs."""
    texts = {
        f"{prefix}.id": node.id,
        f"{prefix}.name": prefix.partition(".")[2],
        f"{prefix}.ip": "127.0.0.1",
        f"{prefix}.hostNodeName": "localhost",
        f"{prefix}.status": node.phase,
        f"{prefix}.startedAt": moment(node.started),
        f"{prefix}.finishedAt": moment(node.ended),
    }
    if node.exit_code is not None:
        texts[f"{prefix}.exitCode"] = str(node.exit_code)
    return texts


def output_texts(prefix: str, node: Node) -> dict[str, str]:
    """What ``{{steps.NAME.outputs.…}}`` can be."""
    texts = {}
    if "result" in node.outputs:
        texts[f"{prefix}.outputs.result"] = node.outputs["result"]
    if "all" in node.outputs:
        texts[f"{prefix}.outputs.parameters"] = node.outputs["all"]
    for name, value in (node.outputs.get("parameters") or {}).items():
        texts[f"{prefix}.outputs.parameters.{name}"] = value
    return texts


def moment(seconds: float) -> str:
    """Seconds since 1970 as RFC 3339."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")[:19] + "Z"


def is_key_only(place: Mapping[str, Any]) -> bool:
    """Whether an ``s3`` means the object store of the platform: it says where in it and no more."""
    return not place.keys() - {"key", "insecure", "region"}


def own_content(artifact: Artifact, texts: Mapping[str, str]) -> Content | None:
    """What an artifact brings along itself. Raises Unresolved."""
    sub_path = substitute(artifact.sub_path, texts)
    if artifact.raw is not None:
        return Content(raw=substitute(artifact.raw, texts))
    if artifact.remote is not None:
        return Content(remote=resolve(artifact.remote, texts), sub_path=sub_path)
    return None


def workflow_texts(program: Program, run: Run, now: float) -> dict[str, str]:
    """What ``{{workflow.…}}`` is in every template, except its outputs. Raises Unresolved."""
    parameters = as_list(run.parameters, program.declared, {})
    texts = {
        "workflow.name": run.name,
        # Made from the name, so that it stays the same after a restart of the emulator.
        "workflow.uid": str(uuid.uuid5(uuid.NAMESPACE_URL, run.name)),
        "workflow.namespace": "default",
        "workflow.serviceAccountName": "default",
        "workflow.mainEntrypoint": program.entrypoint,
        "workflow.priority": program.priority,
        "workflow.parameters": parameters,
        "workflow.parameters.json": parameters,
        "workflow.labels": _json(program.labels),
        "workflow.labels.json": _json(program.labels),
        "workflow.annotations": _json(program.annotations),
        "workflow.annotations.json": _json(program.annotations),
        "workflow.creationTimestamp": run.started,
        "workflow.scheduledTime": run.started,
        "workflow.duration": "0",
        "workflow.status": "Running",
        "workflow.failures": "[]",
        "workflow.labels.executions.ai.sap.com/id": run.name,
        # of what no step has called; Argo leaves it as it is
        **{tag: f"{{{{{tag}}}}}" for tag in ("steps.name", "tasks.name")},
    }
    if run.started:
        started = datetime.fromisoformat(run.started)
        texts["workflow.duration"] = f"{max(0, int(now) - int(started.timestamp())):.6f}"
        texts["workflow.creationTimestamp.RFC3339"] = run.started
        texts["workflow.creationTimestamp.s"] = str(int(started.timestamp()))
        texts["workflow.creationTimestamp.L"] = f".{started.microsecond // 1000:03}"
        for letter in TIME_LETTERS:
            texts[f"workflow.creationTimestamp.{letter}"] = started.strftime(f"%{letter}")
    texts |= {f"workflow.labels.{key}": text for key, text in program.labels.items()}
    texts |= {f"workflow.annotations.{key}": text for key, text in program.annotations.items()}
    texts |= {f"workflow.parameters.{key}": text for key, text in run.parameters.items()}
    for key, expression in program.labels_from.items():
        value = calculate(expression, texts)
        if not isinstance(value, str) or not LABEL.fullmatch(value):
            raise Unresolved(f"{expression}: {printed(value)!r} is no value of the label {key!r}")
        texts[f"workflow.labels.{key}"] = value
    return texts


def global_outputs(nodes: Iterable[Node]) -> Scope:
    """``{{workflow.outputs.…}}``: what steps so far have given a globalName."""
    found = Scope({})
    for node in nodes:
        outputs = node.outputs.get("globals") or {}
        for name, value in (outputs.get("parameters") or {}).items():
            found.texts[f"workflow.outputs.parameters.{name}"] = value
        for name, artifact in (outputs.get("artifacts") or {}).items():
            found.artifacts[f"workflow.outputs.artifacts.{name}"] = Content(artifact["path"])
    return found


def input_texts(template: Template, given: Given, texts: Mapping[str, str]) -> dict[str, str]:
    """What ``{{inputs.parameters.…}}`` is in this call. Raises Unresolved for a missing one."""
    scope: dict[str, str] = {}
    for name, default in template.parameters.items():
        text = given.parameters.get(name)
        if text is None and default is not None:
            text = substitute(default, texts)
        if text is None:
            raise Unresolved(f"inputs.parameters.{name} of template {template.name} is not given")
        scope[f"inputs.parameters.{name}"] = text
    values = {name: scope[f"inputs.parameters.{name}"] for name in template.parameters}
    return {"inputs.parameters": as_list(values, template.declared, texts), **scope}


def as_list(
    values: Mapping[str, str], declared: Mapping[str, Mapping[str, Any]], texts: Mapping[str, str]
) -> str:
    """Parameters as the JSON list that Go makes of them, with what is ``declared`` of each."""
    found = []
    for name, value in values.items():
        more = {"name": name, "value": value, **declared.get(name, {})}
        if "default" in more:
            more["default"] = substitute(more["default"], texts)
        found.append({field: more[field] for field in PARAMETER if field in more})
    return escaped(_json(found))


def find_inputs(
    template: Template, given: Given, run: Run, texts: Mapping[str, str]
) -> dict[str, Content]:
    """Artifact name -> what it is. Raises Unresolved for a missing one.

    An artifact that the caller does not pass is the run's own of that name, as on SAP AI Core.
    """
    found = {}
    for artifact in template.artifacts:
        literal = own_content(artifact, texts)
        if artifact.name in given.artifacts:
            found[artifact.name] = given.artifacts[artifact.name]
        elif literal:
            found[artifact.name] = literal
        elif artifact.name in run.inputs:
            found[artifact.name] = Content(run.inputs[artifact.name])
        elif artifact.name in run.contents:
            found[artifact.name] = run.contents[artifact.name]
        elif not artifact.is_optional:
            raise Unresolved(
                f"input artifact {artifact.name} of template {template.name} is not bound"
            )
        if artifact.sub_path and artifact.name in found:
            content = found[artifact.name]
            inner = substitute(artifact.sub_path, texts)
            found[artifact.name] = Content(content.path, content.raw, content.remote, inner)
    return found


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
