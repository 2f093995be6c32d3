"""``extends``: one stage file on top of another, through any number of files."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from cicd.config.files import SUFFIXES, is_file, label, read_tree
from cicd.config.formats import slug
from cicd.config.tree import Node, did_you_mean, merge
from cicd.errors import InvalidStage, Problem
from cicd.platforms.aicore.dialect import legacy

_OWN = ("extends", "stage", "$schema")
"""Keys that speak of their own file only."""
OUTSIDE = "CICD_EXTENDS_FROM"
"""The variable with the folders outside of the repository that stage files may extend, written as
in PATH. Whoever runs the command allows them: a file of a pull request must not."""


def read_stage_tree(
    path: Path, root: Path, text: str | None = None, *, env: Mapping[str, str] | None = None
) -> tuple[Node, list[Problem]]:
    """The file with everything it extends merged in, in today's spelling; ``text``: as if the file
    held this. ``env`` may allow to extend files outside of the repository; None, where a file is
    only asked for its name or branch, allows all: it is loaded with one before it counts.

    Raises InvalidStage where nothing useful can be read: syntax, a missing file, a cycle, a file
    outside of the repository.
    """
    return _read(path, root, _allowed(path, env), (), text)


def _allowed(path: Path, env: Mapping[str, str] | None) -> tuple[Path, ...]:
    """The folders in which extended files may lie; the root of the file system outside of Git."""
    folder = path.resolve().parent
    if env is None:
        return (Path(folder.anchor),)
    tops = [at for at in (folder, *folder.parents) if (at / ".git").exists()]
    more = [Path(at) for at in env.get(OUTSIDE, "").split(os.pathsep) if at]
    return (tops[0] if tops else Path(folder.anchor), *(at.resolve() for at in more))


def _read(
    path: Path,
    root: Path,
    allowed: Sequence[Path],
    chain: tuple[Path, ...],
    text: str | None = None,
) -> tuple[Node, list[Problem]]:
    name = label(path, root)
    tree = read_tree(path, name, text)
    if not isinstance(tree.value, dict):
        message = "a stage file is a map of keys and values: start with a key"
        raise InvalidStage([tree.place.problem(message, "wrong-type")])
    problems: list[Problem] = []
    if legacy.is_legacy(tree, path.suffix.lower()):
        tree, problems = legacy.modernised(tree)
    tree, found = legacy.with_binding_maps(tree)
    problems += found
    target = tree.get("extends")
    if target is None:
        return tree, problems
    base = _base_path(target, path, root, chain)
    if not any(base.resolve().is_relative_to(folder) for folder in allowed):
        message = f'extends "{target.value}" leads out of the repository: move the file into it'
        message += f", or name its folder in the environment variable {OUTSIDE}"
        raise InvalidStage([target.place.problem(message, "bad-extends")])
    inner, found = _read(base, root, allowed, (*chain, path.resolve()))
    inherited = {key: node for key, node in inner.value.items() if key not in _OWN}
    return merge(inner.but(value=inherited), tree, identity_of), problems + found


def _base_path(target: Node, path: Path, root: Path, chain: tuple[Path, ...]) -> Path:
    if not isinstance(target.value, str) or not target.value:
        message = "extends must be the name of one file"
        raise InvalidStage([target.place.problem(message, "bad-extends")])
    base = path.parent / target.value
    if not is_file(base):  # nor is a symbolic link that leads to itself
        hint = did_you_mean(target.value, stage_files_in(path.parent))
        message = f'extends "{target.value}": no such file{hint}'
        raise InvalidStage([target.place.problem(message, "bad-extends")])
    files = (*chain, path.resolve())
    if base.resolve() in files:
        circle = (*files[files.index(base.resolve()) :], base)
        way = " -> ".join(label(file, root) for file in circle)
        message = f"extends goes in a circle: {way}: take one of them out"
        raise InvalidStage([target.place.problem(message, "bad-extends")])
    return base


def stage_files_in(folder: Path) -> list[str]:
    """The names of all YAML and JSON files in a folder, sorted; none where it is missing."""
    if not folder.is_dir():
        return []
    return sorted(p.name for p in folder.iterdir() if p.suffix.lower() in SUFFIXES and p.is_file())


def identity_of(item: Node) -> str | None:
    """What makes an item of a list the same item in both files."""
    for key in ("key", "name", "file"):
        node = item.get(key)
        if node is not None and isinstance(node.value, str):
            return f"{node.value}{_scope(item)}"
    name = item.get("configuration", "name")
    return slug(name.value) if name is not None and isinstance(name.value, str) else None


def _scope(item: Node) -> str:
    """A secret is another one in another scope; the default goes without saying."""
    scope = item.get("scope")
    is_other = scope is not None and scope.value != "resource_group"
    return f" ({scope.text})" if scope is not None and is_other else ""
