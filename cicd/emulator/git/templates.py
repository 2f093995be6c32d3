"""Pure: the text of a template file -> documents -> what AI Core makes of them, or why not."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

SCENARIO_ID = "scenarios.ai.sap.com/id"
SCENARIO_NAME = "scenarios.ai.sap.com/name"
SCENARIO_DESCRIPTION = "scenarios.ai.sap.com/description"
VERSION = "ai.sap.com/version"
EXECUTABLE_NAME = "executables.ai.sap.com/name"
EXECUTABLE_DESCRIPTION = "executables.ai.sap.com/description"

KINDS = {
    "WorkflowTemplate": "argoproj.io/v1alpha1",
    "ServingTemplate": "ai.sap.com/v1alpha1",
}
NAME = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")
"""What Kubernetes takes as a name; AI Core's pattern for ids allows more, within 4 to 64."""
ID = r"[\w.-]{4,64}"
"""What AI Core takes as an id."""
TEXT_MAPS = ("labels", "annotations")
_WORD = r"[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?"
LABEL = re.compile(f"(?:{_WORD})?")
KEY = re.compile(rf"(?:[a-z0-9](?:[a-z0-9.-]{{0,251}}[a-z0-9])?/)?{_WORD}")
"""What Kubernetes takes as the value of a label, and as the key of one or of an annotation."""
PLATFORM_SCENARIOS = ("foundation-models", "orchestration")
"""Scenarios that the platform itself brings along, so that no template can be of them."""
TAG = re.compile(r"\{\{\s*([\w.-]+)\s*\}\}")
MOST_VALUES = 100_000
"""Values in one file after its aliases are expanded: stops a document that explodes."""


class TemplateError(Exception):
    """One template is not usable; the message holds every reason, ``problems`` one by one."""

    def __init__(self, *problems: str) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


@dataclass(frozen=True)
class Executable:
    """One usable template. ``summary`` is the executable as the API shows it, without times."""

    id: str
    scenario_id: str
    version_id: str
    kind: Literal["workflow", "serving"]
    digest: str
    summary: Mapping[str, Any]
    document: Mapping[str, Any]

    @property
    def resource(self) -> str:
        """Its Kubernetes name, for messages."""
        group = "argoproj.io" if self.kind == "workflow" else "ai.sap.com"
        return f"{self.kind}template.{group}/{self.id}"


SOURCES = ("raw", "http", "s3")
"""How an artifact says itself what is in it."""


def parse(text: str, *, is_json: bool) -> list[Any]:
    """All non-empty documents of a file as plain JSON values; TemplateError when it is damaged."""
    try:
        documents = [json.loads(text)] if is_json else list(load_yaml(text))
        for document in documents:
            if sum(1 for _ in values(document, MOST_VALUES)) >= MOST_VALUES:
                raise TemplateError(f"more than {MOST_VALUES} values, aliases expanded")
        # what YAML knows and JSON does not (dates, numbers as keys) becomes text
        plain: list[Any] = json.loads(json.dumps(documents, default=str))
    except RecursionError:
        raise TemplateError("error converting YAML to JSON: nested too deeply") from None
    except ValueError as error:
        raise TemplateError(f"error converting YAML to JSON: {error}") from error
    return [document for document in plain if document is not None]


def load_yaml(text: str) -> Iterator[Any]:
    """The documents of a YAML text; ValueError when it is none."""
    # who asks for no more than ids does not pay for all that reads workflows
    from cicd.emulator.workflow import yaml12

    return yaml12.load_yaml(text)


def values(node: Any, budget: int) -> Iterator[Any]:
    """Every value below ``node``, aliases expanded, at most ``budget`` of them."""
    open_nodes = [node]
    while open_nodes and budget:
        budget -= 1
        current = open_nodes.pop()
        yield current
        if isinstance(current, dict):
            open_nodes.extend(current.values())
        elif isinstance(current, list):
            open_nodes.extend(current)


def read(document: Any) -> Executable:
    """What AI Core makes of one document; TemplateError with all reasons when it is nothing."""
    if not isinstance(document, dict) or "kind" not in document:
        raise TemplateError("not a template: Object 'Kind' is missing")
    kind = document["kind"]
    if not isinstance(kind, str) or kind not in KINDS:
        raise TemplateError(f"resource kind {kind!r} is not permitted in project")
    problems = list(check_metadata(document))
    if is_readable(document):
        problems += engine_check(document)
    if problems:
        raise TemplateError(*problems)
    labels = document["metadata"]["labels"]
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return Executable(
        id=document["metadata"]["name"],
        scenario_id=labels[SCENARIO_ID],
        version_id=str(labels[VERSION]),
        kind="workflow" if kind == "WorkflowTemplate" else "serving",
        digest=hashlib.sha256(canonical.encode()).hexdigest(),
        summary=summarize(document),
        document=document,
    )


def is_readable(document: Mapping[str, Any]) -> bool:
    """Whether the part that runs can be looked at, whatever else is wrong."""
    metadata = document.get("metadata")
    maps = (document.get("spec"), metadata, *(mapping(metadata).get(k) or {} for k in TEXT_MAPS))
    return all(isinstance(part, dict) for part in maps)


def check_metadata(document: Mapping[str, Any]) -> Iterator[str]:
    """What is missing or wrong outside of the part that runs."""
    kind = document["kind"]
    if document.get("apiVersion") != KINDS[kind]:
        yield f"apiVersion of a {kind} must be {KINDS[kind]}"
    metadata = mapping(document.get("metadata"))
    name = metadata.get("name")
    if not isinstance(name, str) or not NAME.fullmatch(name) or not 4 <= len(name) <= 64:
        yield "metadata.name must be 4 to 64 lower-case letters, digits, '-' or '.'"
    labels, annotations = mapping(metadata.get("labels")), mapping(metadata.get("annotations"))
    if not re.fullmatch(ID, str(labels.get(SCENARIO_ID, ""))):
        yield f"metadata.labels: {SCENARIO_ID} is missing or not 4 to 64 characters [A-Za-z0-9_.-]"
    if labels.get(SCENARIO_ID) in PLATFORM_SCENARIOS:
        yield f"metadata.labels: scenario {labels[SCENARIO_ID]} is the platform's own"
    if not labels.get(VERSION):
        yield f"metadata.labels: {VERSION} is missing"
    for key in (SCENARIO_NAME, EXECUTABLE_NAME):
        if not annotations.get(key):
            yield f"metadata.annotations: {key} is missing"
    not_text = [key for key, value in {**labels, **annotations}.items() if not is_text(value)]
    if not_text:
        yield f"metadata: {', '.join(map(str, not_text))} must be text, in quotes"
    for key in (*labels, *annotations):
        if not KEY.fullmatch(str(key)):
            yield f"metadata: {key!r} is no key that Kubernetes takes"
    for key, value in labels.items():
        if is_text(value) and not LABEL.fullmatch(value):
            yield f"metadata.labels: {key}: {value!r} is no value that Kubernetes takes"
    if not isinstance(document.get("spec"), dict):
        yield "spec is missing"
    elif kind == "ServingTemplate":
        yield from check_serving_inputs(document)


def check_serving_inputs(document: Mapping[str, Any]) -> Iterator[str]:
    """AI Core cannot resolve keys with a hyphen."""
    for name in names(parameters_of(document)) + names(inputs_of(document)):
        if "-" in name:
            yield f"spec.inputs: {name!r} must not contain '-' in a serving template"


def engine_check(document: Mapping[str, Any]) -> list[str]:
    """What of the part that runs the emulator cannot run."""
    if document["kind"] == "WorkflowTemplate":
        from cicd.emulator import workflow

        return workflow.check(document)
    from cicd.emulator.runner.serving import template

    return template.check(document)


def summarize(document: Mapping[str, Any]) -> dict[str, Any]:
    """The executable as the API shows it, without its times."""
    metadata = document["metadata"]
    annotations = mapping(metadata.get("annotations"))
    scenario = metadata["labels"][SCENARIO_ID]
    shown = {
        "id": metadata["name"],
        "name": annotations[EXECUTABLE_NAME],
        "description": annotations.get(EXECUTABLE_DESCRIPTION),
        "scenarioId": scenario,
        "versionId": str(metadata["labels"][VERSION]),
        "deployable": document["kind"] == "ServingTemplate",
        "labels": [
            {"key": key, "value": value}
            for key, value in metadata["labels"].items()
            if key.startswith("ext.ai.sap.com/")
        ],
        "parameters": [shown_parameter(item) for item in parameters_of(document)],
        "inputArtifacts": [shown_artifact(n, annotations) for n in names(inputs_of(document))],
        "outputArtifacts": [shown_artifact(name, annotations) for name in outputs_of(document)],
    }
    return {key: value for key, value in shown.items() if value is not None}


def shown_parameter(item: Mapping[str, Any]) -> dict[str, str]:
    """One declared parameter as the API shows it."""
    shown = {"name": str(item["name"]), "type": "string"}
    source = mapping(item.get("valueFrom"))
    default = item.get("value", item.get("default", source.get("default")))
    if default is not None:
        shown["default"] = default if isinstance(default, str) else json.dumps(default)
    if item.get("description"):
        shown["description"] = str(item["description"])
    return shown


def shown_artifact(name: str, annotations: Mapping[str, Any]) -> dict[str, Any]:
    """One declared artifact with what its annotations say about it."""
    shown: dict[str, Any] = {"name": name}
    for key in ("kind", "description"):
        if value := annotations.get(f"artifacts.ai.sap.com/{name}.{key}"):
            shown[key] = value
    if labels := artifact_labels(name, annotations):
        shown["labels"] = [{"key": key, "value": value} for key, value in labels.items()]
    return shown


def artifact_labels(name: str, annotations: Mapping[str, Any]) -> dict[str, str]:
    """The labels that the ``.labels`` annotation (a JSON object as text) gives an artifact."""
    try:
        loaded = json.loads(annotations.get(f"artifacts.ai.sap.com/{name}.labels") or "{}")
    except ValueError:
        return {}
    return {str(key): str(value) for key, value in mapping(loaded).items()}


def parameters_of(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The parameters that a configuration may bind."""
    return items(inputs_section(document).get("parameters"))


def inputs_of(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The input artifacts that a configuration binds: what is declared as such, and what a step
    takes and no other step passes to it (the first tutorial of AI Core has such a one)."""
    declared = items(inputs_section(document).get("artifacts"))
    templates = items(mapping(document.get("spec")).get("templates"))
    passed = {
        (call["template"], artifact["name"])
        for template in templates
        for call in calls_of(template)
        for artifact in items(mapping(call.get("arguments")).get("artifacts"))
    }
    known = {item["name"] for item in declared}
    for template in templates:
        for artifact in items(mapping(template.get("inputs")).get("artifacts")):
            has_source = any(key in artifact for key in SOURCES)
            is_given = has_source or (template["name"], artifact["name"]) in passed
            if not is_given and artifact["name"] not in known:
                known.add(artifact["name"])
                declared.append(artifact)
    return declared


def pull_secrets_of(document: Mapping[str, Any], parameters: Mapping[str, str]) -> list[str]:
    """The docker registry secrets that a template names; ``parameters`` fill in what it leaves
    open."""

    def filled(text: Any) -> str:
        return TAG.sub(lambda tag: parameters.get(tag[1].rpartition(".")[2], tag[0]), str(text))

    holder = mapping(document.get("spec"))
    if document["kind"] == "ServingTemplate":
        text = filled(mapping(holder.get("template")).get("spec") or "")
        try:
            holder = mapping(mapping(next(load_yaml(text), None)).get("predictor"))
        except ValueError:
            return []  # what else is wrong with it is said by who reads it
    return [filled(item["name"]) for item in items(holder.get("imagePullSecrets"))]


def optional_inputs_of(document: Mapping[str, Any]) -> set[str]:
    """The artifacts that a configuration need not bind."""
    return {
        item["name"]
        for item in inputs_of(document)
        if item.get("optional") is True or any(key in item for key in SOURCES)
    }


def calls_of(template: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The steps and tasks of a template that name another template, and their hooks."""
    steps = template.get("steps")
    groups = steps if isinstance(steps, list) else []
    tasks = mapping(template.get("dag")).get("tasks")
    calls = [call for group in (*groups, tasks) for call in items(group, key="template")]
    hooks = [hook for call in calls for hook in mapping(call.get("hooks")).values()]
    return [*calls, *items(hooks, key="template")]


def inputs_section(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Where a template declares what is bound from outside."""
    spec = mapping(document.get("spec"))
    return mapping(spec.get("arguments" if document["kind"] == "WorkflowTemplate" else "inputs"))


def outputs_of(document: Mapping[str, Any]) -> list[str]:
    """The global names of the artifacts a workflow registers, in order, each once."""
    found = [
        artifact["globalName"]
        for template in every(items(mapping(document.get("spec")).get("templates"), key=""))
        for artifact in items(mapping(template.get("outputs")).get("artifacts"))
        if isinstance(artifact.get("globalName"), str)
    ]
    return list(dict.fromkeys(found))


def every(templates: list[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Templates, and those that stand inline in their steps and tasks."""
    for template in templates:
        yield template
        steps = template.get("steps")
        tasks = mapping(template.get("dag")).get("tasks")
        groups = [*(steps if isinstance(steps, list) else []), tasks]
        calls = [call for group in groups for call in items(group, key="")]
        yield from every([mapping(call["inline"]) for call in calls if call.get("inline")])


def mapping(value: Any) -> Mapping[str, Any]:
    """``value`` if it is a mapping, else an empty one."""
    return value if isinstance(value, dict) else {}


def items(value: Any, key: str = "name") -> list[Mapping[str, Any]]:
    """The mappings of a list that have ``key``, with something in it that can be a name."""
    found = value if isinstance(value, list) else []
    maps = [item for item in found if isinstance(item, dict)]
    return [item for item in maps if not key or is_leaf(item.get(key))]


def names(found: list[Mapping[str, Any]]) -> list[str]:
    """Their names."""
    return [str(item["name"]) for item in found]


def is_leaf(value: Any) -> bool:
    """Whether it is a single value."""
    return value is not None and not isinstance(value, dict | list)


def is_text(value: Any) -> bool:
    """Kubernetes takes labels and annotations as text only."""
    return isinstance(value, str)
