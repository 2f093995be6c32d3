"""GitOps for platforms of machine learning: plan on a pull request, apply on a push.

::

    stages/*.yaml ─► config ─► desired ┐
                                       ├─► plan (pure) ─► Plan ─► render (pure) ─► terminal · JSON
    platform API ─► platforms ─► live ─┘                   └───► apply ─► platforms ─► platform API
                                                           logs ────────► platforms
    automation: open, plan, lock, apply, go back, as functions and events; cli stands on it
    cicd emulator ─► emulator (look-alikes of platforms; meets the rest over HTTP only)

1. ``plan`` and ``render`` do no I/O.  2. Only ``platforms`` talks to a platform.
3. Only ``cli`` prints, reads the environment, exits.  4. ``emulator`` and the rest meet over HTTP.
5. Imports point downwards; ``tests/test_architecture.py`` proves it. See also
``docs/architecture.md``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cicd.version import __version__

if TYPE_CHECKING:
    from cicd.automation.project import Project as Project

__all__ = ["Project", "__version__"]


def __getattr__(name: str) -> Any:
    """The Python API, imported on use: no command pays for all of it."""
    if name == "Project":
        from cicd.automation.project import Project

        return Project
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
