"""What stage files of the training-job API say: jobs, the files that they take, what they leave.

No SDK is loaded here.
"""

from __future__ import annotations

from collections.abc import Iterator

from cicd.config.dialect import Built, Carried, Overridable, Spellings, StandIn
from cicd.config.references import Reference
from cicd.config.rules import check_items
from cicd.config.tree import Node, Paths
from cicd.errors import Problem
from cicd.platforms.training_job.dialect.checks import check_jobs, check_place, lacks
from cicd.platforms.training_job.dialect.draft import Draft
from cicd.platforms.training_job.dialect.login_sources import BINDINGS, PREFIX, SERVICE_KEY
from cicd.platforms.training_job.dialect.rulebook import RULES
from cicd.platforms.training_job.dialect.schema import StageFile
from cicd.platforms.training_job.dialect.spelling import modernised

__all__ = [
    "CARRIED",
    "ENVIRONMENT",
    "NAME",
    "OVERRIDES",
    "REFERENCES",
    "RULES",
    "SECRETS",
    "SPELLINGS",
    "Draft",
    "File",
    "build",
    "check",
    "lacks",
    "modernise",
]

NAME = "training_job"
File = StageFile
_NOWHERE = "https://training.example.com"
ENVIRONMENT = {
    f"{PREFIX}API_URL": StandIn(offline=_NOWHERE, local="", field="api_url"),
    f"{PREFIX}TOKEN_URL": StandIn(offline=f"{_NOWHERE}/oauth/token", local="", field="token_url"),
    f"{PREFIX}NAMESPACE": StandIn(offline="", local="", field="namespace"),
    SERVICE_KEY: StandIn(offline="", local=""),
    BINDINGS: StandIn(offline="", local=""),
}
SECRETS = Paths("training_job.client_id", "training_job.client_secret")
REFERENCES = {
    "jobs.KEY.artifacts.NAME": Reference(
        "job", "artifacts.NAME", {"data": Paths("jobs.*.data.*"), "env": Paths("jobs.*.env.*")}
    )
}
SPELLINGS = Spellings(
    hints={
        "oauthTokenUrl": "training_job: {token_url: …}",
        "oauthClientId": "TRAINING_JOB_CLIENT_ID into the environment",
        "oauthClientSecret": "TRAINING_JOB_CLIENT_SECRET into the environment",
        "jobAPI": "training_job: {api_url: …}",
        "version": "training_job: {version: …}",
    },
    texts=Paths("jobs.*.env.*", "jobs.*.completion_time", "training_job.version"),
)
CARRIED = {
    "jobs": Carried(
        "job",
        (
            ("script",),
            ("image",),
            ("completion_time",),
            ("env",),
            ("resources",),
            ("resource_plan_id",),
            ("requirements",),
            ("python_major_version",),
            ("data",),
        ),
    )
}


OVERRIDES = Overridable(
    "jobs",
    (
        "name",
        "script",
        "image",
        "completion_time",
        "env",
        "resources",
        "resource_plan_id",
        "requirements",
        "python_major_version",
        "data",
    ),
    data="data",
)


def modernise(tree: Node, suffix: str) -> tuple[Node, list[Problem]]:
    """The operator's own names, and its JSON in texts, in the spelling of today."""
    return modernised(tree)


def check(draft: Draft) -> Iterator[Problem]:
    """All that is wrong beside the shape."""
    yield from check_items(draft, CARRIED)
    yield from check_place(draft)
    yield from check_jobs(draft)


def build(draft: Draft) -> Built:
    """Where it goes, the data, the jobs."""
    from cicd.platforms.training_job.dialect.building import build  # not needed to check a stage

    return build(draft)
