"""Checks of the ``secrets`` section: which entries each sort of secret needs on AI Core."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from cicd.config import formats
from cicd.config.draft import Draft
from cicd.config.schema import ObjectStore
from cicd.config.tree import did_you_mean
from cicd.errors import Problem


@dataclass(frozen=True)
class _Entries:
    """What ``data`` of one sort of secret must and may have."""

    needed: tuple[str, ...]
    possible: tuple[str, ...] = ()


_OBJECT_STORES = {
    "S3": _Entries(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")),
    "oss": _Entries(("BUCKET", "ENDPOINT", "REGION", "ACCESS_KEY_ID", "SECRET_ACCESS_KEY")),
    "webhdfs": _Entries(("HDFS_NAMENODE",), ("TLS_CERT", "TLS_KEY", "HEADERS")),
    "azure": _Entries(
        ("CONTAINER_URI", "STORAGE_ACCESS_KEY"),
        ("REGION", "CLIENT_ID", "CLIENT_SECRET", "TENANT_ID", "SUBSCRIPTION_ID"),
    ),
    "gcs": _Entries(("BUCKET", "PRIVATE_KEY")),
}
_DOCKER = _Entries((".dockerconfigjson",))
_ONLY_S3 = ("bucket", "endpoint", "region")

_Path = tuple[str | int, ...]


def check_secrets(draft: Draft) -> Iterator[Problem]:
    """All problems of the ``secrets`` section."""
    secrets = draft.file.secrets
    for index, store in enumerate(secrets.object_store):
        path: _Path = ("secrets", "object_store", index)
        yield from _check_entries(draft, path, store.data, _OBJECT_STORES[store.type])
        yield from _check_store(draft, path, store)
    for index, docker in enumerate(secrets.docker_registry):
        path = ("secrets", "docker_registry", index)
        yield from _check_entries(draft, path, docker.data, _DOCKER)
    for index, generic in enumerate(secrets.generic):
        yield from _check_generic(draft, ("secrets", "generic", index), generic.data)
    for section, names in (
        ("object_store", [item.name for item in secrets.object_store]),
        ("docker_registry", [item.name for item in secrets.docker_registry]),
        ("generic", [f"{item.name} ({item.scope})" for item in secrets.generic]),
    ):
        yield from _check_unique(draft, section, names)


def _check_entries(
    draft: Draft, path: _Path, given: Iterable[str], entries: _Entries
) -> Iterator[Problem]:
    known = (*entries.needed, *entries.possible)
    unknown = [name for name in given if name not in known]
    missing = [
        name
        for name in entries.needed
        if name not in given and not draft.has_lost(*path, "data", name)
    ]
    for name in unknown:
        hint = did_you_mean(name, known) or f" (there are: {', '.join(known)})"
        place = draft.place(*path, "data", name, key=True)
        yield place.problem(f'data has an unknown entry "{name}"{hint}', "secret-entries")
    if missing:
        message = f"data needs {' and '.join(missing)}: add what is missing"
        yield draft.place(*path, "data", key=True).problem(message, "secret-entries")


def _check_store(draft: Draft, path: _Path, store: ObjectStore) -> Iterator[Problem]:
    if store.type == "S3":
        if not store.bucket and not draft.has_lost(*path, "bucket"):
            message = "an object store of type S3 needs a bucket: add it"
            yield draft.place(*path).problem(message, "secret-fields")
        return
    for field in _ONLY_S3:
        if getattr(store, field):
            message = f"{field} counts for type S3 only: for {store.type} write it into data"
            yield draft.place(*path, field, key=True).problem(message, "secret-fields")


def _check_generic(draft: Draft, path: _Path, data: Iterable[str]) -> Iterator[Problem]:
    names = list(data)
    if not names and draft.is_whole(*path, "data"):
        message = "data is empty: give it at least one entry"
        yield draft.place(*path, "data", key=True).problem(message, "secret-entries")
    for name in names:
        if not formats.SECRET_ENTRY.fullmatch(name):
            message = f'"{name}" must be letters, digits, dots, hyphens, underscores, 253 at most'
            place = draft.place(*path, "data", name, key=True)
            yield place.problem(message, "secret-entries")


def _check_unique(draft: Draft, section: str, names: list[str]) -> Iterator[Problem]:
    for index, name in enumerate(names):
        first = names.index(name)
        if first != index:
            place = draft.place("secrets", section, first)
            message = f"the secret {name} is already defined at {place}: keep one"
            yield draft.place("secrets", section, index, "name").problem(message, "duplicate-name")
