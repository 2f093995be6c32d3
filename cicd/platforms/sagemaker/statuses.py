"""What the words of SageMaker for a status mean. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cicd.model import State, Status
from cicd.platforms.sagemaker.nouns import NOUNS

CREATED = Status(State.SUCCEEDED, "Created")
"""Of what is simply there."""
STATES: Mapping[str, State] = {
    "Creating": State.PENDING,
    "Updating": State.PENDING,
    "SystemUpdating": State.PENDING,
    "RollingBack": State.PENDING,
    "InService": State.RUNNING,
    "Deleting": State.STOPPING,
    "OutOfService": State.FAILED,
    "InProgress": State.RUNNING,
    "Pending": State.PENDING,
    "Completed": State.SUCCEEDED,
    "Failed": State.FAILED,
    "Stopping": State.STOPPING,
    "Stopped": State.STOPPED,
}
MIXED = "UpdateRollbackFailed"
"""It serves all the same, old and new mixed: an update mends it, and a delete would end it."""
OF_AWS = "Request to service failed"
"""The reason of what AWS itself has not managed."""
EARLY = frozenset({"Starting", "Pending", "LaunchingMLInstances", "PreparingTrainingStack"})
CUT_SHORT = frozenset({"MaxRuntimeExceeded", "MaxWaitTimeExceeded"})


def status_of(kind: str, told: Mapping[str, Any]) -> Status:
    """The status that a description, or an item of a list, tells."""
    raw = str(told.get(NOUNS[kind].status, ""))
    if not raw:
        return CREATED
    # of several lines: the end of what a program has written
    reason = " ".join(str(told.get("FailureReason") or "").split())
    second = str(told.get("SecondaryStatus") or "")
    if second in CUT_SHORT:
        # whatever is left behind may be half a model
        return Status(State.FAILED, second, reason or "the job was cut short by its bounds of time")
    if raw == MIXED:
        text = reason or "an update and the way back from it have failed; it serves old and new"
        return Status(State.UNKNOWN, raw, text)
    if raw == "InProgress" and second in EARLY:
        return Status(State.PENDING, raw, second)
    if raw not in STATES:
        return Status(State.UNKNOWN, raw, f'"{raw}" is no status that cicd knows')
    if raw == "Updating":
        reason = ""  # of an update before this one: AWS keeps it
    return Status(STATES[raw], raw, reason, is_passing=OF_AWS in reason)
