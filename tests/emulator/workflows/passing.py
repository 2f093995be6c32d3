"""Workflows that are run for real, of what is handed on: values in templates, names, labels, files.
Each case names Argo's function or test that says so."""

from __future__ import annotations

from typing import Any

from tests.emulator.runner.runner_journal import script, shell
from tests.emulator.workflows.cases import call, dag, flow, steps
from tests.emulator.workflows.endings import GOT, X, got
from tests.emulator.workflows.programs import ERROR, OK, Program

ASKS: dict[str, Any] = {
    "env": [
        {"name": name, "valueFrom": {"fieldRef": {"fieldPath": f"metadata.{kind}['k']"}}}
        for name, kind in (("L", "labels"), ("A", "annotations"))
    ]
}
OF_A = {"name": "f", "from": "{{steps.a.outputs.artifacts.o}}"}


def arguments(**values: Any) -> dict[str, Any]:
    return {"parameters": [{"name": key, "value": value} for key, value in values.items()]}


def prints(text: str, **values: Any) -> dict[str, Any]:
    """A workflow of one container, with these arguments."""
    return flow(shell("main", f"echo '{text}'"), arguments=arguments(**values))


def wrapped(text: str) -> dict[str, Any]:
    """Steps whose step has the input ``m``, and prints a text that is no template of Argo's."""
    return flow(
        steps(call("a", given={"m": "hello"})),
        script("a", f"print('''{text}''')", inputs={"parameters": [{"name": "m"}]}),
    )


def through(line: str, taken: str, *, named: str = "/tmp/f", **output: Any) -> dict[str, Any]:
    """An output artifact of ``a``, which ``b`` takes."""
    return flow(
        steps(call("a"), call("b", arguments={"artifacts": [OF_A]})),
        shell("a", line, outputs={"artifacts": [{"name": "o", "path": "/tmp/o", **output}]}),
        shell("b", taken, inputs={"artifacts": [{"name": "f", "path": named}]}),
    )


VALUES = [
    Program(
        "TestInputParametersAsJson: all that is said of an input",
        flow(
            steps(call("a", given={"x": "1"})),
            shell(
                "a",
                "echo '{{inputs.parameters}}'",
                inputs={
                    "parameters": [
                        {"name": "x", "description": "d", "default": 5, "enum": ["1", 2]},
                        {"name": "y", "value": "<{{workflow.name}}>"},
                    ]
                },
            ),
        ),
        lines=(
            '[{"name":"x","default":"5","value":"1","enum":["1","2"],"description":"d"},'
            '{"name":"y","value":"\\u003ce1\\u003e"}]',
        ),
    ),
    Program(
        "setGlobalParameters: all that is said of the workflow's arguments",
        flow(
            shell("main", "echo '{{workflow.parameters}}'"),
            arguments={"parameters": [{"name": "p", "value": 1.50, "description": "d & e"}]},
        ),
        lines=('[{"name":"p","value":"1.5","description":"d \\u0026 e"}]',),
    ),
    Program(
        "SubstituteParams: a value that names another one",
        prints("{{workflow.parameters.q}}", p="a", q="{{workflow.parameters.p}}b"),
        lines=("ab",),
    ),
    Program(
        "SubstituteParams: also where a step has handed it on",
        flow(
            steps(call("a"), call("b", given={"x": "{{steps.a.outputs.result}}"})),
            script("a", "print('{' + '{workflow.name}' + '}')"),
            got(),
        ),
        lines=("got e1",),
    ),
    Program(
        "SubstituteParams: what is no name of the workflow stays in a value",
        prints("{{workflow.parameters.p}}", p="{{name}} {{item}} {{steps.a.id}}"),
        lines=("{{name}} {{item}} {{steps.a.id}}",),
    ),
    *(
        Program(f"TestNestedReplaceString: {text}", wrapped(text), lines=(said,))
        for text, said in [
            ('{{- with secret "{{inputs.parameters.m}}" -}}', '{{- with secret "hello" -}}'),
            ('{{- with {{ s "{{inputs.parameters.m}}" -}}', '{{- with {{ s "hello" -}}'),
            (
                '{{- with {{ {{ }} s "{{inputs.parameters.m}}" -}}',
                '{{- with {{ {{ }} s "hello" -}}',
            ),
            ('{{ if "{{ inputs.parameters.m }}" }}',) * 2,
            ("{{#each}}{{inputs.parameters.m}}{{/each}}", "{{#each}}hello{{/each}}"),
            ("{{{inputs.parameters.m}}}",) * 2,
        ]
    ),
    Program(
        "executeTemplate: steps.name is the name of the round",
        flow(steps(call("a", withItems=["p", "q"])), shell("a", "echo '{{steps.name}}'")),
        lines=("a(0:p)", "a(1:q)"),
    ),
    Program(
        "executeTemplate: so is tasks.name",
        flow(dag(call("a", withSequence={"count": 1})), shell("a", "echo '{{tasks.name}}'")),
        lines=("a(0:0)",),
    ),
    Program(
        "TestPodMetadata: labels and annotations of all pods",
        flow(
            shell("main", "echo $L $A", container=ASKS),
            podMetadata={"labels": {"k": "blue"}, "annotations": {"k": "of {{workflow.name}}"}},
        ),
        lines=("blue of e1",),
    ),
    Program(
        "addMetadata: those of the template go before them",
        flow(
            shell("main", "echo $L $A", metadata={"labels": {"k": "red"}}, container=ASKS),
            podMetadata={"labels": {"k": "blue"}, "annotations": {"k": "kept"}},
        ),
        lines=("red kept",),
    ),
    Program(
        "GetExitHook: onExit goes before hooks.exit",
        flow(
            shell("main", "true"),
            shell("x", "echo by onExit"),
            shell("y", "echo by hook"),
            onExit="x",
            hooks={"exit": {"template": "y"}},
        ),
        lines=("by onExit",),
        no_lines=("by hook",),
    ),
]

FILES = [
    Program(
        "saveArtifact: an empty folder is one",
        through("mkdir /tmp/o", "ls -d /tmp/f/ && ls -A /tmp/f | wc -l"),
        lines=("/tmp/f/", "0"),
    ),
    Program(
        "saveArtifact: an empty file is one",
        through(": > /tmp/o", "stat -c %s /tmp/f"),
        lines=("0",),
    ),
    Program(
        "SaveParameters: a folder is no parameter",
        flow(
            shell(
                "main",
                "mkdir /tmp/o",
                outputs={"parameters": [{"name": "o", "valueFrom": {"path": "/tmp/o"}}]},
            )
        ),
        "DEAD",
        {"e1": ERROR},
    ),
    Program(
        "SaveParameters: one newline is taken away, not two",
        flow(
            shell(
                "main",
                "printf 'a\\n\\n' > /tmp/o",
                outputs={"parameters": [{"name": "o", "valueFrom": {"path": "/tmp/o"}}]},
            )
        ),
        outputs={"e1": {"o": "a\n"}},
    ),
    Program(
        "TestOptionalArgumentUseSubPathInLoop: a part of a folder for every item",
        flow(
            steps(
                call("a"),
                call(
                    "b",
                    withItems=["x", "y"],
                    arguments={"artifacts": [{**OF_A, "subPath": "{{item}}.txt"}]},
                ),
            ),
            shell(
                "a",
                "mkdir -p /tmp/o; echo 1 > /tmp/o/x.txt; echo 2 > /tmp/o/y.txt",
                outputs={"artifacts": [{"name": "o", "path": "/tmp/o", "archive": {"none": {}}}]},
            ),
            shell("b", "cat /tmp/f", inputs={"artifacts": [{"name": "f", "path": "/tmp/f"}]}),
        ),
        lines=("1", "2"),
    ),
    Program(
        "TestResolveIOPathPlaceholders: a path with the name of the pod",
        flow(
            shell(
                "main",
                "echo hi > {{outputs.parameters.o.path}}",
                outputs={"parameters": [{"name": "o", "valueFrom": {"path": "/tmp/{{pod.name}}"}}]},
            )
        ),
        phases={"e1": OK},
        outputs={"e1": {"o": "hi"}},
    ),
    Program(
        "TestAddGlobalParamToScope: a global name for every item",
        flow(
            steps(call("a", withItems=[1, 2], given={"x": "{{item}}"}), call("b")),
            shell(
                "a",
                f"{GOT} > /tmp/o",
                outputs={
                    "parameters": [
                        {
                            "name": "o",
                            "globalName": "g-{{inputs.parameters.x}}",
                            "valueFrom": {"path": "/tmp/o"},
                        }
                    ]
                },
                **X,
            ),
            shell(
                "b",
                "echo {{workflow.outputs.parameters.g-1}}, {{workflow.outputs.parameters.g-2}}",
            ),
        ),
        lines=("got 1, got 2",),
    ),
    Program(
        "CaptureScriptResult: the last 256 kB",
        flow(
            steps(call("a"), call("b", given={"x": "{{=len(steps.a.outputs.result)}}"})),
            script("a", "print('x' * 300000)"),
            got(),
        ),
        lines=("got 262144",),
    ),
]
CASES = [*VALUES, *FILES]
