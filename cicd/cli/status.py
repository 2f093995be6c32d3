"""``cicd status``: what of a stage is there now."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from cicd.cli.completion import complete_stage
from cicd.cli.console import print_json, print_result
from cicd.cli.options import Common, common_options
from cicd.cli.session import open_session
from cicd.model import Key, LiveResource

SHOWN = ("resource_group", "application", "execution", "deployment", "destination")


@click.command("status")
@click.argument("stage", required=False, shell_complete=complete_stage)
@common_options()
@click.option("--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(stage: str | None, common: Common, output: str) -> None:
    """Show what runs now."""
    from cicd.render.text import render_status

    with open_session(stage, common) as session:
        shown = [change for change in session.plan().changes if change.key.kind in SHOWN]
        rows = [row(change.key, session.latest(change)) for change in shown]
    if output == "json":
        print_json(rows)
    else:
        print_result(render_status(rows))


def row(key: Key, live: LiveResource | None) -> dict[str, str]:
    """What one line says; empty where there is nothing live."""
    if live is None:
        return {
            "key": str(key),
            "status": "missing",
            "id": "",
            "age": "",
            "configuration": "",
            "url": "",
        }
    return {
        "key": str(key),
        "status": live.status.raw,
        "id": live.id,
        "age": age(live.created_at),
        "configuration": str(live.spec.get("configuration", "")),
        "url": live.outputs.get("url", ""),
    }


def age(created_at: str) -> str:
    """How long ago, in its largest unit: ``3d``, ``5h``, ``12m``, ``40s``; empty if unknown."""
    try:
        then = datetime.fromisoformat(created_at)
    except ValueError:
        return ""
    seconds = int((datetime.now(UTC) - then.astimezone(UTC)).total_seconds())
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= size:
            return f"{seconds // size}{unit}"
    return f"{max(0, seconds)}s"
