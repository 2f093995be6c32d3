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
from cicd.config.formats import relative_path_problem
from cicd.config.schema import Gate
from cicd.config.tree import Path, Place, did_you_mean, leaves
from cicd.config.watch import watched_files
from cicd.errors import Problem
from cicd.values import Key, Ref

AnyDraft = Draft[Any, Any]


def check_items(draft: AnyDraft, sections: Mapping[str, Carried]) -> Iterator[Problem]:
    """All that can be wrong with the items of these sections whatever the platform: two of one key,
    circles, watched files, gates; and what the bounds of the stage name."""
    items: list[tuple[Key, Path, Any]] = [
        (Key(carried.kind, item.key), (section, index), item)
        for section, carried in sections.items()
        if not carried.is_map
        for index, item in enumerate(getattr(draft.file, section))
    ]
    yield from check_unique(draft, [(key, path) for key, path, _ in items])
    needs: dict[Key, dict[Key, Place]] = {key: {} for key, _, _ in items}
    for key, path, _ in items:
        found = leaves(node) if (node := draft.tree.get(*path)) else []
        needs[key] |= {
            leaf.value.key: leaf.place
            for _, leaf in found
            if isinstance(leaf.value, Ref) and leaf.value.key in needs
        }
    yield from check_cycles(needs)
    for key, path, item in items:
        yield from check_watch(draft, key, getattr(item, "watch", ()), path)
        yield from check_gates(draft, key, getattr(item, "require", ()), path)
    yield from check_local(draft)
    yield from check_protect(draft)


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


def check_cycles(needs: Mapping[Key, Mapping[Key, Place]]) -> Iterator[Problem]:
    """Things that need each other; ``needs``: what each of them refers to, and where."""
    try:
        graphlib.TopologicalSorter({key: list(to) for key, to in needs.items()}).prepare()
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
