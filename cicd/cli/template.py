"""``cicd template``: Metaflow flows become templates of AI Core, and stay what the flows say."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cicd.automation.environment import Environment
from cicd.automation.files import write_file
from cicd.automation.git import find_root, read_facts, stage_of_branch
from cicd.cli.completion import complete_stage
from cicd.cli.console import print_note, print_result
from cicd.cli.help import Group, examples
from cicd.cli.options import variables_option
from cicd.cli.redaction import MASK
from cicd.errors import CicdError, Problem, Usage

if TYPE_CHECKING:
    from cicd.metaflow import Flow, Store

DIFFERS = 1


@click.group(
    "template", cls=Group, epilog=examples("cicd template build dev", "cicd template check dev")
)
def command() -> None:
    """Make templates from Metaflow flows, as the flows section of a stage file says."""


@command.command(
    "build", epilog=examples("cicd template build dev", "cicd template build flows/train.py")
)
@click.argument("names", nargs=-1, metavar="[STAGE|FLOW]...", shell_complete=complete_stage)
@click.option(
    "--local",
    "is_local",
    is_flag=True,
    help="Put the code into the S3 of the project's emulator, which is started if it does not run; "
    "the template is the same.",
)
@variables_option
def build_command(names: tuple[str, ...], is_local: bool, variables: dict[str, str]) -> None:
    """Write the templates of flows.

    FLOW is a file, a class or an executable id; without one all flows of the stage are built.
    A template whose flow cannot be built stays as it is.
    """
    from cicd.metaflow import build

    failed: list[CicdError] = []
    flows = chosen_flows(names, variables)
    here = local_store(flows[0].root) if is_local else None
    for flow in flows:
        try:
            built = build(flow, os.environ, here)
        except CicdError as error:
            failed.append(error)
            continue
        changed = write_template(flow, built.text)
        print_result(f"{flow.settings.template}: {changed} with {built.generator}")
    _raise(failed)


def local_store(root: Path) -> Store:
    """The S3 of the project's emulator, which is started if it does not run."""
    from cicd.automation import local
    from cicd.emulator.host import control
    from cicd.metaflow import Store
    from cicd.model import Secret

    found = control.s3_environment(local.start(root, os.environ))
    login = {name: Secret(found[name]) for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
    return Store("", found["METAFLOW_S3_ENDPOINT_URL"], "us-east-1", login)


@command.command(
    "check", epilog=examples("cicd template check dev", "cicd template check TrainFlow --generate")
)
@click.argument("names", nargs=-1, metavar="[STAGE|FLOW]...", shell_complete=complete_stage)
@click.option(
    "--generate",
    is_flag=True,
    help="Also run the generator and compare every field; needs Metaflow, but no bucket.",
)
@variables_option
def check_command(names: tuple[str, ...], generate: bool, variables: dict[str, str]) -> int:
    """Tell which templates no longer match their flows.

    Needs neither Metaflow nor a network or bucket. Ends with 1 when one differs, with 3 when a flow
    is wrong.
    """
    is_different = False
    for flow in chosen_flows(names, variables):
        found = differences(flow, generate=generate)
        for text in found:
            print_result(f"{flow.settings.template}: {text}")
        if not found:
            print_result(f"{flow.settings.template}: matches {flow.settings.file}")
        is_different = is_different or bool(found)
    if is_different:
        print_note("error: templates differ (run cicd template build)")
    return DIFFERS if is_different else 0


@command.command(
    "package",
    epilog=examples(
        "cicd template package TrainFlow --dockerfile image",
        "cicd template package flows/train.py --dockerfile image/train",
    ),
)
@click.argument("name", metavar="FLOW")
@click.option(
    "--dockerfile",
    "folder",
    required=True,
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder for the Dockerfile and the code.",
)
@variables_option
def package_command(name: str, folder: Path, variables: dict[str, str]) -> None:
    """Write the Dockerfile for the image of an embedded flow, and its code beside it."""
    from cicd.metaflow import fetch_package
    from cicd.metaflow.package import CODE

    flow, *more = chosen_flows((name,), variables)
    if more:
        raise Usage(f"{name} means several flows", hint="name one by its file")
    package = fetch_package(flow, os.environ)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / CODE).write_bytes(package.code)
    except OSError as error:
        raise CicdError(f"cannot write to {folder}: {error.strerror}") from error
    write_file(folder / "Dockerfile", package.dockerfile)
    print_result(f"wrote {folder / 'Dockerfile'} and {folder / CODE}")
    image = flow.settings.image or "IMAGE"
    print_result(f"next: docker build -t {image} {folder}")
    if not flow.settings.embedded:
        print_note(f"{flow.settings.file} is not embedded: its steps still download it")


def write_template(flow: Flow, text: str) -> str:
    """Write it where it is not there already, in one go; what was done, in a word."""
    path = flow.root / flow.settings.template
    try:
        if path.is_file() and path.read_bytes() == text.encode():
            return "as it was"
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CicdError(f"cannot write {path}: {error.strerror}") from error
    write_file(path, text)
    return "written"


def differences(flow: Flow, *, generate: bool) -> list[str]:
    """How the committed template of a flow differs, in words."""
    from cicd.metaflow import compare, template_differences

    if not (flow.root / flow.settings.template).is_file():
        return ["is not there"]
    found = template_differences(flow)
    return [*found, *compare(flow, os.environ)] if generate else found


def chosen_flows(names: Sequence[str], variables: Mapping[str, str]) -> list[Flow]:
    """The flows that are meant: those of the named stages, or else of the stage whose branch is
    checked out; of these the named ones. Raises Usage, InvalidStage."""
    from cicd.config import Surroundings, stage_files
    from cicd.metaflow import load_flows
    from cicd.platforms.registry import DIALECTS

    root = find_root(Path.cwd())
    facts = read_facts(root, os.environ)
    files = stage_files(root)
    stages = [name for name in names if _is_stage(name, files)]
    wanted = [name for name in names if name not in stages]
    if not stages:
        only = files if len(files) == 1 else [stage_of_branch(root, facts, os.environ)]
        stages = only
    flows: list[Flow] = []
    for stage in stages:
        flows += load_flows(
            stage,
            Surroundings(
                root=root,
                env=Environment(os.environ, MASK),
                variables=variables,
                git=facts,
                dialects=DIALECTS,
                places=os.environ,
            ),
        )
    for name in wanted:
        if not any(is_called(flow, name) for flow in flows):
            there = ", ".join(flow.settings.file for flow in flows) or "none"
            raise Usage(f"{name} is neither a stage nor a flow", hint=f"flows: {there}")
    if not flows:
        raise Usage(f"{' and '.join(stages)}: no flows section", hint="name the flows there")
    return [flow for flow in flows if not wanted or any(is_called(flow, n) for n in wanted)]


def _is_stage(name: str, files: Sequence[str]) -> bool:
    return Path(name).as_posix() in files or name in {Path(file).stem for file in files}


def is_called(flow: Flow, name: str) -> bool:
    """Whether a person means this flow by that name."""
    files = {flow.settings.file, flow.settings.template}
    if Path(name).as_posix() in files | flow.names:
        return True
    return Path(name).resolve() in {(flow.root / file).resolve() for file in files}


def _raise(failed: Sequence[CicdError]) -> None:
    """The failures as one: all findings together, else the first after the others are told."""
    from cicd.errors import InvalidStage

    problems: list[Problem] = []
    others: list[CicdError] = []
    for error in failed:
        if isinstance(error, InvalidStage):
            problems += error.problems
        else:
            others.append(error)
    for error in others[1:] if not problems else others:
        print_note(f"error: {error}")
    if problems:
        raise InvalidStage(problems)
    if others:
        raise others[0]
