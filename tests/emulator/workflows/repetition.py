"""Loops, parallelism, failFast of templates, repetitions, pauses."""

from __future__ import annotations

from typing import Any

from tests.emulator.workflows.cases import (
    ERROR,
    FAIL,
    SAID,
    Case,
    call,
    dag,
    echo,
    echoes,
    flow,
    steps,
    writes,
)

OK = "Succeeded"
A = echo("a", "x")
B = echo("b", "x")
AB = echoes("a", "b")


def loop(name: str, args: list[str], **more: Any) -> Case:
    """One step for every item, its argument ``{{item}}``."""
    return Case(name, flow(steps(call("a", given={"x": "{{item}}"}, **more)), A), args=args)


def fan_in(name: str, reference: str, expected: str, answer: Any) -> Case:
    """What comes of the outputs of a loop."""
    value = f"{{{{steps.a.outputs.{reference}}}}}"
    main = steps(call("a", withItems=[1, 2]), call("b", given={"x": value}))
    return Case(name, flow(main, writes("a"), B), {"a": answer}, args=["a", "a", f"b {expected}"])


LOOPS = [
    loop("withItems of texts", ["a red", "a green"], withItems=["red", "green"]),
    loop("withItems of numbers and flags", ["a 1", "a 2.5", "a true"], withItems=[1, 2.5, True]),
    loop("withItems of maps", ['a {"k":"v","n":1}'], withItems=[{"k": "v", "n": 1}]),
    loop("withItems of lists", ["a [1,2]", 'a ["x"]'], withItems=[[1, 2], ["x"]]),
    loop("withParam", ["a 1", 'a {"k":2}', "a z"], withParam='[1, {"k": 2}, "z"]'),
    loop("withSequence count", ["a 0", "a 1", "a 2"], withSequence={"count": 3}),
    loop("withSequence from to", ["a 4", "a 5"], withSequence={"start": "4", "end": "5"}),
    loop("withSequence down", ["a 2", "a 1", "a 0"], withSequence={"start": 2, "end": 0}),
    loop("withSequence start and count", ["a 7", "a 8"], withSequence={"start": 7, "count": 2}),
    loop(
        "withSequence format",
        ["a t-0A", "a t-0B"],
        withSequence={"start": 10, "count": 2, "format": "t-%02X"},
    ),
    Case(
        "the fields of an item",
        flow(
            steps(
                call(
                    "a",
                    given={"x": "{{item.os}}-{{item.v}}"},
                    withItems=[{"os": "debian", "v": 9}, {"os": "alpine", "v": [3]}],
                )
            ),
            A,
        ),
        args=["a debian-9", "a alpine-[3]"],
        phases={"[0].a(0:os:debian,v:9)": OK, "[0].a(1:os:alpine,v:[3])": OK},
    ),
    Case(
        "an item decides whether it is run",
        flow(
            steps(call("a", given={"x": "{{item}}"}, withItems=[1, 2, 3], when="{{item}} != 2")),
            A,
        ),
        args=["a 1", "a 3"],
        phases={"[0].a(0:1)": OK, "[0].a(1:2)": "Skipped", "[0].a(2:3)": OK},
        messages={"[0].a(1:2)": "when '2 != 2' evaluated false"},
    ),
    Case(
        "no items",
        flow(steps(call("a", withParam="[]"), call("b")), AB),
        phases={"[0].a": "Skipped", "[1].b": OK},
        messages={"[0].a": "Skipped, empty params"},
    ),
    Case(
        "items that are no list",
        flow(steps(call("a", withParam='{"a": 1}')), AB),
        phase="Failed",
        message='step a failed: withParam value could not be parsed as a JSON list: {"a": 1}: '
        "not a list",
    ),
    Case(
        "a loop that is not wanted does not need its items",
        flow(
            steps(
                call("a", when="false"),
                call("b", when="false", withParam="{{steps.a.outputs.result}}"),
            ),
            AB,
        ),
        phases={"[0].a": "Skipped", "[1].b": "Skipped"},
    ),
    *(
        Case(
            f"items that are no list, where when cannot be told either: {when}",
            flow(steps(call("a", when=when, withParam="no")), AB),
            phase="Failed",
            message="step a failed: withParam value could not be parsed as a JSON list: no: "
            "Expecting value: line 1 column 1 (char 0)",
        )
        for when in ("maybe", "{{=asInt('x')}} > 1")
    ),
    Case(
        "items from the output of a step",
        flow(
            dag(
                call("a"),
                call(
                    "b",
                    given={"x": "{{item}}"},
                    dependencies=["a"],
                    withParam="{{tasks.a.outputs.result}}",
                ),
            ),
            echo("a"),
            B,
        ),
        {"a": {"result": '["u","v"]'}},
        args=["a", "b u", "b v"],
        phases={"a": OK, "b(0:u)": OK, "b(1:v)": OK},
    ),
    Case(
        "a loop of steps",
        flow(
            steps(call("x", "inner", given={"x": "{{item}}"}, withItems=["p", "q"])),
            steps(
                call("a", given={"x": "<{{inputs.parameters.x}}>"}),
                name="inner",
                inputs={"parameters": [{"name": "x"}]},
            ),
            A,
        ),
        args=["a <p>", "a <q>"],
        phases={"[0].x(0:p)[0].a": OK, "[0].x(1:q)[0].a": OK},
    ),
    Case(
        "one failure fails the loop when all are done",
        flow(steps(call("a", withItems=[0, 1]), call("b")), AB),
        {"a": lambda work: FAIL if "(0:0)" in work.node.name else {}},
        "Failed",
        {"[0].a(0:0)": "Failed", "[0].a(1:1)": OK},
        f"step a failed: (0:0): {SAID}",
    ),
    Case(
        "a result of a loop that is no JSON",
        flow(
            steps(
                call("a", withItems=[1, 2]), call("b", given={"x": "{{steps.a.outputs.result}}"})
            ),
            writes("a"),
            B,
        ),
        {"a": {"result": "no JSON"}},
        "Error",
        args=["a", "a"],
        groups={"[0]": OK},
        messages={
            "e1": "outputs.result of (0:1) is no JSON, so the results of the loop cannot be "
            "listed: Expecting value: line 1 column 1 (char 0): 'no JSON' (print a text in double "
            "quotes)"
        },
    ),
    Case(
        "a result of a loop of tasks that is no JSON",
        flow(
            dag(
                call("a", withItems=[1, 2]),
                call("b", given={"x": "{{tasks.a.outputs.result}}"}, dependencies=["a"]),
            ),
            writes("a"),
            B,
        ),
        {"a": {"result": "no JSON"}},
        "Error",
        {"a(0:1)": OK, "a(1:2)": OK, "b": "Omitted"},
        groups={"a": "Error"},
        messages={
            "a": "outputs.result of (0:1) is no JSON, so the results of the loop cannot be "
            "listed: Expecting value: line 1 column 1 (char 0): 'no JSON' (print a text in double "
            "quotes)"
        },
    ),
    Case(
        "a result of a loop that nobody asks for",
        flow(steps(call("a", withItems=[1, 2])), writes("a")),
        {"a": {"result": "no JSON"}},
        args=["a", "a"],
    ),
    fan_in(
        "all outputs of a loop",
        "parameters",
        '[{"out":"5"},{"out":"5"}]',
        {"parameters": {"out": "5"}},
    ),
]

FIVE = [0, 1, 2, 3, 4]
PARALLEL = [
    Case(
        "parallelism of the workflow",
        flow(steps(call("a", withItems=FIVE)), AB, parallelism=2),
        rounds=[["[0].a(0:0)", "[0].a(1:1)"], ["[0].a(2:2)", "[0].a(3:3)"], ["[0].a(4:4)"]],
    ),
    Case(
        "parallelism of a template",
        flow(dag(call("a", withItems=FIVE), parallelism=3), AB),
        rounds=[["a(0:0)", "a(1:1)", "a(2:2)"], ["a(3:3)", "a(4:4)"]],
    ),
    Case(
        "parallelism counts calls of templates as well",
        flow(
            dag(call("x", "inner", withItems=[0, 1]), parallelism=1),
            steps(call("a"), call("b"), name="inner"),
            AB,
        ),
        rounds=[["x(0:0)[0].a"], ["x(0:0)[1].b"], ["x(1:1)[0].a"], ["x(1:1)[1].b"]],
    ),
    Case(
        "failFast of a template ends a loop early",
        flow(steps(call("a", withItems=FIVE), parallelism=2, failFast=True), AB),
        {"a": FAIL},
        "Failed",
        {"[0].a(0:0)": "Failed", "[0].a(1:1)": "Failed"},
    ),
]


def retry(
    name: str, strategy: dict[str, Any], answer: Any, tries: int, phase: str, **more: Any
) -> Case:
    """One container with a retryStrategy."""
    document = flow(echo("a", retryStrategy=strategy))
    phases = {
        f"({n})": "Succeeded"
        if phase == OK and n == tries - 1
        else ("Error" if answer is ERROR else "Failed")
        for n in range(tries)
    }
    return Case(name, document, {"a": answer}, phase, phases, **more)


def until(number: int) -> Any:
    """Fails until that attempt, each taking ten seconds."""
    return lambda work: {"exit": 0 if work.node.name == f"e1({number})" else 3, "seconds": 10}


RETRIES = [
    retry("a limit", {"limit": 2}, FAIL, 3, "Failed", message=f"No more retries left: {SAID}"),
    retry("success ends the attempts", {"limit": "5"}, until(2), 3, OK),
    retry("an error is not repeated by default", {"limit": 2}, ERROR, 1, "Error"),
    retry("policy OnError", {"limit": 1, "retryPolicy": "OnError"}, ERROR, 2, "Error"),
    retry(
        "policy OnError does not repeat a failure",
        {"limit": 1, "retryPolicy": "OnError"},
        FAIL,
        1,
        "Failed",
        message=SAID,
    ),
    retry("policy Always", {"limit": 1, "retryPolicy": "Always"}, ERROR, 2, "Error"),
    retry(
        "policy OnTransientError",
        {"limit": 1, "retryPolicy": "OnTransientError"},
        FAIL,
        1,
        "Failed",
    ),
    retry(
        "backoff",
        {"limit": 3, "backoff": {"duration": "1m", "factor": 2}},
        until(3),
        4,
        OK,
        seconds=60 + 120 + 240 + 4 * 10,
    ),
    retry(
        "backoff without a factor",
        {"limit": 2, "backoff": {"duration": "5"}},
        until(2),
        3,
        OK,
        seconds=5 + 5 + 3 * 10,
    ),
    retry(
        "backoff ends with maxDuration",
        {"limit": 9, "backoff": {"duration": "10s", "factor": 2, "maxDuration": "25s"}},
        until(99),
        2,
        "Failed",
        message="Max duration limit exceeded",
    ),
    retry(
        "backoff would exceed maxDuration",
        {"backoff": {"duration": "1h", "maxDuration": "30m"}},
        FAIL,
        1,
        "Failed",
        message="Backoff would exceed max duration limit",
    ),
    retry(
        "expression",
        {"limit": 5, "expression": "asInt(lastRetry.exitCode) > 5"},
        FAIL,
        1,
        "Failed",
        message=f"retryStrategy.expression evaluated to false: {SAID}",
    ),
    retry(
        "expression makes the policy Always",
        {"limit": 1, "expression": "lastRetry.status == 'Error'"},
        ERROR,
        2,
        "Error",
    ),
    Case(
        "the attempt and what came of the last one",
        flow(
            {
                **echo("a", retryStrategy={"limit": 2}),
                "container": {
                    "image": "img",
                    "command": ["sh"],
                    "args": [
                        "{{retries}} {{lastRetry.exitCode}} {{lastRetry.status}}|"
                        "{{lastRetry.duration}}"
                    ],
                },
            }
        ),
        {"a": until(1)},
        args=["0 0 |0", "1 3 Failed|10"],
    ),
    Case(
        "a limit from a parameter",
        flow(
            steps(call("a", given={"x": "1"})),
            echo("a", "x", retryStrategy={"limit": "{{inputs.parameters.x}}"}),
        ),
        {"a": FAIL},
        "Failed",
        {"[0].a(0)": "Failed", "[0].a(1)": "Failed"},
    ),
    Case(
        "steps are repeated as a whole",
        flow(steps(call("a"), call("b"), retryStrategy={"limit": 1}), AB),
        {"b": lambda work: {"exit": int("(0)" in work.node.name)}},
        phases={"(0)[0].a": OK, "(0)[1].b": "Failed", "(1)[0].a": OK, "(1)[1].b": OK},
    ),
    Case(
        "retryStrategy of the workflow is every template's",
        flow(echo("a"), retryStrategy={"limit": 1}),
        {"a": FAIL},
        "Failed",
        {"(0)": "Failed", "(1)": "Failed"},
    ),
]
PAUSES = [
    Case(
        "suspend lets time pass",
        flow(steps(call("w"), call("a")), {"name": "w", "suspend": {"duration": "1m30s"}}, AB),
        phases={"[0].w": OK, "[1].a": OK},
        seconds=90,
    ),
    Case(
        "suspend for as long as a parameter says, its output by default",
        flow(
            steps(
                call("w", given={"x": "7"}),
                call("a", given={"x": "{{steps.w.outputs.parameters.ok}}"}),
            ),
            {
                "name": "w",
                "inputs": {"parameters": [{"name": "x"}]},
                "suspend": {"duration": "{{inputs.parameters.x}}"},
                "outputs": {
                    "parameters": [{"name": "ok", "valueFrom": {"supplied": {}, "default": "no"}}]
                },
            },
            A,
        ),
        args=["a no"],
        seconds=7,
    ),
    Case(
        "two pauses side by side take the longer time",
        flow(
            steps([call("v"), call("w")]),
            {"name": "v", "suspend": {"duration": "5"}},
            {"name": "w", "suspend": {"duration": "20"}},
        ),
        phases={"[0].v": OK, "[0].w": OK},
        seconds=20,
    ),
]


def told_late(field: str, kind: str, document: dict[str, Any]) -> Case:
    """What a parameter gives a field is only seen when it is run: ``soon`` is none of its kind."""
    message = f"{field}: 'soon' is no {kind}"
    return Case(
        f"{field} from a parameter that is no {kind}",
        flow(steps(call("a", given={"x": "soon"})), document),
        {"a": FAIL},
        "Failed",
        message=f"step a failed: {message}",
        messages={"[0].a": message},
    )


GIVEN = "{{inputs.parameters.x}}"
DEADLINES = ("timeout", "activeDeadlineSeconds")
DURATION = "duration such as 30, 90s or 1h30m"
NUMBER = "whole number"
LATE = [
    told_late(
        "suspend.duration",
        DURATION,
        {
            "name": "a",
            "inputs": {"parameters": [{"name": "x"}]},
            "suspend": {"duration": GIVEN},
        },
    ),
    *(told_late(field, DURATION, echo("a", "x", **{field: GIVEN})) for field in DEADLINES),
    told_late("retryStrategy.limit", NUMBER, echo("a", "x", retryStrategy={"limit": GIVEN})),
    *(
        told_late(
            f"retryStrategy.backoff.{field}",
            kind,
            echo("a", "x", retryStrategy={"backoff": {"duration": "1s", field: GIVEN}}),
        )
        for field, kind in (
            ("duration", DURATION),
            ("maxDuration", DURATION),
            ("factor", NUMBER),
        )
    ),
]
CASES = [*LOOPS, *PARALLEL, *RETRIES, *PAUSES, *LATE]
