"""How container images and artifact urls are stood in for in one resource group."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePath, PurePosixPath
from typing import Any

from cicd.emulator.errors import invalid
from cicd.emulator.jobs import Image
from cicd.emulator.runs.plain_images import plain_image
from cicd.emulator.state.store import Store

EMPTY: Mapping[str, Any] = {
    "images": {},
    "artifacts": {},
    "built": {},
    "secrets": [],
    "root": None,
    "workdir": None,
}
BUILT_HERE = "localhost/"
"""How podman calls what was built on this machine."""
ANY = ""
"""The key of ``built`` for images of any name."""


def of_group(store: Store, group: str) -> Mapping[str, Any]:
    """How images and artifacts are stood in for in a resource group."""
    row = store.row("SELECT body FROM stand_ins WHERE resource_group = ?", (group,))
    found: Mapping[str, Any] = json.loads(row["body"]) if row else EMPTY
    return found


@dataclass(frozen=True)
class Images(Mapping[str, Image]):
    """Image name -> what stands in for it.

    A name without an entry of its own gets the entry of the same image without tag or digest. Plain
    images (a language, a shell) are this machine's own programs, unless there is a registry or
    owner before a name that ``built`` has. Any other gets what ``built``
    has for the last part of its name, or for any name, if there is that. What podman has built on
    this machine may also stand for itself.
    """

    entries: Mapping[str, Image]
    built: Mapping[str, Image]

    def __getitem__(self, name: str) -> Image:
        for spelling in (name, untagged(name)):
            if spelling in self.entries:
                return self.entries[spelling]
        path = untagged(name)
        word = path.rpartition("/")[2]
        found = self.built.get(word) or self.built.get(ANY)
        if name.startswith(BUILT_HERE):
            return replace(found or Image(), local=name)
        if path == word or word not in self.built:
            found = plain_image(name) or found
        if found is None:
            raise KeyError(name)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)


def untagged(image: str) -> str:
    """``host:5000/team/train:1.0@sha256:…`` -> ``host:5000/team/train``."""
    return re.sub(r":[^/:]*$", "", image.partition("@")[0])


def images(body: Mapping[str, Any]) -> Images:
    """The images of a checked body."""
    root, workdir = body.get("root"), body.get("workdir")
    built = {ANY: Image(files={workdir: root}, workdir=workdir)} if root and workdir else {}
    built |= {name: _image(entry, is_whole=True) for name, entry in body.get("built", {}).items()}
    return Images({name: _image(entry) for name, entry in body["images"].items()}, built)


def _image(entry: Mapping[str, Any], *, is_whole: bool = False) -> Image:
    return Image(
        mounts=entry["mounts"],
        python=entry["python"],
        command=tuple(entry["command"]),
        env=entry["env"],
        workdir=entry["workdir"],
        # entries that were stored by a version before this one lack these
        files=entry.get("files", {}),
        args=tuple(entry.get("args", ())),
        note=entry.get("note", ""),
        is_whole=is_whole,
    )


def check(body: Mapping[str, Any]) -> dict[str, Any]:
    """A sent body with every field present; 400 for what cannot be."""
    if unknown := set(body) - set(EMPTY):
        raise invalid(f"unknown field {sorted(unknown)[0]!r}")
    artifacts = strings(body, "artifacts", "artifacts")
    for url, path in artifacts.items():
        absolute(path, f"artifacts[{url}]")
    root, workdir = body.get("root"), body.get("workdir")
    if root is not None:
        absolute(root, "root")
    if workdir is not None:
        inside(workdir, "workdir")
    secrets = words(body, "secrets", "stand-ins")
    checked = {"artifacts": artifacts, "secrets": secrets, "root": root, "workdir": workdir}
    return {field: entries(body, field) for field in ("images", "built")} | checked


def entries(body: Mapping[str, Any], field: str) -> dict[str, Any]:
    """``images`` by name, or ``built`` by the last part of a name."""
    found = body.get(field) or {}
    if not isinstance(found, dict):
        raise invalid(f"{field} must be an object")
    return {name: check_image(entry, f"{field}[{name}]") for name, entry in found.items()}


def check_image(entry: Any, where: str) -> dict[str, Any]:
    """One entry of ``images`` or ``built`` with every field present."""
    if not isinstance(entry, dict):
        raise invalid(f"{where} must be an object")
    known = {"mounts", "files", "python", "command", "args", "env", "workdir", "note"}
    if unknown := set(entry) - known:
        raise invalid(f"{where}: unknown field {sorted(unknown)[0]!r}")
    paths = {}
    for field in ("mounts", "files"):
        paths[field] = strings(entry, field, f"{where}.{field}")
        for target, source in paths[field].items():
            inside(target, f"{where}.{field}")
            absolute(source, f"{where}.{field}[{target}]")
    python, workdir = entry.get("python") or "", entry.get("workdir") or ""
    if python:
        absolute(python, f"{where}.python")
    if workdir:
        inside(workdir, f"{where}.workdir")
    note = entry.get("note") or ""
    if not isinstance(note, str):
        raise invalid(f"{where}.note must be a string")
    return {
        **paths,
        "python": python,
        "command": words(entry, "command", where),
        "args": words(entry, "args", where),
        "env": strings(entry, "env", f"{where}.env"),
        "workdir": workdir,
        "note": note,
    }


def words(entry: Mapping[str, Any], field: str, where: str) -> list[str]:
    """A field that is a list of strings."""
    found = entry.get(field) or []
    if not isinstance(found, list) or not all(isinstance(word, str) for word in found):
        raise invalid(f"{where}.{field} must be a list of strings")
    return found


def strings(body: Mapping[str, Any], field: str, where: str) -> dict[str, str]:
    """A field that maps strings to strings."""
    found = body.get(field) or {}
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise invalid(f"{where} must map strings to strings")
    return found


def absolute(path: Any, where: str) -> None:
    """A path of this machine must be absolute: nobody knows the emulator's working folder."""
    if not isinstance(path, str) or not PurePath(path).is_absolute():
        raise invalid(f"{where} must be an absolute path")


def inside(path: Any, where: str) -> None:
    """A path inside a container: absolute, with forward slashes."""
    if not isinstance(path, str) or not PurePosixPath(path).is_absolute():
        raise invalid(f"{where} must be an absolute path inside the container")
