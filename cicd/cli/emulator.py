"""``cicd emulator``: SAP AI Core on this machine, for anything that speaks its API."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

import click

from cicd.automation.bounds import choose_bounds
from cicd.cli.console import print_result
from cicd.cli.emulator_bounds import as_options, bounds_options
from cicd.cli.emulator_doors import doors_options
from cicd.cli.emulator_faults import faults
from cicd.cli.emulator_folder import data_option, endpoint_of, folder, translated
from cicd.cli.help import Group, examples
from cicd.cli.redaction import MASK
from cicd.errors import CicdError
from cicd.version import install


@click.group("emulator", cls=Group, epilog=examples("cicd emulator start", "cicd emulator status"))
def command() -> None:
    """Run SAP AI Core or Amazon SageMaker on this machine.

    It speaks the real protocol on 127.0.0.1 and really trains and serves: the SDKs of SAP and AWS,
    curl and any script written for them work against it unchanged.
    """


@command.command(
    epilog=examples("cicd emulator start", "cicd emulator start --port 8080 --foreground")
)
@data_option
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="0: the last one, or any.")
@click.option("--foreground", is_flag=True, help="Stay here until Ctrl-C.")
@click.option(
    "--models",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Models that foundation-models offers, as JSON in the shape of AI Core's list of the "
    "models of a scenario. Kept until reset.",
)
@click.option(
    "--realism",
    type=click.Choice(["instant", "fast", "real"]),
    help="How long things take: nothing waits, as fast as it goes, or as on AI Core. "
    "Kept until reset. [default: fast]",
)
@click.option(
    "--object-store",
    type=click.Choice(["folder", "secrets"]),
    help="Where artifacts are kept: in a folder, whatever the object store secrets say, or in the "
    "S3 buckets that they name. Kept until reset. [default: folder]",
)
@doors_options
@bounds_options
@click.option("--leash", is_flag=True, hidden=True, help="End with standard input.")
def start(
    data: Path | None,
    port: int,
    foreground: bool,
    models: Path | None,
    realism: str | None,
    object_store: str | None,
    leash: bool,
    doors: tuple[str, ...],
    **bounds: float | None,
) -> None:
    """Start it, unless it runs already."""
    where = folder(data)
    with translated() as control:
        if models:
            control.offer_models(where, models)
        if realism:
            control.choose_realism(where, realism)
        if object_store:
            control.choose_object_store(where, object_store)
        if doors:
            control.offer_doors(where, doors)
        choose_bounds(control, where, bounds)
        if foreground:
            serve(where, port, sys.stdin.fileno() if leash else None)
            return
        command = [*control.serve_command(where), *as_options(bounds)]
        endpoint = control.start(where, port=port, command=command)
    print_result(f"running at {endpoint.url} (pid {endpoint.pid})")
    named = f" --data {shlex.quote(str(data))}" if data else ""
    print_result(f'to use it: eval "$(cicd emulator env{named} --export)"', is_whole=True)


def serve(where: Path, port: int, leash: int | None) -> None:
    """Be the emulator of a folder until a signal, or the end of the file ``leash``, ends it."""
    from cicd.emulator.host import server

    if name := server.missing():
        raise CicdError(
            f"the emulator needs {name}, which is not installed",
            hint=install("local"),
        )
    server.serve(where, port=port, environ=os.environ, leash=leash)


@command.command(epilog=examples("cicd emulator stop", "cicd emulator stop --data .cicd/emulator"))
@data_option
def stop(data: Path | None) -> None:
    """Stop it; its state stays."""
    with translated() as control:
        stopped = control.stop(folder(data))
    print_result("stopped" if stopped else "not running")


@command.command(
    epilog=examples("cicd emulator status", "cicd emulator status --data .cicd/emulator")
)
@data_option
def status(data: Path | None) -> int:
    """Say whether it runs, and where. Ends with 1 when it does not."""
    with translated() as control:
        endpoint = control.status(folder(data))
        if endpoint is None:
            print_result("not running")
            return 1
        level = control.ask(endpoint, "GET", "/emulator/realism")["level"]
        rules = control.ask(endpoint, "GET", "/emulator/faults")["rules"]
    print_result(f"running at {endpoint.url} (pid {endpoint.pid})")
    # what makes it slow or wrong on purpose must not be forgotten
    if level != "fast":
        print_result(f"realism: {level}")
    if rules:
        print_result(f"fault rules: {len(rules)}, see `cicd emulator faults list`")
    return 0


@command.command(
    epilog=examples("cicd emulator reset", "cicd emulator reset --data .cicd/emulator")
)
@data_option
def reset(data: Path | None) -> None:
    """Stop it and forget everything it knows."""
    with translated() as control:
        control.reset(folder(data))
    print_result("reset")


@command.command(
    epilog=examples("cicd emulator env --export", "cicd emulator env --resource-group churn")
)
@data_option
@click.option("--export", is_flag=True, help="As shell commands, for eval.")
@click.option("--resource-group", default="default", show_default=True)
@click.option("--s3", is_flag=True, help="Also those of its S3: AWS_…, METAFLOW_S3_ENDPOINT_URL.")
def env(data: Path | None, export: bool, resource_group: str, s3: bool) -> None:
    """Print the variables that point SDKs and cicd at it.

    As NAME=VALUE without quotes, for env files such as those of docker. A shell needs
    --export: values have signs in them that mean something to it.
    """
    with translated() as control:
        endpoint = endpoint_of(control, data)
        variables = control.environment(endpoint, resource_group)
        if s3:
            variables |= control.s3_environment(endpoint)
    MASK.spare(variables.values())  # they are what is asked for
    for name, value in variables.items():
        line = f"export {name}={shlex.quote(value)}" if export else f"{name}={value}"
        print_result(line, is_whole=True)


command.add_command(faults)
