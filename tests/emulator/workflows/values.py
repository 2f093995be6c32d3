"""Variables, expressions, parameters, artifacts, outputs, globals."""

from __future__ import annotations

from typing import Any

from tests.emulator.workflows.cases import (
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


def value(name: str, text: str, expected: str, **more: Any) -> Case:
    """What a text with tags is as the argument of a step."""
    parameters = {
        "arguments": {"parameters": [{"name": "p", "value": "5"}, {"name": "my-p", "value": "a b"}]}
    }
    main = steps(call("w", "b"), call("a", given={"x": text}))
    document = flow(main, A, writes("b"), **{**parameters, **more})
    document["metadata"]["labels"] = {"team": "x"}
    answer = {"parameters": {"out": "o"}, "result": '{"k":[1,2]}', "seconds": 2}
    return Case(name, document, {"b": answer}, args=["b", f"a {expected}"])


VARIABLES = [
    value("workflow.name", "{{workflow.name}} {{ workflow.mainEntrypoint }}", "e1 main"),
    value("workflow.parameters", "{{workflow.parameters.p}}", "5"),
    value(
        "workflow.parameters as JSON",
        "{{workflow.parameters}}",
        '[{"name":"p","value":"5"},{"name":"my-p","value":"a b"}]',
    ),
    value("workflow.labels", "{{workflow.labels.team}} {{workflow.labels.json}}", 'x {"team":"x"}'),
    value(
        "workflow.creationTimestamp",
        "{{workflow.creationTimestamp}} {{workflow.creationTimestamp.Y}}",
        "2030-01-02T03:04:05Z 2030",
    ),
    value(
        "workflow.priority and status",
        "{{workflow.priority}} {{workflow.status}}",
        "7 Running",
        priority=7,
    ),
    value("the name of the step itself", "{{steps.name}}", "a"),
    value("the time of a schedule", "{{workflow.scheduledTime}}", "2030-01-02T03:04:05Z"),
    value("the run's own label", "{{workflow.labels.executions.ai.sap.com/id}}", "e1"),
    value("braces of the user's own", "{{x}} {{exitCode}}", "{{x}} {{exitCode}}"),
    value("workflow.duration", "{{workflow.duration}}", "2.000000"),
    value("the id and status of a step", "{{steps.w.status}} {{steps.w.exitCode}}", "Succeeded 0"),
    value(
        "the times of a step",
        "{{steps.w.startedAt}} {{steps.w.finishedAt}}",
        "2030-01-02T03:04:05Z 2030-01-02T03:04:07Z",
    ),
    value(
        "the outputs of a step",
        "{{steps.w.outputs.parameters.out}} {{steps.w.outputs.result}}",
        'o {"k":[1,2]}',
    ),
]
EXPRESSIONS = [
    value("{{=}} asInt", "{{=asInt(workflow.parameters.p) + 1}}", "6"),
    value("{{=}} asFloat", "{{=asFloat(workflow.parameters.p) / 2}}", "2.5"),
    value("{{=}} string", "{{=string(1 + 1) + 'x'}}", "2x"),
    value("{{=}} toJson", "{{=toJson([workflow.parameters.p, 1])}}", '["5",1]'),
    value("{{=}} jsonpath", "{{=jsonpath(steps.w.outputs.result, '$.k[1]')}}", "2"),
    value("{{=}} names with a hyphen", "{{=workflow.parameters['my-p']}}", "a b"),
    value("{{=}} choice", "{{=workflow.parameters.p == '5' ? 'five' : 'other'}}", "five"),
    value("{{=}} closures", "{{=toJson(map(filter(1..4, {# > 2}), {# * 10}))}}", "[30,40]"),
    value("{{=}} sprig texts", "{{=sprig.upper(sprig.trim(' ab '))}}", "AB"),
    value("{{=}} sprig lists", "{{=sprig.join('-', sprig.splitList(' ', 'a b'))}}", "a-b"),
    value("{{=}} sprig default", "{{=sprig.default('d', '')}}", "d"),
    value("{{=}} in and matches", "{{='a' in ['a'] && 'abc' matches '^a.c$'}}", "true"),
    Case(
        "{{=}} in when",
        flow(steps([call("a", when="{{=1 > 0}}"), call("b", when="{{=1 > 0 && false}}")]), AB),
        phases={"[0].a": OK, "[0].b": "Skipped"},
    ),
    Case(
        "{{=}} of a number that is none",
        flow(steps(call("a", given={"x": "{{=asInt('x')}}"})), A),
        phase="Failed",
        message="step a failed: {{=asInt('x')}}: asInt(): 'x' is no whole number",
    ),
    Case(
        "{{=}} of a name that is not there",
        flow(steps(call("a", given={"x": "{{=steps.nope.id}}"})), A),
        phase="Failed",
        message="step a failed: {{=steps.nope.id}}: cannot fetch 'id' from nil (?. instead of . "
        "asks for what may not be there)",
    ),
]


def inner(**outputs: Any) -> dict[str, Any]:
    return steps(call("w"), name="inner", outputs=outputs)


PARAMETERS = [
    Case(
        "numbers are plain (anystring.go UnmarshalJSON)",
        flow(
            steps(*(call(f"a{i}", "a", given={"x": x}) for i, x in enumerate([1.0, 1e-7, 2.50]))),
            A,
        ),
        args=["a 1", "a 0.0000001", "a 2.5"],
    ),
    Case(
        "defaults of inputs and of the workflow",
        flow(
            steps(call("a"), call("a2", "a", given={"y": "given"})),
            echo("a", inputs={})
            | {
                "inputs": {"parameters": [{"name": "y", "value": "{{workflow.parameters.p}}"}]},
                "container": {"image": "i", "command": ["x"], "args": ["{{inputs.parameters.y}}"]},
            },
            arguments={"parameters": [{"name": "p", "default": "d"}]},
        ),
        args=["d", "given"],
    ),
    Case(
        "a binding of the run wins",
        flow(
            steps(call("a", given={"x": "{{workflow.parameters.p}}"})),
            A,
            arguments={"parameters": [{"name": "p", "value": "v"}]},
        ),
        parameters={"p": "bound"},
        args=["a bound"],
    ),
    Case(
        "outputs of steps go up",
        flow(
            steps(call("i", "inner"), call("a", given={"x": "{{steps.i.outputs.parameters.y}}"})),
            inner(
                parameters=[
                    {"name": "y", "valueFrom": {"parameter": "{{steps.w.outputs.parameters.out}}"}}
                ]
            ),
            writes("w"),
            A,
        ),
        {"w": {"parameters": {"out": "up"}}},
        args=["w", "a up"],
        outputs={"[0].i": {"y": "up"}},
    ),
    Case(
        "an output from an expression",
        flow(
            inner(parameters=[{"name": "y", "valueFrom": {"expression": "steps.w.outputs.result"}}])
            | {"name": "main"},
            echo("w"),
        ),
        {"w": {"result": "r"}},
        outputs={"e1": {"y": "r"}},
    ),
    Case(
        "the default of an output of what was skipped",
        flow(
            steps(
                call("w", when="false"),
                outputs={
                    "parameters": [
                        {
                            "name": "y",
                            "valueFrom": {
                                "parameter": "{{steps.w.outputs.parameters.out}}",
                                "default": "none",
                            },
                        }
                    ]
                },
            ),
            writes("w"),
        ),
        outputs={"e1": {"y": "none"}},
    ),
    Case(
        "a global parameter",
        flow(
            steps(call("w"), call("a", given={"x": "{{workflow.outputs.parameters.shared}}"})),
            echo(
                "w",
                outputs={
                    "parameters": [
                        {"name": "o", "valueFrom": {"path": "/tmp/o"}, "globalName": "shared"}
                    ]
                },
            ),
            A,
        ),
        {"w": {"parameters": {"o": "all"}}},
        args=["w", "a all"],
    ),
    Case(
        "a global parameter of inner steps",
        flow(
            dag(
                call("i", "inner"),
                call("a", dependencies=["i"], given={"x": "{{workflow.outputs.parameters.g}}"}),
            ),
            inner(
                parameters=[
                    {
                        "name": "y",
                        "globalName": "g",
                        "valueFrom": {"parameter": "{{steps.w.outputs.parameters.out}}"},
                    }
                ]
            ),
            writes("w"),
            A,
        ),
        {"w": {"parameters": {"out": "deep"}}},
        args=["w", "a deep"],
    ),
]


def reads(**more: Any) -> dict[str, Any]:
    """A container that is told where its input artifact is."""
    artifact = {"name": "f", "path": "/in/f", **more}
    return {
        "name": "r",
        "inputs": {"artifacts": [artifact]},
        "container": {"image": "i", "command": ["x"], "args": ["{{inputs.artifacts.f.path}}"]},
    }


FROM = {"artifacts": [{"name": "f", "from": "{{steps.w.outputs.artifacts.file}}"}]}
FILE = {"w": {"artifacts": {"file": "/host/f"}}}
ARTIFACTS = [
    Case(
        "an artifact of a step",
        flow(steps(call("w"), call("r", arguments=FROM)), writes("w"), reads()),
        FILE,
        args=["w", "/in/f"],
    ),
    Case(
        "an artifact that is not there",
        flow(steps(call("w"), call("r", arguments=FROM)), writes("w"), reads()),
        {},
        "Failed",
        message="step r failed: artifact f: {{steps.w.outputs.artifacts.file}} is not there "
        "(optional: true beside from lets the step go without it)",
    ),
    Case(
        "an optional artifact that is not there",
        flow(
            steps(
                call("w"),
                call("r", arguments={"artifacts": [{**FROM["artifacts"][0], "optional": True}]}),
            ),
            writes("w"),
            reads(optional=True),
        ),
        args=["w", "/in/f"],
    ),
    Case(
        "an input that nobody binds",
        flow(reads()),
        {},
        "Error",
        message="input artifact f of template r is not bound",
    ),
    Case("an input that the run binds", flow(reads()), inputs={"f": "/host/x"}, args=["/in/f"]),
    Case(
        "an artifact chosen by an expression",
        flow(
            steps(
                [call("w", when="true"), call("v", "w", when="false")],
                outputs={
                    "artifacts": [
                        {
                            "name": "model",
                            "globalName": "model",
                            "fromExpression": "steps.v.status == 'Skipped' ? "
                            "steps.w.outputs.artifacts.file : "
                            "steps.v.outputs.artifacts.file",
                        }
                    ]
                },
            ),
            writes("w"),
        ),
        FILE,
        published=["model"],
    ),
    Case(
        "an artifact of all and a name of the workflow",
        flow(
            echo(
                "w",
                outputs={
                    "artifacts": [
                        {"name": "file", "path": "/f", "globalName": "m-{{workflow.name}}"}
                    ]
                },
            )
        ),
        FILE,
        published=["m-e1"],
    ),
    Case(
        "a global artifact as an input",
        flow(
            steps(
                call("w"),
                call(
                    "r",
                    arguments={
                        "artifacts": [{"name": "f", "from": "{{workflow.outputs.artifacts.g}}"}]
                    },
                ),
            ),
            echo("w", outputs={"artifacts": [{"name": "file", "path": "/f", "globalName": "g"}]}),
            reads(),
        ),
        FILE,
        args=["w", "/in/f"],
        published=["g"],
    ),
]
CASES = [*VARIABLES, *EXPRESSIONS, *PARAMETERS, *ARTIFACTS]
