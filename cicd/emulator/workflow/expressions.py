"""``{{…}}``: find the tags in a template and put values in their place, once, never recursively."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

TAG = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)


class Unresolved(Exception):
    """A ``{{…}}`` that nothing answers; its text is the message."""


def tags(value: Any) -> Iterator[str]:
    """The names inside all ``{{…}}`` of a value, however deep, without the braces and blanks."""
    if isinstance(value, str):
        yield from (match.strip() for match in TAG.findall(value))
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from tags(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from tags(item)


def substitute(text: str, scope: Mapping[str, str]) -> str:
    """``text`` with every tag replaced by its value in ``scope``; raises Unresolved."""

    def value(match: re.Match[str]) -> str:
        try:
            return scope[match[1].strip()]
        except KeyError:
            raise Unresolved(f"{match[0]} has no value here") from None

    return TAG.sub(value, text)


def resolve(value: Any, scope: Mapping[str, str]) -> Any:
    """The same for every string of a nested value; keys stay as they are."""
    if isinstance(value, str):
        return substitute(value, scope)
    if isinstance(value, Mapping):
        return {key: resolve(item, scope) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [resolve(item, scope) for item in value]
    return value


def as_text(value: Any) -> str:
    """A parameter value as Argo passes it on: text as it is, everything else as JSON."""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
