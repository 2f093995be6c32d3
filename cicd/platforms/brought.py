"""What a run has made, as files that are brought here: which names may be. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath

from cicd.errors import PlatformError


def check_names(what: str, names: Sequence[str]) -> None:
    """Raises PlatformError where a file of ``what`` would lie elsewhere than in its folder, or
    nowhere."""
    nothing = "nothing was fetched"
    if outside := [name for name in names if not is_inside(name)]:
        text = f"{what} has a file that would leave its folder: {outside[0]!r}"
        raise PlatformError(text, hint=nothing)
    if both := _file_and_folder(names):
        raise PlatformError(f"{what} has {both!r} as a file and as a folder", hint=nothing)


def is_inside(name: str) -> bool:
    """Whether the name of an object stays in the folder that it is below: keys may be written by
    anybody."""
    parts = name.split("/")
    is_bad = any(part in {"", ".", ".."} or "\\" in part or "\0" in part for part in parts)
    return not is_bad and not PurePosixPath(name).is_absolute() and ":" not in parts[0]


def _file_and_folder(names: Sequence[str]) -> str:
    """The first name that others have as a folder, as it may be in a storage; empty for none."""
    folders = {str(folder) for name in names for folder in PurePosixPath(name).parents}
    return next((name for name in names if name in folders), "")
