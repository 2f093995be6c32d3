"""A stage file of the training-job API on its way to a Stage: what its jobs are made of."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from cicd.config import draft
from cicd.config.remotes import https_url
from cicd.masking import without_logins
from cicd.platforms.training_job.dialect.login_sources import PREFIX, found_in
from cicd.platforms.training_job.dialect.schema import Job, StageFile
from cicd.values import Ref

INLINE_SCRIPT = "script.py"
REQUIREMENTS = "requirements.txt"
S3 = "s3://"
S3_OBJECT = re.compile(r"s3://[^/\s]+/\S[^\n]*")


class Draft(draft.Draft[StageFile, None]):
    """What is in the file, and what that means."""

    @property
    def api_url(self) -> str:
        """Where the API is, as far as file and environment tell; of the emulator only its own
        login does."""
        return self._address("api_url")

    @property
    def token_url(self) -> str:
        """Where tokens are given."""
        return self._address("token_url")

    def _address(self, name: str) -> str:
        if self.is_local:
            return ""
        own = getattr(self.file.training_job, name)
        return str(own or found_in(self.env or {}).values.get(name, "")).rstrip("/")

    @property
    def namespace(self) -> str:
        """What tells the jobs of this project from those of others on the same API."""
        if named := self.file.training_job.namespace or self.variable(f"{PREFIX}NAMESPACE"):
            return named
        remote = next(iter(self.git.remotes), "")
        return without_logins(https_url(remote)).partition("://")[2].removesuffix(".git")


def is_inline(script: str) -> bool:
    """Whether a script is the text of one: no path has a line break, and a text in block style one
    at its end."""
    return "\n" in script


def script_name(job: Job) -> str:
    """What the script is called where it runs."""
    return INLINE_SCRIPT if is_inline(job.script) else PurePosixPath(job.script).name


def is_url(source: str | Ref) -> bool:
    """Whether data is in the storage already."""
    return isinstance(source, Ref) or source.startswith(S3)


def local_data(job: Job, root: Path) -> Iterator[tuple[str, str]]:
    """Name and file of each data that is uploaded."""
    for name, source in job.data.items():
        if isinstance(source, str) and not is_url(source):
            yield name, in_project(source, root)


def in_project(file: str, root: Path) -> str:
    """A file as the project knows it; one outside, as a command line may have, as it is."""
    path = Path(file)
    is_inside = path.is_absolute() and path.is_relative_to(root.resolve())
    return path.relative_to(root.resolve()).as_posix() if is_inside else file


def requirements_file(job: Job) -> str:
    """The file that lists the requirements; empty where they stand in the stage file."""
    told = job.requirements
    is_path = isinstance(told, str) and told.strip().endswith(".txt") and "\n" not in told.strip()
    return told.strip() if isinstance(told, str) and is_path else ""
