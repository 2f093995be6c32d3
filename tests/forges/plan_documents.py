"""Plan documents as ``cicd plan --out`` saves them."""

from __future__ import annotations

from typing import Any

ACTIONS = ("create", "update", "replace", "run", "delete", "no_op")
RUN = "https://github.com/org/repo/actions/runs/42"


def change(key: str, action: str = "create", reason: str = "new") -> dict[str, Any]:
    kind, _, name = key.partition("/")
    fields = []
    if action == "update":
        fields = [{"path": "description", "before": "old", "after": "new", "reason": ""}]
    return {
        "key": key,
        "kind": kind,
        "name": name,
        "action": action,
        "reason": reason,
        "id": "" if action == "create" else "d123",
        "depends_on": [],
        "fields": fields,
    }


def plan(
    stage: str = "dev", *changes: dict[str, Any], warnings: tuple[str, ...] = ()
) -> dict[str, Any]:
    return {
        "schema_version": 1,
        "tool_version": "0.1.0",
        "stage": stage,
        "platform": "aicore",
        "target": {"resource_group": f"house-prices-{stage}"},
        "commit": "0123456789abcdef0123456789abcdef01234567",
        "created_at": "2026-01-01T00:00:00Z",
        "fingerprint": "f" * 64,
        "summary": {
            action: sum(item["action"] == action for item in changes) for action in ACTIONS
        },
        "changes": list(changes),
        "warnings": list(warnings),
    }


def typical(stage: str = "dev") -> dict[str, Any]:
    """One of each action."""
    return plan(
        stage,
        change("configuration/train", "create", "parameter_bindings.epochs changed"),
        change("execution/train", "run", "inputs changed: parameter_bindings.epochs"),
        change("deployment/serve", "update", "configuration changed"),
        change("deployment/other", "replace", "executable_id cannot be changed"),
        change("destination/OLD", "delete", "not in the stage file"),
        change("artifact/houses", "no_op", "equal"),
        warnings=("model gpt-4 is retired on 2026-12-01",),
    )


def big(stage: str = "dev", count: int = 5000) -> dict[str, Any]:
    return plan(stage, *(change(f"artifact/data-set-{i:05}", "create") for i in range(count)))
