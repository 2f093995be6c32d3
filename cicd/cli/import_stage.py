"""``cicd import``: a live resource group becomes a stage file whose plan is empty."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cicd.automation import local
from cicd.automation.git import find_root, origin_url, project_of
from cicd.automation.redaction import secrets_of
from cicd.automation.session import open_session
from cicd.cli.console import print_note, print_result, write_file
from cicd.cli.help import examples
from cicd.cli.options import Common, common_options
from cicd.config import formats
from cicd.config.load import FOLDER
from cicd.errors import CicdError, Denied, InvalidStage, NotFound, Refused, Usage
from cicd.model import Action, Change, Key, LiveResource, Plan, Resource, Stage, Template
from cicd.platforms.aicore.dialect.exporting import Around, Export, export_stage
from cicd.render.findings import count

if TYPE_CHECKING:
    from cicd.platforms.base import Platform

SUFFIXES = (".yaml", ".yml")
SCHEMA = "config.schema.json"
MAX_BYTES = 1_000_000
"""Largest stage file that is read again."""

STAND_IN = '{"auths": {"unknown": {"auth": "dW5rbm93bg=="}}}'
"""For a value that is not at hand while the new file is checked: a text that any secret may be."""


@click.command(
    "import",
    epilog=examples(
        "cicd import dev --resource-group churn-dev",
        "cicd import prd --resource-group churn --scenario 'churn*' --out stages/prd.yaml",
    ),
)
@click.argument("stage")
@click.option("--resource-group", "group", required=True, help="What to import.")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file to write.  [default: stages/STAGE.yaml]",
)
@click.option(
    "--scenario",
    "scenarios",
    multiple=True,
    metavar="GLOB",
    help="Only what belongs to these scenarios.",
)
@click.option("--force", is_flag=True, help="Overwrite the file.")
@common_options()
def command(
    stage: str,
    common: Common,
    group: str,
    out: Path | None,
    scenarios: tuple[str, ...],
    force: bool,
) -> None:
    """Write a stage file that asks for what lives in a resource group.

    Changes nothing there. Templates cannot be read back: with those of the group in templates/, the
    file syncs them too. Ends with 5 when the file is already there.
    """
    root = find_root(Path.cwd())
    file = check_target(root, stage, out, force=force)
    with connected(stage, group, root, common) as platform:
        live = read_group(platform, group)
    around = surroundings(root, file, stage, group, scenarios, common)
    found = export_stage(live, around)
    write_stage(file, found)
    plan = plan_of(file, common, found)
    never = {
        change.key.name: f"with on_change it would run again: {change.reason}"
        for change in plan.changes
        if change.action is Action.RUN and change.live
        if change.live.status.has_ended or change.fields
    }
    if never:
        found = export_stage(live, replace(around, never=never))
        write_stage(file, found)
        plan = plan_of(file, common, found)
    report(file, found, plan)


def check_target(root: Path, stage: str, out: Path | None, *, force: bool) -> Path:
    """The file to write. Raises Usage for a bad name and Refused when it is there."""
    if problem := formats.stage_name_problem(stage):
        raise Usage(f'the stage "{stage}" {problem}')
    file = out or root / FOLDER / f"{stage}.yaml"
    if file.suffix not in SUFFIXES:
        raise Usage(f"{file} is no name for a stage file", hint="one that ends in .yaml")
    if file.exists() and not force:
        raise Refused(f"{shown(file)} is already there", hint="--force overwrites it, or use --out")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CicdError(f"cannot make {file.parent}: {error.strerror}") from error
    return file


@contextmanager
def connected(name: str, group: str, root: Path, common: Common) -> Iterator[Platform]:
    """The platform, with destinations where there is a login for them."""
    from cicd.platforms.registry import connect

    environ: Mapping[str, str] = os.environ
    stage = Stage(name, "", str(root), "aicore", {"resource_group": group}, None, ())
    if common.local:
        environ = local.environment(local.start(root), stage, environ)
    try:
        destination = Resource(Key("destination", ""), {"name": ""})
        platform = connect(replace(stage, resources=(destination,)), environ)
    except CicdError:
        platform = connect(stage, environ)
    try:
        yield platform
    finally:
        platform.close()


def read_group(platform: Platform, group: str) -> list[LiveResource]:
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
            print_note(f"not imported: {what}s: {error}")
    return list(found.values())


def surroundings(
    root: Path, file: Path, stage: str, group: str, scenarios: Sequence[str], common: Common
) -> Around:
    """What the file is made for."""
    schema = root / SCHEMA
    path = os.path.relpath(schema, file.resolve().parent) if schema.is_file() else ""
    return Around(
        stage=stage,
        group=group,
        is_named_by_file=file.stem == stage,
        schema_path=Path(path).as_posix() if path else "",
        scenarios=scenarios,
        templates=templates_of(root),
        repository=local.override(root).repository if common.local else origin_url(root),
        is_local=common.local,
        folder=project_of(root),
        secrets=secrets_of(os.environ),
    )


def templates_of(root: Path) -> list[Template]:
    """The templates of the project, where it has some."""
    from cicd.config.tree import Place
    from cicd.platforms.aicore.dialect.templates import read_templates

    if not (root / "templates").is_dir():
        return []
    found, _ = read_templates(root, "templates", Place("templates"))
    return [template for template in found if template.scenario_id]


def write_stage(file: Path, found: Export) -> None:
    """Write it. Raises CicdError where it would be too large to be read."""
    if len(found.text.encode()) > MAX_BYTES:
        raise CicdError(
            f"{shown(file)} would be larger than {MAX_BYTES:,} bytes: nothing was written",
            hint="import less with --scenario",
        )
    write_file(file, found.text)


def plan_of(file: Path, common: Common, found: Export) -> Plan:
    """What applying the new file would do. Raises InvalidStage where it does not load."""
    stand_ins = dict.fromkeys(found.environment, STAND_IN)
    try:
        with open_session(str(file.resolve()), common, stand_ins=stand_ins) as session:
            return session.plan()
    except InvalidStage:
        print_note(f"wrote {shown(file)}; it needs a hand before it can be planned:")
        raise


def report(file: Path, found: Export, plan: Plan) -> None:
    """What was written and left out, and what applying it would do."""
    from cicd.render.printable import printable

    counts = [count(n, name.removesuffix("s")) for name, n in found.counts.items() if n]
    print_result(f"wrote {shown(file)}: {', '.join(counts) or 'the group is empty'}")
    for note in found.notes:
        print_note(f"not imported: {printable(note)}")
    unset = [name for name in found.environment if name not in os.environ]
    if unset:
        print_note(f"set these variables before you plan: {', '.join(unset)}")
    differing = [change for change in plan.changes if is_difference(change, has_unset=bool(unset))]
    print_result(f"plan: {count(len(differing), 'change')}" if differing else "plan: no changes")
    for change in differing:
        print_result(f"  {change.key}: {change.action.value}, {printable(change.reason)}")


def is_difference(change: Change, *, has_unset: bool) -> bool:
    """Whether applying changes it; of a secret whose value is not at hand nobody can tell."""
    if change.action is Action.NO_OP:
        return False
    return not (has_unset and change.key.kind.endswith("_secret"))


def shown(file: Path) -> str:
    """The file as a person would name it here."""
    try:
        return file.resolve().relative_to(Path.cwd().resolve()).as_posix()
    except ValueError:
        return str(file)
