"""What another API than AI Core's on the same emulator declares: its front door.

It answers below ``/NAME``, where NAME is that of the platform that meets it. What it stands on says
``runs.starting``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Scope

    from cicd.emulator.state.credentials import Credentials
    from cicd.emulator.world import World

EFFECTS = "cicd.effects"
"""Where the scope of a request has what fault rules want to happen to it, name -> value: some of it
only the front door itself can do."""


@dataclass(frozen=True)
class Served:
    """One operation: its name for fault rules, ``job.create``, its method, and its path; the body
    of its errors, where that is not as all others have it."""

    name: str
    method: str
    path: str
    error: Callable[[int, str, str, str], Any] | None = None


def no_variables(url: str, credentials: Credentials) -> dict[str, str]:
    """What a client needs that needs nothing."""
    return {}


def plain_error(status: int, message: str, code: str, operation: str) -> Any:
    """The body of an error, as most say it."""
    return {"error": message}


def unnamed(scope: Scope) -> str:
    """Of a request whose path says what it asks for."""
    return ""


@dataclass(frozen=True)
class FrontDoor:
    """``make`` gives its application for a world, and imports what that needs only then.

    ``variables``: those with which clients find it at the url of an emulator. Secrets in clear.
    ``bucket``: of the emulator's own S3, where its runs keep what they keep by key; empty for the
    object store of AI Core. ``error``: the body of its own errors, for those that fault rules ask
    for, by status, message, code and operation: a text is XML, None a quota that it refuses by
    itself. ``named``: the operation of a request whose path does not say it, one of ``names``, or
    empty.
    """

    name: str
    make: Callable[[World], ASGIApp]
    operations: Sequence[Served] = ()
    variables: Callable[[str, Credentials], Mapping[str, str]] = no_variables
    bucket: str = ""
    error: Callable[[int, str, str, str], Any] = plain_error
    named: Callable[[Scope], str] = unnamed
    names: Collection[str] = ()
    about: str = ""
    """What it is, for the help of the command that starts emulators."""

    @property
    def prefix(self) -> str:
        """Below which path it answers."""
        return f"/{self.name}"

    @property
    def group(self) -> str:
        """Of its runs and of what stands in for images: one that no resource group can have."""
        return self.name
