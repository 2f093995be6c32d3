"""A project on Spark: a job that scores, and one that reads its scores."""

from __future__ import annotations

import re
from collections.abc import Sequence

from cicd.errors import Usage
from cicd.scaffold import Markers, Question, answers

NAME = "scores"

_NAME = re.compile(r"[a-z]([a-z0-9-]{0,48}[a-z0-9])?")
_PLACE = re.compile(r"(s3a?://[a-z0-9][a-z0-9.-]+|/[\w.-]+)(/[\w.-]+)*/?")


def fill_name(text: str) -> Markers:
    """The name of the project. Raises Usage."""
    return answers.fill_name(
        text,
        _NAME,
        "the name of a folder",
        "up to 50 letters, digits and hyphens, a letter first; not a word such as true",
    )


def fill_place(text: str) -> Markers:
    """PLACE: where programs, memory and data are that all machines see; ``PLACE_URL``: the same as
    Spark reads it. Raises Usage."""
    if not _PLACE.fullmatch(text):
        raise Usage(
            f"{text[:80]!r} is not a place that all machines see",
            hint="like s3://your-bucket/scores, or a shared folder like /shared/scores",
        )
    place = text.rstrip("/")
    is_folder = place.startswith("/")
    url = f"file://{place}" if is_folder else re.sub("^s3a?", "s3a", place)
    return {"PLACE": place, "PLACE_URL": url}


QUESTIONS: Sequence[Question] = (
    Question("name", fill_name, ("@FOLDER@", NAME), asks="Name of the project"),
    Question(
        "place",
        fill_place,
        ("s3://your-bucket/@NAME@",),
        asks="Place that all machines of the cluster see",
        help="s3://bucket/prefix or a shared folder.  [default: s3://your-bucket/NAME]",
        metavar="URL",
    ),
)
STEPS: Sequence[str] = (
    "pip install 'pyspark==3.5.*'                        # or set SPARK_HOME",
    "cicd apply @STAGE@ --local --var data=build             # try it here, no cluster needed",
    "cicd plan @STAGE@                                   # on the cluster: see README.md",
)
EXTRA = "[spark]"
SECRETS: Sequence[str] = ()
SETTINGS: Sequence[str] = (
    "SPARK_MASTER",
    "SPARK_REST_URL",
    "SPARK_UI_URL",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_DEFAULT_REGION",
)
