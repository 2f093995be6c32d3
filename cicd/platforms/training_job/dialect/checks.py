"""What a schema cannot say of jobs: files that are there, patterns, one of two fields."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from cicd.config.fetched import folder_problem
from cicd.config.formats import metric_pattern_problem, relative_path_problem
from cicd.config.tree import did_you_mean, leaves
from cicd.errors import Problem
from cicd.platforms.training_job.dialect.draft import (
    REQUIREMENTS,
    S3_OBJECT,
    Draft,
    is_inline,
    is_url,
    local_data,
    requirements_file,
    script_name,
)
from cicd.platforms.training_job.dialect.login_sources import PREFIX
from cicd.platforms.training_job.dialect.schema import Job
from cicd.values import Ref

MODEL = "artifacts.saved_model"


def check_place(draft: Draft) -> Iterator[Problem]:
    """Whether it is known where the API is, and what is wrong with where its login is."""
    if draft.is_local:
        return
    for name, url in (("api_url", draft.api_url), ("token_url", draft.token_url)):
        if not url and not draft.has_lost("training_job", name):
            message = f"no {name}: set training_job.{name} or {PREFIX}{name.upper()}"
            yield draft.place("training_job").problem(message, "missing-target")


def check_jobs(draft: Draft) -> Iterator[Problem]:
    """All that is wrong with the jobs themselves."""
    for index, job in enumerate(draft.file.jobs):
        yield from _check_files(draft, index, job)
        yield from _check_resources(draft, index, job)
        yield from _check_metrics(draft, index, job)
        yield from _check_references(draft, index, job)
        yield from _check_outputs(draft, index, job)


def _check_files(draft: Draft, index: int, job: Job) -> Iterator[Problem]:
    path, key = ("jobs", index), f"job/{job.key}"
    named = [("script", "script", job.script)] if not is_inline(job.script) else []
    if file := requirements_file(job):
        named.append(("requirements", "list of requirements", file))
    for field, what, file in named:
        is_text = field == "requirements"
        problem = relative_path_problem(file) or _file_problem(draft.root, file, is_text=is_text)
        if problem:
            message = f'{key}: the {what} "{file}" {problem}'
            yield draft.place(*path, field).problem(message, "bad-training-file")
    given = draft.file.jobs[index].data
    taken = {script_name(job): "the script", REQUIREMENTS: "the list of requirements"}
    if not job.requirements:
        del taken[REQUIREMENTS]
    for name in given:
        problem = relative_path_problem(name) or _name_problem(name)
        if name in taken:
            problem = f"is what {taken[name]} is called"
        elif not problem and (outer := _above(name, [*given, *taken])):
            problem = f'"{outer}" is a file and no folder'
        if problem:
            message = f'{key}: data cannot be called "{name}": {problem}'
            place = draft.place(*path, "data", name, key=True)
            yield place.problem(message, "bad-training-file")
    for name, source in local_data(job, draft.root):
        place = draft.place(*path, "data", name)
        # what a command line names may lie anywhere
        problem = "" if place.file.startswith("--") else relative_path_problem(source)
        if problem := problem or _file_problem(draft.root, source):
            message = f'{key}: the data file "{source}" {problem}'
            yield place.problem(message, "bad-training-file")
    for name, url in given.items():
        if isinstance(url, str) and is_url(url) and not S3_OBJECT.fullmatch(url):
            message = f'{key}: the data "{url}" must be like s3://bucket/key'
            yield draft.place(*path, "data", name).problem(message, "bad-training-file")


def _above(name: str, others: Iterable[str]) -> str:
    """The first of some names that would have to be a folder for this one; empty for none."""
    return next((other for other in others if name.startswith(f"{other}/")), "")


def _name_problem(name: str) -> str:
    """What is wrong with the name of a file beside the script, beside what is with any path."""
    if name.endswith("/") or any(part in {"", "."} for part in name.split("/")):
        return "must be the name of a file"
    return "" if name.isprintable() else "must be printable"


def _file_problem(root: Path, file: str, *, is_text: bool = False) -> str:
    """Why a file of the project cannot be uploaded, or read where ``is_text``; empty where it
    can."""
    path = root / file
    try:
        if path.is_dir():
            return "is a folder: name a file"
        with path.open("rb") as stream:
            (stream.read() if is_text else b"").decode()
            stream.read(1)
    except FileNotFoundError:
        return f"is not there{did_you_mean(path.name, _names_beside(path))}"
    except UnicodeDecodeError:
        return "is no text in UTF-8"
    except (OSError, ValueError) as error:
        return f"cannot be read: {getattr(error, 'strerror', None) or error}"
    return ""


def _names_beside(path: Path) -> list[str]:
    try:
        return [other.name for other in path.parent.iterdir()]
    except OSError:
        return []


def _check_resources(draft: Draft, index: int, job: Job) -> Iterator[Problem]:
    has_lost = draft.has_lost("jobs", index, "resources")
    has_lost = has_lost or draft.has_lost("jobs", index, "resource_plan_id")
    if job.resources and job.resource_plan_id:
        message = f"job/{job.key}: resources and resource_plan_id: keep one of the two"
        place = draft.place("jobs", index, "resource_plan_id", key=True)
        yield place.problem(message, "bad-resources")
    elif not (job.resources or job.resource_plan_id or has_lost):
        message = f"job/{job.key}: neither resources nor resource_plan_id: add one of them"
        yield draft.place("jobs", index).problem(message, "bad-resources")


def _check_metrics(draft: Draft, index: int, job: Job) -> Iterator[Problem]:
    for name, pattern in job.metrics.items():
        if problem := metric_pattern_problem(pattern):
            message = f'job/{job.key}: the pattern "{pattern}" of {name} {problem}'
            yield draft.place("jobs", index, "metrics", name).problem(message, "bad-metric")
    if job.metrics_file and (problem := relative_path_problem(job.metrics_file)):
        message = f'job/{job.key}: metrics_file "{job.metrics_file}" {problem}'
        yield draft.place("jobs", index, "metrics_file").problem(message, "bad-metric")
    known = {*job.metrics}
    if job.metrics_file or draft.has_lost("jobs", index, "metrics"):
        return  # nobody knows yet what will be in it
    for at, gate in enumerate(job.require):
        if gate.metric not in known:
            message = f'job/{job.key} requires "{gate.metric}", for which metrics has no pattern'
            message += did_you_mean(gate.metric, known) or ": add one, or metrics_file"
            place = draft.place("jobs", index, "require", at)
            yield place.problem(message, "bad-gate")


def _check_references(draft: Draft, index: int, job: Job) -> Iterator[Problem]:
    node = draft.tree.get("jobs", index)
    for _, leaf in leaves(node) if node else ():
        if not isinstance(leaf.value, Ref) or leaf.value.stage:
            continue
        ref = leaf.value
        if draft.is_named(ref.key) and ref.output != MODEL:  # one of no job: ``check_needed``
            message = f'job/{job.key}: a job has no "{ref.output}": write {MODEL}'
            yield leaf.place.problem(message, "unknown-reference")


def lacks(draft: Draft, ref: Ref) -> str:
    """Why a job will not have what another stage asks of it; empty where it will."""
    return "" if ref.output in {MODEL, "id"} else f'has no "{ref.output}": write {MODEL}'


def _check_outputs(draft: Draft, index: int, job: Job) -> Iterator[Problem]:
    folder = job.outputs.saved_model
    before = draft.file.jobs[:index]
    taken = [(f"job/{other.key}", other.outputs.saved_model or "") for other in before]
    kept = _files_of(job, draft.root)
    if folder and (problem := folder_problem(draft.root, folder, kept, taken)):
        message = f'job/{job.key}: the folder "{folder}" for the saved model {problem}'
        place = draft.place("jobs", index, "outputs", "saved_model")
        yield place.problem(message, "bad-training-file")


def _files_of(job: Job, root: Path) -> Iterator[str]:
    """The files of the project that a job takes in."""
    yield from () if is_inline(job.script) else (job.script,)
    yield from filter(None, [requirements_file(job)])
    yield from (source for _, source in local_data(job, root))
