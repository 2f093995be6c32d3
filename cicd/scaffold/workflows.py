"""The workflows of a project that is a folder of a repository: GitHub reads them at its top only,
so they get the project's name wherever those of another project could be meant. Pure."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import PurePosixPath

FOLDER = ".github/workflows"
_OWN = (".pre-commit-config.yaml",)
"""What is read at the top of a repository only, and may be there already."""
_FILES = ("plan.json", "plan.html", "report.json", "reviewed")
"""What steps leave in the project for actions, which know the workspace only."""


def slug_of(project: str) -> str:
    """A name for a project's folder that may be one of a file, a group and an upload: itself
    where it is plain, else another one for every folder."""
    plain = re.sub(r"[^a-z0-9-]+", "-", project.lower()).strip("-")
    if plain == project:
        return plain
    digest = hashlib.sha256(project.encode("utf-8", "surrogatepass")).hexdigest()[:6]
    return f"{plain}.{digest}".lstrip(".")


def in_folder(texts: Mapping[str, str], project: str) -> dict[str, str]:
    """The files of a project's scaffold from the top of the repository on; ``project``: its folder
    there, with forward slashes."""
    slug, found = slug_of(project), {}
    for path, text in texts.items():
        if path.startswith(f"{FOLDER}/"):
            file = PurePosixPath(path)
            name = f"{file.stem}-{slug}.yml"
            found[f"{FOLDER}/{name}"] = workflow(text, file.stem, name, project, slug)
        elif path not in _OWN:
            found[f"{project}/{path}"] = text
    return found


def workflow(text: str, stem: str, name: str, project: str, slug: str) -> str:
    """One workflow for the project: its files, its runs, its groups, uploads and environments."""
    paths = _text([f"{_glob(project)}/**", f"{FOLDER}/{name}"])
    text = re.sub(r"(?m)^name: .*$", lambda _: f"name: {_text(f'{stem} {project}')}", text)
    # required checks wait for ever for a workflow that its paths leave out
    text = re.sub(
        r"(?m)^(  (?:push|pull_request):\n    branches: .*)$",
        lambda found: f"{found[1]}\n    paths: {paths} # take this out where the check is required",
        text,
    )
    folder = f"defaults:\n  run:\n    working-directory: {_text(project)}\n\njobs:"
    text = re.sub(r"(?m)^jobs:$", lambda _: folder, text)
    text = re.sub(
        r"(?m)^  (plan|apply|drift):$",
        lambda found: f"{found[0]}\n    name: {_text(f'{found[1]} {project}')}",
        text,
    )
    text = re.sub(r"(?m)^( +group: )(plan|cicd|drift)-", rf"\g<1>\g<2>-{slug}-", text)
    text = re.sub(r"(?m)^( +(?:environment|name): )(\$\{\{)", rf"\g<1>{slug}-\g<2>", text)
    text = re.sub(r"\bcicd-(plan|report|drift)\b", rf"cicd-\g<1>-{slug}", text)
    text = text.replace("--workflow plan.yml", f"--workflow plan-{slug}.yml")
    within = project.replace("'", "''")
    text = text.replace("hashFiles('", f"hashFiles('{within}/")
    files = "|".join(map(re.escape, _FILES))
    text = re.sub(rf"(?m)^( +)({files})$", lambda found: f"{found[1]}{project}/{found[2]}", text)
    return re.sub(
        rf"(?m)^( +path: )({files})$",
        lambda found: found[1] + _text(f"{project}/{found[2]}"),
        text,
    )


def _text(value: object) -> str:
    """As YAML on one line, whatever is in it."""
    return json.dumps(value, ensure_ascii=False)


def _glob(text: str) -> str:
    """A path as a pattern of GitHub that fits nothing else."""
    return re.sub(r"([*?+\[\]!\\])", r"\\\1", text)
