"""/v2/lm/dataset/files: csv files in the object store of the resource group."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable
from pathlib import Path

from cicd.emulator.api import limits
from cicd.emulator.api.web import ApiCall, Operation, Reply
from cicd.emulator.errors import ApiError, invalid, not_found
from cicd.emulator.state.s3 import StorageError

PATH = "/v2/lm/dataset/files/{path:path}"
MOST_BYTES = 100 * 1024 * 1024
MOST_IN_NAME = 200
FILE = limits.Text(r"^[\w.-]+/[\w./-]*[\w-]\.csv$", 1024)
SAFE = {
    "Content-Type": "application/octet-stream",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Content-Disposition": "attachment",
}


def put(call: ApiCall) -> Reply:
    """Store a file; 409 when there is one already and it is not to be overwritten."""
    url, target = place(call)
    if b"\0" in call.raw_body:
        raise invalid("the file is not csv")
    if target.is_dir() or any(parent.is_file() for parent in target.parents):
        raise invalid(f"{url} is, or lies below, something that is no folder of files")
    if call.world.objects.holds(call.group, url) and not call.flag("overwrite"):
        raise ApiError(409, f"{url} exists; overwrite=true replaces it", code="01010409")
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "file")
        source.write_bytes(call.raw_body)
        call.world.objects.put(call.group, url, source)
    return Reply({"message": "File creation acknowledged", "url": url}, 201, {"Location": url})


def get(call: ApiCall) -> Reply:
    url = existing(call)
    with tempfile.TemporaryDirectory() as folder:
        found = call.world.objects.fetch(call.group, url, Path(folder, "file"))
        return Reply(found.read_bytes(), 200, SAFE)


def delete(call: ApiCall) -> Reply:
    call.world.objects.delete(call.group, existing(call))
    return Reply(None, 204)


def existing(call: ApiCall) -> str:
    """The url of the file of the path; 404 when there is none."""
    url, _ = place(call)
    if not call.world.objects.holds(call.group, url):
        raise not_found("File", url)
    return url


def place(call: ApiCall) -> tuple[str, Path]:
    """The ``ai://`` url of a path (secret, then path) and where it is kept; 400 for others."""
    path = re.sub("/+", "/", call.path["path"])
    url = f"ai://{limits.check(path, 'path', FILE)}"
    if max(map(len, path.split("/"))) > MOST_IN_NAME:
        raise invalid(f"path has a name of more than {MOST_IN_NAME} characters")
    try:
        return url, call.world.objects.path(call.group, url)
    except ValueError as error:
        raise invalid(str(error)) from None


def told(handler: Callable[[ApiCall], Reply]) -> Callable[[ApiCall], Reply]:
    """The same, but an object store that cannot be used is a 400 that says why."""

    def answer(call: ApiCall) -> Reply:
        try:
            return handler(call)
        except StorageError as error:
            raise invalid(str(error)) from None

    return answer


OPERATIONS = (
    Operation("file.update", "PUT", PATH, told(put), most_bytes=MOST_BYTES),
    Operation("file.get", "GET", PATH, told(get)),
    Operation("file.delete", "DELETE", PATH, told(delete)),
)
