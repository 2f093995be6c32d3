"""Metrics of templates, and when the pods of a run are deleted: Argo refuses what is wrong there.

Source: Argo Workflows 3.5, workflow/validate/validate.go and workflow/metrics/util.go.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from cicd.config.tree import Node, did_you_mean
from cicd.errors import Problem
from cicd.platforms.aicore.dialect.metadata import children, is_given, text_of

_METRIC = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_STRATEGIES = ("OnPodCompletion", "OnPodSuccess", "OnWorkflowCompletion", "OnWorkflowSuccess")
_OPERATORS = {"In": True, "NotIn": True, "Exists": False, "DoesNotExist": False}
"""Whether values go with it."""
_KINDS = ("gauge", "counter", "histogram")


def check_pod_deletion(spec: Node) -> Iterator[Problem]:
    """``podGC``: its strategy, and what chooses the pods."""
    strategy = spec.get("podGC", "strategy")
    if strategy is not None and is_given(strategy) and strategy.value not in _STRATEGIES:
        hint = did_you_mean(strategy.text, _STRATEGIES) or f": {', '.join(_STRATEGIES)}"
        message = f'podGC has no strategy "{strategy.text}"{hint}'
        yield strategy.place.problem(message, "bad-pod-deletion")
    for item in children(spec.get("podGC", "labelSelector", "matchExpressions")):
        operator = text_of(item, "operator")
        if operator not in _OPERATORS:
            hint = did_you_mean(operator, _OPERATORS) or f": {', '.join(_OPERATORS)}"
            message = f'a label selector has no operator "{operator}"{hint}'
            yield item.place_of("operator").problem(message, "bad-pod-deletion")
        elif is_given(item.get("values")) is not _OPERATORS[operator]:
            says = "needs values" if _OPERATORS[operator] else "goes with no values"
            yield item.place.problem(f"the operator {operator} {says}", "bad-pod-deletion")


def check_metrics(template: Node) -> Iterator[Problem]:
    """Names, a help text and a value."""
    for metric in children(template.get("metrics", "prometheus")):
        names = [metric.get("name"), *(x.get("key") for x in children(metric.get("labels")))]
        for name in names:
            text = name.text if name is not None else ""
            if not _METRIC.fullmatch(text):
                place = name.place if name is not None else metric.place
                message = f'"{text}" is no name in metrics: letters, digits, _ and :'
                yield place.problem(message, "bad-metric")
        who = f'the metric "{text_of(metric, "name")}"'
        if not is_given(metric.get("help")):
            yield metric.place.problem(f"{who} has no help text: add help", "bad-metric")
        for kind in _KINDS:
            if metric.get(kind) is not None and not is_given(metric.get(kind, "value")):
                yield metric.place_of(kind).problem(f"{who} has no {kind}.value", "bad-metric")
        realtime = metric.get("gauge", "realtime")
        is_late = "resourcesDuration." in text_of(metric, "gauge", "value")
        if is_late and realtime is not None and realtime.value is True:
            message = f"{who} cannot tell resourcesDuration before the end: no realtime"
            yield realtime.place.problem(message, "bad-metric")
