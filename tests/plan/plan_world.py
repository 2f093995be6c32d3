"""Short makers of desired and live things, and an in-memory platform that applies plans."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from cicd.model import (
    Action,
    Change,
    Key,
    LiveResource,
    Options,
    Plan,
    Ref,
    Resource,
    Secret,
    Stage,
    State,
    Status,
)
from cicd.plan import make_plan
from cicd.plan.graph import refs_in, resolve
from cicd.platforms.aicore.kinds import KINDS as AICORE_KINDS

CREATED_AT = "2026-01-01T00:00:00Z"
KINDS = {
    **AICORE_KINDS,
    "deployment": replace(
        AICORE_KINDS["deployment"],
        immutable={
            "executable_id": "it stays with its executable",
            "ttl": "fixed when it is created",
        },
    ),
}
"""Those of AI Core, so that plans of tests are plans that people see."""
NAMES = {"scenario_id": "demo", "executable_id": "demo-train"}
RAW = {
    State.SUCCEEDED: "COMPLETED",
    State.FAILED: "DEAD",
    State.RUNNING: "RUNNING",
    State.PENDING: "PENDING",
    State.UNKNOWN: "UNKNOWN",
    State.STOPPED: "STOPPED",
    State.STOPPING: "STOPPING",
}


def status(state: State) -> Status:
    return Status(state, RAW[state])


def key(text: str) -> Key:
    return Key(*text.split("/", 1))


def a_stage(resources: Sequence[Resource] = (), **settings: Any) -> Stage:
    return Stage(
        **{
            "name": "dev",
            "file": "stages/dev.yaml",
            "root": ".",
            "platform": "aicore",
            "target": {"resource_group": "cicd-dev"},
            "branch": "main",
            "resources": tuple(resources),
            "commit": "c0ffee",
            "digest": "d1",
            **settings,
        }
    )


def artifact(name: str = "data", **spec: Any) -> Resource:
    content = {"name": name, "kind": "dataset", "url": f"ai://default/{name}"}
    return Resource(Key("artifact", name), {**content, "scenario_id": "demo", **spec})


def configuration(
    name: str = "train", parameters: Mapping[str, str] | None = None, **spec: Any
) -> Resource:
    content: dict[str, Any] = {
        "name": name,
        **NAMES,
        "parameter_bindings": dict(parameters or {}),
        "input_artifact_bindings": {},
    }
    return Resource(Key("configuration", name), {**content, **spec})


def execution(name: str = "train", options: Options | None = None, **spec: Any) -> Resource:
    content = {
        "configuration": Ref(Key("configuration", name)),
        "configuration_name": name,
        **NAMES,
        "inputs": "i1",
    }
    options = options or Options(wait_for="COMPLETED")
    return Resource(Key("execution", name), {**content, **spec}, options)


def deployment(name: str = "serve", options: Options | None = None, **spec: Any) -> Resource:
    content = {
        "configuration": Ref(Key("configuration", name)),
        "configuration_name": name,
        **NAMES,
    }
    options = options or Options(wait_for="RUNNING")
    return Resource(Key("deployment", name), {**content, **spec}, options)


def schedule(name: str = "weekly", of: str = "train", **spec: Any) -> Resource:
    content = {
        "name": name,
        "configuration": Ref(Key("configuration", of)),
        "configuration_name": of,
        **NAMES,
        "cron": "0 0 * * 0",
        "active": True,
    }
    needs = frozenset({Key("execution", of)})
    return Resource(Key("schedule", name), {**content, **spec}, depends_on=needs)


def secret(kind: str, name: str = "s", value: str = "v1", **spec: Any) -> Resource:
    return Resource(Key(kind, name), {"name": name, "data": {"KEY": Secret(value)}, **spec})


def destination(name: str = "DEST", of: str = "serve", **spec: Any) -> Resource:
    content = {"name": name, "url": Ref(Key("deployment", of), "url")}
    return Resource(Key("destination", name), {**content, **spec})


def a_live(
    resource: Resource,
    id: str,
    state: State = State.RUNNING,
    **fields: Any,
) -> LiveResource:
    """A live thing with the content of a desired one; ``spec`` overrides single fields."""
    spec = {**resource.spec, **fields.pop("spec", {})}
    defaults: dict[str, Any] = {
        "key": Key(resource.key.kind, id),
        "status": status(state),
        "created_at": CREATED_AT,
    }
    return LiveResource(id=id, spec=spec, **{**defaults, **fields})


def plan_of(
    desired: Sequence[Resource], live: Sequence[LiveResource] = (), **settings: Any
) -> Plan:
    """A plan on the kinds of AI Core; ``prune``, ``limits``, ``protect`` go to the stage."""
    wishes = {
        name: settings.pop(name)
        for name in ("rerun", "replace", "select", "exclude", "refresh_secrets")
        if name in settings
    }
    stage = a_stage(desired, **settings)
    return make_plan(stage, desired, live, KINDS, created_at=CREATED_AT, **wishes)


def change_of(plan: Plan, text: str) -> Change:
    (found,) = [change for change in plan.changes if str(change.key) == text]
    return found


def actions(plan: Plan) -> dict[str, str]:
    return {str(change.key): change.action.value for change in plan.changes}


@dataclass
class World:
    """A platform in memory: everything it is asked for succeeds at once."""

    live: dict[tuple[str, str], LiveResource] = field(default_factory=dict)
    clock: int = 0

    def things(self) -> list[LiveResource]:
        return list(self.live.values())

    def apply(self, plan: Plan) -> None:
        done: dict[Key, LiveResource] = {}

        def answer(ref: Ref) -> str:
            live = done[ref.key]
            return live.id if ref.output == "id" else live.outputs[ref.output]

        for change in plan.changes:
            assert change.depends_on <= {other.key for other in plan.changes}
            if change.action is Action.DELETE:
                assert change.live
                del self.live[change.key.kind, change.live.id]
                continue
            assert change.desired
            assert all(ref.key in done for ref in refs_in(change.desired.spec))
            desired = replace(change.desired, spec=resolve(change.desired.spec, answer))
            done[change.key] = self._carry_out(change, desired)
        for change in plan.changes:
            if change.action is Action.REPLACE and change.live:
                del self.live[change.key.kind, change.live.id]

    def _carry_out(self, change: Change, desired: Resource) -> LiveResource:
        if change.action is Action.NO_OP:
            assert change.live
            return change.live
        self.clock += 1
        is_run = KINDS[change.key.kind].is_run
        keeps = change.live and (
            change.action is Action.UPDATE or (is_run and not change.live.status.has_ended)
        )
        new_id = f"{change.key.kind[0]}{self.clock}"
        live_id = change.live.id if change.live and keeps else new_id
        state = State.SUCCEEDED if is_run else State.RUNNING
        raw = desired.options.wait_for or KINDS[change.key.kind].wait_for or RAW[state]
        hidden = KINDS[change.key.kind].write_only
        live = LiveResource(
            Key(change.key.kind, live_id),
            live_id,
            {name: value for name, value in desired.spec.items() if name not in hidden},
            Status(state, raw),
            outputs={"url": f"https://x/{live_id}", "artifacts.model": f"model-{live_id}"},
            created_at=f"2026-01-01T{self.clock:08d}",
        )
        self.live[change.key.kind, live_id] = live
        return live
