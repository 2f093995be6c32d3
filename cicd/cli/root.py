"""The ``cicd`` command: finds the subcommand, runs it, turns every failure into an exit code."""

from __future__ import annotations

import errno
import gc
import importlib
import io
import itertools
import os
import sys
import threading
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from cicd.cli import console
from cicd.cli.help import Page, examples
from cicd.cli.redaction import MASK
from cicd.errors import CicdError, Interrupted, Usage
from cicd.masking import secrets_of
from cicd.version import __version__
from cicd.words import plural

if TYPE_CHECKING:
    from cicd.platforms.commands import Short


class Entry(NamedTuple):
    """A command: the module that it is imported from on use, and its line in the list of all, so
    that --help need not import it."""

    module: str
    short_help: str


SECTIONS: Mapping[str, Mapping[str, Entry]] = {
    "Every day": {
        "validate": Entry(
            "cicd.cli.validate", short_help="Check stage files and templates; no network, no login."
        ),
        "plan": Entry("cicd.cli.plan", short_help="Show what apply would change."),
        "apply": Entry("cicd.cli.apply", short_help="Make the stage so."),
        "status": Entry("cicd.cli.status", short_help="Show what runs now."),
        "logs": Entry("cicd.cli.logs", short_help="Show the log lines of a run or deployment."),
    },
    "Look closer": {
        "explain": Entry(
            "cicd.cli.explain", short_help="Tell why something is as it is, and what to do."
        ),
        "history": Entry(
            "cicd.cli.history", short_help="Show what was applied, by whom, and how it ended."
        ),
        "metrics": Entry("cicd.cli.metrics", short_help="Show what a run has recorded."),
        "compare": Entry(
            "cicd.cli.compare", short_help="Show parameters and metrics of runs side by side."
        ),
        "list": Entry(
            "cicd.cli.list", short_help="List everything of one kind, and what no stage names."
        ),
        "doctor": Entry(
            "cicd.cli.doctor", short_help="Check login, rights, quotas and clock; say what to do."
        ),
    },
    "Step in": {
        "approve": Entry(
            "cicd.cli.approve", short_help="Approve what a stage waits with, or refuse it."
        ),
        "stop": Entry("cicd.cli.stop", short_help="Stop runs and deployments."),
        "rollback": Entry(
            "cicd.cli.rollback", short_help="Put a deployment back to an earlier configuration."
        ),
        "unlock": Entry(
            "cicd.cli.unlock", short_help="Take the lock of a stage away from whoever has it."
        ),
        "destroy": Entry("cicd.cli.destroy", short_help="Take down what a stage has put up."),
    },
    "Write stages and templates": {
        "init": Entry("cicd.cli.init", short_help="Write a new project that works at once."),
        "promote": Entry(
            "cicd.cli.promote", short_help="Carry changes from one stage file to the next."
        ),
        "import": Entry(
            "cicd.cli.import_stage", short_help="Write the stage file of what is live."
        ),
        "template": Entry("cicd.cli.template", short_help="Make templates from Metaflow flows."),
        "schema": Entry("cicd.cli.schema", short_help="Print the JSON Schema of stage files."),
    },
    "Around it": {
        "controller": Entry("cicd.cli.controller", short_help="Keep stages as Git has them."),
        "page": Entry("cicd.cli.page", short_help="Show the stages in the browser."),
        "comment": Entry("cicd.cli.comment", short_help="Write plans into the pull request."),
        "notify": Entry("cicd.cli.notify", short_help="Try whether people can be told."),
        "emulator": Entry(
            "cicd.cli.emulator", short_help="Run SAP AI Core or SageMaker on this machine."
        ),
    },
}
"""All commands but those that are short for ``list``, those most used first."""
COMMANDS = {name: entry for section in SECTIONS.values() for name, entry in section.items()}
ELSEWHERE = {"deploy": "apply", "diff": "plan", "check": "validate", "delete": "destroy"}
"""What other tools call them."""
SENDING = frozenset({"apply", "destroy", "rollback", "stop", "unlock"})
"""Those that change something on a platform."""
BUG, BROKEN_PIPE = 70, 141
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO}
COMPLETION = "_CICD_COMPLETE"


click.Context.formatter_class = Page  # for every command, however deep


def sections() -> dict[str, dict[str, Entry]]:
    """All commands; those that are short for ``list`` and a kind of a platform stand behind it."""
    short = {
        name: Entry("cicd.cli.short", text.summary) for name, (_, text) in short_lists().items()
    }
    found: dict[str, dict[str, Entry]] = {}
    for title, section in SECTIONS.items():
        found[title] = {}
        for name, entry in section.items():
            found[title] |= {name: entry, **(short if name == "list" else {})}
    return found


def short_lists() -> dict[str, tuple[str, Short]]:
    """Name of a command -> the kind that it lists, and its words."""
    from cicd.platforms import registry

    lists = registry.short_lists()
    named = {plural(kind).replace("_", "-"): (kind, words) for kind, words in lists.items()}
    return {name: found for name, found in named.items() if name not in COMMANDS}


class Commands(click.Group):
    """A group whose commands are imported on use."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for section in sections().values() for name in section]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return short_command(cmd_name)
        command = importlib.import_module(COMMANDS[cmd_name].module).command
        # one with options of the platforms is made when it is asked for
        made = command if isinstance(command, click.Command) else command()
        assert isinstance(made, click.Command)
        return made

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in COMMANDS and not name.startswith("-") and not short_lists().get(name):
            names = self.list_commands(ctx)
            close = ELSEWHERE.get(name) or next(iter(get_close_matches(name, names, n=1)), "")
            hint = f" Did you mean {close}?" if close else ""
            raise click.UsageError(f"No such command {name!r}.{hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        widest = max(map(len, self.list_commands(ctx)))
        for title, section in sections().items():
            with formatter.section(title):
                lines = [(name.ljust(widest), entry.short_help) for name, entry in section.items()]
                formatter.write_dl(lines)


def short_command(name: str) -> click.Command | None:
    """The command of that name that is short for ``list``, None where there is none."""
    found = short_lists().get(name)
    if found is None:
        return None
    from cicd.cli.short import command_of

    return command_of(name, *found)


@click.command(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=examples("cicd init churn", "cicd apply dev --local"),
)
@click.version_option(__version__, prog_name="cicd")
def main() -> None:
    """GitOps for machine learning on SAP AI Core, Amazon SageMaker and Apache Spark.

    Show on a pull request what would change, make it so on a push.
    """


def run() -> None:
    """Run the command line and exit."""
    # short-lived: looking for garbage is a quarter of loading a large stage
    gc.set_threshold(100_000, 50, 100)
    console.prepare_streams()
    code = execute(sys.argv[1:])
    # A request that hangs would keep Python from ending for as long as its timeout.
    if threading.active_count() > 1:
        console.leave_at_once(code)  # without waiting for requests that hang in threads
    sys.exit(code)


def execute(arguments: list[str]) -> int:
    """Run one command line; its exit code."""
    is_json = wants_json(arguments)
    # Tests and programs run several command lines in one process.
    MASK.clear()
    MASK.add(secrets_of(os.environ).values())
    try:
        result = invoke(arguments)
        sys.stdout.flush()
        return result if isinstance(result, int) else 0
    except click.exceptions.Exit as done:
        return done.exit_code
    except click.ClickException as error:
        if is_json:
            console.print_event("error", error.format_message(), exit_code=Usage.exit_code)
        else:
            said = io.StringIO()
            error.show(said)
            console.print_note(said.getvalue().rstrip("\n"))
        return Usage.exit_code
    except (click.Abort, KeyboardInterrupt) as interrupt:
        hint = interrupt.hint if isinstance(interrupt, Interrupted) else ""
        text = f"interrupted: {hint}" if hint else "interrupted"
        if is_json:
            console.print_event("error", text, exit_code=console.INTERRUPTED)
        else:
            console.print_note(text)
        return console.INTERRUPTED
    except CicdError as error:
        console.print_error(error, is_json=is_json, sends=not SENDING.isdisjoint(arguments[:1]))
        return error.exit_code
    except BrokenPipeError:
        # the reader has gone (head, less): say nothing more, on any stream
        silence()
        return BROKEN_PIPE
    except OSError as error:
        if error.errno not in FULL:
            return report_bug(arguments, is_json=is_json)
        silence()
        failure = CicdError(f"cannot write: {error.strerror}", hint="free some space")
        console.print_error(failure, is_json=is_json)
        return failure.exit_code
    except Exception:
        return report_bug(arguments, is_json=is_json)


def invoke(arguments: list[str]) -> object:
    """Run one command; what it returns. click's own main() would turn a broken pipe into 1."""
    if COMPLETION in os.environ:
        return main.main(args=arguments, prog_name="cicd", standalone_mode=False)
    with main.make_context("cicd", arguments) as context:
        return main.invoke(context)


def wants_json(arguments: list[str]) -> bool:
    """Whether events, and so errors too, are to be JSON, known before the command line is read."""
    pairs = itertools.pairwise(arguments)
    return "--log-format=json" in arguments or ("--log-format", "json") in pairs


def silence() -> None:
    """What is still buffered for standard output goes nowhere, and complains no more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def report_bug(arguments: list[str], *, is_json: bool) -> int:
    """Write the report file, say where it is; the exit code."""
    try:
        text = f"this is a bug in cicd; report: {write_report(arguments)}"
    except OSError as error:
        text = f"this is a bug in cicd; its report could not be written: {error.strerror}"
    if is_json:
        console.print_event("error", text, exit_code=BUG)
    else:
        console.print_note(f"error: {text}")
    return BUG


def write_report(arguments: list[str]) -> Path:
    """A file that tells a maintainer what happened, without a secret in it; its path."""
    import platform
    import tempfile
    import traceback

    from cicd.masking import hide_secrets

    text = "\n".join(
        [
            f"cicd {__version__}, Python {platform.python_version()}, {platform.platform()}",
            f"command: {' '.join(hide_values(arguments))}",
            "",
            traceback.format_exc(),
        ]
    )
    handle, name = tempfile.mkstemp(prefix="cicd-report-", suffix=".txt")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(console.shown(hide_secrets(text, os.environ)))
    return Path(name)


def hide_values(arguments: list[str]) -> list[str]:
    """The command line without the values of variables, which may be anything."""
    shown = []
    for before, argument in zip(["", *arguments], arguments, strict=False):
        option = "--var=" if argument.startswith("--var=") else ""
        name, equals, _ = argument.removeprefix(option).partition("=")
        is_variable = option or before == "--var"
        shown.append(f"{option}{name}=***" if is_variable and equals else argument)
    return shown
