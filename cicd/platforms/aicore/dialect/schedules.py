"""Checks of the schedules of a stage file: cron, times, and the execution that they start."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from cicd.config.tree import did_you_mean
from cicd.errors import Problem
from cicd.platforms.aicore.dialect import formats
from cicd.platforms.aicore.dialect.draft import Draft, schedule_name
from cicd.platforms.aicore.dialect.schema import Schedule
from cicd.values import Key


def check_schedules(draft: Draft) -> Iterator[Problem]:
    """All problems of the ``schedules`` section."""
    first: dict[str, int] = {}
    named: dict[str, int] = {}
    executions = [run.name for run in draft.runs if run.kind == "execution"]
    for index, schedule in enumerate(draft.file.schedules):
        path = ("schedules", index)
        name = schedule_name(schedule)
        if first.setdefault(name, index) != index:
            place = draft.place("schedules", first[name])
            message = f"schedule/{name} is already defined at {place}: give it another key"
            yield draft.place(*path, "key").problem(message, "duplicate-name")
        elif named.setdefault(schedule.name, index) != index:
            place = draft.place("schedules", named[schedule.name], "name")
            message = f'schedule/{name}: the name "{schedule.name}" is already taken at {place}'
            message += ": choose another"
            yield draft.place(*path, "name").problem(message, "duplicate-name")
        is_known = draft.is_named(Key("execution", schedule.execution))
        if schedule.execution not in executions and not is_known:
            hint = did_you_mean(schedule.execution, executions)
            message = f'schedule/{name} starts the execution "{schedule.execution}", which is not '
            place = draft.place(*path, "execution")
            yield place.problem(f"{message}defined{hint}", "unknown-reference")
        if problem := formats.cron_problem(schedule.cron):
            message = f'the cron expression "{schedule.cron}" {problem}'
            yield draft.place(*path, "cron").problem(message, "bad-cron")
        elif doubt := formats.cron_doubt(schedule.cron):
            message = f'the cron expression "{schedule.cron}" {doubt}'
            yield draft.place(*path, "cron").problem(message, "bad-cron", "warning")
        yield from _check_times(draft, index, schedule)


def _check_times(draft: Draft, index: int, schedule: Schedule) -> Iterator[Problem]:
    given = {"start": schedule.start, "end": schedule.end}
    times = {field: formats.utc_time(text) for field, text in given.items() if text is not None}
    for field, time in times.items():
        if time is None:
            message = f'{field} is "{given[field]}": write it in UTC, like 2026-01-31T06:00:00Z'
            yield draft.place("schedules", index, field).problem(message, "bad-time")
    start, end = times.get("start"), times.get("end")
    if start and end and end <= start:
        message = "end is not after start, so nothing would ever run: move it"
        yield draft.place("schedules", index, "end").problem(message, "bad-time")
    elif end and schedule.active and end <= datetime.now(UTC):
        message = "end is past, so nothing will run: move it, or say active: false"
        yield draft.place("schedules", index, "end").problem(message, "bad-time", "warning")
