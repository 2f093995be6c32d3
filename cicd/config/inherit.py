"""``extends``: one stage file on top of another, through any number of files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from cicd.config import legacy
from cicd.config.files import SUFFIXES, label, read_tree
from cicd.config.formats import slug
from cicd.config.tree import Node, did_you_mean, merge
from cicd.errors import InvalidStage, Problem

_OWN = ("extends", "stage", "$schema")
"""Keys that speak of their own file only."""


def read_stage_tree(path: Path, root: Path, text: str | None = None) -> tuple[Node, list[Problem]]:
    """The file with everything it extends merged in, in today's spelling; ``text``: as if the file
    held this.

    Raises InvalidStage where nothing useful can be read: syntax, a missing file, a cycle.
    """
    return _read(path, root, (), text)


def _read(
    path: Path, root: Path, chain: tuple[Path, ...], text: str | None = None
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
    base, found = _read(_base_path(target, path, root, chain), root, (*chain, path.resolve()))
    inherited = {key: node for key, node in base.value.items() if key not in _OWN}
    return merge(replace(base, value=inherited), tree, identity_of), problems + found


def _base_path(target: Node, path: Path, root: Path, chain: tuple[Path, ...]) -> Path:
    if not isinstance(target.value, str) or not target.value:
        message = "extends must be the name of one file"
        raise InvalidStage([target.place.problem(message, "bad-extends")])
    base = path.parent / target.value
    files = (*chain, path.resolve())
    if base.resolve() in files:
        circle = (*files[files.index(base.resolve()) :], base)
        way = " -> ".join(label(file, root) for file in circle)
        message = f"extends goes in a circle: {way}: take one of them out"
        raise InvalidStage([target.place.problem(message, "bad-extends")])
    if not base.is_file():
        hint = did_you_mean(target.value, stage_files_in(path.parent))
        message = f'extends "{target.value}": no such file{hint}'
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
