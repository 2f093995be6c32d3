"""That people were told, as a line among the events."""

from __future__ import annotations

from cicd.automation.events import Notified


def told_event(event: Notified) -> str:
    """That people were told, or who was not, in one line."""
    to = ", ".join(event.reached)
    if event.missed:
        also = f"; notified {to}" if to else ""
        return f"not notified of {event.on} ({'; '.join(event.missed)}){also}"
    return f"notified of {event.on}: {to}"
