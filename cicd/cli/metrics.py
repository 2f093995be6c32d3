"""``cicd metrics``: what a run recorded about itself, also while it goes on."""

from __future__ import annotations

import click

from cicd.automation.followed import has_failed
from cicd.automation.metrics import find_run, new_points
from cicd.automation.runs import Run
from cicd.automation.session import Session
from cicd.cli.completion import complete_run, complete_stage
from cicd.cli.console import print_json, print_result, terminal_width, uses_colour
from cicd.cli.help import examples
from cicd.cli.options import Common, common_options, output_option
from cicd.cli.project import open_session
from cicd.cli.words import stage_first
from cicd.errors import CicdError, Usage
from cicd.model import Track
from cicd.render.metrics import point_document, point_line, render_track, track_document


@click.command(
    "metrics", epilog=examples("cicd metrics dev train", "cicd metrics dev train --follow -o json")
)
@click.argument("stage", shell_complete=complete_stage)
@click.argument("key", required=False, shell_complete=complete_run)
@common_options()
@click.option("--follow", is_flag=True, help="Print each point as it comes until the run ends.")
@click.option("--run", "id_", metavar="ID", help="This very run, also an old one.")
@output_option("text", "json")
def command(
    stage: str, key: str | None, common: Common, follow: bool, id_: str | None, output: str
) -> int:
    """Show the last value of each metric of KEY, with its bounds, tags and info.

    KEY is execution/train or just train, train~1 for the run before, or the id of any run.
    """
    if not key and not id_:
        raise Usage("metrics of what?", hint="say a key or an id: cicd metrics STAGE KEY")
    if key:
        stage, (key,) = stage_first(stage, [key])
    with open_session(stage, common, needs_secrets=False) as session:
        found = find_run(session, key, id_)
        if follow:
            return follow_points(session, found, output)
        show(session, found, common, output)
    return 0


def show(session: Session, run: Run, common: Common, output: str) -> None:
    """All that there is now."""
    track = session.platform.track([run.live]).get(run.live.id, Track())
    live = run.live
    if output == "json":
        about = {"key": str(run.key), "id": live.id, "status": live.status.raw}
        print_json({**about, **track_document(track)})
        return
    title = f"{run.key} · {live.id} · {live.status.raw}"
    colour = uses_colour(common)
    print_result(render_track(title, track, colour=colour, width=terminal_width()))


def follow_points(session: Session, run: Run, output: str) -> int:
    """Every point as it comes, as a line of text or of JSON; 1 when the run failed."""
    for point in new_points(session, run.live):
        if output == "json":
            print_json(point_document(point), indent=None)
        else:
            print_result(point_line(point))
    return CicdError.exit_code if has_failed(session, [run]) else 0
