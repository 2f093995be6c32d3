"""What a workflow is given, and what its steps and tasks pass: each thing once, and from somewhere.

Source: Argo Workflows 3.5, workflow/validate/validate.go (``validateArguments``).
"""

from __future__ import annotations

from collections.abc import Iterator

from cicd.config.tree import Node, did_you_mean
from cicd.errors import Problem
from cicd.platforms.aicore.dialect.metadata import children, is_given, named, text_of

OUTPUT_SOURCES = ("path", "jqFilter", "jsonPath", "parameter", "expression")
"""Where the value of an output can come from; an argument has it from elsewhere."""
_SOURCES = ("configMapKeyRef", "event", "supplied")
_LOCATIONS = {
    "raw": "",
    "http": "url",
    "s3": "key",
    "git": "repo",
    "gcs": "key",
    "oss": "key",
    "azure": "blob",
    "hdfs": "path",
    "artifactory": "url",
    "plugin": "",
}
"""Where an artifact can be, and what must be said of it."""


def check_workflow_arguments(spec: Node) -> Iterator[Problem]:
    """A configuration may give what has no value here."""
    for item in children(spec.get("arguments", "parameters")):
        yield from _check_source(item)
        yield from _check_choice(item, item.get("value"))
    for item in children(spec.get("arguments", "artifacts")):
        yield from _check_origins(item, f'the artifact "{text_of(item, "name")}" comes')


def check_call_arguments(call: Node) -> Iterator[Problem]:
    """What one step or task passes."""
    who = f'"{text_of(call, "name")}"'
    problems: list[Problem] = []
    for part, word in (("parameters", "parameter"), ("artifacts", "artifact")):
        list(named(children(call.get("arguments", part)), f"{who}: the {word}", problems))
    yield from problems
    for item in children(call.get("arguments", "parameters")):
        name = text_of(item, "name")
        if item.get("value") is None and item.get("valueFrom") is None:
            message = f'{who} passes the parameter "{name}" without a value: add it'
            yield item.place.problem(message, "missing-argument")
        yield from _check_source(item)
        yield from _check_choice(item, item.get("value"))
    for item in children(call.get("arguments", "artifacts")):
        yield from _check_artifact(item, f'{who} passes the artifact "{text_of(item, "name")}"')


def _check_source(item: Node) -> Iterator[Problem]:
    source = item.get("valueFrom")
    if source is None or not isinstance(source.value, dict):
        return
    wrong = [key for key in OUTPUT_SOURCES if is_given(source.get(key))]
    if wrong or not any(source.get(key) is not None for key in _SOURCES):
        message = f'the parameter "{text_of(item, "name")}" has valueFrom'
        message += f".{wrong[0]}, which only an output can have" if wrong else " without a source"
        place = (
            source.place_of(wrong[0], key=True) if wrong else item.place_of("valueFrom", key=True)
        )
        yield place.problem(f"{message}: give it a value", "bad-argument-source")


def _check_choice(item: Node, value: Node | None) -> Iterator[Problem]:
    choices = item.get("enum")
    if choices is None or not isinstance(choices.value, list):
        return
    name = text_of(item, "name")
    if not choices.value:
        message = f'the enum of "{name}" is empty: list values or take it out'
        yield item.place_of("enum", key=True).problem(message, "wrong-choice")
    known = [_written(choice) for choice in choices.value if choice.is_leaf]
    given = _written(value) if value is not None and value.is_leaf else ""
    if known and value is not None and value.value is not None and given not in known:
        hint = did_you_mean(given, known) or f": {', '.join(known)}"
        message = f'"{name}" is "{given}", which its enum does not list{hint}'
        yield value.place.problem(message, "wrong-choice")


def _written(leaf: Node) -> str:
    return leaf.value if isinstance(leaf.value, str) else leaf.text


def _check_artifact(item: Node, who: str) -> Iterator[Problem]:
    yield from _check_origins(item, who)
    has_from = is_given(item.get("from"))
    is_somewhere = any(
        item.get(kind) is not None and (not key or is_given(item.get(kind, key)))
        for kind, key in _LOCATIONS.items()
    )
    if not has_from and not is_somewhere:
        says = "from an expression, which only outputs can: use from"
        says = says if is_given(item.get("fromExpression")) else "from nowhere: add from"
        yield item.place.problem(f"{who} {says}", "missing-argument")


def _check_origins(item: Node, who: str) -> Iterator[Problem]:
    if is_given(item.get("from")) and is_given(item.get("fromExpression")):
        message = f"{who} by from and by fromExpression: keep one"
        yield item.place_of("fromExpression", key=True).problem(message, "bad-argument-source")
