"""From a STAGE argument to a Stage or to all that is wrong with it: the steps in their order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cicd.config import formats
from cicd.config.dialect import Dialect
from cicd.config.digests import digest, slow_digest
from cicd.config.draft import Draft
from cicd.config.files import SUFFIXES, is_file, label, read_tree
from cicd.config.inherit import Whole, inherited, read_files, read_whole, stage_files_in
from cicd.config.left_over import check_left_over
from cicd.config.lifecycle import check_lifecycle
from cicd.config.notices import check_notices
from cicd.config.other_stages import OtherStages, variables_beside
from cicd.config.overrides import overridden
from cicd.config.plain_secrets import check_plain_secrets
from cicd.config.surroundings import Surroundings
from cicd.config.sync import check_sync
from cicd.config.tree import Leaf, Node, Place, did_you_mean, hidden_texts, leaves, plain, quoted
from cicd.config.validate import fitting, validate
from cicd.config.variables import SIGNERS, Context, declared, replace_variables
from cicd.errors import InvalidStage, Problem, Remark, Usage

if TYPE_CHECKING:
    from cicd.model import Stage

FOLDER = "stages"
OF_FILES = frozenset({"bad-watch", "missing-file"})
"""Rules that look at more than the stage files and what lies beside them."""


def load_stage(argument: str, around: Surroundings, *, needs_credentials: bool = True) -> Stage:
    """The stage that ``argument`` names (``dev``, or a file), ready to be planned.

    Raises InvalidStage with every problem there is, credentials that are not set included if the
    stage ``needs_credentials``.
    """
    from cicd.config.build import stage_of  # not needed to check a stage

    # The emulator needs no real credentials, and neither does what sends none of them.
    is_lenient = around.application is not None or not needs_credentials
    dialect, draft, problems, context = _read(
        argument, around, is_lenient=is_lenient, is_told=is_lenient
    )
    errors = [problem for problem in problems if problem.severity == "error"]
    if errors:
        raise InvalidStage(errors)
    remarks = tuple(remark for problem in problems if (remark := _remark(problem, around)))
    path = find_stage(argument, around.root)
    whole = read_whole(path, around.root, around.dialects, env=around.env)
    _, told = overridden(whole.tree, around.overrides, around.selected, dialect)
    stage = replace(stage_of(draft, dialect.build(draft)), remarks=(*remarks, *told))
    return _with_sources(stage, whole, context)


def _remark(problem: Problem, around: Surroundings) -> str:
    """What a plan tells of a finding, empty for nothing: what validate warns of is told there, but
    for what the plan cannot be carried out with."""
    if problem.rule == "missing-env":
        return problem.message
    is_left = problem.rule == "placeholder-left" and around.application is None
    return Remark.of(problem) if is_left else ""


def load_former(argument: str, around: Surroundings) -> Stage:
    """A stage as an older commit has it, to be compared with; only its stage files and templates
    need be there. Raises InvalidStage where it cannot be read any more."""
    from cicd.config.build import stage_of

    dialect, draft, problems, _ = _read(argument, around)
    errors = [problem for problem in problems if problem.severity == "error"]
    errors = [problem for problem in errors if problem.rule not in OF_FILES.union(dialect.UNSURE)]
    if errors:
        raise InvalidStage(errors)
    return stage_of(draft, dialect.build(draft))


def _with_sources(stage: Stage, whole: Whole, context: Context) -> Stage:
    """The stage with what tells later whether the file or a variable has changed."""
    values = _variable_values(whole.tree, context, whole.dialect)
    hashes = {name: slow_digest(value, f"{stage.name} {name}") for name, value in values.items()}
    return replace(stage, source_digest=digest(plain(whole.tree)), variables=hashes)


def _variable_values(tree: Node, context: Context, dialect: Dialect) -> dict[str, str]:
    """Every variable with the value that it has in the end."""
    declared = tree.get("variables")
    names = declared.value if declared is not None and isinstance(declared.value, dict) else {}
    place = Place("")
    probes = {name: Node(f"${{var.{name}}}", place) for name in {**names, **context.variables}}
    parts = {"values": Node(probes, place), **({"variables": declared} if declared else {})}
    replaced, _ = replace_variables(
        Node(parts, place), context, dialect.SECRETS, dialect.REFERENCES
    )
    return {name: str(node.value) for name, node in replaced.value["values"].value.items()}


def check_stage(argument: str, around: Surroundings, *, text: str | None = None) -> list[Problem]:
    """Everything that is wrong or doubtful, sorted by place. No network, no credentials needed.

    ``text``: as if the stage file held this.
    """
    try:
        dialect, _, problems, _ = _read(argument, around, text)
    except InvalidStage as error:
        return sorted(set(error.problems))
    return sorted({_as_checked(problem, dialect) for problem in problems})


def read_draft(argument: str, around: Surroundings) -> tuple[Draft[Any, Any], list[Problem]]:
    """What a stage file says, without what does not fit, and all that is wrong with it. Raises
    InvalidStage where nothing useful can be read."""
    _, draft, problems, _ = _read(argument, around)
    return draft, problems


def _as_checked(problem: Problem, dialect: Dialect) -> Problem:
    """Something may come from an environment that a check does not have."""
    return replace(problem, severity="warning") if problem.rule in dialect.UNSURE else problem


def _read(
    argument: str,
    around: Surroundings,
    text: str | None = None,
    *,
    is_lenient: bool = True,
    is_told: bool = False,
    looks_at_others: bool = True,
) -> tuple[Dialect, Draft[Any, Any], list[Problem], Context]:
    """What the file says, without what does not fit (there is an error for each), all that is
    wrong with it, and what its variables were replaced from. ``looks_at_others``: whether what it
    takes from other stages is looked up there."""
    root, path = around.root, find_stage(argument, around.root)
    whole = read_whole(path, root, around.dialects, text, env=around.env)
    dialect, platforms = whole.dialect, tuple(around.dialects)
    tree, _ = overridden(whole.tree, around.overrides, around.selected, dialect)
    texts = leaves(tree)
    problems = [*whole.problems, *_check_texts(tree, texts, dialect)]
    name = _name(tree, path)
    env = around.env_of(dialect)
    others = OtherStages(path, around, partial(_read_other, around=around))
    context = Context(
        name,
        env,
        around.variables,
        around.git,
        is_lenient,
        is_told=is_told,
        others=others.reference,
        elsewhere=others.variables,
    )
    tree, found = replace_variables(tree, context, dialect.SECRETS, dialect.REFERENCES, texts)
    problems += found
    file, tree, found = validate(tree, dialect, platforms)
    # A variable that is missing leaves a text that fits no schema: its own error says more.
    problems += _at_new_places(found, problems)
    problems += _at_new_places(_check_name(tree, path), problems)
    if looks_at_others:
        problems += _at_new_places(list(others.check(tree, texts)), problems)
    written = tree
    # The checks after this need a file that fits. Without what does not fit, as much as possible is
    # still checked, so that all errors come at once.
    if file is None:
        file, tree = fitting(tree, dialect, platforms)
    sources, found = dialect.sources(file, written, root, around.git, around.application)
    problems += found
    named = dialect.names(written)
    is_local = around.stand_ins == "local"
    draft = dialect.Draft(
        name, file, tree, root, around.git, sources, around.application, named, env, is_local
    )
    checked = [*dialect.check(draft), *check_lifecycle(draft, dialect.CARRIED)]
    checked += [*check_notices(draft), *check_sync(draft)]
    found = problems + _at_new_places(checked, problems)
    # A value of the environment may be a secret, and messages end up in logs and comments.
    hidden = hidden_texts(written) if found else {}
    return dialect, draft, [_as_written(problem, hidden) for problem in found], context


def _read_other(path: Path, around: Surroundings) -> tuple[Dialect, Draft[Any, Any]]:
    """What the file of another stage says, as far as it fits: what is wrong with it is told where
    it is meant itself."""
    argument = str(path)
    around = replace(around, variables=own_variables(argument, around), overrides=(), selected=())
    dialect, draft, _, _ = _read(argument, around, looks_at_others=False)
    return dialect, draft


def own_variables(argument: str, around: Surroundings) -> dict[str, str]:
    """Those of the variables that are given which a stage file has."""
    path = find_stage(argument, around.root)
    names = declared(read_whole(path, around.root, around.dialects, env=around.env).tree)
    return {name: text for name, text in around.variables.items() if name in names}


def variables_of(path: Path, around: Surroundings) -> dict[str, str]:
    """Those of the variables that are given which a stage, or one that it has to do with, has."""
    own = own_variables(str(path), around)
    rest = around.variables.keys() - own.keys()
    more = rest & variables_beside(path, around) if rest else set()
    return {name: text for name, text in around.variables.items() if name in own or name in more}


def _check_texts(tree: Node, texts: list[Leaf], dialect: Dialect) -> list[Problem]:
    """What is wrong with single texts as they are written."""
    secrets, checked = dialect.SECRETS, dialect.SPELLINGS.checked
    found = check_plain_secrets(
        tree,
        texts=texts,
        is_stage=True,
        skip=lambda path: path in secrets or path in checked or path in SIGNERS,
    )
    return [*found, *check_left_over(tree, texts=texts, skip=lambda path: "smoke_test" in path)]


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
        return _name(read_files(path, root)[0].tree, path)
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


def _at_new_places(found: list[Problem], known: list[Problem]) -> list[Problem]:
    """Without those that only follow from another error in the same place."""
    places = {(p.file, p.line, p.column) for p in known if p.line and p.severity == "error"}
    return [p for p in found if (p.file, p.line, p.column) not in places]


def is_path(argument: str) -> bool:
    """Whether a stage is named by a file."""
    return argument.lower().endswith(SUFFIXES) or "/" in argument or "\\" in argument


def find_stage(argument: str, root: Path, folder: Path = Path()) -> Path:
    """The file of a stage: a name is looked up in ``stages/``, a file from ``folder`` on and from
    the root on. Raises InvalidStage."""
    if not is_path(argument):
        return _find_named(argument, root)
    given = folder / argument
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
            node = inherited(read_files(root / file, root), "branch")
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


def branches_of(root: Path) -> tuple[dict[str, object], list[Problem]]:
    """The stage files of a project with the branch of each, None for none; and what is wrong with
    those that cannot be read."""
    branches: dict[str, object] = {}
    unread: list[Problem] = []
    for file in stage_files(root):
        try:
            node = inherited(read_files(root / file, root), "branch")
        except InvalidStage as error:
            unread += error.problems
            continue
        branches[file] = node.value if node is not None else None
    return branches, unread


def find_stage_for_branch(root: Path, branch: str, *, is_wanted: bool = False) -> str:
    """The stage that a push to ``branch`` applies, as a file relative to the root. Raises Usage;
    InvalidStage where it may be one that cannot be read, if a stage ``is_wanted``."""
    branches, unread = branches_of(root)
    found = [file for file, value in branches.items() if value == branch]
    if len(found) == 1:
        return found[0]
    # One of those that cannot be read may have this branch: to say that none has it would mislead.
    if unread and not found and is_wanted:
        raise InvalidStage(unread)
    hint = "name a stage: " + (", ".join(Path(file).stem for file in branches) or "there is none")
    if found:
        raise Usage(f'the branch "{branch}" belongs to {" and ".join(found)}', hint=hint)
    raise Usage(f'no stage has the branch "{branch}"', hint=hint)
