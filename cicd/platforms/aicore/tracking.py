"""What the metrics API knows of executions: tags, metrics, information. Pure and tolerant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from cicd.model import LiveResource, MetricPoint, Track, identity
from cicd.platforms.aicore.convert import Document
from cicd.platforms.aicore.times import moment
from cicd.platforms.base import fields_of

FILES = "cicd.files"
LONGEST = 256
"""Characters of the value of a tag, by the API document."""
MOST_PARTS = 30
"""Tags that one of ours may take up, of the 100 that a run can have."""


def tagged(live: LiveResource, document: Document) -> LiveResource:
    """The execution with what the metrics API knows of it: its inputs tag and its metrics."""
    tags = {str(tag.get("name")): tag.get("value") for tag in document.get("tags") or ()}
    spec = dict(live.spec)
    if "cicd.inputs" in tags:
        spec |= fields_of({**tags, FILES: _joined(tags)})
        spec.pop("completed_after_sync", None)
    stage, project, commit = (
        str(tags.get(f"cicd.{name}") or "") for name in ("stage", "project", "commit")
    )
    owner = identity(project, stage) if stage else ""
    facts = {**live.facts, **({"commit": commit} if commit else {})}
    return replace(live, spec=spec, metrics=last_metrics(document), owner=owner, facts=facts)


def in_parts(tags: Mapping[str, str]) -> dict[str, str]:
    """The same tags as the metrics API takes them: a long value as several, ``NAME.2`` and so on.
    One that would need too many is left out: the API has a limit that runs share with us."""
    parts: dict[str, str] = {}
    for name, value in tags.items():
        found = [value[at : at + LONGEST] for at in range(0, len(value), LONGEST)]
        if len(found) <= MOST_PARTS:
            parts |= {name if n == 1 else f"{name}.{n}": text for n, text in enumerate(found, 1)}
    return parts


def _joined(tags: Mapping[str, Any]) -> str:
    """The files of a run as one text again; empty where its tags tell of none."""
    names = [FILES, *(f"{FILES}.{number}" for number in range(2, MOST_PARTS + 1))]
    return "".join(str(tags[name]) for name in names if name in tags)


def last_metrics(document: Document) -> dict[str, float]:
    """Metric name -> its last value: by time, then step, then place in the list."""
    return {point.name: point.value for point in track(document).points}


def track(document: Document) -> Track:
    """All that a run recorded; what has no name or no number is left out."""
    points = [point for item in document.get("metrics") or () if (point := _point(item))]
    return Track(
        points=tuple(sorted(points, key=lambda point: (point.time, point.step))),
        tags={
            name: value
            for name, value in _named(document.get("tags")).items()
            if name.removesuffix(f".{name.rpartition('.')[2]}") != FILES and name != FILES
        },
        info=_named(document.get("customInfo")),
    )


def _point(item: Document) -> MetricPoint | None:
    try:
        name, value = str(item["name"]), float(item["value"])
        step = int(item.get("step") or 0)
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    labels = _named(item.get("labels"))
    return MetricPoint(name, value, step, moment(item.get("timestamp")) or 0, labels)


def _named(items: Any) -> dict[str, str]:
    return {str(item.get("name")): str(item.get("value", "")) for item in items or ()}
