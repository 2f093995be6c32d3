"""What comes of each change, in one sentence of plain English for whoever has to approve it."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cicd.model import Action, Change, FieldChange, Key, Kind, Ref, Spec, leaves
from cicd.plan.causes import FILE, MADE_BY, UNKNOWN, UNNAMED, is_file, telling
from cicd.plan.graph import refs_in
from cicd.words import some

LONGEST = 28
"""Longest value that a sentence shows, in characters; of longer ones it says that they changed."""
MOST = 3
"""How many causes a sentence names."""


def tell(changes: Sequence[Change], kinds: Mapping[str, Kind]) -> tuple[Change, ...]:
    """The same changes, each with its role and with what comes of it."""
    pointers = _pointers(changes)
    return tuple(
        dataclasses.replace(
            change,
            role=kinds[change.key.kind].role if change.key.kind in kinds else "",
            keeps_url=_keeps_url(change, kinds),
            consequence=_sentence(change, kinds, pointers.get(change.key, ())),
        )
        for change in changes
    )


def _keeps_url(change: Change, kinds: Mapping[str, Kind]) -> bool:
    """Whether a service that is made anew answers where the one before it did."""
    kind = kinds.get(change.key.kind)
    return bool(change.action is Action.REPLACE and kind and kind.role == "service" and kind.named)


def _pointers(changes: Iterable[Change]) -> dict[Key, list[Change]]:
    """Key -> the changes of what takes its URL, as pointers do."""
    found: dict[Key, list[Change]] = {}
    for change in changes:
        for ref in refs_in(change.desired.spec) if change.desired else ():
            if ref.output == "url":
                found.setdefault(ref.key, []).append(change)
    return found


def _sentence(change: Change, kinds: Mapping[str, Kind], pointers: Sequence[Change]) -> str:
    kind = kinds.get(change.key.kind)
    if change.consequence or kind is None:
        return change.consequence or change.reason
    if change.action is Action.NO_OP:
        return f"stays; from now on {_terms(change)}" if change.treatment else change.reason
    if kind.role == "service":
        return _service(change, pointers, kinds)
    if kind.role == "pointer":
        return _pointer(change, kinds)
    if change.action is Action.DELETE:
        return f"is deleted ({change.reason})"
    if change.templates or kind.programs in (change.desired.spec if change.desired else {}):
        return _templates(change, kind)
    if change.action is Action.CREATE and not change.fields:
        wanted = change.desired.spec if change.desired else {}
        return f"is made{with_values(shown(wanted, kind))}"
    if kind.role == "content":
        return f"a new one is made beside the old one{because(change.fields)}"
    if change.action is Action.REPLACE:
        return f"is deleted and made anew ({change.reason})"
    return _changed_in_place(change, kind)


def _changed_in_place(change: Change, kind: Kind) -> str:
    if _is_status(change):
        return _waits(change)
    if change.reason.startswith("--"):
        return f"is sent again ({change.reason})"
    told = {kind.version[0]} if change.causes and kind.version else set()
    own = [field for field in change.fields if field.path not in told]
    return f"is changed in place{because([*telling(change.causes), *own])}"


def _service(change: Change, pointers: Sequence[Change], kinds: Mapping[str, Kind]) -> str:
    names = ", ".join(pointer.key.name for pointer in pointers)
    test = bool(change.desired and change.desired.options.smoke_test)
    when = "after its smoke test" if test else "as soon as it runs, without a smoke test"
    if change.action is Action.DELETE:
        return f"stops answering: the {change.key.kind} is deleted ({change.reason})"
    if change.action is Action.CREATE:
        told = f"; {names} will point to it" if names else ""
        return f"starts answering at a new URL {when}{told}"
    if _keeps_url(change, kinds):
        return (
            f"is deleted and made anew under its name: the same URL, and no answer from the delete"
            f" until the new one runs, which may be minutes ({change.reason})"
        )
    if change.action is Action.REPLACE:
        follow = f"{names} follows" if names else "nothing follows, tell its callers"
        return (
            f"a new {change.key.kind} takes over {when}; the URL changes; {follow}"
            f" ({change.reason})"
        )
    if change.desired is None:
        return f"stops answering: the {change.key.kind} is stopped"
    if _is_status(change):
        return _waits(change)
    # what was there before is not called new: it was rolled back, or left by an apply that failed
    version = kinds[change.key.kind].version
    is_again = any(
        isinstance(field.after, str)
        for field in change.fields
        if version and field.path == version[0]
    )
    told = because(telling(change.causes) or change.fields, is_again=is_again)
    told = told.removeprefix(" (").removesuffix(")")
    if section := _only_section(change.fields):
        told = f"other {section}: {told}"
    return f"takes {told or 'what differs'}; the same URL goes on answering"


def _only_section(fields: Sequence[FieldChange]) -> str:
    """The field in which all that differs lies; empty for several, and for fields as a whole."""
    sections = {field.path.partition(".")[0] for field in fields}
    is_inside = all("." in field.path for field in fields)
    return sections.pop() if is_inside and len(sections) == 1 else ""


def _pointer(change: Change, kinds: Mapping[str, Kind]) -> str:
    refs = refs_in(change.desired.spec) if change.desired else ()
    target = next((ref for ref in refs if ref.output == "url"), None)
    if change.action is Action.DELETE:
        return f"leads nowhere any more: the {change.key.kind} is deleted ({change.reason})"
    if change.action is Action.CREATE:
        services = [key for key in sorted(change.depends_on) if kinds[key.kind].role == "service"]
        return f"is made and points to {services[0]}" if services else "is made"
    others = [field for field in change.fields if not isinstance(field.after, Ref)]
    if target and len(others) < len(change.fields):
        rest = f" and changes{because(others)}" if others else ""
        return f"follows to the new URL of {target.key}{rest}"
    return _changed_in_place(change, kinds[change.key.kind])


def _templates(change: Change, kind: Kind) -> str:
    commit = str((change.desired.spec if change.desired else {}).get("commit") or "")
    where = f" from commit {commit[:12]}" if commit else ""
    count = len(change.templates)
    if change.action is Action.CREATE:
        return f"brings the templates {_named(change)}{where}" if count else f"is made{where}"
    if _is_status(change):
        return _waits(change)
    what = f"{_named(change)} changed" if count else "no template changed"
    others = [
        field
        for field in change.fields
        if field.path != "commit" and not field.path.startswith(f"{kind.programs}.")
    ]
    return f"templates are synced{where}: {what}{because(others)}"


def _named(change: Change) -> str:
    """The templates of a change: each of its lines begins with a name."""
    names = [re.split(r"[ :]", line, maxsplit=1)[0] for line in change.templates]
    return some(names, MOST)


def _is_status(change: Change) -> bool:
    return [field.path for field in change.fields] == ["status"]


def _waits(change: Change) -> str:
    (field,) = change.fields
    if change.desired is None:
        return "is stopped"
    return f"is still {field.before}: apply waits for {field.after}"


def runs(key: Key) -> str:
    """The verb for a run, in the third person: what is called a training trains."""
    return "trains" if "train" in key.name.lower() else "runs"


def because(fields: Sequence[FieldChange], *, is_again: bool = False) -> str:
    """`` (epochs 130 → 150, train.py changed)``, nothing where there are no fields. ``is_again``:
    all of it was there before."""
    known = [field for field in fields if field.reason != UNKNOWN]
    told = [phrase(field, is_again=is_again) for field in known]
    unknown = "; of its files nothing is known" if len(known) < len(fields) else ""
    return f" ({some(told, MOST)}{unknown})" if told else ""


def _terms(change: Change) -> str:
    """How something is treated otherwise, by the whole words of the stage file."""
    whole = [dataclasses.replace(field, path=f".{field.path}") for field in change.treatment]
    return because(whole).removeprefix(" (").removesuffix(")")


def with_values(fields: Sequence[FieldChange]) -> str:
    """`` (epochs 130, rate 0.1 and 2 more)`` for something new, nothing where none can be shown."""
    names = [(_name(field.path), _short(field.after)) for field in fields if "." in field.path]
    told = [f"{name} {value}" for name, value in names if name and value]
    more = f" and {len(fields) - MOST} more" if len(fields) > MOST and told else ""
    return f" ({', '.join(told[:MOST])}{more})" if told else ""


def shown(spec: Spec, kind: Kind) -> list[FieldChange]:
    """What a person wants to know of something new, as ``with_values`` takes it."""
    return [
        FieldChange(f"{name}.{path}" if path else f".{name}", None, leaf)
        for name in kind.shown
        if name in spec
        for path, leaf in leaves(spec[name])
    ]


def phrase(field: FieldChange, *, is_again: bool = False) -> str:
    """One difference in a few words."""
    if field.reason == UNNAMED:
        return "code or template changed"
    name = field.path.rpartition("/")[2] if field.reason == FILE else _name(field.path)
    before, after = _short(field.before), _short(field.after)
    if isinstance(field.after, Ref):
        key = field.after.key
        if field.path.startswith(f"{key.kind}s."):  # the field says who has which
            return f"the new {key.kind} {key.name} for {name}"
        whose = f" of stage {field.after.stage}" if field.after.stage else ""
        return f"the new {name} from {key.name}{whose}"
    if field.reason.startswith(MADE_BY):
        new = "" if is_again else "new "
        return f"the {new}{name} from {field.reason.partition('/')[2]}"
    if field.before is None:
        return f"{name} {after} added" if after and not is_file(field) else f"{name} added"
    if field.after is None:
        return f"{name} removed"
    if before and after and before != after and not is_file(field):
        return f"{name} {before} → {after}"
    return f"{name} changed"


def _name(path: str) -> str:
    """What a sentence calls a field: without its section, but an item of a list by its list."""
    section, _, name = path.partition(".")
    return section if not name or name.isdecimal() else name


def _short(value: Any) -> str:
    """A value that a sentence can show, empty for others. Of a path, such as that of an image, its
    last part."""
    if not isinstance(value, str | int | float):
        return ""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if len(text) > LONGEST and not any(map(str.isspace, text)):
        text = text.rpartition("/")[2]
    is_id = len(text) > 12 and all(char in "0123456789abcdef-" for char in text)
    return "" if len(text) > LONGEST or is_id else text
