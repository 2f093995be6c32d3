"""Kinds whose calls have a shape of their own: all that the adapter asks of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from cicd.model import LiveResource, Resource


class Apart(Protocol):
    """One such kind; words and errors as of ``Platform``."""

    def of(self, wishes: Sequence[Resource]) -> list[LiveResource]:
        """Those that wishes may be, whole; newest last."""
        ...

    def all(self, found: Sequence[LiveResource]) -> list[LiveResource]:
        """All of the stage, whole; ``found``: what it has of other kinds."""
        ...

    def listed(self) -> list[LiveResource]:
        """As far as lists tell."""
        ...

    def get(self, live: LiveResource) -> LiveResource:
        """It as it is now."""
        ...

    def find(self, wish: Resource, known: frozenset[str]) -> LiveResource | None:
        """What a create has made whose answer was lost."""
        ...

    def create(self, wish: Resource, token: str, marks: Mapping[str, str]) -> LiveResource:
        """Make it."""
        ...

    def update(self, live: LiveResource, wish: Resource) -> LiveResource:
        """Change it in place."""
        ...

    def delete(self, live: LiveResource) -> None:
        """It is gone, or never was."""
        ...
