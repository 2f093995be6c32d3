"""JSON schemas of stage files, made from the structs of ``schema`` and of the dialects.

Each platform has a schema of its own, to check a file with; ``config.schema.json`` joins them, for
editors: which of them holds depends on ``platform``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Literal, get_args, get_origin, get_type_hints

import msgspec

from cicd.config.dialect import Dialect
from cicd.config.fields import EDITOR, FORM, WHOLE, Part
from cicd.config.schema import StageBase, keys_of

_DRAFT = "https://json-schema.org/draft/2020-12/schema"


def schema_of(dialects: Mapping[str, Dialect]) -> dict[str, Any]:
    """``config.schema.json`` (draft 2020-12): of each platform what its stage files may hold. The
    first is that of files which name no platform."""
    default = next(iter(dialects))
    choice = {
        "title": "Platform",
        "description": "Where it all runs.",
        "enum": list(dialects),
        "default": default,
    }
    return {
        "$schema": _DRAFT,
        "title": "cicd stage file",
        "type": "object",
        "properties": {"platform": choice},
        "allOf": [
            {
                "if": {
                    "properties": {"platform": {"const": name}},
                    **({} if name == default else {"required": ["platform"]}),
                },
                "then": {"$ref": f"#/$defs/{name}"},
            }
            for name in dialects
        ],
        "$defs": {
            name: _made(dialect.File, name, f"#/$defs/{name}/$defs/{{name}}", is_strict=False)
            for name, dialect in dialects.items()
        },
    }


def strict_schema(file: type[StageBase], name: str, platforms: Sequence[str]) -> dict[str, Any]:
    """The schema of one platform's files for values whose variables have been replaced, where an
    editor's lets any text with a variable pass. ``platforms``: all there are, for messages."""
    made = _made(file, name, "#/$defs/{name}", is_strict=True)
    made["properties"]["platform"]["enum"] = list(platforms)
    return {"$schema": _DRAFT, **made}


def _made(file: type[StageBase], name: str, template: str, *, is_strict: bool) -> dict[str, Any]:
    _, parts = msgspec.json.schema_components(
        [file], schema_hook=lambda _: {}, ref_template=template
    )
    words = _words(file)
    shaped = {key: _shaped(part, words, is_strict=is_strict) for key, part in parts.items()}
    root = shaped.pop(file.__name__)
    order = {key: root["properties"][key] for key in keys_of(file, name)}
    used = {key: part for key, part in shaped.items() if key not in _NO_PARTS}
    return {**root, "properties": order, "$defs": used}


def _is_made(schema: Any) -> bool:
    """Whether it is of what a text in a file becomes, and nobody can write."""
    return str(schema.get("$ref", "")).rpartition("/")[2] in _NO_PARTS


_Words = Mapping[frozenset[str], tuple[str, ...]]


def _shaped(schema: Any, words: _Words, *, is_strict: bool) -> Any:
    """The same with a title for every key, and the form that a field's own schema asks for."""
    if isinstance(schema, list):
        return [_shaped(item, words, is_strict=is_strict) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if len(kept := [one for one in schema.get("anyOf", ()) if not _is_made(one)]) == 1:
        schema = {**schema, **kept[0]}
        del schema["anyOf"]
    elif kept:
        schema = {**schema, "anyOf": kept}
    unsaid = {EDITOR, WHOLE} | (set() if is_strict else {FORM})
    shaped = {
        key: value if key in _AS_IS else _shaped(value, words, is_strict=is_strict)
        for key, value in schema.items()
        if key not in unsaid and (key, value) != ("required", [])
    }
    if "enum" in schema:  # all of ours are texts; msgspec lists them by the alphabet
        shaped = {**shaped, "type": "string", "enum": list(words[frozenset(schema["enum"])])}
    if WHOLE in schema:
        about = {key: value for key, value in shaped.items() if key in _ABOUT}
        shaped = about | _shaped(schema[WHOLE], words, is_strict=is_strict)
    if EDITOR in schema and not is_strict:
        shaped |= schema[EDITOR]
    for key, value in shaped.get("properties", {}).items():
        value["title"] = key.lstrip("$").replace("_", " ").capitalize()
    return shaped


@cache
def _words(file: type[Part]) -> _Words:
    """The words of every choice in a file in the order in which they are declared."""
    return {frozenset(words): words for words in _choices(file, set())}


def _choices(kind: Any, seen: set[Any]) -> Iterator[tuple[str, ...]]:
    if get_origin(kind) is Literal:
        yield get_args(kind)
    elif isinstance(kind, type) and issubclass(kind, Part) and kind not in seen:
        seen.add(kind)
        for hint in get_type_hints(kind, include_extras=True).values():
            yield from _choices(hint, seen)
    else:
        for inner in get_args(kind):
            yield from _choices(inner, seen)


_AS_IS = {"examples", "default", "enum", "const"}
"""What holds values, not schemas."""
_ABOUT = {"title", "description", "default", "examples"}
"""What says nothing of a value's form."""
_NO_PARTS = {"Ref", "Key"}
"""What msgspec lists besides: what a field may hold once its variable is replaced."""
