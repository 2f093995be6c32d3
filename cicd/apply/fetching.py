"""What a run has made is brought here, whole or not at all."""

from __future__ import annotations

import hashlib
import secrets
import shutil
from pathlib import Path

from cicd.apply.events import Fetched, Reported, Warned
from cicd.apply.job import Job
from cicd.apply.tasks import Task, once
from cicd.errors import CicdError
from cicd.model import LiveResource

Made = tuple[str, int, str]
"""Name, size in bytes, and sha256 of a file."""


def fetch_outputs(job: Job, live: LiveResource) -> Task[None]:
    """Bring each output that the stage wants to its folder, unless it is there already.

    Raises CicdError where one cannot be fetched: its folder is as before then.
    """
    folders = job.options.fetch
    for output, folder in folders.items():
        target = job.shared.root / folder
        if not (yield from once(_is_there, job, live, output, target)):
            files = yield from once(_bring, job, live, output, target)
            if files is None:
                where = live.outputs.get(output, output)
                yield Warned(job.key, f"there is nothing at {where}: {folder} is as it was")
            else:
                yield Fetched(job.key, output, folder, files)
    if folders and job.kind.report:
        told = {output.rpartition(".")[2]: folder for output, folder in folders.items()}
        yield Reported(job.key, job.kind.report, {**live.report, **told})


def _is_there(job: Job, live: LiveResource, output: str, target: Path) -> bool:
    return target.is_dir() and job.platform.holds(live, output, target)


def _bring(job: Job, live: LiveResource, output: str, target: Path) -> tuple[Made, ...] | None:
    """Fetch into a folder beside the target, then put it in its place; None where there is nothing
    to put there."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _sweep(target)
        beside = _beside(target)
        beside.mkdir()
        try:
            found = job.platform.fetch(live, output, beside)
            if found is None:
                return None
            made = tuple(_made(file, beside) for file in sorted(found))
            _put(beside, target)
        finally:
            shutil.rmtree(beside, ignore_errors=True)
    except OSError as error:
        text = f"{output} cannot be written to {target}: {error.strerror}"
        raise CicdError(text, hint="apply again once it can") from error
    return made


def _beside(target: Path) -> Path:
    return target.parent / f".{target.name}.{secrets.token_hex(4)}.part"


def _sweep(target: Path) -> None:
    """Remove what an apply that was killed has left."""
    for left in target.parent.glob(f".{target.name}.*.part"):
        shutil.rmtree(left, ignore_errors=True)


def _made(file: Path, folder: Path) -> Made:
    """Raises CicdError for a file that is not in the folder that it was to be fetched to."""
    if not file.resolve().is_relative_to(folder.resolve()):
        raise CicdError(f"a file of it would leave its folder: {file.name}")
    with file.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return file.relative_to(folder).as_posix(), file.stat().st_size, digest


def _put(whole: Path, target: Path) -> None:
    """In place of what is there. A folder cannot be put over another at once: for a moment there is
    none, and never a half one."""
    old = _beside(target)
    if target.is_dir() and not target.is_symlink():
        target.rename(old)
    elif target.exists() or target.is_symlink():
        target.unlink()
    whole.rename(target)
    shutil.rmtree(old, ignore_errors=True)
