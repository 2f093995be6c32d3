"""Placeholders (``{{…}}``) in templates: each must lead to something that is declared."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from cicd.config.tree import Node, did_you_mean
from cicd.errors import Problem

_TAG = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_IN_EXPRESSION = re.compile(r"\bworkflow\.parameters\.([\w-]+)")
_LONGEST = 60


@dataclass(frozen=True)
class Scope:
    """What may stand in a placeholder: ``names`` by prefix (``inputs.parameters.``), and words
    that are fine by themselves (``item``) or before a dot."""

    names: Mapping[str, Collection[str]]
    words: Collection[str] = ()

    def without(self, *prefixes: str) -> Scope:
        """The same, but nothing is known of what follows these prefixes."""
        names = {prefix: known for prefix, known in self.names.items() if prefix not in prefixes}
        return Scope(names, {*self.words, *(prefix.rstrip(".") for prefix in prefixes)})


def check_placeholders(node: Node, scope: Scope) -> Iterator[Problem]:
    """A problem for each placeholder in any text below a node that the scope does not explain."""
    if isinstance(node.value, dict | list):
        inner = node.value.values() if isinstance(node.value, dict) else node.value
        for child in inner:
            yield from check_placeholders(child, scope)
    elif isinstance(node.value, str) and "{{" in node.value:
        for match in _TAG.finditer(node.value):
            if says := _problem(match[1].strip(), scope):
                shown = " ".join(match[0].split())
                shown = shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}…"
                place = node.place_of_offset(match.start())
                yield place.problem(f"{shown} is used, but {says}", "unresolved-placeholder")


def _problem(text: str, scope: Scope) -> str:
    """What is wrong with the inside of a placeholder, empty when nothing is."""
    if text.startswith("="):
        known = scope.names.get("workflow.parameters.", ())
        unknown = [name for name in _IN_EXPRESSION.findall(text) if name not in known]
        return _undeclared("workflow.parameters.", unknown[0], known) if unknown else ""
    for prefix, known in scope.names.items():
        if text.startswith(prefix):
            rest = text.removeprefix(prefix)
            if rest in known or rest.partition(".")[0] in known:
                return ""
            return _undeclared(prefix, rest, known)
    if any(text == word or text.startswith(f"{word}.") for word in scope.words):
        return ""
    forms = [*(f"{prefix}{name}" for prefix, names in scope.names.items() for name in names)]
    hint = did_you_mean(text, [*forms, *scope.words])
    return f"nothing replaces it{hint or ': correct it or take it out'}"


def _undeclared(prefix: str, name: str, known: Collection[str]) -> str:
    return f"{prefix}{name} is not declared{did_you_mean(name, known) or ': declare it'}"
