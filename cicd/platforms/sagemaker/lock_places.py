"""Where the text of a lock can lie: an object of the bucket, else a parameter of SSM. Each is made
only where there is none of its name."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Protocol
from urllib.parse import quote

from cicd.errors import NotFound
from cicd.platforms.sagemaker.api import Api
from cicd.platforms.sagemaker.storage import Storage


class Place(Protocol):
    """One text, with a tag that changes with it."""

    def make(self, text: str) -> str:
        """Put it there; its tag. Raises Conflict where there is one."""
        ...

    def read(self) -> str:
        """What is there. Raises NotFound."""
        ...

    def replace(self, text: str, tag: str) -> str:
        """Put it over the one with this tag; the new tag. Raises Conflict where that is not there,
        as far as the place can tell."""
        ...

    def remove(self) -> None:
        """Nothing is there any more."""
        ...


class ObjectPlace:
    """An object of the bucket, by S3's conditional writes."""

    def __init__(self, storage: Storage, key: str) -> None:
        self._storage = storage
        self._key = key

    def make(self, text: str) -> str:
        return self._storage.write(self._key, text.encode(), if_new=True)

    def read(self) -> str:
        return self._storage.read(self._key).decode(errors="replace")

    def replace(self, text: str, tag: str) -> str:
        return self._storage.write(self._key, text.encode(), if_is=tag)

    def remove(self) -> None:
        self._storage.remove(self._key)


class ParameterPlace:
    """A parameter of AWS Systems Manager. ``key`` is that of the object in whose place it is."""

    def __init__(self, api: Api, key: str) -> None:
        self._api = api
        # parameters have letters, digits, dots, - and _ between their slashes
        self.name = "/" + re.sub("[~%]", "_", quote(key))

    def make(self, text: str) -> str:
        return self._write(text, is_new=True)

    def read(self) -> str:
        found = self._api.call("ssm", "get_parameter", Name=self.name)
        return str(found["Parameter"]["Value"])

    def replace(self, text: str, tag: str) -> str:
        return self._write(text, is_new=False)

    def remove(self) -> None:
        with suppress(NotFound):
            self._api.call("ssm", "delete_parameter", is_write=True, Name=self.name)

    def _write(self, text: str, *, is_new: bool) -> str:
        asked = {"Name": self.name, "Value": text, "Type": "String", "Overwrite": not is_new}
        return str(self._api.call("ssm", "put_parameter", is_write=True, **asked)["Version"])
