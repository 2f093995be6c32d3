"""What the fields of AI Core's sections are made of: names, ids, bindings."""

from typing import Annotated, Any

from msgspec import Meta

from cicd.config.fields import WHOLE, like
from cicd.platforms.aicore.dialect import formats
from cicd.values import Ref

Name = Annotated[
    str, like(formats.NAME, "letters, digits, spaces and common signs, all ASCII, no backtick")
]
Id = Annotated[str, like(formats.ID, "4 to 64 letters, digits, dots, hyphens and underscores", 64)]
LabelValue = Annotated[str, Meta(max_length=5000)]
_VALUE = {"type": ["string", "number", "boolean"], "maxLength": 5000}


def _bindings(content: str, required: list[str], value: dict[str, Any]) -> Any:
    key = {"type": "string", "minLength": 1, "description": "Name in the template."}
    item = {
        "type": "object",
        "properties": {"key": key, content: {**value, "description": "What it is bound to."}},
        "required": required,
        "additionalProperties": False,
    }
    both = [
        {"type": "object", "additionalProperties": value},
        {"type": "array", "items": item},
    ]
    return Meta(extra_json_schema={WHOLE: {"anyOf": both}})


Parameters = Annotated[
    dict[str, Annotated[str, Meta(max_length=5000)] | Ref],
    Meta(max_length=1000),
    _bindings("value", ["key", "value"], _VALUE),
]
Inputs = Annotated[
    dict[str, Annotated[str, Meta(min_length=1)] | Ref],
    Meta(max_length=1000),
    _bindings("artifact", ["key"], {"type": "string", "minLength": 1}),
]
