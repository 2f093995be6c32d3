"""CloudWatch Logs, to be read: what jobs and endpoints have written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cicd.emulator.sagemaker.account import Account, Call
from cicd.emulator.sagemaker.containers import OF_PROGRAMS
from cicd.emulator.sagemaker.errors import Refused
from cicd.emulator.sagemaker.nouns import ACCOUNT, partition
from cicd.emulator.sagemaker.streams import Stream
from cicd.emulator.state.store import Row

MOST = 10_000
"""Events of one answer, and its bytes."""
MOST_BYTES = 2**20
OVERHEAD = 26
"""Bytes that an event counts beside its text."""
MILLISECOND = 10**6
FIRST, LAST = (0, 0), (2**62, 2**62)
Position = tuple[int, int]
"""Time in nanoseconds and row of an event."""


def describe_groups(call: Call) -> Mapping[str, Any]:
    """Every group that has a stream."""
    prefix = str(call.body.get("logGroupNamePrefix", ""))
    pattern = str(call.body.get("logGroupNamePattern", ""))
    oldest: dict[str, float] = {}
    for stream in written(call.account, call.account.streams.all()):
        if stream.group.startswith(prefix) and pattern in stream.group:
            oldest.setdefault(stream.group, stream.created)
    found = [
        {
            "logGroupName": group,
            "arn": _arn(call, group) + ":*",
            "logGroupArn": _arn(call, group),
            "creationTime": round(created * 1000),
            "metricFilterCount": 0,
            "storedBytes": 0,
            "logGroupClass": "STANDARD",
        }
        for group, created in sorted(oldest.items())
    ]
    return cut(call, "logGroups", found, int(call.body.get("limit", 50)))


def describe_streams(call: Call) -> Mapping[str, Any]:
    """The streams of a group, by name or by their last event."""
    group = group_of(call)
    streams = written(call.account, streams_of(call.account, group))
    prefix = str(call.body.get("logStreamNamePrefix", ""))
    found = [_stream(call, stream) for stream in streams if stream.name.startswith(prefix)]
    key = "lastEventTimestamp" if call.body.get("orderBy") == "LastEventTime" else "logStreamName"
    is_falling = bool(call.body.get("descending", False))
    found.sort(key=lambda one: (one[key], one["logStreamName"]), reverse=is_falling)
    return cut(call, "logStreams", found, int(call.body.get("limit", 50)))


def get_events(call: Call) -> Mapping[str, Any]:
    """One page of the events of a stream, in the order in which they were written."""
    body, account = call.body, call.account
    stream = stream_of(account, group_of(call), str(body["logStreamName"]))
    token = str(body.get("nextToken", ""))
    is_forward = token.startswith("f/") or (not token and bool(body.get("startFromHead")))
    after = position(token) if token.startswith("f/") else FIRST
    before = position(token) if token.startswith("b/") else LAST
    rows = events(account, [stream], body, after, before, is_forward=is_forward)
    if rows:
        first, last = _place(rows[0]), _place(rows[-1])
    else:
        # nothing there: the same token again is how clients see that it is the end
        first = last = position(token) if token else FIRST
    return {
        "events": [_event(row) for row in rows],
        "nextForwardToken": f"f/{last[0]:020d}/{last[1]}",
        "nextBackwardToken": f"b/{first[0]:020d}/{first[1]}",
    }


def filter_events(call: Call) -> Mapping[str, Any]:
    """Events of several streams of a group that have some words in them, by their time."""
    body, account = call.body, call.account
    streams = streams_of(account, group_of(call))
    names, prefix = body.get("logStreamNames"), str(body.get("logStreamNamePrefix", ""))
    chosen = {
        stream.run: stream
        for stream in streams
        if stream.name.startswith(prefix) and (names is None or stream.name in names)
    }
    words = str(body.get("filterPattern", "")).replace('"', "").split()
    token = str(body.get("nextToken", ""))
    after = position(token) if token else FIRST
    rows = events(account, list(chosen.values()), body, after, LAST, is_forward=True)
    shown = [
        {
            **_event(row),
            "logStreamName": chosen[row["run_id"]].name,
            "eventId": f"{row['time']}{row['place']}",
        }
        for row in rows
        if all(word in row["text"] for word in words)
    ]
    found: dict[str, Any] = {"events": shown, "searchedLogStreams": []}
    if len(rows) == min(int(body.get("limit", MOST)), MOST):
        time, row_id = _place(rows[-1])
        found["nextToken"] = f"f/{time:020d}/{row_id}"
    return found


def events(
    account: Account,
    streams: list[Stream],
    body: Mapping[str, Any],
    after: Position,
    before: Position,
    *,
    is_forward: bool,
) -> list[Row]:
    """Events between two positions and two times, oldest first: the first of them, or the last."""
    order = "ASC" if is_forward else "DESC"
    marks = ", ".join("?" for _ in streams)
    most = min(int(body.get("limit", MOST)), MOST)
    begin = int(body.get("startTime", 0)) * MILLISECOND
    end = min(int(body.get("endTime", 2**62 // MILLISECOND)) * MILLISECOND, 2**62)
    sql = (
        "SELECT run_id, time, rowid AS place, text FROM logs "  # noqa: S608 - ours
        f"WHERE run_id IN ({marks}) AND {OF_PROGRAMS} "
        "AND (time, rowid) > (?, ?) AND (time, rowid) < (?, ?) "
        f"AND time >= ? AND time < ? ORDER BY time {order}, rowid {order} LIMIT ?"
    )
    runs = [stream.run for stream in streams]
    rows = account.world.store.rows(sql, (*runs, *after, *before, begin, end, most))
    size = kept = 0
    for row in rows:
        size += len(row["text"].encode()) + OVERHEAD
        if kept and size > MOST_BYTES:
            break
        kept += 1
    return rows[:kept] if is_forward else rows[:kept][::-1]


def written(account: Account, streams: list[Stream]) -> list[Stream]:
    """Those that have events: a stream appears with its first."""
    sql = f"SELECT DISTINCT run_id FROM logs WHERE {OF_PROGRAMS}"  # noqa: S608 - ours
    runs = {row["run_id"] for row in account.world.store.rows(sql)}
    return [stream for stream in streams if stream.run in runs]


def group_of(call: Call) -> str:
    """The group of a request, which may name it by its ARN."""
    named = call.body.get("logGroupName") or call.body.get("logGroupIdentifier") or ""
    return str(named).partition(":log-group:")[2].removesuffix(":*") or str(named)


def streams_of(account: Account, group: str) -> list[Stream]:
    """The streams of a group. Refused where it does not exist."""
    found = account.streams.all(group) if group else []
    if not written(account, found):
        text = "The specified log group does not exist."
        raise Refused("ResourceNotFoundException", text)
    return found


def stream_of(account: Account, group: str, name: str) -> Stream:
    """A stream by its name. Refused where it does not exist."""
    found = [one for one in streams_of(account, group) if one.name == name]
    if not written(account, found):
        text = "The specified log stream does not exist."
        raise Refused("ResourceNotFoundException", text)
    return found[0]


def position(token: str) -> Position:
    """Where a token points to. Refused for one that is not ours."""
    try:
        time, row_id = token[2:].split("/")
        return int(time), int(row_id)
    except ValueError:
        text = "The specified nextToken is invalid."
        raise Refused("InvalidParameterException", text) from None


def cut(call: Call, field: str, found: list[Any], size: int) -> dict[str, Any]:
    """One page of a list; tokens count."""
    token = str(call.body.get("nextToken", "0"))
    if not token.isdecimal():
        raise Refused("InvalidParameterException", "The specified nextToken is invalid.")
    begin = int(token)
    more = {"nextToken": str(begin + size)} if len(found) > begin + size else {}
    return {field: found[begin : begin + size], **more}


def _stream(call: Call, stream: Stream) -> dict[str, Any]:
    sql = "SELECT MIN(time), MAX(time) FROM logs WHERE run_id = ?"
    row = call.account.world.store.row(sql, (stream.run,))
    assert row is not None
    return {
        "logStreamName": stream.name,
        "creationTime": round(stream.created * 1000),
        "firstEventTimestamp": row[0] // MILLISECOND,
        "lastEventTimestamp": row[1] // MILLISECOND,
        "lastIngestionTime": row[1] // MILLISECOND,
        "uploadSequenceToken": "0",
        "arn": f"{_arn(call, stream.group)}:log-stream:{stream.name}",
        "storedBytes": 0,
    }


def _arn(call: Call, group: str) -> str:
    region = call.region
    return f"arn:{partition(region)}:logs:{region}:{ACCOUNT}:log-group:{group}"


def _event(row: Row) -> dict[str, Any]:
    moment = row["time"] // MILLISECOND
    # CloudWatch has no empty events
    return {"timestamp": moment, "message": row["text"] or " ", "ingestionTime": moment}


def _place(row: Row) -> Position:
    return row["time"], row["place"]


OPERATIONS = {
    "DescribeLogGroups": describe_groups,
    "DescribeLogStreams": describe_streams,
    "GetLogEvents": get_events,
    "FilterLogEvents": filter_events,
}
