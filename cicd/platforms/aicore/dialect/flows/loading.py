"""The flows of a stage file, for who builds their templates."""

from __future__ import annotations

from cicd.config.inherit import read_whole
from cicd.config.load import find_stage, read_draft
from cicd.config.surroundings import Surroundings
from cicd.config.validate import places
from cicd.errors import InvalidStage
from cicd.platforms.aicore.dialect.draft import Draft
from cicd.platforms.aicore.dialect.flows.declared import Flow, flows_of


def load_flows(argument: str, around: Surroundings) -> list[Flow]:
    """The flows of a stage, whether or not the rest of it is right; those of another platform have
    none. Raises InvalidStage."""
    draft, problems = read_draft(argument, around)
    if not isinstance(draft, Draft):
        return []
    path = find_stage(argument, around.root)
    node = read_whole(path, around.root, around.dialects, env=around.env).tree.get("flows")
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
