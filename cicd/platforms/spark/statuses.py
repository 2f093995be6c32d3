"""What the words of Spark and of its masters for how a job is mean. Pure.

A driver tells how a job has ended, its application does not: that is FINISHED also where the
program has failed.
"""

from __future__ import annotations

from collections.abc import Mapping

from cicd.model import State, Status
from cicd.platforms.spark.kinds import DONE, UNKNOWN

WORDS: Mapping[State, str] = {
    State.PENDING: "WAITING",
    State.RUNNING: "RUNNING",
    State.SUCCEEDED: DONE,
    State.FAILED: "FAILED",
    State.STOPPED: "KILLED",
    State.UNKNOWN: UNKNOWN,
}
"""The one word that is shown for each, whoever runs the job."""
DRIVER: Mapping[str, State] = {
    "SUBMITTED": State.PENDING,
    "RUNNING": State.RUNNING,
    "RELAUNCHING": State.RUNNING,
    "FINISHED": State.SUCCEEDED,
    "FAILED": State.FAILED,
    "ERROR": State.FAILED,
    "KILLED": State.STOPPED,
}
"""What a master says of a driver (``DriverState`` of Spark)."""


def status_of(state: State, said: str = "") -> Status:
    """A status; ``said``: what there is to read about it."""
    return Status(state, WORDS[state], said)


def of_driver(word: str, said: str = "") -> Status:
    """What the master says of a driver; a word that nobody knows is UNKNOWN, and no success."""
    state = DRIVER.get(word.upper(), State.UNKNOWN)
    if state is State.UNKNOWN:
        return status_of(state, said or f'"{word}" is no state that cicd knows')
    return status_of(state, said or ("" if WORDS[state] == word else f"the driver is {word}"))
