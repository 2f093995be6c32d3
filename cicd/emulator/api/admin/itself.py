"""What the emulator says of itself: health, stand-ins for images and artifacts; and how it is
told to be slow."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from importlib.metadata import PackageNotFoundError, version

from cicd.emulator import timestamps
from cicd.emulator.api import limits
from cicd.emulator.api.web import ApiCall, Operation, Reply
from cicd.emulator.errors import EmulatorError, invalid
from cicd.emulator.runs import standins


def health(call: ApiCall) -> Reply:
    """Version and process id; needs no token."""
    return Reply({"status": "UP", "version": own_version(), "pid": os.getpid()})


def own_version() -> str:
    """The installed version of cicd."""
    try:
        return version("aicore-cicd")
    except PackageNotFoundError:
        return "0"


def read_stand_ins(call: ApiCall) -> Reply:
    """How images and artifacts are stood in for in the resource group."""
    return Reply(call.world.stand_ins(group_of(call)))


def write_stand_ins(call: ApiCall) -> Reply:
    """Replace them. The group need not exist yet: apply --local sends this first."""
    group = group_of(call)
    body = standins.check(call.body)
    call.world.store.write(
        "INSERT INTO stand_ins VALUES (?, ?) "
        "ON CONFLICT (resource_group) DO UPDATE SET body = excluded.body",
        (group, json.dumps(body)),
    )
    return Reply(body)


def group_of(call: ApiCall) -> str:
    """A resource group, or what another front door has in its place."""
    return limits.check(call.group, "AI-Resource-Group", limits.STAND_INS)


def read_realism(call: ApiCall) -> Reply:
    """How long things take."""
    pace = call.world.pace
    return Reply({"level": pace.level, "syncEvery": pace.sync_every})


def write_realism(call: ApiCall) -> Reply:
    """Let them take longer or shorter from now on, waiting ones too."""
    every = call.body.get("syncEvery")
    if every is not None and (isinstance(every, bool) or not isinstance(every, int)):
        raise invalid("syncEvery must be a whole number of seconds")
    try:
        call.world.pace.choose(str(call.body.get("level")), every)
    except EmulatorError as error:
        raise invalid(str(error)) from None
    call.world.dispatcher.reconsider()
    return read_realism(call)


def read_clock(call: ApiCall) -> Reply:
    """What time it is for schedules and times to live."""
    clock = call.world.clock
    return Reply({"now": clock.stamp(), "ahead": round(clock.ahead, 3)})


def write_clock(call: ApiCall) -> Reply:
    """Let it be ``now``, or ``advance`` seconds later, or ``ahead`` seconds before the machine's
    clock; whatever is due until then happens at once."""
    if len(call.body) != 1 or not call.body.keys() <= {"now", "advance", "ahead"}:
        raise invalid("one of now, advance and ahead is needed")
    [(name, value)] = call.body.items()
    try:
        if name == "now":
            until = datetime.fromtimestamp(timestamps.parse_ns(value) / timestamps.SECOND, UTC)
        else:
            since = call.world.clock.now() if name == "advance" else datetime.now(UTC)
            until = since + timedelta(seconds=value)
    except (TypeError, ValueError, AttributeError, OverflowError):
        wanted = "an RFC 3339 date and time" if name == "now" else "a number of seconds"
        raise invalid(f"{name} must be {wanted}") from None
    call.world.scheduler.go_to(until)
    call.world.dispatcher.expire()
    return read_clock(call)


OPERATIONS = (
    Operation("health.get", "GET", "/emulator/health", health, "none"),
    Operation("stand-in.list", "GET", "/emulator/stand-ins", read_stand_ins, "aicore"),
    Operation("stand-in.update", "PUT", "/emulator/stand-ins", write_stand_ins, "aicore"),
    Operation("realism.get", "GET", "/emulator/realism", read_realism, "aicore"),
    Operation("realism.update", "PUT", "/emulator/realism", write_realism, "aicore"),
    Operation("clock.get", "GET", "/emulator/clock", read_clock, "aicore"),
    Operation("clock.update", "PUT", "/emulator/clock", write_clock, "aicore"),
)
