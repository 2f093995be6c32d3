"""Where a project lies in a Git repository, and what AI Core is told of it.

``git.path`` is relative to the project, the folder that holds ``stages``. AI Core reads from the
top of ``git.repository``. So the one is made from the other:

=======================================  ==================================================
``git.repository``                       AI Core is told
=======================================  ==================================================
this one, a fork or a mirror of it       the project's folder and ``git.path``
that of a submodule that holds the path  the path from the top of the submodule
any other                                ``git.path`` as it is: it is of that repository
=======================================  ==================================================
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

from cicd.config.tree import Place
from cicd.config.variables import GitFacts
from cicd.errors import Problem


def sent_path(git: GitFacts, repository: str | None, path: str) -> str:
    """The folder of the templates as AI Core has to look for it in ``repository``."""
    module = submodule_of(git, path)
    if module and repository and _name(repository) == _name(git.submodules[module]):
        return _inside(path, module) or "."
    if not is_this(git, repository) or not git.folder:
        return path
    return posixpath.normpath(f"{git.folder}/{path}")


def is_synced(git: GitFacts, repository: str | None, path: str) -> bool:
    """Whether what is checked out here is what AI Core reads there, commit by commit."""
    return is_this(git, repository) and not submodule_of(git, path)


def is_this(git: GitFacts, repository: str | None) -> bool:
    """Whether a URL is that of this repository, a fork or a mirror of it: those keep its name.

    So it is where nobody can tell, and for a project at the top, whose paths are the same in both.
    """
    if not repository or not git.remotes or not git.folder:
        return True
    return _name(repository) in {_name(remote) for remote in git.remotes}


def submodule_of(git: GitFacts, path: str) -> str:
    """The submodule in which a path of the project lies, as a path of its own; empty for none."""
    found = [module for module in git.submodules if _inside(path, module) is not None]
    return max(found, key=len, default="")


def repository_problems(
    git: GitFacts, root: Path, repository: str | None, path: str, place: Place
) -> Iterator[Problem]:
    """What is wrong or doubtful about where the templates lie."""
    if right := _relative(git, root, path):
        message = f'git.path is relative to the project ({git.folder}): write "{right}"'
        yield place.problem(message, "template-folder")
    elif git.folder and ".." in path.split("/") and (root / path).is_dir():
        message = f'"{path}" lies outside of the project ({git.folder}): templates must lie in it'
        yield place.problem(message, "template-folder")
    elif not is_this(git, repository):
        message = f'git.repository is not the repository of this project: "{path}" is read there'
        yield place.problem(f"{message} as it is, and cannot be checked here", RULE, "warning")
    elif (module := submodule_of(git, path)) and sent_path(git, repository, path) != (
        _inside(path, module) or "."
    ):
        message = f'"{path}" lies in the submodule {module}, and AI Core reads git.repository'
        cure = f"set git.repository to {git.submodules[module] or 'that of the submodule'}"
        yield place.problem(f"{message}: {cure}, or move the templates here", RULE, "warning")


RULE = "template-repository"


def _relative(git: GitFacts, root: Path, path: str) -> str:
    """What should be written for a path from the top of the repository; empty where it is none."""
    inner = _inside(path, git.folder) if git.folder else None
    if inner is None or (root / path).is_dir() or not (root / inner).is_dir():
        return ""
    return inner or "."


def _inside(path: str, folder: str) -> str | None:
    """The path from that folder on; None where it does not lie in it."""
    plain = posixpath.normpath(path)
    if plain == folder:
        return ""
    return plain.removeprefix(f"{folder}/") if plain.startswith(f"{folder}/") else None


def _name(url: str) -> str:
    """The last part of a URL, of ``git@host:owner/name.git`` and of a folder alike."""
    plain = unquote(url).strip().rstrip("/\\").removesuffix(".git").rstrip("/")
    return plain.replace("\\", "/").replace(":", "/").rpartition("/")[2].casefold()
