"""Lines that CloudWatch keeps: of each instance a stream, told as one log."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from cicd.errors import NotFound, PlatformError
from cicd.model import LiveResource, LogEntry
from cicd.platforms.base import LogPage
from cicd.platforms.sagemaker.api import Api

JOBS = {
    "training_job": "/aws/sagemaker/TrainingJobs",
    "transform_job": "/aws/sagemaker/TransformJobs",
    "processing_job": "/aws/sagemaker/ProcessingJobs",
}
ENDPOINTS = "/aws/sagemaker/Endpoints"
MILLISECOND = 10**6
MOST_STREAMS = 50


def next_page(api: Api, live: LiveResource, cursor: str, since: int | None) -> LogPage:
    """The lines after ``cursor`` of all streams, merged by their times. A group that is not there
    yet has none."""
    known: dict[str, str] = json.loads(cursor) if cursor else {}
    group, prefix = place_of(live)
    try:
        streams = streams_of(api, group, prefix)
    except NotFound:
        return LogPage((), cursor)
    found: list[LogEntry] = []
    is_last = True
    for stream in streams:
        page = _read(api, group, stream, known.get(stream, ""), since)
        mark = f"[{instance_of(stream)}] " if len(streams) > 1 else ""
        found += [
            LogEntry(int(event["timestamp"]) * MILLISECOND, mark + str(event["message"]).rstrip())
            for event in page["events"]
        ]
        is_last = is_last and not page["events"]
        known[stream] = str(page["nextForwardToken"])
    if not found:
        return LogPage((), cursor)
    return LogPage(tuple(sorted(found, key=lambda entry: entry.time)), json.dumps(known), is_last)


def place_of(live: LiveResource) -> tuple[str, str]:
    """The group, and with what the names of its streams begin."""
    group = JOBS.get(live.key.kind)
    return (group, f"{live.id}/") if group else (f"{ENDPOINTS}/{live.id}", "")


def streams_of(api: Api, group: str, prefix: str) -> list[str]:
    """The streams of one thing, in the order of their names. Raises NotFound."""
    more: dict[str, Any] = {"logStreamNamePrefix": prefix} if prefix else {}
    told = api.call("logs", "describe_log_streams", logGroupName=group, limit=MOST_STREAMS, **more)
    return sorted(str(stream["logStreamName"]) for stream in told["logStreams"])


def instance_of(stream: str) -> str:
    """What a person calls the instance that a stream is of: ``algo-2``, or its variant."""
    first, _, last = stream.rpartition("/")
    return last.rpartition("-")[0] if last.startswith("algo-") else first or last


def _read(api: Api, group: str, stream: str, token: str, since: int | None) -> Mapping[str, Any]:
    asked: dict[str, Any] = {"logGroupName": group, "logStreamName": stream, "startFromHead": True}
    # both go together: a token alone would tell what came before that time
    if since is not None:
        asked["startTime"] = since // MILLISECOND
    try:
        more: dict[str, Any] = {"nextToken": token} if token else {}
        found: Mapping[str, Any] = api.call("logs", "get_log_events", **asked, **more)
    except NotFound:
        return {"events": (), "nextForwardToken": token}
    except PlatformError as error:
        if not token or error.code != "InvalidParameterException":
            raise
        # tokens live for a day
        found = api.call("logs", "get_log_events", **asked)
    return found
