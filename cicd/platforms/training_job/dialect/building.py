"""Resources of a draft without errors: datasets, and the jobs that take them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cicd.config.build import gates_of, inputs_of
from cicd.config.dialect import Built
from cicd.config.fields import values_of
from cicd.config.formats import seconds
from cicd.config.watch import file_digests
from cicd.model import Options, Resource
from cicd.platforms.training_job.dialect.draft import (
    Draft,
    in_project,
    is_inline,
    is_url,
    local_data,
    requirements_file,
    script_name,
)
from cicd.platforms.training_job.dialect.schema import Job
from cicd.values import Key, Ref

DONE = "SUCCESSFUL"
_CHUNK = 1 << 20


def build(draft: Draft) -> Built:
    """Each data file once, and every job."""
    place = draft.file.training_job
    digests = {
        source: _sha256(draft.root / source)
        for job in draft.file.jobs
        for _, source in local_data(job, draft.root)
    }
    resources = [*_datasets(draft, digests), *_jobs(draft, digests)]
    settings = {
        **values_of(place, but={"client_id", "client_secret", "namespace"}),
        "namespace": draft.namespace,
    }
    if draft.is_local:
        settings |= {"api_url": "", "token_url": ""}
    else:  # a login of an account is nothing for the emulator
        settings |= {"client_id": place.client_id, "client_secret": place.client_secret}
    target = {"api_url": "emulator" if draft.is_local else draft.api_url}
    return Built(target, resources, (draft.api_url, draft.namespace), settings=settings)


def _datasets(draft: Draft, digests: Mapping[str, str]) -> Iterator[Resource]:
    for file, digest in digests.items():
        size = (draft.root / file).stat().st_size
        yield Resource(Key("dataset", file), {"digest": digest, "size": size, "file": file})


def _jobs(draft: Draft, digests: Mapping[str, str]) -> Iterator[Resource]:
    for index, job in enumerate(draft.file.jobs):
        spec = _spec(draft, index, job)
        files = {source: digests[source] for _, source in local_data(job, draft.root)}
        if not is_inline(job.script):
            files |= file_digests(draft.root, [draft.root / job.script])
        taken = {name: value for name, value in spec.items() if not name.startswith("metrics")}
        spec |= inputs_of(draft, draft.name, taken, job.watch, files)
        folder = job.outputs.saved_model
        options = Options(
            DONE,
            float(seconds(job.timeout)),
            rerun=job.rerun,
            require=gates_of(job.require),
            fetch={"artifacts.saved_model": folder} if folder else {},
        )
        place = draft.place("jobs", index)
        yield Resource(Key("job", job.key), spec, options, source=str(place))


def _spec(draft: Draft, index: int, job: Job) -> dict[str, Any]:
    """All that a job takes in. What it does not say is left out."""
    data = {
        name: source
        if isinstance(source, Ref) or is_url(source)
        else Ref(Key("dataset", in_project(source, draft.root)))
        for name, source in job.data.items()
    }
    said = {
        "image": job.image,
        "script": script_name(job) if is_inline(job.script) else job.script,
        "source": job.script if is_inline(job.script) else "",
        "requirements": _requirements(draft.root, job),
        "python_major_version": job.python_major_version,
        "env": draft.hidden(job.env, "jobs", index, "env"),
        "data": data,
        "resources": values_of(job.resources) if job.resources else {},
        "resource_plan_id": job.resource_plan_id,
        "completion_time": job.completion_time,
        "metrics": dict(job.metrics),
        "metrics_file": job.metrics_file,
    }
    named = {"key": job.key, "name": job.name or job.key}
    return named | {name: value for name, value in said.items() if value not in ("", None, {}, [])}


def _requirements(root: Path, job: Job) -> list[str]:
    told = job.requirements
    if isinstance(told, str):
        file = requirements_file(job)
        text = (root / file).read_text(encoding="utf-8-sig") if file else told
        told = text.splitlines()
    lines = [line.strip() for line in told]
    return [line for line in lines if line and not line.startswith("#")]


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
