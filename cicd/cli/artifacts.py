"""``cicd artifacts``: data and models registered in the resource group, newest first."""

from __future__ import annotations

from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any

import click

from cicd.cli.completion import complete_stage
from cicd.cli.help import examples
from cicd.cli.listing import limit_option, newest, show
from cicd.cli.options import Common, common_options, output_option
from cicd.cli.runs import browse
from cicd.cli.session import Session, open_session
from cicd.model import LiveResource
from cicd.render.listing import ARTIFACTS
from cicd.render.moments import age


@click.command(
    "artifacts",
    epilog=examples(
        "cicd artifacts dev --kind model", "cicd artifacts dev --name 'churn-*' -o json"
    ),
)
@click.argument("stage", required=False, shell_complete=complete_stage)
@common_options()
@click.option("--kind", "kinds", multiple=True, metavar="KIND", help="model, dataset, resultset …")
@click.option("--scenario", metavar="ID", help="Artifacts of this scenario.")
@click.option("--name", metavar="GLOB", help="Artifacts with such a name.")
@click.option("--execution", metavar="ID", help="What this run has made.")
@limit_option
@output_option("text", "json")
def command(
    stage: str | None,
    common: Common,
    kinds: tuple[str, ...],
    scenario: str | None,
    name: str | None,
    execution: str | None,
    limit: int,
    output: str,
) -> None:
    """List the artifacts of the resource group, newest first."""
    with open_session(stage, common, needs_secrets=False) as session:
        lives = newest(browse(session, "artifact"))
        maker = makers(session)
    found = [
        live
        for live in lives
        if not kinds or live.spec.get("kind") in kinds
        if scenario in (None, live.spec.get("scenario_id"))
        if name is None or fnmatchcase(str(live.spec.get("name", "")), name)
        if execution in (None, maker.get(live.id))
    ]
    rows = [row(live, maker.get(live.id, "")) for live in found[:limit]]
    show("artifacts", ARTIFACTS, rows, len(found), common, output)


def makers(session: Session) -> dict[str, str]:
    """Artifact id -> id of the run that made it, for those that a run made."""
    return {
        id: run.id
        for run in browse(session, "execution")
        for output, id in run.outputs.items()
        if output.startswith("artifacts.")
    }


def row(live: LiveResource, execution_id: str) -> dict[str, Any]:
    """One artifact as plain data."""
    return {
        "id": live.id,
        "kind": live.spec.get("kind", ""),
        "name": live.spec.get("name", ""),
        "age": age(live.created_at, datetime.now(UTC)),
        "created_at": live.created_at,
        "scenario_id": live.spec.get("scenario_id", ""),
        "execution_id": execution_id,
        "url": live.spec.get("url", ""),
        "labels": dict(live.spec.get("labels") or {}),
        "description": live.spec.get("description", ""),
    }
