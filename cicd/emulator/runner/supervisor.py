"""The program beside every other one, ``inside/supervise``: how it is started and told what to
do. Its code goes with the order, compiled once for all: nothing of it has to be found, read and
compiled in the sandbox, which would take longer than what it does there.
"""

from __future__ import annotations

import marshal
import sys
from functools import cache
from pathlib import Path
from typing import Any

PROGRAMS = Path(__file__).parent / "inside"
SOURCE = PROGRAMS / "supervise.py"
LOADER = "import marshal, sys; exec(marshal.load(sys.stdin.buffer), {'__name__': '__main__'})"


def interpreter() -> Path:
    """The emulator's own Python."""
    return Path(sys.executable)


def isolated(*arguments: str) -> list[str]:
    """A command of the emulator's own Python; the template's environment is not in its way."""
    return [str(interpreter()), "-I", "-S", *arguments]


def supervisor() -> list[str]:
    """The command that carries out an order()."""
    return isolated("-c", LOADER)


def order(spec: dict[str, Any]) -> bytes:
    """What the supervisor reads first; its module says what is in ``spec``."""
    return code() + marshal.dumps(spec)


@cache
def code() -> bytes:
    """The supervisor, for an interpreter of this very version."""
    return marshal.dumps(compile(SOURCE.read_bytes(), str(SOURCE), "exec", dont_inherit=True))
