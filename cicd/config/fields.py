"""What the fields of a stage file are made of: texts of a form, times, credentials."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from cicd.config import formats
from cicd.config.tree import Path
from cicd.values import Secret

OR_VARIABLE = r"|\$\{"
"""Patterns let any text with a variable pass in an editor; after replacement they are strict."""
EDITOR = "x-editor"
"""In a field's schema: what an editor's schema says in place of the strict one."""
WHOLE = "x-whole"
"""In a field's schema: all that either schema says of its form."""

FORM = "x-form"
"""In a field's schema: what is said of a bare number where a text with a unit must be."""


def like(pattern: str, says: str, longest: int = 256) -> Any:
    """A field for text of a pattern; ``says`` completes the sentence that the value must be …"""
    return Meta(
        pattern=strict(pattern),
        max_length=longest,
        extra_json_schema={
            EDITOR: {"pattern": f"{pattern}{OR_VARIABLE}"},
            "patternErrorMessage": f"must be {says}",
        },
    )


def named(pattern: str, says: str) -> Any:
    """A key of a map whose keys people choose; ``says``: as for ``like``."""
    extra = {EDITOR: {"pattern": pattern}, "patternErrorMessage": f"must be {says}"}
    return Meta(pattern=strict(pattern), extra_json_schema=extra)


def strict(pattern: str) -> str:
    """The same, but for Python, whose ``$`` lets a line break follow."""
    return f"{pattern[:-1]}\\Z" if pattern.endswith("$") else pattern


Key = Annotated[str, like(formats.KEY, "letters, digits, dots, hyphens and underscores")]
_TIME = "a time like 90s, 15m or 2h"
Duration = Annotated[
    str, like(formats.DURATION, _TIME), Meta(extra_json_schema={FORM: f"must be {_TIME}"})
]
Plain = Annotated[str, Meta(min_length=1, max_length=5000)]
SecretText = Annotated[
    Secret,
    Meta(
        extra_json_schema={WHOLE: {"type": "string"}, "description": "Only as ${env.NAME}."},
    ),
]
Scalar = str | int | float | bool


class Part(Struct, forbid_unknown_fields=True, frozen=True):
    """What all parts of a stage file share: no unknown keys, no silent conversions."""


def misfit(part: type[Part], values: Mapping[str, Any]) -> tuple[str, str] | None:
    """Where plain values do not make such a part, and why; None where they do."""
    try:
        msgspec.convert(values, part)
    except msgspec.ValidationError as error:
        why, _, where = str(error).partition(" - at `$")
        return where.strip("`.") or part.__name__, why
    return None


def values_of(
    part: Part, but: Collection[str] = (), *, are_defaults_left_out: bool = False
) -> dict[str, Any]:
    """A part as plain values by their names in the file, without those fields (of itself, not of
    parts in it); defaults, of parts in it too, may be left out."""
    found: dict[str, Any] = {}
    for info in msgspec.structs.fields(part):
        value = getattr(part, info.name)
        factory = info.default_factory
        default = info.default if factory is msgspec.NODEFAULT else factory()
        name = info.encode_name
        if name not in but and not (are_defaults_left_out and value == default):
            found[name] = _plain(value, are_defaults_left_out)
    return found


def _plain(value: Any, are_defaults_left_out: bool) -> Any:
    if isinstance(value, Part):
        return values_of(value, are_defaults_left_out=are_defaults_left_out)
    if isinstance(value, dict):
        return {key: _plain(item, are_defaults_left_out) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item, are_defaults_left_out) for item in value]
    return value


def entries_at(values: Any, path: Sequence[str], at: Path = ()) -> Iterator[tuple[Path, Any]]:
    """What stands at that path of plain values, with where: of maps and lists each entry, also of
    lists on the way. Nothing where nothing does."""
    if isinstance(values, list):
        for index, item in enumerate(values):
            yield from entries_at(item, path, (*at, index))
    elif path:
        value = values.get(path[0]) if isinstance(values, Mapping) else None
        yield from entries_at(value, path[1:], (*at, path[0]))
    elif isinstance(values, Mapping):
        for name, value in values.items():
            yield from entries_at(value, (), (*at, name))
    elif values is not None:
        yield at, values
