"""Pure: WorkflowTemplate in, nodes and next actions out.

``check`` says what the emulator cannot do, ``read`` turns the rest into a Program, ``advance``
tells from the nodes so far what to run next. Semantics are those of Argo Workflows 3.5.
"""

from cicd.emulator.workflow.check.checking import check, notes
from cicd.emulator.workflow.check.reading import read
from cicd.emulator.workflow.check.rules import rule_of
from cicd.emulator.workflow.container_sets import MAIN
from cicd.emulator.workflow.program import Artifact, OutputParameter, Program
from cicd.emulator.workflow.progress import Progress, Publication, advance, left_open
from cicd.emulator.workflow.scope import Content, Run, is_key_only
from cicd.emulator.workflow.work import Input, Work, collect

__all__ = [
    "MAIN",
    "Artifact",
    "Content",
    "Input",
    "OutputParameter",
    "Program",
    "Progress",
    "Publication",
    "Run",
    "Work",
    "advance",
    "check",
    "collect",
    "is_key_only",
    "left_open",
    "notes",
    "read",
    "rule_of",
]
