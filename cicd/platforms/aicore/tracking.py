"""What the metrics API knows of executions: tags, metrics, information. Pure and tolerant."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from cicd.model import LiveResource, MetricPoint, Track, identity
from cicd.platforms.aicore.convert import Document
from cicd.platforms.aicore.times import moment


def tagged(live: LiveResource, document: Document) -> LiveResource:
    """The execution with what the metrics API knows of it: its inputs tag and its metrics."""
    tags = {str(tag.get("name")): tag.get("value") for tag in document.get("tags") or ()}
    spec = dict(live.spec)
    if "cicd.inputs" in tags:
        spec["inputs"] = tags["cicd.inputs"]
        spec.pop("completed_after_sync", None)
    stage, project = (str(tags.get(f"cicd.{name}") or "") for name in ("stage", "project"))
    owner = identity(project, stage) if stage else ""
    return replace(live, spec=spec, metrics=last_metrics(document), owner=owner)


def last_metrics(document: Document) -> dict[str, float]:
    """Metric name -> its last value: by time, then step, then place in the list."""
    return {point.name: point.value for point in track(document).points}


def track(document: Document) -> Track:
    """All that a run recorded; what has no name or no number is left out."""
    points = [point for item in document.get("metrics") or () if (point := _point(item))]
    return Track(
        points=tuple(sorted(points, key=lambda point: (point.time, point.step))),
        tags=_named(document.get("tags")),
        info=_named(document.get("customInfo")),
    )


def _point(item: Document) -> MetricPoint | None:
    try:
        name, value = str(item["name"]), float(item["value"])
        step = int(item.get("step") or 0)
    except (KeyError, TypeError, ValueError):
        return None
    labels = _named(item.get("labels"))
    return MetricPoint(name, value, step, moment(item.get("timestamp")) or 0, labels)


def _named(items: Any) -> dict[str, str]:
    return {str(item.get("name")): str(item.get("value", "")) for item in items or ()}
