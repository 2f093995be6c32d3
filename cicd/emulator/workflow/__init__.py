"""Pure: WorkflowTemplate in, nodes and next actions out.

``check`` says what the emulator cannot do, ``read`` turns the rest into a Program, ``advance``
tells from the nodes so far what to run next. Semantics are those of Argo Workflows 3.5.
"""

from cicd.emulator.workflow.checking import check
from cicd.emulator.workflow.program import Program, read
from cicd.emulator.workflow.progress import Progress, Publication, advance
from cicd.emulator.workflow.work import Input, Run, Work

__all__ = [
    "Input",
    "Program",
    "Progress",
    "Publication",
    "Run",
    "Work",
    "advance",
    "check",
    "read",
]
