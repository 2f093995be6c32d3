"""What is remembered of a job, as a stage file says it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from cicd.model import LiveResource


def as_written(live: LiveResource) -> LiveResource:
    """With what it reads, writes and takes along under the names that these have in a file."""
    spec = dict(live.spec)
    told = {
        "inputs": _assets(spec.pop("reads", {})),
        "outputs": _assets(spec.pop("writes", {})),
        "files": spec.pop("beside", []),
    }
    kept = {name: value for name, value in spec.items() if name not in told}
    return replace(live, spec={**kept, **{name: value for name, value in told.items() if value}})


def _assets(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"name": name, **asset} for name, asset in found.items()]
