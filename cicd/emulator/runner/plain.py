"""No sandbox: a process of this machine. Container paths that the template declares are rewritten.

For machines without bubblewrap. Only what stands in the template can be rewritten (command, args,
env, script); a path that the program itself holds cannot, and nothing is hidden or read-only.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Mapping
from pathlib import Path

from cicd.emulator.runner.bubblewrap import below
from cicd.emulator.runner.process import Launch
from cicd.emulator.runner.sandbox import Mount, Program
from cicd.emulator.runner.supervisor import supervisor

TEMPORARY = "/tmp"  # noqa: S108 the program's own, below its root


class Plain:
    """Rewrites paths instead of mounting them."""

    def __init__(self, why: str = "") -> None:
        reason = f" ({why})" if why else ""
        self.warning = (
            f"warning: runs without a sandbox{reason}: only container paths that the template "
            f"itself names are redirected to this run's folder"
        )

    def has_private_network(self, program: Program) -> bool:
        """All programs share this machine's ports."""
        return False

    def prepare(self, program: Program) -> Launch:
        """Rewrite the command, environment and script; make the folders."""
        for folder in program.folders:
            below(program.root, folder).mkdir(parents=True, exist_ok=True)
        places = _places(program)
        if program.script:
            script = below(program.root, program.script)
            text = script.read_text(encoding="utf-8")
            script.write_text(rewrite(text, places), encoding="utf-8")
        cwd = rewrite(program.workdir, places)
        if cwd == program.workdir:
            cwd = str(below(program.root, program.workdir))
            Path(cwd).mkdir(parents=True, exist_ok=True)
        return Launch(
            supervisor(),
            [rewrite(word, places) for word in program.command],
            _environment(program, places),
            cwd,
            limits=program.limits,
            folders=program.writable,
        )


def _environment(program: Program, places: Mapping[str, str]) -> dict[str, str]:
    """PATH stays, for it holds paths of this machine; /tmp becomes a private folder."""
    private = below(program.root, TEMPORARY)
    private.mkdir(parents=True, exist_ok=True)
    env = {
        key: text if key == "PATH" else rewrite(text, places) for key, text in program.env.items()
    }
    # what is mounted can be written here, and is the user's, not ours to litter
    own = {"TMPDIR": str(private), "PYTHONDONTWRITEBYTECODE": "1"}
    return {**own, **env, **(_home(env, str(private)))}


def _home(env: Mapping[str, str], private: str) -> dict[str, str]:
    return {"HOME": private} if env.get("HOME") == TEMPORARY else {}


def _places(program: Program) -> dict[str, str]:
    """Container path -> path on this machine, for all that the template declares."""
    own = {*program.folders, *program.paths, *filter(None, [program.script])}
    places = {path: str(below(program.root, path)) for path in own}
    mounts = sorted((*program.mounts, *program.shared), key=lambda mount: mount.target)
    return places | {mount.target: str(_link(program.root, mount)) for mount in mounts}


def _link(root: Path, mount: Mount) -> Path:
    """A link to what is mounted, so that it lies beside the rest as it does in a container.

    Where that is not possible, because something else lies around or in it, the thing itself.
    """
    link = below(root, mount.target)
    link.parent.mkdir(parents=True, exist_ok=True)
    if link.exists() or not link.parent.resolve().is_relative_to(root.resolve()):
        return mount.source
    link.symlink_to(mount.source.absolute())
    return link


def rewrite(text: str, places: Mapping[str, str]) -> str:
    """``text`` with every whole container path replaced, the longest first."""
    if not places:
        return text
    # The alternatives of a pattern are tried from the left, so that of ``/app`` and ``/app/data``
    # the longer one has to come first.
    names = sorted((name for name in places if name != "/"), key=len, reverse=True)
    if not names:
        return text
    pattern = rf"(?<![\w./-])(?:{'|'.join(map(re.escape, names))})(?![\w.-])"
    return re.sub(pattern, lambda match: places[match[0]], text)


def rewrite_port(text: str, port: int, free: int) -> str:
    """``text`` with ``port`` as a whole number in it replaced: ``--port=8080``, ``:8080``."""
    return re.sub(rf"(?<![\w.]){port}(?![\w.])", str(free), text)


def free_port() -> int:
    """A port of 127.0.0.1 that nobody uses right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_free(port: int) -> bool:
    """Whether nobody listens on the port."""
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
