"""Which fields a template may have: nested data, and the one function that walks it.

A shape is a dict of the known fields, a list with the shape of its items, one of the words below,
or ``ANY`` for what makes no difference here. A field that is not in the dict is refused: nothing
that changes the result is silently ignored. What is not in an ``Entire`` one changes nothing: the
platform does not know it either, and drops it unread.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

ANY = "anything"
TEXT = "text"
NUMBER = "number"
FLAG = "true or false"
WORD = "a text and no number"

_WORDS: dict[str, tuple[type, ...]] = {
    TEXT: (str, int, float, bool),
    NUMBER: (int, float),
    FLAG: (bool,),
    WORD: (str,),
}


@dataclass(frozen=True)
class Refused:
    """A field that the platform knows and the emulator does not carry out, and why."""

    reason: str


class Entire(dict[str, Any]):
    """The shape of a map with every field that the platform knows there."""


class Exact(dict[str, Any]):
    """The shape of a map of which the platform reads nothing where it has another field."""


CLUSTER = Refused("needs a Kubernetes cluster")

NO_EFFECT: dict[str, Any] = dict.fromkeys(
    [
        "automountServiceAccountToken",
        "hostNetwork",
        "metadata",
        "podGC",
        "podMetadata",
        "podPriorityClassName",
        "runtimeClassName",
        "topologySpreadConstraints",
    ],
    ANY,
) | {
    "imagePullSecrets": [{"name": WORD}],
    "priority": NUMBER,
    "tolerations": [Entire()],
    **dict.fromkeys(("affinity", "nodeSelector", "securityContext"), Entire()),
    **dict.fromkeys(("priorityClassName", "schedulerName", "serviceAccountName"), WORD),
}
"""Where and with which rights a pod runs on the cluster: makes no difference on one machine."""

SECRET_KEY = {"name": TEXT, "key": TEXT, "optional": FLAG}
ENVIRONMENT = [
    {
        "name": TEXT,
        "value": TEXT,
        "valueFrom": {
            "secretKeyRef": SECRET_KEY,
            "fieldRef": {"fieldPath": WORD, "apiVersion": ANY},
        },
    }
]
CONTAINER: dict[str, Any] = {
    "name": TEXT,
    "image": TEXT,
    "command": [TEXT],
    "args": [TEXT],
    "workingDir": TEXT,
    "env": ENVIRONMENT,
    "envFrom": [{"prefix": TEXT, "secretRef": {"name": TEXT, "optional": FLAG}}],
    "imagePullPolicy": ANY,
    "livenessProbe": ANY,
    "startupProbe": ANY,
    "ports": ANY,
    "resources": ANY,
    "securityContext": ANY,
    "terminationMessagePath": ANY,
    "terminationMessagePolicy": ANY,
    "lifecycle": CLUSTER,
    "volumeDevices": CLUSTER,
    **dict.fromkeys(("resizePolicy", "restartPolicy", "stdinOnce"), ANY),
}
FIELD_PATHS = {
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.podIP",
}

MAP_FIELDS = ("metadata.labels['", "metadata.annotations['")


def differences(value: Any, shape: Any, path: str) -> Iterator[str]:
    """One message for every field of ``value`` that ``shape`` does not know or that is no such."""
    if shape == ANY or value is None:
        return
    if isinstance(shape, Refused):
        if value is not False:
            yield f"{path}: not supported by the emulator: {shape.reason}"
    elif isinstance(shape, str):
        if not isinstance(value, _WORDS[shape]):
            yield f"{path}: must be {shape}"
    elif isinstance(shape, list):
        if not isinstance(value, list):
            yield f"{path}: must be a list"
            return
        for index, item in enumerate(value):
            if item is None and shape[0] != ANY:
                yield f"{path}[{index}]: is empty"
            yield from differences(item, shape[0], f"{path}[{index}]")
    elif not isinstance(value, Mapping):
        yield f"{path}: must be a map"
    else:
        for key, item in value.items():
            if key in shape:
                yield from differences(item, shape[key], f"{path}.{key}")
            elif isinstance(shape, Exact):
                yield f"{path}.{key}: is no field here, and Argo refuses it"
            elif not isinstance(shape, Entire):
                yield f"{path}.{key}: not supported by the emulator"


def container_problems(container: Mapping[str, Any], path: str) -> Iterator[str]:
    """What a container of the right shape still lacks, except its command."""
    if not container.get("image"):
        yield f"{path}.image: is missing"
    if container.get("args") == []:
        yield f"{path}.args: must not be empty; leave it out instead"
    for index, item in enumerate(container.get("env") or ()):
        yield from _variable_problems(item, f"{path}.env[{index}]")
    for index, item in enumerate(container.get("envFrom") or ()):
        if not (item.get("secretRef") or {}).get("name"):
            yield f"{path}.envFrom[{index}].secretRef.name: is missing"


def _variable_problems(item: Mapping[str, Any], path: str) -> Iterator[str]:
    if not item.get("name"):
        yield f"{path}.name: is missing"
    source = item.get("valueFrom")
    if source is None:
        return
    reference = source.get("secretKeyRef")
    field = (source.get("fieldRef") or {}).get("fieldPath")
    if reference is not None:
        for key in ("name", "key"):
            if not reference.get(key):
                yield f"{path}.valueFrom.secretKeyRef.{key}: is missing"
    elif not field:
        yield f"{path}.valueFrom: needs secretKeyRef or fieldRef"
    elif field not in FIELD_PATHS and not field.startswith(MAP_FIELDS):
        yield f"{path}.valueFrom.fieldRef.fieldPath: {field} is not supported by the emulator"
