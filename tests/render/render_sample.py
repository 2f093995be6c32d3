"""One plan document with a bit of everything, and the files that hold how it is to look."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

GOLDEN = Path(__file__).parent / "golden"


def a_field(path: str, before: Any, after: Any, reason: str = "") -> dict[str, Any]:
    return {"path": path, "before": before, "after": after, "reason": reason}


def a_change(
    key: str, action: str, reason: str, *fields: dict[str, Any], id: str = "", **more: Any
) -> dict[str, Any]:
    kind, name = key.split("/", 1)
    return {
        "key": key,
        "kind": kind,
        "name": name,
        "action": action,
        "reason": reason,
        "id": id,
        "depends_on": [],
        "fields": list(fields),
        **more,
    }


def a_document(*changes: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "schema_version": 1,
        "tool_version": "0.1.0",
        "stage": "dev",
        "platform": "aicore",
        "target": {"resource_group": "cicd-dev"},
        "commit": "c0ffee" * 6 + "c0ff",
        "created_at": "2026-01-01T00:00:00Z",
        "fingerprint": "f1",
        "changes": list(changes),
        "warnings": [],
        "refusal": "",
        **more,
    }


DOCUMENT = a_document(
    a_change("artifact/data", "no_op", "equal artifact a1 exists", id="a1"),
    a_change(
        "application/app",
        "update",
        "commit, executables.train.parameters.epochs and 1 more changed",
        a_field("commit", "a" * 40, "b" * 40),
        a_field("executables.train.parameters.epochs", "100", "200"),
        a_field("executables.new", None, {"version": "1.0.0", "kind": "workflow"}),
        id="app",
        role="ground",
        consequence="templates are synced from commit bbbbbbbbbbbb: train, new changed",
        templates=["train: parameter epochs: default 100 → 200", "new 1.0.0 is new"],
    ),
    a_change(
        "configuration/train",
        "create",
        "parameter_bindings.note changed",
        a_field("parameter_bindings.note", "````", "<b>@someone</b> | `x`\n# not a heading"),
        a_field("parameter_bindings.old", "1", None),
        role="content",
        consequence="a new one is made beside the old one (note changed, old removed)",
    ),
    a_change(
        "execution/train",
        "run",
        "inputs changed: parameter_bindings.note",
        role="run",
        consequence="trains again (note changed, old removed, train.py changed)",
        causes=[
            a_field("configuration", "train 0a1b2c3d", "train (new)"),
            a_field("parameter_bindings.note", "````", "<b>@someone</b> | `x`\n# not a heading"),
            a_field("parameter_bindings.old", "1", None),
            a_field("src/train.py", "0a1b2c3d4e", "5f6a7b8c9d", "file"),
        ],
        treatment=[a_field("require.r2.min", 0.8, 0.6, "loosened")],
    ),
    a_change(
        "deployment/serve",
        "update",
        "configuration changed",
        a_field("configuration", "c1", {"known_after_apply": "configuration/serve.id"}),
        id="d1",
        role="service",
        consequence="takes currency EUR → USD; the same URL goes on answering",
        causes=[
            a_field("configuration", "serve c1", "serve (new)"),
            a_field("parameter_bindings.currency", "EUR", "USD"),
        ],
        treatment=[a_field("timeout", "15m", "30m")],
    ),
    a_change(
        "deployment/other",
        "replace",
        "ttl changed: fixed at creation",
        a_field("ttl", "1h", "2h", "fixed at creation"),
        id="d2",
        role="service",
        consequence="a new deployment takes over after its smoke test; the URL changes; "
        "DEST follows (ttl changed: fixed at creation)",
    ),
    a_change(
        "destination/DEST",
        "update",
        "client_secret changed",
        a_field("client_secret", "***", "***"),
        role="pointer",
        consequence="is changed in place (client_secret changed)",
    ),
    a_change(
        "deployment/Old_*One*",
        "delete",
        "not in the stage file, prune: stage",
        id="d3",
        role="service",
        consequence="stops answering: the deployment is deleted "
        "(not in the stage file, prune: stage)",
    ),
    treatment=[a_field("limits.max_delete", 10, 100, "loosened"), a_field("branch", "dev", "x")],
    hints=["2 running deployments that no stage names: cicd list deployments dev --unmanaged"],
    warnings=["execution/train: see https://example.com and #12"],
    refusal="1 to delete, limits.max_delete is 0 (if that is meant, repeat with --over-limits)",
)
NOTHING = a_document(a_change("artifact/data", "no_op", "equal artifact a1 exists", id="a1"))


def is_golden(name: str, text: str) -> bool:
    """Whether ``text`` is what the golden file holds; CICD_GOLDEN=write makes it so."""
    file = GOLDEN / name
    if os.environ.get("CICD_GOLDEN") == "write":
        file.write_text(text, encoding="utf-8")
    return file.read_text(encoding="utf-8") == text
