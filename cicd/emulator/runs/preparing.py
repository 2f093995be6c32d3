"""Jobs for the runner: what was stored with a run, its inputs, and the secrets of today."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cicd.emulator.git import templates
from cicd.emulator.jobs import DeploymentJob, ExecutionJob
from cicd.emulator.runs import standins
from cicd.emulator.state.objectstore import ObjectStore
from cicd.emulator.state.store import Row, Store

DEFAULT_STORE = "default-object-store-secret"


class NotStartable(Exception):
    """A run needs something that is not there; the message is the reason."""


class Jobs:
    """Makes them; ``folder`` has a folder for each run."""

    def __init__(
        self,
        store: Store,
        objects: ObjectStore,
        folder: Path,
        base_url: str,
        s3_login: Mapping[str, str],
    ) -> None:
        self._store = store
        self._objects = objects
        self._folder = folder
        self._base_url = base_url
        self._s3_login = s3_login

    def of(self, run: Row, inputs: Mapping[str, Path]) -> ExecutionJob | DeploymentJob:
        """The job of a run, inputs brought; NotStartable when something else is not there."""
        job = json.loads(run["job"])
        # Looked at when the run starts, not when it is asked for: the secret may come in between,
        # and AI Core tells of it in the status of the run too.
        self._check_pull_secrets(job)
        folder = self._folder / run["id"]
        folder.mkdir(parents=True, exist_ok=True)
        group = run["resource_group"]
        variable = "AICORE_EXECUTION_ID" if run["kind"] == "execution" else "AICORE_DEPLOYMENT_ID"
        secrets: Mapping[str, Mapping[str, str]] = secrets_of(self._store, group)
        stores: dict[str, str] = {}
        if self._objects.choice == "folder":
            # as for ai:// urls: what is here stands in for the bucket, and needs no secret
            secrets = {DEFAULT_STORE: self._s3_login, **secrets}
            stores = s3_variables(self._base_url)
        parts: dict[str, Any] = {
            "id": run["id"],
            "template": job["template"],
            "parameters": job["parameters"],
            "inputs": inputs,
            "secrets": secrets,
            "stores": stores,
            "images": standins.images(job["stand_ins"]),
            "environment": {
                variable: run["id"],
                "AICORE_TRACKING_ENDPOINT": f"{self._base_url}/tracking/{run['token']}",
            },
            "folder": folder,
        }
        if run["kind"] == "execution":
            return ExecutionJob(**parts)
        return DeploymentJob(**parts, revision=run["revision"])

    def _check_pull_secrets(self, job: Mapping[str, Any]) -> None:
        """AI Core starts nothing that names a docker registry secret that is not there."""
        sql = "SELECT name FROM secrets WHERE kind = 'docker'"
        there = {row["name"] for row in self._store.rows(sql)}
        there |= set(job["stand_ins"].get("secrets", ()))
        for name in templates.pull_secrets_of(job["template"], job["parameters"]):
            if name not in there:
                what = "the value provided for imagePullSecrets[*].name is invalid: "
                raise NotStartable(f'{what}there is no docker registry secret "{name}"')


def s3_variables(base_url: str) -> dict[str, str]:
    """With which a Metaflow program finds the emulator's S3; what it needs else is here already."""
    return {
        "METAFLOW_S3_ENDPOINT_URL": f"{base_url}/s3",
        "METAFLOW_SKIP_INSTALL_DEPENDENCIES": "1",
    }


def secrets_of(store: Store, group: str) -> dict[str, dict[str, str]]:
    """The secrets that runs of a group see, decoded; of object stores just the credentials.

    Those for all groups are replicated into each: of one name, what was written last is there.
    """
    stores = store.rows(
        "SELECT name, data FROM secrets WHERE kind = 'object_store' AND scope = ?",
        (f"group:{group}",),
    )
    credentials = {
        f"{row['name']}-object-store-secret": json.loads(row["data"])["data"] for row in stores
    }
    rows = store.rows(
        "SELECT name, data FROM secrets WHERE kind = 'generic' AND scope IN ('*', ?) "
        "ORDER BY written, scope = '*' DESC",
        (f"group:{group}",),
    )
    return credentials | {
        row["name"]: {
            key: base64.b64decode(value).decode("utf-8", "replace")
            for key, value in json.loads(row["data"]).items()
        }
        for row in rows
    }
