"""Slips in expressions and in names of fields are told with a cure, before anything runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from cicd.config.tree import Place
from cicd.emulator.workflow.expr.closures import CLOSURES
from cicd.emulator.workflow.expr.functions import DRAWN
from cicd.emulator.workflow.expr.functions import FUNCTIONS as BUILT_IN
from cicd.emulator.workflow.expr.sprig import SPRIG as OF_SPRIG
from cicd.emulator.workflow.expr.sprig import SPRIG_DRAWN
from cicd.platforms.aicore.dialect.expression_functions import FUNCTIONS, SPRIG
from cicd.platforms.aicore.dialect.templates import read_templates
from tests.emulator.workflows.verdicts import HEAD
from tests.told import Told

TOLD = Told(Path(__file__).with_name("told_of_slips.json"))
HERE = Place("stages/dev.yaml", 5, 9)


def found_in(root: Path, templates: str, rule: str = "") -> list[str]:
    """What is told about a workflow with these templates, by one rule or by all."""
    folder = root / "templates"
    folder.mkdir()
    (folder / "t.yaml").write_text(f"{HEAD}  templates:\n{templates}", encoding="utf-8")
    _, problems = read_templates(root, "templates", HERE)
    TOLD.check(root, problems)
    return [str(problem) for problem in problems if rule in ("", problem.rule)]


def told_of(root: Path, expression: str) -> list[str]:
    """What is told about an argument that is this expression."""
    return found_in(
        root,
        "  - name: main\n    steps:\n    - - name: a\n        template: in\n"
        f'        arguments: {{parameters: [{{name: x, value: "{expression}"}}]}}\n'
        "  - name: in\n    inputs: {parameters: [{name: x}]}\n"
        "    container: {image: i, command: [sh], args: ['{{inputs.parameters.x}}']}\n",
    )


def container(more: str) -> str:
    """A template that runs one, with more fields."""
    return f"  - name: main\n    container: {{image: i, command: [sh]}}\n{more}"


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ("{{=asInteger('3')}}", 'no function asInteger() (did you mean "asInt"?)'),
        ("{{=sprig.uper('a')}}", 'no function sprig.uper() (did you mean "upper"?)'),
        ("{{=trunc(3, 'abcd')}}", 'no function trunc() (did you mean "sprig.trunc"?)'),
        ("{{=fliter([1], # > 0)}}", 'no function fliter() (did you mean "filter"?)'),
        ("{{=sprig.env('HOME')}}", "no function sprig.env()"),
        ("{{=1 = 1 ? 'a' : 'b'}}", "write =="),
    ],
)
def test_a_function_that_there_is_not_is_told(tmp_path: Path, expression: str, says: str) -> None:
    (found,) = told_of(tmp_path, expression)
    assert found.startswith("templates/t.yaml:18:")
    assert says in found


@pytest.mark.parametrize(
    "expression",
    [
        "{{=asInt('3') + len([1])}}",
        "{{=sprig.genPrivateKey('rsa')}}",
        "{{=let x = 4; x >= 3 and not (x != 4) ? 'a(' : 'b'}}",
        "{{=date('2024-01-01').Format('2006')}}",
        "{{='a' in ('b') ? 'nope(1)' : 'x = 1'}}",
        "{{=map(1..3, {string(#)}) | join('-')}}",
    ],
)
def test_functions_of_expr_of_argo_and_of_sprig_are_known(tmp_path: Path, expression: str) -> None:
    assert told_of(tmp_path, expression) == []


def test_what_the_emulator_can_call_is_known() -> None:
    assert {*BUILT_IN, *DRAWN, *CLOSURES} == FUNCTIONS
    assert {*OF_SPRIG, *SPRIG_DRAWN} <= SPRIG


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ("lastRetry.exitcode == '3'", 'did you mean "exitCode"?'),
        ("lastRetry.exitCode = '3'", "write =="),
        ("lastRetry.exitCode == 3", "write asInt(lastRetry.exitCode)"),
        ("2 < lastRetry.exitCode", "write asInt(lastRetry.exitCode)"),
        ("lastRetry.duration > 60", "write asInt(lastRetry.duration)"),
        ("toInt(lastRetry.exitCode) == 3", "no function toInt()"),
        ("asInt(lastRetry.exitCode) == 3 && lastRetry.status != 'Error'", ""),
        ("lastRetry.exitCode in ['3', '4']", ""),
    ],
)
def test_the_condition_of_a_retry_is_read(tmp_path: Path, expression: str, says: str) -> None:
    more = f'    retryStrategy: {{limit: 3, expression: "{expression}"}}\n'
    found = found_in(tmp_path, container(more))
    assert len(found) == bool(says)
    assert all(says in line and line.startswith("templates/t.yaml:16:") for line in found)


@pytest.mark.parametrize(
    ("template", "meant"),
    [
        (container("    outputs: {artifacts: [{name: a, optionl: true}]}\n"), "optional"),
        (
            container("    outputs: {artifacts: [{name: a, path: /a, globalname: a}]}\n"),
            "globalName",
        ),
        (
            container("    outputs: {parameters: [{name: a, valueFrom: {path: /a, defalt: b}}]}\n"),
            "default",
        ),
        (container("    inputs: {parameters: [{name: a, value: b, enums: [b]}]}\n"), "enum"),
        (
            "  - name: main\n    containerSet:\n      containers:\n"
            "      - {name: a, image: i, command: [sh]}\n"
            "      - {name: b, image: i, command: [sh], dependency: [a]}\n",
            "dependencies",
        ),
        (
            "  - name: main\n    containerSet:\n      retryStrategie: {retries: 2}\n"
            "      containers: [{name: a, image: i, command: [sh]}]\n",
            "retryStrategy",
        ),
        (
            container("    sidecars: [{name: s, image: i, command: [sh], workingdir: /a}]\n"),
            "workingDir",
        ),
    ],
)
def test_a_mistyped_field_inside_a_template_is_told(
    tmp_path: Path, template: str, meant: str
) -> None:
    (found,) = found_in(tmp_path, template, "mistyped-field")
    assert f'did you mean "{meant}"?' in found
