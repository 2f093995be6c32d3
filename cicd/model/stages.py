"""A loaded stage file, and who works on its stage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cicd.model.lifecycle import Lifecycle
from cicd.model.resources import Resource
from cicd.model.sync import Sync
from cicd.values import Happening, Program, Secret


def place_of(target: Mapping[str, str]) -> str:
    """Where a stage goes, in a few words: an address for links is no place, but where there is
    nothing else."""
    words = [text for name, text in target.items() if not name.endswith("_url")]
    return ", ".join(words or filter(None, target.values()))


def identity(project: str, stage: str) -> str:
    """What a stage is called where several projects meet: in one repository, in one resource
    group. ``churn/dev`` for the stage of a project in the folder ``churn``, ``dev`` at the top."""
    return f"{project}/{stage}" if project else stage


@dataclass(frozen=True)
class Limits:
    """Over either bound deletes are refused without --over-limits.

    ``max_delete`` counts everything, ``max_delete_percent`` runs and services.
    """

    max_delete_percent: float = 30.0
    max_delete: int = 10


@dataclass(frozen=True)
class Notice:
    """Who is told of what. ``to``: the address, which is a secret as a whole. ``secret``:
    what signs messages to a webhook of ours. ``missing``: variables of either that are not set, so
    that nobody is told."""

    on: frozenset[Happening]
    to: Secret
    secret: Secret | None = None
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class Stage:
    """One loaded, valid stage file."""

    name: str
    file: str
    root: str
    """Folder that all its paths are relative to (the repository root)."""
    platform: str
    target: Mapping[str, str]
    branch: str | None
    resources: tuple[Resource, ...]
    programs: tuple[Program, ...] = ()
    prune: str = "none"
    """``none``, ``stage``, or by whatever word its platform has for it: everything."""
    limits: Limits = Limits()
    protect: frozenset[str] = frozenset()
    local: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """What its file says of how to speak to the platform; a login in it is a Secret. Only the
    adapter looks into it."""
    commit: str = ""
    digest: str = ""
    """sha256 of the resolved content, secrets left out."""
    source_digest: str = ""
    """sha256 of the file as written, with what it extends, before anything is replaced in it."""
    remarks: tuple[str, ...] = ()
    """What a person who plans it should know: credentials that it was loaded without."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """Variable -> slow, salted hash of its value: tells that it changed and not what it is."""
    lifecycle: Lifecycle | None = None
    notify: tuple[Notice, ...] = ()
    """Who is told of what, in the order of the file."""
    sync: Sync | None = None
    """What a controller may do by itself; None where the file says nothing: look only."""
    project: str = ""
    """The project's folder below the top of its repository; empty for the top itself."""
    others: tuple[str, ...] = ()
    """The stages that it takes something from, by the names of their files."""
    taken: Mapping[str, str] = field(default_factory=dict)
    """What it takes from other stages -> slow, salted hash of that, as far as it is known."""

    @property
    def identity(self) -> str:
        """What others know it by."""
        return identity(self.project, self.name)

    @property
    def prunes_everything(self) -> bool:
        """Whether all goes that no stage file names, whoever made it."""
        return self.prune not in {"none", "stage"}


@dataclass(frozen=True)
class Holder:
    """Who has the lock of a stage, as anybody with access may read it. Times are ISO 8601 in UTC.

    ``run`` is random and tells two of them apart. ``machine`` and ``process`` let another process
    of the same machine find out whether this one still lives; empty where nobody can.
    ``has_expired``: ``until`` has passed by the platform's clock.
    """

    run: str
    name: str = ""
    command: str = ""
    link: str = ""
    machine: str = ""
    process: str = ""
    since: str = ""
    until: str = ""
    has_expired: bool = False
