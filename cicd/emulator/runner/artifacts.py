"""Artifacts on disk: bringing inputs into a container's root, and outputs out of it."""

from __future__ import annotations

import shutil
import tarfile
import uuid
from pathlib import Path

from cicd.emulator.runner.environment import NotRunnable


def place(source: Path, target: Path) -> None:
    """Copy a file or folder to ``target``, which must not exist but for empty folders."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True)
    else:
        shutil.copy2(source, target)


def is_tar(source: Path) -> bool:
    """Whether the file is a tar archive, compressed or not."""
    return source.is_file() and source.stat().st_size > 0 and tarfile.is_tarfile(source)


def unpack(source: Path, target: Path) -> None:
    """Unpack an archive to ``target``; a single top entry becomes ``target`` itself, as in Argo."""
    target.parent.mkdir(parents=True, exist_ok=True)
    # Beside the target, so that it gets there by a rename: a step that is interrupted leaves all of
    # it or nothing.
    folder = target.parent / f".unpack-{uuid.uuid4().hex}"
    folder.mkdir()
    try:
        with tarfile.open(source) as archive:
            extract(archive, folder)
        entries = list(folder.iterdir())
        remove(target)
        if len(entries) == 1:
            entries[0].rename(target)
        else:
            folder.rename(target)
    except (tarfile.TarError, OSError) as error:
        raise NotRunnable(f"cannot unpack {source.name}: {error}") from None
    finally:
        remove(folder)


def extract(archive: tarfile.TarFile, folder: Path) -> None:
    """Unpack into ``folder`` and nowhere else. Raises TarError for an archive that leads out."""
    if hasattr(tarfile, "data_filter"):
        archive.extractall(folder, filter="data")
        return
    # Python before 3.11.4: files and folders only, all of them below the folder
    inside = folder.resolve()
    for member in archive.getmembers():
        is_below = (inside / member.name).resolve().is_relative_to(inside)
        if not is_below or not (member.isfile() or member.isdir()):
            raise tarfile.ExtractError(f"{member.name!r} leads out or is no file")
    archive.extractall(folder)  # noqa: S202  every member was looked at


def pack(source: Path, target: Path, name: str) -> None:
    """Write ``source`` as a .tgz whose top entry is ``name``; complete or not at all."""
    part = target.with_name(target.name + ".part")
    with tarfile.open(part, "w:gz") as archive:
        archive.add(source, arcname=name)
    part.replace(target)


def is_written(path: Path, *, was_made: bool) -> bool:
    """Whether something is there; a folder that was made beforehand and stayed empty is nothing."""
    if was_made and path.is_dir() and not path.is_symlink():
        return any(path.iterdir())
    return path.exists()


def inside(root: Path, path: str) -> Path:
    """The place of a container path below ``root``. Raises NotRunnable when a link leads out."""
    found = root / path.lstrip("/") if path != "." else root
    if not found.resolve().is_relative_to(root.resolve()):
        raise NotRunnable(f"{path} leads out of the container")
    return found


def remove(path: Path) -> None:
    """Delete a file or folder, if it is there; also what a program made unwritable."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, onerror=_make_writable)
    else:
        path.unlink(missing_ok=True)


def _make_writable(function: object, path: str, error: object) -> None:
    """Once more with rights; what still stays is not worth failing a run for."""
    parent = Path(path).parent
    for folder in (parent, Path(path)):
        if folder.is_dir() and not folder.is_symlink():
            folder.chmod(0o700)
    if Path(path).is_dir() and not Path(path).is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        Path(path).unlink(missing_ok=True)
