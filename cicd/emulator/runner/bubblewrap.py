"""A sandbox made with bubblewrap: a private ``/`` in which this machine's programs still work.

The root is the run's own folder. Every top-level entry of this machine is bound into it read-only,
and so are the image's mounts; a folder in which the program must be able to write, or into which
something else is mounted, is made anew and its entries are bound one by one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from cicd.emulator.runner.environment import NotRunnable
from cicd.emulator.runner.process import Launch
from cicd.emulator.runner.sandbox import PROGRAMS, Mount, Program, interpreter, supervisor

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
        python = str(interpreter())
        command = list(program.command)
        own = [Mount(PROGRAMS / "in_sandbox_supervise.py", f"{OWN}/supervise.py")]
        isolation = list(ISOLATION)
        if program.relay:
            own.append(Mount(PROGRAMS / "in_sandbox_relay.py", f"{OWN}/relay.py"))
            isolation += ["--bind", str(program.relay), f"{OWN}/socket", "--unshare-net"]
            relay = [*supervisor(python, f"{OWN}/relay.py"), f"{OWN}/socket/{SOCKET}"]
            command = [*relay, str(program.port), "--", *command]
        mounts = [*_visible(program), *program.mounts, *program.shared, *own]
        shared = [mount.target for mount in program.shared]
        layout = Layout(mounts, folders, program.paths, self._private, shared)
        bound = layout.arguments()
        _without_links(program.root, bound)
        argv = [self._bwrap, "--bind", str(program.root), "/", *bound]
        argv += ["--dev", "/dev", "--proc", "/proc", *isolation, "--"]
        argv += supervisor(python, f"{OWN}/supervise.py")
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
        self._shared = {PurePosixPath(path) for path in shared}
        self._mounts = {PurePosixPath(mount.target): mount.source for mount in mounts}
        self._hidden = self._mounts.keys() | {PurePosixPath(path) for path in paths}
        self._private = private
        writable = {PurePosixPath(folder) for folder in folders}
        points = self._mounts.keys() | writable
        self._open = {parent for point in points for parent in point.parents} | writable

    def arguments(self) -> list[str]:
        """bubblewrap's options, outer folders before inner ones."""
        root = PurePosixPath("/")
        found = [] if root in self._mounts else list(self._inside(root, Path("/")))
        for target in sorted(self._mounts):
            found += self._cover(target, self._mounts[target], is_mount=True)
        return found

    def _cover(
        self, target: PurePosixPath, source: Path, *, is_mount: bool = False
    ) -> Iterator[str]:
        """The options that show ``source`` at ``target``."""
        if target in self._hidden and not is_mount:
            return
        resolved = source.resolve()
        if resolved in self._private:
            return
        holds_private = any(resolved in folder.parents for folder in self._private)
        if resolved.is_dir() and (target in self._open or holds_private):
            yield from ("--dir", str(target))
            yield from self._inside(target, source)
        elif source.is_symlink() and not is_mount:
            yield from ("--symlink", str(source.readlink()), str(target))
        else:
            # -try: an entry may vanish between the listing and the start
            is_shared = is_mount and target in self._shared
            option = "--bind-try" if is_shared else "--ro-bind-try"
            yield from (option, str(resolved if is_mount else source), str(target))

    def _inside(self, target: PurePosixPath, source: Path) -> Iterator[str]:
        try:
            entries = sorted(source.iterdir())
        except PermissionError:
            return
        for entry in entries:
            place = target / entry.name
            if str(place) in OWN_ROOTS or (len(place.parts) == 2 and entry.is_file()):
                continue
            yield from self._cover(place, entry)


def _without_links(root: Path, arguments: Sequence[str]) -> None:
    """Take away the links that bubblewrap made when a program ran in this root before; it would
    not make them again."""
    for index, word in enumerate(arguments):
        if word == "--symlink":
            place = below(root, arguments[index + 2])
            if place.is_symlink():
                place.unlink()


def _workdir(program: Program) -> list[str]:
    """The working directory, where neither a mount nor this machine has it."""
    place = PurePosixPath(program.workdir)
    targets = {PurePosixPath(mount.target) for mount in program.mounts}
    if Path(program.workdir).is_dir() or targets.intersection((place, *place.parents)):
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
