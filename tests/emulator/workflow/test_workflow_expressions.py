"""``{{=…}}`` is expr-lang with Argo's functions and sprig's; what is drawn stays the same."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cicd.emulator.workflow import advance, check, read
from cicd.emulator.workflow.expr.expressions import NOW, substitute
from cicd.emulator.workflow.expr.formatting import printed
from cicd.emulator.workflow.expr.language import evaluate
from cicd.emulator.workflow.expr.operators import BadExpression
from tests.emulator.workflows import expression_bounds as bounds
from tests.emulator.workflows.cases import call, echo, flow, steps
from tests.emulator.workflows.expressions import DOCUMENT, ENV, ERRORS, TABLES
from tests.emulator.workflows.play import NOON, RUN, play

VALUES = [
    pytest.param(expression, expected, id=f"{source}: {expression}")
    for source, table in TABLES.items()
    for expression, expected in table
]
A = echo("a", "x")
RANDOM = [
    "sprig.randAlphaNum(12)",
    "sprig.randAlpha(12)",
    "sprig.randNumeric(12)",
    "sprig.randAscii(12)",
    "sprig.uuidv4()",
    "sprig.randBytes(12)",
    "sprig.randInt(0, 1000000000)",
    "sprig.shuffle('abcdefghijklmnop')",
]


@pytest.mark.parametrize(("expression", "expected"), VALUES)
def test_an_expression_prints_what_it_prints_in_argo(expression: str, expected: str) -> None:
    assert printed(evaluate(expression, {**ENV, "document": DOCUMENT})) == expected


@pytest.mark.parametrize("table", bounds.TABLES)
def test_an_expression_at_its_bounds_prints_what_it_prints_in_argo(table: str) -> None:
    env = {**ENV, "document": DOCUMENT}
    found = {text: printed(evaluate(text, env)) for text, _ in bounds.TABLES[table]}
    assert found == dict(bounds.TABLES[table])


def test_an_expression_beyond_its_bounds_says_why_it_has_no_value() -> None:
    def told(text: str) -> str:
        with pytest.raises(BadExpression) as error:
            evaluate(text, {**ENV, "document": DOCUMENT})
        return str(error.value).removeprefix(f"{{{{={text}}}}}: ")

    said = {text: (expected, told(text)) for text, expected in bounds.ERRORS}
    assert [text for text, (expected, why) in said.items() if not why.startswith(expected)] == []
    assert (
        len({text for table in [*bounds.TABLES.values(), bounds.ERRORS] for text, _ in table}) > 900
    )


@pytest.mark.parametrize(("expression", "expected"), ERRORS)
def test_an_expression_without_a_value_says_why(expression: str, expected: str) -> None:
    with pytest.raises(BadExpression) as error:
        evaluate(expression, ENV)
    assert expected in str(error.value)


@pytest.mark.parametrize("path", ["$.a[", "a.b", "$.z", "$.a.b[9]", "$.of[?(@.v >)]", "$.of[?(]"])
def test_a_path_that_leads_nowhere_is_an_error(path: str) -> None:
    with pytest.raises(BadExpression, match=r"jsonpath\(\)"):
        evaluate(f"jsonpath(document, {path!r})", {"document": DOCUMENT})


@pytest.mark.parametrize("expression", RANDOM)
def test_what_is_drawn_stays_with_its_place_in_the_run(expression: str) -> None:
    """The same after a restart; another in another run, step, argument, and behind another text."""
    scope = {"workflow.name": "e1", "node.name": "e1[0].a", "steps.name": "a"}
    tag = f"{{{{={expression}}}}}"
    drawn = substitute(tag, scope, "x")
    assert substitute(tag, scope, "x") == drawn
    others = [
        substitute(tag, {**scope, "workflow.name": "e2"}, "x"),
        substitute(tag, {**scope, "node.name": "e1[1].a"}, "x"),
        substitute(tag, {**scope, "steps.name": "b"}, "x"),
        substitute(tag, scope, "y"),
        substitute(f"-{tag}", scope, "x")[1:],
    ]
    assert len({drawn, *others}) == 6


@pytest.mark.parametrize(
    "now", ["now()", "sprig.now()", "date(workflow.creationTimestamp.RFC3339)"]
)
def test_the_time_is_when_a_group_of_steps_began(now: str) -> None:
    text = f"{{{{=({now}).Unix()}}}}"
    main = steps(call("w"), call("a", given={"x": text}), call("z", "a", given={"x": text}))
    played = play(flow(main, echo("w"), A), {"w": {"seconds": 90}, "a": {"seconds": 5}})
    began = int(NOON)
    if now.startswith("date"):
        assert played.args == ["w", f"a {began}", f"a {began}"]
    else:
        assert played.args == ["w", f"a {began + 90}", f"a {began + 95}"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("now()", "0s"),
        ("sprig.toDate('2006-01-02 15:04', '2030-01-02 01:04')", "2h"),
        ("sprig.toDate('2006-01-02', '2029-12-30')", "3d"),
        ("sprig.toDate('2006-01-02', '2031-12-30')", "1y"),
        ("'2h10m'", "2h"),
        ("5000000000", "5s"),
        ("'soon'", "0s"),
    ],
)
def test_a_span_is_told_in_its_largest_unit_from_now_on(value: str, expected: str) -> None:
    scope = {"workflow.name": "e1", NOW: str(int(NOON))}
    assert substitute(f"{{{{=sprig.durationRound({value})}}}}", scope, "x") == expected


def test_a_run_that_is_taken_up_again_has_the_same_values() -> None:
    inner = steps(call("w", given={"y": "{{inputs.parameters.x}}"}), name="inner")
    inner["inputs"] = {"parameters": [{"name": "x"}]}
    value = "{{=sprig.uuidv4()}} {{=now().Unix()}}"
    program = read(flow(steps(call("i", "inner", given={"x": value})), inner, echo("w", "y")))
    nodes = {node.id: node for node in advance(program, RUN, {}, NOON).settled}
    first = advance(program, RUN, nodes, NOON + 1)
    nodes |= {node.id: node for node in first.settled}
    works = [advance(program, RUN, nodes, NOON + late).work for late in (2, 3000)]
    assert works[0][0].container == works[1][0].container
    assert works[0][0].container["args"][0].endswith(f" {int(NOON)}")


def test_a_drawn_value_is_no_other_for_the_items_of_a_loop() -> None:
    """Argo evaluates an expression without ``item`` before it repeats the step."""
    document = flow(steps(call("a", given={"x": "{{=sprig.uuidv4()}}"}, withItems=[1, 2])), A)
    first, second = play(document).args
    assert first == second


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("sprig.env('HOME')", "no function sprig.env()"),
        ("sprig.expandenv('$HOME')", "no function sprig.expandenv()"),
        ("sprig.getHostByName('localhost')", "no function sprig.getHostByName()"),
        ("sprig.genCA('x', 1)", "no function sprig.genCA()"),
        ("nope(1)", "no function nope()"),
        ("len(1, 2)", "len() has too few or too many arguments"),
        ("sprig.upper()", "sprig.upper() has too few or too many arguments"),
        ("'a' | sprig.upper()", "no function sprig()"),
    ],
)
def test_what_the_emulator_does_not_know_is_refused_at_sync(expression: str, expected: str) -> None:
    document = flow(steps(call("a", given={"x": f"{{{{={expression}}}}}"})), A)
    assert expected in "\n".join(check(document))


def test_the_last_duration_is_in_whole_seconds_and_retries_count_those_before() -> None:
    retry = {"limit": 5, "expression": "asInt(lastRetry.duration) == 2 && asInt(retries) < 2"}
    document = flow(
        echo("main", retryStrategy=retry)
        | {"container": {"image": "i", "command": ["x"], "args": ["{{lastRetry.duration}}"]}}
    )
    played = play(document, {"main": {"exit": 1, "seconds": 2.7}}, replace(RUN))
    assert played.args[:2] == ["0", "2"]
    assert NOW not in substitute("{{=toJson(workflow)}}", {"workflow.name": "e1", NOW: "5"})
