"""Reads a ServingTemplate: a KServe predictor written as text inside a YAML document."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from cicd.emulator.workflow.check.shape import (
    ANY,
    CONTAINER,
    FLAG,
    NO_EFFECT,
    TEXT,
    Entire,
    container_problems,
    differences,
)
from cicd.emulator.workflow.check.volumes import mount_problems, volume_problems
from cicd.emulator.workflow.expr.expressions import TAG, as_text, tags
from cicd.emulator.workflow.program import duration
from cicd.emulator.workflow.yaml12 import load_yaml

MODELS = "/mnt/models"
STORAGE = "STORAGE_URI"
DEFAULT_PORT = 8080
PROGRESS_DEADLINE = "serving.knative.dev/progress-deadline"
WINDOW = "autoscaling.knative.dev/window"
RETENTION = (
    "autoscaling.knative.dev/scale-to-zero-pod-retention-period",
    # as SAP's documentation spells it
    "autoscaling.knative.dev/scaleToZeroPodRetentionPeriod",
)
IDLE_SECONDS = 60.0
"""Without the annotation WINDOW: so long nobody asks before a server that may is stopped."""
MARK = re.compile(r"TAG(\d+)GAT")

PROBE = {
    "httpGet": {
        "path": TEXT,
        "port": TEXT,
        "scheme": TEXT,
        "httpHeaders": [{"name": TEXT, "value": TEXT}],
    },
    "tcpSocket": ANY,
    "initialDelaySeconds": TEXT,
    "periodSeconds": TEXT,
    "timeoutSeconds": ANY,
    "successThreshold": ANY,
    "failureThreshold": ANY,
}
PORT = {"containerPort": TEXT, "name": ANY, "protocol": ANY, "hostPort": ANY}
MOUNTS = [{"name": TEXT, "mountPath": TEXT, "subPath": TEXT, "readOnly": FLAG}]
PREDICTOR = {
    **NO_EFFECT,
    "minReplicas": ANY,
    "maxReplicas": ANY,
    "containerConcurrency": ANY,
    "scaleMetric": ANY,
    "scaleTarget": ANY,
    "timeout": ANY,
    "terminationGracePeriodSeconds": TEXT,
    "volumes": [
        {
            "name": TEXT,
            "emptyDir": ANY,
            "secret": {
                "secretName": TEXT,
                "items": [{"key": TEXT, "path": TEXT, "mode": ANY}],
                "optional": FLAG,
                "defaultMode": ANY,
            },
        }
    ],
    "containers": [{**CONTAINER, "ports": [PORT], "readinessProbe": PROBE, "volumeMounts": MOUNTS}],
}
SPEC = Entire(
    inputs={
        "parameters": [
            Entire(name=TEXT, default=TEXT, value=TEXT),
        ],
        "artifacts": [Entire(name=TEXT)],
    },
    template=Entire(metadata=Entire(labels=TEXT, annotations=TEXT), spec=TEXT),
)
DOCUMENT = {
    "apiVersion": TEXT,
    "kind": TEXT,
    "metadata": ANY,
    "Meta": ANY,
    "spec": SPEC,
    "status": ANY,
}


class BadTemplate(Exception):
    """The template cannot be served; the message names the field and what to do."""


@dataclass(frozen=True)
class Probe:
    """An HTTP request that a ready server answers with 2xx or 3xx."""

    path: str
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Scaling:
    """How many replicas, and what one takes. One program stands for all of them.

    ``idle``: seconds without a request after which it is stopped where ``minimum`` is 0.
    ``concurrency``: requests that the program gets at once, 0 for any number. ``timeout``: seconds
    until an answer must begin or go on, 0 for the emulator's own.
    """

    minimum: int = 1
    maximum: int = 2
    idle: float = IDLE_SECONDS
    concurrency: int = 0
    timeout: float = 0.0


@dataclass(frozen=True)
class Predictor:
    """What to serve. ``ready`` and ``grace`` in seconds, None where the template is silent."""

    container: Mapping[str, Any]
    port: int
    probe: Probe | None
    model: str
    """The input artifact whose files are at /mnt/models, empty for none."""
    ready: float | None = None
    grace: float | None = None
    scaling: Scaling = Scaling()
    labels: Mapping[str, Any] = field(default_factory=dict)
    volumes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Name -> what it is: a secret, or an empty folder."""


def check(document: Any) -> list[str]:
    """What is wrong with a ServingTemplate or beyond the emulator, one line each with its path."""
    if not isinstance(document, Mapping) or not isinstance(document.get("spec"), Mapping):
        return ["spec: is missing or no map"]
    found = [message.removeprefix(".") for message in differences(document, DOCUMENT, "")]
    if found:
        return found
    template = document["spec"].get("template") or {}
    if not template.get("spec"):
        return ["spec.template.spec: is missing"]
    return list(_unknown_tags(document)) or list(_predictor_problems(template["spec"]))


def read(document: Mapping[str, Any], parameters: Mapping[str, str]) -> Predictor:
    """The predictor with every parameter in its place. Raises BadTemplate."""
    spec = document["spec"]
    values = _values(spec, parameters)
    text = as_text(spec["template"]["spec"])
    predictor = _filled(_parse(text), [*_occurrences(text)], values)["predictor"]
    container = predictor["containers"][0]
    port = (container.get("ports") or [{}])[0].get("containerPort", DEFAULT_PORT)
    http = (container.get("readinessProbe") or {}).get("httpGet")
    delay = float((container.get("readinessProbe") or {}).get("initialDelaySeconds") or 0)
    metadata = spec["template"].get("metadata")
    annotations = _texts(metadata, "annotations", values)
    deadline = _seconds(annotations, PROGRESS_DEADLINE)
    grace = predictor.get("terminationGracePeriodSeconds")
    try:
        return Predictor(
            container=container,
            port=int(port),
            probe=_probe(http) if http else None,
            model=_model(text),
            ready=deadline if deadline is None else deadline + delay,
            grace=None if grace is None else float(grace),
            scaling=_scaling(predictor, annotations),
            labels=_texts(metadata, "labels", values),
            volumes={volume["name"]: volume for volume in predictor.get("volumes") or ()},
        )
    except ValueError as error:
        raise BadTemplate(f"spec.template.spec.predictor: not a number: {error}") from None


def _probe(http: Mapping[str, Any]) -> Probe:
    headers = {item["name"]: str(item.get("value", "")) for item in http.get("httpHeaders") or ()}
    return Probe("/" + str(http.get("path") or "").lstrip("/"), headers)


def _values(spec: Mapping[str, Any], parameters: Mapping[str, str]) -> dict[str, str]:
    """Tag -> value. Raises BadTemplate for a parameter that has none."""
    values = {}
    for item in (spec.get("inputs") or {}).get("parameters") or ():
        value = parameters.get(item["name"], item.get("value", item.get("default")))
        if value is None:
            raise BadTemplate(f"parameter {item['name']} has no value")
        values[f"inputs.parameters.{item['name']}"] = as_text(value)
    for item in (spec.get("inputs") or {}).get("artifacts") or ():
        values[f"inputs.artifacts.{item['name']}"] = MODELS
    return values


def _occurrences(text: str) -> Iterator[str]:
    yield from (tag.strip() for tag in TAG.findall(text))


def _parse(text: str) -> Any:
    """The text as data, with a mark for each tag: a value must never be read as YAML."""
    numbers = iter(range(len(text)))
    marked = TAG.sub(lambda _: f"TAG{next(numbers)}GAT", text)
    try:
        return next(load_yaml(marked), None)
    except ValueError as error:
        raise BadTemplate(f"spec.template.spec: {error}") from None


def _filled(value: Any, names: list[str], values: Mapping[str, str]) -> Any:
    """The marks replaced by the values of the tags that they stand for."""
    if isinstance(value, str):
        return MARK.sub(lambda match: values[names[int(match[1])]], value)
    if isinstance(value, Mapping):
        return {key: _filled(item, names, values) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, names, values) for item in value]
    return value


def _model(text: str) -> str:
    """The artifact that STORAGE_URI names."""
    names = [*_occurrences(text)]
    for item in _parse(text)["predictor"]["containers"][0].get("env") or ():
        if item.get("name") == STORAGE:
            match = MARK.fullmatch(str(item.get("value")))
            if match:
                return names[int(match[1])].removeprefix("inputs.artifacts.")
    return ""


def _unknown_tags(document: Mapping[str, Any]) -> Iterator[str]:
    inputs = document["spec"].get("inputs") or {}
    known = set()
    for part in ("parameters", "artifacts"):
        for index, item in enumerate(inputs.get(part) or ()):
            if not item.get("name"):
                yield f"spec.inputs.{part}[{index}].name: is missing"
            known.add(f"inputs.{part}.{item.get('name')}")
    for part in ("metadata", "spec"):
        for tag in dict.fromkeys(tags(document["spec"]["template"].get(part))):
            if tag not in known:
                yield f"spec.template.{part}: {{{{{tag}}}}} is not declared under spec.inputs"


def _predictor_problems(text: str) -> Iterator[str]:
    path = "spec.template.spec"
    try:
        parsed = _parse(as_text(text))
    except BadTemplate as error:
        yield str(error)
        return
    if not isinstance(parsed, Mapping) or not isinstance(parsed.get("predictor"), Mapping):
        yield f"{path}: must be a map with the key predictor"
        return
    found = list(differences(parsed, {"predictor": PREDICTOR}, path))
    yield from found
    containers = parsed["predictor"].get("containers")
    path += ".predictor.containers"
    if found:
        return
    if not containers or len(containers) != 1:
        yield f"{path}: needs exactly one container"
        return
    container = containers[0]
    yield from container_problems(container, f"{path}[0]")
    predictor = parsed["predictor"]
    yield from volume_problems(predictor, [], "spec.template.spec.predictor")
    volumes = {volume.get("name") for volume in predictor.get("volumes") or ()}
    yield from mount_problems(container, volumes, f"{path}[0]")
    yield from _storage_problems(container, as_text(text), f"{path}[0]")


def _storage_problems(container: Mapping[str, Any], text: str, path: str) -> Iterator[str]:
    """Artifacts come as files at /mnt/models, by STORAGE_URI and by no other way."""
    names = [*_occurrences(text)]
    used = [name for name in names if name.startswith("inputs.artifacts.")]
    for index, item in enumerate(container.get("env") or ()):
        if item.get("name") != STORAGE:
            continue
        match = MARK.fullmatch(str(item.get("value")))
        if not match or names[int(match[1])] not in used:
            yield f"{path}.env[{index}].value: {STORAGE} must be {{{{inputs.artifacts.NAME}}}}"
            return
        used.remove(names[int(match[1])])
    for name in used:
        yield f"{path}: {{{{{name}}}}} is supported only as value of {STORAGE}"


def _texts(metadata: Any, part: str, values: Mapping[str, str]) -> Mapping[str, Any]:
    """Its annotations or labels, which are text as well, with every parameter in its place."""
    found = metadata.get(part) if isinstance(metadata, Mapping) else None
    if isinstance(found, str):
        try:
            found = _filled(_parse(found), [*_occurrences(found)], values)
        except (BadTemplate, KeyError):
            return {}
    return found if isinstance(found, Mapping) else {}


def _seconds(annotations: Mapping[str, Any], *names: str) -> float | None:
    """The first of the annotations that is there, None for none. Raises BadTemplate."""
    for name in names:
        if name in annotations:
            try:
                return duration(str(annotations[name]))
            except ValueError:
                raise BadTemplate(f"annotation {name}: must be a duration such as 60s") from None
    return None


def _scaling(predictor: Mapping[str, Any], annotations: Mapping[str, Any]) -> Scaling:
    """The replicas with KServe's defaults. Raises BadTemplate."""
    fewest = _whole(predictor, "minReplicas", 1)
    most = _whole(predictor, "maxReplicas", max(2, fewest))
    if most < max(1, fewest):
        raise BadTemplate("spec.template.spec.predictor.maxReplicas: is below minReplicas or 0")
    window = _seconds(annotations, WINDOW)
    return Scaling(
        minimum=fewest,
        maximum=most,
        idle=(IDLE_SECONDS if window is None else window)
        + (_seconds(annotations, *RETENTION) or 0),
        concurrency=_whole(predictor, "containerConcurrency", 0),
        timeout=float(_whole(predictor, "timeout", 0)),
    )


def _whole(predictor: Mapping[str, Any], name: str, default: int) -> int:
    """A whole number from 0. Raises BadTemplate."""
    value = predictor.get(name)
    text = str(default if value is None else value)
    if not text.isdecimal():
        raise BadTemplate(f"spec.template.spec.predictor.{name}: must be a whole number from 0")
    return int(text)
