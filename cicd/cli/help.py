"""What every help page shows below its options: command lines to begin with."""

from __future__ import annotations


def examples(*lines: str) -> str:
    """The epilog of a help page; each line is a command line that works as it stands."""
    return "\n".join(["\b", "Examples:", *(f"  {line}" for line in lines)])
