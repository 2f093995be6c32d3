"""The kinds of the shelf: jobs that end, notes that never change, services that read one out."""

from cicd.model import Kind

KINDS = {
    kind.name: kind
    for kind in (
        Kind(
            "job",
            role="run",
            is_run=True,
            inline=True,
            updatable=False,
            prunable=True,
            log=True,
            stoppable=True,
            columns={"id": "ID", "status": "STATUS", "managed_by": "KEY", "age": "AGE"},
        ),
        Kind("note", role="content", identity=(), updatable=False, prunable=True, keep=1),
        Kind(
            "service",
            role="service",
            immutable={"size": "a service keeps its size"},
            verify=("note",),
            version=("note", "note"),
            named=True,
            prunable=True,
            log=True,
            columns={"id": "ID", "status": "STATUS", "managed_by": "KEY", "note": "NOTE"},
        ),
    )
}
