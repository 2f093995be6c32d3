"""What a command line permits beyond the plan itself: each consent has a word of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from cicd.cli.console import EventLog
from cicd.cli.options import Common

if TYPE_CHECKING:
    from cicd.plan import Permissions

OLD = "note: --force is both --over-limits and --other-stages; say the one that is meant"


def permission_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--over-limits`` and ``--other-stages``, and ``--force``, the old word for both."""
    for option in (
        click.option("--force", is_flag=True, hidden=True),
        click.option(
            "--other-stages", is_flag=True, help="Also change what another stage has made there."
        ),
        click.option("--over-limits", is_flag=True, help="Delete more than the limits allow."),
    ):
        command = option(command)
    return command


def permitted(common: Common, *, over_limits: bool, other_stages: bool, force: bool) -> Permissions:
    """What the options permit; says so where the old word was used."""
    from cicd.plan import Permissions

    if force:
        EventLog(common).write(OLD)
    return Permissions(over_limits or force, other_stages or force)
