"""Everything that can go wrong, with the exit code it ends in.

::

    CicdError                   1   something failed
    ├── InvalidStage            3   stage file or template is wrong; nothing was sent
    ├── PlatformError           1   the platform refused or failed a call
    │   ├── ConnectionFailed    4   not reachable, or its answer is not of this API
    │   ├── Denied              4   401/403: login or rights
    │   ├── NotFound            1   404
    │   ├── Conflict            1   409/412: not in this status
    │   ├── Throttled           1   429, after retries
    │   └── LostAnswer          1   sent, but nobody knows whether it took effect
    ├── Refused                 5   limits, protection, stale plan, no consent
    ├── TimedOut                6   waited long enough
    ├── Failed                  1   something that was applied ended other than wished
    ├── Cancelled             130   whoever waited for it has stopped waiting
    └── Usage                  64   wrong use of the command line
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Literal


class CicdError(Exception):
    """A failure to tell the user in one line; ``hint`` says what to do about it."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


class Interrupted(KeyboardInterrupt):
    """Ctrl-C while something was being done; ``hint`` says how to go on."""

    def __init__(self, hint: str) -> None:
        super().__init__(hint)
        self.hint = hint


@dataclass(frozen=True, order=True)
class Problem:
    """One finding in a file; ``line`` and ``column`` count from 1, 0 means the file as a whole."""

    file: str
    line: int
    column: int
    message: str
    rule: str = ""
    severity: Literal["error", "warning"] = "error"

    @property
    def place(self) -> str:
        """``file:line:column``, or the file alone."""
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file

    def __str__(self) -> str:
        label = "warning: " if self.severity == "warning" else ""
        return f"{self.place}: {label}{self.message}"


class Remark(str):
    """A finding as a plan tells it: a text for people, of which programs know the place."""

    problem: Problem

    @classmethod
    def of(cls, problem: Problem) -> Remark:
        """The finding with its place before it."""
        remark = cls(f"{problem.place}: {problem.message}")
        remark.problem = problem
        return remark


class InvalidStage(CicdError):
    """The stage file or a template is wrong; holds every problem found, not just the first."""

    exit_code = 3

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        super().__init__("\n".join(str(problem) for problem in self.problems))

    def __reduce__(self) -> tuple[type[InvalidStage], tuple[tuple[Problem, ...]]]:
        return type(self), (self.problems,)  # as it is made, not of its text


class PlatformError(CicdError):
    """A platform call failed. ``status`` is the HTTP status, 0 when there was no answer."""

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        status: int = 0,
        code: str = "",
        request_id: str = "",
    ) -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.code = code
        self.request_id = request_id

    def __str__(self) -> str:
        text = super().__str__()
        return f"{text} [request id {self.request_id}]" if self.request_id else text


class ConnectionFailed(PlatformError):
    """The platform cannot be reached, or what answered does not speak its API."""

    exit_code = 4


class Denied(PlatformError):
    """Login failed or rights are missing (HTTP 401 and 403)."""

    exit_code = 4


class NotFound(PlatformError):
    """The platform does not know that id (HTTP 404); may be transient right after a create."""


class Conflict(PlatformError):
    """The platform refuses the change in the present status (HTTP 409 and 412)."""


class Throttled(PlatformError):
    """The platform still answers 429 after all retries."""


class LostAnswer(PlatformError):
    """A write was sent and its answer lost (timeout, reset, 5xx): look before you repeat it."""


class Refused(CicdError):
    """cicd itself refuses: limits, protection, a stale plan, no consent, a lock."""

    exit_code = 5


class TimedOut(CicdError):
    """The wanted status was not reached in time."""

    exit_code = 6


class Failed(CicdError):
    """Something that was applied ended other than wished: a run, a gate, a smoke test."""


class Cancelled(CicdError):
    """Whoever waited has stopped waiting; what was started goes on."""

    exit_code = 130


class Usage(CicdError):
    """The command line itself is wrong."""

    exit_code = 64
