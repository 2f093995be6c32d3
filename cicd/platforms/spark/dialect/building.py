"""Resources of a draft without errors: the jobs."""

from __future__ import annotations

import glob
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from cicd.config.build import inputs_of, options_of
from cicd.config.dialect import Built
from cicd.config.fields import values_of
from cicd.model import Resource
from cicd.platforms.spark.dialect.draft import Draft, named_files
from cicd.platforms.spark.dialect.logins import kerberos_settings, login_settings
from cicd.platforms.spark.dialect.masters import kubernetes_settings
from cicd.platforms.spark.dialect.schema import Job
from cicd.values import Key


def build(draft: Draft) -> Built:
    """Where they go, and every job."""
    spark = draft.file.spark
    settings = (
        {
            "submit": draft.submit,
            "spark_home": spark.spark_home or "",
            "rest_url": draft.rest_url,
            "ui_url": draft.ui_url,
            # --local remembers apart from the cluster, and asks nothing of others
            "state": "" if draft.is_local else _path(spark.state),
            "staging": "" if draft.is_local else _path(spark.staging),
            "is_local": draft.is_local,
            "yarn_urls": draft.yarn_urls,
            "yarn_logs_url": spark.yarn_logs_url or "",
            "hdfs_url": spark.hdfs_url or "",
            "proxy_user": "" if draft.is_local else spark.proxy_user or "",
        }
        | login_settings(draft)
        | kerberos_settings(draft)
        | kubernetes_settings(draft)
    )
    if spark.history_url and not draft.is_local:
        settings["history_url"] = spark.history_url
    settings["namespace"] = draft.namespace
    target = {"master": draft.master}
    return Built(target, list(_jobs(draft)), (draft.master,), settings=settings)


def _path(folder: str | None) -> str:
    return (folder or "").removeprefix("file://")


def _jobs(draft: Draft) -> Iterator[Resource]:
    for index, job in enumerate(draft.file.jobs):
        path = ("jobs", index)
        spec = _spec(draft, index, job)
        taken = {name: value for name, value in spec.items() if name != "metrics"}
        named = [glob.escape(name) for _, _, name in named_files(job)]
        spec |= inputs_of(draft, f"{draft.name} job/{job.key}", taken, [*job.watch, *named])
        fetch = {f"outputs.{asset.name}": asset.fetch for asset in job.outputs if asset.fetch}
        options = replace(options_of(draft, path, job), fetch=fetch)
        yield Resource(Key("job", job.key), spec, options, source=str(draft.place(*path)))


def _spec(draft: Draft, index: int, job: Job) -> dict[str, Any]:
    """All that a job takes in. What it does not say is left out."""
    path = ("jobs", index)
    said = {
        "source": job.source,
        "main_class": job.main_class,
        "args": draft.hidden(list(job.args), *path, "args"),
        "env": draft.hidden(dict(job.env), *path, "env"),
        "conf": draft.hidden(dict(draft.file.spark.conf), "spark", "conf")
        | draft.hidden(dict(job.conf), *path, "conf"),
        "packages": list(job.packages),
        "py_files": list(job.py_files),
        "jars": list(job.jars),
        "beside": list(job.files),
        "reads": _assets(draft, index, job, "inputs"),
        "writes": _assets(draft, index, job, "outputs"),
        "resources": values_of(job.resources, are_defaults_left_out=True),
        "metrics": dict(job.metrics),
        "metrics_file": job.metrics_file,
    }
    named = {"key": job.key, "name": job.key}
    return named | {name: value for name, value in said.items() if value not in (None, "", {}, [])}


def _assets(draft: Draft, index: int, job: Job, field: str) -> dict[str, Any]:
    """Name -> what is known of it, in the order of the file."""
    found = {}
    for at, asset in enumerate(getattr(job, field)):
        url = draft.hidden(asset.url, "jobs", index, field, at, "url")
        found[asset.name] = {"url": url} | ({"format": asset.format} if asset.format else {})
    return found
