"""Kinds of a platform that is not like AI Core: content goes again, services are known by their
names and cannot be stopped, a job is all that its spec says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cicd.model import (
    Key,
    Kind,
    Limits,
    LiveResource,
    Plan,
    Ref,
    Resource,
    Stage,
    State,
    Status,
)
from cicd.plan import make_plan

KINDS = {
    kind.name: kind
    for kind in (
        Kind(
            "job",
            is_run=True,
            role="run",
            inline=True,
            updatable=False,
            prunable=True,
            log=True,
            stoppable=True,
        ),
        Kind("model", identity=(), updatable=False, prunable=True, role="content", keep=1),
        Kind("setting", identity=(), updatable=False, prunable=True, role="content", keep=2),
        Kind(
            "endpoint",
            immutable={"size": "an endpoint keeps its size"},
            named=True,
            verify=("setting",),
            version=("setting", "setting"),
            prunable=True,
            log=True,
            role="service",
        ),
    )
}
GOOD = Status(State.SUCCEEDED, "Created")
UP = Status(State.RUNNING, "InService")
OURS = "dev"


def wish(kind: str, name: str, **spec: Any) -> Resource:
    return Resource(Key(kind, name), {"name": name, **spec})


def live(
    kind: str, id: str, /, status: Status = GOOD, owner: str = OURS, at: str = "", **spec: Any
) -> LiveResource:
    name = str(spec.get("name", "churn"))
    return LiveResource(
        Key(kind, name), id, {"name": name, **spec}, status, owner=owner, created_at=at
    )


def model(version: int) -> Resource:
    return wish("model", "churn", data=f"s3://m{version}")


def setting(**spec: Any) -> Resource:
    variants = [{"name": "main", "model": Ref(Key("model", "churn"))}]
    return wish("setting", "churn", variants=variants, **spec)


def endpoint(**spec: Any) -> Resource:
    return wish("endpoint", "churn", setting=Ref(Key("setting", "churn")), **spec)


def stage(resources: Sequence[Resource], **settings: Any) -> Stage:
    return Stage(
        name="dev",
        file="stages/dev.yaml",
        root=".",
        platform="other",
        target={"region": "eu"},
        branch="main",
        resources=tuple(resources),
        **{"limits": Limits(100, 100), **settings},
    )


def plan_of(
    resources: Sequence[Resource], lives: Sequence[LiveResource] = (), **settings: Any
) -> Plan:
    wishes = {name: settings.pop(name) for name in ("replace", "rerun") if name in settings}
    return make_plan(
        stage(resources, **settings), resources, lives, KINDS, created_at="2026-01-01", **wishes
    )


def deletes(plan: Plan) -> set[str]:
    """The ids of what a plan deletes."""
    return {change.id for change in plan.changes if change.action == "delete"}


def of_model(id: str, data: str, **more: Any) -> LiveResource:
    return live("model", id, data=data, **more)


def of_setting(id: str, model_id: str, **more: Any) -> LiveResource:
    return live("setting", id, variants=[{"name": "main", "model": model_id}], **more)


def of_endpoint(id: str, setting_id: str, **more: Any) -> LiveResource:
    return live("endpoint", id, UP, setting=setting_id, **more)
