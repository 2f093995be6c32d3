"""A look-alike of SAP AI Core that really runs templates; imports nothing else of cicd.

For tests, notebooks and scripts::

    from cicd.emulator import running

    with running() as emulator:
        os.environ.update(emulator.environ)
        client = AICoreV2Client.from_env()
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cicd.emulator.host.testing import running

__all__ = ["running"]


def __getattr__(name: str) -> Any:
    # only who starts one pays for what it needs
    if name == "running":
        from cicd.emulator.host.testing import running

        return running
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
