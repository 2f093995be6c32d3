"""Pure: what a request asks for, by one word: ``deployment.create``, ``token.create``, …"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

KINDS = {
    "executionSchedules": "schedule",
    "token": "token",
    "files": "file",
    "repositories": "repository",
}
"""Last word of a path -> kind, where it is not just the singular in snake case."""
DEEDS = frozenset({"logs", "status", "refresh"})
BULK = frozenset({"deployment", "execution"})
VERBS = {"POST": "create", "PUT": "update", "PATCH": "update", "DELETE": "delete"}
INFERENCE = "/v2/inference/deployments/"
DESTINATION = "/destination-configuration/v1/"
TRACKING = "/tracking/"


def operation_of(method: str, template: str) -> str:
    """The operation of a path template: kind and verb."""
    if template.startswith(INFERENCE):
        return "inference.call"
    words = template.strip("/").split("/")
    is_item = words[-1].startswith("{")
    literals = [word for word in words if not word.startswith("{")]
    last = literals[-1]
    if last == "$count":
        return f"{kind_of(literals[-2])}.count"
    if last in DEEDS:
        return f"{kind_of(literals[-2])}.{last}"
    if template.startswith(DESTINATION):
        kind, is_item = "destination", is_item and len(words) > 3
    elif template.startswith(TRACKING):
        kind = "tracking"
    else:
        kind = "quota" if "resourceQuota" in literals else kind_of(last)
    if kind == "token":
        return "token.create"
    if method == "PATCH" and kind in BULK and not is_item:
        return f"{kind}.bulk"
    is_list = not is_item and (last.endswith("s") or kind == "destination")
    return f"{kind}.{VERBS.get(method) or ('list' if is_list else 'get')}"


def kind_of(word: str) -> str:
    """``objectStoreSecrets`` -> ``object_store_secret``."""
    snake = re.sub("([A-Z])", lambda match: "_" + match[1].lower(), word)
    return KINDS.get(word) or snake.removesuffix("s")


@dataclass(frozen=True)
class Place:
    """Where a request goes: the path's template, its operation, the values of the template."""

    template: str
    operation: str
    values: Mapping[str, str]


def third(words: Sequence[str]) -> str:
    """What tells most paths of one length apart: ``deployments``, or nothing where it may vary."""
    word = words[3] if len(words) > 3 else ""
    return "" if word[:1] == "{" else word


class Atlas:
    """Finds the place of a request; made once from (method, template) of every operation."""

    def __init__(self, operations: Iterable[tuple[str, str]]) -> None:
        self._shapes: dict[tuple[str, int, str], list[tuple[list[str], str, str]]] = {}
        self._open: list[tuple[str, str, str, str]] = []
        self.names: set[str] = {"inference.call"}
        for method, template in operations:
            words = template.split("/")
            name = operation_of(method, template)
            if words[-1].endswith(":path}"):
                # the last value may have slashes in it
                self._open.append((method, template.removesuffix(words[-1]), template, name))
            else:
                key = method, len(words), third(words)
                self._shapes.setdefault(key, []).append((words, template, name))
            if not template.startswith("/emulator/"):
                self.names.add(name)

    def find(self, method: str, path: str) -> Place:
        """The place of a request; of one that nothing answers, ``unknown``."""
        if path.startswith(INFERENCE):
            deployment_id = path.removeprefix(INFERENCE).partition("/")[0]
            return Place(f"{INFERENCE}{{id}}", "inference.call", {"id": deployment_id})
        parts = path.split("/")
        for key in (third(parts), ""):
            for words, template, name in self._shapes.get((method, len(parts), key), ()):
                pairs = list(zip(words, parts, strict=True))
                if all(word == part or word[:1] == "{" for word, part in pairs):
                    values = {word.strip("{}"): part for word, part in pairs if word[:1] == "{"}
                    return Place(template, name, values)
        for verb, prefix, template, name in self._open:
            if verb == method and path.startswith(prefix):
                return Place(template, name, {"path": path.removeprefix(prefix)})
        return Place(path, "unknown", {})
