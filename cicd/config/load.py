"""From a STAGE argument to a Stage or to all that is wrong with it: the steps in their order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from cicd.config import formats
from cicd.config.files import SUFFIXES, is_file, is_folder, label, read_tree
from cicd.config.inherit import read_stage_tree, stage_files_in
from cicd.config.left_over import check_left_over
from cicd.config.plain_secrets import check_plain_secrets
from cicd.config.tree import Node, Place, did_you_mean, hidden_texts, leaves, plain, quoted
from cicd.config.validate import fitting, places, validate
from cicd.config.variables import Context, GitFacts, GitOverride, is_secret_path, replace_variables
from cicd.errors import InvalidStage, Problem, Usage
from cicd.platforms.aicore.dialect.draft import PLATFORM_SCENARIOS, Draft, names_in
from cicd.platforms.aicore.dialect.repository import is_here, repository_problems
from cicd.platforms.aicore.dialect.resolve import check_references
from cicd.platforms.aicore.dialect.rules import NO_GROUP, check_rules
from cicd.platforms.aicore.dialect.schema import StageFile
from cicd.platforms.aicore.dialect.templates import (
    LOSING,
    STOOD_IN,
    Catalogue,
    digest,
    read_templates,
    slow_digest,
)

if TYPE_CHECKING:
    from cicd.model import Stage
    from cicd.platforms.aicore.dialect.flows.declared import Flow

FOLDER = "stages"
OF_FILES = frozenset({"bad-watch", NO_GROUP})
"""Rules that look at more than the stage files and templates."""


def load_stage(
    argument: str,
    *,
    root: Path,
    env: Mapping[str, str],
    variables: Mapping[str, str],
    git: GitFacts,
    application: GitOverride | None = None,
    needs_credentials: bool = True,
) -> Stage:
    """The stage that ``argument`` names (``dev``, or a file), ready to be planned.

    ``root`` is the repository; ``variables`` are those of ``--var``. Raises InvalidStage with every
    problem there is, credentials that are not set included if the stage ``needs_credentials``.
    """
    from cicd.platforms.aicore.dialect.build import build_stage  # not needed to check a stage

    is_lenient = application is not None or not needs_credentials
    context = Context("", env, variables, git, is_lenient, is_told=is_lenient)
    draft, problems = _read(argument, root, context, application)
    errors = [problem for problem in problems if problem.severity == "error"]
    if errors:
        raise InvalidStage(errors)
    remarks = tuple(remark for problem in problems if (remark := _remark(problem, application)))
    stage = replace(build_stage(draft), remarks=remarks)
    return _with_sources(stage, argument, root, context)


def _remark(problem: Problem, application: GitOverride | None) -> str:
    """What a plan tells of a finding, empty for nothing: what validate warns of is told there, but
    for what the plan cannot be carried out with."""
    if problem.rule == "missing-env":
        return problem.message
    is_left = problem.rule == "placeholder-left" and application is None
    return f"{problem.place}: {problem.message}" if is_left else ""


def load_former(
    argument: str,
    *,
    root: Path,
    env: Mapping[str, str],
    variables: Mapping[str, str],
    git: GitFacts,
) -> Stage:
    """A stage as an older commit has it, to be compared with; only its stage files and templates
    need be there. Raises InvalidStage where it cannot be read any more."""
    from cicd.platforms.aicore.dialect.build import build_stage

    context = Context("", env, variables, git, is_lenient=True)
    draft, problems = _read(argument, root, context, None)
    errors = [problem for problem in problems if problem.severity == "error"]
    errors = [problem for problem in errors if problem.rule not in OF_FILES]
    if errors:
        raise InvalidStage(errors)
    return build_stage(draft)


def _with_sources(stage: Stage, argument: str, root: Path, context: Context) -> Stage:
    """The stage with what tells later whether the file or a variable has changed."""
    tree, _ = read_stage_tree(find_stage(argument, root), root, env=context.env)
    hashes = {
        name: slow_digest(value, f"{stage.name} {name}")
        for name, value in _variable_values(tree, replace(context, stage=stage.name)).items()
    }
    return replace(stage, source_digest=digest(plain(tree)), variables=hashes)


def _variable_values(tree: Node, context: Context) -> dict[str, str]:
    """Every variable with the value that it has in the end."""
    declared = tree.get("variables")
    names = declared.value if declared is not None and isinstance(declared.value, dict) else {}
    place = Place("")
    probes = {name: Node(f"${{var.{name}}}", place) for name in {**names, **context.variables}}
    parts = {"values": Node(probes, place), **({"variables": declared} if declared else {})}
    replaced, _ = replace_variables(Node(parts, place), context)
    return {name: str(node.value) for name, node in replaced.value["values"].value.items()}


def check_stage(
    argument: str,
    *,
    root: Path,
    env: Mapping[str, str],
    variables: Mapping[str, str],
    git: GitFacts,
    application: GitOverride | None = None,
    text: str | None = None,
) -> list[Problem]:
    """Everything that is wrong or doubtful, sorted by place. No network, no credentials needed.

    ``text``: as if the stage file held this.
    """
    context = Context("", env, variables, git, is_lenient=True)
    try:
        _, problems = _read(argument, root, context, application, text)
    except InvalidStage as error:
        problems = list(error.problems)
    return sorted({_as_checked(problem) for problem in problems})


def load_flows(
    argument: str,
    *,
    root: Path,
    env: Mapping[str, str],
    variables: Mapping[str, str],
    git: GitFacts,
) -> list[Flow]:
    """The flows of a stage, whether or not the rest of it is right. Raises InvalidStage."""
    from cicd.platforms.aicore.dialect.flows.declared import flows_of

    draft, problems = _read(argument, root, Context("", env, variables, git, is_lenient=True), None)
    node = read_stage_tree(find_stage(argument, root), root, env=env)[0].get("flows")
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


def _as_checked(problem: Problem) -> Problem:
    """The resource group may come from an environment that a check does not have."""
    return replace(problem, severity="warning") if problem.rule == NO_GROUP else problem


def _read(
    argument: str,
    root: Path,
    context: Context,
    override: GitOverride | None,
    text: str | None = None,
) -> tuple[Draft, list[Problem]]:
    """What the file says, without what does not fit (there is an error for each), and all that is
    wrong with it."""
    path = find_stage(argument, root)
    tree, problems = read_stage_tree(path, root, text, env=context.env)
    texts = leaves(tree)
    problems += check_plain_secrets(tree, texts=texts, is_stage=True, skip=_has_own_check)
    problems += check_left_over(tree, texts=texts, skip=lambda path: "smoke_test" in path)
    name = _name(tree, path)
    tree, found = replace_variables(tree, replace(context, stage=name), texts)
    problems += found
    file, tree, found = validate(tree)
    problems += _at_new_places(found, problems)
    problems += _at_new_places(_check_name(tree, path), problems)
    written = tree
    if file is None:
        file, tree = fitting(tree)
    catalogue, found = _read_catalogue(file, written, root, context.git, override)
    problems += found
    group = file.aicore.resource_group or context.env.get("AICORE_RESOURCE_GROUP", "")
    named = names_in(written)
    draft = Draft(name, file, tree, root, catalogue, group, context.git, override, named)
    found = [*check_references(draft), *check_rules(draft)]
    if file.flows:
        from cicd.platforms.aicore.dialect.flows.declared import (
            check_flows,  # reads Python, which few stages need
        )

        found += check_flows(draft)
    hidden = hidden_texts(written)
    found = problems + _at_new_places(found, problems)
    return draft, [_as_written(problem, hidden) for problem in found]


def _as_written(problem: Problem, hidden: Mapping[Place, tuple[str, str]]) -> Problem:
    """What a message quotes from the environment, as the file has it."""
    value, text = hidden.get(Place(problem.file, problem.line, problem.column), ("", ""))
    if not value:
        return problem
    message = problem.message.replace(f'"{quoted(value)}"', f'"{text}"')
    return replace(problem, message=message)


def _name(tree: Node, path: Path) -> str:
    """What the stage is called: what it says itself, else the name of its file."""
    named = tree.get("stage")
    return named.value if named is not None and isinstance(named.value, str) else path.stem


def stage_name(argument: str, root: Path) -> str:
    """What a stage is called, as far as its file tells; else what its file is called."""
    try:
        path = find_stage(argument, root)
        return _name(read_stage_tree(path, root)[0], path)
    except InvalidStage:
        return Path(argument).stem if argument.lower().endswith(SUFFIXES) else argument


def _check_name(tree: Node, path: Path) -> list[Problem]:
    """A name from the file's must be as good as one that is written in it."""
    problem = formats.stage_name_problem(_name(tree, path))
    node = tree.get("stage")
    if not problem:
        return []
    if node is not None and node.value is not None:
        return [node.place.problem(f'stage is "{node.text}", which {problem}', "wrong-format")]
    message = f'the stage is called "{path.stem}" like its file, which {problem}'
    place = Place(tree.place.file)
    return [place.problem(f"{message}: set stage, or rename the file", "wrong-format")]


def _has_own_check(path: tuple[str | int, ...]) -> bool:
    """Where other checks say better what to do with a credential."""
    own = is_secret_path(path) or is_secret_path(path[:2])
    return own or path[:2] == ("git", "repository")


def _at_new_places(found: list[Problem], known: list[Problem]) -> list[Problem]:
    """Without those that only follow from another error in the same place."""
    places = {(p.file, p.line, p.column) for p in known if p.line and p.severity == "error"}
    return [p for p in found if (p.file, p.line, p.column) not in places]


def _read_catalogue(
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


def find_stage(argument: str, root: Path) -> Path:
    """The file of a stage: a name is looked up in ``stages/``. Raises InvalidStage."""
    is_path = argument.lower().endswith(SUFFIXES) or "/" in argument or "\\" in argument
    if not is_path:
        return _find_named(argument, root)
    given = Path(argument)
    found = [path for path in (given, root / given) if is_file(path)]
    inside = [path for path in found if path.resolve().is_relative_to(root.resolve())]
    if found:
        return (inside or found)[0]
    known = [*stage_files(root), *stage_files_in(given.parent)]
    message = f"no such stage file{did_you_mean(argument, known)}"
    raise InvalidStage([Problem(argument, 0, 0, message, "unknown-stage")])


def _find_named(name: str, root: Path) -> Path:
    found = [path for s in SUFFIXES if is_file(path := root / FOLDER / f"{name}{s}")]
    if len(found) == 1:
        return found[0]
    if found:
        files = " and ".join(label(path, root) for path in found)
        message = f'the stage "{name}" is in {files}: keep one'
        raise InvalidStage([Problem(FOLDER, 0, 0, message, "unknown-stage")])
    known = [Path(file).stem for file in stage_files(root)]
    there = f"there are: {', '.join(known)}" if known else f"there is none in {FOLDER}/"
    message = f'no stage "{name}"{did_you_mean(name, known)}; {there}'
    raise InvalidStage([Problem(FOLDER, 0, 0, message, "unknown-stage")])


def stage_files(root: Path) -> list[str]:
    """All stages of a repository, as paths relative to it.

    A file that others extend and that has neither ``stage`` nor ``branch`` is only their base.
    """
    folder = root / FOLDER
    names = stage_files_in(folder)
    heads = {name: _head(folder / name, root) for name in names}
    bases = {
        base.resolve()
        for head in heads.values()
        if "extends" in head and is_file(base := folder / str(head["extends"]))
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


def shared_branches(root: Path) -> list[Problem]:
    """A problem for each stage whose branch an earlier one has: a push could mean either."""
    first: dict[object, str] = {}
    found: list[Problem] = []
    for file in stage_files(root):
        try:
            node = read_stage_tree(root / file, root)[0].get("branch")
        except InvalidStage:
            continue
        if node is None or not isinstance(node.value, str):
            continue
        if (other := first.setdefault(node.value, file)) != file:
            message = (
                f'the branch "{node.value}" belongs to {other} already: give each stage its own'
            )
            # one that both have inherited is written in neither
            place = node.place if node.place.file == file else Place(file)
            found.append(place.problem(message, "duplicate-name"))
    return found


def find_stage_for_branch(root: Path, branch: str, *, is_wanted: bool = False) -> str:
    """The stage that a push to ``branch`` applies, as a file relative to the root. Raises Usage;
    InvalidStage where it may be one that cannot be read, if a stage ``is_wanted``."""
    branches: dict[str, object] = {}
    unread: list[Problem] = []
    for file in stage_files(root):
        try:
            tree, _ = read_stage_tree(root / file, root)
        except InvalidStage as error:
            unread += error.problems
            continue
        node = tree.get("branch")
        branches[file] = node.value if node is not None else None
    found = [file for file, value in branches.items() if value == branch]
    if len(found) == 1:
        return found[0]
    if unread and not found and is_wanted:
        raise InvalidStage(unread)
    hint = "name a stage: " + (", ".join(Path(file).stem for file in branches) or "there is none")
    if found:
        raise Usage(f'the branch "{branch}" belongs to {" and ".join(found)}', hint=hint)
    raise Usage(f'no stage has the branch "{branch}"', hint=hint)
