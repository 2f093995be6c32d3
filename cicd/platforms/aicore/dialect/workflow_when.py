"""Texts in a ``when`` that stand there without quotes, and values that need some.

Argo replaces the tags of a ``when`` as they are and reads what there is then: a value with a
hyphen, a point, a slash or a blank in it, or none at all, becomes part of the condition.
Source: Argo Workflows 3.5, ``shouldExecute`` in steps.go, and the manual of govaluate.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from cicd.config.tree import Node
from cicd.errors import Problem
from cicd.platforms.aicore.dialect.metadata import children, text_of
from cicd.platforms.aicore.dialect.workflow_calls import Templates, calls_of

_PART = re.compile(
    r"(?P<tag>\{\{.*?\}\})|(?P<text>'(?:\\.|[^'\"\\{]|\{(?!\{)|\{\{.*?\}\})*['\"]"
    r"|\"(?:\\.|[^'\"\\{]|\{(?!\{)|\{\{.*?\}\})*['\"]|\[[^\]]*\])",
    re.DOTALL,
)
_PARAMETER = re.compile(r"\{\{\s*((?:workflow|inputs)\.parameters\.[\w.-]+)\s*\}\}")
_WORD = r"[^\W\d_]\w*"
_FITS = re.compile(rf"-?\d+(?:\.\d+)?|-?\.\d+|{_WORD}|'[^'\"]*'|\"[^'\"]*\"")
"""What may stand without further quotes."""
_CONDITION = re.compile(r"[<>]|[=!]=|[=!]~|&&|\|\||\b(?:in|IN)\b")
_LIST = re.compile(rf"\s*(?:{_FITS.pattern})(?:\s*,\s*(?:{_FITS.pattern}))*\s*")
_VALUE = r"[\w'\"(!\[-]"
_SLIPS = (
    (re.compile(r"(?<![=!<>])=(?![=~])"), "write == to compare"),
    (re.compile(rf"(?<=[\w'\")\]])\s+and\s+(?={_VALUE})"), "write && for and"),
    (re.compile(rf"(?<=[\w'\")\]])\s+or\s+(?={_VALUE})"), "write || for or"),
    (re.compile(rf"(?:^|(?<=[(&|]))\s*not\s+(?={_VALUE})"), "write ! for not"),
    (re.compile("['\"]"), "a text in it has no end"),
)
"""What other languages have and govaluate has not, and the cure."""
_COMPARED = re.compile(
    r"(?<!['\"])(?P<tag>\{\{[^={}][^{}]*\}\})\s*(?:[=!]=\s*|(?:in|IN)\s*\()"
    r"(?P<texts>(?:(?:'[^'\"{}]*'|[^\s'\"(){},&|]+)\s*,?\s*)+)"
)
_TEXTS = re.compile(r"'(?P<text>[^'\"{}]*)'|(?P<word>[^\s'\"(){},&|]+)")
_BROKEN = re.compile(
    r"(?<![\w.)])(?:\d+\.\d+\.[\w.]*|\d+[^\W\d]\w*|[^\W\d_]\w*(?:[-./:@]+\w+)+|/\w[\w./-]*)"
)
"""Words that are none for govaluate: ``1.2.3``, ``4o``, ``gpt-4o``, ``a.b``, ``/data/x``."""


def check_conditions(tree: Node, templates: Templates) -> Iterator[Problem]:
    """A warning for each ``when`` that Argo cannot read, or not with a value that it may have."""
    values = dict(_values(tree, templates))
    for name, template in templates.items():
        for _, call in calls_of(template):
            node = call.get("when")
            if node is None or not isinstance(node.value, str):
                continue
            yield from _check_words(node)
            yield from _check_operators(node)
            asked = dict(_compared(node.value))
            for tag, parameter in unquoted(node.value):
                is_own = parameter.startswith("inputs.")
                for value in values.get(f"{name}/{parameter}" if is_own else parameter, ()):
                    if not fits(value, node.value, tag):
                        asked[tag] = value
                        break
            for tag, value in asked.items():
                message = told(node.value, tag, value)
                yield node.place.problem(message, "unquoted-condition", "warning")


def conditions_of(templates: Templates) -> dict[str, tuple[tuple[str, str], ...]]:
    """Parameter of the workflow -> each ``when`` and the tag by which it stands there unquoted."""
    found: dict[str, tuple[tuple[str, str], ...]] = {}
    for template in templates.values():
        for _, call in calls_of(template):
            node = call.get("when")
            when = node.value if node is not None and isinstance(node.value, str) else ""
            for tag, parameter in unquoted(when):
                name = parameter.removeprefix("workflow.parameters.")
                if name != parameter:
                    found[name] = (*found.get(name, ()), (when, tag))
    return found


def unquoted(when: str) -> Iterator[tuple[str, str]]:
    """(tag, parameter) for those that stand outside of quotes."""
    for match in _PART.finditer(when):
        if match["tag"] and (parameter := _PARAMETER.fullmatch(match["tag"])):
            yield match["tag"], parameter[1]


def fits(value: str, when: str, tag: str) -> bool:
    """Whether a value may stand in ``when`` where the tag does, as far as it can be told."""
    text = value.strip()
    if when.strip() == tag:
        return text in ("", "true", "false") or bool(_CONDITION.search(text))
    if re.search(rf"\(\s*{re.escape(tag)}\s*\)", when) and _LIST.fullmatch(text):
        return True
    return _FITS.fullmatch(text) is not None


def told(when: str, tag: str, value: str) -> str:
    """What is wrong with a value in ``when``, and which quotes are missing."""
    if when.strip() == tag:
        cure = f"compare it: '{tag}' == '{value}'"
        return f'"{value}" of when "{when}" is neither true nor false for Argo: {cure}'
    shown = f'"{value}"' if value.strip() else "an empty value"
    return f"Argo cannot read when \"{when}\" with {shown}: put quotes around it, '{tag}'"


def _check_words(node: Node) -> Iterator[Problem]:
    """What is written there itself."""
    plain = _PART.sub(lambda match: ("_" if match["tag"] else " ") * len(match[0]), node.value)
    for match in _BROKEN.finditer(plain):
        message = f'Argo cannot read "{match[0]}" in when "{node.value}"'
        message += f": put quotes around it, '{match[0]}'"
        yield node.place.problem(message, "unquoted-condition", "warning")


def _check_operators(node: Node) -> Iterator[Problem]:
    """What has no end, the operators of other languages, and what is no condition."""
    when = node.value
    plain = _PART.sub("_", when)
    cures = [cure for slip, cure in _SLIPS if slip.search(plain)]
    if plain.count("(") != plain.count(")"):
        cures.append("a bracket in it is missing")
    for cure in cures:
        message = f'Argo cannot read when "{when}": {cure}'
        yield node.place.problem(message, "bad-condition", "warning")
    is_condition = _CONDITION.search(plain) or re.search(r"[!?]|\{\{", when)
    if not cures and not is_condition and when.strip() not in ("", "true", "false"):
        message = f'when "{when}" is neither true nor false: compare it with something'
        yield node.place.problem(message, "bad-condition", "warning")


def _compared(when: str) -> Iterator[tuple[str, str]]:
    """(tag, text) for what stands unquoted beside a text that it could be only in quotes."""
    for match in _COMPARED.finditer(when):
        for text in _TEXTS.finditer(match["texts"]):
            value = text["word"] or text["text"]
            if not fits(value, when, match["tag"]) and (not text["word"] or _BROKEN.match(value)):
                yield match["tag"], value


def _values(tree: Node, templates: Templates) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Parameter -> the values that this file gives it: ``workflow.parameters.x``, and
    ``TEMPLATE/inputs.parameters.x``."""
    own: dict[str, tuple[str, ...]] = {}
    for item in children(tree.get("spec", "arguments", "parameters")):
        own[f"workflow.parameters.{text_of(item, 'name')}"] = tuple(_written(item))
    found: dict[str, list[str]] = {}
    for name, template in templates.items():
        for item in children(template.get("inputs", "parameters")):
            key = f"{name}/inputs.parameters.{text_of(item, 'name')}"
            found.setdefault(key, []).extend(_through(_written(item), own))
        for _, call in calls_of(template):
            for item in children(call.get("arguments", "parameters")):
                key = f"{text_of(call, 'template')}/inputs.parameters.{text_of(item, 'name')}"
                found.setdefault(key, []).extend(_through(_written(item), own))
    yield from own.items()
    yield from ((key, tuple(values)) for key, values in found.items())


def _written(item: Node) -> Iterator[str]:
    """The values of a parameter that are written down."""
    for key in ("value", "default"):
        node = item.get(key)
        if node is not None and node.is_leaf and node.value is not None:
            yield node.value if isinstance(node.value, str) else node.text
    for node in children(item.get("enum")):
        if node.is_leaf:
            yield node.value if isinstance(node.value, str) else node.text


def _through(values: Iterator[str], own: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    """A value that is a parameter of the workflow is what that may be; no other with tags."""
    for value in values:
        if match := _PARAMETER.fullmatch(value.strip()):
            yield from own.get(match[1], ())
        elif "{{" not in value:
            yield value
