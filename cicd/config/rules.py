"""Checks that a schema cannot express and that the stage files of all platforms need.

Each takes a draft and where in it to look; a dialect calls those that its sections need.
"""

from __future__ import annotations

import graphlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path as FilePath
from typing import Any

from cicd.config.dialect import Carried
from cicd.config.draft import Draft
from cicd.config.fields import Part, entries_at, values_of
from cicd.config.formats import relative_path_problem
from cicd.config.schema import Gate
from cicd.config.tree import Path, Place, did_you_mean, is_like, leaves
from cicd.config.watch import is_file_name, named_files, names_beside, watched_files
from cicd.errors import Problem
from cicd.values import Key, Ref

AnyDraft = Draft[Any, Any]


def check_items(draft: AnyDraft, sections: Mapping[str, Carried]) -> Iterator[Problem]:
    """All that can be wrong with the items of these sections whatever the platform: two of one key,
    what they refer to, circles, files, gates; and what the bounds of the stage name."""
    items: list[tuple[Key, Path, Any]] = [
        (Key(carried.kind, item.key), path, item)
        for section, carried in sections.items()
        if not carried.is_map
        for path, item in draft.items(section)
    ]
    yield from check_unique(draft, [(key, path) for key, path, _ in items])
    needs: dict[Key, dict[Key, Place]] = {key: {} for key, _, _ in items}
    for key, path, item in items:
        needs[key] |= dict(_needed(draft, sections, path, item))
    yield from check_needed(draft, needs)
    yield from check_cycles(needs)
    for key, path, item in items:
        yield from check_watch(draft, key, getattr(item, "watch", ()), path)
        yield from check_files(draft, key, sections[str(path[0])], path, item)
        yield from check_gates(draft, key, getattr(item, "require", ()), path)
        yield from check_smoke_test(draft, key, path)
    yield from check_local(draft)
    yield from check_protect(draft)


def _needed(
    draft: AnyDraft, sections: Mapping[str, Carried], path: Path, item: Part
) -> Iterator[tuple[Key, Place]]:
    """What an item refers to, or names by its key, and where."""
    for _, leaf in leaves(node) if (node := draft.tree.get(*path)) else ():
        if isinstance(leaf.value, Ref) and not leaf.value.stage:
            yield leaf.value.key, leaf.place
    values = values_of(item)
    carried = sections[str(path[0])]
    for field, section in carried.needs.items():
        kind = sections[section].kind
        for at, name in entries_at(values, field):
            if isinstance(name, str):
                key = Key(kind, name)
                if field in carried.elsewhere and is_elsewhere(draft, key):
                    continue
                yield key, draft.place(*path, *at)


def is_elsewhere(draft: AnyDraft, key: Key) -> bool:
    """Whether nothing of the stage is meant: not named, and no slip of what is."""
    known = [one.name for one in draft.named if one.kind == key.kind]
    return not draft.is_named(key) and not is_slip(key.name, known)


def is_slip(name: str, known: Iterable[str]) -> bool:
    """Whether a name is taken for one of these, written wrongly."""
    return is_like(name, [one for one in known if abs(len(one) - len(name)) <= 1])


def check_unique(draft: AnyDraft, keys: Iterable[tuple[Key, Path]]) -> Iterator[Problem]:
    """Two things of one key; ``keys``: what each thing goes by, and where it stands."""
    seen: dict[Key, Path] = {}
    for key, path in keys:
        if draft.has_lost(*path, "key"):
            continue
        if key in seen:
            message = f"{key} is already defined at {draft.place(*seen[key], 'key')}"
            message += ": give it another key"
            yield draft.place(*path, "key").problem(message, "duplicate-name")
        seen.setdefault(key, path)


def check_needed(draft: AnyDraft, needs: Mapping[Key, Mapping[Key, Place]]) -> Iterator[Problem]:
    """What nothing of the stage is; ``needs``: what each thing refers to, and where."""
    for key, others in needs.items():
        for other, place in others.items():
            if not draft.is_named(other):
                known = [named.name for named in draft.named if named.kind == other.kind]
                hint = did_you_mean(other.name, known)
                message = f"{key} refers to {other}, which is not defined{hint}"
                yield place.problem(message, "unknown-reference")


def check_cycles(needs: Mapping[Key, Mapping[Key, Place]]) -> Iterator[Problem]:
    """Things that need each other; ``needs``: what each of them refers to, and where."""
    known = {key: [other for other in to if other in needs] for key, to in needs.items()}
    try:
        graphlib.TopologicalSorter(known).prepare()
    except graphlib.CycleError as error:
        circle: list[Key] = list(reversed(error.args[1]))  # graphlib names predecessors first
        way = " -> ".join(str(key) for key in circle)
        message = f"these need each other: {way}: take one reference out"
        yield needs[circle[0]][circle[1]].problem(message, "reference-cycle")


def check_watch(
    draft: AnyDraft, key: Key, patterns: Sequence[str], path: Path
) -> Iterator[Problem]:
    """Globs that lead nowhere; ``path``: where the run of that key stands."""
    for index, pattern in enumerate(patterns):
        problem = relative_path_problem(pattern)
        if not problem and not watched_files(draft.root, pattern):
            problem = "matches no file: correct it or take it out"
        if problem:
            message = f'{key} watches "{pattern}", which {problem}'
            yield draft.place(*path, "watch", index).problem(message, "bad-watch")


def check_files(
    draft: AnyDraft, key: Key, section: Carried, path: Path, item: Part
) -> Iterator[Problem]:
    """Files that an item takes in and that nobody finds; ``path`` as for ``check_watch``."""
    for at, name in files_in(values_of(item), section):
        problem = relative_path_problem(name)
        if not problem and not named_files(draft.root, name):
            meant = did_you_mean(name, names_beside(draft.root, name))
            problem = f"is not there{meant or ': write it, or correct the path'}"
        if problem:
            message = f'{key} takes in "{name}", which {problem}'
            yield draft.place(*path, *at).problem(message, "missing-file")


def files_in(values: Mapping[str, Any], section: Carried) -> Iterator[tuple[Path, str]]:
    """The files of the project that an item of a section names, and where; ``values``: its own, as
    plain data."""
    for field in section.files:
        for at, name in entries_at(values, field):
            if isinstance(name, str) and is_file_name(name):
                yield at, name


def check_gates(draft: AnyDraft, key: Key, gates: Sequence[Gate], path: Path) -> Iterator[Problem]:
    """Gates that say nothing, or that nothing can pass; ``path`` as for ``check_watch``."""
    for index, gate in enumerate(gates):
        place = draft.place(*path, "require", index)
        is_bare = gate.min is None and gate.max is None
        if is_bare and draft.is_whole(*path, "require", index):
            message = f'{key} requires nothing of "{gate.metric}": give min or max'
            yield place.problem(message, "bad-gate")
        elif gate.min is not None and gate.max is not None and gate.min > gate.max:
            message = f'{key} requires "{gate.metric}" to be over its max: swap them'
            yield place.problem(message, "bad-gate")


def check_smoke_test(draft: AnyDraft, key: Key, path: Path) -> Iterator[Problem]:
    """A smoke test with two bodies, of which one would never be sent; ``path`` as for
    ``check_watch``."""
    bodies = [draft.tree.get(*path, "smoke_test", name) for name in ("json", "body")]
    if all(node is not None and node.value is not None for node in bodies):
        message = f"the smoke test of {key} has json and body, and only one is sent: keep one"
        yield draft.place(*path, "smoke_test", "body", key=True).problem(message, "two-bodies")


def check_local(draft: AnyDraft, more: Iterable[tuple[str, Path]] = ()) -> Iterator[Problem]:
    """Paths of ``local`` that do not exist; ``more``: those of the platform, and where each is."""
    paths: list[tuple[str, Path]] = [
        (path, ("local", "images", image, "mounts", inside))
        for image, entry in draft.file.local.images.items()
        for inside, path in entry.mounts.items()
    ]
    for path, at in (*paths, *more):
        if not _exists(draft.root / path):
            message = f'the local path "{path}" does not exist: make it or correct it'
            yield draft.place(*at).problem(message, "missing-local-path", "warning")


def check_protect(
    draft: AnyDraft, more: Iterable[Key] = (), unnamed: Collection[str] = ()
) -> Iterator[Problem]:
    """Only a warning: what this file no longer names may still be there, and be protected.

    ``more``: keys that no section names; ``unnamed``: kinds whose keys nobody can know here.
    """
    names = {str(key) for key in (*draft.named, *more)}
    for index, key in enumerate(draft.file.protect):
        kind, _, name = key.partition("/")
        is_known = key in names or draft.is_named(Key(kind, name))
        if not is_known and kind not in unnamed:
            message = (
                f"protect names {key}, which this stage does not define{did_you_mean(key, names)}"
            )
            yield draft.place("protect", index).problem(message, "unknown-protected", "warning")


def _exists(path: FilePath) -> bool:
    try:
        return path.exists()
    except OSError:  # longer than any path can be
        return False
