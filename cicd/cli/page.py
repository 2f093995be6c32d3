"""``cicd page``: the stages of the project in a browser of this machine."""

from __future__ import annotations

import os
import sys
import threading
import webbrowser
from collections.abc import Mapping
from pathlib import Path, PurePath

import click

from cicd.automation.project import Project
from cicd.cli.completion import complete_stage
from cicd.cli.console import print_note, print_result
from cicd.cli.help import examples
from cicd.cli.options import Common, common_options
from cicd.errors import CicdError, Usage
from cicd.version import install
from cicd.words import count

ORDER = ("dev", "development", "tst", "test", "int", "qa", "stg", "staging", "pre", "prd", "prod")
"""How stages usually follow each other; a file does not tell."""


@click.command("page", epilog=examples("cicd page", "cicd page dev prd --local"))
@click.argument("stages", nargs=-1, metavar="[STAGE]...", shell_complete=complete_stage)
@common_options()
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, help="Listen there; any without it."
)
@click.option("--no-open", is_flag=True, help="Only print the link.")
def command(stages: tuple[str, ...], common: Common, port: int, no_open: bool) -> None:
    """Show the stages in the browser: what is there, what differs, what apply would change.

    Prints a link that opens the page once, in one browser, on this machine. Reads only: nothing is
    changed from there. Ctrl-C ends it.
    """
    from cicd.page.reading import Stages
    from cicd.page.server import missing, serve

    if name := missing():
        raise CicdError(f"the page needs {name}", hint=install("page"))

    # a mask of their own for its stages, which are read in several threads
    project = Project(Path.cwd(), os.environ)
    arguments = arguments_of(project, stages)
    read = Stages(project, arguments, common.variables, local=common.local)

    def ready(link: str) -> None:
        print_result(link, is_whole=True)
        sys.stdout.flush()
        if common.verbosity >= 0:
            said = count(len(arguments), "stage")
            print_note(f"It shows {said} and opens once, within 10 minutes. Ctrl-C ends.")
        if not no_open and can_open(os.environ):
            threading.Thread(target=webbrowser.open, args=(link,), daemon=True).start()

    serve(project.root.name, read, port=port, on_ready=ready)


def arguments_of(project: Project, stages: tuple[str, ...]) -> dict[str, str]:
    """What the page calls each stage -> how it is found: those that are named, else all there are,
    as they usually follow each other. Raises Usage where there is none."""
    if stages:
        return {name_of(stage) if "/" in stage else stage: stage for stage in stages}
    found = {name_of(file): str(project.root / file) for file in project.stages}
    if not found:
        raise Usage("the project has no stage", hint="cicd init writes some")
    return dict(sorted(found.items(), key=lambda item: rank(item[0])))


def name_of(file: str) -> str:
    """``stages/dev.yaml`` as ``dev``, ``churn/stages/dev.yaml`` as ``churn/dev``."""
    path = PurePath(file)
    folder = [part for part in path.parent.parts if part != "stages"]
    return "/".join([*folder, path.stem])


def rank(name: str) -> tuple[str, int, str]:
    """Where a stage comes among others."""
    folder, _, stage = name.rpartition("/")
    return folder, ORDER.index(stage) if stage in ORDER else len(ORDER), stage


def can_open(environ: Mapping[str, str]) -> bool:
    """Whether there is a screen: a browser in the terminal would be in the way."""
    if not sys.stdout.isatty():
        return False
    return sys.platform in ("win32", "darwin") or bool(
        environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY")
    )
