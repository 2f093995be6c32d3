"""The front doors of an emulator beside AI Core's own, and which of them a data folder offers.

Each answers in every emulator; what is chosen, or used by ``--local``, is only what ``cicd emulator
env`` speaks of.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from cicd.emulator.front_door import FrontDoor
from cicd.emulator.sagemaker import SAGEMAKER
from cicd.emulator.state.private import write_private
from cicd.emulator.training_job import TRAINING_JOB

FRONT_DOORS: tuple[FrontDoor, ...] = (TRAINING_JOB, SAGEMAKER)
"""All of them; a new one is a line here, under the name of its platform."""
FILE_NAME = "front-doors"


def offer(data: Path, names: Iterable[str]) -> None:
    """From now on speak of these too, of those before as ever; AI Core's is always there."""
    before = {door.name for door in offered(data)}
    chosen = before | {door.name for door in FRONT_DOORS}.intersection(names)
    if chosen != before:
        write_private(data / FILE_NAME, " ".join(sorted(chosen)))


def offered(data: Path) -> list[FrontDoor]:
    """Those that were chosen for a data folder."""
    try:
        chosen = (data / FILE_NAME).read_text(encoding="utf-8").split()
    except FileNotFoundError:
        return []
    return [door for door in FRONT_DOORS if door.name in chosen]


def of_platform(name: str) -> FrontDoor | None:
    """The front door of a platform; None where that is AI Core's."""
    return next((door for door in FRONT_DOORS if door.name == name), None)
