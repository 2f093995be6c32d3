"""Whether a committed template is what the generator would write now; pure but for the run."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from cicd.config.files import read_tree
from cicd.config.tree import plain
from cicd.metaflow.build import ENDPOINT, REGION, ROOT, finish, in_memory, store_of
from cicd.metaflow.generator import find_generator, generate
from cicd.platforms.aicore.dialect.flows.declared import Flow, Store

_ADDRESS = re.compile(r"(/data/[0-9a-f]{2}/)?[0-9a-f]{40}")
"""Of the code in the bucket: another Python or Metaflow packs the same code otherwise."""
_SHOWN = 80


def compare(flow: Flow, environ: Mapping[str, str]) -> list[str]:
    """Where the committed template differs from what the generator writes now, in words.

    Needs the flow's interpreter, but neither a bucket nor a network. Raises as build() does.
    """
    committed = plain(read_tree(flow.root / flow.settings.template, flow.settings.template))
    is_told = flow.store is not None and flow.store.credentials
    store = (None if is_told else _store_in(committed)) or store_of(flow, environ)
    generator = find_generator(flow)
    with in_memory(store) as (memory, _):
        raw = generate(flow, generator, memory, environ)
    built = finish(flow, store, generator, raw)
    return list(differing(_by_name(committed), _by_name(built.document)))


def _store_in(document: Any) -> Store | None:
    """The bucket that a committed template names, None where it names none."""
    containers = [item.get("container") or {} for item in document["spec"]["templates"]]
    variables = [item for container in containers for item in container.get("env") or ()]
    texts = {str(item.get("name")): str(item.get("value")) for item in variables}
    if ROOT not in texts:
        return None
    return Store(texts[ROOT], texts.get(ENDPOINT, ""), texts.get(REGION, ""))


def _by_name(value: Any) -> Any:
    """The same with lists of named things as maps: their order is no difference."""
    if isinstance(value, Mapping):
        return {key: _by_name(item) for key, item in value.items()}
    if isinstance(value, list):
        names = [item.get("name") if isinstance(item, Mapping) else None for item in value]
        if value and None not in names:
            return {name: _by_name(item) for name, item in zip(names, value, strict=True)}
        return [_by_name(item) for item in value]
    return _ADDRESS.sub("CODE", value) if isinstance(value, str) else value


def differing(before: Any, after: Any, path: str = "") -> Iterator[str]:
    """Each place where two documents differ, with both values, in one line."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in dict.fromkeys([*before, *after]):
            at = f"{path}.{key}" if path else str(key)
            if key not in after:
                yield f"{at} is in the file only"
            elif key not in before:
                yield f"{at} is not in the file"
            else:
                yield from differing(before[key], after[key], at)
    elif before != after:
        here, there = (json.dumps(value, ensure_ascii=False) for value in (before, after))
        pairs = enumerate(zip(here, there, strict=False))
        start = next((at for at, (a, b) in pairs if a != b), 0)
        yield f"{path} is {_around(here, start)}, the flow makes it {_around(there, start)}"


def _around(text: str, start: int) -> str:
    """The part of a text from a little before ``start``: scripts are long."""
    first = max(0, start - _SHOWN // 2) if len(text) > _SHOWN else 0
    shown = text[first : first + _SHOWN]
    return f"{'…' if first else ''}{shown}{'…' if first + _SHOWN < len(text) else ''}"
