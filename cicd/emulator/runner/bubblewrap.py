"""A sandbox made with bubblewrap: a private ``/`` in which this machine's programs still work.

The root is the run's own folder. Every top-level entry of this machine is bound into it read-only,
and so are the image's mounts; a folder in which the program must be able to write, or into which
something else is mounted, is made anew and its entries are bound one by one.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from cicd.emulator.runner.environment import NotRunnable
from cicd.emulator.runner.process import Launch
from cicd.emulator.runner.sandbox import Mount, Program
from cicd.emulator.runner.supervisor import PROGRAMS, interpreter, isolated, supervisor

OWN = "/.cicd"
SOCKET = "s"
ROOM = ("/home", "/media", "/mnt", "/opt", "/root", "/srv", "/var/log", "/var/tmp")  # noqa: S108
"""Where programs of an image, which are root there, are used to writing."""
OWN_ROOTS = ("/proc", "/dev", "/tmp")  # noqa: S108 these are the sandbox's own, not ours
ISOLATION = ("--unshare-pid", "--die-with-parent", "--new-session")


class Bubblewrap:
    """``private``: folders of this machine that no program may see."""

    warning = ""

    def __init__(self, bwrap: str, private: Sequence[Path] = ()) -> None:
        self._bwrap = bwrap
        self._private = [folder.resolve() for folder in private]

    def has_private_network(self, program: Program) -> bool:
        """Every port is free."""
        return True

    def prepare(self, program: Program) -> Launch:
        """The command line; makes the root folder and the folders that must be writable."""
        folders = (*ROOM, *program.folders, *_workdir(program), *_among_others(program))
        for folder in ("/tmp", *folders):  # noqa: S108
            below(program.root, folder).mkdir(parents=True, exist_ok=True)
        command = list(program.command)
        own = []
        isolation = list(ISOLATION)
        if program.relay:
            own = [Mount(PROGRAMS / "relay.py", f"{OWN}/relay.py")]
            # A server gets a network of its own, so that any number of them can listen on the same
            # port; the only way in is a socket in a folder.
            isolation += ["--bind", str(program.relay), f"{OWN}/socket", "--unshare-net"]
            relay = isolated(f"{OWN}/relay.py", f"{OWN}/socket/{SOCKET}", str(program.port), "--")
            command = [*relay, *command]
        mounts = [*_visible(program), *program.mounts, *program.shared, *own]
        shared = [mount.target for mount in program.shared]
        layout = Layout(mounts, folders, program.paths, self._private, shared)
        bound = layout.arguments()
        _without_links(program.root, bound)
        # The private root first: bubblewrap carries its options out one by one, and what comes
        # later lies on top.
        argv = [self._bwrap, "--bind", str(program.root), "/", *bound]
        argv += ["--dev", "/dev", "--proc", "/proc", *isolation, "--"]
        argv += supervisor()
        return Launch(
            argv,
            command,
            program.env,
            program.workdir,
            limits=program.limits,
            folders=program.writable,
            is_alone=True,
        )


class Layout:
    """What is bound where. ``mounts`` hide what this machine has there; the longest path wins.

    ``folders`` must be writable, of ``paths`` nothing that this machine has may show; mounts whose
    target is in ``shared`` can be written.
    """

    def __init__(
        self,
        mounts: Sequence[Mount],
        folders: Sequence[str],
        paths: Sequence[str],
        private: Sequence[Path],
        shared: Sequence[str] = (),
    ) -> None:
        # paths as text: there are hundreds of them for each program that is started
        self._shared = {_normal(path) for path in shared}
        self._mounts = {_normal(mount.target): str(mount.source) for mount in mounts}
        self._hidden = self._mounts.keys() | {_normal(path) for path in paths}
        self._private = {str(folder) for folder in private}
        self._holding_private = {str(parent) for folder in private for parent in folder.parents}
        writable = {_normal(folder) for folder in folders}
        points = self._mounts.keys() | writable
        around = {str(parent) for point in points for parent in PurePosixPath(point).parents}
        self._open = around | writable

    def arguments(self) -> list[str]:
        """bubblewrap's options, outer folders before inner ones."""
        found = [] if "/" in self._mounts else list(self._inside("/", "/", "/"))
        for target in sorted(self._mounts, key=PurePosixPath):
            source = self._mounts[target]
            resolved = os.path.realpath(source)
            if self._is_laid_open(target, resolved):
                found += self._folder(target, source, resolved)
            elif resolved not in self._private:
                option = "--bind-try" if target in self._shared else "--ro-bind-try"
                found += (option, resolved, target)
        return found

    def _is_laid_open(self, target: str, resolved: str) -> bool:
        """Whether a folder is made anew, and its entries are bound one by one."""
        is_parted = target in self._open or resolved in self._holding_private
        return is_parted and resolved not in self._private and Path(resolved).is_dir()

    def _folder(self, target: str, source: str, resolved: str) -> Iterator[str]:
        yield from ("--dir", target)
        yield from self._inside(target, source, resolved)

    def _inside(self, target: str, source: str, resolved: str) -> Iterator[str]:
        """The options that show the entries of ``source`` in ``target``."""
        try:
            with os.scandir(source) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except PermissionError:
            return
        for entry in entries:
            place = f"{target.rstrip('/')}/{entry.name}"
            if place in self._hidden or place in OWN_ROOTS or (target == "/" and entry.is_file()):
                continue
            is_link = entry.is_symlink()
            own = (
                os.path.realpath(entry.path) if is_link else f"{resolved.rstrip('/')}/{entry.name}"
            )
            if own in self._private:
                continue
            if self._is_laid_open(place, own):
                yield from self._folder(place, entry.path, own)
            elif is_link:
                yield from ("--symlink", os.readlink(entry.path), place)  # noqa: PTH115
            else:
                # -try: an entry may vanish between the listing and the start
                yield from ("--ro-bind-try", entry.path, place)


def _normal(path: str) -> str:
    return str(PurePosixPath(path))


def _without_links(root: Path, arguments: Sequence[str]) -> None:
    """Take away the links that bubblewrap made when a program ran in this root before; it would
    not make them again."""
    for index, word in enumerate(arguments):
        if word == "--symlink":
            place = below(root, arguments[index + 2])
            if place.is_symlink():
                place.unlink()


def _workdir(program: Program) -> list[str]:
    """The working directory, which a program of an image may write to, unless a mount has it or
    it is the sandbox's own."""
    place = PurePosixPath(program.workdir)
    targets = {PurePosixPath(mount.target) for mount in (*program.mounts, *program.shared)}
    own = {PurePosixPath("/"), *map(PurePosixPath, OWN_ROOTS)}
    around = {place, *place.parents}
    if place in own or targets & around or (around & own) - {PurePosixPath("/")}:
        return []
    return [program.workdir]


def _among_others(program: Program) -> set[str]:
    """Folders of this machine into which the image puts single files, such as /usr/local/bin."""
    files = (path for path in program.paths if below(program.root, path).is_file())
    return {str(PurePosixPath(path).parent) for path in files} - {"/"}


def below(root: Path, path: str) -> Path:
    """Where the container path ``path`` is on this machine. Raises NotRunnable if it leads out."""
    if ".." in PurePosixPath(path).parts:
        raise NotRunnable(f"path {path} leads out of the container: write it without ..")
    return root / path.lstrip("/")


def _visible(program: Program) -> list[Mount]:
    """Folders without which Python would not start, where something else hides them: /tmp is
    private inside, and so is what the image has."""
    found = [interpreter().parent.parent, interpreter().resolve().parent.parent]
    if program.python:
        python = Path(program.python)
        home = python.parent.parent if python.is_file() else python
        found += [home, *_base(home)]
    private = {Path("/tmp").resolve(), *map(Path, program.paths)}  # noqa: S108
    return [
        Mount(folder, str(folder))
        for folder in dict.fromkeys(found)
        if private.intersection(folder.parents) and folder.is_dir()
    ]


def _base(environment: Path) -> list[Path]:
    """The installation behind a virtual environment."""
    for name in ("python", "python3"):
        program = environment / "bin" / name
        if program.exists():
            return [program.resolve().parent.parent]
    return []
