"""Artifacts and configurations: created once, never changed, found by what they say."""

from __future__ import annotations

from collections.abc import Callable

from ai_api_client_sdk.models.artifact import Artifact
from ai_api_client_sdk.models.input_artifact_binding import InputArtifactBinding
from ai_api_client_sdk.models.label import Label
from ai_api_client_sdk.models.parameter_binding import ParameterBinding

from cicd.errors import PlatformError
from cicd.model import LiveResource, Resource
from cicd.platforms.aicore import convert
from cicd.platforms.aicore.api import Api, made
from cicd.platforms.aicore.convert import Document


class Immutable:
    """What both have in common: reading, and finding by content."""

    def __init__(self, api: Api, path: str, read: Callable[[Document], LiveResource]) -> None:
        self._api = api
        self._path = path
        self._read = read

    def peek(self, *, is_thorough: bool = False) -> list[LiveResource]:
        """All of them."""
        found = self._api.http.pages(self._path, is_thorough=is_thorough)
        return [self._read(item) for item in found]

    def get(self, live: LiveResource) -> LiveResource:
        return self._read(self._api.get(f"{self._path}/{live.id}"))

    def find(self, desired: Resource, known: frozenset[str]) -> LiveResource | None:
        params = {"scenarioId": desired.spec["scenario_id"]}
        items = map(self._read, self._api.http.pages(self._path, params))
        same = [item for item in items if convert.has_content(item, desired)]
        return max(same, key=lambda item: item.created_at, default=None)

    def update(self, live: LiveResource, desired: Resource) -> LiveResource:
        raise PlatformError(f"{live.key} can never be changed", hint="it is created anew")

    def delete(self, live: LiveResource) -> None:
        raise PlatformError(f"{live.key} can never be deleted", hint="AI Core has no call for it")


class Artifacts(Immutable):
    """``artifact/<key>``."""

    def __init__(self, api: Api) -> None:
        super().__init__(api, "/lm/artifacts", convert.artifact)

    def create(self, desired: Resource) -> LiveResource:
        spec = desired.spec
        labels = [Label(key, value) for key, value in (spec.get("labels") or {}).items()]
        answer = self._api.artifacts.create(
            spec["name"],
            Artifact.Kind(spec["kind"]),
            spec["url"],
            spec["scenario_id"],
            description=spec.get("description"),
            labels=labels,
        )
        return made(desired, answer.id, spec["name"], convert.THERE)


class Configurations(Immutable):
    """``configuration/<key>``."""

    def __init__(self, api: Api) -> None:
        super().__init__(api, "/lm/configurations", convert.configuration)

    def create(self, desired: Resource) -> LiveResource:
        spec = desired.spec
        parameters = spec.get("parameter_bindings") or {}
        inputs = spec.get("input_artifact_bindings") or {}
        answer = self._api.configurations.create(
            spec["name"],
            spec["scenario_id"],
            spec["executable_id"],
            [ParameterBinding(key, value) for key, value in parameters.items()],
            [InputArtifactBinding(key, id) for key, id in inputs.items()],
        )
        return made(desired, answer.id, spec["name"], convert.THERE)
