"""The object store: ``ai://<secret>/<path>`` is a file or folder below the data folder."""

from __future__ import annotations

import re
import shutil
import uuid
from collections.abc import Mapping
from pathlib import Path

PART = re.compile(r"[^/\\\x00-\x1f]+")


class ObjectStore:
    """Files and folders by resource group, object store secret and path."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, group: str, url: str) -> Path:
        """Where an ``ai://`` url points, existing or not; ValueError for any other url."""
        secret, parts = split(url)
        return self._folder.joinpath(group, secret, *parts)

    def put(self, group: str, url: str, source: Path) -> None:
        """Copy a file or folder there, all at once; what was there before is replaced.

        Links stay links: a run must not make the emulator read what the run itself cannot.
        """
        target = self.path(group, url)
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
        try:
            if source.is_dir() and not source.is_symlink():
                shutil.copytree(source, draft, symlinks=True)
            else:
                shutil.copy2(source, draft, follow_symlinks=False)
            remove(target)
            draft.replace(target)
        finally:
            remove(draft)

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
