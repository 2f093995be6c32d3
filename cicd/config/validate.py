"""A tree against the schema: values where it fits, every misfit with its place where not.

What does not fit can be left out, so that other checks find at once what is wrong with the rest.

msgspec decides. Only when it refuses is jsonschema loaded, to say all that is wrong in one go:
loading it takes longer than checking a good file.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cache
from typing import Any

import msgspec

from cicd.config.dialect import Dialect
from cicd.config.fields import FORM
from cicd.config.schema import StageBase
from cicd.config.tree import (
    Leaf,
    Node,
    Path,
    Paths,
    Place,
    did_you_mean,
    leaves,
    plain,
    with_leaves,
    without,
)
from cicd.errors import Problem
from cicd.values import Ref, Secret

_TYPES = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a map",
    "null": "null",
}
_RULES = {
    "type": "wrong-type",
    "pattern": "wrong-format",
    "maxLength": "wrong-length",
    "maxProperties": "wrong-length",
    "maxItems": "wrong-length",
    "minLength": "wrong-length",
    "minItems": "wrong-length",
    "minProperties": "wrong-length",
}
"""What the schema refuses -> rule; all else is a wrong-value."""
_BOUNDS = {
    "minimum": "must be at least {}",
    "maximum": "must be at most {}",
    "maxLength": "is longer than {} characters",
    "maxProperties": "has more than {} entries",
    "maxItems": "has more than {} items",
}

_OTHERS_SAY = {"body": "json", "payload": "json", "data": "json", "env": "environment"}
"""What is called otherwise elsewhere."""
MOST_KEYS = 12
"""Keys that are listed where an unknown one is like none of them."""


def validate(
    tree: Node, dialect: Dialect, platforms: tuple[str, ...]
) -> tuple[StageBase | None, Node, list[Problem]]:
    """The stage file's values and the tree that they came from, or else what is wrong with it.
    ``platforms``: all that there are, for messages."""
    texts = leaves(tree)
    tree = with_leaves(tree, dict(_numbers_as_text(texts, dialect.SPELLINGS.texts)))
    misplaced = [problem for _, problem in _misplaced_references(texts, dialect)]
    try:
        return msgspec.convert(plain(tree), dialect.File), tree, misplaced
    except msgspec.ValidationError as error:
        # msgspec stops at the first problem. People want to hear of all.
        problems = list(_explain(tree, dialect, platforms))
        places = {(problem.line, problem.column) for problem in misplaced}
        rest = [problem for problem in problems if (problem.line, problem.column) not in places]
        if not misplaced and not rest:
            rest = [tree.place.problem(f"does not fit: {error}", "wrong-value")]
        return None, tree, misplaced + rest


def fitting(tree: Node, dialect: Dialect, platforms: tuple[str, ...]) -> tuple[StageBase, Node]:
    """What is left of a tree, and its values, once all that does not fit is taken out: a key that
    may be missing alone, else the part or the item of a list that cannot be without it."""
    while True:
        try:
            return msgspec.convert(plain(tree), dialect.File), tree
        except msgspec.ValidationError:
            misplaced = {path for path, _ in _misplaced_references(leaves(tree), dialect)}
            paths = misplaced | set(_misfits(tree, dialect, platforms))
            if not paths or () in paths:  # the whole file is of no use
                return dialect.File(platform=dialect.NAME), tree.but(value={})
            # What is left may not fit any more, as where a key that must be there was taken out
            # with its parent kept. So it is looked at again, until it does or nothing is left.
            tree = without(tree, paths)


def _numbers_as_text(texts: Iterable[Leaf], where: Paths) -> Iterator[Leaf]:
    """Where a platform has text only, numbers keep the digits that they are written with."""
    for path, node in texts:
        is_number = not isinstance(node.value, str) and isinstance(node.value, bool | int | float)
        if is_number and path in where:
            yield path, node.but(value=node.text)


def _misplaced_references(
    texts: Iterable[Leaf], dialect: Dialect
) -> Iterator[tuple[Path, Problem]]:
    for path, node in texts:
        if not isinstance(node.value, Ref):
            continue
        ref = node.value
        places = dialect.TAKES
        if not ref.stage:
            places = next(form.places for form in dialect.REFERENCES.values() if form.makes(ref))
        if not any(path in paths for paths in places.values()):
            message = f"{node.text} is possible in {' and '.join(sorted(places))} only"
            yield path, node.place.problem(message, "misplaced-variable")


def _explain(tree: Node, dialect: Dialect, platforms: tuple[str, ...]) -> Iterator[Problem]:
    hints = dialect.SPELLINGS.hints
    for error in _errors(tree, dialect, platforms):
        yield from _problems_of(error, tree, hints, platforms)


def _errors(tree: Node, dialect: Dialect, platforms: tuple[str, ...]) -> Iterator[Any]:
    """What the schema has against a tree. Whether a reference may stand somewhere is asked of the
    dialect: what it will be has the form that is asked for, and its text need not have it."""
    validator = _validator(dialect.File, dialect.NAME, platforms)
    for error in validator.iter_errors(plain(tree, _as_json)):
        node = tree.get(*error.absolute_path)
        if node is None or not isinstance(node.value, Ref):
            yield error


def _misfits(tree: Node, dialect: Dialect, platforms: tuple[str, ...]) -> Iterator[Path]:
    """Where something does not fit, or is not known, or lacks something."""
    for error in _errors(tree, dialect, platforms):
        path: Path = tuple(error.absolute_path)
        if error.validator == "additionalProperties" and error.validator_value is False:
            known = error.schema.get("properties", {})
            yield from ((*path, key) for key in error.instance.keys() - known.keys())
        elif error.validator == "anyOf":
            branch = _fitting_branch(error)
            yield from (tuple(inner.absolute_path) for inner in branch or [error])
        else:
            yield path


@cache
def _validator(file: type[StageBase], name: str, platforms: tuple[str, ...]) -> Any:
    import jsonschema

    from cicd.config.json_schema import strict_schema

    found: Any = jsonschema.Draft202012Validator
    validators: Any = jsonschema.validators
    # For JSON schema 1.0 is a whole number and msgspec refuses it: both have to agree, or there
    # would be an error without an explanation.
    types = found.TYPE_CHECKER.redefine("integer", lambda _, value: type(value) is int)
    return validators.extend(found, type_checker=types)(strict_schema(file, name, platforms))


def _as_json(node: Node) -> Any:
    return node.text if isinstance(node.value, Ref | Secret) else node.value


def _problems_of(
    error: Any, tree: Node, hints: Mapping[str, str], platforms: tuple[str, ...]
) -> Iterator[Problem]:
    path: Path = tuple(error.absolute_path)
    if error.validator == "anyOf":
        yield from _problems_of_choice(error, tree, hints, platforms)
    elif error.validator == "additionalProperties" and error.validator_value is False:
        known = error.schema.get("properties", {})
        for key in error.instance.keys() - known.keys():
            hint = f" (write {hints[key]})" if key in hints else _meant(key, known)
            if not path and key in platforms:
                hint = f' (add "platform: {key}")'
            message = f'unknown key "{key}"{_inside(path)}{hint}'
            yield tree.place_of(*path, key, key=True).problem(message, "unknown-key")
    elif error.validator == "required":
        missing = [key for key in error.validator_value if key not in error.instance]
        for key in missing:
            if f"'{key}'" in error.message:
                message = f'"{key}" is missing{_inside(path)}: add it'
                yield tree.place_of(*path).problem(message, "missing-key")
    elif "propertyNames" in error.absolute_schema_path:
        says = error.schema.get("patternErrorMessage") or _message(error, tree)
        message = f'the name "{_one_line(error.instance)}"{_inside(path)} {says}'
        place = tree.place_of(*path, error.instance, key=True)
        yield place.problem(message, _RULES.get(error.validator, "wrong-value"))
    elif error.validator != "type" or "enum" not in error.schema:  # there enum says it better
        message = f"{_dotted(path)}{_message(error, tree)}"
        yield tree.place_of(*path).problem(message, _RULES.get(error.validator, "wrong-value"))


def _meant(key: str, known: Collection[str]) -> str:
    """The key that was meant; where none is like it, all that are possible if these are few."""
    if (same := _OTHERS_SAY.get(key, "")) in known:
        return f' (did you mean "{same}"?)'
    few = f" (possible: {', '.join(known)})" if 0 < len(known) <= MOST_KEYS else ""
    return did_you_mean(key, known) or few


def _problems_of_choice(
    error: Any, tree: Node, hints: Mapping[str, str], platforms: tuple[str, ...]
) -> Iterator[Problem]:
    branch = _fitting_branch(error)
    if branch:
        for inner in branch:
            yield from _problems_of(inner, tree, hints, platforms)
        return
    path: Path = tuple(error.absolute_path)
    types = [_type_of(branch) for branch in error.validator_value]
    wanted = " or ".join(name for name in dict.fromkeys(types) if name)
    node = tree.get(*path)
    message = f"{_dotted(path)}must be {wanted}, not {_kind_of(error.instance, node)}"
    yield tree.place_of(*path).problem(message, "wrong-type")


def _fitting_branch(error: Any) -> list[Any]:
    """What is wrong in that branch of a choice whose type fits the value, if there is just one."""
    branches: dict[int, list[Any]] = {}
    for inner in error.context:
        branches.setdefault(inner.relative_schema_path[0], []).append(inner)
    fitting = [
        inner
        for inner in branches.values()
        if not any(e.validator == "type" and not e.relative_path for e in inner)
    ]
    return fitting[0] if len(fitting) == 1 else []


def _type_of(branch: Any) -> str:
    return _TYPES.get(branch.get("type", "object"), "")


def _message(error: Any, tree: Node) -> str:
    node = tree.get(*error.absolute_path)
    limit = error.validator_value
    written = node.text if node is not None else str(error.instance)
    if error.validator == "type":
        types = [limit] if isinstance(limit, str) else limit
        wanted = " or ".join(_TYPES[name] for name in types)
        is_number = type(error.instance) in {int, float} and types == ["string"]
        says = error.schema.get(FORM) if is_number else None
        return f"{says or f'must be {wanted}'}, not {_kind_of(error.instance, node)}"
    if error.validator in {"enum", "const"}:
        known = [str(word) for word in limit] if error.validator == "enum" else [str(limit)]
        is_plain = error.instance is not None and not isinstance(error.instance, dict | list)
        found = f'"{written}"' if is_plain else _kind_of(error.instance, node)
        if len(known) == 1:
            return f"is {found}, must be {known[0]}"
        return f"is {found}, must be one of {', '.join(known)}{did_you_mean(written, known)}"
    if error.validator == "pattern":
        says = error.schema.get("patternErrorMessage", f"must match {limit}")
        return f'is "{_one_line(written)}", {says}'
    if error.validator in {"minLength", "minItems", "minProperties"}:
        return "is empty"
    return _BOUNDS.get(error.validator, "does not fit {}").format(limit)


def _one_line(text: str) -> str:
    return text.replace("\n", "\\n")


def _kind_of(value: Any, node: Node | None) -> str:
    if value is None:
        return "null"
    if isinstance(value, dict | list):
        return "a map" if isinstance(value, dict) else "a list"
    written = node.text if node is not None else str(value)
    return f'the text "{written}"' if isinstance(value, str) else written


def _dotted(path: Path) -> str:
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return f"{text[1:]} " if text else ""


def _inside(path: Path) -> str:
    return f" in {_dotted(path).strip()}" if path else ""


def places(node: Node) -> Iterator[Place]:
    """Where a node, its key, and all that is in it are written."""
    yield node.place
    if node.key_place:
        yield node.key_place
    if isinstance(node.value, dict | list):
        for child in node.value.values() if isinstance(node.value, dict) else node.value:
            yield from places(child)
