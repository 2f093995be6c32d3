"""What Argo checks of fields that make no difference here: metrics, and when pods are deleted.

Source: Argo Workflows 3.5, workflow/validate/validate.go and workflow/metrics/util.go.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

METRIC = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
STRATEGIES = ("", "OnPodCompletion", "OnPodSuccess", "OnWorkflowCompletion", "OnWorkflowSuccess")
OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist")


def pod_deletion_problems(spec: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with ``podGC``."""
    deletion = _map(spec.get("podGC"))
    strategy = deletion.get("strategy") or ""
    if strategy not in STRATEGIES:
        yield f"spec.podGC.strategy: {strategy!r} is none of {', '.join(STRATEGIES[1:])}"
    selector = _map(deletion.get("labelSelector"))
    for index, item in enumerate(_maps(selector.get("matchExpressions"))):
        where = f"spec.podGC.labelSelector.matchExpressions[{index}]"
        if item.get("operator") not in OPERATORS:
            yield f"{where}.operator: is none of {', '.join(OPERATORS)}"
        elif bool(item.get("values")) is not (item["operator"] in OPERATORS[:2]):
            yield f"{where}.values: {', '.join(OPERATORS[:2])} need some, the others have none"


def metric_problems(template: Mapping[str, Any], path: str) -> Iterator[str]:
    """What is wrong with the metrics of a template."""
    for index, metric in enumerate(_maps(_map(template.get("metrics")).get("prometheus"))):
        where = f"{path}.metrics.prometheus[{index}]"
        names = {"name": metric.get("name")}
        for place, label in enumerate(_maps(metric.get("labels"))):
            names[f"labels[{place}].key"] = label.get("key")
        for key, name in names.items():
            if not METRIC.fullmatch(str(name or "")):
                yield f"{where}.{key}: {name!r} is no name of a metric: letters, digits, _ and :"
        if not metric.get("help"):
            yield f"{where}.help: is missing"
        for kind in ("gauge", "counter", "histogram"):
            if kind in metric and not _map(metric[kind]).get("value"):
                yield f"{where}.{kind}.value: is missing"
        gauge = _map(metric.get("gauge"))
        if gauge.get("realtime") and "resourcesDuration." in str(gauge.get("value")):
            yield f"{where}.gauge: resourcesDuration is not known before the end: no realtime"


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _maps(value: Any) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []
