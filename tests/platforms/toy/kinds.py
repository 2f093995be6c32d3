"""The kinds of the toy platform, as data."""

from __future__ import annotations

from cicd.model import Kind

_COLUMNS = {"id": "ID", "status": "STATUS", "name": "NAME", "managed_by": "KEY", "age": "AGE"}
KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            "job",
            is_run=True,
            inline=True,
            log=True,
            stoppable=True,
            prunable=True,
            role="run",
            columns=_COLUMNS,
        ),
        Kind(
            "release",
            identity=(),
            updatable=False,
            prunable=True,
            role="content",
            keep=3,
            columns=_COLUMNS,
        ),
        Kind(
            "service",
            role="service",
            named=True,
            prunable=True,
            wait_for="up",
            verify=("release",),
            version=("release", "release"),
            columns=_COLUMNS,
        ),
    )
}
