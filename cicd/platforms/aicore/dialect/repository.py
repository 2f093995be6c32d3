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

from cicd.config.files import is_folder
from cicd.config.remotes import https_url
from cicd.config.tree import Place
from cicd.config.variables import GitFacts
from cicd.errors import Problem


def sent_path(git: GitFacts, repository: str | None, path: str) -> str:
    """The folder of the templates as AI Core has to look for it in ``repository``."""
    if module := _own_submodule(git, repository, path):
        return inside(path, module) or "."
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
    if not repository or not git.folder or not git.remotes:
        return True
    return _name(repository) in {_name(remote) for remote in git.remotes}


def is_here(git: GitFacts, root: Path, repository: str | None, path: str) -> bool:
    """Whether the templates that AI Core reads there are those that lie in the project."""
    if not (is_this(git, repository) or _own_submodule(git, repository, path)):
        return False
    return _is_checked_out(root, submodule_of(git, path))


def submodule_of(git: GitFacts, path: str) -> str:
    """The submodule in which a path of the project lies, as a path of its own; empty for none."""
    found = [module for module in git.submodules if inside(path, module) is not None]
    return max(found, key=len, default="")


def _own_submodule(git: GitFacts, repository: str | None, path: str) -> str:
    """The same where ``repository`` is that of the submodule."""
    module = submodule_of(git, path)
    is_named = module and repository and _name(repository) == _name(git.submodules[module])
    return module if is_named else ""


def _is_checked_out(root: Path, module: str) -> bool:
    folder = root / module
    return not module or (is_folder(folder) and any(folder.iterdir()))


def repository_problems(
    git: GitFacts,
    root: Path,
    repository: str | None,
    path: str,
    place: Place,
    *,
    has_override: bool = False,
) -> Iterator[Problem]:
    """What is wrong or doubtful about where the templates lie. ``has_override``: they are taken
    from here, whatever repository there is."""
    module = submodule_of(git, path)
    if not _is_checked_out(root, module):
        message = f'"{path}" lies in the submodule {module}, which is not checked out here'
        cure = "git submodule update --init (actions/checkout: submodules: true)"
        yield place.problem(f"{message}, so nothing in it is checked: {cure}", RULE, "warning")
    if _own_submodule(git, repository, path):
        return
    if not is_this(git, repository):
        message = f'git.repository is not the repository of this project: "{path}" is read there'
        yield place.problem(f"{message} as it is, and cannot be checked here", RULE, "warning")
    elif right := _relative(git, root, path):
        message = f'git.path is relative to the project ({git.folder}): write "{right}"'
        yield place.problem(message, "template-folder")
    elif git.folder and posixpath.normpath(path).startswith("..") and is_folder(root / path):
        message = f'"{path}" lies outside of the project ({git.folder}): templates must lie in it'
        yield place.problem(message, "template-folder")
    elif module and not has_override:
        message = f'"{path}" lies in the submodule {module}, and AI Core reads git.repository'
        url = https_url(git.submodules[module]) or "that of the submodule"
        cure = f"set git.repository to {url}, or move the templates here"
        yield place.problem(f"{message}: {cure}", RULE, "warning")


RULE = "template-repository"


def _relative(git: GitFacts, root: Path, path: str) -> str:
    """What should be written for a path from the top of the repository; empty where it is none."""
    inner = inside(path, git.folder) if git.folder else None
    if inner is None or is_folder(root / path) or not is_folder(root / inner):
        return ""
    return inner or "."


def inside(path: str, folder: str) -> str | None:
    """The path from that folder on, empty for the folder itself; None where it lies elsewhere."""
    plain = posixpath.normpath(path)
    if plain == folder:
        return ""
    return plain.removeprefix(f"{folder}/") if plain.startswith(f"{folder}/") else None


def _name(url: str) -> str:
    """The last part of a URL, of ``git@host:owner/name.git`` and of a folder alike."""
    plain = unquote(url).strip().rstrip("/\\").removesuffix(".git").rstrip("/")
    return plain.replace("\\", "/").replace(":", "/").rpartition("/")[2].casefold()
