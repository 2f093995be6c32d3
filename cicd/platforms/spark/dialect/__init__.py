"""What stage files of Spark say: jobs, what they run on, what they read and write.

No SDK is loaded here.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from cicd.config.dialect import Around, Built, Carried, Export, Spellings, StandIn
from cicd.config.references import Reference
from cicd.config.rules import check_items
from cicd.config.tree import Paths
from cicd.errors import Problem
from cicd.platforms.spark.dialect.checks import check_jobs, check_place, lacks
from cicd.platforms.spark.dialect.draft import PREFIX, Draft
from cicd.platforms.spark.dialect.logins import check_kerberos, check_login
from cicd.platforms.spark.dialect.made import check_made
from cicd.platforms.spark.dialect.masters import check_master
from cicd.platforms.spark.dialect.rulebook import RULES
from cicd.platforms.spark.dialect.schema import StageFile

if TYPE_CHECKING:
    from cicd.model import LiveResource

__all__ = [
    "CARRIED",
    "EMULATED",
    "ENVIRONMENT",
    "NAME",
    "REFERENCES",
    "RULES",
    "SECRETS",
    "SPELLINGS",
    "Draft",
    "File",
    "build",
    "check",
    "export",
    "lacks",
]

NAME = "spark"
File = StageFile
EMULATED = False
_NOWHERE = "spark://localhost:7077"
ENVIRONMENT = {
    f"{PREFIX}MASTER": StandIn(offline=_NOWHERE, local="", field="master"),
    f"{PREFIX}REST_URL": StandIn(offline="", local=""),
    f"{PREFIX}UI_URL": StandIn(offline="", local=""),
}
SECRETS = Paths("spark.login.token", "spark.login.signing_key", "spark.login.client_secret")
REFERENCES = {
    "jobs.KEY.outputs.NAME": Reference(
        "job",
        "outputs.NAME",
        {
            "url": Paths("jobs.*.inputs.*.url"),
            "args": Paths("jobs.*.args.*"),
            "env": Paths("jobs.*.env.*"),
        },
    )
}
SPELLINGS = Spellings(
    hints={"applications": "jobs", "spark_jobs": "jobs", "class": "main_class"},
    texts=Paths("jobs.*.args.*", "jobs.*.env.*", "jobs.*.conf.*", "spark.conf.*"),
)
CARRIED = {
    "jobs": Carried(
        "job",
        (
            ("source",),
            ("main_class",),
            ("args",),
            ("env",),
            ("conf",),
            ("packages",),
            ("py_files",),
            ("jars",),
            ("files",),
            ("resources",),
            ("metrics",),
            ("metrics_file",),
        ),
        files=(("source",), ("py_files",), ("jars",), ("files",), ("inputs", "url")),
    )
}


def check(draft: Draft) -> Iterator[Problem]:
    """All that is wrong beside the shape."""
    yield from check_items(draft, CARRIED)
    yield from check_place(draft)
    yield from check_login(draft)
    yield from check_kerberos(draft)
    yield from check_master(draft)
    yield from check_jobs(draft)
    yield from check_made(draft)


def build(draft: Draft) -> Built:
    """Where it goes, and the jobs."""
    from cicd.platforms.spark.dialect.building import build  # not needed to check a stage

    return build(draft)


def export(live: Iterable[LiveResource], around: Around) -> Export:
    """The stage file that asks for the jobs that are remembered."""
    from cicd.config.plain_dialect import completed
    from cicd.config.plain_export import Drafted, export_stage  # only an import needs these
    from cicd.platforms.spark.dialect.drafting import as_written

    drafted = Drafted([as_written(one) for one in live], around)
    return export_stage(drafted, completed(sys.modules[__name__]))
