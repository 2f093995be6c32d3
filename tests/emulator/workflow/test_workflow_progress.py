"""Where a run stands, without running anything: the order, failures, conditions, outputs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from cicd.emulator.workflow import Progress, Run, Work, advance, read
from cicd.emulator.workflow.expr.expressions import Unresolved, substitute
from tests.emulator.runner.runner_journal import script, shell, workflow
from tests.emulator.workflows.play import NOON, RUN, Answer
from tests.emulator.workflows.play import play as play_whole


def play(
    document: Mapping[str, Any], outcomes: Mapping[str, Answer] | None = None, run: Run = RUN
) -> tuple[Progress, list[list[str]], dict[str, Work]]:
    """How it ended, the templates of every round, and the last work of every template."""
    played = play_whole(document, outcomes, run)
    of_node = {work.node.name: work.node.template for work in played.works}
    rounds = [[of_node[f"e1{mark(name)}"] for name in names] for names in played.rounds]
    return played.progress, rounds, {work.node.template: work for work in played.works}


def mark(name: str) -> str:
    return "" if name == "e1" else name if name[0] in "[(" else f".{name}"


def dag(*tasks: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """A dag whose tasks run templates of their own names."""
    full = [{"template": task["name"], **task} for task in tasks]
    shells = [shell(task["name"], f"echo {task['name']}") for task in tasks]
    return workflow({"name": "main", "dag": {"tasks": full, **more}}, *shells)


DIAMOND = (
    {"name": "d", "dependencies": ["b", "c"]},
    {"name": "b", "dependencies": ["a"]},
    {"name": "c", "dependencies": ["a"]},
    {"name": "a"},
)
FAILED = {"exit": 1}


def test_a_dag_runs_in_the_order_of_its_dependencies() -> None:
    progress, rounds, _ = play(dag(*DIAMOND))
    assert progress.phase == "Succeeded"
    assert [sorted(names) for names in rounds] == [["a"], ["b", "c"], ["d"]]


def test_after_a_failure_only_what_waits_for_it_is_left_out() -> None:
    progress, rounds, _ = play(dag(*DIAMOND, {"name": "z", "dependencies": ["b"]}), {"c": FAILED})
    assert progress.phase == "Failed"
    assert progress.message == "task c failed: Error (exit code 1)"
    assert [sorted(names) for names in rounds] == [["a"], ["b", "c"], ["z"]]


def test_without_fail_fast_what_can_run_still_runs() -> None:
    document = dag(*DIAMOND, {"name": "z", "dependencies": ["b"]}, failFast=False)
    progress, rounds, _ = play(document, {"c": FAILED})
    assert progress.phase == "Failed"
    assert rounds[-1] == ["z"]


@pytest.mark.parametrize(
    ("depends", "outcome", "phase", "ran"),
    [
        ("a", {}, "Succeeded", True),
        ("a", FAILED, "Failed", False),
        ("a.Failed", FAILED, "Succeeded", True),
        ("a.Failed", {}, "Succeeded", False),
        ("a.Succeeded || a.Failed", FAILED, "Succeeded", True),
        ("!a.Succeeded && (a.Failed || a.Errored)", FAILED, "Succeeded", True),
    ],
)
def test_depends_decides(depends: str, outcome: Answer, phase: str, *, ran: bool) -> None:
    progress, rounds, _ = play(
        dag({"name": "a"}, {"name": "b", "depends": depends}), {"a": outcome}
    )
    assert progress.phase == phase
    assert (["b"] in rounds) is ran


def test_steps_of_a_group_all_run_even_if_one_fails() -> None:
    groups = [
        [{"name": "a", "template": "a"}, {"name": "b", "template": "b"}],
        [{"name": "c", "template": "c"}],
    ]
    document = workflow(
        {"name": "main", "steps": groups}, *(shell(name, "true") for name in ("a", "b", "c"))
    )
    assert play(document)[1] == [["a", "b"], ["c"]]
    progress, rounds, _ = play(document, {"a": FAILED})
    assert (progress.phase, rounds) == ("Failed", [["a", "b"]])
    assert progress.message == "step a failed: Error (exit code 1)"


def test_values_go_through_nested_templates() -> None:
    inner = {
        "name": "inner",
        "inputs": {"parameters": [{"name": "x"}]},
        "outputs": {
            "parameters": [
                {
                    "name": "y",
                    "valueFrom": {"parameter": "{{tasks.leaf.outputs.parameters.y}}"},
                }
            ],
            "artifacts": [
                {
                    "name": "file",
                    "from": "{{tasks.leaf.outputs.artifacts.file}}",
                    "globalName": "kept",
                }
            ],
        },
        "dag": {
            "tasks": [
                {
                    "name": "leaf",
                    "template": "leaf",
                    "arguments": {
                        "parameters": [{"name": "x", "value": "<{{inputs.parameters.x}}>"}]
                    },
                }
            ]
        },
    }
    leaf = shell(
        "leaf",
        "{{inputs.parameters.x}} {{inputs.parameters.z}} {{workflow.name}}",
        inputs={"parameters": [{"name": "x"}, {"name": "z", "default": 5}]},
        outputs={
            "parameters": [{"name": "y", "valueFrom": {"path": "/tmp/y"}}],
            "artifacts": [{"name": "file", "path": "/tmp/file"}],
        },
    )
    last = shell(
        "last",
        "{{inputs.parameters.y}} {{inputs.artifacts.f.path}}",
        inputs={
            "parameters": [{"name": "y"}],
            "artifacts": [{"name": "f", "path": "/in/f", "archive": {"none": {}}}],
        },
    )
    arguments = {
        "parameters": [{"name": "y", "value": "{{steps.i.outputs.parameters.y}}"}],
        "artifacts": [{"name": "f", "from": "{{steps.i.outputs.artifacts.file}}"}],
    }
    value = "{{workflow.parameters.v}}"
    main = {
        "name": "main",
        "steps": [
            [
                {
                    "name": "i",
                    "template": "inner",
                    "arguments": {"parameters": [{"name": "x", "value": value}]},
                }
            ],
            [{"name": "l", "template": "last", "arguments": arguments}],
        ],
    }
    document = workflow(main, inner, leaf, last, arguments={"parameters": [{"name": "v"}]})
    outputs = {"parameters": {"y": "why"}, "artifacts": {"file": "/host/file"}}
    run = replace(RUN, parameters={"v": "{{name}}"})
    progress, rounds, works = play(document, {"leaf": outputs}, run)
    assert (progress.phase, rounds) == ("Succeeded", [["leaf"], ["last"]])
    # a value that looks like a tag stays what it is, unless it is a name of the workflow
    assert works["leaf"].container["args"] == ["<{{name}}> 5 e1"]
    assert works["last"].container["args"] == ["why /in/f"]
    (given,) = works["last"].inputs
    assert (given.content.path, given.is_archived) == ("/host/file", False)
    assert [(p.global_name, p.path) for p in progress.publications] == [("kept", "/host/file")]


@pytest.mark.parametrize(
    ("parameters", "given", "expected"),
    [
        ([{"name": "p", "default": "d"}], {}, "d"),
        ([{"name": "p", "default": "d", "value": "v"}], {}, "v"),
        ([{"name": "p", "default": "d", "value": "v"}], {"p": "b"}, "b"),
        ([{"name": "p", "value": 1.5}], {}, "1.5"),
        ([{"name": "p", "value": True}], {}, "true"),
        ([{"name": "p", "value": ""}], {}, ""),
    ],
)
def test_a_binding_wins_over_value_wins_over_default(
    parameters: list[Any], given: dict[str, str], expected: str
) -> None:
    document = workflow(
        shell("main", "{{ workflow.parameters.p }}"), arguments={"parameters": parameters}
    )
    _, _, works = play(document, run=replace(RUN, parameters=given))
    assert works["main"].container["args"] == [expected]


def test_a_parameter_without_a_value_is_named() -> None:
    document = workflow(shell("main", "true"), arguments={"parameters": [{"name": "rate"}]})
    progress = advance(read(document), RUN, {})
    assert (progress.phase, progress.message) == ("Error", "parameter rate has no value")


def test_an_input_that_nobody_gives_fails_its_hook() -> None:
    needs = shell("needs", "true", inputs={"parameters": [{"name": "x"}]})
    call = {"name": "n", "template": "one", "hooks": {"exit": {"template": "needs"}}}
    document = workflow({"name": "main", "steps": [[call]]}, shell("one", "true"), needs)
    nodes = {node.name: node for node in play_whole(document).nodes.values()}
    assert nodes["e1[0].n.onExit"].phase == "Error"
    assert "inputs.parameters.x of template needs is not given" in nodes["e1[0].n.onExit"].message


def test_the_output_of_a_step_that_was_skipped_is_named() -> None:
    one = script("one", "print(1)")
    use = shell("use", "{{inputs.parameters.x}}", inputs={"parameters": [{"name": "x"}]})
    value = {"parameters": [{"name": "x", "value": "{{steps.a.outputs.result}}"}]}
    main = {
        "name": "main",
        "steps": [
            [{"name": "a", "template": "one", "when": "1 > 2"}],
            [{"name": "b", "template": "use", "arguments": value}],
        ],
    }
    progress, rounds, _ = play(workflow(main, one, use))
    assert rounds == []
    assert progress.message == "step b failed: {{steps.a.outputs.result}} has no value here"


def test_repetitions_end_with_the_first_success_or_the_limit() -> None:
    retry = {"limit": 2, "backoff": {"duration": "1m", "factor": 3}}
    document = workflow(shell("main", "{{retries}}", retryStrategy=retry))
    assert play(document)[1] == [["main"]]
    progress, rounds, works = play(document, {"main": FAILED})
    assert (progress.phase, len(rounds)) == ("Failed", 3)
    assert works["main"].node.started - NOON == 60 + 180
    assert works["main"].container["args"] == ["2"]
    # by default only a program that failed is repeated, not one that could not be started
    assert len(play(document, {"main": {"phase": "Error"}})[1]) == 1


def test_a_run_goes_on_where_its_nodes_end() -> None:
    program = read(dag(*DIAMOND))
    begun = advance(program, RUN, {})
    assert [(node.type, node.phase) for node in begun.settled] == [("DAG", "Running")]
    saved = {node.id: node for node in begun.settled}
    (a,) = (work.node for work in advance(program, RUN, saved).work)
    nodes = {**saved, a.id: replace(a, phase="Succeeded")}
    second = advance(program, RUN, nodes)
    assert [work.node.template for work in second.work] == ["b", "c"]
    b, c = (work.node for work in second.work)
    nodes |= {b.id: b, c.id: replace(c, phase="Succeeded")}
    third = advance(program, RUN, nodes)
    assert (third.phase, third.work) == ("Running", ())


@pytest.mark.parametrize("kind", ["steps", "dag"])
def test_a_loop_says_which_round_failed_first(kind: str) -> None:
    round_ = {"name": "a", "template": "a", "withItems": [1, 2, 3]}
    main: dict[str, Any] = {"dag": {"tasks": [round_]}} if kind == "dag" else {"steps": [[round_]]}
    answers = {
        "a": lambda work: (
            {"exit": 3, "message": "three"}
            if work.node.name.endswith("(2:3)")
            else {"exit": 2, "message": "two"}
            if work.node.name.endswith("(1:2)")
            else {}
        )
    }
    played = play_whole(workflow({"name": "main", **main}, shell("a", "echo")), answers)
    assert played.progress.phase == "Failed"
    told = [
        text for text in (*played.messages.values(), played.progress.message) if "(1:2)" in text
    ]
    assert told, played.messages
    assert all(text.endswith("(1:2): two") for text in told)


@pytest.mark.parametrize(
    ("phase", "expected", "message"),
    [
        ("Running", "Running", ""),
        ("Succeeded", "Failed", "time is up"),
        ("Failed", "Failed", "task a failed: no"),
    ],
)
def test_a_run_whose_time_is_up_starts_nothing_and_fails_once_nothing_runs(
    phase: str, expected: str, message: str
) -> None:
    program = read(dag({"name": "a"}, {"name": "b", "dependencies": ["a"]}))
    saved = {node.id: node for node in advance(program, RUN, {}).settled}
    (a,) = (work.node for work in advance(program, RUN, saved).work)
    said = "no" if phase == "Failed" else ""
    nodes = {**saved, a.id: replace(a, phase=phase, message=said)}
    ended = advance(program, RUN, nodes, late="time is up")
    assert (ended.phase, ended.work, ended.wake) == (expected, (), None)
    assert ended.message.startswith(message)


def test_the_pod_of_a_single_container_is_named_like_its_run() -> None:
    (work,) = advance(read(workflow(shell("main", "true"))), RUN, {}).work
    assert work.node.id == "e1"


def test_an_optional_artifact_may_be_missing() -> None:
    inputs = {"artifacts": [{"name": "d", "path": "/d", "optional": True}]}
    (work,) = advance(read(workflow(shell("main", "true", inputs=inputs))), RUN, {}).work
    assert work.inputs == ()


def test_a_tag_without_a_value_is_named() -> None:
    with pytest.raises(Unresolved, match=r"\{\{ steps.b.id \}\} has no value here"):
        substitute("x {{ steps.b.id }} y", {})


def test_braces_that_are_none_of_argos_stay_in_the_text() -> None:
    text = "{{ a.b }} {{exitCode}} {{ .Values.x }} {{item}} {{outputs.result}} {{}}"
    assert substitute(text, {"workflow.name": "x"}) == text


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("1 +", "unexpected 'end'"),
        ("__import__('os')", "no function __import__()"),
        ("sprig.env('HOME')", "no function sprig.env()"),
        ("x.__class__", "cannot fetch '__class__'"),
        ("toJson(map(1..9999, map(1..9999, #)))", "more than 200000 rounds"),
        ("1..99999", "more than 10000 items"),
        ("reduce(1..60, sprig.cat(#acc, #acc), 'x')", "a result of more than 1000000"),
        ("reduce(1..60, [#acc, #acc], 1)", "more than 1000000 values"),
        ("toJson(reduce(1..60, sprig.dict('a', #acc, 'b', #acc), 1))", "more than 1000000 values"),
        ("sprig.repeat(9999999, 'x')", "too long"),
        ("(" * 99 + "1" + ")" * 99, "nested too deeply"),
        ("1 % 0", "integer divide by zero"),
        ("'1' + 1", "cannot add"),
        ("x ? 1 : 2", "neither true nor false"),
        ("1 $ 2", "unexpected '$'"),
    ],
)
def test_expressions_that_have_no_value(expression: str, expected: str) -> None:
    with pytest.raises(Unresolved, match=re.escape(expected)):
        substitute(f"{{{{={expression}}}}}", {"x": "a"})
