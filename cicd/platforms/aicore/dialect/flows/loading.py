"""The flows of a stage file, for who builds their templates."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from cicd.config.dialect import Dialects
from cicd.config.inherit import read_whole
from cicd.config.load import find_stage, read_draft
from cicd.config.validate import places
from cicd.config.variables import GitFacts
from cicd.errors import InvalidStage
from cicd.platforms.aicore.dialect.draft import Draft
from cicd.platforms.aicore.dialect.flows.declared import Flow, flows_of


def load_flows(
    argument: str,
    *,
    root: Path,
    env: Mapping[str, str],
    variables: Mapping[str, str],
    git: GitFacts,
    dialects: Dialects,
) -> list[Flow]:
    """The flows of a stage, whether or not the rest of it is right; those of another platform have
    none. Raises InvalidStage."""
    draft, problems = read_draft(
        argument, root=root, env=env, variables=variables, git=git, dialects=dialects
    )
    if not isinstance(draft, Draft):
        return []
    node = read_whole(find_stage(argument, root), root, dialects, env=env).tree.get("flows")
    at = {(p.file, p.line, p.column) for p in places(node)} if node is not None else set()
    wrong = [
        problem
        for problem in problems
        if problem.severity == "error" and problem.rule != "no-template"  # it may yet be built
        if (problem.file, problem.line, problem.column) in at
    ]
    if wrong:
        raise InvalidStage(wrong)
    return flows_of(draft)
