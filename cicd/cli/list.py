"""``cicd list``: everything of one kind, what no stage of the project names marked."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches

import click

from cicd.automation.listing import Wanted, list_kind
from cicd.automation.session import open_session
from cicd.cli.completion import complete_kind, complete_stage
from cicd.cli.help import examples
from cicd.cli.listing import limit_option, run_options, show
from cicd.cli.options import Common, common_options, output_option
from cicd.errors import Usage
from cicd.model import Kind, plural


@click.command(
    "list",
    epilog=examples("cicd list deployments dev --unmanaged", "cicd list schedules prd -o json"),
)
@click.argument("kind", shell_complete=complete_kind)
@click.argument("stage", required=False, shell_complete=complete_stage)
@common_options()
@run_options
@click.option("--name", metavar="GLOB", help="Those with such a name.")
@limit_option
@output_option("text", "json")
def command(
    kind: str,
    stage: str | None,
    common: Common,
    wanted: Wanted,
    limit: int,
    output: str,
) -> None:
    """List everything of one kind in the resource group, newest first: deployments, executions,
    schedules, artifacts, configurations, applications, …

    What no stage file of the project names is marked unmanaged. Ends with 64 for a KIND that the
    platform does not have, and says which it has.
    """
    from cicd.platforms.registry import every_kind

    kind_named(kind, every_kind())  # a wrong word is told without a login
    with open_session(stage, common, needs_secrets=False) as session:
        name = kind_named(kind, session.platform.kinds)
        found = list_kind(session, name, wanted, limit)
        columns = session.platform.kinds[name].columns
    show(plural(name), columns, found, common, output)


def kind_named(word: str, kinds: Mapping[str, Kind]) -> str:
    """The kind that is meant by one of its words: one or many, ``-`` or ``_``. Raises Usage."""
    words = {spelling: name for name in kinds for spelling in (name, plural(name))}
    meant = word.strip().lower().replace("-", "_").replace(" ", "_")
    if meant in words:
        return words[meant]
    close = get_close_matches(meant, words, n=1)
    known = ", ".join(plural(name) for name in kinds)
    hint = f"did you mean {plural(words[close[0]])}? " if close else ""
    raise Usage(f"the platform has no {word}", hint=f"{hint}It has: {known}".strip())
