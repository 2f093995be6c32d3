"""Where documents are kept, whoever keeps them: a folder, or a place in S3."""

from __future__ import annotations

from typing import Any, Protocol

from cicd.platforms.recorded import Record


class Documents(Protocol):
    """Documents by kind and id. ``Records`` is one of it: a folder."""

    def ids(self, kind: str) -> list[str]:
        """All of one kind, in no order."""
        ...

    def read(self, kind: str, id: str) -> Record:
        """One of them. Raises NotFound, and ValueError for what is none."""
        ...

    def add(self, kind: str, id: str, fields: Record) -> bool:
        """Make one; False where there is one of that id."""
        ...

    def write(self, kind: str, id: str, fields: dict[str, Any]) -> None:
        """Put these fields over those that it has; it need not be there. Of two who do so at once,
        the last has its way."""
        ...

    def delete(self, kind: str, id: str) -> None:
        """A missing one counts as deleted."""
        ...
