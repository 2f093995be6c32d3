"""What submits jobs, and knows how they are: one protocol, a module for each way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from cicd.model import Status
from cicd.platforms.base import Finding
from cicd.platforms.spark.calls import Calls
from cicd.platforms.spark.logs import Chunk
from cicd.platforms.spark.manifest import Manifest
from cicd.platforms.spark.runs import Run

STDOUT, STDERR = "stdout", "stderr"


@dataclass(frozen=True)
class Seen:
    """How a run is. ``application``: what the cluster calls its application; ``worker``: the page
    of the worker that its driver is on. Both empty where nobody knows. ``facts``: what else there
    is to show of it."""

    status: Status
    application: str = ""
    worker: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)


class Submitter(Protocol):
    """One way to a cluster. Safe for many threads."""

    def last(self) -> str:
        """The last submission that the cluster has: what is begun from now on comes after it."""
        ...

    def submit(self, manifest: Manifest) -> str:
        """Hand a job over: what the cluster calls it. Raises LostAnswer if unsure."""
        ...

    def find(self, run: Run) -> str:
        """What the cluster calls a run of which it is not known whether it was handed over; empty
        where it surely was not. Raises LostAnswer while nobody can tell."""
        ...

    def look(self, run: Run) -> Seen:
        """How one that was handed over is."""
        ...

    def stop(self, run: Run) -> Seen | None:
        """Ask it to stop; one that has ended has. How it is then, where nobody can be asked that
        any more."""
        ...

    def streams(self, run: Run) -> list[str]:
        """What its logs are called: STDOUT, STDERR, and ``executor-0`` and so on where it can read
        them itself."""
        ...

    def log(self, run: Run, stream: str, offset: int, size: int) -> Chunk:
        """A part of one of its ``streams``."""
        ...

    def forget(self, run: Run) -> None:
        """Nothing of one that has ended is needed any more, of what this machine has of it."""
        ...

    def page(self, run: Run, calls: Calls) -> str:
        """Where its driver shows how far it is; empty where nobody knows. Asks by these ``calls``
        alone, which have little patience."""
        ...

    def examine(self) -> Iterator[Finding]:
        """Looks at the cluster the way a job would use it; changes nothing."""
        ...

    def close(self) -> None:
        """Give connections back."""
        ...
