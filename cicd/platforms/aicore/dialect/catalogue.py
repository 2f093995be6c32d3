"""The templates of a stage: those in its template folder, as far as AI Core will have them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from cicd.config.files import is_folder
from cicd.config.tree import Node
from cicd.config.variables import GitFacts, GitOverride
from cicd.errors import Problem
from cicd.platforms.aicore.dialect.draft import PLATFORM_SCENARIOS
from cicd.platforms.aicore.dialect.repository import is_here, repository_problems
from cicd.platforms.aicore.dialect.schema import StageFile
from cicd.platforms.aicore.dialect.templates import LOSING, STOOD_IN, Catalogue, read_templates


def read_catalogue(
    file: StageFile, written: Node, root: Path, facts: GitFacts, override: GitOverride | None
) -> tuple[Catalogue, list[Problem]]:
    """The templates of the stage, also where something else in its git section does not fit.

    Without a git section ``templates/`` is only a good guess at what AI Core has, so what is wrong
    there is a warning.
    """
    git, path = written.get("git"), written.get("git", "path")
    has_git = git is not None and isinstance(git.value, dict)
    folder = path.value if path is not None else "templates"
    is_given = isinstance(folder, str) and bool(folder)
    if not is_given or (not has_git and not is_folder(root / folder)):
        return Catalogue(), []
    place = written.place_of("git", "path")
    is_local = override is not None
    repository = file.git.repository if file.git and not is_local else None
    found = repository_problems(facts, root, repository, folder, place, has_override=is_local)
    doubts = list(found) if has_git else []
    is_theirs = is_local or is_here(facts, root, repository, folder)
    if any(problem.severity == "error" for problem in doubts) or not (
        is_theirs or is_folder(root / folder)
    ):
        return Catalogue(), doubts
    templates, problems = read_templates(root, folder, place)
    is_ours = (has_git and is_theirs) or is_local
    if is_ours and not templates and not problems:
        problems = [_no_template(file, written, folder)]
    # A template that could not be read may be the one that a run is missing, so nothing is said of
    # that.
    is_lost = any(p.severity == "error" and p.rule in LOSING for p in problems)
    if is_local:  # something of this machine stands in for images and their secrets
        problems = [_stood_in(problem) for problem in problems]
    if not is_ours:
        problems = [replace(problem, severity="warning") for problem in problems]
    complete = bool(templates) and not is_lost
    placed = tuple(template for template in templates if template.scenario_id)
    unplaced = tuple(template for template in templates if not template.scenario_id)
    return Catalogue(placed, is_ours, complete, unplaced), [*doubts, *problems]


def _stood_in(problem: Problem) -> Problem:
    return replace(problem, severity="warning") if problem.rule in STOOD_IN else problem


def _no_template(file: StageFile, tree: Node, folder: str) -> Problem:
    """One finding for the folder, instead of one for each run that misses its executable."""
    configurations = [item.configuration for item in file.executions]
    configurations += [item.configuration for item in file.deployments]
    is_needed = any(c.scenario_id not in PLATFORM_SCENARIOS for c in configurations)
    message = f'there is no template in "{folder}": add one, or correct git.path'
    place = tree.place_of("git", "path")
    return place.problem(message, "no-template", "error" if is_needed else "warning")
