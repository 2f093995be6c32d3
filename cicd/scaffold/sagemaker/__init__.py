"""A project on SageMaker: trains a model by a script, serves it by another."""

from __future__ import annotations

import re
from collections.abc import Sequence

from cicd.errors import Usage
from cicd.platforms.sagemaker.dialect.naming import LONGEST_STAGE, slug
from cicd.scaffold import Markers, Question, answers
from cicd.scaffold.facts import ALL

NAME = "churn"

_NAME = re.compile(r"[a-z]([a-z0-9-]{0,38}[a-z0-9])?")
_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-[0-9]")
_ROLE = re.compile(r"arn:(aws[a-z-]*):iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]+")
IMAGE = "sagemaker-scikit-learn:1.4-2-cpu-py3"
ACCOUNTS = {
    "ap-northeast-1": "354813040037",
    "ap-northeast-2": "366743142698",
    "ap-south-1": "720646828776",
    "ap-southeast-1": "121021644041",
    "ap-southeast-2": "783357654285",
    "ca-central-1": "341280168497",
    "eu-central-1": "492215442770",
    "eu-central-2": "680994064768",
    "eu-north-1": "662702820516",
    "eu-south-1": "978288397137",
    "eu-west-1": "141502667606",
    "eu-west-2": "764974769150",
    "eu-west-3": "659782779980",
    "il-central-1": "898809789911",
    "me-central-1": "272398656194",
    "sa-east-1": "737474898029",
    "us-east-1": "683313688378",
    "us-east-2": "257758044811",
    "us-west-2": "246618743249",
}
"""Region -> where AWS keeps its image there, as the SDK for SageMaker lists it."""


def fill_name(text: str) -> Markers:
    """The name of the project; ``PREFIX``: with what those of all that it makes begin, before the
    stage. Raises Usage."""
    found = answers.fill_name(
        text,
        _NAME,
        "the beginning of a name on SageMaker",
        "up to 40 letters, digits and hyphens, a letter first; not a word such as true",
    )
    longest = LONGEST_STAGE - len("-") - max(map(len, ALL))
    return {**found, "PREFIX": slug(found["NAME"], longest)}


def fill_region(text: str) -> Markers:
    """REGION, and ``REGION_IMAGE``: AWS's image there, empty where it is not known. Raises
    Usage."""
    if not _REGION.fullmatch(text):
        raise Usage(f"{text[:50]!r} is not a region of AWS", hint="like eu-central-1")
    account = ACCOUNTS.get(text)
    image = f"{account}.dkr.ecr.{text}.amazonaws.com/{IMAGE}" if account else ""
    return {"REGION": text, "REGION_IMAGE": image}


def fill_role(text: str) -> Markers:
    """ROLE: that of jobs and models; ``ROLE_NAME``: its name; ``ACCOUNT``, ``PARTITION``: where it
    is. Raises Usage."""
    found = _ROLE.fullmatch(text)
    if not found:
        raise Usage(
            f"{text[:80]!r} is not the ARN of a role",
            hint="like arn:aws:iam::123456789012:role/sagemaker",
        )
    name = text.rpartition("/")[2]
    return {"ROLE": text, "ROLE_NAME": name, "PARTITION": found[1], "ACCOUNT": text.split(":")[4]}


def fill_repository(text: str) -> Markers:
    """GITHUB: the repository as GitHub's tokens name it. Raises Usage."""
    found = re.search(r"([A-Za-z0-9-]+/[A-Za-z0-9._-]+?)(\.git)?/?$", text)
    if not found:
        raise Usage(f"{text[:80]!r} is not a repository", hint="like https://github.com/org/repo")
    return {"GITHUB": found[1]}


QUESTIONS: Sequence[Question] = (
    Question("name", fill_name, ("@FOLDER@", NAME), asks="Name of the project"),
    Question(
        "region",
        fill_region,
        ("eu-central-1",),
        asks="Region",
        help="Region of AWS.  [default: eu-central-1]",
    ),
    Question(
        "role",
        fill_role,
        ("arn:aws:iam::123456789012:role/@NAME@-jobs",),
        asks="Role of jobs and models",
        help="ARN of the role that jobs and models have.",
        metavar="ARN",
    ),
    Question("repository", fill_repository, ("@REMOTE@", "your-org/your-repo")),
    Question(
        "image",
        answers.fill_image,
        ("@REGION_IMAGE@", f"123456789012.dkr.ecr.@REGION@.amazonaws.com/{IMAGE}"),
    ),
)
STEPS: Sequence[str] = (
    "cicd apply @STAGE@ --local    # try it here, no account needed",
    "cicd plan @STAGE@             # on AWS: README.md says how to log in",
)
EXTRA = "[sagemaker]"
SECRETS: Sequence[str] = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
SETTINGS: Sequence[str] = ()
