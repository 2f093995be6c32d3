"""The one kind of Spark, as data: a job."""

from __future__ import annotations

from cicd.model import Kind

COLUMNS = {"id": "ID", "status": "STATUS", "managed_by": "KEY", "age": "AGE"}
DONE = "FINISHED"
"""The word for a job that went well."""
UNKNOWN = "UNKNOWN"
"""The word for a job of which nobody can tell how it is."""
KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            "job",
            role="run",
            identity=("key",),
            family=("key",),
            inline=True,
            computed=frozenset({"metrics", "command"}),
            updatable=False,
            prunable=True,
            wait_for=DONE,
            log=True,
            log_pause=1.0,
            tail=True,
            counted=True,
            unknown=UNKNOWN,
            stoppable=True,
            columns={
                **COLUMNS,
                "duration": "DURATION",
                "name": "NAME",
                "source": "SOURCE",
                "application_id": "APPLICATION",
            },
        ),
    )
}
