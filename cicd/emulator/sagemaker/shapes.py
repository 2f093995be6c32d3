"""The API as AWS describes it to its SDKs: botocore's service model checks requests, and cuts what
is known of a thing to what an operation answers.

Values are as they travel in JSON: times are seconds since 1970.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from typing import Any

from cicd.emulator.sagemaker.errors import Refused, violations

Shape = Any
"""botocore's, which is not typed."""
JSON_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "boolean": (bool,),
    "timestamp": (int, float),
    "blob": (str,),
    "structure": (dict,),
    "list": (list,),
    "map": (dict,),
}
NAMES = {str: "STRING", bool: "BOOLEAN", int: "NUMBER", float: "NUMBER", dict: "OBJECT"}
UNICODE = {
    r"\p{Print}": "[ -~]",
    r"\p{L}": r"\w",
    r"\p{N}": r"\d",
    r"\p{Z}": r"\s",
    r"\p{M}": "",
    r"\p{S}": "$+<=>^`|~",
} | {
    r"\p{P}": r"!-/:-@\[-_{}¡-¿‐-‧",
    r"\p{Alnum}": "A-Za-z0-9",
}
"""Classes of characters that Python's patterns do not have, as near as they come."""

INVALID = {"logs": "InvalidParameterException"}
"""What services call values that are none, where they do not say ValidationException."""
LATEST = 10**12
"""No moment is so many seconds from 1970; nor is what is no number."""


class ServiceModel:
    """The operations of one service by their names."""

    def __init__(self, service: str) -> None:
        session = import_module("botocore.session").get_session()
        self._model = session.get_service_model(service)
        self._invalid = INVALID.get(service, "ValidationException")
        self.names: frozenset[str] = frozenset(self._model.operation_names)

    def check(self, operation: str, body: Any) -> dict[str, Any]:
        """The body of a request without what the operation does not know. Raises Refused."""
        shape = self._model.operation_model(operation).input_shape
        if not isinstance(body, dict):
            raise Refused("SerializationException", "")
        if problems := list(_problems(shape, body, "")):
            raise violations(self._invalid, problems)
        checked: dict[str, Any] = fitted(shape, body)
        return checked

    def answer(self, operation: str, found: Mapping[str, Any]) -> dict[str, Any]:
        """What an operation answers, of all that is known."""
        shape = self._model.operation_model(operation).output_shape
        return fitted(shape, found) if shape else {}

    def page(self, operation: str) -> tuple[str, Shape]:
        """The field with what a list operation lists, and the shape of one of them."""
        members = self._model.operation_model(operation).output_shape.members
        name = next(name for name, shape in members.items() if shape.type_name == "list")
        return name, members[name].member

    def shape(self, name: str) -> Shape:
        """A shape by its name."""
        return self._model.shape_for(name)


def fitted(shape: Shape, value: Any) -> Any:
    """The value without the fields that the shape does not have, and those that are None."""
    kind = shape.type_name
    if kind == "structure":
        return {
            name: fitted(member, value[name])
            for name, member in shape.members.items()
            if value.get(name) is not None
        }
    if kind == "list":
        return [fitted(shape.member, item) for item in value]
    if kind == "map":
        return {key: fitted(shape.value, item) for key, item in value.items()}
    return value


def _problems(shape: Shape, value: Any, path: str) -> Iterator[str]:
    """What AWS says of a value that is not as it should be. Raises Refused for another type."""
    kind = shape.type_name
    _check_type(kind, value)
    yield from (_failed(value, path, rule) for rule in _broken(shape, value))
    if kind == "structure":
        for name, member in shape.members.items():
            inside = f"{path}.{_spelled(name)}" if path else _spelled(name)
            if value.get(name) is not None:
                yield from _problems(member, value[name], inside)
            elif name in shape.required_members:
                yield _failed(None, inside, "Member must not be null")
    elif kind == "list":
        for number, item in enumerate(value, start=1):
            yield from _problems(shape.member, item, f"{path}.{number}.member")
    elif kind == "map":
        for key, item in value.items():
            for part, one, said in ((shape.key, key, "keys"), (shape.value, item, "value")):
                if found := [*_broken(part, one)] if isinstance(one, str) else []:
                    where = "Map keys" if said == "keys" else "Map value"
                    rules = ", ".join(found)
                    yield _failed(value, path, f"{where} must satisfy constraint: [{rules}]")
            if not isinstance(item, str) or shape.value.type_name != "string":
                yield from _problems(shape.value, item, f"{path}.{key}.member")


def _check_type(kind: str, value: Any) -> None:
    wanted = JSON_TYPES[kind]
    is_switch = isinstance(value, bool)
    is_good = isinstance(value, wanted) and (not is_switch or bool in wanted)
    if not is_good or (kind == "timestamp" and not abs(value) < LATEST):
        sent = NAMES.get(type(value), "COLLECTION")
        text = f"{sent}_VALUE cannot be converted to {kind.capitalize()}"
        raise Refused("SerializationException", text)


def _broken(shape: Shape, value: Any) -> Iterator[str]:
    """The rules of one value that it does not keep."""
    rules, kind = shape.metadata, shape.type_name
    if kind in ("string", "list", "map"):
        size, least, most = len(value), rules.get("min"), rules.get("max")
        what = "have length"
    elif kind in ("integer", "long", "float", "double"):
        size, least, most = value, rules.get("min"), rules.get("max")
        what = "have value"
    else:
        return
    if least is not None and size < least:
        yield f"Member must {what} greater than or equal to {least}"
    if most is not None and size > most:
        yield f"Member must {what} less than or equal to {most}"
    if "enum" in rules and value not in rules["enum"]:
        yield f"Member must satisfy enum value set: [{', '.join(rules['enum'])}]"
    pattern = rules.get("pattern")
    if pattern and kind == "string" and not _compiled(pattern).fullmatch(value):
        yield f"Member must satisfy regular expression pattern: {pattern}"


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """AWS's pattern, which must fit the whole; anything where Python has no such pattern."""
    # its tags repeat the end of the text, which no pattern can
    pattern = re.sub(r"\$\{\d+,\d+\}$", "", pattern)
    for theirs, ours in UNICODE.items():
        pattern = pattern.replace(theirs, ours)
    try:
        return re.compile(pattern, re.DOTALL)
    except re.error:
        return re.compile(".*", re.DOTALL)


def _failed(value: Any, path: str, rule: str) -> str:
    said = "null" if value is None else f"'{_shown(value)}'"
    return f"Value {said} at '{path}' failed to satisfy constraint: {rule}"


def _shown(value: Any) -> str:
    """A value as Java prints it."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}={_shown(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return f"[{', '.join(map(_shown, value))}]"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _spelled(name: str) -> str:
    """``TrainingJobName`` as messages have it."""
    return name[:1].lower() + name[1:]
