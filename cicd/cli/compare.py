"""``cicd compare``: runs side by side, their parameters, inputs and metrics."""

from __future__ import annotations

from pathlib import Path

import click

from cicd.automation.comparison import LAST, compare_keys
from cicd.cli.completion import complete_run, complete_stage
from cicd.cli.console import (
    check_writable,
    print_json,
    print_result,
    terminal_width,
    uses_colour,
    write_json,
    write_report,
)
from cicd.cli.help import examples
from cicd.cli.options import Common, common_options, output_option
from cicd.cli.picture import check_picture, write_picture
from cicd.cli.project import open_session
from cicd.cli.words import stage_first
from cicd.errors import Usage
from cicd.render.compare import render_comparison
from cicd.render.compare_html import render_comparison_page
from cicd.render.comparison import Comparison, comparison_document

SUFFIXES = {".json": "json", ".html": "html", ".htm": "html", ".png": "png"}


@click.command(
    "compare",
    epilog=examples(
        "cicd compare dev train --last 10",
        "cicd compare dev train train~1 --metric accuracy --out runs.html",
    ),
)
@click.argument("stage", shell_complete=complete_stage)
@click.argument("keys", nargs=-1, required=True, metavar="KEY...", shell_complete=complete_run)
@common_options()
@click.option(
    "--last", type=click.IntRange(1, 200), help=f"So many runs of each KEY; {LAST} if it is one."
)
@click.option("--metric", "globs", multiple=True, metavar="GLOB", help="Only these metrics.")
@output_option(
    *("text", "json", "html", "png"),
    default=None,
    help="Default: as the name of --out says, else text.",
)
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="Write it to this file."
)
def command(
    stage: str,
    keys: tuple[str, ...],
    common: Common,
    last: int | None,
    globs: tuple[str, ...],
    output: str | None,
    out: Path | None,
) -> None:
    """Put runs side by side: what differs in parameters and inputs, metrics with the best marked.

    KEY is execution/train or just train (the run that plan takes; alone: its last ones), train~1
    for the run before, a glob, or the id of any run.
    """
    stage, keys = stage_first(stage, keys)
    output = output or SUFFIXES.get(out.suffix.lower() if out else "", "text")
    if output == "png":
        out = check_picture(out)
    elif out:
        check_writable(out)
    with open_session(stage, common, needs_secrets=False) as session:
        found = compare_keys(session, keys, last, globs)
    if globs and not found.metrics:
        raise Usage(f"none of these runs has a metric like {' or '.join(globs)}")
    tell(found, common, output, out)


def tell(found: Comparison, common: Common, output: str, out: Path | None) -> None:
    """The comparison as it was asked for, on standard output or in a file."""
    if output == "png":
        assert out
        write_picture(found, out)
    elif output == "json" and not out:
        print_json(comparison_document(found))
    else:
        text = as_text(found, output, colour=uses_colour(common) and not out, is_file=bool(out))
        if out and output == "json":
            write_json(out, comparison_document(found))
        elif out:
            write_report(out, text)
        else:
            print_result(text.rstrip("\n"), is_whole=output != "text")


def as_text(found: Comparison, output: str, *, colour: bool, is_file: bool) -> str:
    """The comparison as text that ends in one new line."""
    if output == "html":
        return render_comparison_page(found)
    width = None if is_file else terminal_width()
    return render_comparison(found, colour=colour, width=width) + "\n"
