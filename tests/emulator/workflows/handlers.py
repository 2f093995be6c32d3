"""Exit handlers, lifecycle hooks, and what a workflow says for all its templates."""

from __future__ import annotations

from typing import Any

from tests.emulator.workflows.cases import (
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
AB = echoes("a", "b")
HANDLER = echo("h") | {
    "container": {"image": "i", "command": ["x"], "args": ["{{workflow.status}}"]}
}
FAILURES = echo("h") | {
    "container": {"image": "i", "command": ["x"], "args": ["{{workflow.failures}}"]}
}


def exit_hook(**more: Any) -> dict[str, Any]:
    return {"hooks": {"exit": {"template": "h", **more}}}


HOOKS = [
    Case(
        "onExit after success",
        flow(steps(call("a")), AB, HANDLER, onExit="h"),
        args=["a", "Succeeded"],
        phases={"[0].a": OK, "onExit": OK},
    ),
    Case(
        "onExit after a failure",
        flow(steps(call("a")), AB, HANDLER, onExit="h"),
        {"a": FAIL},
        "Failed",
        {"[0].a": "Failed", "onExit": OK},
        f"step a failed: {SAID}",
        args=["a", "Failed"],
    ),
    Case(
        "a failed exit handler fails the run",
        flow(steps(call("a")), AB, HANDLER, onExit="h"),
        {"h": FAIL},
        "Failed",
        message=f"the exit handler failed: {SAID}",
    ),
    Case(
        "an exit handler of steps",
        flow(steps(call("a")), AB, steps(call("b"), name="bye"), onExit="bye"),
        phases={"[0].a": OK, "onExit[0].b": OK},
    ),
    Case(
        "workflow.failures",
        flow(echo("a"), FAILURES, onExit="h"),
        {"a": FAIL},
        "Failed",
        args=[
            "a",
            '[{"displayName":"e1","message":"Error (exit code 1)","templateName":"a",'
            '"phase":"Failed","podName":"e1","finishedAt":"2030-01-02T03:04:05Z"}]',
        ],
    ),
    Case(
        "onExit of a step",
        flow(steps(call("a", onExit="h"), call("b")), AB, HANDLER),
        rounds=[["[0].a"], ["[0].a.onExit"], ["[1].b"]],
    ),
    Case(
        "an exit hook of a failed task",
        flow(dag(call("a", **exit_hook())), AB, HANDLER),
        {"a": FAIL},
        "Failed",
        {"a": "Failed", "a.onExit": OK},
    ),
    Case(
        "a failed exit hook does not fail its step",
        flow(steps(call("a", **exit_hook()), call("b")), AB, HANDLER),
        {"h": FAIL},
        phases={"[0].a": OK, "[0].a.onExit": "Failed", "[1].b": OK},
    ),
    Case(
        "an exit hook with arguments of its step",
        flow(
            steps(
                call(
                    "w",
                    hooks={
                        "exit": {
                            "template": "a",
                            "arguments": {
                                "parameters": [
                                    {"name": "x", "value": "{{steps.w.outputs.parameters.out}}"}
                                ]
                            },
                        }
                    },
                )
            ),
            writes("w"),
            A,
        ),
        {"w": {"parameters": {"out": "o"}}},
        args=["w", "a o"],
    ),
    Case(
        "an exit hook that is not due",
        flow(
            steps(call("a", **exit_hook(expression='steps["a"].status == "Failed"'))), AB, HANDLER
        ),
        phases={"[0].a": OK},
    ),
    Case(
        "a skipped step has no exit hook",
        flow(steps(call("a", when="false", **exit_hook())), AB, HANDLER),
        phases={"[0].a": "Skipped"},
    ),
    Case(
        "a hook while a step runs",
        flow(
            steps(
                call(
                    "a",
                    hooks={"up": {"template": "h", "expression": 'steps["a"].status == "Running"'}},
                )
            ),
            AB,
            HANDLER,
        ),
        phases={"[0].a": OK, "[0].a.hooks.up": OK},
    ),
    Case(
        "a hook while the workflow runs",
        flow(
            steps(call("a"), call("b")),
            AB,
            HANDLER,
            hooks={"up": {"template": "h", "expression": 'workflow.status == "Running"'}},
        ),
        phases={"[0].a": OK, "[1].b": OK, "hooks.up": OK},
    ),
    Case(
        "an exit hook whose arguments have no value",
        flow(
            steps(
                call(
                    "b",
                    **exit_hook(
                        template="a",
                        arguments={"parameters": [{"name": "x", "value": "{{=asInt('x')}}"}]},
                    ),
                ),
                call("c"),
            ),
            A,
            echoes("b", "c"),
        ),
        phases={"[0].b": OK, "[0].b.onExit": "Error", "[1].c": OK},
        messages={"[0].b.onExit": "{{=asInt('x')}}: asInt(): 'x' is no whole number"},
    ),
    Case(
        "an exit hook for every item",
        flow(steps(call("a", withItems=[0, 1], **exit_hook())), AB, HANDLER),
        phases={
            "[0].a(0:0)": OK,
            "[0].a(1:1)": OK,
            "[0].a(0:0).onExit": OK,
            "[0].a(1:1).onExit": OK,
        },
    ),
]
DEFAULTS = [
    Case(
        "templateDefaults are every template's",
        flow(
            steps(call("a")),
            AB,
            templateDefaults={
                "retryStrategy": {"limit": 1},
                "container": {"workingDir": "/x"},
                "timeout": "10s",
            },
        ),
        {"a": FAIL},
        "Failed",
        {
            "(0)[0].a(0)": "Failed",
            "(0)[0].a(1)": "Failed",
            "(1)[0].a(0)": "Failed",
            "(1)[0].a(1)": "Failed",
        },
    ),
    Case(
        "what a template says itself wins",
        flow(
            echo("a", retryStrategy={"limit": 0}), templateDefaults={"retryStrategy": {"limit": 4}}
        ),
        {"a": FAIL},
        "Failed",
        {"(0)": "Failed"},
    ),
    Case(
        "what has no effect on one machine is accepted",
        flow(
            echo(
                "a",
                memoize={"key": "k"},
                securityContext={"runAsUser": 1},
                nodeSelector={"a": "b"},
                metadata={"labels": {"x": "y"}},
            )
        ),
    ),
]
CASES = [*HOOKS, *DEFAULTS]
