"""Which fields of a workflow are text, numbers, lists or maps: of what is another, Argo reads
nothing at all.

Source: Argo Workflows 3.5, docs/fields.md and pkg/apis/workflow/v1alpha1.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cicd.config.tree import Node
from cicd.errors import Problem

TEXT = "text: put quotes around it"
LEAF = "one value, no list and no map"
WHOLE = "a whole number, without quotes"
FLAG = "true or false, without quotes"
_LIST = "a list"
_MAP = "a map"
_OLD_FLAGS = {"y", "n", "yes", "no", "on", "off"}
"""Text in YAML 1.2; the cluster reads YAML 1.1, where these are truths."""

Shape = dict[str, Any]
"""Field -> what it is: one of the words above, a list with that of its items, or such a dict.
A field that is not in it is not judged."""


def _all(kind: Any, words: str) -> Shape:
    return dict.fromkeys(words.split(), kind)


_PARAMETER: Shape = {
    **_all(LEAF, "value default"),
    "enum": [LEAF],
    "valueFrom": {**_all(TEXT, "path parameter expression jsonPath jqFilter event")},
}
_ARTIFACT: Shape = {
    **_all(TEXT, "path from fromExpression globalName subPath"),
    **_all(FLAG, "optional recurseMode deleted"),
    "mode": WHOLE,
    "archive": {},
    "raw": _all(TEXT, "data"),
    "http": {**_all(TEXT, "url"), "headers": [{}]},
    "s3": {**_all(TEXT, "key bucket endpoint region"), "insecure": FLAG},
    "git": _all(TEXT, "repo revision"),
}
_PASSED: Shape = {"parameters": [_PARAMETER], "artifacts": [_ARTIFACT]}
_CONTAINER: Shape = {
    **_all(TEXT, "workingDir source"),
    **_all([{}], "env envFrom ports volumeMounts"),
    **_all({}, "resources securityContext"),
}
_PODS: Shape = {
    **_all({}, "nodeSelector affinity securityContext"),
    "tolerations": [{}],
    **_all(TEXT, "serviceAccountName schedulerName priorityClassName podSpecPatch"),
}
"""Where and as whom pods run."""
_CALL: Shape = {
    **_all(TEXT, "when onExit withParam"),
    "arguments": _PASSED,
    "withItems": [],
    "withSequence": {**_all(LEAF, "count start end"), "format": TEXT},
    "continueOn": _all(FLAG, "error failed"),
    "hooks": {},
    "inline": {},
    "templateRef": {**_all(TEXT, "name template"), "clusterScope": FLAG},
}
_TASK: Shape = {**_CALL, "dependencies": [TEXT], "depends": TEXT}
TEMPLATE: Shape = {
    "inputs": _PASSED,
    "outputs": _PASSED,
    "container": _CONTAINER,
    "script": _CONTAINER,
    "initContainers": [_CONTAINER],
    "sidecars": [_CONTAINER],
    "containerSet": {"containers": [{**_CONTAINER, "dependencies": [TEXT]}]},
    "steps": [[_CALL]],
    "dag": {"tasks": [_TASK], "target": TEXT, "failFast": FLAG},
    "suspend": {"duration": TEXT},
    "retryStrategy": {
        "limit": LEAF,
        "expression": TEXT,
        "backoff": {**_all(TEXT, "duration maxDuration"), "factor": LEAF},
    },
    "resource": {
        **_all(TEXT, "action manifest mergeStrategy successCondition failureCondition"),
        "flags": [TEXT],
        "manifestFrom": {"artifact": {}},
    },
    "volumes": [{}],
    "metrics": {"prometheus": [{}]},
    **_PODS,
    "timeout": TEXT,
    **_all(WHOLE, "parallelism priority"),
    **_all(FLAG, "daemon failFast automountServiceAccountToken"),
}
SPEC: Shape = {
    "arguments": _PASSED,
    "templates": [{}],
    "templateDefaults": TEMPLATE,
    "retryStrategy": TEMPLATE["retryStrategy"],
    **_all([{}], "volumes volumeClaimTemplates"),
    **_PODS,
    "ttlStrategy": _all(WHOLE, "secondsAfterCompletion secondsAfterSuccess secondsAfterFailure"),
    "podGC": {"strategy": TEXT, "labelSelector": {}},
    "onExit": TEXT,
    "hooks": {},
    **_all(WHOLE, "activeDeadlineSeconds parallelism priority"),
    **_all(FLAG, "suspend hostNetwork automountServiceAccountToken archiveLogs"),
}


def check_types(node: Node, shape: Any, name: str = "") -> Iterator[Problem]:
    """A problem for all in a node that is not what its shape says; ``name``: what it is called."""
    if node.value is None:
        return
    if not _fits(node, shape):
        wanted = shape if isinstance(shape, str) else _MAP if isinstance(shape, dict) else _LIST
        yield node.place.problem(f"{name} must be {wanted}", "wrong-type")
    elif isinstance(shape, dict):
        for key, child in node.value.items():
            if key in shape:
                yield from check_types(child, shape[key], key)
    elif isinstance(shape, list):
        for index, child in enumerate(node.value if shape else ()):
            yield from check_types(child, shape[0], f"{name}[{index}]")


def _fits(node: Node, shape: Any) -> bool:
    value = node.value
    if isinstance(shape, dict | list):
        return isinstance(value, type(shape))
    if shape == FLAG:
        return isinstance(value, bool) or str(value).lower() in _OLD_FLAGS
    if shape == WHOLE:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, str) if shape == TEXT else node.is_leaf
