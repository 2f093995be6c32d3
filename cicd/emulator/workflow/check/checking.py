"""``check``: everything in a WorkflowTemplate that the emulator cannot do, each with its path."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from cicd.emulator.workflow.check.content import content_problems
from cicd.emulator.workflow.check.defaults import KINDS, with_defaults
from cicd.emulator.workflow.check.fields import DOCUMENT, HOOK, NOTED, SPEC, TEMPLATE
from cicd.emulator.workflow.check.inline import PLACE, placed, with_names
from cicd.emulator.workflow.check.names import raw_calls
from cicd.emulator.workflow.check.shape import differences

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,127}")
"""Of templates, as Argo takes them."""
ELSEWHERE = ("resource", "data", "http", "plugin")
"""Kinds of templates that are refused by their name."""
ITEM_NAME = re.compile(r"[A-Za-z0-9_-]+")
"""Of parameters and artifacts."""


def check(document: Any) -> list[str]:
    """What is wrong with a WorkflowTemplate or beyond the emulator, one line each with its path.

    An empty list means that it can be run; parameters without a value come out only then.
    """
    if not isinstance(document, Mapping) or not isinstance(document.get("spec"), Mapping):
        return ["spec: is missing or no map"]
    found = list(differences(document, DOCUMENT, ""))
    found = [message.removeprefix(".") for message in found]
    found += _outline(with_names(document["spec"]))
    return found or content_problems({**document, "spec": with_defaults(document["spec"])})


def notes(document: Mapping[str, Any]) -> list[str]:
    """The fields that are accepted and have no effect, here or anywhere, with their paths."""
    spec = document["spec"]
    places = [("spec", spec, SPEC)]
    places += [(f"spec.templates[{i}]", x, TEMPLATE) for i, x in enumerate(spec["templates"])]
    return [
        f"{path}.{key}"
        for path, item, known in places
        for key in (*NOTED, *(other for other in item if other not in known))
        if item.get(key)
    ]


def _outline(spec: Mapping[str, Any]) -> list[str]:
    """Names, and one kind per template: what must hold before the program can be read."""
    templates = spec.get("templates")
    if not isinstance(templates, list) or not templates:
        return ["spec.templates: is missing or empty"]
    if not all(isinstance(item, Mapping) for item in templates):
        return []
    found = [] if spec.get("entrypoint") else ["spec.entrypoint: is missing"]
    found += _names(spec.get("arguments"), "spec.arguments")
    found += _hook_shapes(spec, "spec")
    seen: set[str] = set()
    for path, item in placed(spec):
        name = str(item.get("name") or "")
        if PLACE not in item and name in seen:
            found.append(f"{path}.name: {name!r} is used twice")
        elif PLACE not in item and not NAME.fullmatch(name):
            found.append(
                f"{path}.name: {name!r} is not a name" if name else f"{path}.name: is missing"
            )
        seen.add(name)
        kinds = [kind for kind in KINDS if item.get(kind) is not None]
        if len(kinds) != 1 and not any(item.get(kind) for kind in ELSEWHERE):
            found.append(f"{path}: needs exactly one of {', '.join(KINDS)}")
        for part in ("inputs", "outputs"):
            found += _names(item.get(part), f"{path}.{part}")
        for where, call in raw_calls(item):
            for key in ("name", "template"):
                if not call.get(key):
                    found.append(f"{path}.{where}.{key}: is missing")
            found += _names(call.get("arguments"), f"{path}.{where}.arguments")
            found += _hook_shapes(call, f"{path}.{where}")
    return found


def _names(holder: Any, path: str) -> Iterator[str]:
    """Entries of ``parameters`` and ``artifacts`` without a usable name of their own."""
    for part in ("parameters", "artifacts"):
        items = holder.get(part) if isinstance(holder, Mapping) else None
        seen: set[str] = set()
        for index, item in enumerate(items if isinstance(items, list) else ()):
            name = str(item.get("name") or "") if isinstance(item, Mapping) else "-"
            if not name:
                yield f"{path}.{part}[{index}].name: is missing"
            elif not ITEM_NAME.fullmatch(name):
                yield f"{path}.{part}[{index}].name: {name!r} is not a name"
            elif name in seen:
                yield f"{path}.{part}[{index}].name: {name!r} is used twice"
            seen.add(name)


def _hook_shapes(holder: Mapping[str, Any], path: str) -> Iterator[str]:
    """Hooks have names of their own, so their shape is looked at one by one."""
    hooks = holder.get("hooks")
    if hooks is None:
        return
    if not isinstance(hooks, Mapping):
        yield f"{path}.hooks: must be a map"
        return
    for name, hook in hooks.items():
        where = f"{path}.hooks.{name}"
        yield from differences(hook, HOOK, where)
        if isinstance(hook, Mapping):
            yield from _names(hook.get("arguments"), f"{where}.arguments")
        if not isinstance(hook, Mapping) or not hook.get("template"):
            yield f"{where}.template: is missing"
        elif name != "exit" and not hook.get("expression"):
            yield f"{where}.expression: is missing"
