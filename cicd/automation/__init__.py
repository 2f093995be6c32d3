"""What the commands do, for programs: without a terminal, an environment or a working directory of
their own.

::

    from cicd import Project

    project = Project("path/to/repository", environ=os.environ)
    problems = project.check("dev")
    with project.stage("dev") as dev:
        plan = dev.plan()
        dev.apply(plan, approve=lambda plan: not plan.summary["delete"]).raise_for_failure()

``project`` finds stages, ``stage`` is what can be done to one, ``operation`` something that is
being done, ``events`` what it tells, ``result`` what became of it. Nothing here prints, reads the
environment of the process or its working directory, or takes a signal: all of that is handed in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cicd.automation.operation import Operation as Operation
    from cicd.automation.project import Project as Project
    from cicd.automation.result import Result as Result
    from cicd.automation.stage import StageSession as StageSession

_HOMES = {
    "Operation": "operation",
    "Project": "project",
    "Result": "result",
    "StageSession": "stage",
}
__all__ = ["Operation", "Project", "Result", "StageSession"]


def __getattr__(name: str) -> Any:
    """Each of them is imported on use: many commands need none."""
    from importlib import import_module

    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
