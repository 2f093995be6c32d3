"""What must be there before anything runs, as resources: the group, reserved nodes, secrets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cicd.config.tree import Path
from cicd.model import Key, Resource, Secret
from cicd.platforms.aicore.dialect.draft import Draft, generic_names
from cicd.platforms.aicore.dialect.secret_schema import ObjectStore

_NO_LOGINS = Secret('{"auths": {}}')
"""The empty docker config: AI Core takes no empty text."""


def group_of(draft: Draft) -> Resource:
    """The resource group that the stage deploys to."""
    spec: dict[str, Any] = {"name": draft.resource_group}
    if draft.file.aicore.labels:
        spec["labels"] = draft.hidden(draft.file.aicore.labels, "aicore", "labels")
    source = str(draft.place("aicore", "resource_group"))
    return Resource(Key("resource_group", draft.resource_group), spec, source=source)


def supplies_of(draft: Draft, group: frozenset[Key]) -> list[Resource]:
    """Nodes and secrets. All come after the ``group``, in which the fingerprints of secrets are."""
    return [
        Resource(key, spec, depends_on=group, source=source)
        for key, spec, source in (*_nodes(draft), *_secrets(draft))
    ]


def _nodes(draft: Draft) -> Iterator[tuple[Key, dict[str, Any], str]]:
    for plan, count in draft.file.aicore.nodes.items():
        source = str(draft.place("aicore", "nodes", plan, key=True))
        yield Key("node_reservation", plan), {"name": plan, "count": count}, source


def _secrets(draft: Draft) -> Iterator[tuple[Key, dict[str, Any], str]]:
    secrets = draft.file.secrets
    for index, docker in enumerate(secrets.docker_registry):
        data = {key: value if value.reveal() else _NO_LOGINS for key, value in docker.data.items()}
        spec: dict[str, Any] = {"name": docker.name, "data": data}
        source = str(draft.place("secrets", "docker_registry", index))
        yield Key("docker_registry_secret", docker.name), spec, source
    names = generic_names([(item.name, item.scope) for item in secrets.generic])
    for index, (name, generic) in enumerate(zip(names, secrets.generic, strict=True)):
        path = ("secrets", "generic", index)
        spec = {"name": generic.name, "scope": generic.scope, "data": dict(generic.data)}
        if generic.labels is not None:
            spec["labels"] = draft.hidden(generic.labels, *path, "labels")
        yield Key("generic_secret", name), spec, str(draft.place(*path))
    for index, store in enumerate(secrets.object_store):
        path = ("secrets", "object_store", index)
        spec = _store_spec(draft, store, path)
        yield Key("object_store_secret", store.name), spec, str(draft.place(*path))


def _store_spec(draft: Draft, store: ObjectStore, path: Path) -> dict[str, Any]:
    """Only what the stage file says: what it leaves out is the platform's business."""
    given: Mapping[str, Any] = {
        "bucket": store.bucket,
        "endpoint": store.endpoint,
        "region": store.region,
        "path_prefix": store.path_prefix,
        "use_https": store.use_https,
        "verify_ssl": store.verify_ssl,
    }
    fields = {
        name: draft.hidden(value, *path, name) for name, value in given.items() if value is not None
    }
    return {"name": store.name, "type": store.type, **fields, "data": dict(store.data)}
