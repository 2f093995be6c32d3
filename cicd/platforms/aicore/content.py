"""Artifacts and configurations: created once, never changed, found by what they say."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from ai_api_client_sdk.models.artifact import Artifact
from ai_api_client_sdk.models.input_artifact_binding import InputArtifactBinding
from ai_api_client_sdk.models.label import Label
from ai_api_client_sdk.models.parameter_binding import ParameterBinding

from cicd.errors import ConnectionFailed, PlatformError
from cicd.model import LiveResource, Resource
from cicd.platforms.aicore import convert, statuses
from cicd.platforms.aicore.api import Api, made
from cicd.platforms.aicore.convert import Document

NAMES = {"name": "name", "scenario_id": "scenarioId"}
BINDINGS = frozenset({"parameterBindings", "inputArtifactBindings"})
NEEDED = BINDINGS | {"name", "scenarioId", "executableId", "kind", "url"}
"""What tells two of them apart. Labels and descriptions that are left out are taken for none."""


class Immutable:
    """What both have in common: reading, and finding by content. ``fields``: ours -> the API's."""

    def __init__(
        self,
        api: Api,
        kind: str,
        fields: Mapping[str, str],
        read: Callable[[Document], LiveResource],
    ) -> None:
        self._api = api
        self._kind = kind
        self._fields = fields
        self._path = f"/lm/{kind}s"
        self._read = read

    def peek(
        self, desired: Iterable[Resource] = (), *, is_thorough: bool = False
    ) -> list[LiveResource]:
        """All of them; what may be a desired one with all of its content."""
        found = self._api.http.pages(self._path, is_thorough=is_thorough)
        wishes = [wish for wish in desired if wish.key.kind == self._kind]
        return self._whole(found, wishes)

    def listed(
        self, lives: Sequence[LiveResource], most: int | None = None
    ) -> dict[str, LiveResource]:
        """Those of these that the list shows; none of them is ever waited for."""
        ids = {live.id for live in lives} if most is None else set()
        found = self._api.http.those(self._path, ids) if ids else []
        return {live.id: live for live in map(self._read, found)}

    def get(self, live: LiveResource) -> LiveResource:
        return self._read(self._api.get(f"{self._path}/{live.id}"))

    def find(self, desired: Resource, known: frozenset[str]) -> LiveResource | None:
        params = {"scenarioId": desired.spec["scenario_id"]}
        found = self._api.http.pages(self._path, params)
        # Compared here field by field, because the API can neither search for content nor for a
        # whole name, and answers with things in no promised order.
        same = [i for i in self._whole(found, [desired]) if convert.has_content(i, desired)]
        return max(same, key=lambda item: item.created_at, default=None)

    def _whole(self, items: Sequence[Document], wishes: Sequence[Resource]) -> list[LiveResource]:
        """The items, each that may be a wish with all of its content."""
        # a list that some have may be left out where it is empty, else nobody tells it
        told = BINDINGS & {name for item in items for name in item}
        needed = [theirs for theirs in self._fields.values() if theirs in NEEDED - told]
        used = {name for wish in wishes for name, value in wish.spec.items() if value}
        asked = [theirs for ours, theirs in self._fields.items() if ours in used]
        return [
            # nearly all of many tell all that anybody asks
            self._read(
                item if all(name in item for name in asked) else self._told(item, wishes, needed)
            )
            for item in items
        ]

    def _told(
        self, item: Document, wishes: Iterable[Resource], needed: Collection[str]
    ) -> Document:
        """The item with what the list leaves out, where as far as it is told it is one of the
        wishes: taken for another it would be made a second time. Raises ConnectionFailed where
        the thing itself does not tell it either."""
        for wish in wishes:
            wanted = [self._fields[name] for name in self._fields if wish.spec.get(name)]
            if all(name in item for name in wanted) or not self._may_be(item, wish):
                continue
            whole = self._api.completed(item, f"{self._path}/{item['id']}", wanted)
            missing = [name for name in wanted if name in needed and name not in whole]
            if missing:
                raise ConnectionFailed(
                    f"{self._path}/{item['id']} does not tell its {', '.join(missing)}",
                    hint="without it nobody knows whether it is the one that is wanted",
                )
            return whole
        return item

    def _may_be(self, item: Document, wish: Resource) -> bool:
        told = {ours: wish.spec[ours] for ours in self._fields if ours in wish.spec}
        told = {ours: value for ours, value in told.items() if self._fields[ours] in item}
        return convert.has_content(self._read(item), Resource(wish.key, told))

    def update(self, live: LiveResource, desired: Resource) -> LiveResource:
        raise PlatformError(f"{live.key} can never be changed", hint="it is created anew")

    def delete(self, live: LiveResource) -> None:
        raise PlatformError(f"{live.key} can never be deleted", hint="AI Core has no call for it")


class Artifacts(Immutable):
    """``artifact/<key>``."""

    def __init__(self, api: Api) -> None:
        fields = {"kind": "kind", "url": "url", "labels": "labels", "description": "description"}
        super().__init__(api, "artifact", NAMES | fields, convert.artifact)

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
        return made(desired, answer.id, spec["name"], statuses.THERE)


class Configurations(Immutable):
    """``configuration/<key>``."""

    def __init__(self, api: Api) -> None:
        fields = {
            "executable_id": "executableId",
            "parameter_bindings": "parameterBindings",
            "input_artifact_bindings": "inputArtifactBindings",
        }
        super().__init__(api, "configuration", NAMES | fields, convert.configuration)

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
        return made(desired, answer.id, spec["name"], statuses.THERE)
