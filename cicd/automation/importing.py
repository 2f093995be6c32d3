"""What is live somewhere becomes a stage file whose plan is empty."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from cicd.automation import local
from cicd.automation.files import write_file
from cicd.automation.git import origin_url, project_of
from cicd.automation.inventory import Place, inventory
from cicd.automation.loading import Loader
from cicd.automation.session import Session
from cicd.config import formats
from cicd.config.dialect import Around, Dialect, Export
from cicd.config.load import FOLDER
from cicd.config.tree import did_you_mean
from cicd.errors import CicdError, InvalidStage, PlatformError, Refused, Usage
from cicd.masking import secrets_of
from cicd.model import Action, Key, Plan, Resource, Stage
from cicd.platforms.registry import DIALECTS, imports, kinds_on

if TYPE_CHECKING:
    from cicd.platforms.base import Platform

SUFFIXES = (".yaml", ".yml")
SCHEMA = "config.schema.json"
MAX_BYTES = 1_000_000
"""Largest stage file that is read again."""

STAND_IN = '{"auths": {"unknown": {"auth": "dW5rbm93bg=="}}}'
"""For a value that is not at hand while the new file is checked: a text that any secret may be."""
Tell = Callable[[str], object]


@dataclass(frozen=True)
class Imported:
    """A stage file that was written, and what applying it would do. ``unset``: variables of the
    environment that it needs and that are not there. ``inventory``: all that was read, as plain
    data (see ``inventory``)."""

    file: Path
    export: Export
    plan: Plan
    unset: tuple[str, ...]
    inventory: Mapping[str, Any]


def import_stage(
    loader: Loader,
    name: str,
    target: Mapping[str, str],
    *,
    out: Path | None = None,
    select: Sequence[str] = (),
    wants: Sequence[str] = (),
    platform: str = "",
    force: bool = False,
    tell: Tell = str,
) -> Imported:
    """Write the stage file ``out`` (default ``stages/NAME.yaml``) of what is live at ``target``.

    Changes nothing there. ``target`` and ``select`` (globs; only what belongs to these) are in the
    words of the ``platform``, by default that of stage files which name none, and so is what it
    ``wants`` beside. ``force``: overwrite
    the file. ``tell`` is given what cannot be imported, and why. Raises Usage for a bad name,
    Refused where the file is there, NotFound where the place is not, and InvalidStage where the
    new file needs a hand before it can be planned.
    """
    root = loader.root_of()
    file = check_target(loader, root, name, out, force=force)
    platform = platform or next(iter(DIALECTS))
    if platform not in DIALECTS:
        message = f'there is no platform "{platform}"{did_you_mean(platform, DIALECTS)}'
        raise Usage(message, hint=f"there are: {', '.join(DIALECTS)}")
    dialect = DIALECTS[platform]
    check_words(dialect, target)
    stage = Stage(name, "", str(root), platform, target, None, ())
    with connected(loader, stage, root) as there:
        live = there.survey(target, _told(tell), select=select)
        seen = () if loader.is_local else live  # nobody finds the emulator in a console
        links = {(one.key.kind, one.id): there.link(one) or "" for one in seen}
    around = surroundings(loader, root, file, stage, select, wants)
    found = dialect.export(live, around)
    write_stage(loader, file, found)
    plan = plan_of(loader, file, found, tell)
    never = {
        change.key.name: f"with on_change it would run again: {change.reason}"
        for change in plan.changes
        if change.action is Action.RUN and change.live
        if change.live.status.has_ended or change.fields
    }
    if never:
        found = dialect.export(live, msgspec.structs.replace(around, never=never))
        write_stage(loader, file, found)
        plan = plan_of(loader, file, found, tell)
    unset = tuple(name for name in found.environment if name not in loader.environ)
    keys = {(one.key.kind, one.live.id): str(one.key) for one in plan.changes if one.live}
    heads = imports()[platform].inventory
    told = inventory(
        live,
        Place(kinds_on(platform), dialect, heads, links, keys),
        msgspec.structs.replace(around, target=plan.target),
        file=shown(loader, file),
        read_at=plan.created_at,
        notes=found.notes,
    )
    return Imported(file, found, plan, unset, told)


def check_words(dialect: Dialect, target: Mapping[str, str]) -> None:
    """Raises Usage for a word of the place that the platform does not have, as far as it tells."""
    known = [found.field for found in dialect.ENVIRONMENT.values() if found.field]
    for word in target if known else ():
        if word not in known:
            message = f'{dialect.NAME} has no "{word}"{did_you_mean(word, known)}'
            raise Usage(message, hint=f"it has: {', '.join(known)}")


def check_target(loader: Loader, root: Path, name: str, out: Path | None, *, force: bool) -> Path:
    """The file to write. Raises Usage for a bad name and Refused when it is there."""
    if problem := formats.stage_name_problem(name):
        raise Usage(f'the stage "{name}" {problem}')
    file = out or root / FOLDER / f"{name}.yaml"
    if file.suffix not in SUFFIXES:
        raise Usage(f"{file} is no name for a stage file", hint="one that ends in .yaml")
    file = loader.folder / file
    if file.exists() and not force:
        there = shown(loader, file)
        raise Refused(f"{there} is already there", hint="--force overwrites it, or use --out")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CicdError(f"cannot make {file.parent}: {error.strerror}") from error
    return file


@contextmanager
def connected(loader: Loader, stage: Stage, root: Path) -> Iterator[Platform]:
    """The platform, with what points to services where there is a login for that."""
    from cicd.platforms.registry import connect, kinds_of

    environ: Mapping[str, str] = loader.environ
    if loader.is_local:
        _, environ = local.entered(stage, root, environ)
    pointers = tuple(
        Resource(Key(kind.name, ""), {"name": ""})
        for kind in kinds_of(stage).values()
        if kind.role == "pointer"
    )
    try:
        platform = connect(replace(stage, resources=pointers), environ)
    except CicdError:
        platform = connect(stage, environ)
    try:
        yield platform
    finally:
        platform.close()


def _told(tell: Tell) -> Callable[[str, PlatformError], None]:
    """Tells of a kind that the login may not see."""

    def unseen(kind: str, error: PlatformError) -> None:
        tell(f"not imported: {kind.replace('_', ' ')}s: {error}")

    return unseen


def surroundings(
    loader: Loader,
    root: Path,
    file: Path,
    stage: Stage,
    select: Sequence[str],
    wants: Sequence[str],
) -> Around:
    """What the file is made for."""
    schema = root / SCHEMA
    path = os.path.relpath(schema, file.resolve().parent) if schema.is_file() else ""
    is_local, environ = loader.is_local, loader.environ
    return Around(
        stage=stage.name,
        target=stage.target,
        root=root,
        is_named_by_file=file.stem == stage.name,
        schema_path=Path(path).as_posix() if path else "",
        select=select,
        repository=local.override(root).repository if is_local else origin_url(root, environ),
        is_local=is_local,
        folder=project_of(root),
        secrets=secrets_of(environ),
        wants=wants,
    )


def write_stage(loader: Loader, file: Path, found: Export) -> None:
    """Write it. Raises CicdError where it would be too large to be read."""
    if len(found.text.encode()) > MAX_BYTES:
        raise CicdError(
            f"{shown(loader, file)} would be larger than {MAX_BYTES:,} bytes: nothing was written",
            hint="import only what belongs to a part of it",
        )
    write_file(file, found.text)


def plan_of(loader: Loader, file: Path, found: Export, tell: Tell) -> Plan:
    """What applying the new file would do. Raises InvalidStage where it does not load."""
    stand_ins = dict.fromkeys(found.environment, STAND_IN)
    try:
        with Session(loader, str(file.resolve()), stand_ins=stand_ins) as session:
            return session.make_plan()
    except InvalidStage:
        tell(f"wrote {shown(loader, file)}; it needs a hand before it can be planned:")
        raise


def shown(loader: Loader, file: Path) -> str:
    """The file as a person would name it from the folder on."""
    try:
        return file.resolve().relative_to(loader.folder.resolve()).as_posix()
    except ValueError:
        return str(file)
