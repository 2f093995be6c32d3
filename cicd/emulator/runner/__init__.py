"""Sandboxes and processes: what really runs.

``create`` makes the one object that the API side needs, an implementation of ``jobs.Runner``.
"""

from cicd.emulator.runner.local import LocalRunner, create
from cicd.emulator.runner.settings import Settings

__all__ = ["LocalRunner", "Settings", "create"]
