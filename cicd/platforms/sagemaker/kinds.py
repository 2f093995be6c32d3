"""The kinds of SageMaker, as data."""

from __future__ import annotations

from dataclasses import replace

from cicd.model import Kind, State

COLUMNS = {"id": "ID", "status": "STATUS", "managed_by": "KEY", "age": "AGE"}
KEPT = 3
"""So many versions of a model and of a configuration stay, to go back to."""

CONTENT = (
    "group",
    "containers",
    "content_types",
    "response_types",
    "instance_types",
    "transform_instance_types",
    "description",
)
"""What makes a version of a model package: with another of these it is another one."""

JOB = Kind(
    "processing_job",
    role="run",
    inline=True,
    computed=frozenset({"source_dir", "tags"}),
    updatable=False,
    prunable=True,
    wait_for="Completed",
    log=True,
    stoppable=True,
    shown=("instance",),
    columns={**COLUMNS, "duration": "DURATION", "name": "NAME", "image": "IMAGE"},
)

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        replace(JOB, name="training_job", shown=("hyperparameters", "instance")),
        JOB,
        Kind(
            "model_package",  # a register tells what was, also of a stage that is no more
            identity=("name", *CONTENT),
            computed=frozenset({"sources"}),
            partial=frozenset({"metadata"}),
            deletable=False,
            wait_for="Completed",
            columns={**COLUMNS, "name": "NAME", "approval": "APPROVAL"},
            shown=("group", "approval"),
        ),
        Kind(
            "model",
            role="content",
            identity=(),
            computed=frozenset({"source_dir", "sources", "tags"}),
            updatable=False,
            prunable=True,
            keep=KEPT,
            columns={"id": "ID", "managed_by": "KEY", "age": "AGE", "image": "IMAGE"},
        ),
        replace(
            JOB,
            name="transform_job",  # stays for good: it must not hold its model, which it has copied
            prunable=False,
            deletable=False,
            columns={**COLUMNS, "duration": "DURATION", "name": "NAME", "model": "MODEL"},
        ),
        Kind(
            "endpoint_config",
            role="content",
            identity=(),
            computed=frozenset({"tags", "weights"}),
            updatable=False,
            prunable=True,
            keep=KEPT,
            takes={"models": "model"},
            shown=("variants",),
            columns={"id": "ID", "managed_by": "KEY", "age": "AGE"},
        ),
        Kind(
            "endpoint",
            role="service",
            named=True,
            immutable={"serverless": "AWS makes no serverless endpoint of one with instances"},
            computed=frozenset({"deployment", "tags"}),
            defaults={"serverless": True},  # of one that was never up nobody knows
            # one that never came up can only be deleted; one that is busy is waited for
            updatable_in=frozenset({State.RUNNING, State.PENDING, State.UNKNOWN}),
            prunable=True,
            wait_for="InService",
            verify=("config", "weights"),
            # an update under way says so: one that is over without effect has failed, silently
            settle=5.0,
            version=("config", "endpoint_config"),
            log=True,
            measured=True,
            columns={**COLUMNS, "config": "CONFIG", "url": "URL"},
        ),
        Kind(
            "scaling",
            prunable=True,
            columns={"id": "ENDPOINT", "managed_by": "KEY"},
            shown=("variants",),
        ),
    )
}
