"""/v2/lm/executions|deployments/{id}/logs"""

from __future__ import annotations

from cicd.emulator import timestamps
from cicd.emulator.api import limits
from cicd.emulator.api.lm import runs
from cicd.emulator.api.web import ApiCall, Operation, Reply
from cicd.emulator.errors import invalid
from cicd.emulator.runs.lifecycle import Kind
from cicd.emulator.runs.starting import MOST, lines

HOUR = 3600 * timestamps.SECOND


def of_execution(call: ApiCall) -> Reply:
    return query(call, "execution")


def of_deployment(call: ApiCall) -> Reply:
    return query(call, "deployment")


def query(call: ApiCall, kind: Kind) -> Reply:
    """The lines of a window, both ends included; without ``start`` it is the last hour."""
    run = runs.find(call, kind, call.path["id"])
    order = limits.one_of(call.option("$order") or "asc", "$order", ("asc", "desc"))
    top = call.number("$top", 1000, minimum=1, maximum=5000)
    now = timestamps.now_ns()
    start, end = moment(call, "start", now - HOUR), moment(call, "end", now)
    is_descending = order == "desc"
    rows = lines(call.world.store, run["id"], start, end, top, newest_first=is_descending)
    result = [
        {
            "timestamp": timestamps.format_ns(row["time"]),
            "msg": row["text"],
            "container": row["container"],
            "pod": row["pod"] or run["id"],
            "stream": row["stream"],
        }
        for row in rows
    ]
    return Reply({"data": {"result": result}})


def moment(call: ApiCall, name: str, default: int) -> int:
    """A date and time of the query, in ns."""
    text = call.option(name)
    if text is None:
        return default
    try:
        return max(-MOST, min(MOST, timestamps.parse_ns(text)))
    except ValueError:
        raise invalid(f"{name} must be an RFC 3339 date and time, with + written as %2B") from None


OPERATIONS = (
    Operation(
        "execution.logs", "GET", "/v2/lm/executions/{id}/logs", of_execution, names=limits.ID
    ),
    Operation(
        "deployment.logs", "GET", "/v2/lm/deployments/{id}/logs", of_deployment, names=limits.ID
    ),
)
