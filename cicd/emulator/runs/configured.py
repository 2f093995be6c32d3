"""Runs of configurations: what AI Core is asked to start, made into what the runner needs."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any

from cicd.emulator.errors import ApiError, GatewayError, invalid
from cicd.emulator.foundation import executables
from cicd.emulator.foundation.catalogue import ModelList
from cicd.emulator.git import templates
from cicd.emulator.runs import standins
from cicd.emulator.runs.lifecycle import Kind
from cicd.emulator.runs.starting import Runs, Wanted
from cicd.emulator.state.objectstore import ObjectStore
from cicd.emulator.state.store import Row, Store

LOG = logging.getLogger(__name__)


class Starter:
    """Starts runs of configurations that are complete, from executables as they are now."""

    def __init__(self, store: Store, objects: ObjectStore, models: ModelList, runs: Runs) -> None:
        self._store = store
        self._objects = objects
        self._models = models
        self._runs = runs

    def start(
        self,
        kind: Kind,
        configuration: Row,
        *,
        ttl: str | None = None,
        expires_at: str | None = None,
        schedule_id: str | None = None,
    ) -> str:
        """Start a run of a configuration; its id. 400 for what cannot be started."""
        return self._runs.start(
            self.wanted(
                kind, configuration, ttl=ttl, expires_at=expires_at, schedule_id=schedule_id
            )
        )

    def start_scheduled(self, schedule: Row) -> None:
        """Do what a client would. What is refused is in the log file only."""
        try:
            configuration = self.configuration(
                schedule["resource_group"], schedule["configuration_id"]
            )
            self.start("execution", configuration, schedule_id=schedule["id"])
        except (ApiError, GatewayError) as error:
            name = schedule["name"]
            LOG.warning("schedule %s (%s) started nothing: %s", schedule["id"], name, error)

    def configuration(self, group: str, configuration_id: str) -> Row:
        """A configuration of a resource group; 400 when it has none such."""
        sql = "SELECT * FROM configurations WHERE id = ? AND resource_group = ?"
        found = self._store.row(sql, (configuration_id, group))
        if found is None:
            raise invalid(f"Configuration {configuration_id} not found")
        return found

    def wanted(self, kind: Kind, configuration: Row, **more: str | None) -> Wanted:
        """Everything a run needs but secrets, from executable and stand-ins as they are now.

        They are kept: later changes do not reach this run.
        """
        group = configuration["resource_group"]
        parameters, inputs = (
            json.loads(configuration["parameters"]),
            json.loads(configuration["inputs"]),
        )
        executable = self.check_complete(
            group, configuration["scenario_id"], configuration["executable_id"], parameters, inputs
        )
        if (executable["kind"] == "serving") != (kind == "deployment"):
            raise invalid(f"executable {executable['id']} is not for {kind}s")
        summary = json.loads(executable["summary"])
        defaults = {
            item["name"]: item["default"] for item in summary["parameters"] if "default" in item
        }
        stand_ins = standins.of_group(self._store, group)
        declared = {item["name"] for item in summary["inputArtifacts"]}
        return Wanted(
            kind,
            group,
            template=json.loads(executable["document"]),
            parameters={**defaults, **parameters},
            inputs={
                name: self._checked_url(group, artifact_id, stand_ins["artifacts"])
                for name, artifact_id in inputs.items()
                if name in declared
            },
            stand_ins=stand_ins,
            configuration_id=configuration["id"],
            configuration_name=configuration["name"],
            scenario_id=configuration["scenario_id"],
            executable_id=configuration["executable_id"],
            **more,
        )

    def check_complete(
        self,
        group: str,
        scenario_id: str,
        executable_id: str,
        parameters: Mapping[str, str],
        inputs: Mapping[str, str],
    ) -> Mapping[str, Any]:
        """The executable, if everything it needs is bound and every bound artifact exists; else a
        400. Bindings it does not declare are accepted, as AI Core does."""
        executable = find_executable(self._store, self._models, scenario_id, executable_id)
        if executable is None:
            raise invalid(f"executable {executable_id} for scenario {scenario_id} not found")
        if lacking := lacking_of(executable, parameters, inputs):
            text = f"missing input {', missing input '.join(lacking)} of executable {executable_id}"
            raise ApiError(400, text, code="01510003", details={"code": "400", "message": text})
        for key, artifact_id in inputs.items():
            sql = "SELECT 1 FROM artifacts WHERE id = ? AND resource_group = ?"
            if self._store.row(sql, (artifact_id, group)) is None:
                raise invalid(f"inputArtifactBindings: {key}: artifact {artifact_id} not found")
        return executable

    def _checked_url(self, group: str, artifact_id: str, artifacts: Mapping[str, str]) -> str:
        """The url of an artifact, if something here can be at it; 400 otherwise."""
        row = self._store.row("SELECT url FROM artifacts WHERE id = ?", (artifact_id,))
        url = str(row["url"]) if row else ""
        if url in artifacts:
            return url
        try:
            self._objects.path(group, url)
        except ValueError as error:
            raise invalid(
                f"artifact {artifact_id}: {error}; the emulator stores ai:// urls, others need an "
                "entry in local.artifacts of the stage file"
            ) from None
        return url


def lacking_of(
    executable: Mapping[str, Any], parameters: Mapping[str, str], inputs: Mapping[str, str]
) -> list[str]:
    """What an executable needs and is not bound."""
    summary = json.loads(executable["summary"])
    needed = [item["name"] for item in summary["parameters"] if "default" not in item]
    spared = templates.optional_inputs_of(json.loads(executable["document"]))
    artifacts = [item["name"] for item in summary["inputArtifacts"]]
    return [
        *(f"parameter {name}" for name in needed if name not in parameters),
        *(f"artifact {name}" for name in artifacts if name not in {*inputs, *spared}),
    ]


def executables_of(store: Store, models: ModelList, scenario_id: str) -> list[Mapping[str, Any]]:
    """The executables of a scenario: the platform's own, or what was synced, oldest first."""
    if scenario_id in templates.PLATFORM_SCENARIOS:
        return [*executables.of_scenario(models.read(), scenario_id)]
    sql = "SELECT * FROM executables WHERE scenario_id = ? ORDER BY created_at, id"
    return [dict(row) for row in store.rows(sql, (scenario_id,))]


def find_executable(
    store: Store, models: ModelList, scenario_id: str, executable_id: str
) -> Mapping[str, Any] | None:
    """One executable of a scenario."""
    found = (
        row for row in executables_of(store, models, scenario_id) if row["id"] == executable_id
    )
    return next(found, None)
