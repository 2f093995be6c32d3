"""Why something runs again or is updated: what differs in the content and the files behind it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from cicd.model import Change, FieldChange, Key, Kind, LiveResource, Ref, Resource, Spec, leaves
from cicd.plan.diff import diff_specs
from cicd.plan.graph import Path, leaves_at, value_at
from cicd.words import short_id

FILE = "file"
"""The reason of a cause that is a watched file or the template."""
UNNAMED = "code or template changed; the last run kept one digest of all files, so not which"
UNKNOWN = "whether files changed too is not known: the last run kept no digest of each"
MADE_BY = "made by "
"""How the reason of a cause begins that is what a run of the stage has made; its key follows."""
FILES = "files"
"""The field of a run that tells the digest of each file that is part of its inputs."""

Find = Callable[[str, str], LiveResource | None]
"""(kind, id) -> the live thing."""


def content_causes(
    wish: Resource,
    former: LiveResource | None,
    changes: Mapping[Key, Change],
    kinds: Mapping[str, Kind],
    find: Find,
) -> tuple[FieldChange, ...]:
    """How the content that ``wish`` takes in differs from that which ``former`` has, its name and
    id first; of something new, the parts of that content. ``changes``: those of all that it needs.
    """
    found: list[FieldChange] = []
    is_content = not kinds[wish.key.kind].identity  # what differs in it is told as its own
    for path, value in () if is_content else leaves_at(wish.spec):
        kind, spec, label = _content(wish, path, value, changes, kinds, find)
        if kind is None or spec is None:
            continue
        name = ".".join(map(str, path))
        if former is None:
            found += [
                FieldChange(place, None, leaf)
                for part, entry in spec.items()
                if isinstance(entry, Mapping)
                if entry
                for place, leaf in leaves(entry, part)
            ]
        elif (before := find(kind.name, str(value_at(former.spec, path)))) and before.id != value:
            found.append(FieldChange(name, _label(before.spec, before.id), label))
            differing = diff_specs(before.spec, spec, kind)
            found += [field for field in differing if field.path != "name"]
    return tuple(found)


def _label(spec: Spec, id: str) -> str:
    """What a person knows a content by: its name, and its id, or the beginning of that."""
    return f"{spec.get('name', '')} {short_id(id) or '(new)'}".strip()


def _content(
    wish: Resource,
    path: Path,
    value: object,
    changes: Mapping[Key, Change],
    kinds: Mapping[str, Kind],
    find: Find,
) -> tuple[Kind | None, Spec | None, str]:
    """The kind, spec and label of the content that a field stands for: by reference, or by id."""
    spec: Spec | None = None
    if isinstance(value, Ref) and not value.stage and value.output == "id" and value.key in changes:
        kind, desired, id = kinds[value.key.kind], changes[value.key].desired, ""
        spec = desired.spec if desired else None
    elif isinstance(value, str) and (held := _held(kinds[wish.key.kind], path)) in kinds:
        kind, live, id = kinds[held], find(held, value), value
        spec = live.spec if live else None
    else:
        return None, None, ""
    return (kind, spec, _label(spec or {}, id)) if kind.role == "content" else (None, None, "")


def _held(kind: Kind, path: Path) -> str:
    """The kind of what a field holds the id of; empty where it holds none."""
    return kind.holds.get(str(path[0]), "")


def file_causes(
    wish: Resource, former: LiveResource | None, *, is_same_content: bool
) -> tuple[FieldChange, ...]:
    """The files that differ from those that ``former`` ran with: watched ones and the template.

    Where it kept no digest of each, one entry says so. Nothing where it kept none at all.
    ``is_same_content``: it ran with the same content, so what differs can only be files.
    """
    was, now = (former.spec.get("inputs") if former else None), wish.spec.get("inputs")
    if former is None or was is None or now is None or was == now:
        return ()
    before, after = former.spec.get(FILES), wish.spec.get(FILES)
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        return tuple(
            FieldChange(path, before.get(path), after.get(path), FILE)
            for path in sorted(before.keys() | after.keys())
            if before.get(path) != after.get(path)
        )
    if is_same_content:
        return (FieldChange(FILES, was, now, UNNAMED),)
    return (FieldChange(FILES, None, None, UNKNOWN),) if after else ()


def with_makers(
    fields: Iterable[FieldChange], makers: Mapping[str, Key]
) -> tuple[FieldChange, ...]:
    """The fields, each whose new value is what a run has made with that run as its reason.
    ``makers``: what was made -> by whom."""
    return tuple(
        replace(field, reason=f"{MADE_BY}{makers[field.after]}")
        if not field.reason and isinstance(field.after, str) and field.after in makers
        else field
        for field in fields
    )


def telling(causes: Iterable[FieldChange]) -> list[FieldChange]:
    """Without those that only say that there is another content of the same name."""
    return [cause for cause in causes if not _is_same_name(cause)]


def _is_same_name(cause: FieldChange) -> bool:
    sides = [str(side).rpartition(" ")[0] for side in (cause.before, cause.after)]
    return "." not in cause.path and not is_file(cause) and bool(sides[0]) and sides[0] == sides[1]


def is_file(cause: FieldChange) -> bool:
    """Whether a cause is a file, or that nobody knows which."""
    return cause.reason in {FILE, UNNAMED, UNKNOWN}
