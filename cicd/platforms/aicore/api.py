"""AI Core's API as the SDK's resource clients know it, all on one session."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from ai_core_sdk.resource_clients import (
    ArtifactClient,
    ConfigurationClient,
    DeploymentClient,
    ExecutionClient,
    ResourceGroupsClient,
)
from ai_core_sdk.resource_clients.applications_client import ApplicationsClient
from ai_core_sdk.resource_clients.metrics_client import MetricsCoreClient
from ai_core_sdk.resource_clients.repositories_client import RepositoriesClient

from cicd.errors import ConnectionFailed, LostAnswer, NotFound, PlatformError
from cicd.model import Key, LiveResource, Resource, Status
from cicd.platforms.aicore.bulk import Capabilities
from cicd.platforms.aicore.convert import Document
from cicd.platforms.aicore.rest import Http, RestClient

METRIC_BATCH = 10
"""Executions that one metrics request may name."""


class Api:
    """The SDK's clients do the writes. Reads go through ``http``: the SDK's models raise on new
    words and missing fields, and its lists end after the first page."""

    def __init__(self, http: Http, group: str) -> None:
        self.http = http
        self.group = group
        self.capabilities = Capabilities(http)
        lm, root = RestClient(http, "/lm"), RestClient(http)
        self.artifacts = ArtifactClient(lm)
        self.configurations = ConfigurationClient(lm)
        self.executions = ExecutionClient(lm)
        self.deployments = DeploymentClient(lm)
        self.metrics = MetricsCoreClient(lm)
        self.resource_groups = ResourceGroupsClient(root)
        self.repositories = RepositoriesClient(root)
        self.applications = ApplicationsClient(root)

    def get(self, path: str) -> dict[str, Any]:
        """One object. Raises NotFound."""
        found = self.http.call("GET", path)
        url = self.http.base_url + path
        if isinstance(found, dict):
            asked = path.rpartition("/")[2]
            # A gateway with a wrong route or cache answers with what was not asked for, and the
            # wrong thing would be changed.
            if any(found.get(name, asked) != asked for name in ("id", "resourceGroupId")):
                raise ConnectionFailed(f"{url} answers with another one", hint="check the base URL")
            return found
        raise ConnectionFailed(f"{url} does not answer with an object", hint="check the base URL")

    def get_or_none(self, path: str) -> dict[str, Any] | None:
        """One object, or None when there is none."""
        try:
            return self.get(path)
        except NotFound:
            return None

    def completed(self, item: Document, path: str, needs: Iterable[str]) -> Document:
        """An item of a list with what it leaves out of ``needs``, as far as the thing itself, at
        ``path``, tells it; as it is where that is gone."""
        if all(name in item for name in needs):
            return item
        return {**item, **(self.get_or_none(path) or {})}

    def executables(self, scenarios: Iterable[str]) -> dict[str, Document]:
        """Executable id -> document with ``scenarioId``; a scenario not known has none."""
        found: dict[str, Document] = {}
        for scenario in sorted(set(scenarios)):
            path = f"/lm/scenarios/{scenario}/executables"
            try:
                # The API has no pages here (and none for scenarios and versions).
                items = self.http.pages(path, is_paged=False)
            except NotFound:
                continue
            found.update({str(i["id"]): {**i, "scenarioId": scenario} for i in items})
        return found

    def tracked(self, execution_ids: Iterable[str]) -> dict[str, Document]:
        """Execution id -> its tags and metrics, for at most METRIC_BATCH ids."""
        wanted, found = list(execution_ids), dict[str, Document]()
        while wanted:
            params = {"executionIds": ",".join(wanted), "$select": "metrics,tags,customInfo"}
            try:
                items = self.http.pages("/lm/metrics", params, is_paged=False)
            except PlatformError as error:
                if error.status in {404, 501}:  # none written, or a platform without metrics
                    break
                raise
            told = {str(item.get("executionId")): item for item in items}
            found |= told
            # the others have none, or were cut off on the way
            wanted = [id for id in wanted if id not in told] if told.keys() & set(wanted) else []
        return found


def made(
    desired: Resource, id: str, name: str, status: Status, outputs: Mapping[str, str] | None = None
) -> LiveResource:
    """What a create made, as far as its answer tells. Raises LostAnswer when that had no id."""
    if not id:
        raise LostAnswer(f"the platform accepted {desired.key} but did not say its id")
    key = Key(desired.key.kind, name)
    return LiveResource(key, id, desired.spec, status, {"id": id, **(outputs or {})})


def changed(live: LiveResource, desired: Resource, status: Status) -> LiveResource:
    """The live resource after an update was accepted."""
    return replace(live, spec=desired.spec, status=status)
