"""How a help page looks: whole words, whole sentences, and command lines to begin with."""

from __future__ import annotations

from collections.abc import Iterable

import click

STIFF = "\N{NON-BREAKING HYPHEN}"
"""Stands in for a hyphen while lines are broken, as click also breaks after one."""
WHOLE = 10_000
"""Characters that a summary may have; click fits it into one line of the terminal otherwise."""


def examples(*lines: str) -> str:
    """The epilog of a help page; each line is a command line that works as it stands."""
    return "\n".join(["\b", "Examples:", *(f"  {line}" for line in lines)])


class Page(click.HelpFormatter):
    """A help page whose lines break at blanks only: ``--stage-name`` is one word."""

    def write_text(self, text: str) -> None:
        super().write_text(text.replace("-", STIFF))

    def write_dl(
        self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2
    ) -> None:
        stiff = [(first, second.replace("-", STIFF)) for first, second in rows]
        super().write_dl(stiff, col_max, col_spacing)

    def getvalue(self) -> str:
        return super().getvalue().replace(STIFF, "-")


class Group(click.Group):
    """A group of commands each of which is listed with the first sentence of its help, whole."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = [
            (name, command.get_short_help_str(WHOLE))
            for name in self.list_commands(ctx)
            if (command := self.get_command(ctx, name)) and not command.hidden
        ]
        with formatter.section("Commands"):
            formatter.write_dl(rows)
