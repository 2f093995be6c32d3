"""Git objects without git: a commit of a few files, written as any git reads it.

Git takes five processes for that, which is most of the time of a plan on the emulator.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import zlib
from collections.abc import Mapping
from pathlib import Path

Names = tuple[bytes, ...]
"""Where a file is: its folders and its own name."""
FILE, FOLDER = b"100644", b"40000"
WHO = b"cicd <cicd@localhost> 946684800 +0000"
"""Author and committer, at the beginning of the year 2000: the same files give the same commit."""


def write_commit(repository: Path, files: Mapping[Names, bytes], message: str) -> str:
    """A commit without parents of these files; its id. Moves no branch. May raise OSError."""
    tree = _write_tree(repository, files).hex().encode()
    text = b"tree %b\nauthor %b\ncommitter %b\n\n%b\n" % (tree, WHO, WHO, message.encode())
    return _write(repository, b"commit", text).hex()


def _write_tree(repository: Path, files: Mapping[Names, bytes]) -> bytes:
    folders: dict[bytes, dict[Names, bytes]] = {}
    entries: dict[bytes, tuple[bytes, bytes, bytes]] = {}
    for (name, *rest), content in files.items():
        if rest:
            folders.setdefault(name, {})[tuple(rest)] = content
        else:
            entries[name] = FILE, name, _write(repository, b"blob", content)
    for name, inside in folders.items():
        # in the order of trees a folder ends with a slash
        entries[name + b"/"] = FOLDER, name, _write_tree(repository, inside)
    listed = b"".join(b"%b %b\0%b" % entries[place] for place in sorted(entries))
    return _write(repository, b"tree", listed)


def _write(repository: Path, kind: bytes, content: bytes) -> bytes:
    """One object, written whole or not at all, where there is none yet; its binary id."""
    whole = b"%b %d\0%b" % (kind, len(content), content)
    name = hashlib.new(_algorithm(repository), whole, usedforsecurity=False)
    file = repository / "objects" / name.hexdigest()[:2] / name.hexdigest()[2:]
    if not file.exists():
        file.parent.mkdir(exist_ok=True)
        handle, begun = tempfile.mkstemp(dir=file.parent, prefix="tmp_obj_")
        with os.fdopen(handle, "wb") as stream:
            stream.write(zlib.compress(whole, 1))
        Path(begun).replace(file)
    return name.digest()


def _algorithm(repository: Path) -> str:
    """How the repository names its objects, which the settings of a user decide when it is made."""
    settings = (repository / "config").read_text(encoding="utf-8").lower().replace(" ", "")
    return "sha256" if "objectformat=sha256" in settings else "sha1"
