"""What a schema cannot say of what jobs make: whether it can be read, and where it goes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeGuard

from cicd.config.fetched import folder_problem
from cicd.config.formats import relative_path_problem
from cicd.errors import Problem
from cicd.platforms.spark.dialect.draft import SCHEMES, Draft, is_address, named_files, scheme_of
from cicd.platforms.spark.dialect.schema import Job
from cicd.values import Ref

READABLE = "file, s3a and hdfs can"


def check_made(draft: Draft) -> Iterator[Problem]:
    """Files of metrics, and outputs that are fetched."""
    for index, job in enumerate(draft.file.jobs):
        yield from _check_metrics_file(draft, index, job)
        yield from _check_fetched(draft, index, job)


def _check_metrics_file(draft: Draft, index: int, job: Job) -> Iterator[Problem]:
    said = job.metrics_file
    if not said:
        return
    place, where = draft.place("jobs", index, "metrics_file"), f'metrics_file "{said}"'
    if is_address(said):
        if scheme_of(said) not in SCHEMES:
            message = f"job/{job.key}: {where} cannot be read from here: {READABLE}"
            yield place.problem(message, "bad-metrics-file")
    elif not any(asset.name == said.partition("/")[0] for asset in job.outputs):
        if problem := relative_path_problem(said):
            message = f"job/{job.key}: {where} {problem}"
            yield place.problem(message, "bad-metrics-file")
        elif draft.master and not draft.is_on_this_machine:
            message = f"job/{job.key}: {where} is a file of this machine, and the workers are "
            message += "elsewhere: give an address, or one below the name of an output"
            yield place.problem(message, "no-staging")
    elif problem := relative_path_problem(said):
        yield place.problem(f"job/{job.key}: {where} {problem}", "bad-metrics-file")


def _check_fetched(draft: Draft, index: int, job: Job) -> Iterator[Problem]:
    """What is brought here once it has ended."""
    for at, asset in enumerate(job.outputs):
        if not asset.fetch:
            continue
        place, key = draft.place("jobs", index, "outputs", at, "fetch"), f"job/{job.key}"
        url = asset.url if isinstance(asset.url, str) else ""
        if is_address(url) and scheme_of(url) not in SCHEMES:
            message = f"{key}: {asset.name} cannot be fetched from {url}: {READABLE}"
            yield place.problem(message, "bad-fetch")
        kept = [name for _, _, name in named_files(job)]
        kept += [one.url for one in job.outputs if _is_of_project(one.url)]
        if problem := folder_problem(draft.root, asset.fetch, kept, _taken(draft, index, at)):
            message = f'{key}: the folder "{asset.fetch}" for {asset.name} {problem}'
            yield place.problem(message, "bad-fetch")


def _is_of_project(url: str | Ref) -> TypeGuard[str]:
    return isinstance(url, str) and not is_address(url)


def _taken(draft: Draft, index: int, at: int) -> Iterator[tuple[str, str]]:
    """The folders of outputs before this one."""
    for number, job in enumerate(draft.file.jobs[: index + 1]):
        for place, asset in enumerate(job.outputs):
            if asset.fetch and (number, place) < (index, at):
                yield f"{asset.name} of job/{job.key}", asset.fetch
