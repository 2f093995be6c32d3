"""``{{…}}``: find the tags in a template and put values in their place."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from cicd.emulator.workflow.expr.chance import Chance
from cicd.emulator.workflow.expr.formatting import plain, printed
from cicd.emulator.workflow.expr.language import evaluate
from cicd.emulator.workflow.expr.operators import BadExpression

TAG = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)


ROOTS = ("workflow.", "inputs.", "steps.", "tasks.", "item.", "pod.")
"""What Argo resolves or refuses; any other text between braces stays as it is (validate.go)."""
OF_AI_CORE = tuple(
    f"workflow.labels.{domain}/"
    for domain in (
        "ai.sap.com",
        "executables.ai.sap.com",
        "executions.ai.sap.com",
        "scenarios.ai.sap.com",
        "workflows.argoproj.io",
    )
)
"""Labels that AI Core and Argo give a run, of which only some have a value here."""
LEFT = ("workflow.creationTimestamp", "workflow.scheduledTime", "workflow.duration")
"""What begins so Argo leaves in the text where it has no value, such as a letter it lacks."""


WHOLE = ("workflow.", "pod.name", "node.name")
"""What also counts in a value."""
NOW = "#now"
"""Where a scope keeps the time of what is evaluated, in seconds since 1970; no tag is so named."""
PLACES = ("workflow.name", "node.name")
CALLS = ("steps.name", "tasks.name")
"""What tells the places of a run from each other; of a call, not its rounds."""


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


def is_argos(tag: str) -> bool:
    """Whether Argo refuses that name where it has no value, instead of leaving it in the text."""
    return tag.startswith(ROOTS) and not tag.startswith((*OF_AI_CORE, *LEFT))


def substitute(text: str, scope: Mapping[str, str], place: str = "") -> str:
    """``text`` with every tag replaced by its value in ``scope``; raises Unresolved. In values only
    the names of the whole workflow are replaced, once.

    ``place``: where the text stands, so that what is drawn by chance differs between places.
    """

    def value(match: re.Match[str]) -> str:
        tag = match[1].strip()
        if tag.startswith("="):
            where = f"{place}:{match.start()}"
            try:
                return printed(calculate(tag[1:].strip(), scope, where))
            except ValueError as error:
                raise Unresolved(f"{match[0]}: {error}") from None
        if tag in scope:
            return _again(scope[tag], scope)
        outer, braces, inner = match[1].rpartition("{{")
        if outer and braces and inner in scope:
            # what stands around it is somebody else's, and closed later on
            return f"{{{{{outer}{scope[inner]}"
        if not is_argos(tag):
            return match[0]
        raise Unresolved(f"{match[0]} has no value here")

    return TAG.sub(value, text)


def _again(value: str, scope: Mapping[str, str]) -> str:
    """A value in which names of the whole workflow stand: Argo goes over a template twice
    (SubstituteParams)."""
    if "{{" not in value:
        return value

    def known(match: re.Match[str]) -> str:
        tag = match[1].strip()
        return scope.get(tag, match[0]) if tag.startswith(WHOLE) else match[0]

    return TAG.sub(known, value)


def calculate(expression: str, scope: Mapping[str, Any], place: str = "") -> Any:
    """The value of an expression in which the names of ``scope`` are known. Raises Unresolved."""
    known = [str(scope.get(name, "")) for name in PLACES]
    known += [str(scope.get(name, "")).partition("(")[0] for name in CALLS]
    # Chance is drawn from all of this, so that a run that goes on after a restart, which works out
    # everything anew, gets the numbers and ids that it had.
    known += [place, expression]
    try:
        chance = Chance("\n".join(known), float(scope.get(NOW, 0)))
        value = evaluate(expression, nested(scope), chance)
    except BadExpression as error:
        raise Unresolved(str(error)) from None
    if value is None:
        raise Unresolved(f"{{{{={expression}}}}} has no value here")
    return value


def is_true(expression: str, scope: Mapping[str, Any]) -> bool:
    """The value of an expression that is a condition. Raises Unresolved."""
    value = calculate(expression, scope)
    if not isinstance(value, bool):
        shown = printed(value)
        raise Unresolved(f"unable to cast expression result '{shown}' to bool: {expression}")
    return value


def nested(scope: Mapping[str, Any]) -> dict[str, Any]:
    """``{"a.b": 1}`` as ``{"a": {"b": 1}}``; a value that ``a`` has of its own gives way."""
    found: dict[str, Any] = {}
    for name in sorted(scope):
        if name == NOW:
            continue
        *way, last = name.split(".")
        place = found
        for part in way:
            inner = place.get(part)
            if not isinstance(inner, dict):
                inner = place[part] = {}
            place = inner
        # Sorted, `a` comes before `a.b`, whose loop above puts a mapping in its place; the value
        # stays where nothing longer follows.
        place.setdefault(last, scope[name])
    return found


def resolve(value: Any, scope: Mapping[str, str], place: str = "") -> Any:
    """The same as ``substitute`` for every string of a nested value; keys stay as they are."""
    if isinstance(value, str):
        return substitute(value, scope, place)
    if isinstance(value, Mapping):
        return {key: resolve(item, scope, f"{place}.{key}") for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [resolve(item, scope, f"{place}.{index}") for index, item in enumerate(value)]
    return value


def as_text(value: Any) -> str:
    """A value as Argo passes it on: text as it is, a number plain, everything else as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return plain(value)
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
