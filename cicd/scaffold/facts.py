"""Markers that the files of every platform's scaffold may have, and the question for the stages.

``STAGE``: the first one; ``STAGES``, ``BRANCHES``: all, as a sentence lists them; ``ENVIRONMENT``:
that of the first stage on GitHub; ``BEFORE_STAGE``: what stands before the stage there;
``FOLDER``: of a project that is a folder of a repository, as a name; ``FOLDER_DIGEST``: another one
for every folder; ``REMOTE``: the repository it is a clone of; ``VERSION``: of cicd. Those of the
folder and of the clone are empty where there is none. Pure.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

from cicd.config.formats import slug
from cicd.errors import Usage
from cicd.scaffold import Markers, Question
from cicd.scaffold.workflows import slug_of
from cicd.version import __version__

BRANCHES = {"dev": "main", "tst": "tst", "prd": "prd"}
ALL = tuple(BRANCHES)


def fill_stages(text: str) -> Markers:
    """Names of stages, put in their own order. Raises Usage."""
    if not _words(text) <= set(ALL):
        raise Usage(
            f"{text[:50]!r} are not stages to begin with",
            hint=f"some of {' '.join(ALL)}; a stage of another name is a copy of its file",
        )
    stages = stages_in(text)
    return {
        "STAGE": stages[0],
        "STAGES": ", ".join(f"`{stage}`" for stage in stages),
        "BRANCHES": ", ".join(f"`{BRANCHES[stage]}` is {stage}" for stage in stages),
    }


def stages_in(text: str) -> Sequence[str]:
    """The stages that an answer names."""
    return tuple(stage for stage in ALL if stage in _words(text))


def _words(text: str) -> set[str]:
    return set(re.split(r"[\s,]+", text.strip(" ,")))


STAGES = Question(
    "stages",
    fill_stages,
    (" ".join(ALL),),
    asks="Stages",
    help=f"Some of {', '.join(ALL)}.  [default: all]",
    metavar="LIST",
)


def markers_of(project: str, remote: str) -> Markers:
    """What is known before anything is asked. ``project``: its folder in the repository that it
    becomes a part of, empty for the top; ``remote``: URL of the repository, without a login."""
    digest = hashlib.sha256(project.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return {
        "FOLDER": slug(project),
        "FOLDER_DIGEST": digest if project else "",
        "REMOTE": remote,
        "VERSION": __version__,
    }


def environment_of(project: str, stage: str) -> str:
    """The environment of a stage on GitHub."""
    return f"{slug_of(project)}-{stage}".lstrip("-")
