"""``validate`` warns where a ``when`` has a text, or may have a value, that Argo cannot read."""

from __future__ import annotations

from pathlib import Path

import pytest

from cicd.config import Surroundings, check_stage
from cicd.platforms.registry import DIALECTS
from tests.config.config_sample import GIT, STAGE, TRAIN, changed, write_repository


def told(root: Path, rules: tuple[str, ...] = ("unquoted-condition",)) -> list[str]:
    """The warnings of these rules."""
    found = check_stage(
        "dev", Surroundings(root=root, env={}, variables={}, dialects=DIALECTS, git=GIT)
    )
    return [str(problem) for problem in found if problem.rule in rules]


def warned(
    root: Path,
    when: str,
    parameter: str = "{name: rate, value: 0.10}",
    rules: tuple[str, ...] = ("unquoted-condition",),
) -> list[str]:
    """The warnings about a workflow whose step has that ``when``."""
    flow = (
        "    - name: main\n      steps:\n        - - name: a\n            template: train\n"
        f"            when: {when}\n    - name: train\n"
    )
    text = changed(
        ("entrypoint: train", "entrypoint: main"),
        ("      - {name: rate, value: 0.10}\n", f"      - {parameter}\n"),
        ("    - name: train\n", flow),
        text=TRAIN,
    )
    if not root.joinpath("stages").exists():
        write_repository(root)
    (root / "templates" / "train.yaml").write_text(text, encoding="utf-8")
    return told(root, rules)


@pytest.mark.parametrize(
    ("when", "cure"),
    [
        ("1 = 1", "write == to compare"),
        ("'{{workflow.parameters.rate}}' = 'a'", "write == to compare"),
        ("{{workflow.parameters.rate}} > 0 and 2 > 1", "write && for and"),
        ("(1 > 2) or '{{workflow.parameters.rate}}' == 'a'", "write || for or"),
        ("not ({{workflow.parameters.rate}} > 0)", "write ! for not"),
        ("1 > 0 && not true", "write ! for not"),
        ("'{{workflow.parameters.rate}}' == 'a", "a text in it has no end"),
        ("({{workflow.parameters.rate}} > 0", "a bracket in it is missing"),
        ("5 + 3", "is neither true nor false"),
        ("yes", "is neither true nor false"),
    ],
)
def test_a_slip_in_a_condition_is_told_with_its_line_and_cure(
    tmp_path: Path, when: str, cure: str
) -> None:
    (found,) = warned(tmp_path, f'"{when}"', rules=("bad-condition",))
    assert found.startswith("templates/train.yaml:24:")
    assert cure in found


@pytest.mark.parametrize(
    "when",
    [
        "true",
        "!({{workflow.parameters.rate}} >= 0)",
        "{{workflow.parameters.rate}} =~ '^a'",
        "{{workflow.parameters.rate}} == and",
        "'not a = b' != '{{workflow.parameters.rate}}'",
        "{{workflow.parameters.rate}} > 0 ? true : false",
        "{{=workflow.parameters.rate == '1' and not false}}",
        "'a' in ('a', 'b (c')",
        "{{workflow.parameters.rate}}",
    ],
)
def test_a_condition_that_argo_can_read_has_no_slip(tmp_path: Path, when: str) -> None:
    assert warned(tmp_path, f'"{when}"', rules=("bad-condition",)) == []


@pytest.mark.parametrize(
    ("when", "is_told"),
    [
        ("{{steps.a.outputs.result}} == 'gpt-4o'", True),
        ("{{steps.a.outputs.result}} != 'two words'", True),
        ("{{steps.a.outputs.result}} in ('o1', 'gpt-4o')", True),
        ("{{workflow.parameters.rate}} == '1.2.3'", True),
        ("{{steps.a.outputs.result}} == 'heads'", False),
        ("'{{steps.a.outputs.result}}' == 'gpt-4o'", False),
        ("{{steps.a.outputs.result}} == 4/2", False),
        ("{{steps.a.outputs.result}} > 0 && 'gpt-4o' == 'gpt-4o'", False),
        ("{{=steps.a.outputs.result}} == 'gpt-4o'", False),
    ],
)
def test_what_is_compared_with_a_text_needs_the_quotes_of_that_text(
    tmp_path: Path, when: str, *, is_told: bool
) -> None:
    found = warned(tmp_path, f'"{when}"')
    assert len(found) == is_told
    assert all("put quotes around it, '{{" in line for line in found)


@pytest.mark.parametrize(
    ("value", "is_told"),
    [
        ("gpt-4o", True),
        ("1.2.3", True),
        ("/data/x", True),
        ("two words", True),
        ("2024-01-01", True),
        ("model.pkl", True),
        ("4o", True),
        ("", True),
        ("s3://bucket", True),
        ("word", False),
        ("a_b2", False),
        ("Größe", False),
        ("5", False),
        ("-0.5", False),
        ("true", False),
        ("'gpt-4o'", False),
    ],
)
def test_a_default_that_needs_quotes_is_told(tmp_path: Path, value: str, *, is_told: bool) -> None:
    parameter = f'{{name: rate, value: "{value}"}}'
    found = warned(tmp_path, '"{{workflow.parameters.rate}} == x"', parameter)
    assert len(found) == is_told
    assert all("put quotes around it, '{{workflow.parameters.rate}}'" in line for line in found)


@pytest.mark.parametrize(
    ("when", "words"),
    [
        ("\"'{{workflow.parameters.rate}}' == gpt-4o\"", "gpt-4o"),
        ("\"'{{workflow.parameters.rate}}' == 1.2.3 && 1 == 1\"", "1.2.3"),
        ("\"'{{workflow.parameters.rate}}' == /data/x\"", "/data/x"),
        ("\"'{{workflow.parameters.rate}}' in (a, b-c)\"", "b-c"),
        ("\"'{{workflow.parameters.rate}}' == model.pkl\"", "model.pkl"),
    ],
)
def test_a_text_beside_it_that_needs_quotes_is_told_with_its_line(
    tmp_path: Path, when: str, words: str
) -> None:
    (found,) = warned(tmp_path, when)
    assert found.startswith("templates/train.yaml:24:")
    assert f"put quotes around it, '{words}'" in found


@pytest.mark.parametrize(
    "when",
    [
        "\"'{{workflow.parameters.rate}}' == 'gpt-4o'\"",
        '"\\"{{workflow.parameters.rate}}\\" == \\"1.2.3\\""',
        "\"{{=workflow.parameters.rate == 'gpt-4o'}}\"",
        '"{{workflow.parameters.rate}} > 0 && 4/2 == 2"',
        '"{{workflow.parameters.rate}}/2 > 0"',
        '"(1 > 0) && Failed in (Failed, Error)"',
        "\"[gpt-4o] == 'gpt-4o'\"",
    ],
)
def test_what_argo_can_read_is_not_told(tmp_path: Path, when: str) -> None:
    assert warned(tmp_path, when) == []


@pytest.mark.parametrize(
    ("value", "is_told"),
    [("True", True), ("yes", True), ("1", True), ("true", False), ("a == b", False), ("", False)],
)
def test_a_value_that_is_a_condition_alone_is_true_or_false(
    tmp_path: Path, value: str, *, is_told: bool
) -> None:
    parameter = f'{{name: rate, value: "{value}"}}'
    found = warned(tmp_path, '"{{workflow.parameters.rate}}"', parameter)
    assert len(found) == is_told
    assert all("is neither true nor false" in line for line in found)


def test_the_values_of_an_enum_are_looked_at(tmp_path: Path) -> None:
    parameter = "{name: rate, value: a, enum: [a, b-c]}"
    (found,) = warned(tmp_path, '"{{workflow.parameters.rate}} == a"', parameter)
    assert '"b-c"' in found


def test_a_value_of_the_stage_file_is_told_there(tmp_path: Path) -> None:
    bound = changed(
        ("parameter_bindings: {epochs: 3}", "parameter_bindings: {epochs: 3, rate: gpt-4o}")
    )
    write_repository(tmp_path, bound)
    (found,) = warned(tmp_path, '"{{workflow.parameters.rate}} == x"')
    line = bound.splitlines().index(next(x for x in bound.splitlines() if "gpt-4o" in x)) + 1
    assert found.startswith(f"stages/dev.yaml:{line}:")
    assert "in templates/train.yaml" in found
    (tmp_path / "stages" / "dev.yaml").write_text(STAGE, encoding="utf-8")
    assert warned(tmp_path, '"{{workflow.parameters.rate}} == x"') == []


def test_a_value_that_no_condition_can_take_is_told_once(tmp_path: Path) -> None:
    bound = changed(
        ("parameter_bindings: {epochs: 3}", "parameter_bindings: {epochs: 3, rate: gpt-4o}")
    )
    write_repository(tmp_path, bound)
    when = '"{{workflow.parameters.rate}} == x"'
    again = f"{when}\n        - - name: b\n            template: train\n            when: {when}"
    (found,) = warned(tmp_path, again)
    assert found.startswith("stages/dev.yaml:")


def test_the_argument_of_a_step_is_followed_into_its_template(tmp_path: Path) -> None:
    inner = (
        "    - name: inner\n      inputs: {parameters: [{name: model}]}\n      steps:\n"
        "        - - name: a\n            template: train\n"
        '            when: "{{inputs.parameters.model}} == x"\n'
        "    - name: main\n      steps:\n        - - name: i\n            template: inner\n"
        "            arguments: {parameters: [{name: model, value: VALUE}]}\n    - name: train\n"
    )
    write_repository(tmp_path)
    for value, count in (("gpt-4o", 1), ("word", 0), ('"{{workflow.parameters.rate}}"', 1)):
        text = changed(
            ("entrypoint: train", "entrypoint: main"),
            ("value: 0.10", "value: a/b"),
            ("    - name: train\n", inner.replace("VALUE", value)),
            text=TRAIN,
        )
        (tmp_path / "templates" / "train.yaml").write_text(text, encoding="utf-8")
        assert len(told(tmp_path)) == count
