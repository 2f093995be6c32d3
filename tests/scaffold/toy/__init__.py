"""A project of the toy: a job in a box."""

import re
from collections.abc import Sequence

from cicd.errors import Usage
from cicd.scaffold import Markers, Question, answers


def fill_name(text: str) -> Markers:
    return answers.fill_name(text, re.compile("[a-z]+"), "a job", "letters alone")


def fill_box(text: str) -> Markers:
    if "/" in text:
        raise Usage(f"{text} is no box", hint="a folder's name")
    return {"BOX": text}


QUESTIONS: Sequence[Question] = (
    Question("name", fill_name, ("@FOLDER@", "score"), asks="Name"),
    Question("box", fill_box, ("@REMOTE@", "@NAME@-things"), "Box", "Folder of all.", "BOX"),
    Question("image", answers.fill_image, ("docker.io/toys/@NAME@:2",)),
)
STEPS: Sequence[str] = ("cicd apply @STAGE@ --yes  # @BOX@ is there then",)
EXTRA = ""
SECRETS: Sequence[str] = ("TOY_KEY",)
SETTINGS: Sequence[str] = ()
