"""Stage file -> Stage.

::

    files, json_source ─► inherit (extends, legacy) ─► variables ─► validate (schema)
                                                                        │
    templates (metadata, workflow, serving) ─────────────────► resolve, rules ─► build ─► Stage

``tree`` carries every value with its place; ``load`` runs the steps.
"""

from cicd.config.load import (
    check_stage,
    find_stage_for_branch,
    load_flows,
    load_former,
    load_stage,
    shared_branches,
    stage_files,
    stage_name,
)
from cicd.config.variables import GitFacts, GitOverride

__all__ = [
    "GitFacts",
    "GitOverride",
    "check_stage",
    "find_stage_for_branch",
    "load_flows",
    "load_former",
    "load_stage",
    "shared_branches",
    "stage_files",
    "stage_name",
]
