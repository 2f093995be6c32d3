"""``inline``: a template that stands in the step or task that calls it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

PLACE = "inlinePlace"
"""Of a template that was made from one: the path where it stands."""


def with_names(spec: Mapping[str, Any]) -> Mapping[str, Any]:
    """``spec`` with every inline template among the others, under a name that nobody can give, and
    its call calling that. What is no proper template stays as it is."""
    templates = spec.get("templates")
    if not isinstance(templates, list):
        return spec
    found: list[Any] = []
    for index, item in enumerate(templates):
        found += _taken_apart(item, f"spec.templates[{index}]")
    own = [item for item in found if not _place(item)]
    return {**spec, "templates": [*own, *(item for item in found if _place(item))]}


def placed(spec: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every template with the path where it stands."""
    for index, item in enumerate(spec["templates"]):
        yield _place(item) or f"spec.templates[{index}]", item


def _place(item: Any) -> str:
    return str(item.get(PLACE) or "") if isinstance(item, Mapping) else ""


def _taken_apart(item: Any, path: str) -> list[Any]:
    """A template without inline ones, and those."""
    if not isinstance(item, Mapping):
        return [item]
    found: list[Any] = []

    def named(call: Any, where: str) -> Any:
        if not isinstance(call, Mapping) or not isinstance(call.get("inline"), Mapping):
            return call
        inner = {**call["inline"], "name": f"{item.get('name')}.{call.get('name')}", PLACE: where}
        found.extend(_taken_apart(inner, where))
        return {**call, "template": inner["name"]}

    own = dict(item)
    if isinstance(groups := item.get("steps"), list):
        own["steps"] = [
            [named(call, f"{path}.steps[{y}][{x}].inline") for x, call in enumerate(group)]
            if isinstance(group, list)
            else group
            for y, group in enumerate(groups)
        ]
    dag = item.get("dag")
    if isinstance(dag, Mapping) and isinstance(dag.get("tasks"), list):
        tasks = [
            named(call, f"{path}.dag.tasks[{x}].inline") for x, call in enumerate(dag["tasks"])
        ]
        own["dag"] = {**dag, "tasks": tasks}
    return [own, *found]
