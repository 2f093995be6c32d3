"""Everything that reaches the screen: results on standard output, events on standard error."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import click

from cicd.cli.options import Common
from cicd.errors import CicdError, InvalidStage


def prepare_streams() -> None:
    """A character that the terminal cannot show is replaced, never a crash."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure:
            reconfigure(errors="replace")


def print_result(text: str) -> None:
    """One result, on standard output."""
    click.echo(text)


def print_json(value: Any) -> None:
    """One result as JSON, on standard output."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def print_error(error: CicdError) -> None:
    """One failure, on standard error; a wrong file is told finding by finding."""
    if isinstance(error, InvalidStage):
        click.echo(f"{error}\n{count(len(error.problems), 'problem')}; nothing was sent", err=True)
    else:
        click.echo(f"error: {error}", err=True)


def count(number: int, noun: str) -> str:
    """``1 problem``, ``2 problems``."""
    return f"{number} {noun}{'s' * (number != 1)}"


def uses_colour(common: Common) -> bool:
    """Whether standard output is a terminal that wants colour (see no-color.org)."""
    return common.colour and sys.stdout.isatty() and "NO_COLOR" not in os.environ


def is_interactive() -> bool:
    """Whether a person can answer a question."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def write_file(path: Path, text: str) -> None:
    """Write a whole file or leave the old one as it was."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise CicdError(f"cannot write {path}: {error.strerror}") from error


class EventLog:
    """Writes events to standard error through structlog: one line each, text or JSON."""

    def __init__(self, common: Common) -> None:
        import structlog

        self.is_quiet = common.verbosity < 0
        processors: list[Any] = [structlog.processors.add_log_level]
        if common.log_format == "json":
            processors += [
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ]
        else:
            processors.append(_as_line)
        self._log = structlog.wrap_logger(
            structlog.PrintLogger(sys.stderr), processors=processors, cache_logger_on_first_use=True
        )

    def write(self, event: str, **values: Any) -> None:
        """One event; ``key`` among the values becomes the prefix of the line."""
        if not self.is_quiet:
            self._log.info(event, **values)

    def group(self, title: str) -> None:
        """Start a foldable group where the log is GitHub's."""
        if os.environ.get("GITHUB_ACTIONS") == "true":
            click.echo(f"::group::{title}", err=True)

    def end_group(self) -> None:
        if os.environ.get("GITHUB_ACTIONS") == "true":
            click.echo("::endgroup::", err=True)


def _as_line(logger: Any, method: str, event: Any) -> str:
    """``execution/train │ created id=e123``: made for reading and for grep."""
    values = dict(event)
    values.pop("level", None)
    text = values.pop("event")
    key = values.pop("key", None)
    rest = " ".join(f"{name}={value}" for name, value in values.items() if value not in ("", None))
    line = f"{text} ({rest})" if rest else str(text)
    return f"{key} │ {line}" if key else line


def annotate(problems: Iterable[Any]) -> str:
    """Problems as GitHub workflow commands, which become notes at the lines of the file."""
    return "\n".join(
        f"::{problem.severity} file={_property(problem.file)},line={max(1, problem.line)},"
        f"col={max(1, problem.column)}::{_data(problem.message)}"
        for problem in problems
    )


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def hide_secrets(text: str, environ: Mapping[str, str]) -> str:
    """``text`` without the values of variables that look like secrets."""
    for name, value in environ.items():
        words = name.upper().split("_")
        if len(value) > 3 and {"SECRET", "PASSWORD", "TOKEN", "KEY", "CREDENTIALS"} & set(words):
            text = text.replace(value, "***")
    return text
