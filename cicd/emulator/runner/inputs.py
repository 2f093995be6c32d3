"""Input artifacts on their way into a container."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from cicd.emulator.runner import artifacts
from cicd.emulator.runner.environment import NotRunnable, Secrets
from cicd.emulator.runner.fetching import NotThere, fetch
from cicd.emulator.runner.sandbox import Mount
from cicd.emulator.runner.volumes import below_folder, covering
from cicd.emulator.workflow import Input, is_key_only


@dataclass(frozen=True)
class Inputs:
    """``fetched``: a folder for what comes from elsewhere. ``outputs``: container paths that are
    read again afterwards. ``shared``: the container's writable volumes."""

    root: Path
    fetched: Path
    outputs: Sequence[str]
    shared: list[Mount]
    secrets: Secrets
    environ: Mapping[str, str]
    kept: Callable[[str, Path], Path]
    """What is in the default object store under a key, brought into a folder."""

    def bring(self, item: Input) -> Mount | None:
        """Bring one in; the mount that does it, None when it was copied. Raises NotRunnable."""
        covered = covering(self.shared, item.path)
        target = below_folder(*covered) if covered else self.root / item.path.lstrip("/")
        if item.content.raw is not None:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(item.content.raw, encoding="utf-8")
            _set_mode(target, item.mode)
            return None
        source = self._source(item)
        if source is None:
            return None
        if item.is_archived and artifacts.is_tar(source):
            artifacts.unpack(source, target)
        # Otherwise it is mounted read-only from where it is: models are large, and a copy for each
        # step would take minutes.
        elif covered or item.mode is not None or self._is_written_again(item.path):
            # the program gets a copy of its own
            artifacts.place(source, target)
        else:
            return Mount(source, item.path)
        _set_mode(target, item.mode)
        return None

    def _source(self, item: Input) -> Path | None:
        """The file or folder of this machine that it is; None for an optional one that is not."""
        content = item.content
        source = Path(content.path)
        if content.remote is not None and is_key_only(content.remote.get("s3") or {"url": ""}):
            source = self._of_key(item, str(content.remote["s3"]["key"]))
        elif content.remote is not None:
            try:
                source = fetch(content.remote, self.fetched / item.name, self.secrets, self.environ)
            except NotThere as error:
                if item.is_optional:
                    return None
                raise NotRunnable(f"input artifact {item.name}: {error}") from None
        if content.sub_path and item.is_archived and artifacts.is_tar(source):
            whole = self.fetched / f"{item.name}.unpacked"
            artifacts.unpack(source, whole)
            source = whole
        if content.sub_path:
            source = below_folder(source, content.sub_path)
        if source.exists():
            return source
        if item.is_optional:
            return None
        raise NotRunnable(f"input artifact {item.name}: {source} does not exist")

    def _of_key(self, item: Input, key: str) -> Path:
        folder = self.fetched / item.name
        folder.mkdir(parents=True, exist_ok=True)
        try:
            source = self.kept(key, folder)
        except ValueError as error:
            raise NotRunnable(f"input artifact {item.name}: {error}") from None
        if not source.exists() and not item.is_optional:
            why = f"there is no {key} in the object store called default"
            raise NotRunnable(f"input artifact {item.name}: {why}")
        return source

    def _is_written_again(self, path: str) -> bool:
        return any(overlap(path, output) for output in self.outputs)


def overlap(one: str, other: str) -> bool:
    """Whether one container path is, or lies in, the other."""
    a, b = PurePosixPath(one), PurePosixPath(other)
    return a == b or a in b.parents or b in a.parents


def _set_mode(target: Path, mode: int | None) -> None:
    if mode is not None:
        target.chmod(int(mode) & 0o777)
