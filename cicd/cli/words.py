"""STAGE and KEY on a command line, in whichever order they were given."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cicd.automation.git import find_root
from cicd.config.load import find_stage
from cicd.errors import InvalidStage


def stage_first(stage: str, keys: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """The stage and the keys. They change places only where that leaves no doubt: what was given as
    the stage is none, and just one of the keys is."""
    stages = [] if is_stage(stage) else [word for word in keys if is_stage(word)]
    if len(stages) != 1:
        return stage, tuple(keys)
    return stages[0], (stage, *(word for word in keys if word != stages[0]))


def is_stage(word: str) -> bool:
    """Whether a word leads to a stage file from here."""
    try:
        find_stage(word, find_root(Path.cwd(), word))
    except InvalidStage:
        return False
    return True
