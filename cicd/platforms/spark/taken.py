"""What jobs read that other stages have made, as Hadoop calls it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from cicd.model import Hidden, Ref, Resource

SCHEME, HADOOP = "s3://", "s3a://"


def as_hadoop_reads(wish: Resource, asked: Resource | None) -> Resource:
    """The wish with ``s3a://`` for what is at ``s3://``, which Spark cannot read. ``asked``: as the
    stage file has it; what that says itself stays."""
    reads: Mapping[str, Any] = wish.spec.get("reads", {})
    before: Mapping[str, Any] = asked.spec.get("reads", {}) if asked else {}
    taken = {
        name: {**asset, "url": _as_hadoop(asset["url"])}
        for name, asset in reads.items()
        if isinstance(before.get(name, {}).get("url"), Ref)
        if isinstance(asset["url"], str | Hidden)
    }
    return replace(wish, spec={**wish.spec, "reads": {**reads, **taken}}) if taken else wish


def _as_hadoop(url: str | Hidden) -> str | Hidden:
    if isinstance(url, Hidden):
        return Hidden(str(_as_hadoop(url.reveal())))
    return f"{HADOOP}{url.removeprefix(SCHEME)}" if url.startswith(SCHEME) else url
