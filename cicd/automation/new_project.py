"""A new project: the files of a platform's scaffold, written into a folder and its repository.

Nothing of a person is ever taken away, and every file is written whole or not at all, so a run that
ends halfway can be repeated.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from cicd.automation.files import write_file
from cicd.automation.git import find_top, origin_url
from cicd.errors import CicdError, Refused
from cicd.scaffold import Markers, Scaffold, render
from cicd.scaffold.facts import ALL, environment_of
from cicd.scaffold.pipelines import FILES, GITHUB, expand, markers_for, parts_of, pipeline
from cicd.scaffold.workflows import FOLDER, in_folder

GO_ON = "is it a folder, writable, with space left? Run it again then: it goes on where it ended"


def project_files(
    scaffold: Scaffold,
    known: Markers,
    stages: Sequence[str],
    project: str = "",
    ci: str = GITHUB,
) -> dict[str, str]:
    """Path -> text of every file of a new project. ``known``: the markers that were filled;
    ``project``: its folder in the repository, empty for the top: then paths are from there on;
    ``ci``: the CI system that it gets a pipeline for."""
    from cicd.config.json_schema import schema_of
    from cicd.platforms.registry import DIALECTS

    skipped = {f"stages/{stage}.yaml" for stage in ALL if stage not in stages}
    environments = {"ENVIRONMENT": stages[0], "BEFORE_STAGE": ""}
    told = {name: environment_of(project, stage) for name, stage in environments.items()}
    values = {**known, **told, **markers_for(ci, scaffold, stages, project)}
    parts = parts_of(ci, scaffold, stages, project)
    texts = {
        path.removesuffix(".in"): render(expand(text, parts), values)
        for path, text in _texts(files(scaffold.__name__), "")
        if path not in skipped and (ci == GITHUB or not path.startswith(f"{FOLDER}/"))
    }
    if ci in FILES:
        texts[FILES[ci]] = pipeline(ci, scaffold, stages, values)
    schema = json.dumps(schema_of(DIALECTS), indent=2, ensure_ascii=False)
    texts["config.schema.json"] = f"{schema}\n"
    return in_folder(texts, project) if project else texts


def _texts(folder: Traversable, path: str) -> Iterator[tuple[str, str]]:
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir() and entry.name != "__pycache__":
            yield from _texts(entry, f"{path}{entry.name}/")
        elif entry.is_file() and not entry.name.endswith(".py"):
            yield f"{path}{entry.name}", entry.read_text(encoding="utf-8")


def write_project(
    root: Path, texts: Mapping[str, str], *, keep: bool, force: bool
) -> Sequence[str]:
    """Write what is missing; the paths of these files. Raises Refused before the first is written.

    ``keep`` leaves files that differ as they are, ``force`` overwrites them.
    """
    states = {path: _state(root / path, text) for path, text in texts.items()}
    differing = [path for path, state in states.items() if state == "differs"]
    if differing and not keep and not force:
        raise Refused(
            f"already there and different: {', '.join(differing)}",
            hint="nothing was written; --keep leaves them as they are, --force overwrites them",
        )
    wanted = {"missing", "differs"} if force else {"missing"}
    chosen = [path for path, state in states.items() if state in wanted]
    for path in chosen:
        _write(root / path, texts[path])
    return chosen


def _state(file: Path, text: str) -> str:
    """``missing``, ``equal`` or ``differs``; a folder or a dead link in its place differs."""
    try:
        return "equal" if file.read_text(encoding="utf-8") == text else "differs"
    except (FileNotFoundError, NotADirectoryError):
        return "differs" if file.is_symlink() else "missing"
    except (OSError, UnicodeDecodeError):
        return "differs"


def _write(file: Path, text: str) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_file(file, text)
    except OSError as error:
        raise CicdError(f"cannot make {file.parent}: {error.strerror}", hint=GO_ON) from error
    except CicdError as error:
        raise CicdError(error.message, hint=GO_ON) from error


def repository_around(folder: Path) -> Path | None:
    """The top of the repository that a folder, which need not be there, is in."""
    return find_top(_nearest(folder))


def folder_in_repository(folder: Path) -> str:
    """The folder as its repository knows it; empty for its top, and where there is none."""
    top, here = repository_around(folder), folder.resolve()
    return "" if top in {None, here} else here.relative_to(top or here).as_posix()


def remote_of(folder: Path, environ: Mapping[str, str]) -> str:
    """The URL of the repository that ``folder`` is a clone of, without any login; empty where it is
    none."""
    try:
        return origin_url(_nearest(folder), environ)
    except CicdError:
        return ""


def _nearest(folder: Path) -> Path:
    here = folder.resolve()
    return next(path for path in (here, *here.parents) if path.is_dir())
