"""How container images and artifact urls are stood in for in one resource group."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePath, PurePosixPath
from typing import Any

from cicd.emulator.errors import invalid
from cicd.emulator.jobs import Image

EMPTY: Mapping[str, Any] = {"images": {}, "artifacts": {}, "root": None, "workdir": None}

BUILT_HERE = "localhost/"
"""How podman calls what was built on this machine."""


@dataclass(frozen=True)
class Images(Mapping[str, Image]):
    """Image name -> what stands in for it.

    A name without an entry of its own gets the entry of the same image without tag or digest,
    else ``fallback`` (the repository at its Dockerfile's WORKDIR), if there is one. What podman
    has built on this machine may also stand for itself.
    """

    entries: Mapping[str, Image]
    fallback: Image | None = None

    def __getitem__(self, name: str) -> Image:
        for spelling in (name, untagged(name)):
            if spelling in self.entries:
                return self.entries[spelling]
        if name.startswith(BUILT_HERE):
            return replace(self.fallback or Image(), local=name)
        if self.fallback is None:
            raise KeyError(name)
        return self.fallback

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
    fallback = Image(mounts={workdir: root}, workdir=workdir) if root and workdir else None
    entries = {
        name: Image(
            mounts=entry["mounts"],
            python=entry["python"],
            command=tuple(entry["command"]),
            env=entry["env"],
            workdir=entry["workdir"],
        )
        for name, entry in body["images"].items()
    }
    return Images(entries, fallback)


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
    entries = body.get("images") or {}
    if not isinstance(entries, dict):
        raise invalid("images must be an object")
    checked = {name: check_image(name, entry) for name, entry in entries.items()}
    return {"images": checked, "artifacts": artifacts, "root": root, "workdir": workdir}


def check_image(name: str, entry: Any) -> dict[str, Any]:
    """One entry of ``images`` with every field present."""
    where = f"images[{name}]"
    if not isinstance(entry, dict):
        raise invalid(f"{where} must be an object")
    if unknown := set(entry) - {"mounts", "python", "command", "env", "workdir"}:
        raise invalid(f"{where}: unknown field {sorted(unknown)[0]!r}")
    mounts = strings(entry, "mounts", f"{where}.mounts")
    for target, source in mounts.items():
        inside(target, f"{where}.mounts")
        absolute(source, f"{where}.mounts[{target}]")
    command = entry.get("command") or []
    if not isinstance(command, list) or not all(isinstance(word, str) for word in command):
        raise invalid(f"{where}.command must be a list of strings")
    python, workdir = entry.get("python") or "", entry.get("workdir") or ""
    if python:
        absolute(python, f"{where}.python")
    if workdir:
        inside(workdir, f"{where}.workdir")
    env = strings(entry, "env", f"{where}.env")
    return {
        "mounts": mounts,
        "python": python,
        "command": command,
        "env": env,
        "workdir": workdir,
    }


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
