"""Picks the sandbox, once: bubblewrap where it works, else plain processes with a warning; podman
for images that it has built on this machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from cicd.emulator.runner.bubblewrap import Bubblewrap
from cicd.emulator.runner.plain import Plain
from cicd.emulator.runner.podman import Podman
from cicd.emulator.runner.sandbox import Choice, Sandbox, find_bubblewrap, works


def choose(choice: Choice, environ: Mapping[str, str], private: Sequence[Path]) -> Sandbox:
    """The sandbox for all runs. ``auto`` never fails; ``bubblewrap`` raises RuntimeError."""
    return Podman(_inner(choice, environ, private), environ)


@lru_cache(maxsize=16)
def _why_not(bwrap: str, private: tuple[Path, ...]) -> str:
    """Why it does not work, as tried once in this process; empty when it does."""
    return works(Bubblewrap(bwrap, private))


def _inner(choice: Choice, environ: Mapping[str, str], private: Sequence[Path]) -> Sandbox:
    """The sandbox for what does not run in an image of its own."""
    if choice == "process":
        return Plain()
    bwrap = find_bubblewrap(environ)
    why = "bubblewrap is not installed"
    if bwrap:
        why = _why_not(bwrap, tuple(private))
        if not why:
            return Bubblewrap(bwrap, private)
    if choice == "bubblewrap":
        raise RuntimeError(f"bubblewrap does not work here: {why}")
    return Plain(why)
