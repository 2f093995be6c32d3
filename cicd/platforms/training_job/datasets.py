"""Datasets: files by the digest of their content, each uploaded once for all jobs of an API."""

from __future__ import annotations

import hashlib
from pathlib import Path

from cicd.errors import NotFound, PlatformError
from cicd.model import Key, LiveResource, Resource, State, Status
from cicd.platforms.training_job.storage import Hear, Storage

FOLDER = "datasets/"
SHOWN = 12
"""Digits of a digest that people see."""


class Datasets:
    """Those in a storage. ``root``: the project that files are in."""

    def __init__(self, storage: Storage, root: Path) -> None:
        self._storage = storage
        self._root = root

    def find(self, wish: Resource) -> LiveResource | None:
        """The one with the content that is asked for; one that is shorter is none."""
        digest, size = str(wish.spec["digest"]), int(wish.spec["size"])
        found = self._storage.under(FOLDER + digest)
        whole = [item for item in found if item.key == FOLDER + digest and item.size == size]
        return self._live(digest, size, whole[0].changed) if whole else None

    def browse(self) -> list[LiveResource]:
        """All there are, newest last."""
        found = [
            self._live(item.key.removeprefix(FOLDER), item.size, item.changed)
            for item in self._storage.under(FOLDER)
        ]
        return sorted(found, key=lambda live: (live.created_at, live.id))

    def get(self, live: LiveResource) -> LiveResource:
        """Raises NotFound."""
        _, key = self._storage.located(live.id)
        for item in self._storage.under(key):
            if item.key == key:
                return self._live(key.removeprefix(FOLDER), item.size, item.changed)
        raise NotFound(f"there is no dataset {live.id}", status=404)

    def create(self, desired: Resource, hear: Hear) -> LiveResource:
        """Upload it, unless that was done meanwhile; ``hear`` is told how far it has come."""
        if found := self.find(desired):
            return found
        digest, name = str(desired.spec["digest"]), str(desired.spec["file"])
        file = self._root / name
        try:
            with file.open("rb") as stream:
                has_changed = hashlib.file_digest(stream, "sha256").hexdigest() != digest
        except OSError as error:
            raise PlatformError(f"{name} cannot be read: {error.strerror}") from None
        if has_changed:
            raise PlatformError(f"{name} has changed since it was planned", hint="apply again")
        self._storage.upload(file, FOLDER + digest, hear)
        return self.find(desired) or self._live(digest, int(desired.spec["size"]), "")

    def _live(self, digest: str, size: int, changed: str) -> LiveResource:
        url = self._storage.url(FOLDER + digest)
        return LiveResource(
            Key("dataset", digest[:SHOWN]),
            url,
            {"digest": digest, "size": size},
            Status(State.SUCCEEDED, "there"),
            {"id": url},
            created_at=changed,
        )
