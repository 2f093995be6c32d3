"""Where the history of a controller is, as options and the environment say it."""

from __future__ import annotations

import click
from click.core import ParameterSource

from cicd.errors import Usage

VARIABLE = "CICD_DATABASE"


def checked(ctx: click.Context, url: str | None) -> str:
    """The URL of ``--database``, empty for none. Raises Usage for one with a password among the
    arguments: whoever lists processes would see it."""
    url = url or ""
    login = url.partition("://")[2].partition("/")[0].rpartition("@")[0]
    is_argument = ctx.get_parameter_source("database") is ParameterSource.COMMANDLINE
    if is_argument and ":" in login:
        raise Usage("a password on the command line", hint=f"set {VARIABLE} instead")
    return url
