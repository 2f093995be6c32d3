"""How much of what AWS takes: lengths, numbers and times that depend on where they stand. They are
those of the service model that botocore carries."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from cicd.config.build import AnyDraft
from cicd.config.formats import seconds
from cicd.config.tree import Path
from cicd.errors import Problem

ENVIRONMENTS = {
    "training_jobs": (100, 512, 512),
    "processing_jobs": (100, 256, 256),
    "transform_jobs": (16, 1024, 10240),
    "models": (100, 1024, 1024),
}
"""Section -> so many variables; the longest name; the longest value."""
RUNTIMES = {"training_jobs": "28d", "processing_jobs": "9d"}
TIMES = {"wait": ("0s", "1h"), "termination_wait": ("0s", "1h"), "timeout": ("10m", "8h")}
STARTUP = ("1m", "1h")
MOST_AT_ONCE = 100
"""MB that a transform job has under way."""
MOST_DATA = 10
"""Inputs of a processing job, with that of its script; and outputs."""
PACKAGE = re.compile(
    r"(arn:aws[a-z-]*:sagemaker:[a-z0-9-]*:[0-9]{12}:[a-z-]*/)?[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}"
    r"(/[0-9]{1,9})?"
)


def check_bounds(draft: AnyDraft) -> Iterator[Problem]:
    """Everything that is too long, too many or out of its bounds."""
    for section in ENVIRONMENTS:
        for path, item in draft.items(section):
            yield from _check_environment(draft, path, f"{section[:-1]}/{item.key}", item)
            for index, one in enumerate(getattr(item, "containers", ())):
                at = (*path, "containers", index)
                yield from _check_environment(draft, at, f"{section[:-1]}/{item.key}", one)
    for section, most in RUNTIMES.items():
        for path, item in draft.items(section):
            at, name = (*path, "max_runtime"), f"{section[:-1]}/{item.key}"
            yield from _check_time(draft, at, name, item.max_runtime, ("1s", most))
    yield from _check_spot(draft)
    yield from _check_data(draft)
    for path, config in draft.items("endpoint_configs"):
        for index, variant in enumerate(config.variants):
            at = (*path, "variants", index, "startup_timeout")
            name = f"endpoint_config/{config.key}"
            yield from _check_time(draft, at, name, variant.startup_timeout, STARTUP)
    for path, endpoint in draft.items("endpoints"):
        for field, bounds in TIMES.items() if endpoint.deployment else ():
            told = getattr(endpoint.deployment, field)
            at = (*path, "deployment", field)
            yield from _check_time(draft, at, f"endpoint/{endpoint.key}", told, bounds)


def _check_environment(draft: AnyDraft, path: Path, name: str, item: Any) -> Iterator[Problem]:
    """Values that are secrets or references are not known yet."""
    most, longest_name, longest = ENVIRONMENTS[str(path[0])]
    place = (*path, "environment")
    if len(item.environment) > most:
        message = f"{name}: more than {most} variables of the environment"
        yield draft.place(*place).problem(message, "too-much")
    for variable, value in item.environment.items():
        if len(variable) > longest_name:
            message = f"{name}: a variable has a name of more than {longest_name} characters"
            yield draft.place(*place, variable, key=True).problem(message, "too-much")
        if isinstance(value, str) and len(value) > longest:
            message = f"{name}: {variable} is longer than {longest} characters"
            yield draft.place(*place, variable).problem(message, "too-much")
    package = getattr(item, "package", None)
    if isinstance(package, str) and not PACKAGE.fullmatch(package):
        message = f'{name}: "{package}" is neither the name nor the ARN of a model package'
        yield draft.place(*path, "package").problem(message, "bad-container")


def _check_time(
    draft: AnyDraft, path: Path, name: str, told: str | None, bounds: tuple[str, str]
) -> Iterator[Problem]:
    least, most = bounds
    if told and not seconds(least) <= seconds(told) <= seconds(most):
        message = f"{name}: {path[-1]} is {told}, and AWS takes {least} to {most}"
        yield draft.place(*path).problem(message, "too-much")


def _check_spot(draft: AnyDraft) -> Iterator[Problem]:
    for path, job in draft.items("training_jobs"):
        if job.max_wait and seconds(job.max_wait) < seconds(job.max_runtime):
            message = f"training_job/{job.key}: max_wait counts the time that it runs too: it must "
            message += f"be at least max_runtime, which is {job.max_runtime}"
            yield draft.place(*path, "max_wait").problem(message, "too-much")


def _check_data(draft: AnyDraft) -> Iterator[Problem]:
    for path, job in draft.items("processing_jobs"):
        counts = {"inputs": len(job.inputs) + bool(job.source_dir), "outputs": len(job.outputs)}
        for field in (field for field, count in counts.items() if count > MOST_DATA):
            message = f"processing_job/{job.key}: more than {MOST_DATA} {field}"
            more = ", of which source_dir is one" if field == "inputs" and job.source_dir else ""
            yield draft.place(*path, field).problem(f"{message}{more}", "too-much")
    for path, job in draft.items("transform_jobs"):
        at_once = (job.max_payload_mb or 0) * (job.max_concurrent or 0)
        if at_once > MOST_AT_ONCE:
            message = f"transform_job/{job.key}: max_concurrent times max_payload_mb is {at_once}, "
            message += f"and AWS takes {MOST_AT_ONCE}"
            yield draft.place(*path, "max_payload_mb").problem(message, "too-much")
