"""What outlives the emulator of an execution, and how a failed one is told in the end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from cicd.emulator.jobs import Node

STARTED = "started"
PUBLISHED = "published"


class Record:
    """Files in an execution's folder that outlive the emulator, which may be ended in between."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def started(self) -> str:
        """When it was started for the first time, RFC 3339: now, if this is the first time."""
        place = self._folder / STARTED
        # The emulator may have been killed between making the file and writing it.
        if place.exists() and (text := place.read_text(encoding="utf-8")):
            return text
        place.parent.mkdir(parents=True, exist_ok=True)
        text = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        place.write_text(text, encoding="utf-8")
        return text

    def is_published(self, name: str) -> bool:
        """Whether the output artifact of that global name has been published before."""
        return self._mark(name).exists()

    def published(self, name: str) -> None:
        """Keep that it has been."""
        mark = self._mark(name)
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.touch()

    def _mark(self, name: str) -> Path:
        return self._folder / PUBLISHED / quote(name, safe="")


def status_details(
    id: str, message: str, nodes: Iterable[Node], tails: Mapping[str, tuple[str, ...]]
) -> dict[str, Any]:
    """SAP AI Core's statusDetails of a run that has failed: its failed containers, each with its
    last lines (``tails``: node id -> lines)."""
    failed = [node for node in nodes if node.phase in ("Failed", "Error") and node.type == "Pod"]
    details = [
        {
            "container_name": "main",
            "exit_code": node.exit_code,
            "last_log_messages": "\n".join(tails.get(node.id, ())),
            "message": node.message,
            "pod_name": node.id,
            "ready": False,
        }
        for node in failed
    ]
    code = failed[-1].exit_code if failed else None
    info = {"id": id, "exit_code": code, "message": message}
    return {"details": details, "workflow_info": [info]}
