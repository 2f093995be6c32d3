"""A saved plan is applied once: where that is remembered, a second try is told when and by whom."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from cicd.automation.holder import make_holder
from cicd.automation.session import Session, now

if TYPE_CHECKING:
    from cicd.model import Plan

NAME = "plan"
NEXT = (
    "a plan is applied once: make a new one and have it reviewed; in CI run all jobs again, as "
    "those that failed bring the old plan along"
)
WORDS = {"": "was begun", "failed": "failed in part", "applied": "was applied"}
"""How the last apply of a plan ended -> the word for it; empty while it goes on, or was killed."""


@dataclass(frozen=True)
class Application:
    """One apply of a saved plan: which, since when, by whom, and how it ended."""

    plan: str
    since: str
    by: str
    result: str = ""

    def __str__(self) -> str:
        return f"{WORDS.get(self.result, self.result)} at {self.since} by {self.by}"


class Record:
    """What the platform remembers of the applies of one saved plan, as far as it can."""

    def __init__(self, session: Session, document: Mapping[str, Any]) -> None:
        self._platform = session.platform
        self._environ = session.environ
        # two plans of one state are two plans, as they were made at two times
        text = json.dumps([document.get("fingerprint"), document.get("created_at")])
        self._plan = hashlib.sha256(text.encode()).hexdigest()[:16]
        self._mine: Application | None = None

    def last(self) -> Application | None:
        """The last apply of this very plan."""
        try:
            found = Application(**json.loads(self._platform.recall(NAME)))
        except (ValueError, TypeError, RecursionError):
            return None
        return found if found.plan == self._plan else None

    def begin(self) -> None:
        """This process applies it now."""
        holder = make_holder("cicd apply", self._environ)
        by = f"{holder.name} ({holder.link})" if holder.link else holder.name
        self._mine = Application(self._plan, now(), by)
        self._write(self._mine)

    def end(self, *, has_failed: bool) -> None:
        """It has been applied as far as it went."""
        if self._mine:
            self._write(replace(self._mine, result="failed" if has_failed else "applied"))

    def _write(self, application: Application) -> None:
        self._platform.remember(NAME, json.dumps(asdict(application)))


def is_done(document: Mapping[str, Any], plan: Plan) -> bool:
    """Whether a saved plan had something to do and nothing of it is left, which tells as much."""
    summary = document.get("summary")
    counts = summary if isinstance(summary, Mapping) else {}
    had_changes = any(count for action, count in counts.items() if action != "no_op")
    is_same = document.get("commit") == plan.commit
    return is_same and had_changes and not plan.has_changes
