"""That people were told, as a line among the events."""

from __future__ import annotations

from cicd.automation.events import Notified
from cicd.cli.console import EventLog


def write_notified(log: EventLog, event: Notified) -> None:
    """Who was told, or who was not and why."""
    reached, missed = ", ".join(event.reached), "; ".join(event.missed)
    log.write(f"not notified ({missed})" if missed else "notified", on=event.on, to=reached)
