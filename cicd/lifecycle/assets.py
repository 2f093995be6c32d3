"""Whether what has to be there is there, and holds something."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cicd.errors import CicdError, NotFound

SECONDS = 15.0
"""How long a server may take to answer."""
POINTER = b"version https://git-lfs.github.com/spec/"
MOST_POINTER = 1024
"""How Git LFS begins what it leaves in a checkout without its files, and bytes that this never has.
Source: github.com/git-lfs/git-lfs, docs/spec.md."""
Size = Callable[[str], int]
"""URL -> how many bytes are there; raises NotFound for nothing, CicdError where nobody can tell."""


def missing_assets(assets: Mapping[str, str], root: Path, size: Size) -> Iterator[str]:
    """A sentence for each asset that is not there, is empty, or cannot be looked at. ``size``: of
    what only the platform can look at."""
    for name, path in assets.items():
        if problem := asset_problem(path, root, size):
            yield f'{name} "{path}" {problem}'


def asset_problem(path: str, root: Path, size: Size) -> str:
    """What is wrong with one, empty for nothing."""
    try:
        scheme = urlsplit(path).scheme if "://" in path else ""
        if not scheme:
            found = _size_of_file(root / path)
        else:
            found = _size_at(path) if scheme in {"http", "https"} else size(path)
    except NotFound:
        return "is not there"
    except (CicdError, ValueError) as error:  # no URL, no file name
        return f"cannot be looked at: {error}"
    return "" if found else "is empty"


def _size_of_file(path: Path) -> int:
    """Bytes of a file, or of all files in a folder."""
    try:
        if path.is_dir():
            return sum(_size_of_one(file) for file in path.rglob("*") if file.is_file())
        return _size_of_one(path)
    except FileNotFoundError as error:
        raise NotFound(f"there is no {path.name}") from error
    except OSError as error:
        raise CicdError(str(error.strerror)) from error


def _size_of_one(path: Path) -> int:
    """Raises CicdError for what stands there in place of the file."""
    size = path.stat().st_size
    if path.is_file() and len(POINTER) < size < MOST_POINTER:
        with path.open("rb") as file:
            if file.read(len(POINTER)) == POINTER:
                raise CicdError(
                    f"{path.name} is a pointer of Git LFS: git lfs pull brings the file"
                )
    return size


def _size_at(url: str) -> int:
    """Bytes at a URL; 1 where the server does not say how many, and there are some. No credential
    is sent, and what another server says does not count."""
    import requests

    host = urlsplit(url).hostname
    try:
        with requests.get(url, timeout=SECONDS, stream=True, auth=_nobody) as answer:
            if (other := urlsplit(answer.url).hostname) != host:  # most often a page to log in
                raise CicdError(f"it leads to {other}: name what is there")
            if answer.status_code in {404, 410}:
                raise NotFound(f"HTTP {answer.status_code}")
            if not answer.ok:
                raise CicdError(f"HTTP {answer.status_code}")
            return len(next(answer.iter_content(1), b""))
    except requests.RequestException as error:
        raise CicdError(_reason(error)) from error


def _nobody(request: Any) -> Any:
    """In place of the login that a file of the user may have for that server."""
    return request


def _reason(error: Exception) -> str:
    import requests

    if isinstance(error, requests.Timeout):
        return f"no answer within {SECONDS:g} s"
    if isinstance(error, requests.ConnectionError):
        return "its server cannot be reached"
    return type(error).__name__
