"""The small parts that a walk stands on: sequences, durations, conditions, tags, raw JSON."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from pytest_mock import MockerFixture

from cicd.emulator.jobs import Node
from cicd.emulator.workflow import advance, read
from cicd.emulator.workflow.expr import expressions, raw_json
from cicd.emulator.workflow.expr.conditions import BadCondition, evaluate, operands
from cicd.emulator.workflow.expr.expressions import NOW, Unresolved, substitute
from cicd.emulator.workflow.loops import aggregate, expand, listed
from cicd.emulator.workflow.program import Artifact, Loop, OutputParameter, Template, duration
from cicd.emulator.workflow.retries import last_texts
from cicd.emulator.workflow.scope import Content, Scope, is_key_only, moment, node_texts
from cicd.emulator.workflow.sequences import MOST_ITEMS, WIDEST, formatted, sequence
from cicd.emulator.workflow.when import decide
from cicd.emulator.workflow.work import named_outputs, node_id, valued
from tests.emulator.runner.runner_journal import shell, workflow
from tests.emulator.workflows.play import NOON, RUN


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        ({"count": "0"}, []),
        ({"count": "1"}, ["0"]),
        ({"count": "+2"}, ["0", "1"]),
        ({"count": "-2"}, ["0", "-1", "-2", "-3"]),
        ({"start": "5", "count": "2"}, ["5", "6"]),
        ({"start": "3", "end": "3"}, ["3"]),
        ({"start": "-1", "end": "1"}, ["-1", "0", "1"]),
        ({"start": "3", "end": "1"}, ["3", "2", "1"]),
        ({"count": "1", "format": ""}, ["0"]),
        ({"count": "2", "format": "%"}, [f"%!(NOVERB)%!(EXTRA int={n})" for n in (0, 1)]),
    ],
)
def test_a_sequence_goes_from_its_start_to_its_end(
    bounds: dict[str, str], expected: list[str]
) -> None:
    assert sequence(bounds) == [f'"{item}"' for item in expected]


def test_a_sequence_may_have_the_most_items_there_are() -> None:
    assert len(sequence({"start": "1", "end": str(MOST_ITEMS)})) == MOST_ITEMS
    with pytest.raises(Unresolved, match=f"withSequence: more than {MOST_ITEMS} items"):
        sequence({"start": "0", "end": str(MOST_ITEMS)})


@pytest.mark.parametrize(
    ("bounds", "said"),
    [
        ({"count": "x"}, 'withSequence: strconv.Atoi: parsing "x": invalid syntax'),
        ({"start": "x", "end": "1"}, 'parsing "x"'),
        ({"end": "1.5"}, 'parsing "1.5"'),
        ({"count": "1", "format": '"'}, "withSequence.format: "),
        ({"count": "1", "format": "%d\\"}, "withSequence.format: "),
    ],
)
def test_a_sequence_that_is_none_says_why(bounds: dict[str, str], said: str) -> None:
    with pytest.raises(Unresolved) as error:
        sequence(bounds)
    assert said in str(error.value)


FORMATTED = [
    ("%d", 5, "5"),
    ("%3d", 5, "  5"),
    ("%-3d|", 5, "5  |"),
    ("%03d", 5, "005"),
    ("%03d", -5, "-05"),
    ("%+d", 5, "+5"),
    ("% d", 5, " 5"),
    ("%+ d", 5, "+5"),
    ("%+05d", 5, "+0005"),
    ("%-05d|", 5, "5    |"),
    ("%.3d", 5, "005"),
    ("%.0d", 0, ""),
    ("%.d", 0, ""),
    ("%.0d", 1, "1"),
    ("%05.3d", 5, "  005"),
    ("%x %[1]X", 255, "ff FF"),
    ("%#x %#[1]X", 255, "0xff 0XFF"),
    ("%o %[1]O %#[1]o", 8, "10 0o10 010"),
    ("%#o", 0, "0"),
    ("%b %#[1]b", 5, "101 0b101"),
    ("%v", 5, "5"),
    ("%c %[1]q %[1]U %#[1]U", 65, "A 'A' U+0041 U+0041 'A'"),
    ("%#U", 10, "U+000A"),
    ("%3c|", 65, "  A|"),
    ("%c", -1, "\ufffd"),
    ("%c", 0, "\0"),
    ("%c", 0x10FFFF, "\U0010ffff"),
    ("%c", 0x110000, "\ufffd"),
    ("%c", 0xD7FF, "\ud7ff"),
    ("%c", 0xD800, "\ufffd"),
    ("%c", 0xDFFF, "\ufffd"),
    ("%c", 0xE000, "\ue000"),
    ("%T", 1, "int"),
    ("%s", 1, "%!s(int=1)"),
    ("%%", 1, "%%!(EXTRA int=1)"),
    ("a", 1, "a%!(EXTRA int=1)"),
    ("%d%%", 1, "1%"),
    ("%d%d", 1, "1%!d(MISSING)"),
    ("%[1]d%d", 1, "1%!d(MISSING)"),
    ("%[2]d", 1, "%!d(BADINDEX)"),
    ("%[]d", 1, "%!d(BADINDEX)"),
]


@pytest.mark.parametrize(("form", "number", "expected"), FORMATTED)
def test_a_number_of_a_sequence_is_written_as_go_writes_it(
    form: str, number: int, expected: str
) -> None:
    assert formatted(form, number) == expected


@pytest.mark.parametrize("form", ["%{}d", "%0{}d", "%.{}d"])
def test_no_number_is_wider_than_the_widest(form: str) -> None:
    assert [len(formatted(form.format(WIDEST + more), 1)) for more in (-1, 0, 1)] == [
        WIDEST - 1,
        WIDEST,
        WIDEST,
    ]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90),
        (90, 90),
        (" 5s ", 5),
        ("2m", 120),
        ("1h30m", 5400),
        ("1.5h", 5400),
        (".5s", 0.5),
        ("100ms", 0.1),
        ("5us", 5e-6),
        ("5µs", 5e-6),
        ("5ns", 5e-9),
    ],
)
def test_a_duration_is_in_seconds(text: str | int, seconds: float) -> None:
    assert duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "s", "1.5", "1d", "-1s", "1h 30m", "1hx", "x1h", 90.5])
def test_what_is_no_duration_is_named(text: str | float) -> None:
    with pytest.raises(ValueError, match=r"is no duration such as 30, 90s or 1h30m"):
        duration(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a", True),
        ("f", False),
        ("!f && a", True),
        ("a && f", False),
        ("f && a", False),
        ("f || a", True),
        ("a || f", True),
        ("f || f", False),
        ("a || f && f", True),
        ("(a || f) && f", False),
        ("f && f || a", True),
        ("!(a && f)", True),
        ("!!a", True),
        ("a&&(f||a)", True),
    ],
)
def test_a_condition_on_tasks_is_read_as_it_binds(text: str, *, expected: bool) -> None:
    assert evaluate(text, lambda name: name == "a") is expected


def test_every_operand_counts_also_behind_what_has_decided() -> None:
    assert operands("a || b.Failed && !(c || a)") == ["a", "b.Failed", "c", "a"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "'': a value is missing"),
        ("a b", "'a b': unexpected 'b'"),
        ("a)", "'a)': unexpected ')'"),
        ("(a", "'(a': a parenthesis is not closed"),
        ("(a b)", "'(a b)': a parenthesis is not closed"),
        ("a &&", "'a &&': a value is missing"),
        ("a && || b", "'a && || b': a value is missing"),
        ("!", "'!': a value is missing"),
        ("a & b", "'a & b': cannot read '& b'"),
    ],
)
def test_a_condition_that_cannot_be_read_says_where(text: str, said: str) -> None:
    with pytest.raises(BadCondition) as error:
        operands(text)
    assert str(error.value) == said


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        ({"a.b": "1"}, {"a": {"b": "1"}}),
        ({"a.b.c": "1", "a.b.d": "2", "a.e": "3"}, {"a": {"b": {"c": "1", "d": "2"}, "e": "3"}}),
        ({"a": "own", "a.b": "1"}, {"a": {"b": "1"}}),
        ({"a.b": "own", "a.b.c": "1"}, {"a": {"b": {"c": "1"}}}),
        ({NOW: "5", "a": "1", "z": "2"}, {"a": "1", "z": "2"}),
    ],
)
def test_names_with_points_are_maps_to_an_expression(
    scope: dict[str, str], expected: dict[str, Any]
) -> None:
    assert expressions.nested(scope) == expected


SCOPE = {"x": "1", "workflow.name": "e1", "w": "<{{workflow.name}}>", "y": "{{x}}"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{x}}{{ x }}", "11"),
        ("{{w}}", "<e1>"),
        ("{{y}}", "{{x}}"),
        ("{{z}}", "{{z}}"),
        ("{{a {{x}} b}}", "{{a 1 b}}"),
        ("{{a {{x}}", "{{a 1"),
        ("{{{{x}}", "{{{{x}}"),
        ("{{workflow.creationTimestamp.Q}}", "{{workflow.creationTimestamp.Q}}"),
        ("{{workflow.labels.ai.sap.com/x}}", "{{workflow.labels.ai.sap.com/x}}"),
        ("{{=x + '2'}}", "12"),
        ("{{= asInt(x) / 2 }}", "0.5"),
    ],
)
def test_a_tag_that_has_a_value_is_replaced_and_any_other_of_no_meaning_stays(
    text: str, expected: str
) -> None:
    assert substitute(text, SCOPE) == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{{inputs.parameters.z}}", "{{inputs.parameters.z}} has no value here"),
        ("{{ steps.a.status }}", "{{ steps.a.status }} has no value here"),
        ("{{=nope}}", "{{=nope}}: nope has no value here"),
        ("{{=nil}}", "{{=nil}} has no value here"),
    ],
)
def test_a_tag_of_argos_without_a_value_is_an_error(text: str, said: str) -> None:
    with pytest.raises(Unresolved) as error:
        substitute(text, SCOPE)
    assert str(error.value) == said


def test_tags_are_replaced_however_deep_but_not_in_keys() -> None:
    value = {"{{x}}": ["{{x}}", ("{{x}}", 5), None, {"a": "{{x}}"}]}
    assert expressions.resolve(value, SCOPE) == {"{{x}}": ["1", ["1", 5], None, {"a": "1"}]}
    assert list(expressions.tags(value)) == ["x", "x", "x"]
    drawn = expressions.resolve(["{{=sprig.uuidv4()}}", {"a": "{{=sprig.uuidv4()}}"}] * 2, SCOPE)
    assert len({drawn[0], drawn[1]["a"], drawn[2], drawn[3]["a"]}) == 4


def test_a_condition_is_only_true_or_false() -> None:
    assert expressions.is_true("x == '1'", SCOPE)
    assert not expressions.is_true("x == '2'", SCOPE)
    with pytest.raises(Unresolved, match="unable to cast expression result '1' to bool: x"):
        expressions.is_true("x", SCOPE)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a", "a"),
        (5, "5"),
        (1.0, "1"),
        (1e21, "1000000000000000000000"),
        (0.1, "0.1"),
        (100.0, "100"),
        (True, "true"),
        (None, "null"),
        ({"a": [1, "ä"]}, '{"a":[1,"ä"]}'),
        (float("inf"), "Infinity"),
    ],
)
def test_a_value_is_passed_on_as_a_text(value: Any, text: str) -> None:
    assert expressions.as_text(value) == text


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("[]", []),
        (' [ 1.50 , "a, b" , {"k" : [ ] } ,null] ', ["1.50", '"a, b"', '{"k":[]}', "null"]),
        ('["<a>"]', ['"\\u003ca\\u003e"']),
        ('["\\"", " x "]', ['"\\""', '" x "']),
    ],
)
def test_the_items_of_a_list_keep_their_digits(text: str, parts: list[str]) -> None:
    assert raw_json.elements(text) == parts


def test_the_fields_of_a_map_keep_their_digits() -> None:
    assert raw_json.members(' { "a" : 1.0, "b:c": "x" } ') == {"a": "1.0", "b:c": '"x"'}
    assert raw_json.members("{}") == {}


@pytest.mark.parametrize(
    ("read", "text", "said"),
    [
        (raw_json.elements, "{}", "not a list"),
        (raw_json.members, "[]", "not a map"),
        (raw_json.loads, "NaN", "NaN is no JSON"),
        (raw_json.loads, "[-Infinity]", "-Infinity is no JSON"),
        (raw_json.loads, "[" * 100_000, "JSON nested too deeply"),
    ],
)
def test_what_is_no_such_json_is_refused(read: Any, text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read(text)


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ([], "[]"),
        (["1", "2"], '["1","2"]'),
        (["[1]", '{"a":1}'], '[[1],{"a":1}]'),
        (["[1]", "2"], '["[1]","2"]'),
        (["[1]", "x"], '["[1]","x"]'),
    ],
)
def test_the_outputs_of_rounds_are_texts_unless_all_are_lists_or_maps(
    texts: list[str], expected: str
) -> None:
    assert listed(texts) == expected


def rounds(*outputs: dict[str, Any], phase: str = "Succeeded") -> list[Node]:
    return [
        Node(f"i{place}", f"e1.a({place}:x)", "a", phase=phase, outputs=found)
        for place, found in enumerate(outputs)
    ]


def test_the_rounds_that_succeeded_are_put_together() -> None:
    done = rounds({"parameters": {"o": "1"}, "result": "[ 1 ]"}, {"parameters": {"p": "2"}}, {})
    failed = rounds({"parameters": {"o": "9"}, "result": "9"}, phase="Failed")
    assert aggregate([*done, *failed]) == {
        "all": '[{"o":"1"},{"p":"2"}]',
        "parameters": {"o": '["1"]', "p": '["2"]'},
        "phases": ["Succeeded", "Succeeded", "Succeeded", "Failed"],
        "result": "[[1]]",
    }


def test_a_result_that_is_no_json_is_named_with_its_round() -> None:
    found = aggregate(rounds({"result": "1"}, {"result": "x" * 99}))
    assert "result" not in found
    assert found["trouble"].startswith("outputs.result of (1:x) is no JSON, so the results of the")
    assert f"{'x' * 60!r} (print a text in double quotes)" in found["trouble"]


def test_what_is_known_of_the_last_try() -> None:
    node = Node("i", "e1", "a", phase="Failed", message="m", started=1.9, ended=4.1)
    nothing = {"exitCode": "0", "status": "", "duration": "0", "message": ""}
    assert last_texts([]) == {"retries": "0"} | {f"lastRetry.{k}": v for k, v in nothing.items()}
    known = {"exitCode": "-1", "status": "Failed", "duration": "3", "message": "m"}
    assert last_texts([node, node]) == {
        "retries": "2",
        **{f"lastRetry.{key}": text for key, text in known.items()},
    }


@pytest.mark.parametrize(("code", "expected"), [(None, {}), (0, {"steps.a.exitCode": "0"})])
def test_what_is_known_of_an_ended_step(code: int | None, expected: dict[str, str]) -> None:
    node = Node("i", "e1[0].a", "a", phase="Failed", started=0, ended=90, exit_code=code)
    assert node_texts("steps.a", node) == {
        "steps.a.id": "i",
        "steps.a.name": "a",
        "steps.a.ip": "127.0.0.1",
        "steps.a.hostNodeName": "localhost",
        "steps.a.status": "Failed",
        "steps.a.startedAt": "1970-01-01T00:00:00Z",
        "steps.a.finishedAt": "1970-01-01T00:01:30Z",
        **expected,
    }
    assert moment(1.9) == "1970-01-01T00:00:01Z"


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ({"key": "k"}, True),
        ({}, True),
        ({"key": "k", "insecure": True, "region": "r"}, True),
        ({"key": "k", "bucket": "b"}, False),
    ],
)
def test_a_place_of_only_a_key_is_in_the_object_store_of_the_platform(
    place: dict[str, Any], *, expected: bool
) -> None:
    assert is_key_only(place) is expected


def test_a_run_of_one_container_has_a_pod_of_its_own_name() -> None:
    assert node_id("e1", "e1", "main") == "e1"
    step = node_id("e1", "e1[0].a", "a")
    assert step.startswith("e1-a-")
    assert len(step) == len("e1-a-") + 10
    assert len({step, node_id("e1", "e1[1].a", "a"), node_id("e1", "e1[0].b", "a")}) == 3


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ({"source": "<{{x}}>"}, "<1>"),
        ({"expression": "x + '2'"}, "12"),
        ({"expression": "asInt({{x}}) + 1"}, "2"),
        ({"expression": "x == '1'"}, "true"),
    ],
)
def test_an_output_of_steps_has_the_value_that_it_names(
    output: dict[str, Any], expected: str
) -> None:
    assert valued(OutputParameter("o", **output), SCOPE) == expected


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ({"is_fixed": True, "source": "a"}, "o: output parameters must have a valueFrom specified"),
        ({"source": "{{steps.a.outputs.result}}"}, "has no value here"),
        ({"expression": "nope"}, "nope has no value here"),
    ],
)
def test_an_output_of_steps_without_a_value_says_why(output: dict[str, Any], said: str) -> None:
    with pytest.raises(Unresolved) as error:
        valued(OutputParameter("o", **output), SCOPE)
    assert said in str(error.value)


def test_a_value_of_too_many_values_is_no_text(mocker: MockerFixture) -> None:
    mocker.patch("cicd.emulator.workflow.expr.formatting.MOST", 9)
    assert substitute("{{=1..9}}", SCOPE) == "[1 2 3 4 5 6 7 8 9]"
    with pytest.raises(Unresolved, match=r"^\{\{=1..10\}\}: more than 9 values$"):
        substitute("{{=1..10}}", SCOPE)
    with pytest.raises(Unresolved, match=r"^1..10: more than 9 values$"):
        valued(OutputParameter("o", expression="1..10"), SCOPE)


def test_a_text_that_a_condition_puts_together_has_a_longest(mocker: MockerFixture) -> None:
    mocker.patch("cicd.emulator.workflow.expr.govaluate_operators.LONGEST", 4)
    assert decide("'ab' + 'cd' == 'abcd'")
    with pytest.raises(BadCondition, match="a text of more than 4 characters"):
        decide("'ab' + 'cde' == 'abcde'")


def test_a_run_whose_group_has_failed_has_failed_when_it_goes_on() -> None:
    """The group is stored before what it belongs to."""
    document = workflow(
        {"name": "main", "steps": [[{"name": "a", "template": "t"}]]}, shell("t", "")
    )
    begun = advance(read(document), RUN, {}, NOON).settled
    nodes = {
        node.id: replace(node, phase="Error", message="why") if node.type == "StepGroup" else node
        for node in begun
    }
    progress = advance(read(document), RUN, nodes, NOON)
    assert (progress.phase, progress.message, progress.work) == ("Failed", "why", ())


FOUND = {"a": Content("/a"), "b": Content("/b", sub_path="in")}


@pytest.mark.parametrize(
    ("artifact", "expected"),
    [
        ({"source": "{{a}}"}, Content("/a")),
        ({"source": " {{ a }} "}, Content("/a")),
        ({"source": "{{a}}", "sub_path": "{{x}}"}, Content("/a", sub_path="1")),
        ({"source": "{{b}}", "sub_path": "s"}, Content("/b", sub_path="in/s")),
        ({"source": "{{=x == '1' ? a : b}}"}, Content("/a")),
        ({"expression": "x == '2' ? a : b"}, Content("/b", sub_path="in")),
        ({"raw": "<{{x}}>", "sub_path": "s"}, Content(raw="<1>")),
        ({"raw": ""}, Content(raw="")),
        (
            {"remote": {"http": {"url": "{{x}}"}}, "sub_path": "s"},
            Content(remote={"http": {"url": "1"}}, sub_path="s"),
        ),
        ({"source": "{{z}}", "is_optional": True}, None),
        ({"source": "{{z}}", "is_optional": True, "sub_path": "s"}, None),
        ({"expression": "nope", "is_optional": True}, None),
    ],
)
def test_an_argument_is_the_artifact_that_it_names(
    artifact: dict[str, Any], expected: Content | None
) -> None:
    assert Scope(dict(SCOPE), dict(FOUND)).find(Artifact("f", **artifact)) == expected


@pytest.mark.parametrize(
    ("artifact", "said"),
    [
        ({"source": "{{z}}"}, "artifact f: {{z}} is not there (optional: true beside from lets"),
        ({"expression": "nope"}, "nope has no value here"),
        ({"expression": "x"}, "artifact f: x is no artifact"),
        ({"expression": "x", "is_optional": True}, "artifact f: x is no artifact"),
    ],
)
def test_an_argument_that_is_no_artifact_says_why(artifact: dict[str, Any], said: str) -> None:
    with pytest.raises(Unresolved) as error:
        Scope(dict(SCOPE), dict(FOUND)).find(Artifact("f", **artifact))
    assert said in str(error.value)


@pytest.mark.parametrize("place", ["/a", "/a/b/", "/a/..b", "/{{x}}"])
def test_a_place_in_a_container_is_absolute(place: str) -> None:
    template = Template("t", {}, (), (OutputParameter("o", path=place),), ())
    [[output], _] = named_outputs(template, SCOPE, has_paths=True)
    assert output.path == place.replace("{{x}}", "1").rstrip("/")


@pytest.mark.parametrize("place", ["a", "/", "//", "/a/../b", "/..", "{{x}}"])
def test_any_other_place_in_a_container_is_named(place: str) -> None:
    template = Template("t", {}, (), (OutputParameter("o", path=place),), ())
    with pytest.raises(Unresolved, match="is no absolute path of a file or folder"):
        named_outputs(template, SCOPE, has_paths=True)


def test_a_loop_may_have_the_most_items_there_are() -> None:
    most = expand(Loop(items=tuple(range(MOST_ITEMS))), {})
    assert (len(most), most[-1].label, most[-1].texts) == (
        MOST_ITEMS,
        "9999:9999",
        {"item": "9999"},
    )
    with pytest.raises(Unresolved, match=f"more than {MOST_ITEMS} items: the emulator does not go"):
        expand(Loop(items=tuple(range(MOST_ITEMS + 1))), {})


@pytest.mark.parametrize("param", ["null", " null ", "[]"])
def test_a_loop_over_nothing_has_no_rounds(param: str) -> None:
    assert expand(Loop(param=param), {}) == []


@pytest.mark.parametrize("param", ["", "{}", "5", "nul", "x" * 300])
def test_a_loop_over_what_is_no_list_is_an_error(param: str) -> None:
    with pytest.raises(Unresolved) as error:
        expand(Loop(param=param), {})
    start = "withParam value could not be parsed as a JSON list: "
    assert str(error.value).startswith(f"{start}{param[:200]}: ")


def test_a_round_is_named_after_its_item() -> None:
    [item] = expand(Loop(param='[{"b": "<x>", "a": 1.0}]'), {})
    assert item.label == "0:a:1.0,b:<x>"
    assert item.texts["item"] == '{"a":1.0,"b":"\\u003cx\\u003e"}'
    assert (item.texts["item.a"], item.texts["item.b"]) == ("1.0", "<x>")
    labels = [one.label for one in expand(Loop(param='["a", 2.50, true, ["x", 1], "&"]'), {})]
    assert labels == ["0:a", "1:2.50", "2:true", "3:[x 1]", "4:&"]


def test_a_workflow_has_no_more_nodes_than_the_emulator_holds(mocker: MockerFixture) -> None:
    mocker.patch("cicd.emulator.workflow.walk.MOST_NODES", 2)
    groups = [[{"name": "a", "template": "main"}]]
    document = workflow({"name": "main", "steps": groups})
    progress = advance(read(document), RUN, {}, NOON)
    assert (progress.phase, progress.message) == ("Error", "the workflow has more than 2 nodes")


def test_a_template_that_never_ends_to_call_itself_is_an_error() -> None:
    document = workflow({"name": "main", "steps": [[{"name": "a", "template": "main"}]]})
    nodes: dict[str, Node] = {}
    progress = advance(read(document), RUN, nodes, NOON)
    while progress.settled:
        nodes |= {node.id: node for node in progress.settled}
        progress = advance(read(document), RUN, nodes, NOON)
    assert progress.phase == "Failed"
    assert "Maximum recursion depth exceeded: 60 templates" in {
        node.message for node in nodes.values()
    }
    assert max(node.name.count("[0]") for node in nodes.values()) == 61
