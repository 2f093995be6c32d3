"""Looks at a cluster, and at what remembers its jobs, the way an apply would use them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from cicd.platforms.base import Finding
from cicd.platforms.spark.submitter import Submitter


def examine(submitter: Submitter, state: Path, *, is_enough: bool) -> Iterator[Finding]:
    """All findings, in an order in which each explains those after it. ``is_enough``: what is
    remembered in ``state`` need not be known anywhere else."""
    yield from submitter.examine()
    yield _memory(state, is_enough)


def _memory(state: Path, is_enough: bool) -> Finding:
    above = next((path for path in (state, *state.parents) if path.exists()), state)
    if not os.access(above, os.W_OK):
        text, cure = f"{state} cannot be written", "name another folder in spark.state"
        return Finding("memory", "error", text, cure)
    if not is_enough:
        cure = "set spark.state to a folder that all who apply this stage share"
        return Finding("memory", "warning", "jobs are remembered on this machine only", cure)
    return Finding("memory", "ok", f"jobs are remembered in {state}")
