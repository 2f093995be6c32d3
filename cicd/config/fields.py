"""What the fields of a stage file are made of: texts of a form, bindings, credentials."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from cicd.config import formats
from cicd.model import Ref, Secret

OR_VARIABLE = r"|\$\{"
"""Patterns let any text with a variable pass in an editor; after replacement they are strict."""


def like(pattern: str, says: str, longest: int = 256) -> Any:
    """A field for text of a pattern; ``says`` completes the sentence that the value must be …"""
    extra: dict[str, Any] = {
        "pattern": f"{pattern}{OR_VARIABLE}",
        "patternErrorMessage": f"must be {says}",
    }
    return Field(pattern=pattern, max_length=longest, json_schema_extra=extra)


Key = Annotated[str, like(formats.KEY, "letters, digits, dots, hyphens and underscores")]
Name = Annotated[
    str, like(formats.NAME, "letters, digits, spaces and common signs, all ASCII, no backtick")
]
Id = Annotated[str, like(formats.ID, "4 to 64 letters, digits, dots, hyphens and underscores", 64)]
Duration = Annotated[str, like(formats.DURATION, "a time like 90s, 15m or 2h")]
Plain = Annotated[str, Field(min_length=1, max_length=5000)]
LabelValue = Annotated[str, Field(max_length=5000)]
SecretText = Annotated[
    Secret,
    WithJsonSchema({"type": "string", "description": "Only as ${env.NAME}."}),
]
Scalar = str | int | float | bool
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
    return WithJsonSchema({"anyOf": both, "default": {}})


Parameters = Annotated[
    dict[str, Annotated[str, Field(max_length=5000)] | Ref],
    Field(max_length=1000),
    _bindings("value", ["key", "value"], _VALUE),
]
Inputs = Annotated[
    dict[str, Annotated[str, Field(min_length=1)] | Ref],
    Field(max_length=1000),
    _bindings("artifact", ["key"], {"type": "string", "minLength": 1}),
]


class Part(BaseModel):
    """What all parts of a stage file share: no unknown keys, no silent conversions."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        frozen=True,
        populate_by_name=True,
        arbitrary_types_allowed=True,
        defer_build=True,  # the root builds all of them at once: half the time
    )
