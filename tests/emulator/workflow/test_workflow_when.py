"""``when`` is govaluate after its tags are replaced; what comes of the outputs of loops."""

from __future__ import annotations

import pytest

from cicd.emulator.workflow.expr.conditions import BadCondition
from cicd.emulator.workflow.when import decide, is_wanted
from tests.emulator.workflows.decisions import TABLES

DECISIONS = [
    pytest.param(text, expected, id=f"{source}: {text}")
    for source, table in TABLES.items()
    for text, expected in table
]


@pytest.mark.parametrize(("text", "expected"), DECISIONS)
def test_when_is_read_as_govaluate_reads_it(text: str, expected: bool | str) -> None:
    if isinstance(expected, bool):
        assert decide(text) is expected
        return
    with pytest.raises(BadCondition) as error:
        decide(text)
    assert expected in str(error.value)


@pytest.mark.parametrize(("first", "more"), [("true", " && true"), ("1", " + 1"), ("1", " ? 1")])
def test_a_condition_has_no_more_operators_than_can_be_calculated(first: str, more: str) -> None:
    with pytest.raises(BadCondition, match=r"': too many operators$"):
        decide(f"{first}{more * 5000} == 1")


@pytest.mark.parametrize(
    ("when", "value", "expected"),
    [
        ("{{x}} == b", "b", True),
        ("{{x}} + 1 == 5", "4", True),
        ("'{{x}}' == 'a b'", "a b", True),
        ("{{x}} in (a, b)", "b", True),
        ("{{x}}", "false", False),
        ("{{x}}", "", True),
        ("{{x}} == true", "true", True),
        ("{{= x == '5' ? 'a' : 'b' }} == a", "5", True),
        ("{{= asInt(x) > 4 }}", "5", True),
    ],
)
def test_tags_in_when_are_replaced_before_it_is_read(
    when: str, value: str, *, expected: bool
) -> None:
    assert is_wanted(when, {"x": value}) is expected


@pytest.mark.parametrize(
    ("when", "value", "hint"),
    [
        ("{{x}} == gpt-4o", "gpt-4o", "put quotes around '{{x}}', which is 'gpt-4o'"),
        ("{{x}} == a", "", "put quotes around '{{x}}', which is ''"),
        ("'a' == {{x}}", "/data/x", "put quotes around '{{x}}', which is '/data/x'"),
        ("{{x}} == b", "b || a", "put quotes around '{{x}}', which is 'b || a'"),
        (
            "{{x}}",
            "True",
            "a condition of their own: compare it, '{{x}}' == 'True'",
        ),
        ("'{{x}}' > 3", "5", "one side is a text, the other a number"),
        ("'{{x}}' == gpt-4o", "a", "quotes around every text that is not one word"),
        ("{{x}} == gpt-4o", "5", "quotes around every text that is not one word"),
        ("{{x}} = 5", "5", "(== compares)"),
        ("{{x}} == 5 and 1 == 1", "5", "(&& is and)"),
        ("'{{x}}' == 'a' or 1 == 1", "a", "(|| is or)"),
        ("not {{x}}", "true", "(! is not)"),
        ("'{{x}}' == 'a", "a", "(a quote is missing)"),
        ("({{x}} == 5", "5", "(a bracket is missing)"),
        ("{{x}} + 3", "5", "compare it, a == b"),
    ],
)
def test_an_error_of_when_says_which_quotes_are_missing(when: str, value: str, hint: str) -> None:
    with pytest.raises(BadCondition) as error:
        is_wanted(when, {"x": value})
    assert hint in str(error.value)
    assert "'when' expres" in str(error.value) or "boolean evaluation" in str(error.value)
