"""The object store: ``ai://<secret>/<path>`` is a file or folder below the data folder, or, where
that was chosen, an object in the bucket that the object store secret names."""

from __future__ import annotations

import json
import re
import shutil
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, Protocol, get_args

from cicd.emulator.state.private import write_private
from cicd.emulator.state.s3 import Bucket, StorageError
from cicd.emulator.state.store import Store

PART = re.compile(r"[^/\\\x00-\x1f]+")
Choice = Literal["folder", "secrets"]
CHOICE_FILE = "object-store"


def choose(data: Path, choice: Choice) -> None:
    """From now on the emulator of a data folder, running or not, keeps artifacts there: ``folder``
    needs no secret and looks at none, ``secrets`` uses what they name and nothing else."""
    write_private(data / CHOICE_FILE, choice)


class Place(Protocol):
    """Where artifacts are kept if not in a folder; ``parts`` are those of a key."""

    def upload(self, parts: list[str], source: Path) -> None: ...

    def download(self, parts: list[str], target: Path) -> Path: ...

    def holds(self, parts: list[str]) -> bool: ...

    def delete(self, parts: list[str]) -> None: ...


NOWHERE: Mapping[str, Place] = {}


class ObjectStore:
    """Files and folders by resource group, object store secret and path. Of the groups in ``own``
    everything is kept there, whatever was chosen for others."""

    def __init__(self, data: Path, store: Store, own: Mapping[str, Place] = NOWHERE) -> None:
        self._own = own
        self._folder = data / "objectstore"
        # not beside what they become: an emulator that is killed leaves them behind
        self._drafts = data / "drafts"
        remove(self._drafts)
        self._choice_file = data / CHOICE_FILE
        self._store = store
        # a client of S3 takes a moment to make, and any number of threads may use it
        self._buckets: dict[tuple[str, str], tuple[str, Bucket]] = {}

    @property
    def choice(self) -> Choice:
        """Where artifacts are kept; a folder unless something else was chosen."""
        try:
            text = self._choice_file.read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            return "folder"
        # a damaged file must not send anything to a bucket
        return "secrets" if text == get_args(Choice)[1] else "folder"

    def path(self, group: str, url: str) -> Path:
        """Where an ``ai://`` url points in the folder, existing or not; ValueError for any other
        url, and for one that leads out by way of a link that a run has left there."""
        secret, parts = split(url)
        base = self._folder.joinpath(group, secret)
        found = base.joinpath(*parts)
        if not found.resolve().is_relative_to(base.resolve()):
            raise ValueError(f"{url} leads outside of the object store")
        return found

    def fetch(self, group: str, url: str, target: Path) -> Path:
        """The file or folder of an ``ai://`` url on this machine, brought to ``target`` if it is
        not there yet. Raises StorageError, and ValueError as path() does."""
        bucket = self._bucket(group, split(url)[0])
        if bucket is None:
            return self.path(group, url)
        remove(target)
        return bucket.download(split(url)[1], target)

    def put(self, group: str, url: str, source: Path) -> None:
        """Copy a file or folder there, all at once; what was there before is replaced.

        Links stay links: a run must not make the emulator read what the run itself cannot.
        Raises StorageError, and ValueError as path() does.
        """
        if bucket := self._bucket(group, split(url)[0]):
            bucket.upload(split(url)[1], source)
            return
        target = self.path(group, url)
        target.parent.mkdir(parents=True, exist_ok=True)
        # Written elsewhere and then renamed, so that nobody reads half of a model.
        self._drafts.mkdir(exist_ok=True)
        draft = self._drafts / uuid.uuid4().hex
        is_folder = source.is_dir() and not source.is_symlink()
        try:
            if is_folder:
                shutil.copytree(source, draft, symlinks=True)
            else:
                shutil.copy2(source, draft, follow_symlinks=False)
            if is_folder or target.is_dir():
                # a file takes the place of another at once, whatever happens
                remove(target)
            draft.replace(target)
        finally:
            remove(draft)

    def holds(self, group: str, url: str) -> bool:
        """Whether there is a file at an ``ai://`` url. Raises as fetch() does."""
        if bucket := self._bucket(group, split(url)[0]):
            return bucket.holds(split(url)[1])
        # a link may be left by a run, and what it leads to is nobody's file
        path = self.path(group, url)
        return path.is_file() and not path.is_symlink()

    def delete(self, group: str, url: str) -> None:
        """Delete the file at an ``ai://`` url. Raises as fetch() does."""
        if bucket := self._bucket(group, split(url)[0]):
            bucket.delete(split(url)[1])
        else:
            remove(self.path(group, url))

    def _bucket(self, group: str, secret: str) -> Place | None:
        """Where the secret leads, None for the folder."""
        if group in self._own:
            return self._own[group]
        if self.choice == "folder":
            return None
        row = self._store.row(
            "SELECT data FROM secrets WHERE kind = 'object_store' AND scope = ? AND name = ?",
            (f"group:{group}", secret),
        )
        if row is None:
            raise StorageError(
                f"object store secret {secret}: resource group {group} has none of this name; "
                f"register it (outputs of executions go to the one named default)"
            )
        known = self._buckets.get((group, secret))
        if known and known[0] == row["data"]:
            return known[1]
        found = json.loads(row["data"])
        if str(found["fields"]["type"]).upper() != "S3":
            raise StorageError(
                f"object store secret {secret}: the emulator uses type S3 only, not "
                f"{found['fields']['type']}; or keep artifacts in a folder"
            )
        bucket = Bucket(secret, found["fields"], found["data"])
        self._buckets[group, secret] = (row["data"], bucket)
        return bucket

    def remove_group(self, group: str) -> None:
        """Forget everything of a resource group."""
        remove(self._folder / group)


def split(url: str) -> tuple[str, list[str]]:
    """``ai://default/a/b`` -> (``default``, [``a``, ``b``]); ValueError when it could escape."""
    match = re.fullmatch(r"ai://([^/]+)(?:/(.*))?", url, re.DOTALL)
    if not match:
        raise ValueError(f"{url} is not an ai:// url")
    parts = [part for part in (match[2] or "").split("/") if part]
    for part in (match[1], *parts):
        if part in {".", ".."} or not PART.fullmatch(part):
            raise ValueError(f"{url} leads outside of the object store")
    return match[1], parts


def mapped(url: str, artifacts: Mapping[str, str]) -> Path | None:
    """The host path of a url that is, or lies below, one of ``artifacts``; the closest one wins."""
    for prefix in sorted(artifacts, key=len, reverse=True):
        base = prefix.rstrip("/")
        if url.rstrip("/") == base:
            return Path(artifacts[prefix])
        rest = url.removeprefix(f"{base}/")
        if rest != url and ".." not in rest.split("/"):
            return Path(artifacts[prefix], *rest.split("/"))
    return None


def remove(path: Path) -> None:
    """Delete a file, link or folder if it is there."""
    if path.is_symlink() or path.is_file():
        path.unlink(missing_ok=True)
    else:
        shutil.rmtree(path, ignore_errors=True)
