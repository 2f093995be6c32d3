"""``cicd emulator``: SAP AI Core on this machine, for anything that speaks its API."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from cicd.cli import local
from cicd.cli.console import print_result
from cicd.cli.git import find_root
from cicd.errors import CicdError


@contextmanager
def translated() -> Iterator[Any]:
    """The emulator's control functions; its errors become ours, a missing extra is said."""
    try:
        from cicd.emulator import control
        from cicd.emulator.errors import EmulatorError
    except ModuleNotFoundError as error:
        raise CicdError(
            f"the emulator needs {error.name}, which is not installed",
            hint="pip install 'aicore-cicd[local]'",
        ) from error
    try:
        yield control
    except EmulatorError as error:
        raise CicdError(error.message, hint=error.hint) from error


def folder(data: Path | None) -> Path:
    """Where the emulator keeps everything: the project's own ``.cicd/emulator`` unless named."""
    if data:
        return data.resolve()
    return local.state_folder(find_root(Path.cwd())) / "emulator"


data_option = click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of its state. [default: .cicd/emulator]",
)


@click.group("emulator")
def command() -> None:
    """Run SAP AI Core on this machine.

    It speaks the real protocol on 127.0.0.1 and really runs templates: the SAP SDKs, curl and any
    script written for AI Core work against it unchanged.
    """


@command.command()
@data_option
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="0: the last one, or any.")
@click.option("--foreground", is_flag=True, help="Stay here until Ctrl-C.")
def start(data: Path | None, port: int, foreground: bool) -> None:
    """Start it, unless it runs already."""
    where = folder(data)
    with translated() as control:
        if foreground:
            control.serve(where, port=port, environ=os.environ)
            return
        endpoint = control.start(where, port=port, command=local.serve_command(where))
    print_result(f"running at {endpoint.url} (pid {endpoint.pid})")
    print_result('to use it: eval "$(cicd emulator env --export)"')


@command.command()
@data_option
def stop(data: Path | None) -> None:
    """Stop it; its state stays."""
    with translated() as control:
        stopped = control.stop(folder(data))
    print_result("stopped" if stopped else "not running")


@command.command()
@data_option
def status(data: Path | None) -> int:
    """Say whether it runs, and where. Ends with 1 when it does not."""
    with translated() as control:
        endpoint = control.status(folder(data))
    if endpoint is None:
        print_result("not running")
        return 1
    print_result(f"running at {endpoint.url} (pid {endpoint.pid})")
    return 0


@command.command()
@data_option
def reset(data: Path | None) -> None:
    """Stop it and forget everything it knows."""
    with translated() as control:
        control.reset(folder(data))
    print_result("reset")


@command.command()
@data_option
@click.option("--export", is_flag=True, help="As shell commands, for eval.")
@click.option("--resource-group", default="default", show_default=True)
def env(data: Path | None, export: bool, resource_group: str) -> None:
    """Print the variables that point SDKs and cicd at it."""
    with translated() as control:
        endpoint = control.status(folder(data))
        if endpoint is None:
            raise CicdError("the emulator is not running", hint="cicd emulator start")
        variables = control.environment(endpoint, resource_group)
    for name, value in variables.items():
        line = f"export {name}={shlex.quote(value)}" if export else f"{name}={value}"
        print_result(line)
