"""What a schema cannot say of jobs: programs, memory, properties that would carry a secret."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from cicd.config.formats import metric_pattern_problem, relative_path_problem
from cicd.config.tree import Place, did_you_mean
from cicd.errors import Problem
from cicd.masking import is_secret_name
from cicd.platforms.spark.dialect.draft import PREFIX, Draft, is_address, is_python, named_files
from cicd.platforms.spark.dialect.schema import ADDRESS, ANY_MASTER, MASTERS, URL, Job
from cicd.values import Ref

CI_SYSTEMS = ("GITHUB_ACTIONS", "GITLAB_CI", "TF_BUILD", "JENKINS_URL")
"""Variables by which a run of CI is known: its machine is gone afterwards."""
LEAST = 450 << 20
"""Bytes of memory that a driver or executor starts with at least: Spark keeps 300 MiB of it for
itself, and refuses less than one and a half times that."""
_UNITS = {"k": 10, "m": 20, "g": 30, "t": 40}
MEMORY = ("spark.driver.memory", "spark.executor.memory")
REFERRED = re.compile(
    r"spark\.kubernetes\.((driver|executor)\.(secrets|secretKeyRef)|authenticate\.submission)"
    r"\..*(?<!\.oauthToken)$"
)
"""Properties that say where a secret is, and not what it is."""
FORMS = {
    "master": (f"{PREFIX}MASTER", re.compile(ANY_MASTER), MASTERS),
    "rest_url": (f"{PREFIX}REST_URL", re.compile(URL), ADDRESS),
    "ui_url": (f"{PREFIX}UI_URL", re.compile(URL), ADDRESS),
}
"""Fields that a variable stands in for: its name, what it must be, and that in words."""
OWN = ("--inputs", "--outputs")
"""Arguments that cicd adds."""


def check_place(draft: Draft) -> Iterator[Problem]:
    """Whether it is known where the cluster is, and whether it sees what it is to run."""
    spark = draft.file.spark
    for field, (name, form, words) in FORMS.items() if not draft.is_local else ():
        told = "" if getattr(spark, field) else draft.variable(name)
        if told and not form.fullmatch(told):
            yield draft.place("spark").problem(f"{name} must be {words}", "wrong-format")
    if not draft.master:
        if not draft.has_lost("spark", "master"):
            message = f"no master: set spark.master or {PREFIX}MASTER"
            yield draft.place("spark").problem(message, "missing-target")
    elif not (spark.staging or draft.is_on_this_machine or draft.has_lost("spark", "staging")):
        for index, job in enumerate(draft.file.jobs):
            for field, _, name in named_files(job):
                message = f'job/{job.key}: "{name}" is a file of this machine, and the workers '
                message += "are elsewhere: set spark.staging"
                yield draft.place("jobs", index, field).problem(message, "no-staging")
    for field in ("state", "staging"):
        folder = getattr(spark, field) or ""
        if "://" in folder and not re.match("file:///|s3a?://[^/]", folder):
            message = f'spark.{field} is "{folder}": it must be a folder, or s3://bucket/prefix'
            yield draft.place("spark", field).problem(message, "wrong-value")
    is_ci = any(map(draft.variable, CI_SYSTEMS)) and not draft.is_local
    if is_ci and not (spark.state or draft.has_lost("spark", "state")):
        runs = [job.key for job in draft.file.jobs if job.rerun == "on_change"]
        if runs:
            message = f"no spark.state: a run of CI forgets that {', '.join(runs)} has run"
            yield draft.place("spark").problem(message, "unremembered", "warning")


def check_jobs(draft: Draft) -> Iterator[Problem]:
    """All that is wrong with the jobs themselves."""
    yield from _check_conf(draft, draft.file.spark.conf, "spark")
    for index, job in enumerate(draft.file.jobs):
        yield from _check_conf(draft, job.conf, "jobs", index)
        yield from _check_program(draft, index, job)
        yield from _check_assets(draft, index, job)
        yield from _check_memory(draft, index, job)
        yield from _check_metrics(draft, index, job)


def _check_conf(draft: Draft, conf: Mapping[str, str], *path: str | int) -> Iterator[Problem]:
    for name, value in conf.items():
        place = draft.place(*path, "conf", name)
        is_named = is_secret_name(name.rpartition(".")[2]) or re.search("(?i)secret|password", name)
        if is_named and not REFERRED.match(name):
            message = f"{name} would show on the command line of the driver"
            yield place.problem(message, "secret-in-conf")
        if name in MEMORY and (size := _bytes(value)) is not None and size < LEAST:
            message = f"{name} is {value}: Spark does not start with less than 450m"
            yield place.problem(message, "too-little-memory")


def _bytes(text: str) -> int | None:
    """A size as Spark writes it; without a unit it is in MiB. None for what is none."""
    match = re.fullmatch(r"(\d+)([kmgt]?)b?", text.strip().lower())
    return int(match[1]) << _UNITS[match[2] or "m"] if match else None


def _check_program(draft: Draft, index: int, job: Job) -> Iterator[Problem]:
    path, key = ("jobs", index), f"job/{job.key}"
    if is_python(job.source) and job.main_class:
        message = f"{key}: {job.source} is Python, which has no main_class: take it out"
        yield draft.place(*path, "main_class").problem(message, "bad-program")
    if job.source.endswith(".jar") and not (job.main_class or draft.has_lost(*path, "main_class")):
        message = f"{key}: which class of {job.source} is run? Set main_class"
        yield draft.place(*path, "source").problem(message, "bad-program")
    if not job.source.endswith((".py", ".jar")):
        message = f'{key}: "{job.source}" is neither a .py nor a .jar'
        yield draft.place(*path, "source").problem(message, "bad-program")
    seen: dict[str, str] = {"cicd_assets.py": "the module that cicd adds"}
    for field, at, name in named_files(job):
        end = PurePosixPath(name).name
        place = draft.place(*path, field, *([] if at is None else [at]))
        if field == "inputs":
            if (draft.root / name).is_dir():
                message = f'{key}: "{name}" is a folder: name a file, or the URL of a folder'
                yield place.problem(message, "bad-program")
            continue
        if end in seen:
            message = f'{key}: "{name}" has the name of {seen[end]}'
            yield place.problem(message, "bad-program")
        elif (draft.root / name).is_dir():
            yield place.problem(f'{key}: "{name}" is a folder: name a file', "bad-program")
        elif field == "py_files" and not end.endswith((".py", ".zip", ".egg", ".whl")):
            message = f'{key}: "{name}" is no module: it must be a .py, .zip or .egg'
            yield place.problem(message, "bad-program")
        seen[end] = name


def _check_assets(draft: Draft, index: int, job: Job) -> Iterator[Problem]:
    for field in ("inputs", "outputs"):
        seen: set[str] = set()
        for at, asset in enumerate(getattr(job, field)):
            place = draft.place("jobs", index, field, at)
            if asset.name in seen:
                message = f"job/{job.key} has two {field} {asset.name}: give one another name"
                yield place.problem(message, "duplicate-name")
            seen.add(asset.name)
            if field == "outputs" and isinstance(asset.url, str) and not is_address(asset.url):
                yield from _check_folder(draft, job, asset.url, place)
            if isinstance(asset.url, Ref):
                yield from _check_reference(draft, index, asset.url, (field, at, "url"))
    for at, text in enumerate(job.args):
        place = draft.place("jobs", index, "args", at)
        if text in OWN and (job.inputs or job.outputs):
            message = f"job/{job.key}: cicd itself adds {text}"
            yield place.problem(message, "bad-program")
        elif isinstance(text, Ref):
            yield from _check_reference(draft, index, text, ("args", at))
    for name, value in job.env.items():
        if isinstance(value, Ref):
            yield from _check_reference(draft, index, value, ("env", name))


def _check_folder(draft: Draft, job: Job, folder: str, place: Place) -> Iterator[Problem]:
    """What a job writes into the project."""
    key = f"job/{job.key}"
    if problem := relative_path_problem(folder):
        yield place.problem(f'{key} writes to "{folder}", which {problem}', "bad-program")
    elif draft.master and not draft.is_on_this_machine:
        message = f'{key} writes to "{folder}", a folder of this machine, and the workers are '
        yield place.problem(f"{message}elsewhere: give a URL that they see", "no-staging")


def _check_reference(
    draft: Draft, index: int, ref: Ref, path: tuple[Any, ...]
) -> Iterator[Problem]:
    if not ref.stage and (lack := lacks(draft, ref)):
        place = draft.place("jobs", index, *path)
        yield place.problem(f"{ref.key} {lack}", "unknown-reference")


def lacks(draft: Draft, ref: Ref) -> str:
    """Why a job will not have what is asked of it; empty where it will, or where there is none."""
    job = next((job for job in draft.file.jobs if job.key == ref.key.name), None)
    sort, _, name = ref.output.partition(".")
    names = [asset.name for asset in job.outputs] if job else []
    is_known = job is None or sort != "outputs" or name in names
    return "" if is_known else f"has no output {name}{did_you_mean(name, names)}"


def _check_memory(draft: Draft, index: int, job: Job) -> Iterator[Problem]:
    for field in ("driver_memory", "executor_memory"):
        text = getattr(job.resources, field)
        if text and (size := _bytes(text)) is not None and size < LEAST:
            message = f"job/{job.key}: {field} is {text}: Spark does not start with less than 450m"
            place = draft.place("jobs", index, "resources", field)
            yield place.problem(message, "too-little-memory")


def _check_metrics(draft: Draft, index: int, job: Job) -> Iterator[Problem]:
    for name, pattern in job.metrics.items():
        if problem := metric_pattern_problem(pattern):
            message = f'job/{job.key}: the pattern "{pattern}" of {name} {problem}'
            yield draft.place("jobs", index, "metrics", name).problem(message, "bad-metric-pattern")
    if job.metrics_file:
        return  # nobody knows yet what will be in it
    for at, gate in enumerate(job.require):
        if gate.metric not in job.metrics:
            message = f'job/{job.key} requires "{gate.metric}", for which metrics has no pattern'
            message += did_you_mean(gate.metric, job.metrics) or ": add one, or metrics_file"
            yield draft.place("jobs", index, "require", at).problem(message, "bad-gate")
