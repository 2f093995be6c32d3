"""``cicd controller``: keeps stages as Git has them, until it is told to stop."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cicd.automation import periods
from cicd.cli.console import EventLog
from cicd.cli.database import VARIABLE, checked
from cicd.cli.help import examples
from cicd.cli.options import Common, common_options

if TYPE_CHECKING:
    from cicd.controller.keeping import Told

FOLDER = Path(".cicd/controller")


@click.command(
    "controller",
    epilog=examples(
        "cicd controller --repository https://github.com/acme/ml.git",
        "cicd controller --stages 'dev*' --every 5m",
    ),
)
@click.option(
    "--repository",
    default=".",
    show_default=True,
    metavar="URL",
    help="Where the stages are: https, ssh or a folder; the login is CICD_GIT_TOKEN.",
)
@click.option("--branch", default="", help="Branch to follow; default: the main one.")
@click.option("--stages", multiple=True, metavar="GLOB", help="Keep only these; default: all.")
@click.option(
    "--every",
    default="60s",
    show_default=True,
    metavar="TIME",
    callback=lambda ctx, param, text: periods.seconds(text, "--every"),
    help="Time between two looks.",
)
@click.option(
    "--database",
    envvar=VARIABLE,
    metavar="URL",
    help=f"The history; default: SQLite in --folder. With a password only in {VARIABLE}.",
)
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=FOLDER,
    show_default=True,
    help="Where it keeps a copy of the repository.",
)
@common_options(stage=False)
@click.pass_context
def command(
    ctx: click.Context,
    common: Common,
    repository: str,
    branch: str,
    stages: tuple[str, ...],
    every: float,
    database: str | None,
    folder: Path,
) -> None:
    """Keep stages as Git has them.

    Fetches, plans, applies where sync.auto of a stage says so, and puts back what somebody has
    changed where sync.heal does. Ends with SIGTERM or Ctrl-C: what runs then goes on.
    """
    from cicd.controller.database import Database
    from cicd.controller.running import Controller, Settings

    folder = folder.absolute()
    url = checked(ctx, database) or f"sqlite:///{folder}/history.db"
    log = EventLog(common)

    def tell(told: Told) -> None:
        if told.did or told.state != seen.get(told.stage):
            log.write(told.did or told.state, key=told.stage, state=told.state, reason=told.reason)
        seen[told.stage] = told.state

    seen: dict[str, str] = {}
    opened = Database(url)
    try:
        settings = Settings(repository, branch, stages, every)
        controller = Controller(settings, opened, folder / "mirror.git", os.environ, tell)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: controller.stop())
        log.write("started", repository=repository, every=f"{every:g} s", database=opened.name)
        controller.run()
        log.write("stopped")
    finally:
        opened.close()
