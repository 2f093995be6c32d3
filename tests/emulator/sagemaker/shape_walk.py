"""Every place in what an operation takes, and values that do not fit there, by botocore's model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

Path = tuple[str | int, ...]
"""Names of members; 0 for the first item of a list."""
ANYTHING = (".*", ".+", r"[\s\S]", r"[\S\s]", r"(?!\s*$)", ".{", r"[\u0020", "[^")
"""How patterns begin that fit texts as nobody would write them."""


def places(shape: Any, path: Path = (), above: Sequence[str] = ()) -> Iterator[tuple[Path, Any]]:
    """Every shape in another one with the way to it; of one that has itself in it, twice."""
    yield path, shape
    if above.count(shape.name) > 1:
        return
    above = (*above, shape.name)
    if shape.type_name == "structure":
        for name, member in shape.members.items():
            yield from places(member, (*path, name), above)
    elif shape.type_name == "list":
        yield from places(shape.member, (*path, 0), above)


def nested(path: Path, value: Any) -> Any:
    """A body with nothing but this value there."""
    for part in reversed(path):
        value = [value] if part == 0 else {part: value}
    return value


def spelled(path: Path) -> str:
    """The place as AWS's messages have it."""
    found = ""
    for part in path:
        name = str(part)
        found += ".1.member" if part == 0 else f".{name[:1].lower()}{name[1:]}"
    return found.removeprefix(".")


def misfits(path: Path, shape: Any) -> Iterator[tuple[Any, str]]:
    """Bodies that break one rule each of a shape, and what is to be said of it."""
    rules, kind, where = shape.metadata, shape.type_name, spelled(path)
    least, most = rules.get("min"), rules.get("max")
    if kind == "structure":
        for name in shape.required_members:
            place = spelled((*path, name))
            yield nested(path, {}), f"Value null at '{place}' {FAILED} Member must not be null"
        return
    measure = "value" if kind in NUMBERS else "length"
    if least is not None and (small := _of_size(kind, least - 1)) is not None:
        text = f"Member must have {measure} greater than or equal to {least}"
        yield nested(path, small), f"at '{where}' {FAILED} {text}"
    if most is not None and most < 10**6 and (large := _of_size(kind, most + 1)) is not None:
        text = f"Member must have {measure} less than or equal to {most}"
        yield nested(path, large), f"at '{where}' {FAILED} {text}"
    if rules.get("enum"):
        text = "Member must satisfy enum value set: ["
        yield nested(path, "no such word"), f"at '{where}' {FAILED} {text}"
    pattern = rules.get("pattern", "")
    if pattern and not pattern.startswith(ANYTHING):
        text = f"Member must satisfy regular expression pattern: {pattern}"
        yield nested(path, "\x00 ~\n"), f"at '{where}' {FAILED} {text}"


FAILED = "failed to satisfy constraint:"
NUMBERS = ("integer", "long", "float", "double")


def _of_size(kind: str, size: int) -> Any:
    """A value of so much; None where there is none of that kind."""
    if kind in NUMBERS:
        return size
    if size < 0 or kind not in ("string", "list", "map"):
        return None
    if kind == "string":
        return "a" * size
    return {} if kind == "map" and not size else [] if kind == "list" and not size else None
