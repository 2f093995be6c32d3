"""From a STAGE argument to a Stage or to all that is wrong with it: the steps in their order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from cicd.config.build import build_stage
from cicd.config.draft import Draft
from cicd.config.files import SUFFIXES, label, read_tree
from cicd.config.inherit import read_stage_tree, stage_files_in
from cicd.config.resolve import check_references
from cicd.config.rules import NO_GROUP, check_rules
from cicd.config.schema import StageFile
from cicd.config.templates import Catalogue, read_templates
from cicd.config.tree import Node, did_you_mean
from cicd.config.validate import validate
from cicd.config.variables import Context, GitFacts, GitOverride, replace_variables
from cicd.errors import InvalidStage, Problem, Usage
from cicd.model import Stage

FOLDER = "stages"


def load_stage(
    argument: str,
    *,
    root: Path,
    env: Mapping[str, str],
    variables: Mapping[str, str],
    git: GitFacts,
    application: GitOverride | None = None,
) -> Stage:
    """The stage that ``argument`` names (``dev``, or a file), ready to be planned.

    ``root`` is the repository; ``variables`` are those of ``--var``. Raises InvalidStage with every
    problem there is, credentials that are not set included.
    """
    context = Context("", env, variables, git, is_lenient=application is not None)
    draft, problems = _read(argument, root, context, application)
    errors = [problem for problem in problems if problem.severity == "error"]
    if draft is None or errors:
        raise InvalidStage(errors)
    return build_stage(draft)


def check_stage(
    argument: str,
    *,
    root: Path,
    env: Mapping[str, str],
    variables: Mapping[str, str],
    git: GitFacts,
    application: GitOverride | None = None,
) -> list[Problem]:
    """Everything that is wrong or doubtful, sorted by place. No network, no credentials needed."""
    context = Context("", env, variables, git, is_lenient=True)
    try:
        _, problems = _read(argument, root, context, application)
    except InvalidStage as error:
        problems = list(error.problems)
    return sorted({_as_checked(problem) for problem in problems})


def _as_checked(problem: Problem) -> Problem:
    """The resource group may come from an environment that a check does not have."""
    return replace(problem, severity="warning") if problem.rule == NO_GROUP else problem


def _read(
    argument: str, root: Path, context: Context, override: GitOverride | None
) -> tuple[Draft | None, list[Problem]]:
    path = find_stage(argument, root)
    tree, problems = read_stage_tree(path, root)
    named = tree.get("stage")
    name = named.value if named is not None and isinstance(named.value, str) else path.stem
    tree, found = replace_variables(tree, replace(context, stage=name))
    problems += found
    file, tree, found = validate(tree)
    problems += _at_new_places(found, problems)
    if file is None:
        return None, problems
    catalogue, found = _read_catalogue(file, tree, root, override)
    problems += found
    group = file.aicore.resource_group or context.env.get("AICORE_RESOURCE_GROUP", "")
    draft = Draft(name, file, tree, root, catalogue, group, context.git, override)
    found = [*check_references(draft), *check_rules(draft)]
    return draft, problems + _at_new_places(found, problems)


def _at_new_places(found: list[Problem], known: list[Problem]) -> list[Problem]:
    """Without those that only follow from another problem in the same place."""
    places = {(p.file, p.line, p.column) for p in known if p.line}
    return [p for p in found if (p.file, p.line, p.column) not in places]


def _read_catalogue(
    file: StageFile, tree: Node, root: Path, override: GitOverride | None
) -> tuple[Catalogue, list[Problem]]:
    """The templates of the stage. Without a git section ``templates/`` is only a good guess at what
    AI Core has, so what is wrong there is a warning."""
    if file.git is None and not (root / "templates").is_dir():
        return Catalogue(), []
    folder = file.git.path if file.git else "templates"
    templates, problems = read_templates(root, folder, tree.place_of("git", "path"))
    is_ours = file.git is not None or override is not None
    if is_ours and not templates and not problems:
        place = tree.place_of("git", "path")
        problems = [place.problem(f'there is no template in "{folder}"', "template", "warning")]
    if not is_ours:
        problems = [replace(problem, severity="warning") for problem in problems]
    is_complete = is_ours and not any(problem.severity == "error" for problem in problems)
    return Catalogue(tuple(templates), is_ours, is_complete), problems


def find_stage(argument: str, root: Path) -> Path:
    """The file of a stage: a name is looked up in ``stages/``. Raises InvalidStage."""
    is_path = argument.lower().endswith(SUFFIXES) or "/" in argument or "\\" in argument
    if not is_path:
        return _find_named(argument, root)
    given = Path(argument)
    found = [path for path in (given, root / given) if path.is_file()]
    inside = [path for path in found if path.resolve().is_relative_to(root.resolve())]
    if found:
        return (inside or found)[0]
    known = [*stage_files(root), *stage_files_in(given.parent)]
    raise InvalidStage(
        [Problem(argument, 0, 0, f"no such stage file{did_you_mean(argument, known)}")]
    )


def _find_named(name: str, root: Path) -> Path:
    found = [path for s in SUFFIXES if (path := root / FOLDER / f"{name}{s}").is_file()]
    if len(found) == 1:
        return found[0]
    if found:
        files = " and ".join(label(path, root) for path in found)
        raise InvalidStage([Problem(FOLDER, 0, 0, f'the stage "{name}" is in {files}: keep one')])
    known = [Path(file).stem for file in stage_files(root)]
    there = f"there are: {', '.join(known)}" if known else f"there is none in {FOLDER}/"
    message = f'no stage "{name}"{did_you_mean(name, known)}; {there}'
    raise InvalidStage([Problem(FOLDER, 0, 0, message)])


def stage_files(root: Path) -> list[str]:
    """All stages of a repository, as paths relative to it.

    A file that others extend and that has neither ``stage`` nor ``branch`` is only their base.
    """
    folder = root / FOLDER
    names = stage_files_in(folder)
    heads = {name: _head(folder / name, root) for name in names}
    bases = {
        (folder / str(head["extends"])).resolve() for head in heads.values() if "extends" in head
    }
    return [
        f"{FOLDER}/{name}"
        for name in names
        if (folder / name).resolve() not in bases or heads[name].keys() & {"stage", "branch"}
    ]


def _head(path: Path, root: Path) -> dict[str, object]:
    """What a file itself says of stage, branch and extends; nothing if it cannot be read."""
    try:
        tree = read_tree(path, label(path, root))
    except InvalidStage:
        return {}
    nodes = {key: tree.get(key) for key in ("stage", "branch", "extends")}
    return {key: node.value for key, node in nodes.items() if node is not None}


def find_stage_for_branch(root: Path, branch: str) -> str:
    """The stage that a push to ``branch`` applies, as a file relative to the root. Raises Usage."""
    branches: dict[str, object] = {}
    for file in stage_files(root):
        try:
            tree, _ = read_stage_tree(root / file, root)
        except InvalidStage:
            continue  # said when that stage is the one that is wanted
        node = tree.get("branch")
        branches[file] = node.value if node is not None else None
    found = [file for file, value in branches.items() if value == branch]
    if len(found) == 1:
        return found[0]
    hint = "name a stage: " + (", ".join(Path(file).stem for file in branches) or "there is none")
    if found:
        raise Usage(f'the branch "{branch}" belongs to {" and ".join(found)}', hint=hint)
    raise Usage(f'no stage has the branch "{branch}"', hint=hint)
