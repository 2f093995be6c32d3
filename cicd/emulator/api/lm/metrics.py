"""/v2/lm/metrics, and the same for a run itself at its tracking endpoint."""

from __future__ import annotations

import json
import math
import re
import sqlite3
from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import unquote

from cicd.emulator import timestamps
from cicd.emulator.api import limits
from cicd.emulator.api.web import ApiCall, Operation, Reply, listing
from cicd.emulator.errors import ApiError, invalid

PATH = "/v2/lm/metrics"
TRACKING = "/tracking/{token}/api/v1/metrics"
PARTS = ("metrics", "tags", "customInfo")
MOST = {"metrics": 1000, "tags": 100, "customInfo": 100}
MOST_BYTES = 5 * 1024 * 1024
MOST_ITEMS = 10_000
LAST_STEP = 2**63 - 1
FILTER = re.compile(r"executionId\s+(?:eq\s+('[^']*')|in\s*\(([^)]*)\))", re.IGNORECASE)


def patch(call: ApiCall) -> Reply:
    """Add to the metrics, tags and custom info of an execution of the group."""
    execution_id = limits.required(call.body, "executionId", limits.ID)
    run = call.world.run("execution", call.group, execution_id)
    if run is None:
        raise invalid(f"Execution {execution_id} not found")
    return write(call, execution_id, call.group)


def patch_own(call: ApiCall) -> Reply:
    """The same from inside a run: the token in the path says which."""
    run = own_run(call)
    named = limits.optional(call.body, "executionId", limits.Text(maximum=64))
    if named not in (None, "", run["id"]):
        raise invalid(f"executionId {named} is not the execution {run['id']} that reports")
    return write(call, run["id"], run["resource_group"])


def own_run(call: ApiCall) -> sqlite3.Row:
    """The run that a tracking token belongs to."""
    row = call.world.store.row("SELECT * FROM runs WHERE token = ?", (call.path["token"],))
    if row is None:
        raise ApiError(404, "this tracking endpoint belongs to no run", code="01010404")
    return row


def write(call: ApiCall, execution_id: str, group: str) -> Reply:
    """Check everything, then store everything."""
    body = call.body
    if len(call.raw_body) > MOST_BYTES:
        raise ApiError(413, "Request payload is larger than 5 MB", code="02000005")
    for part in PARTS:
        if isinstance(body.get(part), list) and len(body[part]) > MOST[part]:
            text = f"{part} has {len(body[part])} items, at most {MOST[part]} are allowed"
            raise ApiError(413, text, code="02000005")
    metrics = [metric_row(execution_id, item) for item in limits.objects(body, "metrics")]
    remarks = [
        (execution_id, part, *named_value(item, part))
        for part in ("tags", "customInfo")
        for item in limits.objects(body, part)
    ]
    now = timestamps.now()
    with call.world.store.transaction() as db:
        db.execute(
            "INSERT INTO tracked VALUES (?, ?, ?, ?) "
            "ON CONFLICT (execution_id) DO UPDATE SET modified_at = excluded.modified_at",
            (execution_id, group, now, now),
        )
        db.executemany(
            "INSERT INTO metrics (execution_id, name, step, labels, timestamp, value) "
            "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (execution_id, name, step, labels, timestamp) "
            "DO UPDATE SET value = excluded.value",
            metrics,
        )
        db.executemany(
            "INSERT INTO remarks (execution_id, kind, name, value) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (execution_id, kind, name) DO UPDATE SET value = excluded.value",
            remarks,
        )
    return Reply(None, 204)


def metric_row(execution_id: str, item: Mapping[str, Any]) -> tuple[Any, ...]:
    """One metric as stored; a missing timestamp is now, a missing step -1."""
    name = limits.required(item, "name", limits.METRIC_NAME)
    value, step = item.get("value"), item.get("step")
    if isinstance(value, bool) or not isinstance(value, int | float) or not is_finite(value):
        raise invalid(f"metrics: value of {name} must be a finite number")
    if step is not None and (
        isinstance(step, bool) or not isinstance(step, int) or not 0 <= step <= LAST_STEP
    ):
        raise invalid(f"metrics: step of {name} must be a whole number from 0 to {LAST_STEP}")
    timestamp = item.get("timestamp") or timestamps.now_precise()
    try:
        # a blank stands for a plus in a query, but not in a body
        timestamps.parse_ns(str(timestamp).replace(" ", "?"))
    except ValueError:
        raise invalid(f"metrics: timestamp of {name} is not an RFC 3339 date and time") from None
    labels = [named_value(label, "labels") for label in limits.objects(item, "labels", 20)]
    return (
        execution_id,
        name,
        -1 if step is None else step,
        json.dumps(sorted(labels)),
        str(timestamp),
        float(value),
    )


def is_finite(value: float) -> bool:
    """Whether it is a number that a double can hold."""
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def named_value(item: Mapping[str, Any], part: str) -> tuple[str, str]:
    """Name and value of a tag, label or custom info."""
    name = limits.check(item.get("name"), f"{part}.name", limits.GENERIC_NAME)
    maximum = MOST_BYTES if part == "customInfo" else 256
    rule = limits.Text(maximum=maximum, minimum=1)
    return name, limits.check(item.get("value"), f"{part} {name}: value", rule)


def query(call: ApiCall) -> Reply:
    """What was stored for up to ten executions of the group."""
    ids = call.options("executionIds") or filtered_ids(call.option("$filter"))
    if not ids or len(ids) > 10:
        raise invalid("executionIds with 1 to 10 ids, or $filter, is needed")
    rows = [
        row
        for execution_id in dict.fromkeys(ids)
        for row in call.world.store.rows(
            "SELECT * FROM tracked WHERE execution_id = ? AND resource_group = ?",
            (execution_id, call.group),
        )
    ]
    shown = [show(call, row) for row in rows]
    terms = tag_terms(call)
    fitting = [item for item in shown if all(test_tag(item, term) for term in terms)]
    parts = selected(call)
    return listing(call, fitting, partial(pick, parts), default=1000, most=MOST_ITEMS)


def query_own(call: ApiCall) -> Reply:
    """The same from inside a run, of itself."""
    run = own_run(call)
    rows = call.world.store.rows("SELECT * FROM tracked WHERE execution_id = ?", (run["id"],))
    parts = selected(call)
    shown = [show(call, row) for row in rows]
    return listing(call, shown, partial(pick, parts), default=1000, most=MOST_ITEMS)


def filtered_ids(text: str | None) -> list[str]:
    """The execution ids of a deprecated ``$filter`` expression."""
    if text is None:
        return []
    match = FILTER.fullmatch(text.strip())
    if not match:
        raise invalid("$filter takes executionId eq '…' or executionId in ('…', '…')")
    return re.findall(r"'([^']*)'", match[1] or match[2])


def tag_terms(call: ApiCall) -> list[tuple[str, str, str]]:
    """``tagFilters`` as (name, ``=`` or ``!=`` or empty, value)."""
    text = call.option("tagFilters") or ""
    terms = [term for term in text.split(",") if term]
    if len(text) > 5000 or len(terms) > 100:
        raise invalid("tagFilters takes at most 100 terms and 5000 characters")
    return [re.fullmatch(r"(.*?)(!?=|$)(.*)", term, re.DOTALL).groups() for term in terms]  # type: ignore[union-attr,misc]


def test_tag(item: Mapping[str, Any], term: tuple[str, str, str]) -> bool:
    """Whether the tags of one resource pass one term."""
    name, operator, value = unquote(term[0]), term[1], unquote(term[2])
    tags = {tag["name"]: tag["value"] for tag in item["tags"]}
    if not operator:
        return name in tags
    return (tags.get(name) == value) is (operator == "=")


def selected(call: ApiCall) -> tuple[str, ...]:
    """Which parts ``$select`` asks for."""
    chosen = call.option("$select")
    if chosen is None:
        return PARTS
    parts = [limits.one_of(part, "$select", (*PARTS, "*")) for part in chosen.split(",")]
    return PARTS if "*" in parts else tuple(parts)


def pick(parts: tuple[str, ...], item: Mapping[str, Any]) -> dict[str, Any]:
    """One resource without the parts that were not asked for."""
    return {key: value for key, value in item.items() if key not in PARTS or key in parts}


def show(call: ApiCall, row: sqlite3.Row) -> dict[str, Any]:
    """Everything stored for one execution."""
    execution_id = row["execution_id"]
    metrics = call.world.store.rows(
        "SELECT * FROM metrics WHERE execution_id = ? ORDER BY number", (execution_id,)
    )
    remarks = call.world.store.rows(
        "SELECT * FROM remarks WHERE execution_id = ? ORDER BY number", (execution_id,)
    )
    return {
        "executionId": execution_id,
        "createdAt": row["created_at"],
        "modifiedAt": row["modified_at"],
        "metrics": [show_metric(metric) for metric in metrics],
        **{
            part: [named(x["name"], x["value"]) for x in remarks if x["kind"] == part]
            for part in ("tags", "customInfo")
        },
    }


def show_metric(row: sqlite3.Row) -> dict[str, Any]:
    shown = {
        "name": row["name"],
        "value": row["value"],
        "timestamp": row["timestamp"],
        "labels": [named(name, value) for name, value in json.loads(row["labels"])],
    }
    return shown if row["step"] < 0 else {**shown, "step": row["step"]}


def named(name: str, value: str) -> dict[str, str]:
    return {"name": name, "value": value}


def delete(call: ApiCall) -> Reply:
    """Forget everything stored for one execution of the group."""
    # without the id, or with none that could be one, the API knows no other answer than the 404
    return forget(call, call.option("executionId") or "", call.group)


def delete_own(call: ApiCall) -> Reply:
    """The same from inside a run, of itself."""
    run = own_run(call)
    return forget(call, run["id"], run["resource_group"])


def forget(call: ApiCall, execution_id: str, group: str) -> Reply:
    """Delete it, or 404 when there is nothing."""
    with call.world.store.transaction() as db:
        gone = db.execute(
            "DELETE FROM tracked WHERE execution_id = ? AND resource_group = ?",
            (execution_id, group),
        )
        if not gone.rowcount:
            raise ApiError(404, f"Metrics of execution {execution_id} not found", code="02010055")
        db.execute("DELETE FROM metrics WHERE execution_id = ?", (execution_id,))
        db.execute("DELETE FROM remarks WHERE execution_id = ?", (execution_id,))
    return Reply({"id": execution_id, "message": "Metric Resource was successfully deleted"})


OPERATIONS = (
    Operation("metric.list", "GET", PATH, query),
    Operation("metric.update", "PATCH", PATH, patch),
    Operation("metric.delete", "DELETE", PATH, delete),
    Operation("tracking.list", "GET", TRACKING, query_own, "none"),
    Operation("tracking.update", "PATCH", TRACKING, patch_own, "none"),
    Operation("tracking.delete", "DELETE", TRACKING, delete_own, "none"),
)
