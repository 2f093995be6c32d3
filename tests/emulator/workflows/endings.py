"""Workflows that are run for real, of what follows an end: attempts, outputs, hooks, rounds. Each
case names Argo's function or test that says so."""

from __future__ import annotations

from typing import Any

from tests.emulator.runner.runner_journal import shell
from tests.emulator.workflows.cases import call, dag, flow, steps
from tests.emulator.workflows.programs import ERROR, FAILED, OK, Program, container_set, member

SHOWN = "echo try {{retries}}; exit 1"
GLOBAL = {"name": "o", "globalName": "g", "valueFrom": {"path": "/tmp/o"}}
X: dict[str, Any] = {"inputs": {"parameters": [{"name": "x"}]}}
GOT = "echo got '{{inputs.parameters.x}}'"
TO_B = {"artifacts": [{"name": "f", "from": "{{steps.a.outputs.artifacts.o}}"}]}
FORGIVEN: dict[str, Any] = {"continueOn": {"failed": True}}


def got(name: str = "b") -> dict[str, Any]:
    """Prints its parameter ``x``."""
    return shell(name, GOT, **X)


def leaves(text: str, path: str = "/tmp/o", **more: Any) -> dict[str, Any]:
    """``a``, which writes its output parameter ``o``; ``more`` beside its path."""
    own = {key: more.pop(key) for key in ("default",) if key in more}
    outputs = {"parameters": [{"name": "o", "valueFrom": {"path": path, **own}}]}
    return shell("a", text, outputs=outputs, **more)


def tried(line: str, **strategy: Any) -> dict[str, Any]:
    return shell("main", line, retryStrategy=strategy)


def gives(expression: str, text: str = "echo 4") -> dict[str, Any]:
    """Steps with the output ``o``, by an expression."""
    output = {"name": "o", "valueFrom": {"expression": expression}}
    return flow(steps(call("a"), outputs={"parameters": [output]}), shell("a", text))


ATTEMPTS = [
    Program(
        "processNodeRetries: a backoff needs a duration",
        flow(tried("exit 1", limit=2, backoff={"factor": 2})),
        "DEAD",
        {"e1": ERROR, "e1(0)": FAILED},
        message="no base duration specified for retryStrategy",
    ),
    Program(
        "processNodeRetries: a factor of 0 leaves the duration as it is",
        flow(tried(SHOWN, limit=1, backoff={"duration": "1", "factor": 0})),
        "DEAD",
        {"e1": FAILED},
        lines=("try 1",),
        message="No more retries left",
    ),
    Program(
        "intstr.Int32: a factor is a whole number",
        flow(tried("exit 1", limit=1, backoff={"duration": "1", "factor": "{{=0.5 + 1}}"})),
        "DEAD",
        {"e1": ERROR},
    ),
    Program(
        "processNodeRetries: without a limit no backoff is waited for",
        flow(tried("test {{retries}} = 2", backoff={"duration": "1h"})),
        phases={"e1": OK, "e1(2)": OK},
    ),
    Program(
        "TestProcessNodeRetries: a limit of 0 is one attempt",
        flow(steps(call("a")), shell("a", "exit 1", retryStrategy={"limit": 0})),
        "DEAD",
        {"e1[0].a": FAILED, "e1[0].a(0)": FAILED},
        message="No more retries left",
    ),
    Program(
        "intstr.Int32: a limit may be below 0",
        flow(tried("exit 1", limit="-1")),
        "DEAD",
        {"e1": FAILED},
    ),
    Program(
        "TestOperatorRetryExpressionError: an expression that is no condition",
        flow(tried("exit 1", limit=2, expression="lastRetry.exitCode")),
        "DEAD",
        {"e1": ERROR},
        message="unable to cast expression result '1' to bool",
    ),
    Program(
        "TestOperatorRetryExpression: an exit code is a text",
        flow(tried("exit {{retries}}", limit=3, expression="asInt(lastRetry.exitCode) > 1")),
        phases={"e1": OK},
    ),
    Program(
        "TestRetryNodeOutputs: those of the last attempt",
        flow(
            steps(call("a"), call("b", given={"x": "{{steps.a.outputs.parameters.o}}"})),
            leaves("echo n{{retries}} > /tmp/o; test {{retries}} = 1", retryStrategy={"limit": 2}),
            got(),
        ),
        lines=("got n1",),
    ),
    Program(
        "buildLocalScope: status and exit code of the last attempt",
        flow(
            steps(
                call("a", **FORGIVEN),
                call("b", given={"x": "{{steps.a.exitCode}} {{steps.a.status}}"}),
            ),
            shell("a", "exit 7", retryStrategy={"limit": 1}),
            got(),
        ),
        lines=("got 7 Failed",),
    ),
    Program(
        "TestWFWithRetryAndWithParam: outputs of rounds that were repeated",
        flow(
            steps(
                call("a", withItems=[1, 2], given={"x": "{{item}}"}),
                call("b", given={"x": "{{steps.a.outputs.parameters.o}}"}),
            ),
            leaves(
                "echo {{inputs.parameters.x}} > /tmp/o; test {{retries}} = 1",
                retryStrategy={"limit": 2},
                **X,
            ),
            got(),
        ),
        lines=('got ["1","2"]',),
    ),
    Program(
        "emissary.go: a program that is not there ends with 64",
        flow(shell("main", "x", container={"command": ["no-such-program"]})),
        "DEAD",
        {"e1": FAILED},
        message="Error (exit code 64)",
    ),
    Program(
        "emissary.go: and is looked for once in a set",
        flow(
            container_set(
                {"name": "a", "image": "img", "command": ["no-such-program"]},
                member("b", "echo b", "a"),
                retry={"retries": "5", "duration": "1h"},
            )
        ),
        "DEAD",
        {"e1": FAILED, "e1.a": ERROR, "e1.b": ERROR},
        no_lines=("b",),
    ),
    Program(
        "emissary.go: one that ends with 64 itself is tried again",
        flow(
            container_set(
                member("a", "test -e /workspace/x || { echo > /workspace/x; exit 64; }"),
                retry={"retries": "2"},
            )
        ),
        phases={"e1": OK, "e1.a": OK},
    ),
]

OUTPUTS = [
    Program(
        "wait.go: a failed step hands on what it has written",
        flow(
            steps(
                call("a", **FORGIVEN), call("b", given={"x": "{{steps.a.outputs.parameters.o}}"})
            ),
            leaves("echo hi > /tmp/o; exit 1"),
            got(),
        ),
        phases={"e1[0].a": FAILED},
        lines=("got hi",),
    ),
    Program(
        "wait.go: and the default of what it has not",
        flow(
            steps(
                call("a", **FORGIVEN), call("b", given={"x": "{{steps.a.outputs.parameters.o}}"})
            ),
            leaves("exit 1", default="none"),
            got(),
        ),
        lines=("got none",),
    ),
    Program(
        "CaptureScriptResult: and what it has printed",
        flow(
            steps(call("a", **FORGIVEN), call("b", given={"x": "{{steps.a.outputs.result}}"})),
            shell("a", "echo hi; exit 1"),
            got(),
        ),
        lines=("got hi",),
    ),
    Program(
        "SaveArtifacts: and its artifacts",
        flow(
            steps(call("a", **FORGIVEN), call("b", arguments=TO_B)),
            shell(
                "a",
                "echo hi > /tmp/o; exit 1",
                outputs={"artifacts": [{"name": "o", "path": "/tmp/o"}]},
            ),
            shell("b", "cat /tmp/f", inputs={"artifacts": [{"name": "f", "path": "/tmp/f"}]}),
        ),
        lines=("hi",),
    ),
    Program(
        "podReconciliation: a global output of a failed task",
        flow(
            dag(call("a", **FORGIVEN), call("b", dependencies=["a"])),
            shell(
                "a",
                "echo hi > /tmp/o; exit 1",
                outputs={
                    "parameters": [
                        {"name": "o", "globalName": "g", "valueFrom": {"path": "/tmp/o"}}
                    ]
                },
            ),
            shell("b", "echo got {{workflow.outputs.parameters.g}}"),
        ),
        lines=("got hi",),
    ),
    Program(
        "inferFailedReason: the program counts more than a missing output",
        flow(leaves("exit 3") | {"name": "main"}),
        "DEAD",
        {"e1": FAILED},
        message="Error (exit code 3)",
    ),
    Program(
        "inferFailedReason: a missing output alone is an error",
        flow(leaves("true") | {"name": "main"}),
        "DEAD",
        {"e1": ERROR},
    ),
    Program(
        "getTemplateOutputsFromScope: steps have no output of a fixed value",
        flow(
            steps(call("a"), outputs={"parameters": [{"name": "o", "value": "x"}]}),
            shell("a", "true"),
        ),
        "DEAD",
        {"e1": ERROR, "e1[0].a": OK},
        message="output parameters must have a valueFrom specified",
    ),
    *(
        Program(
            f"resolveParameter: {expression}",
            gives(expression),
            outputs={"e1": {"o": value}},
        )
        for expression, value in [
            ("asInt(steps.a.outputs.result) + 1", "5"),
            ('steps.a.outputs.result == "4"', "true"),
            ("[1, 2]", "[1 2]"),
            ("asFloat(steps.a.outputs.result) * 1000000", "4e+06"),
            ('{"b": 1, "a": "x"}', "map[a:x b:1]"),
            ('toJson({"m": {"n": {}}})', '{"m":{"n":{}}}'),
            ('{"m": {"n": "{{workflow.name}}"}}["m"]["n"]', "e1"),
        ]
    ),
]


def exits(*parameters: tuple[str, str], **hook: Any) -> dict[str, Any]:
    """An exit hook that prints ``x``."""
    given = [{"name": key, "value": value} for key, value in parameters]
    return {"exit": {"template": "h", "arguments": {"parameters": given}, **hook}}


ASKED = 'steps["a"].status'
AGGREGATED = [
    Program(
        "processAggregateNodeOutputs: in the order of the items, not of their ends",
        flow(
            dag(
                call("a", withItems=[3, 1, 2], given={"x": "{{item}}"}),
                call("b", dependencies=["a"], given={"x": "{{tasks.a.outputs.parameters}}"}),
            ),
            leaves("sleep 0.{{inputs.parameters.x}}; echo {{inputs.parameters.x}} > /tmp/o", **X),
            got(),
        ),
        lines=('got [{"o":"3"},{"o":"1"},{"o":"2"}]',),
    ),
    Program(
        "getChildNodeIdsAndLastRetriedNode: results of rounds that were repeated",
        flow(
            dag(
                call("a", withItems=[1, 2], given={"x": "{{item}}"}),
                call("b", dependencies=["a"], given={"x": "{{tasks.a.outputs.result}}"}),
            ),
            shell(
                "a",
                "echo {{inputs.parameters.x}}; test {{retries}} = 1",
                retryStrategy={"limit": 1},
                **X,
            ),
            got(),
        ),
        lines=("got [1,2]",),
    ),
]
HOOKS = [
    Program(
        "TestStepsTemplateOnExitStatusArgument: the status of its step",
        flow(
            steps(call("a", hooks=exits(("x", "{{steps.a.status}}")))),
            shell("a", "exit 2"),
            got("h"),
        ),
        "DEAD",
        lines=("got Failed",),
    ),
    Program(
        "TestDAGOnExitTmpl: status and result of its task",
        flow(
            dag(call("a", hooks=exits(("x", "{{tasks.a.status}} {{tasks.a.outputs.result}}")))),
            shell("a", "echo r"),
            got("h"),
        ),
        lines=("got Succeeded r",),
    ),
    Program(
        "TestStepsOnExitTmplWithArt: an artifact of its step",
        flow(
            steps(call("a", hooks={"exit": {"template": "h", "arguments": TO_B}})),
            shell(
                "a", "echo hi > /tmp/o", outputs={"artifacts": [{"name": "o", "path": "/tmp/o"}]}
            ),
            shell("h", "cat /tmp/f", inputs={"artifacts": [{"name": "f", "path": "/tmp/f"}]}),
        ),
        lines=("hi",),
    ),
    Program(
        "TestExitHandlerWithRetryNodeParam: outputs of the last attempt",
        flow(
            steps(call("a", hooks=exits(("x", "{{steps.a.outputs.parameters.o}}")))),
            leaves("echo n{{retries}} > /tmp/o; test {{retries}} = 1", retryStrategy={"limit": 2}),
            got("h"),
        ),
        lines=("got n1",),
    ),
    Program(
        "runOnExitNode: an expression about the outputs of its step",
        flow(
            steps(
                call(
                    "a",
                    hooks={
                        "exit": {
                            "template": "h",
                            "expression": 'steps["a"].outputs.parameters.o == "hi"',
                        }
                    },
                )
            ),
            leaves("echo hi > /tmp/o"),
            shell("h", "echo hooked"),
        ),
        lines=("hooked",),
    ),
    Program(
        "GetExitHook: the workflow's exit handler gets its arguments",
        flow(
            shell("main", "true"),
            got("h"),
            onExit="h",
            arguments={"parameters": [{"name": "x", "value": "7"}]},
        ),
        lines=("got 7",),
    ),
    Program(
        "WithArgs: so does the exit hook of a step that has none of its own",
        flow(
            steps(call("a", hooks={"exit": {"template": "h"}})),
            shell("a", "true"),
            got("h"),
            arguments={"parameters": [{"name": "x", "value": "7"}]},
        ),
        lines=("got 7",),
    ),
    Program(
        "WithArgs: and its own, if it has any, alone",
        flow(
            dag(call("a", hooks=exits(("x", "own")))),
            shell("a", "true"),
            got("h"),
            arguments={"parameters": [{"name": "x", "value": "7"}]},
        ),
        lines=("got own",),
    ),
    Program(
        "operate: nothing asks for the expression of the workflow's own exit hook",
        flow(
            shell("main", "true"),
            shell("h", "echo hooked"),
            hooks={"exit": {"template": "h", "expression": 'workflow.status == "Failed"'}},
        ),
        lines=("hooked",),
    ),
    Program(
        "executeWfLifeCycleHook: an expression that is no condition fails the workflow",
        flow(
            shell("main", "true"),
            shell("h", "echo hooked"),
            hooks={"x": {"template": "h", "expression": "workflow.status"}},
        ),
        "DEAD",
        {"e1": ERROR},
        no_lines=("hooked",),
        message="unable to cast expression result 'Running' to bool",
    ),
    Program(
        "executeStepGroup: an expression that is no condition fails the group",
        flow(
            steps(call("a", hooks={"x": {"template": "h", "expression": ASKED}})),
            shell("a", "true"),
            shell("h", "echo hooked"),
        ),
        "DEAD",
        {"e1": FAILED, "e1[0]": ERROR, "e1[0].a": OK},
    ),
    Program(
        "executeDAGTask: of a task, that task",
        flow(
            dag(call("a", hooks={"x": {"template": "h", "expression": "tasks.a.nope.nope"}})),
            shell("a", "true"),
            shell("h", "echo hooked"),
        ),
        "DEAD",
        {"e1": ERROR, "e1.a": ERROR},
    ),
    Program(
        "executeTmplLifeCycleHook: a hook that fails does no harm",
        flow(
            steps(
                call("a", hooks={"x": {"template": "h", "expression": f'{ASKED} == "Succeeded"'}}),
                call("b"),
            ),
            shell("a", "true"),
            shell("b", "echo b"),
            shell("h", "exit 1"),
        ),
        phases={"e1[0].a.hooks.x": FAILED},
        lines=("b",),
    ),
]


def rounds(sequence: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A loop of steps that prints its items."""
    return flow(steps(call("a", given={"x": "{{item}}"}, withSequence=sequence)), got("a"), **more)


ROUNDS = [
    *(
        Program(
            f"expandSequence: {written} of {start}",
            rounds({"start": start, "count": 1, "format": written}),
            lines=(f"got {said}",),
        )
        for written, start, said in [
            ("same", 0, "same%!(EXTRA int=0)"),
            ("v%s", 3, "v%!s(int=3)"),
            ("%d-%d", 1, "1-%!d(MISSING)"),
            ("%[1]d/%[1]x", 31, "31/1f"),
            ("%[2]d", 1, "%!d(BADINDEX)"),
            ("x%v", 3, "x3"),
            ("%#x %c", 65, "0x41 %!c(MISSING)"),
            ("%+06d", 42, "+00042"),
            ("%-4d|", 7, "7   |"),
            ("%06.3d|", 7, "   007|"),
            ("%#o", 8, "010"),
            ("%O", 8, "0o10"),
            ("%U", 65, "U+0041"),
            ("%x", -31, "-1f"),
            ("%05d", -42, "-0042"),
            ("100%% %d", 5, "100% 5"),
            ("%d%", 5, "5%!(NOVERB)"),
            ("%f", 5, "%!f(int=5)"),
        ]
    ),
    Program(
        "expandSequence: a count below 0 goes down",
        rounds({"count": "-1"}),
        phases={f"e1[0].a({at}:{-at})": OK for at in range(3)},
    ),
    Program(
        "expandSequence: a count of 0 is no item",
        rounds({"count": "0", "start": 5}),
        phases={"e1[0].a": "Skipped"},
    ),
    *(
        Program(
            f"strconv.Atoi: {text!r} is no number",
            rounds({"count": text}),
            "DEAD",
            {"e1": FAILED, "e1[0]": ERROR},
            message="invalid syntax",
        )
        for text in (" 2", "1_0", "2.0", "")
    ),
    Program(
        "ParseItem: a format that makes no text",
        rounds({"count": 1, "format": 'say "%d"'}),
        "DEAD",
        {"e1[0]": ERROR},
    ),
    Program(
        "executeSteps: results of a loop that are no JSON end the steps, not their group",
        flow(
            steps(
                call("a", withItems=[1, 2]), call("b", given={"x": "{{steps.a.outputs.result}}"})
            ),
            shell("a", "echo no JSON"),
            got(),
        ),
        "DEAD",
        {"e1": ERROR, "e1[0]": OK, "e1[0].a(0:1)": OK, "e1[0].a(1:2)": OK},
        no_lines=("got",),
    ),
]
FLAWED = '[{"a": "1", "b": "2"}, {"a": "3"}]'
LABEL_BY = "workflow.parameters.p + 'x'"


def labelled(expression: str) -> dict[str, Any]:
    """A workflow whose label ``l`` an expression gives its value."""
    return flow(
        shell("main", "echo label {{workflow.labels.l}}"),
        workflowMetadata={"labelsFrom": {"l": {"expression": expression}}},
        arguments={"parameters": [{"name": "p", "value": "a"}]},
    )


BEGINNINGS = [
    Program(
        "expandStep: one item lacks a field: no round begins",
        flow(steps(call("a", given={"x": "{{item.b}}"}, withParam=FLAWED)), got("a")),
        "DEAD",
        {"e1": FAILED, "e1[0]": ERROR},
        no_lines=("got 2",),
    ),
    Program(
        "expandTask: nor of a task",
        flow(dag(call("a", given={"x": "{{item.b}}"}, withParam=FLAWED)), got("a")),
        "DEAD",
        {"e1": ERROR, "e1.a": ERROR},
        no_lines=("got 2",),
    ),
    Program(
        "expandStep: an item that is not wanted lacks it as well",
        flow(
            steps(
                call("a", given={"x": "{{item.b}}"}, withParam=FLAWED, when="'{{item.a}}' == '1'")
            ),
            got("a"),
        ),
        "DEAD",
        {"e1[0]": ERROR},
    ),
    Program(
        "expandStep: a loop that is not wanted needs none of it",
        flow(
            steps(call("a", given={"x": "{{item.b}}"}, withParam=FLAWED, when="1 == 2")), got("a")
        ),
        phases={"e1[0].a(0:a:1,b:2)": "Skipped", "e1[0].a(1:a:3)": "Skipped"},
    ),
    Program(
        "resolveReferences: one step cannot begin: none of its group does",
        flow(
            steps([call("a"), call("b", when="a-b == c")]),
            shell("a", "echo a"),
            shell("b", "echo b"),
        ),
        "DEAD",
        {"e1": FAILED, "e1[0]": ERROR},
        no_lines=("a", "b"),
    ),
    Program(
        "resolveReferences: which continueOn does not forgive",
        flow(
            steps(call("a", when="maybe", continueOn={"error": True}), call("b")),
            shell("a", "true"),
            shell("b", "echo b"),
        ),
        "DEAD",
        no_lines=("b",),
    ),
    Program(
        "executeDAGTask: a task that cannot begin has an error, which others can wait for",
        flow(
            dag(call("a", when="a-b == c"), call("b", depends="a.Errored")),
            shell("a", "true"),
            shell("b", "echo b"),
        ),
        phases={"e1.a": ERROR, "e1.b": OK},
    ),
    Program(
        "updateWorkflowMetadata: a label by an expression", labelled(LABEL_BY), lines=("label ax",)
    ),
    *(
        Program(
            f"updateWorkflowMetadata: {why}",
            labelled(expression),
            "DEAD",
            no_lines=("label",),
            message="is no value of the label 'l'",
        )
        for why, expression in [
            ("a number is none", "1 + 1"),
            ("nor what Kubernetes refuses", "'a b'"),
            ("nor what is too long", "sprig.repeat(64, 'a')"),
        ]
    ),
]
CASES = [*ATTEMPTS, *OUTPUTS, *AGGREGATED, *HOOKS, *ROUNDS, *BEGINNINGS]
