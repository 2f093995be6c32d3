"""Commits as people know them."""

from __future__ import annotations


def short_commit(commit: str) -> str:
    """The first twelve digits, with the mark of a working tree that differs from it."""
    id, space, mark = commit.partition(" ")
    return f"{id[:12]}{space}{mark}"
