"""Where artifacts of other stages lie, in the words of AI Core: ``ai://SECRET/PATH``."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from cicd.errors import Problem
from cicd.model import Hidden, Key, Ref, Resource, opened

STORE = "object_store_secret"
_S3 = re.compile(r"s3[an]?://([^/]+)/(.+)")


def taking(desired: Iterable[Resource]) -> frozenset[Key]:
    """The artifacts whose address another stage tells."""
    return frozenset(
        wish.key
        for wish in desired
        if wish.key.kind == "artifact" and isinstance(wish.spec.get("url"), Ref)
    )


def translated(desired: Sequence[Resource], keys: Collection[Key]) -> list[Resource]:
    """The same with addresses in the buckets of object store secrets of the stage as AI Core has
    them. ``keys``: of which artifacts."""
    stores = [wish for wish in desired if wish.key.kind == STORE]
    return [_translated(wish, stores) if wish.key in keys else wish for wish in desired]


def unresolvable(desired: Iterable[Resource], keys: Collection[Key]) -> Iterator[Problem]:
    """A warning for each address that AI Core can make nothing of."""
    for wish in desired:
        url = wish.spec.get("url")
        if wish.key in keys and isinstance(url, str) and _S3.fullmatch(url):
            file, line, column = wish.source.rsplit(":", 2)
            message = f"{wish.key}: AI Core cannot resolve {url}: declare the secret of its bucket "
            message += "under secrets.object_store"
            yield Problem(file, int(line), int(column), message, "artifact-url", "warning")


def _translated(wish: Resource, stores: Iterable[Resource]) -> Resource:
    url = wish.spec["url"]
    match = _S3.fullmatch(str(opened(url))) if isinstance(url, str | Hidden) else None
    if match is None:
        return wish
    bucket, path = match[1], match[2].rstrip("/")
    prefixes = {
        str(store.spec["name"]): _prefix(store.spec)
        for store in stores
        if opened(store.spec.get("bucket")) == bucket
    }
    inside = {name: prefix for name, prefix in prefixes.items() if path.startswith(prefix)}
    if not inside:
        return wish
    name, prefix = max(inside.items(), key=lambda item: len(item[1]))
    found = f"ai://{name}/{path.removeprefix(prefix)}"
    shown = Hidden(found) if isinstance(url, Hidden) else found
    return replace(wish, spec={**wish.spec, "url": shown})


def _prefix(spec: Mapping[str, object]) -> str:
    """What all paths of a store begin with in its bucket."""
    prefix = str(opened(spec.get("path_prefix")) or "").strip("/")
    return f"{prefix}/" if prefix else ""
