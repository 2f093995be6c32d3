"""The language of stage files, whatever the platform: stage file -> Stage.

::

    files, json_source ─► inherit (extends) ─► variables ─► validate (schema)
                                                                │
                                              Stage ◄─ build ◄─ rules, draft

``tree`` carries every value with its place; ``load`` runs the steps. What is a platform's own at
each of them its ``dialect`` says, which is handed in.
"""

from cicd.config.load import (
    check_stage,
    find_stage_for_branch,
    load_former,
    load_stage,
    shared_branches,
    stage_files,
    stage_name,
)
from cicd.config.surroundings import Surroundings
from cicd.config.variables import GitFacts, GitOverride

__all__ = [
    "GitFacts",
    "GitOverride",
    "Surroundings",
    "check_stage",
    "find_stage_for_branch",
    "load_former",
    "load_stage",
    "shared_branches",
    "stage_files",
    "stage_name",
]
