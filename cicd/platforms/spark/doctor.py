"""Looks at a cluster, and at what remembers its jobs, the way an apply would use them."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

from cicd.errors import CicdError
from cicd.platforms.base import Finding
from cicd.platforms.spark.documents import Documents
from cicd.platforms.spark.submitter import Submitter


def examine(
    submitter: Submitter, records: Documents, state: str, *, is_enough: bool
) -> Iterator[Finding]:
    """All findings, in an order in which each explains those after it. ``state``: where what is
    remembered is; ``is_enough``: it need not be known anywhere else."""
    yield from submitter.examine()
    yield _memory(records, state, is_enough)


def _memory(records: Documents, state: str, is_enough: bool) -> Finding:
    probe = str(uuid.uuid4())
    try:
        records.add("probe", probe, {})
        records.delete("probe", probe)
    except CicdError as error:
        return Finding("memory", "error", error.message, error.hint)
    except OSError as error:
        text, cure = f"{state} cannot be written: {error.strerror}", "name another in spark.state"
        return Finding("memory", "error", text, cure)
    if not is_enough:
        cure = "set spark.state to a folder that all who apply this stage share"
        return Finding("memory", "warning", "jobs are remembered on this machine only", cure)
    return Finding("memory", "ok", f"jobs are remembered in {state}")
