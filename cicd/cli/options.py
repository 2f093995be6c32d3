"""Options that several commands share, and the value they become."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cicd.cli.completion import complete_key, complete_replace, complete_rerun
from cicd.cli.redaction import MASK
from cicd.masking import is_secret_name

if TYPE_CHECKING:
    from cicd.automation.choice import Choice
    from cicd.config.overrides import Override


@dataclass(frozen=True)
class Common:
    """What the shared options say. ``verbosity``: -1 quiet, 0 normal, 1 verbose."""

    local: bool = False
    variables: Mapping[str, str] = field(default_factory=dict)
    select: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    rerun: tuple[str, ...] = ()
    replace: tuple[str, ...] = ()
    refresh_secrets: bool = False
    overrides: tuple[Override, ...] = ()
    log_format: str = "text"
    verbosity: int = 0
    colour: bool = True

    @property
    def choice(self) -> Choice:
        """What a plan is to be about."""
        from cicd.automation.choice import Choice

        return Choice(self.select, self.exclude, self.rerun, self.replace, self.refresh_secrets)


def parse_variables(
    ctx: click.Context, param: click.Parameter, given: tuple[str, ...]
) -> dict[str, str]:
    """``name=value`` texts as a map; the last one of a name counts."""
    pairs = [text.partition("=") for text in given]
    for number, (name, equals, _) in enumerate(pairs, 1):
        if not equals or not name:  # not quoted: what lacks its name may be a secret
            raise click.BadParameter(f"number {number} is not NAME=VALUE", ctx, param)
    # a secret that is on the command line is in nothing that comes of it
    MASK.add(value for name, _, value in pairs if is_secret_name(name))
    return {name: value for name, _, value in pairs}


variables_option = click.option(
    "--var",
    "variables",
    multiple=True,
    callback=parse_variables,
    metavar="NAME=VALUE",
    help="Override a variable of the stage file.",
)


def output_option(
    *formats: str, default: str | None = "text", help: str = "How the result is written."
) -> Callable[[Any], Any]:
    """``--output`` and ``-o``: one of these formats; the command gets it as ``output``."""
    kind = click.Choice(formats)
    return click.option("-o", "--output", type=kind, default=default, show_default=True, help=help)


def consent_option(*others: str, help: str = "Do not ask.") -> Callable[[Any], Any]:
    """A person's consent, given beforehand: ``--yes``, ``-y``, ``--auto-approve`` and ``others``;
    the command gets it as ``yes``."""
    return click.option("-y", "--yes", "--auto-approve", *others, "yes", is_flag=True, help=help)


def _output_options() -> list[Callable[[Any], Any]]:
    return [
        click.option("--no-color", is_flag=True, help="Plain text, also on a terminal."),
        click.option("-q", "--quiet", is_flag=True, help="Only results and errors."),
        click.option("-v", "--verbose", is_flag=True, help="Unchanged resources and details too."),
        click.option(
            "--log-format",
            type=click.Choice(["text", "json"]),
            default="text",
            show_default=True,
            help="How events are written to standard error.",
        ),
    ]


def _stage_options() -> list[Callable[[Any], Any]]:
    return [
        variables_option,
        click.option(
            "--local",
            is_flag=True,
            help="Use the embedded emulator instead of an account; started if needed.",
        ),
    ]


def _choice_options() -> list[Callable[[Any], Any]]:
    return [
        click.option(
            "--data",
            "override_data",
            multiple=True,
            metavar="NAME=FILE",
            help="Give this run another file beside its script.",
        ),
        click.option(
            "--headers",
            "override_headers",
            type=click.Path(dir_okay=False, path_type=Path),
            metavar="FILE",
            help="Fields of this run as a JSON map, as --set has them.",
        ),
        click.option(
            "--set",
            "override_fields",
            multiple=True,
            metavar="[KEY.]FIELD=VALUE",
            help="Say a field of this run otherwise, on platforms that have some.",
        ),
        click.option(
            "--refresh-secrets",
            is_flag=True,
            help="Send every secret again: what they hold cannot be read back.",
        ),
        click.option(
            "--replace",
            multiple=True,
            metavar="KEY",
            shell_complete=complete_replace,
            help="Renew this one.",
        ),
        click.option(
            "--rerun",
            multiple=True,
            metavar="KEY",
            shell_complete=complete_rerun,
            help="Run again, changed or not.",
        ),
        click.option(
            "--exclude",
            multiple=True,
            metavar="KEY",
            shell_complete=complete_key,
            help="Leave these out (globs).",
        ),
        click.option(
            "--select",
            multiple=True,
            metavar="KEY",
            shell_complete=complete_key,
            help="Only these (globs) and what they depend on.",
        ),
    ]


def _overrides_of(given: dict[str, Any]) -> tuple[Override, ...]:
    """What of one run is said otherwise. What reads it imports the language of stage files, which
    help and version do without."""
    from cicd.cli.overrides import overrides_of

    return overrides_of(given)


def common_options(*, stage: bool = True, choice: bool = False) -> Callable[[Any], Any]:
    """Add the shared options; the command gets them as one ``common`` argument."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(command)
        def wrapper(**given: Any) -> Any:
            common = Common(
                local=given.pop("local", False),
                variables=given.pop("variables", {}),
                select=given.pop("select", ()),
                exclude=given.pop("exclude", ()),
                rerun=given.pop("rerun", ()),
                replace=given.pop("replace", ()),
                refresh_secrets=given.pop("refresh_secrets", False),
                overrides=_overrides_of(given) if choice else (),
                log_format=given.pop("log_format"),
                verbosity=-1 if given.pop("quiet") else int(given["verbose"]),
                colour=not given.pop("no_color"),
            )
            given.pop("verbose")
            return command(common=common, **given)

        options = _output_options()
        options += _choice_options() if choice else []
        options += _stage_options() if stage else []
        for option in options:
            wrapper = option(wrapper)
        return wrapper

    return decorate
