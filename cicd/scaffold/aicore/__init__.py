"""A project on SAP AI Core: trains a model, serves it, points a destination at it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from cicd.config.remotes import https_url
from cicd.errors import Usage
from cicd.platforms.aicore.dialect import formats
from cicd.scaffold import Markers, Question, answers
from cicd.scaffold.facts import ALL

NAME = "house-prices"

# as a scenario id 4 at least; as an application, with the stage behind it, 50 at most
_NAME = re.compile(r"[a-z][a-z0-9-]{2,48}[a-z0-9]")
_REPOSITORY = re.compile(r"https?://[A-Za-z0-9.:-]+/[A-Za-z0-9._~/%-]*[A-Za-z0-9_/-]")


def fill_name(text: str) -> Markers:
    """The name of the project, which ids on AI Core are made from. Raises Usage."""
    found = answers.fill_name(
        text,
        _NAME,
        "a scenario id",
        "4 to 50 letters, digits and hyphens, a letter first; not a word such as true",
    )
    return {**found, "DESTINATION": found["NAME"].replace("-", "_").upper()}


def fill_repository(text: str) -> Markers:
    """A Git URL as AI Core takes it; one for SSH becomes the one for HTTPS. Raises Usage."""
    text = https_url(text.strip())
    if "@" in urlsplit(text).netloc:
        raise Usage(
            "the repository URL holds a credential",
            hint="leave it out; git.username and git.password in stages/base.yaml take ${env.NAME}",
        )
    if not _REPOSITORY.fullmatch(text) or len(text) > 1024:
        raise Usage(
            f"{text[:80]!r} is not the URL of a Git repository",
            hint="like https://github.com/org/repo",
        )
    return {"REPOSITORY": text}


def fill_group(text: str) -> Markers:
    """What resource groups start with; GROUP-STAGE is one. Raises Usage."""
    longest = max(ALL, key=len)
    if not re.fullmatch(formats.RESOURCE_GROUP, f"{text}-{longest}"):
        raise Usage(
            f"{text[:50]!r} cannot start the name of a resource group",
            hint="letters, digits, dots and hyphens, a letter or digit first, up to 249",
        )
    return {"GROUP": text}


QUESTIONS: Sequence[Question] = (
    Question(
        "name",
        fill_name,
        # one that no project in another folder gets: what it is for makes things on AI Core
        ("@FOLDER@", "project-@FOLDER_DIGEST@", NAME),
        asks="Name of the project",
        help="Name of the project and its scenario.  "
        f"[default: {NAME}, in a repository its folder's]",
    ),
    Question(
        "repository",
        fill_repository,
        ("@REMOTE@", "https://github.com/your-org/your-repo"),
        asks="Git repository",
        help="Git repository that AI Core syncs from.",
        metavar="URL",
    ),
    Question(
        "image",
        answers.fill_image,
        ("docker.io/your-org/@NAME@:1.0",),
        help="Container image.  [default: docker.io/your-org/NAME:1.0]",
    ),
    Question(
        "resource_group",
        fill_group,
        ("@NAME@",),
        asks="Resource groups start with",
        help="Before -dev and so on.  [default: NAME]",
        metavar="PREFIX",
    ),
)
STEPS: Sequence[str] = (
    "cicd apply @STAGE@ --local    # try it here, no account needed",
    "cicd plan @STAGE@             # on SAP AI Core: README.md says how to log in",
)
EXTRA = ""
SECRETS: Sequence[str] = ("AICORE_SERVICE_KEY",)
SETTINGS: Sequence[str] = (
    "DESTINATION_AUTH_URL",
    "DESTINATION_BASE_URL",
    "DESTINATION_CLIENT_ID",
    "DESTINATION_CLIENT_SECRET",
)
