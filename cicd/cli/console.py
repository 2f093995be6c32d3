"""Everything that reaches the screen: results on standard output, events on standard error.

Nothing else prints. What goes out here holds no secret of the environment that has become known,
and nothing that a terminal or a CI system takes for a command, but for those of the type Command.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

import click

from cicd.cli.options import Common
from cicd.cli.redaction import MASK
from cicd.errors import CicdError, InvalidStage
from cicd.render.neutral import Command, neutral, neutral_json
from cicd.render.wrap import wrapped

if TYPE_CHECKING:
    from cicd.forges.emitter import Emitter

LONG = 100
"""Characters of an error from which on its hint has a line of its own on a terminal."""
INTERRUPTED = 130
"""The exit code after Ctrl-C."""


def prepare_streams() -> None:
    """A character that the terminal cannot show is replaced, never a crash."""
    # closed by the caller (`>&-`): there is nobody to tell
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8"))
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure:
            reconfigure(errors="replace")


def leave_at_once(code: int) -> NoReturn:
    """End this process, whatever its threads still wait for."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):  # it may be in the midst of a write
            stream.flush()
    os._exit(code)


def shown(text: str, *, has_colour: bool = False) -> str:
    """The text as it may be seen, on a screen and by a CI system. ``has_colour``: ours stay."""
    return neutral(MASK.hide(text), has_colour=has_colour)


def shown_json(value: Any, *, indent: int | None = None, is_ascii: bool = False) -> str:
    """Plain data as JSON that may be seen."""
    return neutral_json(MASK.hide_in(value), indent=indent, is_ascii=is_ascii)


def fitted(text: str, width: int | None, *, has_colour: bool = False) -> str:
    """The text as it may be seen, in lines of so many cells. A line that was broken may begin with
    what did no harm within it."""
    lines = wrapped(shown(text, has_colour=has_colour), width)
    return neutral(lines, has_colour=has_colour)


def print_result(text: str, *, is_whole: bool = False) -> None:
    """One result, on standard output; on a terminal its lines break between words, unless
    ``is_whole``: what is to be copied, or is another's."""
    has_colour = sys.stdout.isatty()
    if is_whole:
        click.echo(shown(text, has_colour=has_colour))
    else:
        click.echo(fitted(text, width_of(sys.stdout), has_colour=has_colour))


def print_note(text: str) -> None:
    """One line beside the results, on standard error."""
    click.echo(fitted(text, width_of(sys.stderr), has_colour=sys.stderr.isatty()), err=True)


def print_json(value: Any, *, indent: int | None = 2) -> None:
    """One result as JSON, on standard output."""
    click.echo(shown_json(value, indent=indent))


def print_commands(commands: Iterable[Command]) -> None:
    """Commands to the CI system, on standard output."""
    for command in commands:
        _print_command(command)


def _print_command(command: Command, *, err: bool = False) -> None:
    data, properties = MASK.hide(command.data), MASK.hide_in(command.properties)
    # GitLab's sections are escape sequences, and no log of CI is a terminal
    click.echo(str(replace(command, data=data, properties=properties)), err=err, color=True)


def confirms(question: str) -> bool:
    """Whether the person at the terminal says yes."""
    with _own_line():
        return click.confirm(shown(question), default=False)


def answer_to(question: str) -> str:
    """What the person at the terminal types."""
    with _own_line():
        return str(click.prompt(shown(question), default="", show_default=False))


@contextmanager
def _own_line() -> Iterator[None]:
    """What is said after a question that gets no answer (Ctrl-C, Ctrl-D) has a line of its own."""
    try:
        yield
    except click.Abort:
        click.echo()
        raise


def print_error(error: CicdError, *, is_json: bool = False, sends: bool = False) -> None:
    """One failure, on standard error; a wrong file is told finding by finding. ``sends``: the
    command is one that changes something, so people ask themselves whether it has."""
    if is_json:
        print_event("error", str(error), exit_code=error.exit_code)
    elif isinstance(error, InvalidStage):
        from cicd.words import count

        end = "; nothing was sent" if sends else ""
        print_note(f"{error}\n{count(len(error.problems), 'problem')}{end}")
    else:
        text = str(error)
        if len(text) > LONG and sys.stderr.isatty():  # a log is read line by line
            text = text.replace(f" ({error.hint})", f"\n→ {error.hint}")
        print_note(f"error: {text}")


def print_event(level: str, text: str, **values: Any) -> None:
    """One event of that level as a line of JSON, on standard error, however quiet it is to be."""
    getattr(_logger(is_json=True).bind(event=text), level)(None, **values)


def check_writable(path: Path) -> None:
    """Raise CicdError now rather than after the work when a result could not be written."""
    folder = path.parent
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        reason = "is not writable" if folder.is_dir() else "does not exist"
        raise CicdError(f"cannot write {path}: the folder {folder} {reason}")


def uses_colour(common: Common) -> bool:
    """Whether standard output is a terminal that wants colour (see no-color.org)."""
    is_plain = "NO_COLOR" in os.environ or os.environ.get("TERM") == "dumb"
    return common.colour and sys.stdout.isatty() and not is_plain


def terminal_width() -> int | None:
    """Cells in a line of the terminal that standard output is; None for a file or a pipe."""
    return width_of(sys.stdout)


def width_of(stream: TextIO) -> int | None:
    """The same for any stream; ``COLUMNS`` counts before what the terminal says."""
    if not stream.isatty():
        return None
    if (columns := os.environ.get("COLUMNS", "")).isdecimal() and int(columns):
        return int(columns)
    try:
        return os.get_terminal_size(stream.fileno()).columns or None
    except OSError:
        return None


def is_interactive() -> bool:
    """Whether a person can answer a question."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def write_report(path: Path, text: str) -> None:
    """Write what was found into a file, which gets around like anything that is printed: a later
    step may print it."""
    from cicd.automation.files import write_file  # help needs none

    write_file(path, shown(text))


def write_json(path: Path, value: Any, *, is_ascii: bool = False) -> None:
    """The same for plain data."""
    from cicd.automation.files import write_file

    write_file(path, shown_json(value, indent=2, is_ascii=is_ascii) + "\n")


class EventLog:
    """Writes events to standard error: one line each, text or JSON."""

    def __init__(self, common: Common) -> None:
        self._is_quiet = common.verbosity < 0
        self._is_json = common.log_format == "json"
        self._title = ""

    @cached_property
    def _log(self) -> Any:
        return _logger(is_json=self._is_json)

    def write(self, event: str, **values: Any) -> None:
        """One event; ``key`` among the values becomes the prefix of the line."""
        if not self._is_quiet:
            self._log.info(event, **values)

    @cached_property
    def _emitter(self) -> Emitter:
        from cicd.forges.detect import ci_of
        from cicd.forges.emitter import emitter_of

        return emitter_of("" if self._is_json else ci_of(os.environ))

    def group(self, title: str) -> None:
        """Start a foldable group where the log is that of a CI system that has such."""
        self._title = title
        for command in self._emitter.group(title, int(time.time())):
            _print_command(command, err=True)

    def end_group(self) -> None:
        for command in self._emitter.end_group(self._title, int(time.time())):
            _print_command(command, err=True)


def _logger(*, is_json: bool) -> Any:
    """structlog's, which all events go through. It takes as long to load as the rest of a command
    that says nothing, so it is loaded with the first event."""
    import structlog

    stamp = structlog.processors.TimeStamper(fmt="iso", utc=True)
    return structlog.wrap_logger(
        structlog.PrintLogger(sys.stderr),
        processors=[
            structlog.processors.add_log_level,
            *([stamp, _as_json] if is_json else [_as_line]),
        ],
        cache_logger_on_first_use=True,
    )


def _as_line(logger: Any, method: str, event: Any) -> str:
    """``execution/train │ created id=e123``: made for reading and for grep."""
    values = dict(event)
    values.pop("level", None)
    text = values.pop("event")
    key = values.pop("key", None)
    rest = " ".join(f"{name}={value}" for name, value in values.items() if value not in ("", None))
    line = f"{text} ({rest})" if rest else str(text)
    return fitted(f"{key} │ {line}" if key else line, width_of(sys.stderr))


def _as_json(logger: Any, method: str, event: Any) -> str:
    return shown_json(event)
