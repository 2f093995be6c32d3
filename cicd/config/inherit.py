"""``extends``: one stage file on top of another, through any number of files."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from cicd.config.dialect import Dialect, Dialects, dialect_of
from cicd.config.files import SUFFIXES, is_file, label, read_tree
from cicd.config.tree import Node, did_you_mean, merge
from cicd.errors import InvalidStage, Problem

_OWN = ("extends", "stage", "$schema")
"""Keys that speak of their own file only."""
OUTSIDE = "CICD_EXTENDS_FROM"
"""The variable with the folders outside of the repository that stage files may extend, written as
in PATH. Whoever runs the command allows them: a file of a pull request must not."""


class Written(msgspec.Struct, frozen=True):
    """One file as it is written, and the suffix of its name."""

    tree: Node
    suffix: str


def read_files(
    path: Path, root: Path, text: str | None = None, *, env: Mapping[str, str] | None = None
) -> list[Written]:
    """The file and everything it extends, each before what it extends; ``text``: as if the file
    held this. ``env`` may allow to extend files outside of the repository; None, where a file is
    only asked for its name or branch, allows all: it is loaded with one before it counts.

    Raises InvalidStage where nothing useful can be read: syntax, a missing file, a cycle, a file
    outside of the repository.
    """
    return list(_read(path, root, _allowed(path, env), text))


def inherited(files: Sequence[Written], key: str) -> Node | None:
    """What the files together say under one of their keys that is no map and no list."""
    return next((node for file in files if (node := file.tree.get(key)) is not None), None)


class Whole(msgspec.Struct, frozen=True):
    """A stage file with everything it extends in one tree, in the spelling of today, as nothing has
    been replaced in it yet; what is wrong with its spelling, and what its words mean."""

    tree: Node
    problems: list[Problem]
    dialect: Dialect


def read_whole(
    path: Path,
    root: Path,
    dialects: Dialects,
    text: str | None = None,
    *,
    env: Mapping[str, str] | None = None,
) -> Whole:
    """The file with everything it extends; arguments and errors are those of ``read_files``."""
    files = read_files(path, root, text, env=env)
    dialect = dialect_of(inherited(files, "platform"), dialects)
    return Whole(*_merged(files, dialect), dialect)


def _merged(files: Sequence[Written], dialect: Dialect) -> tuple[Node, list[Problem]]:
    problems: list[Problem] = []
    trees = []
    for file in files:
        tree, found = dialect.modernise(file.tree, file.suffix)
        trees.append(tree)
        problems += found
    # From the file that extends nothing upwards: each one goes on top of all below it.
    whole = trees.pop()
    while trees:
        kept = {key: node for key, node in whole.value.items() if key not in _OWN}
        whole = merge(whole.but(value=kept), trees.pop(), dialect.identity)
    return whole, problems


def _allowed(path: Path, env: Mapping[str, str] | None) -> tuple[Path, ...]:
    """The folders in which extended files may lie; the root of the file system outside of Git."""
    folder = path.resolve().parent
    if env is None:
        return (Path(folder.anchor),)
    tops = [at for at in (folder, *folder.parents) if (at / ".git").exists()]
    more = [Path(at) for at in env.get(OUTSIDE, "").split(os.pathsep) if at]
    return (tops[0] if tops else Path(folder.anchor), *(at.resolve() for at in more))


def _read(path: Path, root: Path, allowed: Sequence[Path], text: str | None) -> Iterator[Written]:
    chain: tuple[Path, ...] = ()
    while True:
        tree = read_tree(path, label(path, root), text)
        if not isinstance(tree.value, dict):
            message = "a stage file is a map of keys and values: start with a key"
            raise InvalidStage([tree.place.problem(message, "wrong-type")])
        yield Written(tree, path.suffix.lower())
        target = tree.get("extends")
        if target is None:
            return
        base = _base_path(target, path, root, chain)
        # A stage file of a pull request could else read any file of the machine that plans it, and
        # show it in messages. Resolved, as links count as what they lead to.
        if not any(base.resolve().is_relative_to(folder) for folder in allowed):
            message = f'extends "{target.value}" leads out of the repository: move the file into it'
            message += f", or name its folder in the environment variable {OUTSIDE}"
            raise InvalidStage([target.place.problem(message, "bad-extends")])
        chain = (*chain, path.resolve())
        path, text = base, None


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
    """What makes an item of a list the same item in both files, as far as every platform has it."""
    for key in ("key", "name"):
        node = item.get(key)
        if node is not None and isinstance(node.value, str):
            return node.value
    return None
