"""What is kept in the bucket beside a run: the tags that tell its inputs and files. AWS's own are
too short for those, and are asked for one thing at a time."""

from __future__ import annotations

import json
from collections.abc import Mapping

from cicd.errors import PlatformError
from cicd.platforms.sagemaker.storage import FOLDER, Storage


class Records:
    """The tags of the runs of one stage. ``prefix``: with what its names begin."""

    def __init__(self, storage: Storage, prefix: str) -> None:
        self._storage = storage
        self._folder = f"{FOLDER}/{prefix.rstrip('-')}"

    def of(self, run: str) -> dict[str, str]:
        """Those of one run; none where they are not there or may not be read."""
        try:
            told = self._storage.read_json(self._key(run))
        except PlatformError:
            return {}
        texts = told.items() if isinstance(told, dict) else ()
        return {str(name): text for name, text in texts if isinstance(text, str)}

    def add(self, run: str, tags: Mapping[str, str]) -> None:
        """Keep these too."""
        before = self.of(run)
        if tags and {**before, **tags} != before:
            self._storage.write(self._key(run), json.dumps({**before, **tags}).encode())

    def recall(self, name: str) -> str:
        """A text that is kept under a name; empty for none."""
        try:
            return self._storage.read(self._memory(name)).decode()
        except (PlatformError, UnicodeDecodeError):
            return ""

    def remember(self, name: str, text: str) -> None:
        """Keep a text under a name, where that can be done."""
        try:
            self._storage.write(self._memory(name), text.encode())
        except PlatformError:
            return

    def lock_key(self, name: str) -> str:
        """The object that stands for a lock."""
        return f"{self._folder}/locks/{name.replace('/', '+')}"

    @property
    def requests(self) -> str:
        """Below which requests lie that endpoints read from the bucket."""
        return f"{self._folder}/requests"

    def _key(self, run: str) -> str:
        return f"{self._folder}/runs/{run}.json"

    def _memory(self, name: str) -> str:
        return f"{self._folder}/memory/{name.replace('/', '+')}"
