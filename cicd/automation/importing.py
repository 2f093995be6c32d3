"""What is live somewhere becomes a stage file whose plan is empty."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from cicd.automation import local
from cicd.automation.files import write_file
from cicd.automation.git import origin_url, project_of
from cicd.automation.loading import Loader
from cicd.automation.session import Session
from cicd.config import formats
from cicd.config.load import FOLDER
from cicd.errors import CicdError, Denied, InvalidStage, NotFound, Refused, Usage
from cicd.masking import secrets_of
from cicd.model import Action, Key, LiveResource, Plan, Resource, Stage
from cicd.platforms.aicore.dialect.exporting import Around, Export, export_stage
from cicd.platforms.aicore.dialect.template import Template

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
    environment that it needs and that are not there."""

    file: Path
    export: Export
    plan: Plan
    unset: tuple[str, ...]


def import_stage(
    loader: Loader,
    name: str,
    group: str,
    *,
    out: Path | None = None,
    scenarios: Sequence[str] = (),
    force: bool = False,
    tell: Tell = str,
) -> Imported:
    """Write the stage file ``out`` (default ``stages/NAME.yaml``) of what is live in ``group``.

    Changes nothing there. ``scenarios``: only what belongs to these (globs). ``force``: overwrite
    the file. ``tell`` is given what cannot be imported, and why. Raises Usage for a bad name,
    Refused where the file is there, NotFound where the group is not, and InvalidStage where the
    new file needs a hand before it can be planned.
    """
    root = loader.root_of()
    file = check_target(loader, root, name, out, force=force)
    with connected(loader, name, group, root) as platform:
        live = read_group(platform, group, tell)
    around = surroundings(loader, root, file, name, group, scenarios)
    found = export_stage(live, around)
    write_stage(loader, file, found)
    plan = plan_of(loader, file, found, tell)
    never = {
        change.key.name: f"with on_change it would run again: {change.reason}"
        for change in plan.changes
        if change.action is Action.RUN and change.live
        if change.live.status.has_ended or change.fields
    }
    if never:
        found = export_stage(live, replace(around, never=never))
        write_stage(loader, file, found)
        plan = plan_of(loader, file, found, tell)
    unset = tuple(name for name in found.environment if name not in loader.environ)
    return Imported(file, found, plan, unset)


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
def connected(loader: Loader, name: str, group: str, root: Path) -> Iterator[Platform]:
    """The platform, with destinations where there is a login for them."""
    from cicd.platforms.registry import connect

    environ: Mapping[str, str] = loader.environ
    stage = Stage(name, "", str(root), "aicore", {"resource_group": group}, None, ())
    if loader.is_local:
        environ = local.environment(local.start(root, environ), stage, environ)
    try:
        destination = Resource(Key("destination", ""), {"name": ""})
        platform = connect(replace(stage, resources=(destination,)), environ)
    except CicdError:
        platform = connect(stage, environ)
    try:
        yield platform
    finally:
        platform.close()


def read_group(platform: Platform, group: str, tell: Tell) -> list[LiveResource]:
    """All that is live in the group. Raises NotFound where there is no such group."""
    key = Key("resource_group", group)
    live = platform.read([Resource(key, {"name": group})], everything=True)
    if not any(item.key == key for item in live):
        raise NotFound(f"there is no resource group {group}", hint="check --resource-group")
    found = {(item.key.kind, item.id): item for item in live}
    for kind in ("application", "docker_registry_secret", "destination"):
        try:
            found |= {(item.key.kind, item.id): item for item in platform.browse(kind)}
        except Denied as error:  # the file can do without
            what = kind.replace("_", " ")
            tell(f"not imported: {what}s: {error}")
    return list(found.values())


def surroundings(
    loader: Loader, root: Path, file: Path, name: str, group: str, scenarios: Sequence[str]
) -> Around:
    """What the file is made for."""
    schema = root / SCHEMA
    path = os.path.relpath(schema, file.resolve().parent) if schema.is_file() else ""
    is_local, environ = loader.is_local, loader.environ
    return Around(
        stage=name,
        group=group,
        is_named_by_file=file.stem == name,
        schema_path=Path(path).as_posix() if path else "",
        scenarios=scenarios,
        templates=templates_of(root),
        repository=local.override(root).repository if is_local else origin_url(root, environ),
        is_local=is_local,
        folder=project_of(root),
        secrets=secrets_of(environ),
    )


def templates_of(root: Path) -> list[Template]:
    """The templates of the project, where it has some."""
    from cicd.config.tree import Place
    from cicd.platforms.aicore.dialect.templates import read_templates

    if not (root / "templates").is_dir():
        return []
    found, _ = read_templates(root, "templates", Place("templates"))
    return [template for template in found if template.scenario_id]


def write_stage(loader: Loader, file: Path, found: Export) -> None:
    """Write it. Raises CicdError where it would be too large to be read."""
    if len(found.text.encode()) > MAX_BYTES:
        raise CicdError(
            f"{shown(loader, file)} would be larger than {MAX_BYTES:,} bytes: nothing was written",
            hint="import less with --scenario",
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
