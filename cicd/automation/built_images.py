"""The images that the repository's own Dockerfiles describe, as the emulator is told of them."""

from __future__ import annotations

import hashlib
import posixpath
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from cicd.automation.dockerfile import Built, read_dockerfile

ANY = ""
"""Stands for images of every name that has no Dockerfile of its own."""
FLOW_FOLDER = "/home/user"
_NAMES = ("Dockerfile", "Containerfile")
_KEPT = ".cicd/dockerfiles"
_DEEPEST = 3
_PASSED_OVER = ("node_modules", "venv", "site-packages")


def built_images(root: Path) -> dict[str, Any]:
    """Last part of an image's name -> what its Dockerfile says.

    A Dockerfile in a folder is for the image of the folder's name, ``Dockerfile.NAME`` and
    ``NAME.Dockerfile`` for NAME, that at the root for all others; the only one there is for all.
    """
    found = dict(_dockerfiles(root))
    if ANY not in found and len(found) == 1:
        found[ANY] = next(iter(found.values()))
    return {name: _entry(file, root) for name, file in found.items()}


def flow_images(flows: Iterable[Mapping[str, Any]], root: Path) -> dict[str, Any]:
    """Last part of an image's name -> what the image of a Metaflow flow holds: the flow, in the
    folder that ``cicd template package`` puts it into."""
    from cicd.config.files import read_tree
    from cicd.config.tree import plain

    found: dict[str, Any] = {}
    for flow in flows:
        document = plain(read_tree(root / flow["template"], flow["template"]))
        python = root / (flow["python"] or ".venv")
        entry = {
            "files": {FLOW_FOLDER: str((root / flow["file"]).parent)},
            "workdir": FLOW_FOLDER,
            "python": str(python) if python.exists() else "",
            "env": {"HOME": FLOW_FOLDER},
        }
        containers = [item.get("container") or {} for item in document["spec"]["templates"]]
        for image in filter(None, (str(item.get("image") or "") for item in containers)):
            found[re.sub(r"[@:].*", "", image.rpartition("/")[2])] = entry
    return found


def _dockerfiles(root: Path) -> Iterator[tuple[str, Path]]:
    """Name of the image and file, inner folders before outer ones: the outermost counts."""
    for depth in range(_DEEPEST, 0, -1):
        for name in _NAMES:
            for folder in _folders(root, depth):
                if (folder / name).exists():
                    yield folder.name, folder / name
    for name in _NAMES:
        for file in sorted((*root.glob(f"{name}.*"), *root.glob(f"*.{name}"))):
            yield file.name.replace(f"{name}.", "").replace(f".{name}", ""), file
    for name in reversed(_NAMES):
        if (root / name).is_file():
            yield ANY, root / name


def _folders(root: Path, depth: int) -> list[Path]:
    """The folders that many levels below ``root``."""
    found = [root]
    for _ in range(depth):
        found = [inner for folder in found for inner in _inside(folder)]
    return sorted(found)


def _inside(folder: Path) -> list[Path]:
    """The folders of a folder, without what is hidden or installed; none where it has gone
    meanwhile, or nobody may look."""
    try:
        return [
            path
            for path in folder.iterdir()
            if not path.name.startswith(".") and path.name not in _PASSED_OVER and path.is_dir()
        ]
    except OSError:
        return []


def _entry(file: Path, root: Path) -> dict[str, Any]:
    built = read_dockerfile(file.read_text(encoding="utf-8", errors="replace"))
    context = _context(built, file.parent, root)
    written = {
        copy.target: _kept(copy.text, root) for copy in built.copies if copy.text is not None
    }
    return {
        "files": _files(built, context) | written,
        "workdir": built.workdir,
        "command": list(built.entrypoint),
        "args": list(built.command),
        "env": built.env,
    }


def _kept(text: str, root: Path) -> str:
    """A file with the text of a here-document, among what is kept of the project here."""
    content = text.encode()
    file = root / _KEPT / hashlib.sha256(content).hexdigest()[:16]
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        # whole or not there: another command may look at the same time
        with tempfile.NamedTemporaryFile(dir=file.parent, delete=False) as part:
            part.write(content)
        Path(part.name).chmod(0o755)
        Path(part.name).replace(file)
    return str(file)


def _context(built: Built, folder: Path, root: Path) -> Path:
    """The folder that the build starts from: the Dockerfile's own, or the root where only that has
    what is copied."""
    sources = [source for copy in built.copies for source in copy.sources]
    is_here = all(any(folder.glob(source)) for source in sources if source != ".")
    is_there = all(any(root.glob(source)) for source in sources if source != ".")
    return root if is_there and not is_here else folder


def _files(built: Built, context: Path) -> dict[str, str]:
    """Container path -> file or folder: the context at the WORKDIR, then what COPY says."""
    files = {} if built.workdir == "/" else {built.workdir: str(context)}
    for copy in built.copies:
        for pattern in copy.sources:
            for source in [context] if pattern == "." else sorted(context.glob(pattern)):
                if not source.resolve().is_relative_to(context.resolve()):
                    continue
                if source.is_file():
                    place = posixpath.join(copy.target, source.name)
                    files[place if copy.is_folder else copy.target] = str(source)
                elif files.get(copy.target) == str(source):
                    continue
                elif copy.target in files or copy.target == "/":
                    for entry in source.iterdir():
                        files[posixpath.join(copy.target, entry.name)] = str(entry)
                else:
                    files[copy.target] = str(source)
    # the root of the container is this machine's, but for what is put there
    return {target: source for target, source in files.items() if target != "/"}
