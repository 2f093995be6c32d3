"""Workflows that are run for real: template in, phases, outputs and log lines out. Each case names
Argo's function, test, example or page that says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.emulator.runner.runner_journal import script, shell, workflow
from tests.emulator.workflows.cases import call, dag, steps

OK, FAILED, ERROR = "Succeeded", "Failed", "Error"
NONE: dict[str, Any] = {"archive": {"none": {}}}


@dataclass(frozen=True)
class Program:
    """``phases`` by node name, ``outputs``: node name -> its parameters, ``lines`` of the log, some
    that are there and some that are not. None is not looked at."""

    name: str
    document: Mapping[str, Any]
    status: str = "COMPLETED"
    phases: Mapping[str, str] | None = None
    lines: tuple[str, ...] = ()
    no_lines: tuple[str, ...] = ()
    message: str = ""
    messages: Mapping[str, str] | None = None
    outputs: Mapping[str, Mapping[str, str]] | None = None


def member(name: str, text: str, *dependencies: str, **more: Any) -> dict[str, Any]:
    """A container of a set that runs a line of shell."""
    found = {"name": name, "image": "img", "command": ["sh", "-c"], "args": [text], **more}
    return found | ({"dependencies": list(dependencies)} if dependencies else {})


def container_set(*members: Any, name: str = "main", **more: Any) -> dict[str, Any]:
    """A template of one; all share /workspace. ``retry`` is the set's own strategy."""
    own: dict[str, Any] = {
        "containers": list(members),
        "volumeMounts": [{"name": "work", "mountPath": "/workspace"}],
    }
    if "retry" in more:
        own["retryStrategy"] = more.pop("retry")
    volumes = [{"name": "work", "emptyDir": {}}]
    return {"name": name, "containerSet": own, "volumes": volumes, **more}


def ended(**phases: str) -> dict[str, str]:
    """The phases of the containers of a set that is the whole workflow."""
    whole = FAILED if set(phases.values()) - {OK} else OK
    return {"e1": whole} | {f"e1.{name}": phase for name, phase in phases.items()}


OUT = {"parameters": [{"name": "out", "valueFrom": {"path": "/workspace/out"}}]}
COUNT = (
    "n=$(cat /workspace/n 2>/dev/null || echo 0); n=$((n+1)); echo $n > /workspace/n; echo try $n"
)

SETS = [
    Program(
        "examples/container-set-template/sequence-workflow",
        workflow(
            container_set(
                member("a", "echo a >> /workspace/log"),
                member("b", "echo b >> /workspace/log", "a"),
                member("main", "echo c >> /workspace/log; tr '\\n' - < /workspace/log; echo", "b"),
            )
        ),
        phases=ended(a=OK, b=OK, main=OK),
        lines=("a-b-c-",),
    ),
    Program(
        "examples/container-set-template/graph-workflow",
        workflow(
            container_set(
                member("a", "echo > /workspace/a"),
                member("b", "test -e /workspace/a && echo > /workspace/b", "a"),
                member("c", "test -e /workspace/a && echo > /workspace/c", "a"),
                member("d", "test -e /workspace/b && test -e /workspace/c", "b", "c"),
            )
        ),
        phases=ended(a=OK, b=OK, c=OK, d=OK),
    ),
    Program(
        "examples/container-set-template/parallel-workflow: each waits for a file of the other",
        workflow(
            container_set(
                member("a", "echo > /workspace/a; until test -e /workspace/b; do sleep 0.05; done"),
                member("b", "echo > /workspace/b; until test -e /workspace/a; do sleep 0.05; done"),
            )
        ),
        phases=ended(a=OK, b=OK),
    ),
    Program(
        "examples/container-set-template/workspace-workflow: outputs of a volume",
        workflow(
            container_set(
                member("a", "echo hi > /workspace/out"),
                member("main", "true"),
                outputs={**OUT, "artifacts": [{"name": "out", "path": "/workspace/out", **NONE}]},
            )
        ),
        outputs={"e1": {"out": "hi"}},
    ),
    Program(
        "examples/container-set-template/outputs-result-workflow: of main alone",
        workflow(
            dag(
                call("a", "group"),
                call("b", given={"x": "{{tasks.a.outputs.result}}"}, dependencies=["a"]),
            ),
            container_set(
                member("main", "echo hi", "other"), member("other", "echo no"), name="group"
            ),
            shell(
                "b",
                "echo got {{inputs.parameters.x}}",
                inputs={"parameters": [{"name": "x"}]},
            ),
        ),
        phases={"e1.a": OK, "e1.a.main": OK, "e1.a.other": OK, "e1.b": OK},
        lines=("got hi",),
    ),
    Program(
        "docs/container-set-template: main after two others",
        workflow(
            container_set(
                member("a", "echo 'a: hello' >> /workspace/out"),
                member("b", "echo 'b: hello' >> /workspace/out", "a"),
                member("main", "echo 'main: hello' >> /workspace/out", "a", "b"),
                outputs=OUT,
            )
        ),
        outputs={"e1": {"out": "a: hello\nb: hello\nmain: hello"}},
    ),
    Program(
        "emissary.go: what waits for a failed container does not run",
        workflow(
            container_set(
                member("a", "exit 3"),
                member("b", "echo ran > /workspace/b", "a"),
                member("main", "echo main ran", "b"),
            )
        ),
        "DEAD",
        ended(a=FAILED, b=ERROR, main=ERROR),
        no_lines=("main ran",),
        message="container a: Error (exit code 3)",
        messages={
            "e1.b": 'Error (exit code 64): dependency "a" exited with non-zero code: 3',
            "e1.main": 'Error (exit code 64): dependency "b" exited with non-zero code: 64',
        },
    ),
    Program(
        "inferFailedReason: one of many fails the pod, the others run to their ends",
        workflow(
            container_set(
                member("a", "exit 2"), member("main", "sleep 0.2; echo main ran"), outputs={}
            )
        ),
        "DEAD",
        ended(a=FAILED, main=OK),
        lines=("main ran",),
        message="container a: Error (exit code 2)",
    ),
    Program(
        "operator.go: a container that ends with 64 is an error",
        workflow(container_set(member("main", "exit 64"))),
        "DEAD",
        ended(main=ERROR),
    ),
    Program(
        "TestContainerSetRetrySuccess: a container is tried again in its place",
        workflow(
            container_set(
                member("main", f"{COUNT}; test $n = 2"), retry={"retries": "3", "duration": "10ms"}
            )
        ),
        phases=ended(main=OK),
        lines=("try 1", "try 2"),
        no_lines=("try 3",),
    ),
    Program(
        "GetRetryStrategy: retries are all tries, as client-go counts its steps",
        workflow(container_set(member("main", f"{COUNT}; exit 1"), retry={"retries": 2})),
        "DEAD",
        ended(main=FAILED),
        lines=("try 1", "try 2"),
        no_lines=("try 3",),
    ),
    Program(
        "TestContainerSetRetryFail: one without retries is tried once",
        workflow(container_set(member("main", f"{COUNT}; exit 1"))),
        "DEAD",
        ended(main=FAILED),
        lines=("try 1",),
        no_lines=("try 2",),
    ),
    Program(
        "emissary.go: what waits, waits for the last try",
        workflow(
            container_set(
                member("a", f"{COUNT}; test $n = 3"),
                member("main", "echo after $(cat /workspace/n)", "a"),
                retry={"retries": 5},
            )
        ),
        phases=ended(a=OK, main=OK),
        lines=("after 3",),
    ),
    Program(
        "TestWorkflowTemplateWithRetryStrategyInContainerSet: beside that of the template",
        workflow(
            container_set(
                member("main", "exit 1"), retry={"retries": 1}, retryStrategy={"limit": 1}
            )
        ),
        "DEAD",
        {
            "e1": FAILED,
            "e1(0)": FAILED,
            "e1(1)": FAILED,
            "e1(0).main": FAILED,
            "e1(1).main": FAILED,
        },
    ),
    Program(
        "TestContainerSetTemplateWithInputArtifacts: beside the program and in the volume",
        workflow(
            container_set(
                member("a", "cat /workspace/two"),
                member(
                    "main", "cat /in/one /workspace/two > /workspace/out; cat /workspace/out", "a"
                ),
                inputs={
                    "artifacts": [
                        {"name": "one", "path": "/in/one", "raw": {"data": "first\n"}},
                        {"name": "two", "path": "/workspace/two", "raw": {"data": "second\n"}},
                    ]
                },
                outputs=OUT,
            )
        ),
        lines=("first", "second"),
        outputs={"e1": {"out": "first\nsecond"}},
    ),
    Program(
        "TestContainerSetTemplateWithOutputArtifacts: of main's own files",
        workflow(
            container_set(
                member("main", "mkdir -p /out; echo own > /out/f"),
                outputs={"parameters": [{"name": "f", "valueFrom": {"path": "/out/f"}}]},
            )
        ),
        outputs={"e1": {"f": "own"}},
    ),
    Program(
        "docs/container-set-template: files outside of volumes are each container's own",
        workflow(
            container_set(
                member("a", "echo > /tmp/private"),
                member("main", "test -e /tmp/private || echo not here", "a"),
            )
        ),
        lines=("not here",),
    ),
    Program(
        "TestDagTwoChildrenContainerSet: two of them in a dag, parameters in their arguments",
        workflow(
            dag(
                call("a", "group", given={"x": "one"}),
                call("b", "group", given={"x": "two"}, dependencies=["a"]),
            ),
            container_set(
                member("main", "echo {{inputs.parameters.x}}"),
                name="group",
                inputs={"parameters": [{"name": "x"}]},
            ),
        ),
        phases={"e1.a.main": OK, "e1.b.main": OK},
        lines=("one", "two"),
    ),
    Program(
        "activeDeadlineSeconds holds for all containers of a set",
        workflow(
            container_set(member("main", "sleep 60"), member("b", "sleep 60"))
            | {"activeDeadlineSeconds": 1}
        ),
        "DEAD",
        ended(main=FAILED, b=FAILED),
        message="longer than the specified deadline",
    ),
    Program(
        "env, mounts and working directory of a container of a set",
        workflow(
            container_set(
                member("a", "echo $WORD > /workspace/w", env=[{"name": "WORD", "value": "said"}]),
                member("main", "echo $(pwd) $(cat w)", "a", workingDir="/workspace"),
            )
        ),
        lines=("/workspace said",),
    ),
]
REFUSED = [
    (
        container_set(member("a", "true"), outputs=OUT),
        'containerSet.containers: must have a container named "main" for input or output',
    ),
    (container_set(member("a", "true", "b")), "containers[0]: dependency 'b' not defined"),
    (container_set(member("a", "true", "b"), member("b", "true", "a")), "wait for each other"),
    (container_set(member("a", "true"), member("a", "true")), "containers[1].name: 'a' is no name"),
    (container_set(member("wait", "true")), "containers[0].name: 'wait' is no name"),
    (container_set(), "containerSet.containers: must have at least one container"),
    (container_set(member("a", "true"), retry={"retries": "x"}), "retries: must be a whole number"),
    (container_set(member("a", "true"), retry={"duration": "x"}), "retryStrategy.duration: 'x' is"),
    (container_set({"name": "a", "image": "img"}), "containers[0].command: is missing"),
    (
        container_set(member("a", "true", volumeMounts=[{"name": "x", "mountPath": "/x"}])),
        "containers[0].volumeMounts[0].name: no volume 'x' is declared",
    ),
    (container_set(member("a", "true")) | {"parallelism": 2}, "parallelism: only in steps and dag"),
]


def inline(name: str, template: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A step or task with its template in it; ``given`` are parameters."""
    found = call(name, "x", **more)
    body = {key: value for key, value in template.items() if key != "name"}
    return {key: value for key, value in found.items() if key != "template"} | {"inline": body}


def takes(name: str, text: str, *parameters: Any, **more: Any) -> dict[str, Any]:
    """A container with input parameters, by name or as they are."""
    listed = [{"name": item} if isinstance(item, str) else item for item in parameters]
    return shell(name, text, inputs={"parameters": listed}, **more)


def artifact(name: str, path: str = "", **more: Any) -> dict[str, Any]:
    return {"name": name, **({"path": path} if path else {}), **more}


def reads(name: str, path: str, text: str, **more: Any) -> dict[str, Any]:
    """A container with one input artifact."""
    return shell(name, text, inputs={"artifacts": [artifact(name[:1], path, **more)]})


SAYS = "echo {{inputs.parameters.x}}"
INLINE = [
    Program(
        "examples/dag-inline-workflow",
        workflow(dag(inline("a", shell("", "echo in the dag")))),
        phases={"e1": OK, "e1.a": OK},
        lines=("in the dag",),
    ),
    Program(
        "examples/steps-inline-workflow",
        workflow(steps(inline("a", shell("", "echo in the steps")))),
        phases={"e1[0].a": OK},
        lines=("in the steps",),
    ),
    Program(
        "TestInlineDAG: an input with a value of its own",
        workflow(dag(inline("a", takes("", SAYS, {"name": "x", "value": "bar"})))),
        lines=("bar",),
    ),
    Program(
        "TestInlineSteps: and in steps",
        workflow(steps(inline("a", takes("", SAYS, {"name": "x", "value": "foo"})))),
        lines=("foo",),
    ),
    Program(
        "TestCallTemplateWithInlineSteps: a template with inline steps, called in a loop",
        workflow(
            steps(call("each", "inner", given={"x": "{{item}}"}, withItems=["foo", "bar"])),
            steps(
                [
                    inline(n, takes("", f"{SAYS} {n}", "x"), given={"x": "{{inputs.parameters.x}}"})
                    for n in ("a", "b")
                ],
                name="inner",
                inputs={"parameters": [{"name": "x"}]},
            ),
        ),
        lines=("foo a", "foo b", "bar a", "bar b"),
    ),
    Program(
        "TestCallTemplateWithInlineDAG: and with a dag",
        workflow(
            dag(call("each", "inner", given={"x": "{{item}}"}, withItems=["foo", "bar"])),
            dag(
                inline("a", takes("", f"{SAYS} a", "x"), given={"x": "{{inputs.parameters.x}}"}),
                name="inner",
                inputs={"parameters": [{"name": "x"}]},
            ),
        ),
        lines=("foo a", "bar a"),
    ),
    Program(
        "an inline template knows what is known where it stands",
        workflow(
            steps(call("a", "says"), inline("b", shell("", "echo got {{steps.a.outputs.result}}"))),
            shell("says", "echo word"),
        ),
        lines=("got word",),
    ),
    Program(
        "an inline template in a loop knows its item",
        workflow(dag(inline("a", shell("", "echo item {{item}}"), withItems=[1, 2]))),
        lines=("item 1", "item 2"),
    ),
    Program(
        "an inline script",
        workflow(steps(inline("a", script("", "print('by python')")))),
        lines=("by python",),
    ),
    Program(
        "outputs of an inline template",
        workflow(
            dag(
                inline(
                    "a",
                    shell(
                        "",
                        "echo v > /tmp/v",
                        outputs={"parameters": [{"name": "v", "valueFrom": {"path": "/tmp/v"}}]},
                    ),
                ),
                call(
                    "b",
                    given={"x": "{{tasks.a.outputs.parameters.v}}"},
                    dependencies=["a"],
                ),
            ),
            takes("b", f"{SAYS}!", "x"),
        ),
        lines=("v!",),
    ),
    Program(
        "an inline set of containers",
        workflow(steps(inline("a", container_set(member("main", "echo set"))))),
        phases={"e1[0].a.main": OK},
        lines=("set",),
    ),
    Program(
        "an inline template with a retryStrategy",
        workflow(
            steps(inline("a", shell("", "exit {{retries}}", retryStrategy={"limit": 1}) | {})),
        ),
        phases={"e1[0].a": OK, "e1[0].a(0)": OK},
    ),
    Program(
        "a dag inline in steps",
        workflow(
            steps(inline("a", dag(call("x", "leaf"))), call("y", "leaf")), shell("leaf", "true")
        ),
        phases={"e1[0].a": OK, "e1[0].a.x": OK, "e1[1].y": OK},
    ),
    Program(
        "mergedTemplateDefaultsInto: templateDefaults hold for inline ones",
        workflow(
            steps(inline("a", shell("", "exit 1"))),
            templateDefaults={"retryStrategy": {"limit": 1}},
        ),
        "DEAD",
        {"e1(0)[0].a(0)": FAILED, "e1(0)[0].a(1)": FAILED},
    ),
]
TWO = {"artifacts": [artifact("f", raw={"data": "from the workflow\n"})]}
ARTIFACTS = [
    Program(
        "examples/arguments-artifacts: what the workflow's arguments bring along",
        workflow(reads("f", "/in/f", "cat /in/f"), arguments=TWO),
        lines=("from the workflow",),
    ),
    Program(
        "examples/artifact-path-placeholders: and their paths",
        workflow(
            shell(
                "main",
                "mkdir -p $(dirname {{outputs.artifacts.o.path}}); "
                "tee {{outputs.artifacts.o.path}} < {{inputs.artifacts.f.path}}",
                inputs={"artifacts": [artifact("f", "/inputs/text/data")]},
                outputs={"artifacts": [artifact("o", "/outputs/text/data")]},
            ),
            arguments=TWO,
        ),
        lines=("from the workflow",),
    ),
    Program(
        "artifacts of the arguments may have tags",
        workflow(
            reads("f", "/in/f", "cat /in/f"),
            arguments={
                "parameters": [{"name": "who", "value": "world"}],
                "artifacts": [artifact("f", raw={"data": "hello {{workflow.parameters.who}}"})],
            },
        ),
        lines=("hello world",),
    ),
    Program(
        "examples/key-only-artifact",
        workflow(
            dag(call("generate"), call("consume", depends="generate")),
            shell(
                "generate",
                "echo hello > /mnt/file",
                outputs={"artifacts": [artifact("f", "/mnt/file", s3={"key": "my-file"})]},
            ),
            reads("consume", "/tmp/file", "cat /tmp/file", s3={"key": "my-file"}),
        ),
        lines=("hello",),
    ),
    Program(
        "docs/key-only-artifacts: a key with tags, given by a task",
        workflow(
            dag(
                call("generate"),
                call(
                    "consume",
                    depends="generate",
                    arguments={"artifacts": [artifact("c", s3={"key": "{{workflow.name}}/out"})]},
                ),
            ),
            shell(
                "generate",
                "echo hello > /tmp/f",
                outputs={
                    "artifacts": [artifact("f", "/tmp/f", s3={"key": "{{workflow.name}}/out"})]
                },
            ),
            reads("consume", "/tmp/file", "cat /tmp/file"),
        ),
        lines=("hello",),
    ),
    Program(
        "examples/map-reduce: single files of a folder that another task has stored",
        workflow(
            dag(
                call("split"),
                call(
                    "map",
                    withItems=[0, 1],
                    depends="split",
                    arguments={"artifacts": [artifact("m", s3={"key": "parts/{{item}}.txt"})]},
                ),
            ),
            script(
                "split",
                "import os\nos.mkdir('/mnt/out')\n"
                "for n in (0, 1): open(f'/mnt/out/{n}.txt', 'w').write(f'part {n}')",
                outputs={"artifacts": [artifact("p", "/mnt/out", s3={"key": "parts"}, **NONE)]},
            ),
            reads("map", "/mnt/in/part.txt", "cat /mnt/in/part.txt"),
        ),
        lines=("part 0", "part 1"),
    ),
    Program(
        "a key under which there is nothing",
        workflow(reads("main", "/tmp/file", "true", s3={"key": "no-such"})),
        "DEAD",
        message="there is no no-such in the object store called default",
    ),
    Program(
        "and an optional one",
        workflow(
            reads("main", "/tmp/f", "test -e /tmp/f || echo none", s3={"key": "n"}, optional=True)
        ),
        lines=("none",),
    ),
    Program(
        "TestDagOptionalInputArtifacts: of a task that was skipped, whose taker can do without",
        workflow(
            dag(
                call("a", when="false"),
                call(
                    "b",
                    dependencies=["a"],
                    arguments={
                        "artifacts": [
                            artifact(
                                "b", optional=True, **{"from": "{{tasks.a.outputs.artifacts.o}}"}
                            )
                        ]
                    },
                ),
            ),
            shell("a", "true", outputs={"artifacts": [artifact("o", "/tmp/o")]}),
            reads("b", "/tmp/f", "test -e /tmp/f || echo none", optional=True),
        ),
        phases={"e1.a": "Skipped", "e1.b": OK},
        lines=("none",),
    ),
    Program(
        "TestOptionalArgumentAndParameter: the same in steps",
        workflow(
            steps(
                call("a", when="false"),
                call(
                    "b",
                    arguments={
                        "artifacts": [
                            artifact(
                                "b", optional=True, **{"from": "{{steps.a.outputs.artifacts.o}}"}
                            )
                        ]
                    },
                ),
            ),
            shell("a", "true", outputs={"artifacts": [artifact("o", "/tmp/o")]}),
            reads("b", "/tmp/f", "test -e /tmp/f || echo none", optional=True),
        ),
        lines=("none",),
    ),
    Program(
        "optional inputs of an inner template that nobody binds",
        workflow(
            dag(call("x", "inner")),
            dag(
                call(
                    "b",
                    arguments={
                        "artifacts": [
                            artifact("b", optional=True, **{"from": "{{inputs.artifacts.i}}"})
                        ]
                    },
                ),
                name="inner",
                inputs={"artifacts": [artifact("i", optional=True)]},
            ),
            reads("b", "/tmp/f", "test -e /tmp/f || echo none", optional=True),
        ),
        lines=("none",),
    ),
    Program(
        "TestNestedOptionalOutputArtifacts: an optional output that is not there, handed up",
        workflow(
            steps(call("x", "inner"), call("b")),
            steps(
                call("a"),
                name="inner",
                outputs={
                    "artifacts": [
                        artifact("o", optional=True, **{"from": "{{steps.a.outputs.artifacts.o}}"})
                    ]
                },
            ),
            shell("a", "true", outputs={"artifacts": [artifact("o", "/tmp/o", optional=True)]}),
            shell("b", "echo went on"),
        ),
        lines=("went on",),
    ),
]
FILES = [
    Program(
        "examples/artifact-disable-archive: an output path that the image has already",
        workflow(
            steps(
                call("a"),
                call(
                    "b",
                    arguments={
                        "artifacts": [
                            artifact("b", **{"from": "{{steps.a.outputs.artifacts.etc}}"})
                        ]
                    },
                ),
            ),
            shell("a", "true", outputs={"artifacts": [artifact("etc", "/etc", **NONE)]}),
            reads("b", "/tmp/etc", "test -e /tmp/etc/passwd && echo there"),
        ),
        lines=("there",),
    ),
    Program(
        "an output parameter that not even the image has takes its default",
        workflow(
            shell(
                "main",
                "true",
                outputs={
                    "parameters": [
                        {"name": "o", "valueFrom": {"path": "/etc/shells-none", "default": "no"}}
                    ]
                },
            )
        ),
        outputs={"e1": {"o": "no"}},
    ),
    Program(
        "a program may change what the image has at an output path",
        workflow(
            shell(
                "main",
                "echo changed > /etc/passwd",
                outputs={"parameters": [{"name": "o", "valueFrom": {"path": "/etc/passwd"}}]},
            )
        ),
        outputs={"e1": {"o": "changed"}},
    ),
    Program(
        "examples/map-reduce: the folder of an output that the program makes itself",
        workflow(
            script(
                "main",
                "import os\nos.mkdir('/mnt/out')\nopen('/mnt/out/part.json', 'w').write('7')",
                outputs={
                    "parameters": [{"name": "o", "valueFrom": {"path": "/mnt/out/part.json"}}]
                },
            )
        ),
        outputs={"e1": {"o": "7"}},
    ),
    Program(
        "an output artifact without a suffix may be a file",
        workflow(
            shell(
                "main",
                "echo hello > /mnt/file; cat /mnt/file",
                outputs={"artifacts": [artifact("f", "/mnt/file")]},
            )
        ),
        lines=("hello",),
    ),
    Program(
        "an image for SAP AI Core brings the folder of its output",
        workflow(
            shell(
                "main",
                "echo weights > /app/model/w; cat /app/model/w",
                outputs={"artifacts": [artifact("m", "/app/model", **NONE)]},
            )
        ),
        lines=("weights",),
    ),
    Program(
        "the default working directory is writable",
        workflow(shell("main", "echo text > here.txt; cat here.txt")),
        lines=("text",),
    ),
    Program(
        "so is one that is named, also where this machine has programs",
        workflow(
            shell(
                "main", "echo text > h.txt; cat h.txt; pwd", container={"workingDir": "/usr/local"}
            )
        ),
        lines=("text", "/usr/local"),
    ),
    Program(
        "executeScript: the staged script may be executed",
        workflow(
            script("main", "#!/bin/sh\necho $0 ran")
            | {
                "script": {
                    "image": "img",
                    "command": ["sh", "-c"],
                    "args": ["$0"],
                    "source": "#!/bin/sh\necho ran",
                }
            }
        ),
        lines=("ran",),
    ),
    Program(
        "executeScript: its path is the last argument",
        workflow(
            {
                "name": "main",
                "script": {
                    "image": "img",
                    "command": ["sh", "-c", 'echo "$@"', "sh"],
                    "args": ["one"],
                    "source": "text",
                },
            }
        ),
        lines=("one /argo/staging/script",),
    ),
    Program(
        "executeScript: without a source there is no path",
        workflow(
            {
                "name": "main",
                "script": {
                    "image": "img",
                    "command": ["sh", "-c", 'echo "args: $@"', "sh"],
                    "args": ["one"],
                    "source": "",
                },
            }
        ),
        lines=("args: one",),
    ),
    Program(
        "executeScript: nor where the source comes to nothing",
        workflow(
            {
                "name": "main",
                "script": {
                    "image": "img",
                    "command": ["sh", "-c", 'echo "args: $@"', "sh"],
                    "source": "{{workflow.parameters.code}}",
                },
            },
            arguments={"parameters": [{"name": "code", "value": ""}]},
        ),
        lines=("args: ",),
    ),
    Program(
        "examples/retry-container-to-completion: without a limit until it succeeds",
        workflow(
            shell("main", "test {{retries}} = 3", retryStrategy={}),
        ),
        phases={"e1": OK, "e1(0)": FAILED, "e1(3)": OK},
    ),
]
CASES = [*SETS, *INLINE, *ARTIFACTS, *FILES]


def three(of_template: Mapping[str, Any], text: str = "true", **limits: Any) -> dict[str, Any]:
    """Three steps side by side, under limits of the template and of the workflow."""
    group = [call("a", "x"), call("b", "x"), call("c", "x")]
    return workflow(steps(group) | dict(of_template), shell("x", text), **limits)


LIMITS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"parallelism": 1}, {}),
    ({}, {"parallelism": 1}),
    ({"parallelism": 1}, {"parallelism": 1}),
]


def field(name: str, path: str) -> dict[str, Any]:
    return {"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}}


LABELLED = workflow(
    shell(
        "main",
        "echo $COLOUR $RUN $OTHER",
        container={
            "env": [
                field("COLOUR", "metadata.labels['colour']"),
                field("RUN", "metadata.annotations['run']"),
                field("OTHER", "metadata.annotations['other']"),
            ]
        },
        metadata={
            "labels": {"colour": "{{workflow.parameters.colour}}"},
            "annotations": {"run": "{{workflow.name}}", "other": "{{other}}"},
        },
    ),
    arguments={"parameters": [{"name": "colour", "value": "blue"}]},
)
