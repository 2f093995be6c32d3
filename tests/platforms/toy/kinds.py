"""The kinds of the toy: jobs that end, releases that never change, services that serve one."""

from cicd.model import Kind

COLUMNS = {"id": "ID", "status": "STATUS", "managed_by": "KEY", "age": "AGE"}
JOB = Kind(
    "job",
    role="run",
    inline=True,
    updatable=False,
    log=True,
    stoppable=True,
    prunable=True,
    wait_for="done",
    columns=COLUMNS,
)
RELEASE = Kind("release", role="content", identity=(), updatable=False, prunable=True, keep=1)
SERVICE = Kind(
    "service",
    role="service",
    named=True,
    prunable=True,
    wait_for="up",
    verify=("release",),
    version=("release", "release"),
    immutable={"size": "a service keeps its size"},
    columns={**COLUMNS, "release": "RELEASE"},
)
KINDS = {kind.name: kind for kind in (JOB, RELEASE, SERVICE)}
