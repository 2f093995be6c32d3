"""Secrets that templates name and the stage does not make: whether the tenant has them.

Asked for only where a stage uses such; a list that is refused tells nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from cicd.errors import PlatformError, Problem
from cicd.model import Key, Resource
from cicd.platforms.aicore.convert import Document
from cicd.platforms.aicore.secrets import SUFFIX

RULE = "missing-secret"
WORDS = {
    "docker_registry_secret": "docker registry secret",
    "generic_secret": "generic secret",
    "object_store_secret": "object store secret",
}

UNTOLD = frozenset({400, 403, 404})
"""Also how the platform answers for a group that is not there yet."""

List = Callable[[], Iterable[Document]]


class NamedSecrets:
    """Looks once at the lists of the kinds that are used. ``lists``: kind -> what lists it."""

    def __init__(self, lists: Mapping[str, List]) -> None:
        self._lists = lists
        self._there: dict[str, frozenset[str] | None] = {}

    def look(self, kind: str) -> None:
        """Remember the names of the secrets of a kind, None where they may not be seen."""
        try:
            documents = [*self._lists[kind]()]
        except PlatformError as error:
            if error.status not in UNTOLD:
                raise
            self._there[kind] = None
            return
        self._there[kind] = frozenset(
            str(item.get("name", "")).removesuffix(SUFFIX) for item in documents
        )

    def review(self, desired: Iterable[Resource]) -> list[Problem]:
        """A warning for each use of a secret that is not there; of the rest nobody knows."""
        for kind in kinds_used(desired):
            if kind not in self._there:
                self.look(kind)
        return [
            _problem(user, key, source)
            for user in desired
            for key, source in user.options.uses
            if (there := self._there.get(key.kind)) is not None and key.name not in there
        ]


def kinds_used(desired: Iterable[Resource]) -> list[str]:
    """Of the secrets that somebody else makes."""
    return sorted({key.kind for user in desired for key, _ in user.options.uses})


def _problem(user: Resource, key: Key, source: str) -> Problem:
    file, line, column = source.rsplit(":", 2)
    message = f'{user.key}: there is no {WORDS[key.kind]} "{key.name}" on AI Core, and this stage '
    message += "declares none: nothing that names it is started there"
    return Problem(file, int(line), int(column), message, RULE, "warning")
