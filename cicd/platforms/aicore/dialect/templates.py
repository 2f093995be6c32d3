"""Reads the templates in a folder: what each declares, and what AI Core would refuse or ignore.

No API checks a template: a wrong one is an executable that never appears. So all that is known to
go wrong is said here, before anything is sent.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from cicd.config.digests import digest
from cicd.config.files import is_folder, label, read_trees
from cicd.config.formats import relative_path_problem
from cicd.config.inherit import stage_files_in
from cicd.config.left_over import check_left_over
from cicd.config.plain_secrets import check_plain_secrets
from cicd.config.tree import Node, Place, plain
from cicd.errors import InvalidStage, Problem
from cicd.platforms.aicore.dialect import serving, workflow
from cicd.platforms.aicore.dialect.metadata import (
    EXECUTABLE,
    LABELS,
    SCENARIO,
    VERSION,
    Declared,
    check_artifact_annotations,
    check_metadata,
    spelling,
)
from cicd.platforms.aicore.dialect.template import Template

API_VERSIONS = {
    "WorkflowTemplate": "argoproj.io/v1alpha1",
    "ServingTemplate": "ai.sap.com/v1alpha1",
}

LOSING = frozenset(
    {
        "template-folder",
        "unreadable-file",
        "encoding",
        "syntax",
        "yaml",
        "too-complex",
        "duplicate-key",
        "not-a-template",
        "bad-executable-id",
    }
)
"""Rules whose findings may mean that a template was not recognised as one, or not by its name."""

PLAN_LABELS = ("ai.sap.com/resourcePlan", "ai.sap.com/instanceType")
STOOD_IN = frozenset({"bad-image", "bad-secret-name"})
"""Rules of what the emulator of ``--local`` has something else for."""

_OUTSIDE = "is a link that leads out of the project"
_NO_TEMPLATE = "this is not a template, AI Core cannot sync it: move it elsewhere"


@dataclass(frozen=True)
class Catalogue:
    """The templates of a stage.

    ``unplaced``: those that do not say of which scenario they are; there is an error for each.
    ``is_ours``: this stage syncs them to AI Core, so they are what will be there. ``is_complete``:
    none could be missing here because it cannot be read.
    """

    templates: tuple[Template, ...] = ()
    is_ours: bool = False
    is_complete: bool = False
    unplaced: tuple[Template, ...] = ()

    @property
    def executables(self) -> list[str]:
        """The ids of all that the templates declare."""
        return [template.executable_id for template in (*self.templates, *self.unplaced)]

    def find(self, executable_id: str) -> Template | None:
        """The template of that executable."""
        return self._by_executable.get(executable_id)

    @cached_property
    def _by_executable(self) -> dict[str, Template]:
        found = (*self.templates, *self.unplaced)
        return {template.executable_id: template for template in reversed(found)}  # the first wins


def read_templates(root: Path, folder: str, place: Place) -> tuple[list[Template], list[Problem]]:
    """All templates directly in a folder below the root; ``place`` is where the folder is named.

    Template.file is relative to the root. A problem where the folder is missing or outside.
    """
    problem = folder_problem(root, folder)
    if problem:
        return [], [place.problem(f'the template folder "{folder}" {problem}', "template-folder")]
    found: list[tuple[Template, Place]] = []
    problems: list[Problem] = []
    for name in stage_files_in(root / folder):
        templates, more = _read_file(root / folder / name, root)
        found += templates
        problems += more
    problems += _duplicates(found)
    return [template for template, _ in found], problems


def templates_in(root: Path, folder: str) -> list[Template]:
    """Those of a folder below the root that say of which scenario they are, none where there is no
    such folder."""
    if not is_folder(root / folder):
        return []
    found, _ = read_templates(root, folder, Place(folder))
    return [template for template in found if template.scenario_id]


def folder_problem(root: Path, folder: str) -> str:
    """Why a folder cannot be the template folder, empty when it can."""
    if problem := relative_path_problem(folder):
        return problem
    if not (root / folder).resolve().is_relative_to(root.resolve()):
        return "leads out of the project"
    return "" if is_folder(root / folder) else "does not exist"


def _read_file(path: Path, root: Path) -> tuple[list[tuple[Template, Place]], list[Problem]]:
    name = f"{label(path.parent, root)}/{path.name}".removeprefix("./")
    if not path.resolve().is_relative_to(root.resolve()):
        return [], [Problem(name, 0, 0, f"{_OUTSIDE}: copy the file", "template-folder")]
    try:
        trees = read_trees(path, name)
    except InvalidStage as error:
        return [], list(error.problems)
    if not trees:
        # no JSON at all is none that can be read; no YAML is nothing
        severity: Literal["error", "warning"] = "error" if name.endswith(".json") else "warning"
        message = "the file is empty: fill or delete it"
        return [], [Problem(name, 0, 0, message, "empty-file", severity)]
    found: list[tuple[Template, Place]] = []
    problems: list[Problem] = []
    for tree in trees:
        if tree.value is None:
            continue
        template, more = read_template(tree)
        problems += more
        if template:
            found.append((template, tree.place_of("metadata", "name")))
    return found, problems


def read_template(tree: Node) -> tuple[Template | None, list[Problem]]:
    """One parsed document: the template, unless it lacks what makes it one, and its problems. Its
    scenario is empty where it does not say of which it is."""
    kind = getattr(tree.get("kind"), "value", None)
    problems: list[Problem] = []
    if not isinstance(kind, str) or kind not in API_VERSIONS:
        problems.append(_not_a_template(tree, kind))
        kind = _meant(kind)
        if not kind:
            return None, problems
    problems += check_metadata(tree)
    version = getattr(tree.get("apiVersion"), "value", None)
    if version != API_VERSIONS[kind]:
        message = f'apiVersion of a {kind} must be {API_VERSIONS[kind]}, not "{version}"'
        problems.append(tree.place_of("apiVersion").problem(message, "bad-api-version"))
    reader: Any = workflow if kind == "WorkflowTemplate" else serving
    declared, more = reader.read_spec(tree)
    problems += [
        *more,
        *_left_over(tree),
        *check_artifact_annotations(tree, declared),
        *check_plain_secrets(tree),
    ]
    return _template(tree, kind, declared), problems


def _template(tree: Node, kind: str, declared: Declared) -> Template | None:
    """What the document declares, as it is meant: there is an error for each that AI Core would not
    find there. None without an executable id, as nothing can refer to it then."""
    executable = _text(tree, "metadata", "name") or _text(tree, "metadata", "labels", EXECUTABLE)
    scenario = _text(tree, "metadata", "labels", spelling(tree, LABELS, SCENARIO))
    if not executable:
        return None
    return Template(
        file=tree.place.file,
        executable_id=executable,
        scenario_id=scenario,
        version=_text(tree, "metadata", "labels", spelling(tree, LABELS, VERSION)),
        kind=_kind(kind),
        parameters=declared.parameters,
        input_artifacts=declared.inputs,
        output_artifacts=declared.outputs,
        digest=digest(plain(tree)),
        images=tuple(serving.texts_under(tree, "image")),
        resource_plans=tuple(
            text for label in PLAN_LABELS for text in serving.texts_under(tree, label)
        ),
        secrets=declared.secrets,
        optional_inputs=declared.optional,
        choices=declared.choices,
        conditions=declared.conditions,
    )


def _left_over(tree: Node) -> Iterator[Problem]:
    """In the values of parameters; images and names of secrets have checks of their own."""
    for where in (("arguments", "parameters"), ("inputs", "parameters")):
        if (parameters := tree.get("spec", *where)) is not None:
            yield from check_left_over(parameters, skip=_is_description)


def _is_description(path: tuple[str | int, ...]) -> bool:
    return path[1:2] == ("description",)


def _kind(kind: str) -> Literal["workflow", "serving"]:
    return "workflow" if kind == "WorkflowTemplate" else "serving"


def _text(tree: Node, *path: str) -> str:
    node = tree.get(*path)
    return str(node.value) if node is not None and node.is_leaf and node.value else ""


def _not_a_template(tree: Node, kind: Any) -> Problem:
    place = tree.place_of("kind")
    if kind == "Secret":
        message = "a Kubernetes Secret in the template folder blocks the sync: take it out"
        return place.problem(message, "not-a-template")
    if not isinstance(kind, str):
        return place.problem(f"no kind: {_NO_TEMPLATE}", "not-a-template")
    if meant := _meant(kind):
        message = f'kind "{kind}" is unknown (did you mean "{meant}"?)'
        return place.problem(message, "not-a-template")
    message = f"kind {kind} is neither WorkflowTemplate nor ServingTemplate, so it is ignored here"
    return place.problem(message, "not-a-template", "warning")


def _meant(kind: Any) -> str:
    """The kind of template that a mistyped one stands for, empty where it is something else."""
    words = {name.lower(): name for name in API_VERSIONS}
    near = difflib.get_close_matches(str(kind).lower(), words, n=1, cutoff=0.6)
    return words[near[0]] if near else ""


def _duplicates(found: list[tuple[Template, Place]]) -> list[Problem]:
    first: dict[str, Place] = {}
    problems = []
    for template, place in found:
        if template.executable_id in first:
            message = f'the executable "{template.executable_id}" is already defined in '
            message += f"{first[template.executable_id]}: rename one"
            problems.append(place.problem(message, "duplicate-executable"))
        first.setdefault(template.executable_id, place)
    return problems
