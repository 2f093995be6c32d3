"""What Argo accepts and refuses before anything runs, in its own vocabulary.

Each case names the test or function of Argo Workflows 3.5 that says so; what has no file name is
in workflow/validate. The line that ``cicd validate`` names ends in ``# HERE``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ruamel.yaml import YAML

HEAD = """\
apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata:
  name: argo-case
  labels:
    scenarios.ai.sap.com/id: argo
    ai.sap.com/version: "1.0"
  annotations:
    scenarios.ai.sap.com/name: Argo
    executables.ai.sap.com/name: Argo
spec:
  entrypoint: main
"""
TAIL = """
  - name: t
    container: {image: i, command: [sh]}
  - name: script
    script: {image: i, command: [sh], source: echo}
  - name: out
    outputs: {parameters: [{name: x, valueFrom: {path: /x}}]}
    container: {image: i, command: [sh]}
  - name: in
    inputs: {parameters: [{name: x}]}
    container: {image: i, command: [sh], args: ["{{inputs.parameters.x}}"]}
  - name: art
    inputs: {artifacts: [{name: x, path: /x}]}
    container: {image: i, command: [sh]}
  - name: nap
    suspend: {duration: "1"}
"""


@dataclass(frozen=True)
class Verdict:
    """``rule``: of the finding of ``cicd validate``; ``says``: a part of what the sync says. Where
    both are empty Argo accepts it."""

    name: str
    source: str
    text: str
    rule: str = ""
    says: str = ""

    @property
    def document(self) -> dict[str, Any]:
        found: dict[str, Any] = YAML(typ="safe", pure=True).load(self.text)
        return found

    @property
    def line(self) -> int:
        return next((i for i, x in enumerate(self.text.split("\n"), 1) if "# HERE" in x), 0)


def spec(text: str) -> str:
    """A whole template; in ``text`` stand fields of the spec, in front of ``templates``."""
    return f"{HEAD}{text.rstrip()}{TAIL}"


def main(text: str, more: str = "") -> str:
    """A whole template whose entrypoint ``main`` has these fields."""
    inner = "".join(f"\n    {line}" for line in text.strip("\n").splitlines())
    return spec(f"{more}  templates:\n  - name: main{inner}")


def leaf(text: str = "", more: str = "") -> str:
    """A container that prints ``{{…}}`` or has further fields."""
    return main(f"container: {{image: i, command: [sh]}}\n{text}", more)


def says(text: str, more: str = "") -> str:
    """A container with that argument."""
    return main(f'container:\n  image: i\n  command: [sh]\n  args: ["{text}"]  # HERE', more)
