"""Pure: which status a run can have next, and which requests it admits (facts of the Launchpad).

::

    UNKNOWN -> PENDING -> RUNNING -> COMPLETED (executions)
                  \\         \\----> DEAD
                   \\------ stop ---> STOPPING -> STOPPED
"""

from __future__ import annotations

from typing import Literal

from cicd.emulator.errors import ApiError

Kind = Literal["execution", "deployment"]
Wish = Literal["stop", "cancel", "delete", "configure"]

ENDED = frozenset({"COMPLETED", "DEAD", "STOPPED"})
ACTIVE = frozenset({"UNKNOWN", "PENDING", "RUNNING"})

ADMITTED: dict[Wish, frozenset[str]] = {
    "stop": frozenset({"PENDING", "RUNNING"}),
    "cancel": ACTIVE,
    "delete": frozenset({"UNKNOWN", "STOPPED", "DEAD", "COMPLETED"}),
    "configure": frozenset({"PENDING", "RUNNING", "DEAD"}),
}
WISHED = {
    "stop": "target status STOPPED",
    "cancel": "target status STOPPED",
    "delete": "deletion",
    "configure": "a new configuration",
}


def admit(kind: Kind, run_id: str, status: str, wish: Wish) -> None:
    """Pass a wish the present status admits; raise the 412 for any other."""
    if status in ADMITTED[wish]:
        return
    advice = " It can be deleted." if status == "UNKNOWN" and wish != "delete" else ""
    raise ApiError(
        412,
        f"Invalid request: the current status {status} of {kind} {run_id} "
        f"does not admit {WISHED[wish]}.{advice}",
        code="01010076",
    )


def after_report(status: str, reported: str) -> str:
    """The status after the runner reported one: what has ended stays, what stops only ends."""
    if status in ENDED:
        return status
    if status == "STOPPING":
        # a stop may well look like a crash from inside; it was wished all the same
        return {"COMPLETED": "COMPLETED"}.get(reported, "STOPPED" if reported in ENDED else status)
    if status == "RUNNING" and reported == "UNKNOWN":
        return status
    return reported
