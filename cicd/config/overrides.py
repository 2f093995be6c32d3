"""Fields of a run that a command line says otherwise, for this once. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from cicd.config.dialect import Dialect, Overridable
from cicd.config.tree import Node, Place, as_node, did_you_mean, quoted
from cicd.errors import Usage


@dataclass(frozen=True)
class Override:
    """One field and its value. ``path``: the field, what is in it, before both perhaps the key of
    the run. ``said``: how the command line has it, for messages. ``is_secret``: its value shows
    nowhere."""

    path: tuple[str, ...]
    value: Any
    said: str
    is_secret: bool = False


def overridden(
    tree: Node, overrides: Sequence[Override], selected: Sequence[str], dialect: Dialect
) -> tuple[Node, list[str]]:
    """A stage file with these fields, and what a plan tells of them. ``selected``: globs of the
    keys that are chosen, to tell which run is meant where there are several.

    Raises Usage for a field that there is none of, and where nobody can tell whose it is.
    """
    remarks = []
    for override in overrides:
        taken = dialect.OVERRIDES
        if taken is None:
            raise Usage(f"{override.said}: {dialect.NAME} has no fields to override")
        tree, remark = _with(tree, override, selected, taken, dialect)
        remarks.append(remark)
    return tree, remarks


def _with(
    tree: Node, override: Override, selected: Sequence[str], taken: Overridable, dialect: Dialect
) -> tuple[Node, str]:
    section = tree.get(taken.section)
    items = section.value if section is not None and isinstance(section.value, list) else []
    keys = [dialect.identity(item) or "" for item in items]
    key, path = _split(override, keys, taken, dialect)
    index = keys.index(key or _only(override, keys, selected, tree, dialect, taken))
    place = Place(override.said)
    value = as_node(override.value, Node(None, place, is_hidden=override.is_secret))
    field, *inner = path
    for step in reversed(inner):
        value = Node({step: value}, place)
    new = _spelled(taken.section, field, value.but(key_place=place), dialect)
    assert section is not None
    item: Node = items[index]
    changed = dict(item.value)
    for name, node in new.value.items():
        known = changed.get(name)
        if inner and known is not None and isinstance(known.value, dict):
            node = known.but(value={**known.value, **node.value})
        changed[name] = node
    [named] = new.value
    rest = [*items[:index], item.but(value=changed), *items[index + 1 :]]
    tree = tree.but(value={**tree.value, taken.section: section.but(value=rest)})
    kind = dialect.CARRIED[taken.section].kind
    field = ".".join([named, *inner])
    is_shown = not override.is_secret and isinstance(override.value, str | int | float)
    said = f" as {quoted(str(override.value))}" if is_shown else ""
    return tree, f"{kind}/{keys[index]}: {field} is said{said} by {override.said}"


def _spelled(section: str, field: str, value: Node, dialect: Dialect) -> Node:
    """An item with that field alone, as the dialect spells it today."""
    item = Node({field: value}, value.place)
    tree, _ = dialect.modernise(Node({section: Node([item], value.place)}, value.place), ".yaml")
    found = tree.get(section, 0)
    assert found is not None
    told = {name: node for name, node in found.value.items() if node.value is not None}
    kept = told or found.value  # null too may be said
    named = [name for name in kept if name == field] or [*kept][:1]
    return found.but(value={name: kept[name] for name in named})


def _split(
    override: Override, keys: Sequence[str], taken: Overridable, dialect: Dialect
) -> tuple[str, tuple[str, ...]]:
    """The key of a run, empty where none is said, and the path of the field in it."""
    path = override.path
    if _is_field(path[0], taken, dialect):
        return "", path
    for end in range(1, len(path)):
        key = ".".join(path[:end])
        if key in keys and _is_field(path[end], taken, dialect):
            return key, path[end:]
    field = next((step for step in path if step not in keys), path[-1])
    told = f"{override.said}: there is no field {field}{did_you_mean(field, taken.fields)}"
    raise Usage(told, hint=f"there are: {', '.join(taken.fields)}")


def _is_field(name: str, taken: Overridable, dialect: Dialect) -> bool:
    place = Place("")
    spelled = _spelled(taken.section, name, Node("", place), dialect)
    return any(known in taken.fields for known in spelled.value)


def _only(
    override: Override,
    keys: Sequence[str],
    selected: Sequence[str],
    tree: Node,
    dialect: Dialect,
    taken: Overridable,
) -> str:
    """The run that is meant where none is named."""
    kind = dialect.CARRIED[taken.section].kind
    globs = [glob.removeprefix(f"{kind}/") for glob in selected]
    chosen = [key for key in keys if not globs or any(fnmatchcase(key, glob) for glob in globs)]
    if len(chosen) == 1:
        return chosen[0]
    if not chosen:
        raise Usage(f"{override.said}: the stage has no {kind} that it could be about")
    field = ".".join(override.path)
    named = " or ".join(f"{key}.{field}" for key in chosen[:5])
    raise Usage(f"{override.said}: of which {kind}?", hint=f"say {named}, or --select one")
