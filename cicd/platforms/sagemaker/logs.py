"""Lines that CloudWatch keeps: of each instance a stream, told as one log.

https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogEvents.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from cicd.errors import NotFound, PlatformError
from cicd.model import LiveResource, LogEntry
from cicd.platforms.base import LogPage
from cicd.platforms.sagemaker.api import Api
from cicd.platforms.sagemaker.log_cursors import (
    BEGINNING,
    Event,
    Part,
    Position,
    read_cursor,
    write_cursor,
)
from cicd.threads import together

JOBS = {
    "training_job": "/aws/sagemaker/TrainingJobs",
    "transform_job": "/aws/sagemaker/TransformJobs",
    "processing_job": "/aws/sagemaker/ProcessingJobs",
}
ENDPOINTS = "/aws/sagemaker/Endpoints"
MILLISECOND = 10**6
MOST_STREAMS = 50
"""Streams of one answer; of an endpoint, which has new ones with each update, the newest are
read."""
MANY = 5000
"""Lines of one stream that are enough for once."""
MOST_PAGES = 50
"""The same in pages, of which some may be empty."""
READERS = 8
EPOCH = re.compile(r"(.+)-1\d{9,12}")
"""The name of an instance with the time when its stream began."""


def next_page(api: Api, live: LiveResource, cursor: str, since: int | None) -> LogPage:
    """The lines after ``cursor`` of all streams, merged by their times. A group that is not there
    yet has none."""
    positions = read_cursor(cursor)
    group, prefix = place_of(live)
    try:
        streams = streams_of(api, group, prefix)
    except NotFound:
        return LogPage((), cursor)
    begin = since // MILLISECOND if since is not None else 0

    def read(stream: str) -> Part:
        return _read(partial(_page, api, group, stream), positions.get(stream, BEGINNING), begin)

    parts = dict(zip(streams, _each(read, streams), strict=True))
    # What is later than the last line of a stream that has more would be told too early.
    ends = [part.last for part in parts.values() if not part.is_whole]
    bound = min(ends) if ends else None
    entries: list[LogEntry] = []
    for stream, part in parts.items():
        events, positions[stream] = part.until(bound)
        entries += _entries(events, f"[{instance_of(stream)}] " if len(streams) > 1 else "")
    entries.sort(key=lambda entry: entry.time)
    return LogPage(tuple(entries), write_cursor(positions), is_last=not ends)


def last_lines(api: Api, live: LiveResource, count: int) -> list[LogEntry]:
    """The end of all streams, merged by their times; nothing where there is no group."""
    group, prefix = place_of(live)
    try:
        streams = streams_of(api, group, prefix)
    except NotFound:
        return []

    def read(stream: str) -> list[LogEntry]:
        events = _page(api, group, stream, startFromHead=False, limit=count)["events"]
        return _entries(events, f"[{instance_of(stream)}] " if len(streams) > 1 else "")

    found = [entry for entries in _each(read, streams) for entry in entries]
    return sorted(found, key=lambda entry: entry.time)[-count:] if count else []


def place_of(live: LiveResource) -> tuple[str, str]:
    """The group, and with what the names of its streams begin."""
    group = JOBS.get(live.key.kind)
    return (group, f"{live.id}/") if group else (f"{ENDPOINTS}/{live.id}", "")


def streams_of(api: Api, group: str, prefix: str) -> list[str]:
    """The streams of one thing, in the order of their names: every page of those that begin with
    ``prefix``, else the newest. Raises NotFound."""
    asked: dict[str, Any] = {"logGroupName": group, "limit": MOST_STREAMS}
    if not prefix:
        newest = api.call(
            "logs", "describe_log_streams", **asked, orderBy="LastEventTime", descending=True
        )
        return sorted(str(one["logStreamName"]) for one in newest["logStreams"])
    pages = api.pages(
        "logs", "describe_log_streams", "nextToken", **asked, logStreamNamePrefix=prefix
    )
    return sorted(str(one["logStreamName"]) for page in pages for one in page["logStreams"])


def instance_of(stream: str) -> str:
    """What a person calls the instance that a stream is of: ``algo-2`` of a job, ``main/i-0a1b`` of
    an endpoint."""
    job, _, host = stream.partition("/")
    named = EPOCH.fullmatch(host)
    return named[1] if named else stream if host else job


def _each(read: Callable[[str], Any], streams: Sequence[str]) -> list[Any]:
    if len(streams) < 2:
        return [read(stream) for stream in streams]
    with together(READERS) as pool:
        return list(pool.map(read, streams))


def _entries(events: Sequence[Event], mark: str) -> list[LogEntry]:
    return [
        LogEntry(int(event["timestamp"]) * MILLISECOND, mark + str(event["message"]).rstrip())
        for event in events
    ]


def _read(ask: Callable[..., Mapping[str, Any]], position: Position, begin: int) -> Part:
    """The next lines of a stream, page by page until there are many or no more: it has ended where
    the token stays the same; pages before may be empty."""
    part = Part(position)
    for _ in range(MOST_PAGES):
        try:
            page = ask(**position.asked(begin))
        except PlatformError as error:
            if not position.token or error.code != "InvalidParameterException":
                raise
            # tokens live for a day
            part.position = position = position.without_token()
            continue
        following = str(page["nextForwardToken"])
        has_ended = following == position.token
        position = part.add(page["events"], position, following)
        if has_ended:
            return part
        if part.count >= MANY:
            break
    part.is_whole = part.count == 0
    return part


def _page(api: Api, group: str, stream: str, **asked: Any) -> Mapping[str, Any]:
    """One page of a stream; an empty one where it is not there yet."""
    place: dict[str, Any] = {"logGroupName": group, "logStreamName": stream}
    try:
        found: Mapping[str, Any] = api.call("logs", "get_log_events", **place, **asked)
    except NotFound:
        return {"events": (), "nextForwardToken": asked.get("nextToken", "")}
    return found
