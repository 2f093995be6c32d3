"""The volumes of a pod: folders of this machine that its containers see and may share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from cicd.emulator.runner.environment import NotRunnable, Secrets
from cicd.emulator.runner.sandbox import Mount


@dataclass(frozen=True)
class Volumes:
    """``declared``: name -> emptyDir, secret or claim. ``own``: the pod's folder, ``claims``: the
    run's, in which every pod of it finds the same."""

    declared: Mapping[str, Mapping[str, Any]]
    own: Path
    claims: Path
    secrets: Secrets

    def mounts(self, container: Mapping[str, Any]) -> tuple[list[Mount], list[Mount]]:
        """What the container mounts: read-only, and writable. Raises NotRunnable."""
        fixed: list[Mount] = []
        shared: list[Mount] = []
        for item in container.get("volumeMounts") or ():
            target = str(PurePosixPath(item["mountPath"]))
            # the sandbox's own /dev has what is asked for there, /dev/shm
            if target.startswith("/dev/"):
                continue
            volume = self.declared[item["name"]]
            place = self._folder(item["name"], volume)
            if item.get("subPath"):
                place = below_folder(place, item["subPath"])
                if not place.exists():
                    place.mkdir(parents=True)
            is_fixed = "secret" in volume or item.get("readOnly")
            (fixed if is_fixed else shared).append(Mount(place, target))
        return fixed, shared

    def _folder(self, name: str, volume: Mapping[str, Any]) -> Path:
        claim = (volume.get("persistentVolumeClaim") or {}).get("claimName")
        place = self.claims / claim if claim else self.own / name
        if "secret" in volume and not place.exists():
            write_secret(name, volume["secret"], self.secrets, place)
        place.mkdir(parents=True, exist_ok=True)
        return place


def write_secret(name: str, source: Mapping[str, Any], secrets: Secrets, folder: Path) -> None:
    """The keys of a secret as files that only this user may read. Raises NotRunnable."""
    folder.mkdir(parents=True, mode=0o700)
    values = secrets.get(source["secretName"])
    if values is None:
        if source.get("optional"):
            return
        raise NotRunnable(
            f"volume {name}: secret {source['secretName']} does not exist in the resource group"
        )
    chosen = source.get("items") or [{"key": key, "path": key} for key in values]
    for item in chosen:
        if item["key"] not in values:
            raise NotRunnable(f"volume {name}: secret {source['secretName']} has no {item['key']}")
        place = below_folder(folder, item.get("path") or item["key"])
        place.parent.mkdir(parents=True, exist_ok=True)
        place.touch(mode=0o600)
        place.write_text(values[item["key"]], encoding="utf-8")


def below_folder(folder: Path, path: str) -> Path:
    """A place in a folder. Raises NotRunnable when a link or ``..`` leads out of it."""
    found = folder / path.lstrip("/")
    if not found.resolve().is_relative_to(folder.resolve()):
        raise NotRunnable(f"{path} leads out of its volume")
    return found


def covering(mounts: Sequence[Mount], path: str) -> tuple[Path, str] | None:
    """The volume in which a container path lies, and the rest of the path; None for none."""
    place = PurePosixPath(path)
    # Volumes may be mounted inside each other, and the inner one counts.
    for mount in sorted(mounts, key=lambda mount: len(mount.target), reverse=True):
        if place.is_relative_to(mount.target):
            return mount.source, str(place.relative_to(mount.target))
    return None
