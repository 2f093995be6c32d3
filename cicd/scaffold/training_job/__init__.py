"""A project on the training-job API: a script that trains, and one that uses its model."""

from __future__ import annotations

import re
from collections.abc import Sequence

from cicd.scaffold import Markers, Question, answers

NAME = "rents"

_NAME = re.compile(r"[a-z]([a-z0-9-]{0,48}[a-z0-9])?")


def fill_name(text: str) -> Markers:
    """The name of the project and of its job. Raises Usage."""
    return answers.fill_name(
        text,
        _NAME,
        "the name of a job",
        "up to 50 letters, digits and hyphens, a letter first; not a word such as true",
    )


QUESTIONS: Sequence[Question] = (
    Question("name", fill_name, ("@FOLDER@", NAME), asks="Name of the project"),
    Question("image", answers.fill_image, ("docker.io/library/python:3.11",)),
)
STEPS: Sequence[str] = (
    "cicd apply @STAGE@ --local        # try it here, no account needed",
    "python predict.py 80 3 20 5   # what its model says",
    "cicd plan @STAGE@                 # on the API: README.md says how to log in",
)
EXTRA = "[training-job]"
SECRETS: Sequence[str] = ("TRAINING_JOB_SERVICE_KEY",)
SETTINGS: Sequence[str] = ()
