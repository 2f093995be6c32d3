"""What the emulator's commands share: its folder, and its errors as ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from cicd.errors import CicdError, Usage


@contextmanager
def translated() -> Iterator[Any]:
    """The emulator's control functions; its errors become ours."""
    from cicd.emulator.errors import EmulatorError
    from cicd.emulator.host import control

    try:
        yield control
    except control.Rejected as error:
        raise Usage(error.message) from error
    except EmulatorError as error:
        raise CicdError(error.message, hint=error.hint) from error


def folder(data: Path | None) -> Path:
    """Where the emulator keeps everything: the project's own ``.cicd/emulator`` unless named."""
    if data:
        return data.resolve()
    # not needed by the emulator itself, whose start counts
    from cicd.automation import local
    from cicd.automation.git import find_root

    return local.state_folder(find_root(Path.cwd())) / "emulator"


data_option = click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of its state. [default: .cicd/emulator]",
)


def endpoint_of(control: Any, data: Path | None) -> Any:
    """The running emulator of the folder; CicdError when there is none."""
    endpoint = control.status(folder(data))
    if endpoint is None:
        raise CicdError("the emulator is not running", hint="cicd emulator start")
    return endpoint
