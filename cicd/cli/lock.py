"""How long a command waits for somebody else who has the lock of a stage."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click


def _seconds(ctx: click.Context, param: click.Parameter, text: str) -> int:
    from cicd.automation import periods

    return periods.seconds(text, "--lock-timeout")


def lock_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--lock-timeout``; the command gets it as ``lock_timeout``, in seconds."""
    return click.option(
        "--lock-timeout",
        default="0s",
        show_default=True,
        metavar="TIME",
        callback=_seconds,
        help="How long to wait for another apply of this stage: 90s, 10m, 1h.",
    )(command)
