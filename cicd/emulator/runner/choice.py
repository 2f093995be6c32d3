"""Picks the sandbox, once: bubblewrap where it works, else plain processes with a warning; podman
for images that it has built on this machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from cicd.emulator.runner.bubblewrap import Bubblewrap
from cicd.emulator.runner.plain import Plain
from cicd.emulator.runner.podman import Podman
from cicd.emulator.runner.sandbox import Choice, Sandbox, find_bubblewrap, works


def choose(choice: Choice, environ: Mapping[str, str], private: Sequence[Path]) -> Sandbox:
    """The sandbox for all runs. ``auto`` never fails; ``bubblewrap`` raises RuntimeError."""
    return Podman(_inner(choice, environ, private), environ)


def _inner(choice: Choice, environ: Mapping[str, str], private: Sequence[Path]) -> Sandbox:
    """The sandbox for what does not run in an image of its own."""
    if choice == "process":
        return Plain()
    bwrap = find_bubblewrap(environ)
    why = "bubblewrap is not installed"
    if bwrap:
        sandbox = Bubblewrap(bwrap, private)
        why = works(sandbox)
        if not why:
            return sandbox
    if choice == "bubblewrap":
        raise RuntimeError(f"bubblewrap does not work here: {why}")
    return Plain(why)
