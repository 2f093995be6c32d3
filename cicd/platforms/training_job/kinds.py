"""The kinds of the training-job API, as data: datasets, jobs, and what these leave behind."""

from __future__ import annotations

from cicd.model import Kind

STATUS_FIELDS = (
    "containerID",
    "finishTime",
    "job_id",
    "name",
    "startTime",
    "status",
    "submissionTime",
)
"""The fields of the status that the API tells, as they are passed on."""
COLUMNS = {"id": "ID", "status": "STATUS", "managed_by": "KEY", "age": "AGE"}

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            "dataset",
            role="content",
            identity=(),
            computed=frozenset({"file"}),
            updatable=False,
            deletable=False,
            columns={"id": "ID", "size": "SIZE", "age": "AGE"},
        ),
        Kind(
            "job",
            role="run",
            identity=("key",),
            family=("key",),
            inline=True,
            computed=frozenset({"metrics", "metrics_file"}),
            updatable=False,
            prunable=True,
            log=True,
            log_pause=1.0,
            report="training_status",
            stoppable=True,
            takes={"data": "dataset"},
            columns={**COLUMNS, "duration": "DURATION", "name": "NAME", "image": "IMAGE"},
        ),
        Kind(
            "artifact",
            role="content",
            identity=(),
            updatable=False,
            deletable=False,
            columns={
                "name": "NAME",
                "job": "JOB",
                "age": "AGE",
                "files": "FILES",
                "size": "SIZE",
                "digest": "DIGEST",
                "contents": "",
                "url": "URL",
            },
        ),
    )
}
