"""A stage file on its way to a Stage: its values, and where they are written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any, Generic, TypeVar

from cicd.config.schema import StageBase
from cicd.config.tree import Node, Path, Place, hidden, is_like, is_whole
from cicd.config.variables import GitFacts, GitOverride
from cicd.values import Key

F = TypeVar("F", bound=StageBase)
S = TypeVar("S")


@dataclass(frozen=True)
class Draft(Generic[F, S]):
    """All that checking and building look at. ``tree`` is what ``file`` was made from.

    ``named`` is everything that the file as written gives a key, also what was left out of
    ``file`` because it does not fit: who refers to that is not wrong too. ``sources``: what the
    dialect has found beside the file. ``is_local``: it is for the emulator, wherever it says that
    it goes.
    """

    name: str
    file: F
    tree: Node
    root: FilePath
    git: GitFacts
    sources: S
    override: GitOverride | None = None
    named: frozenset[Key] = frozenset()
    env: Mapping[str, str] | None = None
    is_local: bool = False

    def variable(self, name: str) -> str:
        """A variable of the environment; empty where it is not set."""
        return (self.env or {}).get(name, "")

    def items(self, section: str) -> list[tuple[Path, Any]]:
        """What a section lists, each with the path of it."""
        return [((section, index), item) for index, item in enumerate(getattr(self.file, section))]

    def place(self, *path: str | int, key: bool = False) -> Place:
        """Where that path of the file is written."""
        return self.tree.place_of(*path, key=key)

    def hidden(self, value: Any, *path: str | int) -> Any:
        """``value``, made from what is written at that path, with every text that came from the
        environment as Hidden."""
        return hidden(value, self.tree.get(*path))

    def has_lost(self, *path: str | int) -> bool:
        """Whether what is not at that path is written there, perhaps under a mistyped key, in a
        form that does not fit. That has been said, so nobody says that it is missing."""
        node = self.tree
        for step in path:
            child = node.get(step)
            if child is None:
                return step in node.lost or is_like(str(step), node.lost)
            node = child
        return False

    def is_named(self, key: Key) -> bool:
        """Whether the file has, or may mean to have, something of that key."""
        return key in self.named

    def is_whole(self, *path: str | int) -> bool:
        """Whether all that is written at that path fits."""
        node = self.tree.get(*path)
        return node is None or is_whole(node)
